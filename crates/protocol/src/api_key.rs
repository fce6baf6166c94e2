//! The APIs, their versions, and what depends on them: the table in `lib.rs` becomes code here.

use std::fmt;

use crate::ApiKey;

/// One row of the [API table](crate::API_TABLE).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Api {
    /// Which API.
    pub key: ApiKey,
    /// The oldest version that this crate encodes and decodes.
    pub min_version: i16,
    /// The newest one.
    pub max_version: i16,
    /// The first version with compact lengths and tagged fields (KIP-482).
    pub first_flexible_version: i16,
}

impl ApiKey {
    /// The number on the wire.
    pub const fn code(self) -> i16 {
        self as i16
    }

    /// Whether this crate encodes and decodes `version`.
    pub fn supports(self, version: i16) -> bool {
        let api = self.api();
        (api.min_version..=api.max_version).contains(&version)
    }

    /// The oldest version to name in an ApiVersions answer.
    ///
    /// It is the oldest supported one but for Produce: librdkafka takes a broker without Produce 0 for one that cannot
    /// handle compression and sends plain batches, so Kafka names 0 to 2 although it refuses them (KAFKA-18659).
    pub fn advertised_min_version(self) -> i16 {
        match self {
            ApiKey::Produce => 0,
            _ => self.api().min_version,
        }
    }

    /// Whether `version` has compact lengths and tagged fields.
    pub fn is_flexible(self, version: i16) -> bool {
        version >= self.api().first_flexible_version
    }

    /// The version of the header of requests: 2 has tagged fields.
    pub fn request_header_version(self, version: i16) -> i16 {
        if self.is_flexible(version) { 2 } else { 1 }
    }

    /// The version of the header of responses: 1 has tagged fields. That of ApiVersions is always 0, as the client
    /// does not know yet what the broker speaks (KIP-511).
    pub fn response_header_version(self, version: i16) -> i16 {
        if self.is_flexible(version) && self != ApiKey::ApiVersions { 1 } else { 0 }
    }
}

impl fmt::Display for ApiKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

/// The number is not that of an API which this crate speaks.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("no API with key {0}")]
pub struct UnknownApiKey(pub i16);

impl TryFrom<i16> for ApiKey {
    type Error = UnknownApiKey;

    fn try_from(code: i16) -> Result<ApiKey, UnknownApiKey> {
        ApiKey::ALL.iter().find(|key| key.code() == code).copied().ok_or(UnknownApiKey(code))
    }
}

/// Makes [`ApiKey`], [`API_TABLE`](crate::API_TABLE) and [`Request`](crate::Request) of the rows in `lib.rs`.
macro_rules! api_table {
    ($($code:literal $api:ident $min:literal - $max:literal flexible $flexible:literal $request:ty;)+) => {
        /// The APIs that this crate speaks, by their numbers (`org.apache.kafka.common.protocol.ApiKeys`).
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        #[non_exhaustive]
        #[repr(i16)]
        pub enum ApiKey {
            $(
                #[doc = concat!(stringify!($api), ", versions ", $min, " to ", $max, ".")]
                $api = $code,
            )+
        }

        /// Every API with its versions, in the order of the keys.
        pub const API_TABLE: &[Api] = &[$(ApiKey::$api.api()),+];

        impl ApiKey {
            /// Every API, in the order of the keys.
            pub const ALL: &[ApiKey] = &[$(ApiKey::$api),+];

            /// The row of this API.
            pub const fn api(self) -> Api {
                match self {
                    $(ApiKey::$api => Api {
                        key: self,
                        min_version: $min,
                        max_version: $max,
                        first_flexible_version: $flexible,
                    },)+
                }
            }

            /// The name in Kafka's documentation.
            pub const fn name(self) -> &'static str {
                match self {
                    $(ApiKey::$api => stringify!($api),)+
                }
            }
        }

        /// A decoded request, a view into its frame.
        #[derive(Clone, Copy, Debug, PartialEq)]
        #[non_exhaustive]
        pub enum Request<'a> {
            $(
                #[doc = stringify!($api)]
                $api($request),
            )+
        }

        impl<'a> Request<'a> {
            fn decode(api_key: ApiKey, reader: &mut wire::Reader<'a>, version: i16)
            -> Result<Request<'a>, ProtocolError> {
                match api_key {
                    $(ApiKey::$api => wire::Decode::decode(reader, version).map(Request::$api),)+
                }
            }
        }
    };
}
pub(crate) use api_table;

//! ApiVersions: what the broker speaks. The first request of nearly every client.
//!
//! | version | change |
//! | --- | --- |
//! | 1 | `throttle_time_ms` in the response |
//! | 3 | flexible; the client's name and version; features (KIP-511, KIP-584) |
//! | 4 | features may begin at version 0 (KAFKA-17011) |
//! | 5 | the cluster and node that the client means to reach (KIP-1242) |
//!
//! The header of the response is not flexible in any version.

use std::borrow::Cow;

use crate::wire::{Decode, Encode, Reader, Writer};
use crate::{ApiKey, ErrorCode, Message, ProtocolError, ResponseHeader};

/// Who is asking.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Request<'a> {
    /// From version 3: the name of the client's software.
    pub client_software_name: &'a str,
    /// From version 3: its version.
    pub client_software_version: &'a str,
    /// From version 5: the cluster that the client means to reach, if it knows.
    pub cluster_id: Option<&'a str>,
    /// From version 5: the broker that the client means to reach, or -1.
    pub node_id: i32,
}

/// What the broker speaks.
#[derive(Clone, Debug, PartialEq)]
pub struct Response<'a> {
    /// What went wrong.
    pub error_code: ErrorCode,
    /// The APIs and their versions.
    pub api_keys: Vec<ApiVersion>,
    /// From version 1: how long the client is asked to pause.
    pub throttle_time_ms: i32,
    /// From version 3: the features that the broker can have.
    pub supported_features: Vec<SupportedFeatureKey<'a>>,
    /// From version 3: which state of the features this is, or -1.
    pub finalized_features_epoch: i64,
    /// From version 3: the features that are on.
    pub finalized_features: Vec<FinalizedFeatureKey<'a>>,
    /// From version 3: Kafka's migration from ZooKeeper.
    pub zk_migration_ready: bool,
}

/// One API of a [`Response`].
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct ApiVersion {
    /// Its key: a number, as a broker may have APIs that this crate has not.
    pub api_key: i16,
    /// Its oldest version.
    pub min_version: i16,
    /// Its newest version.
    pub max_version: i16,
}

/// One feature that the broker can have.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct SupportedFeatureKey<'a> {
    /// Its name.
    pub name: Cow<'a, str>,
    /// The lowest level.
    pub min_version: i16,
    /// The highest level.
    pub max_version: i16,
}

/// One feature that is on.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct FinalizedFeatureKey<'a> {
    /// Its name.
    pub name: Cow<'a, str>,
    /// The highest level that is on.
    pub max_version_level: i16,
    /// The lowest level that is on.
    pub min_version_level: i16,
}

impl Response<'_> {
    /// The answer to a version above those that the broker advertises for ApiVersions itself: error 35 and that range.
    ///
    /// It is to be encoded in **version 0**, whatever was asked; the client reads it and asks again (KIP-511). Any
    /// other answer, or none, and current clients do not connect.
    pub fn unsupported_version(min_version: i16, max_version: i16) -> Response<'static> {
        let api_key = ApiKey::ApiVersions.code();
        Response {
            error_code: ErrorCode::UnsupportedVersion,
            api_keys: vec![ApiVersion { api_key, min_version, max_version }],
            ..Response::default()
        }
    }
}

impl<'a> Response<'a> {
    /// Decodes the answer to a request of `version`, which is in version 0 where the broker does not speak that one.
    ///
    /// # Errors
    /// [`ProtocolError`].
    pub fn decode_frame(
        frame: &'a [u8],
        version: i16,
    ) -> Result<(ResponseHeader, Response<'a>), ProtocolError> {
        let mut start = Reader::new(frame, false);
        start.i32("correlation_id")?;
        let unsupported = start.error_code("error_code")? == ErrorCode::UnsupportedVersion;
        crate::decode_response(frame, if unsupported { 0 } else { version })
    }
}

impl Message for Request<'_> {
    const API_KEY: ApiKey = ApiKey::ApiVersions;
}

impl Message for Response<'_> {
    const API_KEY: ApiKey = ApiKey::ApiVersions;
}

impl Default for Request<'_> {
    fn default() -> Self {
        Request { client_software_name: "", client_software_version: "", cluster_id: None, node_id: -1 }
    }
}

impl Default for Response<'_> {
    fn default() -> Self {
        Response {
            error_code: ErrorCode::None,
            api_keys: Vec::new(),
            throttle_time_ms: 0,
            supported_features: Vec::new(),
            finalized_features_epoch: -1,
            finalized_features: Vec::new(),
            zk_migration_ready: false,
        }
    }
}

impl<'a> Decode<'a> for Request<'a> {
    fn decode(reader: &mut Reader<'a>, version: i16) -> Result<Self, ProtocolError> {
        let mut request = Request::default();
        if version >= 3 {
            request.client_software_name = reader.string("client_software_name")?;
            request.client_software_version = reader.string("client_software_version")?;
        }
        if version >= 5 {
            request.cluster_id = reader.nullable_string("cluster_id")?;
            request.node_id = reader.i32("node_id")?;
        }
        reader.no_tagged_fields()?;
        Ok(request)
    }
}

impl Encode for Request<'_> {
    fn encode(&self, writer: &mut Writer, version: i16) {
        if version >= 3 {
            writer.string(self.client_software_name);
            writer.string(self.client_software_version);
        }
        if version >= 5 {
            writer.nullable_string(self.cluster_id);
            writer.i32(self.node_id);
        }
        writer.no_tagged_fields();
    }
}

impl<'a> Decode<'a> for Response<'a> {
    fn decode(reader: &mut Reader<'a>, version: i16) -> Result<Self, ProtocolError> {
        let mut response = Response {
            error_code: reader.error_code("error_code")?,
            api_keys: reader.vec("api_keys", version)?,
            throttle_time_ms: if version >= 1 { reader.i32("throttle_time_ms")? } else { 0 },
            ..Response::default()
        };
        reader.tagged_fields(|tag, field| {
            match tag {
                0 => response.supported_features = field.vec("supported_features", version)?,
                1 => response.finalized_features_epoch = field.i64("finalized_features_epoch")?,
                2 => response.finalized_features = field.vec("finalized_features", version)?,
                3 => response.zk_migration_ready = field.bool("zk_migration_ready")?,
                _ => return Ok(false),
            }
            Ok(true)
        })?;
        Ok(response)
    }
}

impl Encode for Response<'_> {
    fn encode(&self, writer: &mut Writer, version: i16) {
        writer.error_code(self.error_code);
        writer.array(&self.api_keys, version);
        if version >= 1 {
            writer.i32(self.throttle_time_ms);
        }
        writer.tagged_fields(|fields| {
            if !self.supported_features.is_empty() {
                fields.field(0, |writer| writer.array(&self.supported_features, version));
            }
            if self.finalized_features_epoch != -1 {
                fields.field(1, |writer| writer.i64(self.finalized_features_epoch));
            }
            if !self.finalized_features.is_empty() {
                fields.field(2, |writer| writer.array(&self.finalized_features, version));
            }
            if self.zk_migration_ready {
                fields.field(3, |writer| writer.bool(true));
            }
        });
    }
}

impl<'a> Decode<'a> for ApiVersion {
    fn decode(reader: &mut Reader<'a>, _version: i16) -> Result<Self, ProtocolError> {
        let api = ApiVersion {
            api_key: reader.i16("api_key")?,
            min_version: reader.i16("min_version")?,
            max_version: reader.i16("max_version")?,
        };
        reader.no_tagged_fields()?;
        Ok(api)
    }
}

impl Encode for ApiVersion {
    fn encode(&self, writer: &mut Writer, _version: i16) {
        writer.i16(self.api_key);
        writer.i16(self.min_version);
        writer.i16(self.max_version);
        writer.no_tagged_fields();
    }
}

impl<'a> Decode<'a> for SupportedFeatureKey<'a> {
    fn decode(reader: &mut Reader<'a>, _version: i16) -> Result<Self, ProtocolError> {
        let feature = SupportedFeatureKey {
            name: reader.text("name")?,
            min_version: reader.i16("min_version")?,
            max_version: reader.i16("max_version")?,
        };
        reader.no_tagged_fields()?;
        Ok(feature)
    }
}

impl Encode for SupportedFeatureKey<'_> {
    fn encode(&self, writer: &mut Writer, _version: i16) {
        writer.string(&self.name);
        writer.i16(self.min_version);
        writer.i16(self.max_version);
        writer.no_tagged_fields();
    }
}

impl<'a> Decode<'a> for FinalizedFeatureKey<'a> {
    fn decode(reader: &mut Reader<'a>, _version: i16) -> Result<Self, ProtocolError> {
        let feature = FinalizedFeatureKey {
            name: reader.text("name")?,
            max_version_level: reader.i16("max_version_level")?,
            min_version_level: reader.i16("min_version_level")?,
        };
        reader.no_tagged_fields()?;
        Ok(feature)
    }
}

impl Encode for FinalizedFeatureKey<'_> {
    fn encode(&self, writer: &mut Writer, _version: i16) {
        writer.string(&self.name);
        writer.i16(self.max_version_level);
        writer.i16(self.min_version_level);
        writer.no_tagged_fields();
    }
}

//! What can be wrong with a frame, as data.

use crate::ApiKey;
use crate::wire::MAX_TAGGED_FIELDS;

/// Bytes that are not the message they should be. Positions count from the start of the frame, after its length.
///
/// Whoever sent the bytes does not speak the protocol, or they were damaged on the way: the connection cannot be
/// trusted any more and is best closed.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ProtocolError {
    /// The frame ends inside a field, or a length or count claims more than the frame holds.
    #[error("{field} at {position}: needs {needed} bytes, {found} are left")]
    UnexpectedEnd {
        /// The field, by Kafka's name in snake case.
        field: &'static str,
        /// Where it starts.
        position: usize,
        /// How many bytes it takes (of a list: at least).
        needed: usize,
        /// How many there are.
        found: usize,
    },
    /// A length or count below -1.
    #[error("{field} at {position}: the length is {found}")]
    NegativeLength {
        /// The field.
        field: &'static str,
        /// Where its length starts.
        position: usize,
        /// The length.
        found: i64,
    },
    /// A string of more than 32,767 bytes.
    #[error("{field} at {position}: a string of {length} bytes, 32767 is the most")]
    StringTooLong {
        /// The field.
        field: &'static str,
        /// Where its length starts.
        position: usize,
        /// The length.
        length: usize,
    },
    /// Null, where this version does not allow it.
    #[error("{field} at {position}: must not be null")]
    UnexpectedNull {
        /// The field.
        field: &'static str,
        /// Where it starts.
        position: usize,
    },
    /// A string that is not UTF-8.
    #[error("{field} at {position}: not UTF-8")]
    InvalidUtf8 {
        /// The field.
        field: &'static str,
        /// Where its bytes start.
        position: usize,
    },
    /// An unsigned varint of more than five bytes or 32 bits.
    #[error("{field} at {position}: a varint of more than 32 bits")]
    VarintTooLong {
        /// The field.
        field: &'static str,
        /// Where it starts.
        position: usize,
    },
    /// A value that means nothing.
    #[error("{field} at {position}: {found} is not a value of it")]
    InvalidValue {
        /// The field.
        field: &'static str,
        /// Where it starts.
        position: usize,
        /// The value.
        found: i64,
    },
    /// A list of a response that would take far more memory than its frame.
    #[error("{field} at {position}: a list of {count} elements in so small a frame")]
    TooManyElements {
        /// The field.
        field: &'static str,
        /// Where its count starts.
        position: usize,
        /// The count.
        count: usize,
    },
    /// More than [`MAX_TAGGED_FIELDS`].
    #[error("{found} tagged fields at {position}, {MAX_TAGGED_FIELDS} are the most")]
    TooManyTaggedFields {
        /// Where their count starts.
        position: usize,
        /// The count.
        found: u32,
    },
    /// Tagged fields whose tags do not ascend.
    #[error("tag {tag} at {position} is not above the one before it")]
    TagOutOfOrder {
        /// Where the tag starts.
        position: usize,
        /// The tag.
        tag: u32,
    },
    /// A tagged field that is shorter than its size says.
    #[error("tagged field {tag} at {position}: {left} of its {size_bytes} bytes are not part of it")]
    TaggedFieldSize {
        /// Where the value starts.
        position: usize,
        /// The tag.
        tag: u32,
        /// The size that was given.
        size_bytes: usize,
        /// How much of it was left.
        left: usize,
    },
    /// A version that this crate does not speak.
    #[error("{api_key} has no version {version}")]
    UnsupportedVersion {
        /// The API.
        api_key: ApiKey,
        /// The version.
        version: i16,
    },
}

/// The name under which a list reads elements that have no fields.
pub(crate) const ELEMENT: &str = "element";

impl ProtocolError {
    /// Names the list, where the error is in an element that has no name of its own.
    pub(crate) fn in_list(mut self, list: &'static str) -> ProtocolError {
        match &mut self {
            ProtocolError::UnexpectedEnd { field, .. }
            | ProtocolError::NegativeLength { field, .. }
            | ProtocolError::StringTooLong { field, .. }
            | ProtocolError::UnexpectedNull { field, .. }
            | ProtocolError::InvalidUtf8 { field, .. }
            | ProtocolError::VarintTooLong { field, .. }
                if *field == ELEMENT =>
            {
                *field = list;
            }
            _ => {}
        }
        self
    }
}

/// A message that cannot be written. Nothing of its frame stays in the writer.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum EncodeError {
    /// A version that this crate does not speak.
    #[error("{api_key} has no version {version}")]
    UnsupportedVersion {
        /// The API.
        api_key: ApiKey,
        /// The version.
        version: i16,
    },
    /// A field that changes what the message means is set, and this version has no place for it.
    #[error("{field} cannot be sent in version {version}")]
    UnsupportedField {
        /// The field, by Kafka's name in snake case.
        field: &'static str,
        /// The version.
        version: i16,
    },
    /// Null, where this version does not allow it.
    #[error("{field} must not be null in this version")]
    UnexpectedNull {
        /// The field.
        field: &'static str,
    },
    /// A string, bytes or list of more than its length can say.
    #[error("a length of {length}, where {limit} is the most")]
    TooLong {
        /// The length.
        length: usize,
        /// The greatest length.
        limit: usize,
    },
    /// A frame of 2 GiB or more.
    #[error("a frame of {size_bytes} bytes, where 2147483647 is the most")]
    FrameTooLarge {
        /// Its size, external bytes included.
        size_bytes: usize,
    },
}

/// A request that cannot be served, with as much of its header as could be read.
///
/// How to answer: an ApiVersions request of a newer version gets
/// [`api_versions::Response::unsupported_version`](crate::api::api_versions::Response::unsupported_version).
/// After anything else a client has not read the answer to its ApiVersions request, or does not speak the protocol:
/// Kafka closes the connection.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{reason} ({})", self.origin())]
pub struct RequestError {
    /// The API key as it was sent, where the frame reaches so far.
    pub api_key: Option<i16>,
    /// The version, likewise.
    pub api_version: Option<i16>,
    /// The correlation id, likewise.
    pub correlation_id: Option<i32>,
    /// What is wrong.
    pub reason: RequestErrorReason,
}

/// What is wrong with a request.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum RequestErrorReason {
    /// An API that this crate does not speak.
    #[error("unknown API")]
    UnknownApi,
    /// An API that this crate speaks, but not in this version.
    #[error("unsupported version")]
    UnsupportedVersion,
    /// The header is not one.
    #[error("malformed header: {0}")]
    Header(ProtocolError),
    /// The header is good, the body is not.
    #[error("malformed request: {0}")]
    Body(ProtocolError),
}

impl RequestError {
    fn origin(&self) -> String {
        let known = |number: Option<i32>| number.map_or("?".to_owned(), |number| number.to_string());
        let (api_key, version) = (self.api_key.map(i32::from), self.api_version.map(i32::from));
        format!(
            "API {} version {} correlation id {}",
            known(api_key),
            known(version),
            known(self.correlation_id)
        )
    }
}

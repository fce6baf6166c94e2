//! DeleteTopics.
//!
//! | version | change |
//! | --- | --- |
//! | 1 | the first here |
//! | 4 | flexible |
//! | 5 | `error_message` in the response (KIP-599) |
//! | 6 | topics by id (KIP-516) |

use std::borrow::Cow;

use crate::wire::{Decode, Encode, List, Reader, Writer};
use crate::{ApiKey, ErrorCode, Message, ProtocolError, Uuid};

/// The topics to delete.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Request<'a> {
    /// The topics.
    pub topics: List<'a, DeleteTopicState<'a>>,
    /// How long the broker may take.
    pub timeout_ms: i32,
}

/// One topic of a [`Request`]. Up to version 5 it is a name only.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct DeleteTopicState<'a> {
    /// Its name; from version 6 it may be left to the id.
    pub name: Option<&'a str>,
    /// From version 6: its id, or zero.
    pub topic_id: Uuid,
}

/// What became of each topic.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Response<'a> {
    /// How long the client is asked to pause.
    pub throttle_time_ms: i32,
    /// The topics.
    pub responses: Vec<DeletableTopicResult<'a>>,
}

/// One topic of a [`Response`].
#[derive(Clone, Debug, Default, PartialEq)]
pub struct DeletableTopicResult<'a> {
    /// Its name; from version 6 it is `None` for an unknown id.
    pub name: Option<Cow<'a, str>>,
    /// From version 6: its id, or zero.
    pub topic_id: Uuid,
    /// What went wrong.
    pub error_code: ErrorCode,
    /// From version 5: in words.
    pub error_message: Option<Cow<'a, str>>,
}

impl Message for Request<'_> {
    const API_KEY: ApiKey = ApiKey::DeleteTopics;
}

impl Message for Response<'_> {
    const API_KEY: ApiKey = ApiKey::DeleteTopics;
}

impl<'a> Decode<'a> for Request<'a> {
    fn decode(reader: &mut Reader<'a>, version: i16) -> Result<Self, ProtocolError> {
        let request =
            Request { topics: reader.list("topics", version)?, timeout_ms: reader.i32("timeout_ms")? };
        reader.no_tagged_fields()?;
        Ok(request)
    }
}

impl Encode for Request<'_> {
    fn encode(&self, writer: &mut Writer, version: i16) {
        writer.list(&self.topics, version);
        writer.i32(self.timeout_ms);
        writer.no_tagged_fields();
    }
}

impl<'a> Decode<'a> for DeleteTopicState<'a> {
    fn decode(reader: &mut Reader<'a>, version: i16) -> Result<Self, ProtocolError> {
        if version <= 5 {
            return Ok(DeleteTopicState { name: Some(reader.string("topic_names")?), topic_id: Uuid::ZERO });
        }
        let topic =
            DeleteTopicState { name: reader.nullable_string("name")?, topic_id: reader.uuid("topic_id")? };
        reader.no_tagged_fields()?;
        Ok(topic)
    }
}

impl Encode for DeleteTopicState<'_> {
    fn encode(&self, writer: &mut Writer, version: i16) {
        if version <= 5 {
            writer.required_string("topic_names", self.name);
        } else {
            writer.nullable_string(self.name);
            writer.uuid(self.topic_id);
            writer.no_tagged_fields();
        }
    }
}

impl<'a> Decode<'a> for Response<'a> {
    fn decode(reader: &mut Reader<'a>, version: i16) -> Result<Self, ProtocolError> {
        let response = Response {
            throttle_time_ms: reader.i32("throttle_time_ms")?,
            responses: reader.vec("responses", version)?,
        };
        reader.no_tagged_fields()?;
        Ok(response)
    }
}

impl Encode for Response<'_> {
    fn encode(&self, writer: &mut Writer, version: i16) {
        writer.i32(self.throttle_time_ms);
        writer.array(&self.responses, version);
        writer.no_tagged_fields();
    }
}

impl<'a> Decode<'a> for DeletableTopicResult<'a> {
    fn decode(reader: &mut Reader<'a>, version: i16) -> Result<Self, ProtocolError> {
        let topic = DeletableTopicResult {
            name: if version >= 6 { reader.nullable_text("name")? } else { Some(reader.text("name")?) },
            topic_id: if version >= 6 { reader.uuid("topic_id")? } else { Uuid::ZERO },
            error_code: reader.error_code("error_code")?,
            error_message: if version >= 5 { reader.nullable_text("error_message")? } else { None },
        };
        reader.no_tagged_fields()?;
        Ok(topic)
    }
}

impl Encode for DeletableTopicResult<'_> {
    fn encode(&self, writer: &mut Writer, version: i16) {
        if version >= 6 {
            writer.nullable_string(self.name.as_deref());
            writer.uuid(self.topic_id);
        } else {
            writer.required_string("name", self.name.as_deref());
        }
        writer.error_code(self.error_code);
        if version >= 5 {
            writer.nullable_string(self.error_message.as_deref());
        }
        writer.no_tagged_fields();
    }
}

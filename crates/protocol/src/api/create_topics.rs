//! CreateTopics.
//!
//! | version | change |
//! | --- | --- |
//! | 2 | the first here |
//! | 4 | -1 partitions or replicas ask for the broker's default (KIP-464) |
//! | 5 | flexible; the response tells how the topic was made (KIP-525) |
//! | 7 | `topic_id` in the response |

use std::borrow::Cow;

use crate::wire::{Decode, Encode, List, Reader, Writer};
use crate::{ApiKey, ErrorCode, Message, ProtocolError, Uuid};

/// The topics to create.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Request<'a> {
    /// The topics.
    pub topics: List<'a, CreatableTopic<'a>>,
    /// How long the broker may take.
    pub timeout_ms: i32,
    /// Whether to check only.
    pub validate_only: bool,
}

/// One topic of a [`Request`].
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct CreatableTopic<'a> {
    /// Its name.
    pub name: &'a str,
    /// How many partitions, or -1.
    pub num_partitions: i32,
    /// How many replicas of each, or -1.
    pub replication_factor: i16,
    /// Where each partition goes, where the client decides that.
    pub assignments: List<'a, CreatableReplicaAssignment<'a>>,
    /// Settings.
    pub configs: List<'a, CreatableTopicConfig<'a>>,
}

/// Where one partition goes.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct CreatableReplicaAssignment<'a> {
    /// The number of the partition.
    pub partition_index: i32,
    /// The brokers that hold it.
    pub broker_ids: List<'a, i32>,
}

/// One setting of a [`CreatableTopic`].
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct CreatableTopicConfig<'a> {
    /// Its name.
    pub name: &'a str,
    /// Its value.
    pub value: Option<&'a str>,
}

/// What became of each topic.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Response<'a> {
    /// How long the client is asked to pause.
    pub throttle_time_ms: i32,
    /// The topics.
    pub topics: Vec<CreatableTopicResult<'a>>,
}

/// One topic of a [`Response`].
#[derive(Clone, Debug, PartialEq)]
pub struct CreatableTopicResult<'a> {
    /// Its name.
    pub name: Cow<'a, str>,
    /// From version 7: its id, or zero.
    pub topic_id: Uuid,
    /// What went wrong.
    pub error_code: ErrorCode,
    /// In words.
    pub error_message: Option<Cow<'a, str>>,
    /// From version 5: why `configs` is missing.
    pub topic_config_error_code: ErrorCode,
    /// From version 5: how many partitions it has, or -1.
    pub num_partitions: i32,
    /// From version 5: how many replicas each has, or -1.
    pub replication_factor: i16,
    /// From version 5: its settings.
    pub configs: Option<Vec<CreatableTopicConfigs<'a>>>,
}

/// One setting of a [`CreatableTopicResult`].
#[derive(Clone, Debug, PartialEq)]
pub struct CreatableTopicConfigs<'a> {
    /// Its name.
    pub name: Cow<'a, str>,
    /// Its value.
    pub value: Option<Cow<'a, str>>,
    /// Whether it cannot be changed.
    pub read_only: bool,
    /// Where the value comes from: see [`config_source`](super::describe_configs::config_source).
    pub config_source: i8,
    /// Whether the value is a secret.
    pub is_sensitive: bool,
}

impl Message for Request<'_> {
    const API_KEY: ApiKey = ApiKey::CreateTopics;
}

impl Message for Response<'_> {
    const API_KEY: ApiKey = ApiKey::CreateTopics;
}

impl Default for Request<'_> {
    fn default() -> Self {
        Request { topics: List::empty(), timeout_ms: 60_000, validate_only: false }
    }
}

impl Default for CreatableTopicResult<'_> {
    fn default() -> Self {
        CreatableTopicResult {
            name: Cow::Borrowed(""),
            topic_id: Uuid::ZERO,
            error_code: ErrorCode::None,
            error_message: None,
            topic_config_error_code: ErrorCode::None,
            num_partitions: -1,
            replication_factor: -1,
            configs: Some(Vec::new()),
        }
    }
}

impl Default for CreatableTopicConfigs<'_> {
    fn default() -> Self {
        CreatableTopicConfigs {
            name: Cow::Borrowed(""),
            value: None,
            read_only: false,
            config_source: -1,
            is_sensitive: false,
        }
    }
}

impl<'a> Decode<'a> for Request<'a> {
    fn decode(reader: &mut Reader<'a>, version: i16) -> Result<Self, ProtocolError> {
        let request = Request {
            topics: reader.list("topics", version)?,
            timeout_ms: reader.i32("timeout_ms")?,
            validate_only: reader.bool("validate_only")?,
        };
        reader.no_tagged_fields()?;
        Ok(request)
    }
}

impl Encode for Request<'_> {
    fn encode(&self, writer: &mut Writer, version: i16) {
        writer.list(&self.topics, version);
        writer.i32(self.timeout_ms);
        writer.bool(self.validate_only);
        writer.no_tagged_fields();
    }
}

impl<'a> Decode<'a> for CreatableTopic<'a> {
    fn decode(reader: &mut Reader<'a>, version: i16) -> Result<Self, ProtocolError> {
        let topic = CreatableTopic {
            name: reader.string("name")?,
            num_partitions: reader.i32("num_partitions")?,
            replication_factor: reader.i16("replication_factor")?,
            assignments: reader.list("assignments", version)?,
            configs: reader.list("configs", version)?,
        };
        reader.no_tagged_fields()?;
        Ok(topic)
    }
}

impl Encode for CreatableTopic<'_> {
    fn encode(&self, writer: &mut Writer, version: i16) {
        writer.string(self.name);
        writer.i32(self.num_partitions);
        writer.i16(self.replication_factor);
        writer.list(&self.assignments, version);
        writer.list(&self.configs, version);
        writer.no_tagged_fields();
    }
}

impl<'a> Decode<'a> for CreatableReplicaAssignment<'a> {
    fn decode(reader: &mut Reader<'a>, version: i16) -> Result<Self, ProtocolError> {
        let assignment = CreatableReplicaAssignment {
            partition_index: reader.i32("partition_index")?,
            broker_ids: reader.list("broker_ids", version)?,
        };
        reader.no_tagged_fields()?;
        Ok(assignment)
    }
}

impl Encode for CreatableReplicaAssignment<'_> {
    fn encode(&self, writer: &mut Writer, version: i16) {
        writer.i32(self.partition_index);
        writer.list(&self.broker_ids, version);
        writer.no_tagged_fields();
    }
}

impl<'a> Decode<'a> for CreatableTopicConfig<'a> {
    fn decode(reader: &mut Reader<'a>, _version: i16) -> Result<Self, ProtocolError> {
        let config =
            CreatableTopicConfig { name: reader.string("name")?, value: reader.nullable_string("value")? };
        reader.no_tagged_fields()?;
        Ok(config)
    }
}

impl Encode for CreatableTopicConfig<'_> {
    fn encode(&self, writer: &mut Writer, _version: i16) {
        writer.string(self.name);
        writer.nullable_string(self.value);
        writer.no_tagged_fields();
    }
}

impl<'a> Decode<'a> for Response<'a> {
    fn decode(reader: &mut Reader<'a>, version: i16) -> Result<Self, ProtocolError> {
        let response = Response {
            throttle_time_ms: reader.i32("throttle_time_ms")?,
            topics: reader.vec("topics", version)?,
        };
        reader.no_tagged_fields()?;
        Ok(response)
    }
}

impl Encode for Response<'_> {
    fn encode(&self, writer: &mut Writer, version: i16) {
        writer.i32(self.throttle_time_ms);
        writer.array(&self.topics, version);
        writer.no_tagged_fields();
    }
}

impl<'a> Decode<'a> for CreatableTopicResult<'a> {
    fn decode(reader: &mut Reader<'a>, version: i16) -> Result<Self, ProtocolError> {
        let mut topic = CreatableTopicResult {
            name: reader.text("name")?,
            topic_id: if version >= 7 { reader.uuid("topic_id")? } else { Uuid::ZERO },
            error_code: reader.error_code("error_code")?,
            error_message: reader.nullable_text("error_message")?,
            ..CreatableTopicResult::default()
        };
        if version >= 5 {
            topic.num_partitions = reader.i32("num_partitions")?;
            topic.replication_factor = reader.i16("replication_factor")?;
            topic.configs = reader.nullable_vec("configs", version)?;
        }
        reader.tagged_fields(|tag, field| match tag {
            0 => {
                topic.topic_config_error_code = field.error_code("topic_config_error_code")?;
                Ok(true)
            }
            _ => Ok(false),
        })?;
        Ok(topic)
    }
}

impl Encode for CreatableTopicResult<'_> {
    fn encode(&self, writer: &mut Writer, version: i16) {
        writer.string(&self.name);
        if version >= 7 {
            writer.uuid(self.topic_id);
        }
        writer.error_code(self.error_code);
        writer.nullable_string(self.error_message.as_deref());
        if version >= 5 {
            writer.i32(self.num_partitions);
            writer.i16(self.replication_factor);
            writer.nullable_array(self.configs.as_deref(), version);
        }
        writer.tagged_fields(|fields| {
            if self.topic_config_error_code.is_error() {
                fields.field(0, |writer| writer.error_code(self.topic_config_error_code));
            }
        });
    }
}

impl<'a> Decode<'a> for CreatableTopicConfigs<'a> {
    fn decode(reader: &mut Reader<'a>, _version: i16) -> Result<Self, ProtocolError> {
        let config = CreatableTopicConfigs {
            name: reader.text("name")?,
            value: reader.nullable_text("value")?,
            read_only: reader.bool("read_only")?,
            config_source: reader.i8("config_source")?,
            is_sensitive: reader.bool("is_sensitive")?,
        };
        reader.no_tagged_fields()?;
        Ok(config)
    }
}

impl Encode for CreatableTopicConfigs<'_> {
    fn encode(&self, writer: &mut Writer, _version: i16) {
        writer.string(&self.name);
        writer.nullable_string(self.value.as_deref());
        writer.bool(self.read_only);
        writer.i8(self.config_source);
        writer.bool(self.is_sensitive);
        writer.no_tagged_fields();
    }
}

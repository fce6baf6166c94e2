//! CreatePartitions: more partitions for topics that exist (KIP-195). Version 2 is flexible.

use std::borrow::Cow;

use crate::wire::{Decode, Encode, List, Reader, Writer};
use crate::{ApiKey, ErrorCode, Message, ProtocolError};

/// Which topics get how many.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Request<'a> {
    /// The topics.
    pub topics: List<'a, CreatePartitionsTopic<'a>>,
    /// How long the broker may take.
    pub timeout_ms: i32,
    /// Whether to check only.
    pub validate_only: bool,
}

/// One topic of a [`Request`].
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct CreatePartitionsTopic<'a> {
    /// Its name.
    pub name: &'a str,
    /// How many partitions it shall have.
    pub count: i32,
    /// Where each new one goes, where the client decides that.
    pub assignments: Option<List<'a, CreatePartitionsAssignment<'a>>>,
}

/// Where one new partition goes.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct CreatePartitionsAssignment<'a> {
    /// The brokers that hold it.
    pub broker_ids: List<'a, i32>,
}

/// What became of each topic.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Response<'a> {
    /// How long the client is asked to pause.
    pub throttle_time_ms: i32,
    /// The topics.
    pub results: Vec<CreatePartitionsTopicResult<'a>>,
}

/// One topic of a [`Response`].
#[derive(Clone, Debug, Default, PartialEq)]
pub struct CreatePartitionsTopicResult<'a> {
    /// Its name.
    pub name: Cow<'a, str>,
    /// What went wrong.
    pub error_code: ErrorCode,
    /// In words.
    pub error_message: Option<Cow<'a, str>>,
}

impl Message for Request<'_> {
    const API_KEY: ApiKey = ApiKey::CreatePartitions;
}

impl Message for Response<'_> {
    const API_KEY: ApiKey = ApiKey::CreatePartitions;
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

impl<'a> Decode<'a> for CreatePartitionsTopic<'a> {
    fn decode(reader: &mut Reader<'a>, version: i16) -> Result<Self, ProtocolError> {
        let topic = CreatePartitionsTopic {
            name: reader.string("name")?,
            count: reader.i32("count")?,
            assignments: reader.nullable_list("assignments", version)?,
        };
        reader.no_tagged_fields()?;
        Ok(topic)
    }
}

impl Encode for CreatePartitionsTopic<'_> {
    fn encode(&self, writer: &mut Writer, version: i16) {
        writer.string(self.name);
        writer.i32(self.count);
        writer.nullable_list(self.assignments.as_ref(), version);
        writer.no_tagged_fields();
    }
}

impl<'a> Decode<'a> for CreatePartitionsAssignment<'a> {
    fn decode(reader: &mut Reader<'a>, version: i16) -> Result<Self, ProtocolError> {
        let assignment = CreatePartitionsAssignment { broker_ids: reader.list("broker_ids", version)? };
        reader.no_tagged_fields()?;
        Ok(assignment)
    }
}

impl Encode for CreatePartitionsAssignment<'_> {
    fn encode(&self, writer: &mut Writer, version: i16) {
        writer.list(&self.broker_ids, version);
        writer.no_tagged_fields();
    }
}

impl<'a> Decode<'a> for Response<'a> {
    fn decode(reader: &mut Reader<'a>, version: i16) -> Result<Self, ProtocolError> {
        let response = Response {
            throttle_time_ms: reader.i32("throttle_time_ms")?,
            results: reader.vec("results", version)?,
        };
        reader.no_tagged_fields()?;
        Ok(response)
    }
}

impl Encode for Response<'_> {
    fn encode(&self, writer: &mut Writer, version: i16) {
        writer.i32(self.throttle_time_ms);
        writer.array(&self.results, version);
        writer.no_tagged_fields();
    }
}

impl<'a> Decode<'a> for CreatePartitionsTopicResult<'a> {
    fn decode(reader: &mut Reader<'a>, _version: i16) -> Result<Self, ProtocolError> {
        let topic = CreatePartitionsTopicResult {
            name: reader.text("name")?,
            error_code: reader.error_code("error_code")?,
            error_message: reader.nullable_text("error_message")?,
        };
        reader.no_tagged_fields()?;
        Ok(topic)
    }
}

impl Encode for CreatePartitionsTopicResult<'_> {
    fn encode(&self, writer: &mut Writer, _version: i16) {
        writer.string(&self.name);
        writer.error_code(self.error_code);
        writer.nullable_string(self.error_message.as_deref());
        writer.no_tagged_fields();
    }
}

//! DeleteRecords: deletes all records before an offset (KIP-107). Version 2 is flexible.

use std::borrow::Cow;

use crate::wire::{Decode, Encode, List, Reader, Writer};
use crate::{ApiKey, ErrorCode, Message, ProtocolError};

/// In place of an offset: delete all that the reader may see.
pub const HIGH_WATERMARK: i64 = -1;

/// From which partitions to delete, and how far.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Request<'a> {
    /// The topics.
    pub topics: List<'a, DeleteRecordsTopic<'a>>,
    /// How long the broker may take.
    pub timeout_ms: i32,
}

/// One topic of a [`Request`].
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct DeleteRecordsTopic<'a> {
    /// Its name.
    pub name: &'a str,
    /// The partitions.
    pub partitions: List<'a, DeleteRecordsPartition>,
}

/// One partition of a [`DeleteRecordsTopic`].
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct DeleteRecordsPartition {
    /// The number of the partition.
    pub partition_index: i32,
    /// The first offset to keep, or [`HIGH_WATERMARK`].
    pub offset: i64,
}

/// What became of each partition.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Response<'a> {
    /// How long the client is asked to pause.
    pub throttle_time_ms: i32,
    /// The topics.
    pub topics: Vec<DeleteRecordsTopicResult<'a>>,
}

/// One topic of a [`Response`].
#[derive(Clone, Debug, Default, PartialEq)]
pub struct DeleteRecordsTopicResult<'a> {
    /// Its name.
    pub name: Cow<'a, str>,
    /// The partitions.
    pub partitions: Vec<DeleteRecordsPartitionResult>,
}

/// One partition of a [`DeleteRecordsTopicResult`].
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct DeleteRecordsPartitionResult {
    /// The number of the partition.
    pub partition_index: i32,
    /// The first offset of the log now, or -1.
    pub low_watermark: i64,
    /// What went wrong.
    pub error_code: ErrorCode,
}

impl Message for Request<'_> {
    const API_KEY: ApiKey = ApiKey::DeleteRecords;
}

impl Message for Response<'_> {
    const API_KEY: ApiKey = ApiKey::DeleteRecords;
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

impl<'a> Decode<'a> for DeleteRecordsTopic<'a> {
    fn decode(reader: &mut Reader<'a>, version: i16) -> Result<Self, ProtocolError> {
        let topic = DeleteRecordsTopic {
            name: reader.string("name")?,
            partitions: reader.list("partitions", version)?,
        };
        reader.no_tagged_fields()?;
        Ok(topic)
    }
}

impl Encode for DeleteRecordsTopic<'_> {
    fn encode(&self, writer: &mut Writer, version: i16) {
        writer.string(self.name);
        writer.list(&self.partitions, version);
        writer.no_tagged_fields();
    }
}

impl<'a> Decode<'a> for DeleteRecordsPartition {
    fn decode(reader: &mut Reader<'a>, _version: i16) -> Result<Self, ProtocolError> {
        let partition = DeleteRecordsPartition {
            partition_index: reader.i32("partition_index")?,
            offset: reader.i64("offset")?,
        };
        reader.no_tagged_fields()?;
        Ok(partition)
    }
}

impl Encode for DeleteRecordsPartition {
    fn encode(&self, writer: &mut Writer, _version: i16) {
        writer.i32(self.partition_index);
        writer.i64(self.offset);
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

impl<'a> Decode<'a> for DeleteRecordsTopicResult<'a> {
    fn decode(reader: &mut Reader<'a>, version: i16) -> Result<Self, ProtocolError> {
        let topic = DeleteRecordsTopicResult {
            name: reader.text("name")?,
            partitions: reader.vec("partitions", version)?,
        };
        reader.no_tagged_fields()?;
        Ok(topic)
    }
}

impl Encode for DeleteRecordsTopicResult<'_> {
    fn encode(&self, writer: &mut Writer, version: i16) {
        writer.string(&self.name);
        writer.array(&self.partitions, version);
        writer.no_tagged_fields();
    }
}

impl<'a> Decode<'a> for DeleteRecordsPartitionResult {
    fn decode(reader: &mut Reader<'a>, _version: i16) -> Result<Self, ProtocolError> {
        let partition = DeleteRecordsPartitionResult {
            partition_index: reader.i32("partition_index")?,
            low_watermark: reader.i64("low_watermark")?,
            error_code: reader.error_code("error_code")?,
        };
        reader.no_tagged_fields()?;
        Ok(partition)
    }
}

impl Encode for DeleteRecordsPartitionResult {
    fn encode(&self, writer: &mut Writer, _version: i16) {
        writer.i32(self.partition_index);
        writer.i64(self.low_watermark);
        writer.error_code(self.error_code);
        writer.no_tagged_fields();
    }
}

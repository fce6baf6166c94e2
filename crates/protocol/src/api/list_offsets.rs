//! ListOffsets: the offset at the start, at the end or at a time.
//!
//! | version | change |
//! | --- | --- |
//! | 1 | the first here: one offset, with its timestamp |
//! | 2 | `isolation_level`, `throttle_time_ms` |
//! | 4 | `current_leader_epoch`, `leader_epoch` (KIP-320) |
//! | 6 | flexible |
//! | 7 | [`MAX_TIMESTAMP`] (KIP-734) |
//! | 8 | [`EARLIEST_LOCAL_TIMESTAMP`] (KIP-405) |
//! | 9 | [`LATEST_TIERED_TIMESTAMP`] (KIP-1005) |
//! | 10 | `timeout_ms` (KIP-1075) |
//! | 11 | [`EARLIEST_PENDING_UPLOAD_TIMESTAMP`] (KIP-1023) |

use std::borrow::Cow;

use super::IsolationLevel;
use crate::wire::{Decode, Encode, List, Reader, Writer};
use crate::{ApiKey, ErrorCode, Message, ProtocolError};

/// In place of a time: the end of the log that the reader may see.
pub const LATEST_TIMESTAMP: i64 = -1;
/// In place of a time: the first offset of the log.
pub const EARLIEST_TIMESTAMP: i64 = -2;
/// In place of a time: the record with the greatest timestamp.
pub const MAX_TIMESTAMP: i64 = -3;
/// In place of a time: the first offset that is not only in tiered storage.
pub const EARLIEST_LOCAL_TIMESTAMP: i64 = -4;
/// In place of a time: the last offset in tiered storage.
pub const LATEST_TIERED_TIMESTAMP: i64 = -5;
/// In place of a time: the first offset that is to go to tiered storage.
pub const EARLIEST_PENDING_UPLOAD_TIMESTAMP: i64 = -6;

/// For which partitions and times.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Request<'a> {
    /// The broker that replicates, or -1 for a consumer.
    pub replica_id: i32,
    /// From version 2: which records of transactions to see.
    pub isolation_level: IsolationLevel,
    /// The topics.
    pub topics: List<'a, ListOffsetsTopic<'a>>,
    /// From version 10: how long the broker may ask tiered storage.
    pub timeout_ms: i32,
}

/// One topic of a [`Request`].
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct ListOffsetsTopic<'a> {
    /// Its name.
    pub name: &'a str,
    /// The partitions.
    pub partitions: List<'a, ListOffsetsPartition>,
}

/// One partition of a [`ListOffsetsTopic`].
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct ListOffsetsPartition {
    /// The number of the partition.
    pub partition_index: i32,
    /// From version 4: the leader epoch that the client knows, or -1.
    pub current_leader_epoch: i32,
    /// A time in milliseconds, or one of the constants of this module.
    pub timestamp: i64,
}

/// The offsets.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Response<'a> {
    /// From version 2: how long the client is asked to pause.
    pub throttle_time_ms: i32,
    /// The topics.
    pub topics: Vec<ListOffsetsTopicResponse<'a>>,
}

/// One topic of a [`Response`].
#[derive(Clone, Debug, Default, PartialEq)]
pub struct ListOffsetsTopicResponse<'a> {
    /// Its name.
    pub name: Cow<'a, str>,
    /// The partitions.
    pub partitions: Vec<ListOffsetsPartitionResponse>,
}

/// One partition of a [`ListOffsetsTopicResponse`].
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct ListOffsetsPartitionResponse {
    /// The number of the partition.
    pub partition_index: i32,
    /// What went wrong.
    pub error_code: ErrorCode,
    /// The timestamp of the record, or -1.
    pub timestamp: i64,
    /// The offset, or -1 where there is no such record.
    pub offset: i64,
    /// From version 4: the leader epoch of the record, or -1.
    pub leader_epoch: i32,
}

impl Message for Request<'_> {
    const API_KEY: ApiKey = ApiKey::ListOffsets;
}

impl Message for Response<'_> {
    const API_KEY: ApiKey = ApiKey::ListOffsets;
}

impl Default for Request<'_> {
    fn default() -> Self {
        Request {
            replica_id: -1,
            isolation_level: IsolationLevel::ReadUncommitted,
            topics: List::empty(),
            timeout_ms: 0,
        }
    }
}

impl Default for ListOffsetsPartition {
    fn default() -> Self {
        ListOffsetsPartition { partition_index: 0, current_leader_epoch: -1, timestamp: LATEST_TIMESTAMP }
    }
}

impl Default for ListOffsetsPartitionResponse {
    fn default() -> Self {
        ListOffsetsPartitionResponse {
            partition_index: 0,
            error_code: ErrorCode::None,
            timestamp: -1,
            offset: -1,
            leader_epoch: -1,
        }
    }
}

impl<'a> Decode<'a> for Request<'a> {
    fn decode(reader: &mut Reader<'a>, version: i16) -> Result<Self, ProtocolError> {
        let mut request = Request { replica_id: reader.i32("replica_id")?, ..Request::default() };
        if version >= 2 {
            request.isolation_level = IsolationLevel::decode(reader)?;
        }
        request.topics = reader.list("topics", version)?;
        if version >= 10 {
            request.timeout_ms = reader.i32("timeout_ms")?;
        }
        reader.no_tagged_fields()?;
        Ok(request)
    }
}

impl Encode for Request<'_> {
    fn encode(&self, writer: &mut Writer, version: i16) {
        writer.i32(self.replica_id);
        if version >= 2 {
            writer.i8(self.isolation_level.code());
        } else {
            let is_set = self.isolation_level != IsolationLevel::ReadUncommitted;
            writer.unsupported(is_set, "isolation_level", version);
        }
        writer.list(&self.topics, version);
        if version >= 10 {
            writer.i32(self.timeout_ms);
        }
        writer.no_tagged_fields();
    }
}

impl<'a> Decode<'a> for ListOffsetsTopic<'a> {
    fn decode(reader: &mut Reader<'a>, version: i16) -> Result<Self, ProtocolError> {
        let topic = ListOffsetsTopic {
            name: reader.string("name")?,
            partitions: reader.list("partitions", version)?,
        };
        reader.no_tagged_fields()?;
        Ok(topic)
    }
}

impl Encode for ListOffsetsTopic<'_> {
    fn encode(&self, writer: &mut Writer, version: i16) {
        writer.string(self.name);
        writer.list(&self.partitions, version);
        writer.no_tagged_fields();
    }
}

impl<'a> Decode<'a> for ListOffsetsPartition {
    fn decode(reader: &mut Reader<'a>, version: i16) -> Result<Self, ProtocolError> {
        let partition = ListOffsetsPartition {
            partition_index: reader.i32("partition_index")?,
            current_leader_epoch: if version >= 4 { reader.i32("current_leader_epoch")? } else { -1 },
            timestamp: reader.i64("timestamp")?,
        };
        reader.no_tagged_fields()?;
        Ok(partition)
    }
}

impl Encode for ListOffsetsPartition {
    fn encode(&self, writer: &mut Writer, version: i16) {
        writer.i32(self.partition_index);
        if version >= 4 {
            writer.i32(self.current_leader_epoch);
        }
        writer.i64(self.timestamp);
        writer.no_tagged_fields();
    }
}

impl<'a> Decode<'a> for Response<'a> {
    fn decode(reader: &mut Reader<'a>, version: i16) -> Result<Self, ProtocolError> {
        let response = Response {
            throttle_time_ms: if version >= 2 { reader.i32("throttle_time_ms")? } else { 0 },
            topics: reader.vec("topics", version)?,
        };
        reader.no_tagged_fields()?;
        Ok(response)
    }
}

impl Encode for Response<'_> {
    fn encode(&self, writer: &mut Writer, version: i16) {
        if version >= 2 {
            writer.i32(self.throttle_time_ms);
        }
        writer.array(&self.topics, version);
        writer.no_tagged_fields();
    }
}

impl<'a> Decode<'a> for ListOffsetsTopicResponse<'a> {
    fn decode(reader: &mut Reader<'a>, version: i16) -> Result<Self, ProtocolError> {
        let topic = ListOffsetsTopicResponse {
            name: reader.text("name")?,
            partitions: reader.vec("partitions", version)?,
        };
        reader.no_tagged_fields()?;
        Ok(topic)
    }
}

impl Encode for ListOffsetsTopicResponse<'_> {
    fn encode(&self, writer: &mut Writer, version: i16) {
        writer.string(&self.name);
        writer.array(&self.partitions, version);
        writer.no_tagged_fields();
    }
}

impl<'a> Decode<'a> for ListOffsetsPartitionResponse {
    fn decode(reader: &mut Reader<'a>, version: i16) -> Result<Self, ProtocolError> {
        let partition = ListOffsetsPartitionResponse {
            partition_index: reader.i32("partition_index")?,
            error_code: reader.error_code("error_code")?,
            timestamp: reader.i64("timestamp")?,
            offset: reader.i64("offset")?,
            leader_epoch: if version >= 4 { reader.i32("leader_epoch")? } else { -1 },
        };
        reader.no_tagged_fields()?;
        Ok(partition)
    }
}

impl Encode for ListOffsetsPartitionResponse {
    fn encode(&self, writer: &mut Writer, version: i16) {
        writer.i32(self.partition_index);
        writer.error_code(self.error_code);
        writer.i64(self.timestamp);
        writer.i64(self.offset);
        if version >= 4 {
            writer.i32(self.leader_epoch);
        }
        writer.no_tagged_fields();
    }
}

//! OffsetForLeaderEpoch: where an epoch ended, so that a reader notices a log that was cut (KIP-320).
//!
//! | version | change |
//! | --- | --- |
//! | 2 | the first here |
//! | 3 | `replica_id` |
//! | 4 | flexible |

use std::borrow::Cow;

use crate::wire::{Decode, Encode, List, Reader, Writer};
use crate::{ApiKey, ErrorCode, Message, ProtocolError};

/// In place of an epoch: there is none.
pub const UNDEFINED_EPOCH: i32 = -1;
/// In place of an offset: there is none.
pub const UNDEFINED_EPOCH_OFFSET: i64 = -1;

/// For which partitions and epochs.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Request<'a> {
    /// From version 3: the broker that replicates, -1 for a consumer, -2 for one that may see all.
    pub replica_id: i32,
    /// The topics.
    pub topics: List<'a, OffsetForLeaderTopic<'a>>,
}

/// One topic of a [`Request`].
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct OffsetForLeaderTopic<'a> {
    /// Its name.
    pub topic: &'a str,
    /// The partitions.
    pub partitions: List<'a, OffsetForLeaderPartition>,
}

/// One partition of an [`OffsetForLeaderTopic`].
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct OffsetForLeaderPartition {
    /// The number of the partition.
    pub partition: i32,
    /// The leader epoch that the client knows, or -1.
    pub current_leader_epoch: i32,
    /// The epoch in question.
    pub leader_epoch: i32,
}

/// The ends of the epochs.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Response<'a> {
    /// How long the client is asked to pause.
    pub throttle_time_ms: i32,
    /// The topics.
    pub topics: Vec<OffsetForLeaderTopicResult<'a>>,
}

/// One topic of a [`Response`].
#[derive(Clone, Debug, Default, PartialEq)]
pub struct OffsetForLeaderTopicResult<'a> {
    /// Its name.
    pub topic: Cow<'a, str>,
    /// The partitions.
    pub partitions: Vec<EpochEndOffset>,
}

/// One partition of an [`OffsetForLeaderTopicResult`].
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct EpochEndOffset {
    /// What went wrong.
    pub error_code: ErrorCode,
    /// The number of the partition.
    pub partition: i32,
    /// The largest epoch not above the one in question, or [`UNDEFINED_EPOCH`].
    pub leader_epoch: i32,
    /// The offset after its last record, or [`UNDEFINED_EPOCH_OFFSET`].
    pub end_offset: i64,
}

impl Message for Request<'_> {
    const API_KEY: ApiKey = ApiKey::OffsetForLeaderEpoch;
}

impl Message for Response<'_> {
    const API_KEY: ApiKey = ApiKey::OffsetForLeaderEpoch;
}

impl Default for Request<'_> {
    fn default() -> Self {
        Request { replica_id: -2, topics: List::empty() }
    }
}

impl Default for OffsetForLeaderPartition {
    fn default() -> Self {
        OffsetForLeaderPartition { partition: 0, current_leader_epoch: -1, leader_epoch: 0 }
    }
}

impl Default for EpochEndOffset {
    fn default() -> Self {
        EpochEndOffset {
            error_code: ErrorCode::None,
            partition: 0,
            leader_epoch: UNDEFINED_EPOCH,
            end_offset: UNDEFINED_EPOCH_OFFSET,
        }
    }
}

impl<'a> Decode<'a> for Request<'a> {
    fn decode(reader: &mut Reader<'a>, version: i16) -> Result<Self, ProtocolError> {
        let request = Request {
            replica_id: if version >= 3 { reader.i32("replica_id")? } else { -2 },
            topics: reader.list("topics", version)?,
        };
        reader.no_tagged_fields()?;
        Ok(request)
    }
}

impl Encode for Request<'_> {
    fn encode(&self, writer: &mut Writer, version: i16) {
        if version >= 3 {
            writer.i32(self.replica_id);
        }
        writer.list(&self.topics, version);
        writer.no_tagged_fields();
    }
}

impl<'a> Decode<'a> for OffsetForLeaderTopic<'a> {
    fn decode(reader: &mut Reader<'a>, version: i16) -> Result<Self, ProtocolError> {
        let topic = OffsetForLeaderTopic {
            topic: reader.string("topic")?,
            partitions: reader.list("partitions", version)?,
        };
        reader.no_tagged_fields()?;
        Ok(topic)
    }
}

impl Encode for OffsetForLeaderTopic<'_> {
    fn encode(&self, writer: &mut Writer, version: i16) {
        writer.string(self.topic);
        writer.list(&self.partitions, version);
        writer.no_tagged_fields();
    }
}

impl<'a> Decode<'a> for OffsetForLeaderPartition {
    fn decode(reader: &mut Reader<'a>, _version: i16) -> Result<Self, ProtocolError> {
        let partition = OffsetForLeaderPartition {
            partition: reader.i32("partition")?,
            current_leader_epoch: reader.i32("current_leader_epoch")?,
            leader_epoch: reader.i32("leader_epoch")?,
        };
        reader.no_tagged_fields()?;
        Ok(partition)
    }
}

impl Encode for OffsetForLeaderPartition {
    fn encode(&self, writer: &mut Writer, _version: i16) {
        writer.i32(self.partition);
        writer.i32(self.current_leader_epoch);
        writer.i32(self.leader_epoch);
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

impl<'a> Decode<'a> for OffsetForLeaderTopicResult<'a> {
    fn decode(reader: &mut Reader<'a>, version: i16) -> Result<Self, ProtocolError> {
        let topic = OffsetForLeaderTopicResult {
            topic: reader.text("topic")?,
            partitions: reader.vec("partitions", version)?,
        };
        reader.no_tagged_fields()?;
        Ok(topic)
    }
}

impl Encode for OffsetForLeaderTopicResult<'_> {
    fn encode(&self, writer: &mut Writer, version: i16) {
        writer.string(&self.topic);
        writer.array(&self.partitions, version);
        writer.no_tagged_fields();
    }
}

impl<'a> Decode<'a> for EpochEndOffset {
    fn decode(reader: &mut Reader<'a>, _version: i16) -> Result<Self, ProtocolError> {
        let partition = EpochEndOffset {
            error_code: reader.error_code("error_code")?,
            partition: reader.i32("partition")?,
            leader_epoch: reader.i32("leader_epoch")?,
            end_offset: reader.i64("end_offset")?,
        };
        reader.no_tagged_fields()?;
        Ok(partition)
    }
}

impl Encode for EpochEndOffset {
    fn encode(&self, writer: &mut Writer, _version: i16) {
        writer.error_code(self.error_code);
        writer.i32(self.partition);
        writer.i32(self.leader_epoch);
        writer.i64(self.end_offset);
        writer.no_tagged_fields();
    }
}

//! The response of Fetch.

use std::borrow::Cow;

use crate::api::{LeaderIdAndEpoch, NodeEndpoint};
use crate::wire::{Decode, Encode, Reader, Writer};
use crate::{ApiKey, ErrorCode, Message, ProtocolError, Uuid};

/// What was read, by topic and partition.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Response<'a> {
    /// How long the client is asked to pause.
    pub throttle_time_ms: i32,
    /// From version 7: what went wrong with the request as a whole.
    pub error_code: ErrorCode,
    /// From version 7: the fetch session, or 0 for none.
    pub session_id: i32,
    /// The topics.
    pub responses: Vec<FetchableTopicResponse<'a>>,
    /// From version 16: where the leaders in `current_leader` listen.
    pub node_endpoints: Vec<NodeEndpoint<'a>>,
}

/// One topic of a [`Response`].
#[derive(Clone, Debug, Default, PartialEq)]
pub struct FetchableTopicResponse<'a> {
    /// Versions up to 12; else empty.
    pub topic: Cow<'a, str>,
    /// From version 13; else zero.
    pub topic_id: Uuid,
    /// The partitions.
    pub partitions: Vec<PartitionData<'a>>,
}

/// One partition of a [`FetchableTopicResponse`].
#[derive(Clone, Debug, PartialEq)]
pub struct PartitionData<'a> {
    /// The number of the partition.
    pub partition_index: i32,
    /// What went wrong.
    pub error_code: ErrorCode,
    /// The high watermark, or -1.
    pub high_watermark: i64,
    /// The last stable offset, or -1.
    pub last_stable_offset: i64,
    /// From version 5: the first offset of the log, or -1.
    pub log_start_offset: i64,
    /// From version 12: where the log parts from what the reader has read.
    pub diverging_epoch: Option<EpochEndOffset>,
    /// From version 12: who leads the partition, where it is not this broker.
    pub current_leader: Option<LeaderIdAndEpoch>,
    /// From version 12: a snapshot to fetch instead (Kafka's own metadata log).
    pub snapshot_id: Option<SnapshotId>,
    /// For readers of committed records: the aborted transactions among them.
    pub aborted_transactions: Option<Vec<AbortedTransaction>>,
    /// From version 11: the replica to read from, or -1.
    pub preferred_read_replica: i32,
    /// The records.
    pub records: Records<'a>,
}

/// Where the records of one partition are.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Records<'a> {
    /// There are none, not even an empty list.
    Null,
    /// Here.
    Inline(Cow<'a, [u8]>),
    /// With the sender, who puts this many bytes in place when the frame leaves. Never comes from decoding.
    External(usize),
}

/// Where a leader epoch ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct EpochEndOffset {
    /// The epoch, or -1.
    pub epoch: i32,
    /// The offset after its last record, or -1.
    pub end_offset: i64,
}

/// A snapshot of Kafka's metadata log.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SnapshotId {
    /// The offset after the last record in it, or -1.
    pub end_offset: i64,
    /// The epoch of that record, or -1.
    pub epoch: i32,
}

/// One aborted transaction.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct AbortedTransaction {
    /// Its producer.
    pub producer_id: i64,
    /// The offset of its first record.
    pub first_offset: i64,
}

impl Message for Response<'_> {
    const API_KEY: ApiKey = ApiKey::Fetch;
}

impl Default for Records<'_> {
    fn default() -> Self {
        Records::Inline(Cow::Borrowed(&[]))
    }
}

impl Records<'_> {
    /// How many bytes.
    pub fn len(&self) -> usize {
        match self {
            Records::Null => 0,
            Records::Inline(bytes) => bytes.len(),
            Records::External(len) => *len,
        }
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }
}

impl Default for PartitionData<'_> {
    fn default() -> Self {
        PartitionData {
            partition_index: 0,
            error_code: ErrorCode::None,
            high_watermark: -1,
            last_stable_offset: -1,
            log_start_offset: -1,
            diverging_epoch: None,
            current_leader: None,
            snapshot_id: None,
            aborted_transactions: None,
            preferred_read_replica: -1,
            records: Records::default(),
        }
    }
}

impl<'a> Decode<'a> for Response<'a> {
    fn decode(reader: &mut Reader<'a>, version: i16) -> Result<Self, ProtocolError> {
        let mut response = Response {
            throttle_time_ms: reader.i32("throttle_time_ms")?,
            error_code: if version >= 7 { reader.error_code("error_code")? } else { ErrorCode::None },
            session_id: if version >= 7 { reader.i32("session_id")? } else { 0 },
            responses: reader.vec("responses", version)?,
            node_endpoints: Vec::new(),
        };
        reader.tagged_fields(|tag, field| match tag {
            0 if version >= 16 => {
                response.node_endpoints = field.vec("node_endpoints", version)?;
                Ok(true)
            }
            _ => Ok(false),
        })?;
        Ok(response)
    }
}

impl Encode for Response<'_> {
    fn encode(&self, writer: &mut Writer, version: i16) {
        writer.i32(self.throttle_time_ms);
        if version >= 7 {
            writer.error_code(self.error_code);
            writer.i32(self.session_id);
        }
        writer.array(&self.responses, version);
        writer.tagged_fields(|fields| {
            if version >= 16 && !self.node_endpoints.is_empty() {
                fields.field(0, |writer| writer.array(&self.node_endpoints, version));
            }
        });
    }
}

impl<'a> Decode<'a> for FetchableTopicResponse<'a> {
    fn decode(reader: &mut Reader<'a>, version: i16) -> Result<Self, ProtocolError> {
        let topic = FetchableTopicResponse {
            topic: if version <= 12 { reader.text("topic")? } else { Cow::Borrowed("") },
            topic_id: if version >= 13 { reader.uuid("topic_id")? } else { Uuid::ZERO },
            partitions: reader.vec("partitions", version)?,
        };
        reader.no_tagged_fields()?;
        Ok(topic)
    }
}

impl Encode for FetchableTopicResponse<'_> {
    fn encode(&self, writer: &mut Writer, version: i16) {
        if version <= 12 {
            writer.string(&self.topic);
        } else {
            writer.uuid(self.topic_id);
        }
        writer.array(&self.partitions, version);
        writer.no_tagged_fields();
    }
}

impl<'a> Decode<'a> for PartitionData<'a> {
    fn decode(reader: &mut Reader<'a>, version: i16) -> Result<Self, ProtocolError> {
        let mut partition = PartitionData {
            partition_index: reader.i32("partition_index")?,
            error_code: reader.error_code("error_code")?,
            high_watermark: reader.i64("high_watermark")?,
            last_stable_offset: reader.i64("last_stable_offset")?,
            log_start_offset: if version >= 5 { reader.i64("log_start_offset")? } else { -1 },
            aborted_transactions: reader.nullable_vec("aborted_transactions", version)?,
            preferred_read_replica: if version >= 11 { reader.i32("preferred_read_replica")? } else { -1 },
            records: match reader.nullable_bytes("records")? {
                Some(bytes) => Records::Inline(Cow::Borrowed(bytes)),
                None => Records::Null,
            },
            ..PartitionData::default()
        };
        reader.tagged_fields(|tag, field| {
            match tag {
                0 => partition.diverging_epoch = Some(EpochEndOffset::decode(field, version)?),
                1 => partition.current_leader = Some(LeaderIdAndEpoch::decode(field, version)?),
                2 => partition.snapshot_id = Some(SnapshotId::decode(field, version)?),
                _ => return Ok(false),
            }
            Ok(true)
        })?;
        Ok(partition)
    }
}

impl Encode for PartitionData<'_> {
    fn encode(&self, writer: &mut Writer, version: i16) {
        writer.i32(self.partition_index);
        writer.error_code(self.error_code);
        writer.i64(self.high_watermark);
        writer.i64(self.last_stable_offset);
        if version >= 5 {
            writer.i64(self.log_start_offset);
        }
        writer.nullable_array(self.aborted_transactions.as_deref(), version);
        if version >= 11 {
            writer.i32(self.preferred_read_replica);
        }
        match &self.records {
            Records::Null => writer.nullable_bytes(None),
            Records::Inline(bytes) => writer.nullable_bytes(Some(bytes)),
            Records::External(len) => writer.external_bytes(*len),
        }
        writer.tagged_fields(|fields| {
            if let Some(epoch) = &self.diverging_epoch {
                fields.field(0, |writer| epoch.encode(writer, version));
            }
            if let Some(leader) = &self.current_leader {
                fields.field(1, |writer| leader.encode(writer, version));
            }
            if let Some(snapshot) = &self.snapshot_id {
                fields.field(2, |writer| snapshot.encode(writer, version));
            }
        });
    }
}

impl<'a> Decode<'a> for EpochEndOffset {
    fn decode(reader: &mut Reader<'a>, _version: i16) -> Result<Self, ProtocolError> {
        let epoch = EpochEndOffset { epoch: reader.i32("epoch")?, end_offset: reader.i64("end_offset")? };
        reader.no_tagged_fields()?;
        Ok(epoch)
    }
}

impl Encode for EpochEndOffset {
    fn encode(&self, writer: &mut Writer, _version: i16) {
        writer.i32(self.epoch);
        writer.i64(self.end_offset);
        writer.no_tagged_fields();
    }
}

impl<'a> Decode<'a> for SnapshotId {
    fn decode(reader: &mut Reader<'a>, _version: i16) -> Result<Self, ProtocolError> {
        let snapshot = SnapshotId { end_offset: reader.i64("end_offset")?, epoch: reader.i32("epoch")? };
        reader.no_tagged_fields()?;
        Ok(snapshot)
    }
}

impl Encode for SnapshotId {
    fn encode(&self, writer: &mut Writer, _version: i16) {
        writer.i64(self.end_offset);
        writer.i32(self.epoch);
        writer.no_tagged_fields();
    }
}

impl<'a> Decode<'a> for AbortedTransaction {
    fn decode(reader: &mut Reader<'a>, _version: i16) -> Result<Self, ProtocolError> {
        let transaction = AbortedTransaction {
            producer_id: reader.i64("producer_id")?,
            first_offset: reader.i64("first_offset")?,
        };
        reader.no_tagged_fields()?;
        Ok(transaction)
    }
}

impl Encode for AbortedTransaction {
    fn encode(&self, writer: &mut Writer, _version: i16) {
        writer.i64(self.producer_id);
        writer.i64(self.first_offset);
        writer.no_tagged_fields();
    }
}

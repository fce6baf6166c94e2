//! Produce: record batches to append.
//!
//! | version | change |
//! | --- | --- |
//! | 3 | the first here: transactional id, record batch format v2 (KIP-98) |
//! | 5 | `log_start_offset` in the response |
//! | 7 | batches may be compressed with zstd (KIP-110) |
//! | 8 | `record_errors` and `error_message` in the response (KIP-467) |
//! | 9 | flexible |
//! | 10 | `current_leader` and `node_endpoints` in the response (KIP-951) |
//! | 12 | may start a transaction by itself (KIP-890) |
//! | 13 | topic ids in place of names (KIP-516) |

use std::borrow::Cow;

use super::{LeaderIdAndEpoch, NodeEndpoint};
use crate::wire::{Decode, Encode, List, Reader, Writer};
use crate::{ApiKey, ErrorCode, Message, ProtocolError, Uuid};

/// Record batches to append, by topic and partition.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Request<'a> {
    /// Set by a transactional producer.
    pub transactional_id: Option<&'a str>,
    /// When to answer: 0 never, 1 once appended, -1 once all replicas have it.
    pub acks: i16,
    /// How long the broker may wait for `acks`.
    pub timeout_ms: i32,
    /// The topics.
    pub topic_data: List<'a, TopicProduceData<'a>>,
}

/// One topic of a [`Request`].
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct TopicProduceData<'a> {
    /// Versions up to 12; else empty.
    pub name: &'a str,
    /// Version 13; else zero.
    pub topic_id: Uuid,
    /// The partitions.
    pub partition_data: List<'a, PartitionProduceData<'a>>,
}

/// One partition of a [`TopicProduceData`].
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct PartitionProduceData<'a> {
    /// The number of the partition.
    pub index: i32,
    /// The record batches, as they came.
    pub records: Option<&'a [u8]>,
}

/// What became of each partition of a [`Request`].
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Response<'a> {
    /// The topics.
    pub responses: Vec<TopicProduceResponse<'a>>,
    /// How long the client is asked to pause.
    pub throttle_time_ms: i32,
    /// From version 10: where the leaders in `current_leader` listen.
    pub node_endpoints: Vec<NodeEndpoint<'a>>,
}

/// One topic of a [`Response`].
#[derive(Clone, Debug, Default, PartialEq)]
pub struct TopicProduceResponse<'a> {
    /// Versions up to 12; else empty.
    pub name: Cow<'a, str>,
    /// Version 13; else zero.
    pub topic_id: Uuid,
    /// The partitions.
    pub partition_responses: Vec<PartitionProduceResponse<'a>>,
}

/// One partition of a [`TopicProduceResponse`].
#[derive(Clone, Debug, PartialEq)]
pub struct PartitionProduceResponse<'a> {
    /// The number of the partition.
    pub index: i32,
    /// What went wrong.
    pub error_code: ErrorCode,
    /// The offset of the first record, or -1.
    pub base_offset: i64,
    /// The time given to the records, or -1 where they keep the producer's.
    pub log_append_time_ms: i64,
    /// From version 5: the first offset of the log, or -1.
    pub log_start_offset: i64,
    /// From version 8: the records that made the batch be refused.
    pub record_errors: Vec<BatchIndexAndErrorMessage<'a>>,
    /// From version 8: why.
    pub error_message: Option<Cow<'a, str>>,
    /// From version 10: who leads the partition, where it is not this broker.
    pub current_leader: Option<LeaderIdAndEpoch>,
}

/// One record that made its batch be refused (KIP-467).
#[derive(Clone, Debug, Default, PartialEq)]
pub struct BatchIndexAndErrorMessage<'a> {
    /// Its place in the batch.
    pub batch_index: i32,
    /// Why.
    pub batch_index_error_message: Option<Cow<'a, str>>,
}

impl Message for Request<'_> {
    const API_KEY: ApiKey = ApiKey::Produce;
}

impl Message for Response<'_> {
    const API_KEY: ApiKey = ApiKey::Produce;
}

impl Default for PartitionProduceResponse<'_> {
    fn default() -> Self {
        PartitionProduceResponse {
            index: 0,
            error_code: ErrorCode::None,
            base_offset: -1,
            log_append_time_ms: -1,
            log_start_offset: -1,
            record_errors: Vec::new(),
            error_message: None,
            current_leader: None,
        }
    }
}

impl<'a> Decode<'a> for Request<'a> {
    fn decode(reader: &mut Reader<'a>, version: i16) -> Result<Self, ProtocolError> {
        let request = Request {
            transactional_id: reader.nullable_string("transactional_id")?,
            acks: reader.i16("acks")?,
            timeout_ms: reader.i32("timeout_ms")?,
            topic_data: reader.list("topic_data", version)?,
        };
        reader.no_tagged_fields()?;
        Ok(request)
    }
}

impl Encode for Request<'_> {
    fn encode(&self, writer: &mut Writer, version: i16) {
        writer.nullable_string(self.transactional_id);
        writer.i16(self.acks);
        writer.i32(self.timeout_ms);
        writer.list(&self.topic_data, version);
        writer.no_tagged_fields();
    }
}

impl<'a> Decode<'a> for TopicProduceData<'a> {
    fn decode(reader: &mut Reader<'a>, version: i16) -> Result<Self, ProtocolError> {
        let topic = TopicProduceData {
            name: if version <= 12 { reader.string("name")? } else { "" },
            topic_id: if version >= 13 { reader.uuid("topic_id")? } else { Uuid::ZERO },
            partition_data: reader.list("partition_data", version)?,
        };
        reader.no_tagged_fields()?;
        Ok(topic)
    }
}

impl Encode for TopicProduceData<'_> {
    fn encode(&self, writer: &mut Writer, version: i16) {
        if version <= 12 {
            writer.string(self.name);
        } else {
            writer.uuid(self.topic_id);
        }
        writer.list(&self.partition_data, version);
        writer.no_tagged_fields();
    }
}

impl<'a> Decode<'a> for PartitionProduceData<'a> {
    fn decode(reader: &mut Reader<'a>, _version: i16) -> Result<Self, ProtocolError> {
        let partition =
            PartitionProduceData { index: reader.i32("index")?, records: reader.nullable_bytes("records")? };
        reader.no_tagged_fields()?;
        Ok(partition)
    }
}

impl Encode for PartitionProduceData<'_> {
    fn encode(&self, writer: &mut Writer, _version: i16) {
        writer.i32(self.index);
        writer.nullable_bytes(self.records);
        writer.no_tagged_fields();
    }
}

impl<'a> Decode<'a> for Response<'a> {
    fn decode(reader: &mut Reader<'a>, version: i16) -> Result<Self, ProtocolError> {
        let mut response = Response {
            responses: reader.vec("responses", version)?,
            throttle_time_ms: reader.i32("throttle_time_ms")?,
            node_endpoints: Vec::new(),
        };
        reader.tagged_fields(|tag, field| match tag {
            0 if version >= 10 => {
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
        writer.array(&self.responses, version);
        writer.i32(self.throttle_time_ms);
        writer.tagged_fields(|fields| {
            if version >= 10 && !self.node_endpoints.is_empty() {
                fields.field(0, |writer| writer.array(&self.node_endpoints, version));
            }
        });
    }
}

impl<'a> Decode<'a> for TopicProduceResponse<'a> {
    fn decode(reader: &mut Reader<'a>, version: i16) -> Result<Self, ProtocolError> {
        let topic = TopicProduceResponse {
            name: if version <= 12 { reader.text("name")? } else { Cow::Borrowed("") },
            topic_id: if version >= 13 { reader.uuid("topic_id")? } else { Uuid::ZERO },
            partition_responses: reader.vec("partition_responses", version)?,
        };
        reader.no_tagged_fields()?;
        Ok(topic)
    }
}

impl Encode for TopicProduceResponse<'_> {
    fn encode(&self, writer: &mut Writer, version: i16) {
        if version <= 12 {
            writer.string(&self.name);
        } else {
            writer.uuid(self.topic_id);
        }
        writer.array(&self.partition_responses, version);
        writer.no_tagged_fields();
    }
}

impl<'a> Decode<'a> for PartitionProduceResponse<'a> {
    fn decode(reader: &mut Reader<'a>, version: i16) -> Result<Self, ProtocolError> {
        let mut partition = PartitionProduceResponse {
            index: reader.i32("index")?,
            error_code: reader.error_code("error_code")?,
            base_offset: reader.i64("base_offset")?,
            log_append_time_ms: reader.i64("log_append_time_ms")?,
            ..PartitionProduceResponse::default()
        };
        if version >= 5 {
            partition.log_start_offset = reader.i64("log_start_offset")?;
        }
        if version >= 8 {
            partition.record_errors = reader.vec("record_errors", version)?;
            partition.error_message = reader.nullable_text("error_message")?;
        }
        reader.tagged_fields(|tag, field| match tag {
            0 if version >= 10 => {
                partition.current_leader = Some(LeaderIdAndEpoch::decode(field, version)?);
                Ok(true)
            }
            _ => Ok(false),
        })?;
        Ok(partition)
    }
}

impl Encode for PartitionProduceResponse<'_> {
    fn encode(&self, writer: &mut Writer, version: i16) {
        writer.i32(self.index);
        writer.error_code(self.error_code);
        writer.i64(self.base_offset);
        writer.i64(self.log_append_time_ms);
        if version >= 5 {
            writer.i64(self.log_start_offset);
        }
        if version >= 8 {
            writer.array(&self.record_errors, version);
            writer.nullable_string(self.error_message.as_deref());
        }
        writer.tagged_fields(|fields| {
            if let Some(leader) = self.current_leader.filter(|_| version >= 10) {
                fields.field(0, |writer| leader.encode(writer, version));
            }
        });
    }
}

impl<'a> Decode<'a> for BatchIndexAndErrorMessage<'a> {
    fn decode(reader: &mut Reader<'a>, _version: i16) -> Result<Self, ProtocolError> {
        let error = BatchIndexAndErrorMessage {
            batch_index: reader.i32("batch_index")?,
            batch_index_error_message: reader.nullable_text("batch_index_error_message")?,
        };
        reader.no_tagged_fields()?;
        Ok(error)
    }
}

impl Encode for BatchIndexAndErrorMessage<'_> {
    fn encode(&self, writer: &mut Writer, _version: i16) {
        writer.i32(self.batch_index);
        writer.nullable_string(self.batch_index_error_message.as_deref());
        writer.no_tagged_fields();
    }
}

//! The request of Fetch.

use crate::api::IsolationLevel;
use crate::wire::{Decode, Encode, List, Reader, Writer};
use crate::{ApiKey, Message, ProtocolError, Uuid};

/// Where to read, and how much.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Request<'a> {
    /// From version 12, tagged: the cluster that the client means to reach.
    pub cluster_id: Option<&'a str>,
    /// The broker that replicates, or -1 for a consumer. In the body up to version 14, then tagged.
    pub replica_id: i32,
    /// From version 15, tagged: the epoch of the broker that replicates, or -1.
    pub replica_epoch: i64,
    /// How long to wait for `min_bytes`.
    pub max_wait_ms: i32,
    /// How many bytes to wait for.
    pub min_bytes: i32,
    /// How many bytes to answer at the most; the first batch comes whole all the same (KIP-74).
    pub max_bytes: i32,
    /// Which records of transactions to see.
    pub isolation_level: IsolationLevel,
    /// From version 7: the fetch session, or 0.
    pub session_id: i32,
    /// From version 7: the place in the session: 0 asks for a new one, -1 for none.
    pub session_epoch: i32,
    /// The topics; in a session, those that changed.
    pub topics: List<'a, FetchTopic<'a>>,
    /// From version 7: what leaves the session.
    pub forgotten_topics_data: List<'a, ForgottenTopic<'a>>,
    /// From version 11: where the consumer is.
    pub rack_id: &'a str,
}

/// One topic of a [`Request`].
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct FetchTopic<'a> {
    /// Versions up to 12; else empty.
    pub topic: &'a str,
    /// From version 13; else zero.
    pub topic_id: Uuid,
    /// The partitions.
    pub partitions: List<'a, FetchPartition>,
}

/// One partition of a [`FetchTopic`].
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct FetchPartition {
    /// The number of the partition.
    pub partition: i32,
    /// From version 9: the leader epoch that the client knows, or -1.
    pub current_leader_epoch: i32,
    /// The offset to read from.
    pub fetch_offset: i64,
    /// From version 12: the epoch of the record before it, or -1.
    pub last_fetched_epoch: i32,
    /// From version 5: the first offset of the follower's log, or -1.
    pub log_start_offset: i64,
    /// How many bytes of this partition to answer at the most.
    pub partition_max_bytes: i32,
    /// From version 17, tagged: the directory of the follower.
    pub replica_directory_id: Uuid,
    /// From version 18, tagged: the high watermark that the replica knows.
    pub high_watermark: i64,
}

/// What leaves a fetch session.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct ForgottenTopic<'a> {
    /// Versions up to 12; else empty.
    pub topic: &'a str,
    /// From version 13; else zero.
    pub topic_id: Uuid,
    /// The partitions.
    pub partitions: List<'a, i32>,
}

impl Message for Request<'_> {
    const API_KEY: ApiKey = ApiKey::Fetch;
}

impl Default for Request<'_> {
    fn default() -> Self {
        Request {
            cluster_id: None,
            replica_id: -1,
            replica_epoch: -1,
            max_wait_ms: 0,
            min_bytes: 0,
            max_bytes: i32::MAX,
            isolation_level: IsolationLevel::ReadUncommitted,
            session_id: 0,
            session_epoch: -1,
            topics: List::empty(),
            forgotten_topics_data: List::empty(),
            rack_id: "",
        }
    }
}

impl Default for FetchPartition {
    fn default() -> Self {
        FetchPartition {
            partition: 0,
            current_leader_epoch: -1,
            fetch_offset: 0,
            last_fetched_epoch: -1,
            log_start_offset: -1,
            partition_max_bytes: 0,
            replica_directory_id: Uuid::ZERO,
            high_watermark: i64::MAX,
        }
    }
}

impl<'a> Request<'a> {
    /// The two fields of the tagged `replica_state`.
    fn decode_replica_state(&mut self, reader: &mut Reader<'a>) -> Result<(), ProtocolError> {
        self.replica_id = reader.i32("replica_id")?;
        self.replica_epoch = reader.i64("replica_epoch")?;
        reader.no_tagged_fields()
    }

    fn encode_replica_state(&self, writer: &mut Writer) {
        writer.i32(self.replica_id);
        writer.i64(self.replica_epoch);
        writer.no_tagged_fields();
    }
}

impl<'a> Decode<'a> for Request<'a> {
    fn decode(reader: &mut Reader<'a>, version: i16) -> Result<Self, ProtocolError> {
        let mut request = Request {
            replica_id: if version <= 14 { reader.i32("replica_id")? } else { -1 },
            max_wait_ms: reader.i32("max_wait_ms")?,
            min_bytes: reader.i32("min_bytes")?,
            max_bytes: reader.i32("max_bytes")?,
            isolation_level: IsolationLevel::decode(reader)?,
            session_id: if version >= 7 { reader.i32("session_id")? } else { 0 },
            session_epoch: if version >= 7 { reader.i32("session_epoch")? } else { -1 },
            topics: reader.list("topics", version)?,
            ..Request::default()
        };
        if version >= 7 {
            request.forgotten_topics_data = reader.list("forgotten_topics_data", version)?;
        }
        if version >= 11 {
            request.rack_id = reader.string("rack_id")?;
        }
        reader.tagged_fields(|tag, field| {
            match tag {
                0 => request.cluster_id = field.nullable_string("cluster_id")?,
                1 if version >= 15 => request.decode_replica_state(field)?,
                _ => return Ok(false),
            }
            Ok(true)
        })?;
        Ok(request)
    }
}

impl Encode for Request<'_> {
    fn encode(&self, writer: &mut Writer, version: i16) {
        if version <= 14 {
            writer.i32(self.replica_id);
        }
        writer.i32(self.max_wait_ms);
        writer.i32(self.min_bytes);
        writer.i32(self.max_bytes);
        writer.i8(self.isolation_level.code());
        if version >= 7 {
            writer.i32(self.session_id);
            writer.i32(self.session_epoch);
        }
        writer.list(&self.topics, version);
        if version >= 7 {
            writer.list(&self.forgotten_topics_data, version);
        } else {
            writer.unsupported(!self.forgotten_topics_data.is_empty(), "forgotten_topics_data", version);
        }
        if version >= 11 {
            writer.string(self.rack_id);
        }
        writer.tagged_fields(|fields| {
            if self.cluster_id.is_some() {
                fields.field(0, |writer| writer.nullable_string(self.cluster_id));
            }
            if version >= 15 && (self.replica_id, self.replica_epoch) != (-1, -1) {
                fields.field(1, |writer| self.encode_replica_state(writer));
            }
        });
    }
}

impl<'a> Decode<'a> for FetchTopic<'a> {
    fn decode(reader: &mut Reader<'a>, version: i16) -> Result<Self, ProtocolError> {
        let topic = FetchTopic {
            topic: if version <= 12 { reader.string("topic")? } else { "" },
            topic_id: if version >= 13 { reader.uuid("topic_id")? } else { Uuid::ZERO },
            partitions: reader.list("partitions", version)?,
        };
        reader.no_tagged_fields()?;
        Ok(topic)
    }
}

impl Encode for FetchTopic<'_> {
    fn encode(&self, writer: &mut Writer, version: i16) {
        if version <= 12 {
            writer.string(self.topic);
        } else {
            writer.uuid(self.topic_id);
        }
        writer.list(&self.partitions, version);
        writer.no_tagged_fields();
    }
}

impl<'a> Decode<'a> for FetchPartition {
    fn decode(reader: &mut Reader<'a>, version: i16) -> Result<Self, ProtocolError> {
        let mut partition = FetchPartition {
            partition: reader.i32("partition")?,
            current_leader_epoch: if version >= 9 { reader.i32("current_leader_epoch")? } else { -1 },
            fetch_offset: reader.i64("fetch_offset")?,
            last_fetched_epoch: if version >= 12 { reader.i32("last_fetched_epoch")? } else { -1 },
            log_start_offset: if version >= 5 { reader.i64("log_start_offset")? } else { -1 },
            partition_max_bytes: reader.i32("partition_max_bytes")?,
            ..FetchPartition::default()
        };
        reader.tagged_fields(|tag, field| {
            match tag {
                0 if version >= 17 => partition.replica_directory_id = field.uuid("replica_directory_id")?,
                1 if version >= 18 => partition.high_watermark = field.i64("high_watermark")?,
                _ => return Ok(false),
            }
            Ok(true)
        })?;
        Ok(partition)
    }
}

impl Encode for FetchPartition {
    fn encode(&self, writer: &mut Writer, version: i16) {
        writer.i32(self.partition);
        if version >= 9 {
            writer.i32(self.current_leader_epoch);
        }
        writer.i64(self.fetch_offset);
        if version >= 12 {
            writer.i32(self.last_fetched_epoch);
        } else {
            writer.unsupported(self.last_fetched_epoch != -1, "last_fetched_epoch", version);
        }
        if version >= 5 {
            writer.i64(self.log_start_offset);
        }
        writer.i32(self.partition_max_bytes);
        writer.tagged_fields(|fields| {
            if version >= 17 && !self.replica_directory_id.is_zero() {
                fields.field(0, |writer| writer.uuid(self.replica_directory_id));
            }
            if version >= 18 && self.high_watermark != i64::MAX {
                fields.field(1, |writer| writer.i64(self.high_watermark));
            }
        });
    }
}

impl<'a> Decode<'a> for ForgottenTopic<'a> {
    fn decode(reader: &mut Reader<'a>, version: i16) -> Result<Self, ProtocolError> {
        let topic = ForgottenTopic {
            topic: if version <= 12 { reader.string("topic")? } else { "" },
            topic_id: if version >= 13 { reader.uuid("topic_id")? } else { Uuid::ZERO },
            partitions: reader.list("partitions", version)?,
        };
        reader.no_tagged_fields()?;
        Ok(topic)
    }
}

impl Encode for ForgottenTopic<'_> {
    fn encode(&self, writer: &mut Writer, version: i16) {
        if version <= 12 {
            writer.string(self.topic);
        } else {
            writer.uuid(self.topic_id);
        }
        writer.list(&self.partitions, version);
        writer.no_tagged_fields();
    }
}

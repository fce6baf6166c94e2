//! Metadata: brokers, topics and the leaders of partitions.
//!
//! | version | change |
//! | --- | --- |
//! | 1 | null topics mean all (an empty list did in version 0); racks, controller, internal topics |
//! | 2 | `cluster_id` |
//! | 3 | `throttle_time_ms` |
//! | 4 | `allow_auto_topic_creation` |
//! | 5 | `offline_replicas` |
//! | 7 | `leader_epoch` |
//! | 8 | authorized operations; those of the cluster only up to version 10 (KIP-430, KIP-700) |
//! | 9 | flexible |
//! | 10 | topic ids (KIP-516); asking by id works from version 12 |
//! | 13 | `error_code` of the whole response (KIP-1102) |

use std::borrow::Cow;

use crate::wire::{Decode, Encode, List, Reader, Writer};
use crate::{ApiKey, ErrorCode, Message, ProtocolError, Uuid};

/// What stands for "authorized operations were not asked for".
pub const NO_AUTHORIZED_OPERATIONS: i32 = i32::MIN;

/// Which topics to describe.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Request<'a> {
    /// The topics; `None` means all of them. Version 0 cannot ask for none.
    pub topics: Option<List<'a, MetadataRequestTopic<'a>>>,
    /// From version 4: whether topics may be created by being asked for.
    pub allow_auto_topic_creation: bool,
    /// Versions 8 to 10.
    pub include_cluster_authorized_operations: bool,
    /// From version 8.
    pub include_topic_authorized_operations: bool,
}

/// One topic of a [`Request`].
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct MetadataRequestTopic<'a> {
    /// From version 10: its id, or zero.
    pub topic_id: Uuid,
    /// Its name; from version 10 it may be left to the id.
    pub name: Option<&'a str>,
}

/// Brokers and topics.
#[derive(Clone, Debug, PartialEq)]
pub struct Response<'a> {
    /// From version 3: how long the client is asked to pause.
    pub throttle_time_ms: i32,
    /// The brokers.
    pub brokers: Vec<MetadataResponseBroker<'a>>,
    /// From version 2: the id of the cluster.
    pub cluster_id: Option<Cow<'a, str>>,
    /// From version 1: the broker to send changes to, or -1.
    pub controller_id: i32,
    /// The topics.
    pub topics: Vec<MetadataResponseTopic<'a>>,
    /// Versions 8 to 10.
    pub cluster_authorized_operations: i32,
    /// From version 13: what went wrong with the request as a whole.
    pub error_code: ErrorCode,
}

/// One broker of a [`Response`].
#[derive(Clone, Debug, Default, PartialEq)]
pub struct MetadataResponseBroker<'a> {
    /// Its id.
    pub node_id: i32,
    /// Its host.
    pub host: Cow<'a, str>,
    /// Its port.
    pub port: i32,
    /// From version 1: its rack, where it has one.
    pub rack: Option<Cow<'a, str>>,
}

/// One topic of a [`Response`].
#[derive(Clone, Debug, PartialEq)]
pub struct MetadataResponseTopic<'a> {
    /// What went wrong.
    pub error_code: ErrorCode,
    /// Its name; from version 12 it is `None` for an unknown id.
    pub name: Option<Cow<'a, str>>,
    /// From version 10: its id, or zero.
    pub topic_id: Uuid,
    /// From version 1: whether the broker keeps it for itself.
    pub is_internal: bool,
    /// The partitions.
    pub partitions: Vec<MetadataResponsePartition<'a>>,
    /// From version 8.
    pub topic_authorized_operations: i32,
}

/// One partition of a [`MetadataResponseTopic`].
#[derive(Clone, Debug, PartialEq)]
pub struct MetadataResponsePartition<'a> {
    /// What went wrong.
    pub error_code: ErrorCode,
    /// The number of the partition.
    pub partition_index: i32,
    /// The broker that leads it, or -1.
    pub leader_id: i32,
    /// From version 7: its leader epoch, or -1.
    pub leader_epoch: i32,
    /// The brokers that hold it.
    pub replica_nodes: Cow<'a, [i32]>,
    /// Those of them that are in sync.
    pub isr_nodes: Cow<'a, [i32]>,
    /// From version 5: those of them that are away.
    pub offline_replicas: Cow<'a, [i32]>,
}

impl Message for Request<'_> {
    const API_KEY: ApiKey = ApiKey::Metadata;
}

impl Message for Response<'_> {
    const API_KEY: ApiKey = ApiKey::Metadata;
}

impl Default for Request<'_> {
    fn default() -> Self {
        Request {
            topics: None,
            allow_auto_topic_creation: true,
            include_cluster_authorized_operations: false,
            include_topic_authorized_operations: false,
        }
    }
}

impl Default for Response<'_> {
    fn default() -> Self {
        Response {
            throttle_time_ms: 0,
            brokers: Vec::new(),
            cluster_id: None,
            controller_id: -1,
            topics: Vec::new(),
            cluster_authorized_operations: NO_AUTHORIZED_OPERATIONS,
            error_code: ErrorCode::None,
        }
    }
}

impl Default for MetadataResponseTopic<'_> {
    fn default() -> Self {
        MetadataResponseTopic {
            error_code: ErrorCode::None,
            name: None,
            topic_id: Uuid::ZERO,
            is_internal: false,
            partitions: Vec::new(),
            topic_authorized_operations: NO_AUTHORIZED_OPERATIONS,
        }
    }
}

impl Default for MetadataResponsePartition<'_> {
    fn default() -> Self {
        MetadataResponsePartition {
            error_code: ErrorCode::None,
            partition_index: 0,
            leader_id: -1,
            leader_epoch: -1,
            replica_nodes: Cow::Borrowed(&[]),
            isr_nodes: Cow::Borrowed(&[]),
            offline_replicas: Cow::Borrowed(&[]),
        }
    }
}

impl<'a> Decode<'a> for Request<'a> {
    fn decode(reader: &mut Reader<'a>, version: i16) -> Result<Self, ProtocolError> {
        let topics = match version {
            0 => Some(reader.list("topics", version)?).filter(|topics| !topics.is_empty()),
            _ => reader.nullable_list("topics", version)?,
        };
        let mut request = Request { topics, ..Request::default() };
        if version >= 4 {
            request.allow_auto_topic_creation = reader.bool("allow_auto_topic_creation")?;
        }
        if (8..=10).contains(&version) {
            request.include_cluster_authorized_operations =
                reader.bool("include_cluster_authorized_operations")?;
        }
        if version >= 8 {
            request.include_topic_authorized_operations =
                reader.bool("include_topic_authorized_operations")?;
        }
        reader.no_tagged_fields()?;
        Ok(request)
    }
}

impl Encode for Request<'_> {
    fn encode(&self, writer: &mut Writer, version: i16) {
        match (version, &self.topics) {
            (0, Some(topics)) if topics.is_empty() => writer.unsupported(true, "topics", version),
            (0, None) => writer.list(&List::<MetadataRequestTopic<'_>>::empty(), version),
            (_, topics) => writer.nullable_list(topics.as_ref(), version),
        }
        if version >= 4 {
            writer.bool(self.allow_auto_topic_creation);
        } else {
            writer.unsupported(!self.allow_auto_topic_creation, "allow_auto_topic_creation", version);
        }
        if (8..=10).contains(&version) {
            writer.bool(self.include_cluster_authorized_operations);
        } else {
            let field = "include_cluster_authorized_operations";
            writer.unsupported(self.include_cluster_authorized_operations, field, version);
        }
        if version >= 8 {
            writer.bool(self.include_topic_authorized_operations);
        } else {
            let field = "include_topic_authorized_operations";
            writer.unsupported(self.include_topic_authorized_operations, field, version);
        }
        writer.no_tagged_fields();
    }
}

impl<'a> Decode<'a> for MetadataRequestTopic<'a> {
    fn decode(reader: &mut Reader<'a>, version: i16) -> Result<Self, ProtocolError> {
        let topic = if version >= 10 {
            MetadataRequestTopic { topic_id: reader.uuid("topic_id")?, name: reader.nullable_string("name")? }
        } else {
            MetadataRequestTopic { topic_id: Uuid::ZERO, name: Some(reader.string("name")?) }
        };
        reader.no_tagged_fields()?;
        Ok(topic)
    }
}

impl Encode for MetadataRequestTopic<'_> {
    fn encode(&self, writer: &mut Writer, version: i16) {
        if version >= 10 {
            writer.uuid(self.topic_id);
            writer.nullable_string(self.name);
        } else {
            writer.required_string("name", self.name);
        }
        writer.no_tagged_fields();
    }
}

impl<'a> Decode<'a> for Response<'a> {
    fn decode(reader: &mut Reader<'a>, version: i16) -> Result<Self, ProtocolError> {
        let mut response = Response {
            throttle_time_ms: if version >= 3 { reader.i32("throttle_time_ms")? } else { 0 },
            brokers: reader.vec("brokers", version)?,
            cluster_id: if version >= 2 { reader.nullable_text("cluster_id")? } else { None },
            controller_id: if version >= 1 { reader.i32("controller_id")? } else { -1 },
            topics: reader.vec("topics", version)?,
            ..Response::default()
        };
        if (8..=10).contains(&version) {
            response.cluster_authorized_operations = reader.i32("cluster_authorized_operations")?;
        }
        if version >= 13 {
            response.error_code = reader.error_code("error_code")?;
        }
        reader.no_tagged_fields()?;
        Ok(response)
    }
}

impl Encode for Response<'_> {
    fn encode(&self, writer: &mut Writer, version: i16) {
        if version >= 3 {
            writer.i32(self.throttle_time_ms);
        }
        writer.array(&self.brokers, version);
        if version >= 2 {
            writer.nullable_string(self.cluster_id.as_deref());
        }
        if version >= 1 {
            writer.i32(self.controller_id);
        }
        writer.array(&self.topics, version);
        if (8..=10).contains(&version) {
            writer.i32(self.cluster_authorized_operations);
        }
        if version >= 13 {
            writer.error_code(self.error_code);
        }
        writer.no_tagged_fields();
    }
}

impl<'a> Decode<'a> for MetadataResponseBroker<'a> {
    fn decode(reader: &mut Reader<'a>, version: i16) -> Result<Self, ProtocolError> {
        let broker = MetadataResponseBroker {
            node_id: reader.i32("node_id")?,
            host: reader.text("host")?,
            port: reader.i32("port")?,
            rack: if version >= 1 { reader.nullable_text("rack")? } else { None },
        };
        reader.no_tagged_fields()?;
        Ok(broker)
    }
}

impl Encode for MetadataResponseBroker<'_> {
    fn encode(&self, writer: &mut Writer, version: i16) {
        writer.i32(self.node_id);
        writer.string(&self.host);
        writer.i32(self.port);
        if version >= 1 {
            writer.nullable_string(self.rack.as_deref());
        }
        writer.no_tagged_fields();
    }
}

impl<'a> Decode<'a> for MetadataResponseTopic<'a> {
    fn decode(reader: &mut Reader<'a>, version: i16) -> Result<Self, ProtocolError> {
        let error_code = reader.error_code("error_code")?;
        let name = if version >= 12 { reader.nullable_text("name")? } else { Some(reader.text("name")?) };
        let topic = MetadataResponseTopic {
            error_code,
            name,
            topic_id: if version >= 10 { reader.uuid("topic_id")? } else { Uuid::ZERO },
            is_internal: if version >= 1 { reader.bool("is_internal")? } else { false },
            partitions: reader.vec("partitions", version)?,
            topic_authorized_operations: match version {
                8.. => reader.i32("topic_authorized_operations")?,
                _ => NO_AUTHORIZED_OPERATIONS,
            },
        };
        reader.no_tagged_fields()?;
        Ok(topic)
    }
}

impl Encode for MetadataResponseTopic<'_> {
    fn encode(&self, writer: &mut Writer, version: i16) {
        writer.error_code(self.error_code);
        if version >= 12 {
            writer.nullable_string(self.name.as_deref());
        } else {
            writer.required_string("name", self.name.as_deref());
        }
        if version >= 10 {
            writer.uuid(self.topic_id);
        }
        if version >= 1 {
            writer.bool(self.is_internal);
        }
        writer.array(&self.partitions, version);
        if version >= 8 {
            writer.i32(self.topic_authorized_operations);
        }
        writer.no_tagged_fields();
    }
}

impl<'a> Decode<'a> for MetadataResponsePartition<'a> {
    fn decode(reader: &mut Reader<'a>, version: i16) -> Result<Self, ProtocolError> {
        let mut partition = MetadataResponsePartition {
            error_code: reader.error_code("error_code")?,
            partition_index: reader.i32("partition_index")?,
            leader_id: reader.i32("leader_id")?,
            leader_epoch: if version >= 7 { reader.i32("leader_epoch")? } else { -1 },
            replica_nodes: Cow::Owned(reader.vec("replica_nodes", version)?),
            isr_nodes: Cow::Owned(reader.vec("isr_nodes", version)?),
            ..MetadataResponsePartition::default()
        };
        if version >= 5 {
            partition.offline_replicas = Cow::Owned(reader.vec("offline_replicas", version)?);
        }
        reader.no_tagged_fields()?;
        Ok(partition)
    }
}

impl Encode for MetadataResponsePartition<'_> {
    fn encode(&self, writer: &mut Writer, version: i16) {
        writer.error_code(self.error_code);
        writer.i32(self.partition_index);
        writer.i32(self.leader_id);
        if version >= 7 {
            writer.i32(self.leader_epoch);
        }
        writer.array(&self.replica_nodes, version);
        writer.array(&self.isr_nodes, version);
        if version >= 5 {
            writer.array(&self.offline_replicas, version);
        }
        writer.no_tagged_fields();
    }
}

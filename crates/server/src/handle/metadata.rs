//! Metadata: which topics there are, and that this node leads them all. A topic that a client names may
//! come to exist here.

use std::collections::HashSet;

use ottla::Topic;
use ottla::dir::TopicId;
use ottla_protocol::ErrorCode;
use ottla_protocol::api::metadata::{
    MetadataRequestTopic, MetadataResponseBroker, MetadataResponsePartition, MetadataResponseTopic,
    NO_AUTHORIZED_OPERATIONS, Request, Response,
};

use crate::handle::Caller;
use crate::handle::lookup::wire_id;
use crate::handle::operations::{ALL_CLUSTER_OPERATIONS, ALL_TOPIC_OPERATIONS};
use crate::topics;

/// The first version in which a topic may be named by its id.
const FIRST_BY_ID: i16 = 12;

pub(crate) fn handle<'f>(caller: &Caller<'_>, version: i16, request: &Request<'f>) -> Response<'f> {
    let broker = caller.broker;
    let endpoint = broker.endpoint(caller.reached);
    let node = MetadataResponseBroker {
        node_id: broker.store.node_id(),
        host: endpoint.host.into(),
        port: endpoint.port,
        ..MetadataResponseBroker::default()
    };
    Response {
        brokers: vec![node],
        cluster_id: Some(broker.store.cluster_id().to_owned().into()),
        controller_id: broker.store.node_id(),
        topics: topics(caller, version, request),
        cluster_authorized_operations: asked(
            request.include_cluster_authorized_operations,
            ALL_CLUSTER_OPERATIONS,
        ),
        ..Response::default()
    }
}

fn asked(include: bool, operations: i32) -> i32 {
    if include { operations } else { NO_AUTHORIZED_OPERATIONS }
}

fn topics<'f>(caller: &Caller<'_>, version: i16, request: &Request<'f>) -> Vec<MetadataResponseTopic<'f>> {
    let operations = asked(request.include_topic_authorized_operations, ALL_TOPIC_OPERATIONS);
    let node_id = caller.broker.store.node_id();
    match request.topics {
        // In version 0 an empty list asks for all topics, later a null one.
        Some(named) if version > 0 || !named.is_empty() => {
            // One that is named a thousand times is described once, as in Kafka.
            let mut seen = HashSet::new();
            let once = named.iter().filter(|named| seen.insert((named.name, named.topic_id)));
            once.map(|named| one(caller, version, request, &named, operations)).collect()
        }
        _ => {
            let topics = caller.broker.store.topics();
            topics.iter().map(|topic| found(topic, node_id, operations)).collect()
        }
    }
}

fn one<'f>(
    caller: &Caller<'_>,
    version: i16,
    request: &Request<'f>,
    named: &MetadataRequestTopic<'f>,
    operations: i32,
) -> MetadataResponseTopic<'f> {
    let broker = caller.broker;
    let by_id = !named.topic_id.is_zero();
    let topic = match named.name {
        _ if version < FIRST_BY_ID && (by_id || named.name.is_none()) => Err(ErrorCode::InvalidRequest),
        _ if by_id => {
            let id = TopicId::new(*named.topic_id.as_bytes());
            broker.store.topic_by_id(id).ok_or(ErrorCode::UnknownTopicId)
        }
        Some(name) => {
            let create = request.allow_auto_topic_creation && broker.config.auto_create_topics;
            topics::find_or_create(broker, name, create)
        }
        None => Err(ErrorCode::InvalidRequest),
    };
    match topic {
        Ok(topic) => found(&topic, broker.store.node_id(), operations),
        Err(error_code) => MetadataResponseTopic {
            error_code,
            // Before version 12 there is no null.
            name: named.name.or((version < FIRST_BY_ID).then_some("")).map(Into::into),
            topic_id: named.topic_id,
            topic_authorized_operations: operations,
            ..MetadataResponseTopic::default()
        },
    }
}

fn found<'f>(topic: &Topic, node_id: i32, operations: i32) -> MetadataResponseTopic<'f> {
    let partition = |(index, log): (&i32, &ottla::Log)| MetadataResponsePartition {
        partition_index: *index,
        leader_id: node_id,
        leader_epoch: log.leader_epoch(),
        replica_nodes: vec![node_id].into(),
        isr_nodes: vec![node_id].into(),
        ..MetadataResponsePartition::default()
    };
    MetadataResponseTopic {
        name: Some(topic.name.to_string().into()),
        topic_id: wire_id(topic.id),
        is_internal: false,
        partitions: topic.partitions.iter().map(partition).collect(),
        topic_authorized_operations: operations,
        ..MetadataResponseTopic::default()
    }
}

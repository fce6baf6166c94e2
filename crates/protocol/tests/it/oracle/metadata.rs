use std::borrow::Cow;

use kafka_protocol::messages::metadata_request::MetadataRequestTopic;
use kafka_protocol::messages::metadata_response::{
    MetadataResponseBroker, MetadataResponsePartition, MetadataResponseTopic,
};
use kafka_protocol::messages::{BrokerId, MetadataRequest, MetadataResponse};
use ottla_protocol::api::metadata;

use super::{Oracle, brokers, error, list, nullable_text, nullable_topic, text, uuid, vec};
use crate::generate::Gen;

impl Oracle for MetadataRequest {
    type Ours<'a> = metadata::Request<'a>;

    fn generate(any: &mut Gen<'_>, version: i16) -> Self {
        let topic = |any: &mut Gen<'_>| {
            let null = version >= 10 && any.bool();
            let name = if null { None } else { Some(any.topic()) };
            MetadataRequestTopic::default().with_name(name).with_topic_id(any.uuid())
        };
        let topics = if version == 0 || any.bool() { Some(any.vec(topic)) } else { None };
        MetadataRequest::default()
            .with_topics(topics)
            .with_allow_auto_topic_creation(any.when(version >= 4, Gen::bool, true))
            .with_include_cluster_authorized_operations(any.when(
                (8..=10).contains(&version),
                Gen::bool,
                false,
            ))
            .with_include_topic_authorized_operations(any.when(version >= 8, Gen::bool, false))
    }

    fn ours(&self, version: i16) -> metadata::Request<'_> {
        // In version 0 all topics are asked for by an empty list.
        let topics = self.topics.as_ref().filter(|topics| version > 0 || !topics.is_empty());
        metadata::Request {
            topics: topics.map(|topics| {
                list(topics, |topic| metadata::MetadataRequestTopic {
                    topic_id: uuid(&topic.topic_id),
                    name: topic.name.as_ref().map(|name| name.as_str()),
                })
            }),
            allow_auto_topic_creation: self.allow_auto_topic_creation,
            include_cluster_authorized_operations: self.include_cluster_authorized_operations,
            include_topic_authorized_operations: self.include_topic_authorized_operations,
        }
    }
}

fn topic(any: &mut Gen<'_>, version: i16) -> MetadataResponseTopic {
    let partition = |any: &mut Gen<'_>| {
        MetadataResponsePartition::default()
            .with_error_code(any.error_code())
            .with_partition_index(any.i32())
            .with_leader_id(BrokerId(any.i32()))
            .with_leader_epoch(any.i32())
            .with_replica_nodes(brokers(any))
            .with_isr_nodes(brokers(any))
            .with_offline_replicas(brokers(any))
    };
    let null = version >= 12 && any.bool();
    let name = if null { None } else { Some(any.topic()) };
    MetadataResponseTopic::default()
        .with_error_code(any.error_code())
        .with_name(name)
        .with_topic_id(any.uuid())
        .with_is_internal(any.bool())
        .with_partitions(any.vec(partition))
        .with_topic_authorized_operations(any.when(version >= 8, Gen::i32, i32::MIN))
}

impl Oracle for MetadataResponse {
    type Ours<'a> = metadata::Response<'a>;

    fn generate(any: &mut Gen<'_>, version: i16) -> Self {
        let broker = |any: &mut Gen<'_>| {
            MetadataResponseBroker::default()
                .with_node_id(BrokerId(any.i32()))
                .with_host(any.string())
                .with_port(any.i32())
                .with_rack(any.option(Gen::string))
        };
        MetadataResponse::default()
            .with_throttle_time_ms(any.i32())
            .with_brokers(any.vec(broker))
            .with_cluster_id(any.option(Gen::string))
            .with_controller_id(BrokerId(any.i32()))
            .with_topics(any.vec(|any| topic(any, version)))
            .with_cluster_authorized_operations(any.when((8..=10).contains(&version), Gen::i32, i32::MIN))
            .with_error_code(any.error_code())
    }

    fn ours(&self, _version: i16) -> metadata::Response<'_> {
        metadata::Response {
            throttle_time_ms: self.throttle_time_ms,
            brokers: vec(&self.brokers, |broker| metadata::MetadataResponseBroker {
                node_id: broker.node_id.0,
                host: text(&broker.host),
                port: broker.port,
                rack: nullable_text(&broker.rack),
            }),
            cluster_id: nullable_text(&self.cluster_id),
            controller_id: self.controller_id.0,
            topics: vec(&self.topics, |topic| metadata::MetadataResponseTopic {
                error_code: error(topic.error_code),
                name: nullable_topic(&topic.name),
                topic_id: uuid(&topic.topic_id),
                is_internal: topic.is_internal,
                partitions: vec(&topic.partitions, ours_partition),
                topic_authorized_operations: topic.topic_authorized_operations,
            }),
            cluster_authorized_operations: self.cluster_authorized_operations,
            error_code: error(self.error_code),
        }
    }
}

fn ours_partition(partition: &MetadataResponsePartition) -> metadata::MetadataResponsePartition<'_> {
    let ids = |brokers: &[BrokerId]| Cow::Owned(brokers.iter().map(|broker| broker.0).collect());
    metadata::MetadataResponsePartition {
        error_code: error(partition.error_code),
        partition_index: partition.partition_index,
        leader_id: partition.leader_id.0,
        leader_epoch: partition.leader_epoch,
        replica_nodes: ids(&partition.replica_nodes),
        isr_nodes: ids(&partition.isr_nodes),
        offline_replicas: ids(&partition.offline_replicas),
    }
}

use kafka_protocol::messages::produce_request::{PartitionProduceData, TopicProduceData};
use kafka_protocol::messages::produce_response::{
    BatchIndexAndErrorMessage, LeaderIdAndEpoch, NodeEndpoint, PartitionProduceResponse, TopicProduceResponse,
};
use kafka_protocol::messages::{BrokerId, ProduceRequest, ProduceResponse, TransactionalId};
use ottla_protocol::api::{self, produce};

use super::{Oracle, error, list, nullable_text, text, uuid, vec};
use crate::generate::Gen;

impl Oracle for ProduceRequest {
    type Ours<'a> = produce::Request<'a>;

    fn generate(any: &mut Gen<'_>, _version: i16) -> Self {
        let partition = |any: &mut Gen<'_>| {
            let index = any.i32();
            PartitionProduceData::default().with_index(index).with_records(any.option(Gen::bytes))
        };
        let topic = |any: &mut Gen<'_>| {
            let (name, id) = (any.topic(), any.uuid());
            TopicProduceData::default()
                .with_name(name)
                .with_topic_id(id)
                .with_partition_data(any.vec(partition))
        };
        ProduceRequest::default()
            .with_transactional_id(any.option(|any| TransactionalId(any.string())))
            .with_acks(any.i16())
            .with_timeout_ms(any.i32())
            .with_topic_data(any.vec(topic))
    }

    fn ours(&self, _version: i16) -> produce::Request<'_> {
        produce::Request {
            transactional_id: self.transactional_id.as_ref().map(|id| id.0.as_str()),
            acks: self.acks,
            timeout_ms: self.timeout_ms,
            topic_data: list(&self.topic_data, |topic| produce::TopicProduceData {
                name: &topic.name,
                topic_id: uuid(&topic.topic_id),
                partition_data: list(&topic.partition_data, |partition| produce::PartitionProduceData {
                    index: partition.index,
                    records: partition.records.as_deref(),
                }),
            }),
        }
    }
}

fn partition(any: &mut Gen<'_>, version: i16) -> PartitionProduceResponse {
    let record_error = |any: &mut Gen<'_>| {
        let index = any.i32();
        let message = any.option(Gen::string);
        BatchIndexAndErrorMessage::default().with_batch_index(index).with_batch_index_error_message(message)
    };
    let leader = |any: &mut Gen<'_>| {
        let id = BrokerId(any.i32());
        LeaderIdAndEpoch::default().with_leader_id(id).with_leader_epoch(any.i32())
    };
    PartitionProduceResponse::default()
        .with_index(any.i32())
        .with_error_code(any.error_code())
        .with_base_offset(any.i64())
        .with_log_append_time_ms(any.i64())
        .with_log_start_offset(any.i64())
        .with_record_errors(any.when(version >= 8, |any| any.vec(record_error), Vec::new()))
        .with_error_message(any.option(Gen::string))
        .with_current_leader(any.when(version >= 10, leader, LeaderIdAndEpoch::default()))
}

impl Oracle for ProduceResponse {
    type Ours<'a> = produce::Response<'a>;

    fn generate(any: &mut Gen<'_>, version: i16) -> Self {
        let topic = |any: &mut Gen<'_>| {
            let (name, id) = (any.topic(), any.uuid());
            let partitions = any.vec(|any| partition(any, version));
            TopicProduceResponse::default()
                .with_name(name)
                .with_topic_id(id)
                .with_partition_responses(partitions)
        };
        let endpoint = |any: &mut Gen<'_>| {
            NodeEndpoint::default()
                .with_node_id(BrokerId(any.i32()))
                .with_host(any.string())
                .with_port(any.i32())
                .with_rack(any.option(Gen::string))
        };
        ProduceResponse::default()
            .with_responses(any.vec(topic))
            .with_throttle_time_ms(any.i32())
            .with_node_endpoints(any.when(version >= 10, |any| any.vec(endpoint), Vec::new()))
    }

    fn ours(&self, _version: i16) -> produce::Response<'_> {
        let leader = |leader: &LeaderIdAndEpoch| {
            (*leader != LeaderIdAndEpoch::default()).then_some(api::LeaderIdAndEpoch {
                leader_id: leader.leader_id.0,
                leader_epoch: leader.leader_epoch,
            })
        };
        produce::Response {
            responses: vec(&self.responses, |topic| produce::TopicProduceResponse {
                name: text(&topic.name),
                topic_id: uuid(&topic.topic_id),
                partition_responses: vec(&topic.partition_responses, |partition| {
                    produce::PartitionProduceResponse {
                        index: partition.index,
                        error_code: error(partition.error_code),
                        base_offset: partition.base_offset,
                        log_append_time_ms: partition.log_append_time_ms,
                        log_start_offset: partition.log_start_offset,
                        record_errors: vec(&partition.record_errors, |error| {
                            produce::BatchIndexAndErrorMessage {
                                batch_index: error.batch_index,
                                batch_index_error_message: nullable_text(&error.batch_index_error_message),
                            }
                        }),
                        error_message: nullable_text(&partition.error_message),
                        current_leader: leader(&partition.current_leader),
                    }
                }),
            }),
            throttle_time_ms: self.throttle_time_ms,
            node_endpoints: vec(&self.node_endpoints, |endpoint| api::NodeEndpoint {
                node_id: endpoint.node_id.0,
                host: text(&endpoint.host),
                port: endpoint.port,
                rack: nullable_text(&endpoint.rack),
            }),
        }
    }
}

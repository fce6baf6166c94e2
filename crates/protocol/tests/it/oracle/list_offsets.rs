use kafka_protocol::messages::list_offsets_request::{ListOffsetsPartition, ListOffsetsTopic};
use kafka_protocol::messages::list_offsets_response::{
    ListOffsetsPartitionResponse, ListOffsetsTopicResponse,
};
use kafka_protocol::messages::{BrokerId, ListOffsetsRequest, ListOffsetsResponse};
use ottla_protocol::api::list_offsets;

use super::fetch::isolation;
use super::{Oracle, error, list, text, vec};
use crate::generate::Gen;

impl Oracle for ListOffsetsRequest {
    type Ours<'a> = list_offsets::Request<'a>;

    fn generate(any: &mut Gen<'_>, version: i16) -> Self {
        let partition = |any: &mut Gen<'_>| {
            ListOffsetsPartition::default()
                .with_partition_index(any.i32())
                .with_current_leader_epoch(any.i32())
                .with_timestamp(any.i64())
        };
        let topic = |any: &mut Gen<'_>| {
            let name = any.topic();
            ListOffsetsTopic::default().with_name(name).with_partitions(any.vec(partition))
        };
        ListOffsetsRequest::default()
            .with_replica_id(BrokerId(any.i32()))
            .with_isolation_level(any.when(version >= 2, |any| i8::from(any.bool()), 0))
            .with_topics(any.vec(topic))
            .with_timeout_ms(any.i32())
    }

    fn ours(&self, _version: i16) -> list_offsets::Request<'_> {
        list_offsets::Request {
            replica_id: self.replica_id.0,
            isolation_level: isolation(self.isolation_level),
            topics: list(&self.topics, |topic| list_offsets::ListOffsetsTopic {
                name: &topic.name,
                partitions: list(&topic.partitions, |partition| list_offsets::ListOffsetsPartition {
                    partition_index: partition.partition_index,
                    current_leader_epoch: partition.current_leader_epoch,
                    timestamp: partition.timestamp,
                }),
            }),
            timeout_ms: self.timeout_ms,
        }
    }
}

impl Oracle for ListOffsetsResponse {
    type Ours<'a> = list_offsets::Response<'a>;

    fn generate(any: &mut Gen<'_>, version: i16) -> Self {
        let partition = |any: &mut Gen<'_>| {
            ListOffsetsPartitionResponse::default()
                .with_partition_index(any.i32())
                .with_error_code(any.error_code())
                .with_timestamp(any.i64())
                .with_offset(any.i64())
                .with_leader_epoch(any.when(version >= 4, Gen::i32, -1))
        };
        let topic = |any: &mut Gen<'_>| {
            let name = any.topic();
            ListOffsetsTopicResponse::default().with_name(name).with_partitions(any.vec(partition))
        };
        ListOffsetsResponse::default().with_throttle_time_ms(any.i32()).with_topics(any.vec(topic))
    }

    fn ours(&self, _version: i16) -> list_offsets::Response<'_> {
        list_offsets::Response {
            throttle_time_ms: self.throttle_time_ms,
            topics: vec(&self.topics, |topic| list_offsets::ListOffsetsTopicResponse {
                name: text(&topic.name),
                partitions: vec(&topic.partitions, |partition| list_offsets::ListOffsetsPartitionResponse {
                    partition_index: partition.partition_index,
                    error_code: error(partition.error_code),
                    timestamp: partition.timestamp,
                    offset: partition.offset,
                    leader_epoch: partition.leader_epoch,
                }),
            }),
        }
    }
}

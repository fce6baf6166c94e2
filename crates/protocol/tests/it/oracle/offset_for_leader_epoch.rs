use kafka_protocol::messages::offset_for_leader_epoch_request::{
    OffsetForLeaderPartition, OffsetForLeaderTopic,
};
use kafka_protocol::messages::offset_for_leader_epoch_response::{
    EpochEndOffset, OffsetForLeaderTopicResult,
};
use kafka_protocol::messages::{BrokerId, OffsetForLeaderEpochRequest, OffsetForLeaderEpochResponse};
use ottla_protocol::api::offset_for_leader_epoch;

use super::{Oracle, error, list, text, vec};
use crate::generate::Gen;

impl Oracle for OffsetForLeaderEpochRequest {
    type Ours<'a> = offset_for_leader_epoch::Request<'a>;

    fn generate(any: &mut Gen<'_>, _version: i16) -> Self {
        let partition = |any: &mut Gen<'_>| {
            OffsetForLeaderPartition::default()
                .with_partition(any.i32())
                .with_current_leader_epoch(any.i32())
                .with_leader_epoch(any.i32())
        };
        let topic = |any: &mut Gen<'_>| {
            let name = any.topic();
            OffsetForLeaderTopic::default().with_topic(name).with_partitions(any.vec(partition))
        };
        OffsetForLeaderEpochRequest::default()
            .with_replica_id(BrokerId(any.i32()))
            .with_topics(any.vec(topic))
    }

    fn ours(&self, _version: i16) -> offset_for_leader_epoch::Request<'_> {
        offset_for_leader_epoch::Request {
            replica_id: self.replica_id.0,
            topics: list(&self.topics, |topic| offset_for_leader_epoch::OffsetForLeaderTopic {
                topic: &topic.topic,
                partitions: list(&topic.partitions, |partition| {
                    offset_for_leader_epoch::OffsetForLeaderPartition {
                        partition: partition.partition,
                        current_leader_epoch: partition.current_leader_epoch,
                        leader_epoch: partition.leader_epoch,
                    }
                }),
            }),
        }
    }
}

impl Oracle for OffsetForLeaderEpochResponse {
    type Ours<'a> = offset_for_leader_epoch::Response<'a>;

    fn generate(any: &mut Gen<'_>, _version: i16) -> Self {
        let partition = |any: &mut Gen<'_>| {
            EpochEndOffset::default()
                .with_error_code(any.error_code())
                .with_partition(any.i32())
                .with_leader_epoch(any.i32())
                .with_end_offset(any.i64())
        };
        let topic = |any: &mut Gen<'_>| {
            let name = any.topic();
            OffsetForLeaderTopicResult::default().with_topic(name).with_partitions(any.vec(partition))
        };
        OffsetForLeaderEpochResponse::default().with_throttle_time_ms(any.i32()).with_topics(any.vec(topic))
    }

    fn ours(&self, _version: i16) -> offset_for_leader_epoch::Response<'_> {
        offset_for_leader_epoch::Response {
            throttle_time_ms: self.throttle_time_ms,
            topics: vec(&self.topics, |topic| offset_for_leader_epoch::OffsetForLeaderTopicResult {
                topic: text(&topic.topic),
                partitions: vec(&topic.partitions, |partition| offset_for_leader_epoch::EpochEndOffset {
                    error_code: error(partition.error_code),
                    partition: partition.partition,
                    leader_epoch: partition.leader_epoch,
                    end_offset: partition.end_offset,
                }),
            }),
        }
    }
}

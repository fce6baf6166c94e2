use std::borrow::Cow;

use kafka_protocol::messages::fetch_request::{FetchPartition, FetchTopic, ForgottenTopic, ReplicaState};
use kafka_protocol::messages::fetch_response::{
    AbortedTransaction, EpochEndOffset, FetchableTopicResponse, LeaderIdAndEpoch, NodeEndpoint,
    PartitionData, SnapshotId,
};
use kafka_protocol::messages::{BrokerId, FetchRequest, FetchResponse, ProducerId};
use ottla_protocol::api::{self, IsolationLevel, fetch};

use super::{Oracle, error, list, nullable_text, text, uuid, vec};
use crate::generate::Gen;

fn fetch_partition(any: &mut Gen<'_>, version: i16) -> FetchPartition {
    FetchPartition::default()
        .with_partition(any.i32())
        .with_current_leader_epoch(any.i32())
        .with_fetch_offset(any.i64())
        .with_last_fetched_epoch(any.when(version >= 12, Gen::i32, -1))
        .with_log_start_offset(any.i64())
        .with_partition_max_bytes(any.i32())
        .with_replica_directory_id(any.uuid())
        .with_high_watermark(any.i64())
}

impl Oracle for FetchRequest {
    type Ours<'a> = fetch::Request<'a>;

    fn generate(any: &mut Gen<'_>, version: i16) -> Self {
        let topic = |any: &mut Gen<'_>| {
            let (name, id) = (any.topic(), any.uuid());
            let partitions = any.vec(|any| fetch_partition(any, version));
            FetchTopic::default().with_topic(name).with_topic_id(id).with_partitions(partitions)
        };
        let forgotten = |any: &mut Gen<'_>| {
            let (name, id) = (any.topic(), any.uuid());
            ForgottenTopic::default().with_topic(name).with_topic_id(id).with_partitions(any.vec(Gen::i32))
        };
        let state = |any: &mut Gen<'_>| {
            let id = BrokerId(any.i32());
            ReplicaState::default().with_replica_id(id).with_replica_epoch(any.i64())
        };
        FetchRequest::default()
            .with_cluster_id(any.option(Gen::string))
            .with_replica_id(any.when(version <= 14, |any| BrokerId(any.i32()), BrokerId(-1)))
            .with_replica_state(any.when(version >= 15, state, ReplicaState::default()))
            .with_max_wait_ms(any.i32())
            .with_min_bytes(any.i32())
            .with_max_bytes(any.i32())
            .with_isolation_level(i8::from(any.bool()))
            .with_session_id(any.i32())
            .with_session_epoch(any.i32())
            .with_topics(any.vec(topic))
            .with_forgotten_topics_data(any.when(version >= 7, |any| any.vec(forgotten), Vec::new()))
            .with_rack_id(any.string())
    }

    fn ours(&self, version: i16) -> fetch::Request<'_> {
        let replica = if version <= 14 { self.replica_id } else { self.replica_state.replica_id };
        fetch::Request {
            cluster_id: self.cluster_id.as_deref(),
            replica_id: replica.0,
            replica_epoch: self.replica_state.replica_epoch,
            max_wait_ms: self.max_wait_ms,
            min_bytes: self.min_bytes,
            max_bytes: self.max_bytes,
            isolation_level: isolation(self.isolation_level),
            session_id: self.session_id,
            session_epoch: self.session_epoch,
            topics: list(&self.topics, |topic| fetch::FetchTopic {
                topic: &topic.topic,
                topic_id: uuid(&topic.topic_id),
                partitions: list(&topic.partitions, |partition| fetch::FetchPartition {
                    partition: partition.partition,
                    current_leader_epoch: partition.current_leader_epoch,
                    fetch_offset: partition.fetch_offset,
                    last_fetched_epoch: partition.last_fetched_epoch,
                    log_start_offset: partition.log_start_offset,
                    partition_max_bytes: partition.partition_max_bytes,
                    replica_directory_id: uuid(&partition.replica_directory_id),
                    high_watermark: partition.high_watermark,
                }),
            }),
            forgotten_topics_data: list(&self.forgotten_topics_data, |topic| fetch::ForgottenTopic {
                topic: &topic.topic,
                topic_id: uuid(&topic.topic_id),
                partitions: list(&topic.partitions, |partition| *partition),
            }),
            rack_id: &self.rack_id,
        }
    }
}

pub(super) fn isolation(level: i8) -> IsolationLevel {
    match level {
        0 => IsolationLevel::ReadUncommitted,
        _ => IsolationLevel::ReadCommitted,
    }
}

fn partition_data(any: &mut Gen<'_>, version: i16) -> PartitionData {
    let aborted = |any: &mut Gen<'_>| {
        let id = ProducerId(any.i64());
        AbortedTransaction::default().with_producer_id(id).with_first_offset(any.i64())
    };
    let diverging = |any: &mut Gen<'_>| {
        let epoch = any.i32();
        EpochEndOffset::default().with_epoch(epoch).with_end_offset(any.i64())
    };
    let leader = |any: &mut Gen<'_>| {
        let id = BrokerId(any.i32());
        LeaderIdAndEpoch::default().with_leader_id(id).with_leader_epoch(any.i32())
    };
    let snapshot = |any: &mut Gen<'_>| {
        let end_offset = any.i64();
        SnapshotId::default().with_end_offset(end_offset).with_epoch(any.i32())
    };
    let tagged = version >= 12;
    PartitionData::default()
        .with_partition_index(any.i32())
        .with_error_code(any.error_code())
        .with_high_watermark(any.i64())
        .with_last_stable_offset(any.i64())
        .with_log_start_offset(any.i64())
        .with_diverging_epoch(any.when(tagged, diverging, EpochEndOffset::default()))
        .with_current_leader(any.when(tagged, leader, LeaderIdAndEpoch::default()))
        .with_snapshot_id(any.when(tagged, snapshot, SnapshotId::default()))
        .with_aborted_transactions(any.option(|any| any.vec(aborted)))
        .with_preferred_read_replica(BrokerId(any.when(version >= 11, Gen::i32, -1)))
        .with_records(any.option(Gen::bytes))
}

impl Oracle for FetchResponse {
    type Ours<'a> = fetch::Response<'a>;

    fn generate(any: &mut Gen<'_>, version: i16) -> Self {
        let topic = |any: &mut Gen<'_>| {
            let (name, id) = (any.topic(), any.uuid());
            let partitions = any.vec(|any| partition_data(any, version));
            FetchableTopicResponse::default().with_topic(name).with_topic_id(id).with_partitions(partitions)
        };
        let endpoint = |any: &mut Gen<'_>| {
            NodeEndpoint::default()
                .with_node_id(BrokerId(any.i32()))
                .with_host(any.string())
                .with_port(any.i32())
                .with_rack(any.option(Gen::string))
        };
        FetchResponse::default()
            .with_throttle_time_ms(any.i32())
            .with_error_code(any.error_code())
            .with_session_id(any.when(version >= 7, Gen::i32, 0))
            .with_responses(any.vec(topic))
            .with_node_endpoints(any.when(version >= 16, |any| any.vec(endpoint), Vec::new()))
    }

    fn ours(&self, _version: i16) -> fetch::Response<'_> {
        fetch::Response {
            throttle_time_ms: self.throttle_time_ms,
            error_code: error(self.error_code),
            session_id: self.session_id,
            responses: vec(&self.responses, |topic| fetch::FetchableTopicResponse {
                topic: text(&topic.topic),
                topic_id: uuid(&topic.topic_id),
                partitions: vec(&topic.partitions, ours_partition),
            }),
            node_endpoints: vec(&self.node_endpoints, |endpoint| api::NodeEndpoint {
                node_id: endpoint.node_id.0,
                host: text(&endpoint.host),
                port: endpoint.port,
                rack: nullable_text(&endpoint.rack),
            }),
        }
    }
}

fn ours_partition(partition: &PartitionData) -> fetch::PartitionData<'_> {
    let (diverging, leader) = (&partition.diverging_epoch, &partition.current_leader);
    let snapshot = &partition.snapshot_id;
    fetch::PartitionData {
        partition_index: partition.partition_index,
        error_code: error(partition.error_code),
        high_watermark: partition.high_watermark,
        last_stable_offset: partition.last_stable_offset,
        log_start_offset: partition.log_start_offset,
        diverging_epoch: (*diverging != EpochEndOffset::default())
            .then_some(fetch::EpochEndOffset { epoch: diverging.epoch, end_offset: diverging.end_offset }),
        current_leader: (*leader != LeaderIdAndEpoch::default()).then_some(api::LeaderIdAndEpoch {
            leader_id: leader.leader_id.0,
            leader_epoch: leader.leader_epoch,
        }),
        snapshot_id: (*snapshot != SnapshotId::default())
            .then_some(fetch::SnapshotId { end_offset: snapshot.end_offset, epoch: snapshot.epoch }),
        aborted_transactions: partition.aborted_transactions.as_ref().map(|aborted| {
            vec(aborted, |transaction| fetch::AbortedTransaction {
                producer_id: transaction.producer_id.0,
                first_offset: transaction.first_offset,
            })
        }),
        preferred_read_replica: partition.preferred_read_replica.0,
        records: match &partition.records {
            Some(bytes) => fetch::Records::Inline(Cow::Borrowed(bytes)),
            None => fetch::Records::Null,
        },
    }
}

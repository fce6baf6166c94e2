//! What each API does: one file each. A handler turns a request into a response and knows no socket.

use std::cmp::Ordering;
use std::net::SocketAddr;
use std::sync::Arc;

use ottla::dir::TopicId;
use ottla::{Isolation, Log, Topic};
use ottla_protocol::api::IsolationLevel;
use ottla_protocol::{ErrorCode, Uuid};

use crate::broker::Broker;
use crate::wait::Patience;

pub(crate) mod api_versions;
mod broker_configs;
pub(crate) mod create_partitions;
pub(crate) mod create_topics;
pub(crate) mod delete_records;
pub(crate) mod delete_topics;
pub(crate) mod describe_cluster;
pub(crate) mod describe_configs;
pub(crate) mod fetch;
pub(crate) mod init_producer_id;
pub(crate) mod list_offsets;
pub(crate) mod metadata;
pub(crate) mod offset_for_leader_epoch;
pub(crate) mod produce;

/// Who asks, and whom.
pub(crate) struct Caller<'c> {
    pub broker: &'c Broker,
    /// The address of ours that the client has reached.
    pub reached: SocketAddr,
    /// How it waits.
    pub patience: Patience<'c>,
}

/// What clients are told that they may do with a topic, as bits (KIP-430): there is no authorization, so
/// all of `AclEntry.supportedOperations`.
const ALL_TOPIC_OPERATIONS: i32 = operations(&[READ, WRITE, CREATE, DELETE, ALTER, DESCRIBE, DESCRIBE_CONFIGS, ALTER_CONFIGS]);
/// The same for the cluster.
const ALL_CLUSTER_OPERATIONS: i32 =
    operations(&[CREATE, ALTER, DESCRIBE, CLUSTER_ACTION, DESCRIBE_CONFIGS, ALTER_CONFIGS, IDEMPOTENT_WRITE]);

// The numbers of `AclOperation`.
const READ: u32 = 3;
const WRITE: u32 = 4;
const CREATE: u32 = 5;
const DELETE: u32 = 6;
const ALTER: u32 = 7;
const DESCRIBE: u32 = 8;
const CLUSTER_ACTION: u32 = 9;
const DESCRIBE_CONFIGS: u32 = 10;
const ALTER_CONFIGS: u32 = 11;
const IDEMPOTENT_WRITE: u32 = 12;

const fn operations(numbers: &[u32]) -> i32 {
    let mut bits = 0;
    let mut rest = numbers;
    while let [first, others @ ..] = rest {
        bits |= 1 << *first;
        rest = others;
    }
    bits
}

/// The topic that a request names by its id, in versions that do, or else by its name.
fn find_topic(broker: &Broker, by_id: bool, name: &str, id: Uuid) -> Result<Arc<Topic>, ErrorCode> {
    if by_id {
        let id = TopicId::new(*id.as_bytes());
        return broker.store.topic_by_id(id).ok_or(ErrorCode::UnknownTopicId);
    }
    broker.store.topic(name).ok_or(ErrorCode::UnknownTopicOrPartition)
}

/// The log of a partition that a request names.
fn find_log(broker: &Broker, topic: &str, partition: i32) -> Result<Log, ErrorCode> {
    broker.store.log(topic, partition).ok_or(ErrorCode::UnknownTopicOrPartition)
}

/// Refuses a client that knows another leader epoch than the log's (KIP-320).
fn check_epoch(log: &Log, current_leader_epoch: i32) -> Result<(), ErrorCode> {
    const UNKNOWN: i32 = -1;
    if current_leader_epoch == UNKNOWN {
        return Ok(());
    }
    match current_leader_epoch.cmp(&log.leader_epoch()) {
        Ordering::Less => Err(ErrorCode::FencedLeaderEpoch),
        Ordering::Equal => Ok(()),
        Ordering::Greater => Err(ErrorCode::UnknownLeaderEpoch),
    }
}

fn isolation(level: IsolationLevel) -> Isolation {
    match level {
        IsolationLevel::ReadUncommitted => Isolation::ReadUncommitted,
        IsolationLevel::ReadCommitted => Isolation::ReadCommitted,
    }
}

/// An id as it stands on the wire.
fn wire_id(id: TopicId) -> Uuid {
    Uuid::from_bytes(id.to_bytes())
}

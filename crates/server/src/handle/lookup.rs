//! From what a request names to what there is.

use std::cmp::Ordering;
use std::sync::Arc;

use ottla::dir::TopicId;
use ottla::{Isolation, Log, Topic};
use ottla_protocol::api::IsolationLevel;
use ottla_protocol::{ErrorCode, Uuid};

use crate::broker::Broker;

/// The topic that a request names by its id, in versions that do, or else by its name.
pub(super) fn find_topic(
    broker: &Broker,
    by_id: bool,
    name: &str,
    id: Uuid,
) -> Result<Arc<Topic>, ErrorCode> {
    if by_id {
        let id = TopicId::new(*id.as_bytes());
        return broker.store.topic_by_id(id).ok_or(ErrorCode::UnknownTopicId);
    }
    broker.store.topic(name).ok_or(ErrorCode::UnknownTopicOrPartition)
}

/// The log of a partition that a request names.
pub(super) fn find_log(broker: &Broker, topic: &str, partition: i32) -> Result<Log, ErrorCode> {
    broker.store.log(topic, partition).ok_or(ErrorCode::UnknownTopicOrPartition)
}

/// Refuses a client that knows another leader epoch than the log's (KIP-320).
pub(super) fn check_epoch(log: &Log, current_leader_epoch: i32) -> Result<(), ErrorCode> {
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

pub(super) fn isolation(level: IsolationLevel) -> Isolation {
    match level {
        IsolationLevel::ReadUncommitted => Isolation::ReadUncommitted,
        IsolationLevel::ReadCommitted => Isolation::ReadCommitted,
    }
}

/// An id as it stands on the wire.
pub(super) fn wire_id(id: TopicId) -> Uuid {
    Uuid::from_bytes(id.to_bytes())
}

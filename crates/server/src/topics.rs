//! Finding topics, and making those that clients name.

use std::collections::BTreeMap;
use std::sync::Arc;

use ottla::dir::TopicPartition;
use ottla::{Error, Topic};
use ottla_protocol::ErrorCode;

use crate::broker::Broker;
use crate::error_codes::{self, Refusal};

/// How many partitions all topics have together.
fn all_partitions(broker: &Broker) -> usize {
    broker.store.topics().iter().map(|topic| topic.partitions.len()).sum()
}

/// Refuses to go over the limit of all partitions.
pub(crate) fn check_partition_limit(broker: &Broker, more: usize) -> Result<(), Refusal> {
    let wanted = all_partitions(broker).saturating_add(more);
    let limit = broker.config.limits.partitions;
    if wanted > limit {
        let message = format!("this server has a limit of {limit} partitions");
        return Err(Refusal::new(ErrorCode::PolicyViolation, message));
    }
    Ok(())
}

/// Refuses a name under which no topic can be made.
pub(crate) fn check_new(broker: &Broker, name: &str) -> Result<(), Refusal> {
    if let Err(error) = TopicPartition::new(name, 0) {
        return Err(Refusal::new(ErrorCode::InvalidTopicException, error.to_string()));
    }
    if broker.store.topic(name).is_some() {
        return Err(Refusal::new(ErrorCode::TopicAlreadyExists, format!("topic {name} exists already")));
    }
    // Kafka names its metrics by topics with `.` written as `_`.
    let same_metric =
        |other: &str| other.len() == name.len() && other.replace('.', "_") == name.replace('.', "_");
    match broker.store.topics().iter().find(|topic| same_metric(&topic.name)) {
        None => Ok(()),
        Some(other) => {
            let message =
                format!("topic {name} differs from the existing {} only in '.' and '_'", other.name);
            Err(Refusal::new(ErrorCode::InvalidTopicException, message))
        }
    }
}

/// Refuses to put a partition anywhere but here.
pub(crate) fn check_assignment(
    broker: &Broker,
    broker_ids: impl Iterator<Item = i32>,
) -> Result<(), Refusal> {
    let node_id = broker.store.node_id();
    if broker_ids.eq([node_id]) {
        return Ok(());
    }
    let message = format!("a partition can be assigned to broker {node_id} only, and once");
    Err(Refusal::new(ErrorCode::InvalidReplicaAssignment, message))
}

/// The code for a topic that is not there: was the name bad, or is there just no such topic?
pub(crate) fn absent(name: &str) -> ErrorCode {
    match TopicPartition::new(name, 0) {
        Ok(_) => ErrorCode::UnknownTopicOrPartition,
        Err(_) => ErrorCode::InvalidTopicException,
    }
}

/// The topic of this name; where it is not there and `create` says so, a new one.
pub(crate) fn find_or_create(broker: &Broker, name: &str, create: bool) -> Result<Arc<Topic>, ErrorCode> {
    if let Some(topic) = broker.store.topic(name) {
        return Ok(topic);
    }
    if !create || absent(name) != ErrorCode::UnknownTopicOrPartition {
        return Err(absent(name));
    }
    let partitions = broker.config.default_partitions;
    check_partition_limit(broker, usize::try_from(partitions).unwrap_or(0))
        .map_err(|refusal| refusal.code)?;
    match broker.store.create_topic(name, partitions, &BTreeMap::new()) {
        Ok(topic) => {
            tracing::info!(topic = name, partitions, "created a topic that a client named");
            Ok(topic)
        }
        // Another client was faster.
        Err(Error::AlreadyExists { .. }) => {
            broker.store.topic(name).ok_or(ErrorCode::UnknownTopicOrPartition)
        }
        Err(error) => Err(error_codes::note(broker, &error)),
    }
}

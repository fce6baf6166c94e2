//! Topics: making and removing them, who leads their partitions, and where their logs begin and end.

use std::borrow::Cow;
use std::thread::sleep;
use std::time::{Duration, Instant};

use ottla_protocol::api::list_offsets::{
    self, EARLIEST_TIMESTAMP, LATEST_TIMESTAMP, ListOffsetsPartition, ListOffsetsTopic,
};
use ottla_protocol::api::{create_topics, delete_topics, metadata};
use ottla_protocol::wire::List;
use ottla_protocol::{ApiKey, ErrorCode};

use super::connection::Connection;
use super::error::ClientError;

/// How long the broker may take; a thousand partitions are a thousand directories.
const TIMEOUT_MS: i32 = 120_000;
const RETRY_INTERVAL: Duration = Duration::from_millis(50);

/// Who leads a partition.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Leader {
    /// The partition.
    pub partition: i32,
    /// Where its leader listens.
    pub address: String,
}

/// Makes a topic with the broker's own replication.
///
/// # Errors
/// Where the broker refuses.
pub fn create_topic(
    connection: &mut Connection,
    topic: &str,
    partitions: i32,
    configs: &[(&str, &str)],
) -> Result<(), ClientError> {
    let configs: Vec<_> = configs
        .iter()
        .map(|(name, value)| create_topics::CreatableTopicConfig { name, value: Some(value) })
        .collect();
    let version = connection.version_of(ApiKey::CreateTopics, i16::MAX)?;
    // Before version 4 nobody could leave the choice to the broker.
    let replication_factor = if version >= 4 { -1 } else { 1 };
    let topics = [create_topics::CreatableTopic {
        name: topic,
        num_partitions: partitions,
        replication_factor,
        assignments: List::empty(),
        configs: List::from(&configs[..]),
    }];
    let request =
        create_topics::Request { topics: List::from(&topics), timeout_ms: TIMEOUT_MS, validate_only: false };
    let result = connection.ask(&request, i16::MAX, |answer: create_topics::Response<'_>| {
        answer.topics.into_iter().next().map(|topic| (topic.error_code, owned(topic.error_message)))
    })?;
    accepted(connection, ApiKey::CreateTopics, topic, result)
}

/// Removes a topic.
///
/// # Errors
/// Where the broker refuses.
pub fn delete_topic(connection: &mut Connection, topic: &str) -> Result<(), ClientError> {
    let topics = [delete_topics::DeleteTopicState { name: Some(topic), ..Default::default() }];
    let request = delete_topics::Request { topics: List::from(&topics), timeout_ms: TIMEOUT_MS };
    let result = connection.ask(&request, i16::MAX, |answer: delete_topics::Response<'_>| {
        answer.responses.into_iter().next().map(|topic| (topic.error_code, owned(topic.error_message)))
    })?;
    accepted(connection, ApiKey::DeleteTopics, topic, result)
}

/// Who leads each partition, in their order. Waits while the broker says that it will know soon, and for a topic that was
/// just made, until the broker knows of it.
///
/// # Errors
/// Where there is no such topic, or a partition stays without a leader.
pub fn leaders(
    connection: &mut Connection,
    topic: &str,
    just_made: bool,
) -> Result<Vec<Leader>, ClientError> {
    let since = Instant::now();
    loop {
        match ask_leaders(connection, topic)? {
            Ok(leaders) => return Ok(leaders),
            Err(code) if may_pass(code, just_made) && since.elapsed() < connection.patience() => {
                sleep(RETRY_INTERVAL);
            }
            Err(code) => {
                accepted(connection, ApiKey::Metadata, topic, Some((code, None)))?;
            }
        }
    }
}

/// The offset of the first record of each partition that `connection` leads.
///
/// # Errors
/// Where the broker refuses.
pub fn log_starts(
    connection: &mut Connection,
    topic: &str,
    partitions: &[i32],
) -> Result<Vec<i64>, ClientError> {
    offsets(connection, topic, partitions, EARLIEST_TIMESTAMP)
}

/// The offset after the last record of each partition that `connection` leads.
///
/// # Errors
/// Where the broker refuses.
pub fn log_ends(
    connection: &mut Connection,
    topic: &str,
    partitions: &[i32],
) -> Result<Vec<i64>, ClientError> {
    offsets(connection, topic, partitions, LATEST_TIMESTAMP)
}

fn offsets(
    connection: &mut Connection,
    topic: &str,
    partitions: &[i32],
    timestamp: i64,
) -> Result<Vec<i64>, ClientError> {
    let asked: Vec<_> = partitions
        .iter()
        .map(|partition| ListOffsetsPartition {
            partition_index: *partition,
            current_leader_epoch: -1,
            timestamp,
        })
        .collect();
    let topics = [ListOffsetsTopic { name: topic, partitions: List::from(&asked[..]) }];
    let request = list_offsets::Request { topics: List::from(&topics), ..Default::default() };
    let found = connection.ask(&request, i16::MAX, |answer: list_offsets::Response<'_>| {
        let partitions = answer.topics.into_iter().flat_map(|topic| topic.partitions);
        partitions.map(|found| (found.partition_index, found.error_code, found.offset)).collect::<Vec<_>>()
    })?;
    let mut offsets = Vec::with_capacity(partitions.len());
    for partition in partitions {
        let found = found.iter().find(|(index, ..)| index == partition);
        let what = format!("{topic}-{partition}");
        accepted(connection, ApiKey::ListOffsets, &what, found.map(|(_, code, _)| (*code, None)))?;
        offsets.extend(found.map(|(.., offset)| *offset));
    }
    Ok(offsets)
}

/// Nothing here makes a topic by asking for it, so that a topic that is not there will not come.
fn may_pass(code: ErrorCode, just_made: bool) -> bool {
    code.is_retriable() && (just_made || code != ErrorCode::UnknownTopicOrPartition)
}

fn ask_leaders(
    connection: &mut Connection,
    topic: &str,
) -> Result<Result<Vec<Leader>, ErrorCode>, ClientError> {
    let topics = [metadata::MetadataRequestTopic { name: Some(topic), ..Default::default() }];
    let request = metadata::Request {
        topics: Some(List::from(&topics)),
        allow_auto_topic_creation: false,
        ..Default::default()
    };
    let found = connection.ask(&request, i16::MAX, |answer: metadata::Response<'_>| {
        answer.topics.first().map(|topic| leaders_of(&answer, topic))
    })?;
    let address = connection.address().to_owned();
    found.ok_or_else(|| ClientError::Missing { address, api: ApiKey::Metadata, what: topic.to_owned() })
}

fn leaders_of(
    answer: &metadata::Response<'_>,
    topic: &metadata::MetadataResponseTopic<'_>,
) -> Result<Vec<Leader>, ErrorCode> {
    if topic.error_code != ErrorCode::None {
        return Err(topic.error_code);
    }
    let mut leaders = Vec::with_capacity(topic.partitions.len());
    for partition in &topic.partitions {
        let broker = answer.brokers.iter().find(|broker| broker.node_id == partition.leader_id);
        let broker = broker.ok_or(ErrorCode::LeaderNotAvailable)?;
        let address = format!("{}:{}", broker.host, broker.port);
        leaders.push(Leader { partition: partition.partition_index, address });
    }
    leaders.sort_by_key(|leader| leader.partition);
    Ok(leaders)
}

fn accepted(
    connection: &Connection,
    api: ApiKey,
    what: &str,
    result: Option<(ErrorCode, Option<String>)>,
) -> Result<(), ClientError> {
    let (address, what) = (connection.address().to_owned(), what.to_owned());
    match result {
        Some((ErrorCode::None, _)) => Ok(()),
        Some((code, message)) => Err(ClientError::Refused { address, api, what, code, message }),
        None => Err(ClientError::Missing { address, api, what }),
    }
}

fn owned(message: Option<Cow<'_, str>>) -> Option<String> {
    message.map(Cow::into_owned)
}

//! CreateTopics.

use std::collections::{BTreeMap, HashSet};
use std::sync::Arc;

use ottla::{Topic, settings};
use ottla_protocol::ErrorCode;
use ottla_protocol::api::create_topics::{
    CreatableTopic, CreatableTopicConfigs, CreatableTopicResult, Request, Response,
};

use crate::broker::Broker;
use crate::error_codes::{self, Refusal};
use crate::handle::config::source_of;
use crate::handle::lookup::wire_id;
use crate::topics::{self, check_assignment};

/// Where Kafka keeps its metadata; no client makes it.
const METADATA_TOPIC: &str = "__cluster_metadata";
/// What one request may create, as in Kafka.
const MAX_TOPICS: usize = 10_000;
/// Stands for the broker's default.
const DEFAULT: i32 = -1;

pub(crate) fn handle<'f>(broker: &Broker, request: &Request<'f>) -> Response<'f> {
    let repeated = repeated(request);
    let topics = request.topics.iter().map(|asked| {
        let created = if request.topics.len() > MAX_TOPICS {
            let message = format!("one request may create {MAX_TOPICS} topics");
            Err(Refusal::new(ErrorCode::PolicyViolation, message))
        } else if repeated.contains(asked.name) {
            Err(Refusal::new(ErrorCode::InvalidRequest, "the request names the topic more than once"))
        } else {
            create(broker, &asked, request.validate_only)
        };
        answer(broker, asked.name, created)
    });
    Response { topics: topics.collect(), ..Response::default() }
}

fn repeated<'f>(request: &Request<'f>) -> HashSet<&'f str> {
    let mut seen = HashSet::new();
    request.topics.iter().map(|topic| topic.name).filter(|name| !seen.insert(*name)).collect()
}

/// What there is now, or would be.
struct Created {
    topic: Option<Arc<Topic>>,
    partitions: i32,
    overrides: BTreeMap<String, String>,
}

fn create(broker: &Broker, asked: &CreatableTopic<'_>, validate_only: bool) -> Result<Created, Refusal> {
    if asked.name == METADATA_TOPIC {
        return Err(Refusal::new(ErrorCode::InvalidRequest, "Kafka's metadata topic cannot be created"));
    }
    topics::check_new(broker, asked.name)?;
    let overrides = overrides(asked)?;
    settings::validate(&overrides).map_err(|error| error_codes::refusal(broker, &error))?;
    let partitions = partitions(broker, asked)?;
    topics::check_partition_limit(broker, usize::try_from(partitions).unwrap_or(0))?;
    let topic = if validate_only {
        None
    } else {
        let created = broker.store.create_topic(asked.name, partitions, &overrides);
        Some(created.map_err(|error| error_codes::refusal(broker, &error))?)
    };
    Ok(Created { topic, partitions, overrides })
}

fn overrides(asked: &CreatableTopic<'_>) -> Result<BTreeMap<String, String>, Refusal> {
    let pairs = asked.configs.iter().map(|config| match config.value {
        Some(value) => Ok((config.name.to_owned(), value.to_owned())),
        None => {
            let message = format!("{} has no value; a setting that is left out has its default", config.name);
            Err(Refusal::new(ErrorCode::InvalidConfig, message))
        }
    });
    pairs.collect()
}

/// How many partitions are asked for, by a number or by an assignment to brokers.
fn partitions(broker: &Broker, asked: &CreatableTopic<'_>) -> Result<i32, Refusal> {
    let refuse = |code, message: &'static str| Err(Refusal::new(code, message));
    if !asked.assignments.is_empty() {
        if asked.num_partitions != DEFAULT || i32::from(asked.replication_factor) != DEFAULT {
            let message = "beside an assignment, partitions and replication factor must be -1";
            return refuse(ErrorCode::InvalidRequest, message);
        }
        return assigned(broker, asked);
    }
    match (asked.num_partitions, asked.replication_factor) {
        (_, ..=-2 | 0) => refuse(
            ErrorCode::InvalidReplicationFactor,
            "the replication factor must be above 0, or -1 for the default",
        ),
        (_, 2..) => {
            refuse(ErrorCode::InvalidReplicationFactor, "there is one broker, so there is one replica")
        }
        (..=-2 | 0, _) => refuse(
            ErrorCode::InvalidPartitions,
            "there must be at least one partition, or -1 for the default",
        ),
        (DEFAULT, _) => Ok(broker.config.default_partitions),
        (number, _) => Ok(number),
    }
}

/// A partition is assigned once, to this broker, and no number is left out.
fn assigned(broker: &Broker, asked: &CreatableTopic<'_>) -> Result<i32, Refusal> {
    let mut numbers = Vec::with_capacity(asked.assignments.len());
    for assignment in asked.assignments.iter() {
        check_assignment(broker, assignment.broker_ids.iter())?;
        numbers.push(assignment.partition_index);
    }
    numbers.sort_unstable();
    if (0..).zip(&numbers).any(|(expected, number)| expected != *number) {
        let message = "the assigned partitions must be 0, 1, 2 and so on, each once";
        return Err(Refusal::new(ErrorCode::InvalidReplicaAssignment, message));
    }
    Ok(i32::try_from(numbers.len()).unwrap_or(i32::MAX))
}

fn answer<'f>(broker: &Broker, name: &'f str, created: Result<Created, Refusal>) -> CreatableTopicResult<'f> {
    match created {
        Ok(created) => CreatableTopicResult {
            name: name.into(),
            topic_id: created.topic.map(|topic| wire_id(topic.id)).unwrap_or_default(),
            num_partitions: created.partitions,
            replication_factor: 1,
            configs: Some(configs(broker, &created.overrides)),
            ..CreatableTopicResult::default()
        },
        Err(refusal) => CreatableTopicResult {
            name: name.into(),
            error_code: refusal.code,
            error_message: Some(refusal.message),
            ..CreatableTopicResult::default()
        },
    }
}

fn configs<'f>(broker: &Broker, overrides: &BTreeMap<String, String>) -> Vec<CreatableTopicConfigs<'f>> {
    let values = settings::describe(broker.store.defaults(), overrides);
    let config = |value: settings::SettingValue| CreatableTopicConfigs {
        name: value.setting.name.into(),
        config_source: source_of(&value),
        value: Some(value.value.into()),
        ..CreatableTopicConfigs::default()
    };
    values.into_iter().map(config).collect()
}

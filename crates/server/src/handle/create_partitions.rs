//! CreatePartitions: a topic grows.

use std::borrow::Cow;
use std::collections::HashSet;

use ottla_protocol::ErrorCode;
use ottla_protocol::api::create_partitions::{
    CreatePartitionsTopic, CreatePartitionsTopicResult, Request, Response,
};

use crate::broker::Broker;
use crate::error_codes::{self, Refusal};
use crate::topics::{self, check_assignment};

pub(crate) fn handle<'f>(broker: &Broker, request: &Request<'f>) -> Response<'f> {
    let mut seen = HashSet::new();
    let names = request.topics.iter().map(|topic| topic.name);
    let repeated: HashSet<&str> = names.filter(|name| !seen.insert(*name)).collect();
    let results = request.topics.iter().map(|asked| {
        let grown = if repeated.contains(asked.name) {
            Err(Refusal::new(ErrorCode::InvalidRequest, "the request names the topic more than once"))
        } else {
            grow(broker, &asked, request.validate_only)
        };
        let (error_code, error_message) = match grown {
            Ok(()) => (ErrorCode::None, None),
            Err(refusal) => (refusal.code, Some(refusal.message)),
        };
        CreatePartitionsTopicResult { name: asked.name.into(), error_code, error_message }
    });
    Response { results: results.collect(), ..Response::default() }
}

fn grow(broker: &Broker, asked: &CreatePartitionsTopic<'_>, validate_only: bool) -> Result<(), Refusal> {
    fn refuse(code: ErrorCode, message: impl Into<Cow<'static, str>>) -> Result<(), Refusal> {
        Err(Refusal::new(code, message))
    }
    let Some(topic) = broker.store.topic(asked.name) else {
        return refuse(ErrorCode::UnknownTopicOrPartition, "there is no such topic");
    };
    let there = topic.partitions.len();
    let more = usize::try_from(asked.count).unwrap_or(0).saturating_sub(there);
    if more == 0 {
        return refuse(ErrorCode::InvalidPartitions, format!("the topic has {there} partitions already"));
    }
    if let Some(assignments) = &asked.assignments {
        if assignments.len() != more {
            let message = format!("{} assignments for {more} new partitions", assignments.len());
            return refuse(ErrorCode::InvalidReplicaAssignment, message);
        }
        for assignment in assignments.iter() {
            check_assignment(broker, assignment.broker_ids.iter())?;
        }
    }
    topics::check_partition_limit(broker, more)?;
    if !validate_only {
        let grown = broker.store.create_partitions(asked.name, asked.count);
        grown.map_err(|error| error_codes::refusal(broker, &error))?;
    }
    Ok(())
}

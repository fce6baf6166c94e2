//! DeleteTopics, by name or by id.

use std::collections::HashSet;
use std::sync::Arc;

use ottla::Topic;
use ottla::dir::TopicId;
use ottla_protocol::api::delete_topics::{DeletableTopicResult, DeleteTopicState, Request, Response};
use ottla_protocol::{ErrorCode, Uuid};

use crate::broker::Broker;
use crate::error_codes::{self, Refusal};
use crate::handle::lookup::wire_id;

pub(crate) fn handle<'f>(broker: &Broker, request: &Request<'f>) -> Response<'f> {
    let mut seen: HashSet<(Option<&str>, Uuid)> = HashSet::new();
    let repeated: HashSet<_> =
        request.topics.iter().map(|asked| key(&asked)).filter(|key| !seen.insert(*key)).collect();
    let responses = request.topics.iter().map(|asked| {
        let deleted = if repeated.contains(&key(&asked)) {
            Err(Refusal::new(ErrorCode::InvalidRequest, "the request names the topic more than once"))
        } else {
            delete(broker, &asked)
        };
        answer(&asked, deleted)
    });
    Response { responses: responses.collect(), ..Response::default() }
}

fn key<'f>(asked: &DeleteTopicState<'f>) -> (Option<&'f str>, Uuid) {
    (asked.name, asked.topic_id)
}

fn delete(broker: &Broker, asked: &DeleteTopicState<'_>) -> Result<Arc<Topic>, Refusal> {
    let refuse = |code, message: &'static str| Err(Refusal::new(code, message));
    let topic = match (asked.name, asked.topic_id.is_zero()) {
        (Some(name), true) => broker.store.topic(name),
        (None, false) => broker.store.topic_by_id(TopicId::new(*asked.topic_id.as_bytes())),
        (None, true) => return refuse(ErrorCode::InvalidRequest, "neither a topic name nor an id"),
        (Some(_), false) => return refuse(ErrorCode::InvalidRequest, "both a topic name and an id"),
    };
    let Some(topic) = topic else {
        let code = match asked.name {
            Some(_) => ErrorCode::UnknownTopicOrPartition,
            None => ErrorCode::UnknownTopicId,
        };
        return refuse(code, "there is no such topic");
    };
    broker.store.delete_topic(&topic.name).map_err(|error| error_codes::refusal(broker, &error))?;
    tracing::info!(topic = %topic.name, "deleted a topic");
    Ok(topic)
}

fn answer<'f>(
    asked: &DeleteTopicState<'f>,
    deleted: Result<Arc<Topic>, Refusal>,
) -> DeletableTopicResult<'f> {
    match deleted {
        Ok(topic) => DeletableTopicResult {
            name: Some(topic.name.to_string().into()),
            topic_id: wire_id(topic.id),
            ..DeletableTopicResult::default()
        },
        Err(refusal) => DeletableTopicResult {
            name: asked.name.map(Into::into),
            topic_id: asked.topic_id,
            error_code: refusal.code,
            error_message: Some(refusal.message),
        },
    }
}

use kafka_protocol::messages::delete_topics_request::DeleteTopicState;
use kafka_protocol::messages::delete_topics_response::DeletableTopicResult;
use kafka_protocol::messages::{DeleteTopicsRequest, DeleteTopicsResponse};
use ottla_protocol::Uuid;
use ottla_protocol::api::delete_topics;

use super::{Oracle, error, list, nullable_text, nullable_topic, uuid, vec};
use crate::generate::Gen;

impl Oracle for DeleteTopicsRequest {
    type Ours<'a> = delete_topics::Request<'a>;

    fn generate(any: &mut Gen<'_>, version: i16) -> Self {
        let state = |any: &mut Gen<'_>| {
            let name = any.option(Gen::topic);
            DeleteTopicState::default().with_name(name).with_topic_id(any.uuid())
        };
        DeleteTopicsRequest::default()
            .with_topics(any.when(version >= 6, |any| any.vec(state), Vec::new()))
            .with_topic_names(any.when(version <= 5, |any| any.vec(Gen::topic), Vec::new()))
            .with_timeout_ms(any.i32())
    }

    fn ours(&self, version: i16) -> delete_topics::Request<'_> {
        let by_name = || {
            list(&self.topic_names, |name| delete_topics::DeleteTopicState {
                name: Some(name.as_str()),
                topic_id: Uuid::ZERO,
            })
        };
        let by_either = || {
            list(&self.topics, |topic| delete_topics::DeleteTopicState {
                name: topic.name.as_ref().map(|name| name.as_str()),
                topic_id: uuid(&topic.topic_id),
            })
        };
        let topics = if version <= 5 { by_name() } else { by_either() };
        delete_topics::Request { topics, timeout_ms: self.timeout_ms }
    }
}

impl Oracle for DeleteTopicsResponse {
    type Ours<'a> = delete_topics::Response<'a>;

    fn generate(any: &mut Gen<'_>, version: i16) -> Self {
        let topic = |any: &mut Gen<'_>| {
            let null = version >= 6 && any.bool();
            let name = if null { None } else { Some(any.topic()) };
            DeletableTopicResult::default()
                .with_name(name)
                .with_topic_id(any.uuid())
                .with_error_code(any.error_code())
                .with_error_message(any.option(Gen::string))
        };
        DeleteTopicsResponse::default().with_throttle_time_ms(any.i32()).with_responses(any.vec(topic))
    }

    fn ours(&self, _version: i16) -> delete_topics::Response<'_> {
        delete_topics::Response {
            throttle_time_ms: self.throttle_time_ms,
            responses: vec(&self.responses, |topic| delete_topics::DeletableTopicResult {
                name: nullable_topic(&topic.name),
                topic_id: uuid(&topic.topic_id),
                error_code: error(topic.error_code),
                error_message: nullable_text(&topic.error_message),
            }),
        }
    }
}

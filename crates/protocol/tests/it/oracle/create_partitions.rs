use kafka_protocol::messages::create_partitions_request::{
    CreatePartitionsAssignment, CreatePartitionsTopic,
};
use kafka_protocol::messages::create_partitions_response::CreatePartitionsTopicResult;
use kafka_protocol::messages::{CreatePartitionsRequest, CreatePartitionsResponse};
use ottla_protocol::api::create_partitions;

use super::{Oracle, brokers, error, list, nullable_text, text, vec};
use crate::generate::Gen;

impl Oracle for CreatePartitionsRequest {
    type Ours<'a> = create_partitions::Request<'a>;

    fn generate(any: &mut Gen<'_>, _version: i16) -> Self {
        let assignment =
            |any: &mut Gen<'_>| CreatePartitionsAssignment::default().with_broker_ids(brokers(any));
        let topic = |any: &mut Gen<'_>| {
            let (name, count) = (any.topic(), any.i32());
            let assignments = any.option(|any| any.vec(assignment));
            CreatePartitionsTopic::default().with_name(name).with_count(count).with_assignments(assignments)
        };
        CreatePartitionsRequest::default()
            .with_topics(any.vec(topic))
            .with_timeout_ms(any.i32())
            .with_validate_only(any.bool())
    }

    fn ours(&self, _version: i16) -> create_partitions::Request<'_> {
        create_partitions::Request {
            topics: list(&self.topics, |topic| create_partitions::CreatePartitionsTopic {
                name: &topic.name,
                count: topic.count,
                assignments: topic.assignments.as_ref().map(|assignments| {
                    list(assignments, |assignment| create_partitions::CreatePartitionsAssignment {
                        broker_ids: list(&assignment.broker_ids, |broker| broker.0),
                    })
                }),
            }),
            timeout_ms: self.timeout_ms,
            validate_only: self.validate_only,
        }
    }
}

impl Oracle for CreatePartitionsResponse {
    type Ours<'a> = create_partitions::Response<'a>;

    fn generate(any: &mut Gen<'_>, _version: i16) -> Self {
        let topic = |any: &mut Gen<'_>| {
            CreatePartitionsTopicResult::default()
                .with_name(any.topic())
                .with_error_code(any.error_code())
                .with_error_message(any.option(Gen::string))
        };
        CreatePartitionsResponse::default().with_throttle_time_ms(any.i32()).with_results(any.vec(topic))
    }

    fn ours(&self, _version: i16) -> create_partitions::Response<'_> {
        create_partitions::Response {
            throttle_time_ms: self.throttle_time_ms,
            results: vec(&self.results, |topic| create_partitions::CreatePartitionsTopicResult {
                name: text(&topic.name),
                error_code: error(topic.error_code),
                error_message: nullable_text(&topic.error_message),
            }),
        }
    }
}

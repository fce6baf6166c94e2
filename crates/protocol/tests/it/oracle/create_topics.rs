use kafka_protocol::messages::create_topics_request::{
    CreatableReplicaAssignment, CreatableTopic, CreatableTopicConfig,
};
use kafka_protocol::messages::create_topics_response::{CreatableTopicConfigs, CreatableTopicResult};
use kafka_protocol::messages::{CreateTopicsRequest, CreateTopicsResponse};
use ottla_protocol::api::create_topics;

use super::{Oracle, brokers, error, list, nullable_text, text, uuid, vec};
use crate::generate::Gen;

impl Oracle for CreateTopicsRequest {
    type Ours<'a> = create_topics::Request<'a>;

    fn generate(any: &mut Gen<'_>, _version: i16) -> Self {
        let assignment = |any: &mut Gen<'_>| {
            let index = any.i32();
            CreatableReplicaAssignment::default().with_partition_index(index).with_broker_ids(brokers(any))
        };
        let config = |any: &mut Gen<'_>| {
            let name = any.string();
            CreatableTopicConfig::default().with_name(name).with_value(any.option(Gen::string))
        };
        let topic = |any: &mut Gen<'_>| {
            CreatableTopic::default()
                .with_name(any.topic())
                .with_num_partitions(any.i32())
                .with_replication_factor(any.i16())
                .with_assignments(any.vec(assignment))
                .with_configs(any.vec(config))
        };
        CreateTopicsRequest::default()
            .with_topics(any.vec(topic))
            .with_timeout_ms(any.i32())
            .with_validate_only(any.bool())
    }

    fn ours(&self, _version: i16) -> create_topics::Request<'_> {
        create_topics::Request {
            topics: list(&self.topics, |topic| create_topics::CreatableTopic {
                name: &topic.name,
                num_partitions: topic.num_partitions,
                replication_factor: topic.replication_factor,
                assignments: list(&topic.assignments, |assignment| {
                    create_topics::CreatableReplicaAssignment {
                        partition_index: assignment.partition_index,
                        broker_ids: list(&assignment.broker_ids, |broker| broker.0),
                    }
                }),
                configs: list(&topic.configs, |config| create_topics::CreatableTopicConfig {
                    name: &config.name,
                    value: config.value.as_deref(),
                }),
            }),
            timeout_ms: self.timeout_ms,
            validate_only: self.validate_only,
        }
    }
}

impl Oracle for CreateTopicsResponse {
    type Ours<'a> = create_topics::Response<'a>;

    fn generate(any: &mut Gen<'_>, version: i16) -> Self {
        let config = |any: &mut Gen<'_>| {
            CreatableTopicConfigs::default()
                .with_name(any.string())
                .with_value(any.option(Gen::string))
                .with_read_only(any.bool())
                .with_config_source(any.i8())
                .with_is_sensitive(any.bool())
        };
        let topic = |any: &mut Gen<'_>| {
            let configs = any.when(version >= 5, |any| any.option(|any| any.vec(config)), Some(Vec::new()));
            CreatableTopicResult::default()
                .with_name(any.topic())
                .with_topic_id(any.uuid())
                .with_error_code(any.error_code())
                .with_error_message(any.option(Gen::string))
                .with_topic_config_error_code(any.error_code())
                .with_num_partitions(any.i32())
                .with_replication_factor(any.i16())
                .with_configs(configs)
        };
        CreateTopicsResponse::default().with_throttle_time_ms(any.i32()).with_topics(any.vec(topic))
    }

    fn ours(&self, _version: i16) -> create_topics::Response<'_> {
        create_topics::Response {
            throttle_time_ms: self.throttle_time_ms,
            topics: vec(&self.topics, |topic| create_topics::CreatableTopicResult {
                name: text(&topic.name),
                topic_id: uuid(&topic.topic_id),
                error_code: error(topic.error_code),
                error_message: nullable_text(&topic.error_message),
                topic_config_error_code: error(topic.topic_config_error_code),
                num_partitions: topic.num_partitions,
                replication_factor: topic.replication_factor,
                configs: topic.configs.as_ref().map(|configs| vec(configs, ours_config)),
            }),
        }
    }
}

fn ours_config(config: &CreatableTopicConfigs) -> create_topics::CreatableTopicConfigs<'_> {
    create_topics::CreatableTopicConfigs {
        name: text(&config.name),
        value: nullable_text(&config.value),
        read_only: config.read_only,
        config_source: config.config_source,
        is_sensitive: config.is_sensitive,
    }
}

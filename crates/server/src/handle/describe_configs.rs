//! DescribeConfigs: the settings of topics and of this broker.

use std::borrow::Cow;
use std::collections::HashSet;

use ottla::dir::TopicPartition;
use ottla::settings::{self, SettingValue};
use ottla_protocol::ErrorCode;
use ottla_protocol::api::describe_configs::{
    DescribeConfigsResource, DescribeConfigsResourceResult, DescribeConfigsResult, DescribeConfigsSynonym,
    Request, Response,
};

use crate::broker::Broker;
use crate::error_codes::Refusal;
use crate::handle::broker_configs::broker_configs;
use crate::handle::config::{Config, broker_synonyms, source, source_of, type_of};

// The numbers of `ConfigResource.Type`.
const TOPIC: i8 = 2;
const BROKER: i8 = 4;

pub(crate) fn handle<'f>(broker: &Broker, request: &Request<'f>) -> Response<'f> {
    // One that is named a thousand times is described once.
    let mut seen = HashSet::new();
    let once = request
        .resources
        .iter()
        .filter(|resource| seen.insert((resource.resource_type, resource.resource_name)));
    let results = once.map(|resource| match configs(broker, &resource) {
        Ok(configs) => DescribeConfigsResult {
            resource_type: resource.resource_type,
            resource_name: resource.resource_name.into(),
            configs: configs
                .into_iter()
                .filter(|config| is_asked(&resource, config.name))
                .map(|config| shown(request, config))
                .collect(),
            ..DescribeConfigsResult::default()
        },
        Err(refusal) => DescribeConfigsResult {
            error_code: refusal.code,
            error_message: Some(refusal.message),
            resource_type: resource.resource_type,
            resource_name: resource.resource_name.into(),
            ..DescribeConfigsResult::default()
        },
    });
    Response { results: results.collect(), ..Response::default() }
}

/// No keys, or an empty list of them, ask for all.
fn is_asked(resource: &DescribeConfigsResource<'_>, name: &str) -> bool {
    let keys = resource.configuration_keys.filter(|keys| !keys.is_empty());
    keys.is_none_or(|keys| keys.iter().any(|key| key == name))
}

fn configs(broker: &Broker, resource: &DescribeConfigsResource<'_>) -> Result<Vec<Config>, Refusal> {
    let name = resource.resource_name;
    match resource.resource_type {
        TOPIC => topic_configs(broker, name),
        // The empty name asks for what all brokers were told while they run, which is nothing.
        BROKER if name.is_empty() => Ok(Vec::new()),
        BROKER if name == broker.store.node_id().to_string() => Ok(broker_configs(broker)),
        BROKER => {
            let message = format!("the one broker here has id {}, not {name:?}", broker.store.node_id());
            Err(Refusal::new(ErrorCode::InvalidRequest, message))
        }
        other => {
            let message = format!("resources of type {other} have no settings here");
            Err(Refusal::new(ErrorCode::InvalidRequest, message))
        }
    }
}

fn topic_configs(broker: &Broker, name: &str) -> Result<Vec<Config>, Refusal> {
    if let Err(error) = TopicPartition::new(name, 0) {
        return Err(Refusal::new(ErrorCode::InvalidTopicException, error.to_string()));
    }
    let Some(topic) = broker.store.topic(name) else {
        return Err(Refusal::new(ErrorCode::UnknownTopicOrPartition, "there is no such topic"));
    };
    let values = settings::describe(broker.store.defaults(), &topic.overrides);
    Ok(values.into_iter().map(topic_config).collect())
}

fn topic_config(value: SettingValue) -> Config {
    let setting = value.setting;
    let mut synonyms = Vec::new();
    if value.overridden {
        synonyms.push((setting.name, value.value.clone(), source::TOPIC));
    }
    synonyms.extend(broker_synonyms(setting.broker_name, &value.default, setting.default));
    Config {
        name: setting.name,
        source: source_of(&value),
        value: value.value,
        config_type: type_of(setting.kind),
        read_only: false,
        doc: setting.doc,
        synonyms,
    }
}

fn shown<'f>(request: &Request<'_>, config: Config) -> DescribeConfigsResourceResult<'f> {
    let synonym = |(name, value, source): (&'static str, String, i8)| DescribeConfigsSynonym {
        name: name.into(),
        value: Some(value.into()),
        source,
    };
    let synonyms = if request.include_synonyms { config.synonyms } else { Vec::new() };
    DescribeConfigsResourceResult {
        name: config.name.into(),
        value: Some(config.value.into()),
        read_only: config.read_only,
        config_source: config.source,
        is_sensitive: false,
        synonyms: synonyms.into_iter().map(synonym).collect(),
        config_type: config.config_type,
        documentation: request.include_documentation.then_some(Cow::Borrowed(config.doc)),
    }
}

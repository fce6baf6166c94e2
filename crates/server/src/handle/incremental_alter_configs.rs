//! IncrementalAlterConfigs: some settings of topics change, the others stay.

use std::collections::BTreeMap;

use ottla::settings::{self, Change};
use ottla_protocol::ErrorCode;
use ottla_protocol::api::incremental_alter_configs::{
    AlterConfigsResource, AlterableConfig, Request, Response, config_operation,
};

use crate::broker::Broker;
use crate::error_codes::{self, Refusal};
use crate::handle::alterable;

pub(crate) fn handle<'f>(broker: &Broker, request: &Request<'f>) -> Response<'f> {
    let named = |resource: &AlterConfigsResource<'f>| (resource.resource_type, resource.resource_name);
    let alter = |resource: &AlterConfigsResource<'f>| alter(broker, resource, request.validate_only);
    let responses = alterable::each(request.resources.iter(), named, alter);
    Response { responses, ..Response::default() }
}

fn alter(broker: &Broker, resource: &AlterConfigsResource<'_>, validate_only: bool) -> Result<(), Refusal> {
    alterable::check_names(resource.configs.len(), resource.configs.iter().map(|config| config.name))?;
    let changes = resource.configs.iter().map(|config| Ok((config.name.to_owned(), change(&config)?)));
    let changes: BTreeMap<String, Change> = changes.collect::<Result<_, Refusal>>()?;
    let topic = alterable::topic(broker, resource.resource_type, resource.resource_name)?;
    let altered = if validate_only {
        settings::change(broker.store.defaults(), &topic.overrides, &changes).map(drop)
    } else {
        broker
            .store
            .alter_topic_config(&topic.name, &changes)
            .map(|altered| alterable::note(broker, &altered))
    };
    altered.map_err(|error| error_codes::refusal(broker, &error))
}

fn change(config: &AlterableConfig<'_>) -> Result<Change, Refusal> {
    let value = || alterable::value(config.name, config.value);
    match config.config_operation {
        config_operation::SET => value().map(Change::Set),
        config_operation::DELETE => Ok(Change::Delete),
        config_operation::APPEND => value().map(Change::Append),
        config_operation::SUBTRACT => value().map(Change::Subtract),
        other => {
            let message = format!("{other} is no operation on a setting");
            Err(Refusal::new(ErrorCode::InvalidRequest, message))
        }
    }
}

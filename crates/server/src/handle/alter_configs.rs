//! AlterConfigs: all settings of topics, in place of those that they had.

use std::collections::BTreeMap;

use ottla::settings;
use ottla_protocol::api::alter_configs::{AlterConfigsResource, Request, Response};

use crate::broker::Broker;
use crate::error_codes::{self, Refusal};
use crate::handle::alterable;

pub(crate) fn handle<'f>(broker: &Broker, request: &Request<'f>) -> Response<'f> {
    let named = |resource: &AlterConfigsResource<'f>| (resource.resource_type, resource.resource_name);
    let replace = |resource: &AlterConfigsResource<'f>| replace(broker, resource, request.validate_only);
    let responses = alterable::each(request.resources.iter(), named, replace);
    Response { responses, ..Response::default() }
}

fn replace(broker: &Broker, resource: &AlterConfigsResource<'_>, validate_only: bool) -> Result<(), Refusal> {
    alterable::check_names(resource.configs.len(), resource.configs.iter().map(|config| config.name))?;
    let pairs = resource.configs.iter();
    let pairs =
        pairs.map(|config| Ok((config.name.to_owned(), alterable::value(config.name, config.value)?)));
    let new: BTreeMap<String, String> = pairs.collect::<Result<_, Refusal>>()?;
    let topic = alterable::topic(broker, resource.resource_type, resource.resource_name)?;
    let altered = if validate_only {
        settings::replace(broker.store.defaults(), &topic.overrides, &new)
    } else {
        broker.store.replace_topic_config(&topic.name, &new).map(|altered| alterable::note(broker, &altered))
    };
    altered.map_err(|error| error_codes::refusal(broker, &error))
}

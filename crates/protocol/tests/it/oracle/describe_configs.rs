use kafka_protocol::messages::describe_configs_request::DescribeConfigsResource;
use kafka_protocol::messages::describe_configs_response::{
    DescribeConfigsResourceResult, DescribeConfigsResult, DescribeConfigsSynonym,
};
use kafka_protocol::messages::{DescribeConfigsRequest, DescribeConfigsResponse};
use ottla_protocol::api::describe_configs;

use super::{Oracle, error, list, nullable_text, text, vec};
use crate::generate::Gen;

impl Oracle for DescribeConfigsRequest {
    type Ours<'a> = describe_configs::Request<'a>;

    fn generate(any: &mut Gen<'_>, version: i16) -> Self {
        let resource = |any: &mut Gen<'_>| {
            DescribeConfigsResource::default()
                .with_resource_type(any.i8())
                .with_resource_name(any.string())
                .with_configuration_keys(any.option(|any| any.vec(Gen::string)))
        };
        DescribeConfigsRequest::default()
            .with_resources(any.vec(resource))
            .with_include_synonyms(any.bool())
            .with_include_documentation(any.when(version >= 3, Gen::bool, false))
    }

    fn ours(&self, _version: i16) -> describe_configs::Request<'_> {
        describe_configs::Request {
            resources: list(&self.resources, |resource| describe_configs::DescribeConfigsResource {
                resource_type: resource.resource_type,
                resource_name: &resource.resource_name,
                configuration_keys: resource
                    .configuration_keys
                    .as_ref()
                    .map(|keys| list(keys, |key| key.as_str())),
            }),
            include_synonyms: self.include_synonyms,
            include_documentation: self.include_documentation,
        }
    }
}

fn config(any: &mut Gen<'_>) -> DescribeConfigsResourceResult {
    let synonym = |any: &mut Gen<'_>| {
        DescribeConfigsSynonym::default()
            .with_name(any.string())
            .with_value(any.option(Gen::string))
            .with_source(any.i8())
    };
    DescribeConfigsResourceResult::default()
        .with_name(any.string())
        .with_value(any.option(Gen::string))
        .with_read_only(any.bool())
        .with_config_source(any.i8())
        .with_is_sensitive(any.bool())
        .with_synonyms(any.vec(synonym))
        .with_config_type(any.i8())
        .with_documentation(any.option(Gen::string))
}

impl Oracle for DescribeConfigsResponse {
    type Ours<'a> = describe_configs::Response<'a>;

    fn generate(any: &mut Gen<'_>, _version: i16) -> Self {
        let result = |any: &mut Gen<'_>| {
            DescribeConfigsResult::default()
                .with_error_code(any.error_code())
                .with_error_message(any.option(Gen::string))
                .with_resource_type(any.i8())
                .with_resource_name(any.string())
                .with_configs(any.vec(config))
        };
        DescribeConfigsResponse::default().with_throttle_time_ms(any.i32()).with_results(any.vec(result))
    }

    fn ours(&self, version: i16) -> describe_configs::Response<'_> {
        describe_configs::Response {
            throttle_time_ms: self.throttle_time_ms,
            results: vec(&self.results, |result| describe_configs::DescribeConfigsResult {
                error_code: error(result.error_code),
                error_message: nullable_text(&result.error_message),
                resource_type: result.resource_type,
                resource_name: text(&result.resource_name),
                configs: vec(&result.configs, |config| ours_config(config, version)),
            }),
        }
    }
}

fn ours_config(
    config: &DescribeConfigsResourceResult,
    version: i16,
) -> describe_configs::DescribeConfigsResourceResult<'_> {
    describe_configs::DescribeConfigsResourceResult {
        name: text(&config.name),
        value: nullable_text(&config.value),
        read_only: config.read_only,
        config_source: config.config_source,
        is_sensitive: config.is_sensitive,
        synonyms: vec(&config.synonyms, |synonym| describe_configs::DescribeConfigsSynonym {
            name: text(&synonym.name),
            value: nullable_text(&synonym.value),
            source: synonym.source,
        }),
        config_type: config.config_type,
        // Kafka's default is an empty text; here a version without the field has none.
        documentation: nullable_text(&config.documentation).filter(|_| version >= 3),
    }
}

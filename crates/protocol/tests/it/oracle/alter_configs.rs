use kafka_protocol::messages::alter_configs_request::{AlterConfigsResource, AlterableConfig};
use kafka_protocol::messages::alter_configs_response::AlterConfigsResourceResponse;
use kafka_protocol::messages::{AlterConfigsRequest, AlterConfigsResponse};
use ottla_protocol::api::alter_configs;

use super::{Oracle, error, list, nullable_text, text, vec};
use crate::generate::Gen;

impl Oracle for AlterConfigsRequest {
    type Ours<'a> = alter_configs::Request<'a>;

    fn generate(any: &mut Gen<'_>, _version: i16) -> Self {
        let config = |any: &mut Gen<'_>| {
            AlterableConfig::default().with_name(any.string()).with_value(any.option(Gen::string))
        };
        let resource = |any: &mut Gen<'_>| {
            AlterConfigsResource::default()
                .with_resource_type(any.i8())
                .with_resource_name(any.string())
                .with_configs(any.vec(config))
        };
        AlterConfigsRequest::default().with_resources(any.vec(resource)).with_validate_only(any.bool())
    }

    fn ours(&self, _version: i16) -> alter_configs::Request<'_> {
        alter_configs::Request {
            resources: list(&self.resources, |resource| alter_configs::AlterConfigsResource {
                resource_type: resource.resource_type,
                resource_name: &resource.resource_name,
                configs: list(&resource.configs, |config| alter_configs::AlterableConfig {
                    name: &config.name,
                    value: config.value.as_deref(),
                }),
            }),
            validate_only: self.validate_only,
        }
    }
}

impl Oracle for AlterConfigsResponse {
    type Ours<'a> = alter_configs::Response<'a>;

    fn generate(any: &mut Gen<'_>, _version: i16) -> Self {
        let response = |any: &mut Gen<'_>| {
            AlterConfigsResourceResponse::default()
                .with_error_code(any.error_code())
                .with_error_message(any.option(Gen::string))
                .with_resource_type(any.i8())
                .with_resource_name(any.string())
        };
        AlterConfigsResponse::default().with_throttle_time_ms(any.i32()).with_responses(any.vec(response))
    }

    fn ours(&self, _version: i16) -> alter_configs::Response<'_> {
        alter_configs::Response {
            throttle_time_ms: self.throttle_time_ms,
            responses: vec(&self.responses, |response| alter_configs::AlterConfigsResourceResponse {
                error_code: error(response.error_code),
                error_message: nullable_text(&response.error_message),
                resource_type: response.resource_type,
                resource_name: text(&response.resource_name),
            }),
        }
    }
}

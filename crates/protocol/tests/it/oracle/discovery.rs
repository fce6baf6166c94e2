use kafka_protocol::messages::api_versions_response::{ApiVersion, FinalizedFeatureKey, SupportedFeatureKey};
use kafka_protocol::messages::{ApiVersionsRequest, ApiVersionsResponse};
use ottla_protocol::api::api_versions;

use super::{Oracle, error, text, vec};
use crate::generate::Gen;

impl Oracle for ApiVersionsRequest {
    type Ours<'a> = api_versions::Request<'a>;

    fn generate(any: &mut Gen<'_>, _version: i16) -> Self {
        let name = any.string();
        ApiVersionsRequest::default()
            .with_client_software_name(name)
            .with_client_software_version(any.string())
    }

    fn ours(&self, _version: i16) -> api_versions::Request<'_> {
        api_versions::Request {
            client_software_name: &self.client_software_name,
            client_software_version: &self.client_software_version,
            ..api_versions::Request::default()
        }
    }
}

impl Oracle for ApiVersionsResponse {
    type Ours<'a> = api_versions::Response<'a>;

    fn generate(any: &mut Gen<'_>, version: i16) -> Self {
        let api = |any: &mut Gen<'_>| {
            let key = any.i16();
            ApiVersion::default().with_api_key(key).with_min_version(any.i16()).with_max_version(any.i16())
        };
        let supported = |any: &mut Gen<'_>| {
            let name = any.string();
            let feature = SupportedFeatureKey::default().with_name(name);
            feature.with_min_version(any.i16()).with_max_version(any.i16())
        };
        let finalized = |any: &mut Gen<'_>| {
            let name = any.string();
            let feature = FinalizedFeatureKey::default().with_name(name);
            feature.with_min_version_level(any.i16()).with_max_version_level(any.i16())
        };
        ApiVersionsResponse::default()
            .with_error_code(any.error_code())
            .with_api_keys(any.vec(api))
            .with_throttle_time_ms(any.i32())
            .with_supported_features(any.when(version >= 3, |any| any.vec(supported), Vec::new()))
            .with_finalized_features_epoch(any.i64())
            .with_finalized_features(any.when(version >= 3, |any| any.vec(finalized), Vec::new()))
            .with_zk_migration_ready(any.bool())
    }

    fn ours(&self, _version: i16) -> api_versions::Response<'_> {
        api_versions::Response {
            error_code: error(self.error_code),
            api_keys: vec(&self.api_keys, |api| api_versions::ApiVersion {
                api_key: api.api_key,
                min_version: api.min_version,
                max_version: api.max_version,
            }),
            throttle_time_ms: self.throttle_time_ms,
            supported_features: vec(&self.supported_features, |feature| api_versions::SupportedFeatureKey {
                name: text(&feature.name),
                min_version: feature.min_version,
                max_version: feature.max_version,
            }),
            finalized_features_epoch: self.finalized_features_epoch,
            finalized_features: vec(&self.finalized_features, |feature| api_versions::FinalizedFeatureKey {
                name: text(&feature.name),
                max_version_level: feature.max_version_level,
                min_version_level: feature.min_version_level,
            }),
            zk_migration_ready: self.zk_migration_ready,
        }
    }
}

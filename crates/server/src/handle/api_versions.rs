//! ApiVersions: what is spoken here.

use ottla_protocol::api::api_versions::{ApiVersion, Request, Response};
use ottla_protocol::{API_TABLE, ApiKey, EncodeError, ErrorCode, RequestError, RequestErrorReason};

use crate::answers::Answers;
use crate::broker::Broker;

pub(crate) fn handle(broker: &Broker, version: i16, request: &Request<'_>) -> Response<'static> {
    let error = |error_code| Response { error_code, ..Response::default() };
    if !is_meant_for(broker, request) {
        return error(ErrorCode::RebootstrapRequired);
    }
    answer(version, request).unwrap_or_else(error)
}

/// Whether the client has reached whom it meant to reach (KIP-1242). The node counts only beside a cluster.
fn is_meant_for(broker: &Broker, request: &Request<'_>) -> bool {
    request.cluster_id.is_none_or(|cluster_id| {
        cluster_id == broker.store.cluster_id() && request.node_id == broker.store.node_id()
    })
}

fn answer(version: i16, request: &Request<'_>) -> Result<Response<'static>, ErrorCode> {
    /// The first version in which a client names its software (KIP-511).
    const FIRST_WITH_NAMES: i16 = 3;
    let names = [request.client_software_name, request.client_software_version];
    if version >= FIRST_WITH_NAMES && !names.into_iter().all(is_software_name) {
        return Err(ErrorCode::InvalidRequest);
    }
    Ok(Response { api_keys: API_TABLE.iter().map(|api| row(api.key)).collect(), ..Response::default() })
}

fn row(key: ApiKey) -> ApiVersion {
    ApiVersion {
        api_key: key.code(),
        min_version: key.advertised_min_version(),
        max_version: key.api().max_version,
    }
}

/// Letters and digits, with `-` and `.` between them.
fn is_software_name(name: &str) -> bool {
    let ends = |byte: Option<u8>| byte.is_some_and(|byte| byte.is_ascii_alphanumeric());
    let mut bytes = name.bytes();
    ends(name.bytes().next())
        && ends(name.bytes().last())
        && bytes.all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.'))
}

/// Answers a request for ApiVersions in a version that is not known here: the oldest form of answer says
/// which are. `None` for any other request.
pub(crate) fn unsupported_version(
    refused: &RequestError,
    answers: &mut Answers,
) -> Option<Result<(), EncodeError>> {
    let is_api_versions = refused.api_key == Some(ApiKey::ApiVersions.code());
    match (&refused.reason, refused.correlation_id) {
        (RequestErrorReason::UnsupportedVersion, Some(correlation_id)) if is_api_versions => {
            let api = ApiKey::ApiVersions.api();
            let response = Response::unsupported_version(api.min_version, api.max_version);
            Some(answers.push_as(correlation_id, 0, &response))
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_software_name_is_of_letters_digits_and_what_stands_between_them() {
        for good in ["a", "librdkafka", "apache-kafka-java", "4.3.0", "a-.b"] {
            assert!(is_software_name(good), "{good}");
        }
        for bad in ["", "-a", "a.", "a b", "a\n", "ä"] {
            assert!(!is_software_name(bad), "{bad}");
        }
    }

    #[test]
    fn everything_that_is_decoded_is_advertised() {
        let request =
            Request { client_software_name: "a", client_software_version: "1", ..Request::default() };
        let response = answer(3, &request).unwrap();
        assert_eq!(response.api_keys.len(), API_TABLE.len());
        let produce = response.api_keys.iter().find(|row| row.api_key == 0).unwrap();
        assert_eq!(produce.min_version, 0, "old librdkafka compresses only then");
    }
}

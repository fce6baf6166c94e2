use ottla_protocol::api::{api_versions, describe_cluster};
use ottla_protocol::{API_TABLE, ApiKey, ErrorCode};

use crate::support::{answer, broker};

fn named() -> api_versions::Request<'static> {
    api_versions::Request {
        client_software_name: "test",
        client_software_version: "1.0",
        ..Default::default()
    }
}

#[test]
fn every_version_of_the_answer_names_every_api() {
    let broker = broker();
    let mut client = broker.connect();
    for version in 0..=ApiKey::ApiVersions.api().max_version {
        let frame = client.ask(version, &named());
        let response: api_versions::Response<'_> = answer(&frame, version);
        assert_eq!(response.error_code, ErrorCode::None);
        let rows: Vec<_> = response.api_keys.iter().map(|row| (row.api_key, row.max_version)).collect();
        let expected: Vec<_> = API_TABLE.iter().map(|api| (api.key.code(), api.max_version)).collect();
        assert_eq!(rows, expected);
    }
}

#[test]
fn a_version_that_is_not_known_is_answered_in_the_oldest_form_and_the_connection_lives() {
    let broker = broker();
    let mut client = broker.connect();
    let (mut bytes, correlation_id) = client.encode(4, &named());
    bytes[6..8].copy_from_slice(&99_i16.to_be_bytes());
    std::io::Write::write_all(&mut client.stream, &bytes).unwrap();
    let frame = client.receive();
    assert_eq!(frame[..4], correlation_id.to_be_bytes());
    let response: api_versions::Response<'_> = answer(&frame, 0);
    assert_eq!(response.error_code, ErrorCode::UnsupportedVersion);
    assert_eq!(response.api_keys[0].api_key, ApiKey::ApiVersions.code());
    assert_eq!(response.api_keys[0].max_version, ApiKey::ApiVersions.api().max_version);
    client.ask(3, &named());
}

#[test]
fn software_without_a_proper_name_is_refused() {
    let broker = broker();
    let request = api_versions::Request { client_software_name: "a b", ..named() };
    let frame = broker.connect().ask(3, &request);
    assert_eq!(answer::<api_versions::Response<'_>>(&frame, 3).error_code, ErrorCode::InvalidRequest);
}

#[test]
fn a_client_that_meant_another_cluster_or_node_is_told_to_look_again() {
    let broker = broker();
    let mut client = broker.connect();
    let frame = client.ask(0, &describe_cluster::Request::default());
    let cluster_id = answer::<describe_cluster::Response<'_>>(&frame, 0).cluster_id.into_owned();
    let mut code = |cluster_id, node_id| {
        let frame = client.ask(5, &api_versions::Request { cluster_id, node_id, ..named() });
        answer::<api_versions::Response<'_>>(&frame, 5).error_code
    };
    assert_eq!(code(Some(&cluster_id), 1), ErrorCode::None);
    assert_eq!(code(None, -1), ErrorCode::None);
    assert_eq!(code(Some(&cluster_id), 2), ErrorCode::RebootstrapRequired);
    assert_eq!(code(Some("another"), 1), ErrorCode::RebootstrapRequired);
}

//! Frames that real clients and Apache Kafka 4.3 exchanged: they decode, and encode to the same bytes again.

use std::collections::BTreeMap;
use std::path::Path;

use ottla_protocol::api::*;
use ottla_protocol::wire::{Decode, Encode, Writer};
use ottla_protocol::{
    ApiKey, ErrorCode, LENGTH_BYTES, Message, Request, decode_request, decode_response, encode_request,
    encode_response, frame_len,
};

/// The frames by the name of their file, without the length before them.
fn frames() -> BTreeMap<String, Vec<u8>> {
    let directory = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden");
    let mut frames = BTreeMap::new();
    #[expect(clippy::disallowed_methods, reason = "the test's own files")]
    for entry in std::fs::read_dir(directory).unwrap() {
        let path = entry.unwrap().path();
        if path.extension().is_some_and(|extension| extension == "hex") {
            let name = path.file_stem().unwrap().to_str().unwrap().to_owned();
            frames.insert(name, without_length(&unhex(&std::fs::read_to_string(path).unwrap())));
        }
    }
    frames
}

fn unhex(text: &str) -> Vec<u8> {
    let digits: Vec<u8> =
        text.chars().filter_map(|digit| digit.to_digit(16)).map(|digit| digit as u8).collect();
    digits.chunks(2).map(|pair| pair[0] << 4 | pair[1]).collect()
}

fn without_length(bytes: &[u8]) -> Vec<u8> {
    let (prefix, frame) = bytes.split_first_chunk::<LENGTH_BYTES>().unwrap();
    assert_eq!(frame_len(*prefix, 1 << 20), Ok(frame.len()));
    frame.to_vec()
}

fn golden(name: &str) -> Vec<u8> {
    frames().remove(name).unwrap_or_else(|| panic!("no golden frame {name}"))
}

fn encoded_request<M: Message + Encode>(frame: &[u8], request: &M) -> Vec<u8> {
    let (header, _) = decode_request(frame).unwrap();
    let mut writer = Writer::new();
    encode_request(&mut writer, header.correlation_id, header.client_id, header.api_version, request)
        .unwrap();
    without_length(writer.bytes())
}

fn request_again(frame: &[u8]) -> Vec<u8> {
    match decode_request(frame).unwrap().1 {
        Request::Produce(request) => encoded_request(frame, &request),
        Request::Fetch(request) => encoded_request(frame, &request),
        Request::ListOffsets(request) => encoded_request(frame, &request),
        Request::Metadata(request) => encoded_request(frame, &request),
        Request::ApiVersions(request) => encoded_request(frame, &request),
        Request::CreateTopics(request) => encoded_request(frame, &request),
        Request::DeleteTopics(request) => encoded_request(frame, &request),
        Request::DeleteRecords(request) => encoded_request(frame, &request),
        Request::InitProducerId(request) => encoded_request(frame, &request),
        Request::OffsetForLeaderEpoch(request) => encoded_request(frame, &request),
        Request::DescribeConfigs(request) => encoded_request(frame, &request),
        Request::CreatePartitions(request) => encoded_request(frame, &request),
        Request::AlterConfigs(request) => encoded_request(frame, &request),
        Request::IncrementalAlterConfigs(request) => encoded_request(frame, &request),
        Request::DescribeCluster(request) => encoded_request(frame, &request),
        other => panic!("no arm for {other:?}"),
    }
}

fn encoded_response<'a, M: Message + Decode<'a> + Encode>(frame: &'a [u8], version: i16) -> Vec<u8> {
    let (header, response) = decode_response::<M>(frame, version).unwrap();
    let mut writer = Writer::new();
    encode_response(&mut writer, header.correlation_id, version, &response).unwrap();
    without_length(writer.bytes())
}

fn response_again(api: &str, version: i16, frame: &[u8]) -> Vec<u8> {
    match api {
        "produce" => encoded_response::<produce::Response<'_>>(frame, version),
        "fetch" => encoded_response::<fetch::Response<'_>>(frame, version),
        "list_offsets" => encoded_response::<list_offsets::Response<'_>>(frame, version),
        "metadata" => encoded_response::<metadata::Response<'_>>(frame, version),
        // The broker does not speak version 5 and answers in version 0.
        "api_versions" => encoded_response::<api_versions::Response<'_>>(frame, version % 5),
        "create_topics" => encoded_response::<create_topics::Response<'_>>(frame, version),
        "delete_topics" => encoded_response::<delete_topics::Response<'_>>(frame, version),
        "delete_records" => encoded_response::<delete_records::Response<'_>>(frame, version),
        "init_producer_id" => encoded_response::<init_producer_id::Response>(frame, version),
        "offset_for_leader_epoch" => {
            encoded_response::<offset_for_leader_epoch::Response<'_>>(frame, version)
        }
        "describe_configs" => encoded_response::<describe_configs::Response<'_>>(frame, version),
        "create_partitions" => encoded_response::<create_partitions::Response<'_>>(frame, version),
        "alter_configs" => encoded_response::<alter_configs::Response<'_>>(frame, version),
        "incremental_alter_configs" => {
            encoded_response::<incremental_alter_configs::Response<'_>>(frame, version)
        }
        "describe_cluster" => encoded_response::<describe_cluster::Response<'_>>(frame, version),
        other => panic!("no arm for {other}"),
    }
}

#[test]
fn every_frame_encodes_to_the_same_bytes_again() {
    let frames = frames();
    assert!(frames.len() >= 56, "{} golden frames", frames.len());
    for (name, frame) in frames {
        let [api, version, direction]: [&str; 3] =
            name.split('-').collect::<Vec<_>>().try_into().expect("api-vN-direction");
        let version = version[1..].parse().unwrap();
        let again = match direction {
            "request" => request_again(&frame),
            _ => response_again(api, version, &frame),
        };
        assert_eq!(again, frame, "{name}");
    }
}

#[test]
fn every_api_has_a_golden_frame_of_its_newest_version_or_a_reason() {
    let frames = frames();
    for api in ottla_protocol::API_TABLE {
        let snake = snake_case(api.key.name());
        let name = format!("{snake}-v{}-request", api.max_version);
        assert!(frames.contains_key(&name), "{name}");
    }
}

fn snake_case(name: &str) -> String {
    let mut snake = String::new();
    for (index, character) in name.char_indices() {
        if character.is_ascii_uppercase() && index > 0 {
            snake.push('_');
        }
        snake.push(character.to_ascii_lowercase());
    }
    snake
}

#[test]
fn a_producer_sends_one_batch_by_topic_id() {
    let frame = golden("produce-v13-request");
    let (header, request) = decode_request(&frame).unwrap();
    assert_eq!((header.api_key, header.api_version), (ApiKey::Produce, 13));
    assert_eq!(header.client_id, Some("golden"));
    let Request::Produce(request) = request else { panic!() };
    assert_eq!((request.acks, request.timeout_ms, request.transactional_id), (-1, 30_000, None));
    let topic = request.topic_data.iter().next().unwrap();
    assert_eq!(topic.topic_id.to_string(), "BtSiw74KSNC5TXWXo2z2jA");
    let partition = topic.partition_data.iter().next().unwrap();
    let records = partition.records.unwrap();
    assert_eq!((partition.index, records.len(), records[16]), (0, 82, 2), "one batch of magic 2");
}

#[test]
fn a_consumer_reads_the_batch_that_was_produced() {
    let frame = golden("fetch-v18-response");
    let (header, response) = decode_response::<fetch::Response<'_>>(&frame, 18).unwrap();
    assert_eq!((header.correlation_id, response.error_code), (7, ErrorCode::None));
    assert_ne!(response.session_id, 0);
    let partition = &response.responses[0].partitions[0];
    assert_eq!((partition.high_watermark, partition.last_stable_offset), (2, 2));
    let fetch::Records::Inline(records) = &partition.records else { panic!() };
    assert_eq!(records[..8], 1_i64.to_be_bytes(), "the base offset");
    assert!(records.windows(6).any(|window| window == b"sister"));
}

#[test]
fn a_broker_of_kafka_4_3_is_described() {
    let frame = golden("metadata-v13-response");
    let (_, response) = decode_response::<metadata::Response<'_>>(&frame, 13).unwrap();
    assert_eq!(response.brokers[0].host, "127.0.0.1");
    assert_eq!(response.topics[0].name.as_deref(), Some("letters"));
    assert_eq!(response.topics[0].partitions.len(), 3);
    assert_eq!(*response.topics[0].partitions[0].isr_nodes, [1]);
}

#[test]
fn what_is_spoken_here_is_spoken_by_kafka_4_3() {
    let frame = golden("api_versions-v4-response");
    let (_, response) = api_versions::Response::decode_frame(&frame, 4).unwrap();
    for api in ottla_protocol::API_TABLE {
        let theirs = response.api_keys.iter().find(|theirs| theirs.api_key == api.key.code()).unwrap();
        assert_eq!(theirs.min_version, api.key.advertised_min_version(), "{}", api.key);
        // Kafka 4.4 brought one version more.
        let newer = i16::from(api.key == ApiKey::ApiVersions);
        assert_eq!(theirs.max_version + newer, api.max_version, "{}", api.key);
    }
    assert!(response.supported_features.iter().any(|feature| feature.name == "metadata.version"));
}

#[test]
fn the_answer_to_a_newer_api_versions_request_is_that_of_kafka() {
    let request = golden("api_versions-v5-request");
    let (header, request) = decode_request(&request).unwrap();
    let Request::ApiVersions(request) = request else { panic!() };
    assert_eq!(request.client_software_name, "apache-kafka-java");
    assert_eq!((request.cluster_id, request.node_id), (None, -1));

    let theirs = golden("api_versions-v5-response");
    let ours = api_versions::Response::unsupported_version(0, 4);
    let mut writer = Writer::new();
    encode_response(&mut writer, header.correlation_id, 0, &ours).unwrap();
    assert_eq!(without_length(writer.bytes()), theirs);
    let (_, decoded) = api_versions::Response::decode_frame(&theirs, 5).unwrap();
    assert_eq!(decoded, ours);
}

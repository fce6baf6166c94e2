//! Headers, and what a server learns of a request that it cannot serve.

use ottla_protocol::api::{api_versions, describe_cluster, fetch, list_offsets, metadata};
use ottla_protocol::wire::{Encode, List, Writer};
use ottla_protocol::{
    ApiKey, EncodeError, FrameError, Message, ProtocolError, Request, RequestError, RequestErrorReason,
    RequestHeader, decode_request, decode_response, encode_request, encode_response, frame_len,
};

fn frame_of<M: Message + Encode>(version: i16, request: &M) -> Vec<u8> {
    let mut writer = Writer::new();
    encode_request(&mut writer, 41, Some("k"), version, request).unwrap();
    writer.bytes()[4..].to_vec()
}

fn error_of(frame: &[u8]) -> RequestError {
    decode_request(frame).expect_err("a request that cannot be served")
}

#[test]
fn a_length_is_judged_before_anything_is_read() {
    assert_eq!(frame_len([0, 0, 0, 0], 10), Ok(0));
    assert_eq!(frame_len([0, 0, 0, 10], 10), Ok(10));
    assert_eq!(frame_len([0, 0, 0, 11], 10), Err(FrameError::TooLarge { length: 11, limit: 10 }));
    assert_eq!(frame_len([0x80, 0, 0, 0], usize::MAX), Err(FrameError::Negative { length: i32::MIN }));
    assert_eq!(frame_len([0xff; 4], usize::MAX), Err(FrameError::Negative { length: -1 }));
}

#[test]
fn a_newer_api_versions_request_keeps_what_the_answer_needs() {
    let mut frame = frame_of(4, &api_versions::Request::default());
    frame[3] = 9;
    let error = error_of(&frame);
    assert_eq!(error.reason, RequestErrorReason::UnsupportedVersion);
    assert_eq!((error.api_key, error.api_version, error.correlation_id), (Some(18), Some(9), Some(41)));
    assert_eq!(error.to_string(), "unsupported version (API 18 version 9 correlation id 41)");
}

#[test]
fn an_unknown_api_keeps_its_number() {
    let mut frame = frame_of(12, &metadata::Request::default());
    frame[1] = 99;
    let error = error_of(&frame);
    assert_eq!((error.reason, error.api_key), (RequestErrorReason::UnknownApi, Some(99)));
}

#[test]
fn versions_on_both_sides_of_the_range_are_unsupported() {
    for version in [i16::MIN, -1, 0, 1, 2, 14, i16::MAX] {
        let mut frame = vec![0, 0];
        frame.extend(version.to_be_bytes());
        frame.extend([0, 0, 0, 1, 0xff, 0xff]);
        assert_eq!(error_of(&frame).reason, RequestErrorReason::UnsupportedVersion, "Produce {version}");
    }
}

#[test]
fn half_a_header_keeps_what_there_is() {
    let frame = frame_of(12, &metadata::Request::default());
    let seen = |length| {
        let error = error_of(&frame[..length]);
        assert!(matches!(error.reason, RequestErrorReason::Header(ProtocolError::UnexpectedEnd { .. })));
        (error.api_key, error.api_version, error.correlation_id)
    };
    assert_eq!(seen(0), (None, None, None));
    assert_eq!(seen(2), (Some(3), None, None));
    assert_eq!(seen(7), (Some(3), Some(12), None));
    assert_eq!(seen(8), (Some(3), Some(12), Some(41)));
}

#[test]
fn a_malformed_body_is_told_from_a_malformed_header() {
    let mut frame = frame_of(12, &metadata::Request::default());
    frame.pop();
    let error = error_of(&frame);
    let RequestErrorReason::Body(source) = error.reason else { panic!("{error:?}") };
    assert_eq!(source.to_string(), "tagged fields at 15: needs 1 bytes, 0 are left");
}

#[test]
fn the_client_id_may_be_null_or_any_text() {
    for client_id in [None, Some(""), Some("příběh")] {
        let mut writer = Writer::new();
        encode_request(&mut writer, i32::MIN, client_id, 2, &describe_cluster::Request::default()).unwrap();
        let (header, _) = decode_request(&writer.bytes()[4..]).unwrap();
        let expected = RequestHeader {
            api_key: ApiKey::DescribeCluster,
            api_version: 2,
            correlation_id: i32::MIN,
            client_id,
        };
        assert_eq!(header, expected);
    }
}

#[test]
fn the_body_can_be_decoded_after_a_look_at_the_header() {
    let frame = frame_of(12, &metadata::Request::default());
    let (header, body) = RequestHeader::decode(&frame).unwrap();
    assert_eq!(header.api_version, 12);
    let request = ottla_protocol::decode_body(&header, body).unwrap();
    assert_eq!(request, Request::Metadata(metadata::Request::default()));
}

#[test]
fn unknown_tagged_fields_of_the_header_are_stepped_over() {
    let mut frame = frame_of(12, &metadata::Request::default());
    assert_eq!(frame[11], 0, "no tagged fields yet");
    frame.splice(11..12, [2, 7, 1, 0xaa, 9, 0]);
    let (_, request) = decode_request(&frame).unwrap();
    assert_eq!(request, Request::Metadata(metadata::Request::default()));
}

#[test]
fn bytes_after_a_request_are_ignored_as_in_kafka() {
    let mut frame = frame_of(12, &metadata::Request::default());
    frame.extend([1, 2, 3]);
    assert!(decode_request(&frame).is_ok());
}

#[test]
fn the_response_header_of_api_versions_is_never_flexible() {
    let mut writer = Writer::new();
    encode_response(&mut writer, 7, 3, &api_versions::Response::default()).unwrap();
    assert_eq!(writer.bytes(), [0, 0, 0, 12, 0, 0, 0, 7, 0, 0, 1, 0, 0, 0, 0, 0]);
    writer.clear();
    encode_response(&mut writer, 7, 12, &metadata::Response::default()).unwrap();
    assert_eq!(writer.bytes()[4..9], [0, 0, 0, 7, 0], "correlation id and no tagged fields");
    let (header, response) = decode_response::<metadata::Response<'_>>(&writer.bytes()[4..], 12).unwrap();
    assert_eq!((header.correlation_id, response), (7, metadata::Response::default()));
}

#[test]
fn the_version_5_request_names_cluster_and_node() {
    let request = api_versions::Request {
        client_software_name: "a",
        client_software_version: "b",
        cluster_id: Some("c"),
        node_id: 1,
    };
    let frame = frame_of(5, &request);
    assert_eq!(frame[12..], [2, b'a', 2, b'b', 2, b'c', 0, 0, 0, 1, 0]);
    assert_eq!(decode_request(&frame).unwrap().1, Request::ApiVersions(request));
}

#[test]
fn a_version_that_is_not_spoken_is_neither_encoded_nor_decoded() {
    let mut writer = Writer::new();
    let (api_key, version) = (ApiKey::Fetch, 3);
    let encoded = encode_response(&mut writer, 0, version, &fetch::Response::default());
    assert_eq!(encoded, Err(EncodeError::UnsupportedVersion { api_key, version }));
    assert!(writer.is_empty());
    let decoded = decode_response::<fetch::Response<'_>>(&[0; 64], version);
    assert_eq!(decoded, Err(ProtocolError::UnsupportedVersion { api_key, version }));
}

#[test]
fn a_request_that_would_mean_something_else_is_not_sent() {
    let fails = |version, request: &dyn Fn(&mut Writer) -> Result<(), EncodeError>, field| {
        let mut writer = Writer::new();
        let before = metadata::Request::default();
        encode_request(&mut writer, 0, None, 4, &before).unwrap();
        let length = writer.bytes().len();
        assert_eq!(request(&mut writer), Err(EncodeError::UnsupportedField { field, version }));
        assert_eq!(writer.bytes().len(), length, "the frame before stays, of the failed one nothing");
        encode_request(&mut writer, 0, None, 4, &before).unwrap();
    };
    let no_creation = metadata::Request { allow_auto_topic_creation: false, ..Default::default() };
    let send = |writer: &mut Writer| encode_request(writer, 1, None, 3, &no_creation);
    fails(3, &send, "allow_auto_topic_creation");
    let no_topics = metadata::Request { topics: Some(List::empty()), ..Default::default() };
    let send = |writer: &mut Writer| encode_request(writer, 1, None, 0, &no_topics);
    fails(0, &send, "topics");
    let committed = list_offsets::Request {
        isolation_level: ottla_protocol::api::IsolationLevel::ReadCommitted,
        ..Default::default()
    };
    let send = |writer: &mut Writer| encode_request(writer, 1, None, 1, &committed);
    fails(1, &send, "isolation_level");
}

#[test]
fn what_a_version_cannot_hold_is_an_error() {
    let mut writer = Writer::new();
    let by_id = [metadata::MetadataRequestTopic::default()];
    let request = metadata::Request { topics: Some(List::from(&by_id)), ..Default::default() };
    let error = encode_request(&mut writer, 0, None, 9, &request);
    assert_eq!(error, Err(EncodeError::UnexpectedNull { field: "name" }));
    let long = "k".repeat(32_768);
    for version in [1, 12] {
        let topics = [metadata::MetadataRequestTopic { name: Some(&long), ..Default::default() }];
        let request = metadata::Request { topics: Some(List::from(&topics)), ..Default::default() };
        let error = encode_request(&mut writer, 0, None, version, &request);
        assert_eq!(error, Err(EncodeError::TooLong { length: 32_768, limit: 32_767 }));
    }
    assert!(writer.is_empty());
}

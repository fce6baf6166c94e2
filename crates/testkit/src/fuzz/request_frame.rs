use ottla_protocol::wire::Writer;
use ottla_protocol::{ApiKey, Request, decode_request, encode_message, frame_len};

/// A frame that a client sent: it is refused, or what is read and written again reads the same.
pub fn request_frame(data: &[u8]) {
    if let Some(prefix) = data.first_chunk::<4>() {
        let _ = frame_len(*prefix, 1 << 20);
    }
    let Ok((header, request)) = decode_request(data) else { return };
    let version = header.api_version;
    let mut writer = Writer::new();
    if write(&mut writer, version, &request).is_ok() {
        let frame = frame(header.api_key, version, header.correlation_id, writer.bytes());
        let (again, same) = decode_request(&frame).expect("what was written is read");
        assert_eq!((again.api_key, again.api_version), (header.api_key, version));
        assert_eq!(same, request);
    }
}

fn frame(api_key: ApiKey, version: i16, correlation_id: i32, body: &[u8]) -> Vec<u8> {
    let mut frame = Vec::new();
    frame.extend_from_slice(&api_key.code().to_be_bytes());
    frame.extend_from_slice(&version.to_be_bytes());
    frame.extend_from_slice(&correlation_id.to_be_bytes());
    frame.extend_from_slice(&(-1_i16).to_be_bytes());
    if api_key.request_header_version(version) == 2 {
        frame.push(0);
    }
    frame.extend_from_slice(body);
    frame
}

fn write(
    writer: &mut Writer,
    version: i16,
    request: &Request<'_>,
) -> Result<(), ottla_protocol::EncodeError> {
    match request {
        Request::Produce(request) => encode_message(writer, version, request),
        Request::Fetch(request) => encode_message(writer, version, request),
        Request::ListOffsets(request) => encode_message(writer, version, request),
        Request::Metadata(request) => encode_message(writer, version, request),
        Request::ApiVersions(request) => encode_message(writer, version, request),
        Request::CreateTopics(request) => encode_message(writer, version, request),
        Request::DeleteTopics(request) => encode_message(writer, version, request),
        Request::DeleteRecords(request) => encode_message(writer, version, request),
        Request::InitProducerId(request) => encode_message(writer, version, request),
        Request::OffsetForLeaderEpoch(request) => encode_message(writer, version, request),
        Request::DescribeConfigs(request) => encode_message(writer, version, request),
        Request::CreatePartitions(request) => encode_message(writer, version, request),
        Request::AlterConfigs(request) => encode_message(writer, version, request),
        Request::IncrementalAlterConfigs(request) => encode_message(writer, version, request),
        Request::DescribeCluster(request) => encode_message(writer, version, request),
        other => panic!("no arm for {other:?}: add it"),
    }
}

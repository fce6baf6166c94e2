//! Fetching several partitions of one topic at once.

use ottla_protocol::api::fetch::{FetchPartition, FetchTopic, Records, Request, Response};
use ottla_protocol::wire::{List, Writer};
use ottla_protocol::{EncodeError, ErrorCode, ProtocolError, decode_response, encode_request};

/// Version 13 names topics by id alone.
pub const NEWEST: i16 = 12;

/// What is the same in every fetch of a consumer.
#[derive(Clone, Copy, Debug)]
pub struct FetchAsk<'a> {
    /// The version to speak.
    pub version: i16,
    /// What the client calls itself.
    pub client_id: &'a str,
    /// Of which topic.
    pub topic: &'a str,
    /// How many bytes in all, and of each partition.
    pub max_bytes: i32,
    /// How long the broker may wait for the first byte.
    pub max_wait_ms: i32,
}

/// Where to read one partition.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FetchFrom {
    /// Its number.
    pub partition: i32,
    /// The first offset that is wanted.
    pub offset: i64,
}

/// What a broker says of one partition.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PartitionRecords<'a> {
    /// Its number.
    pub partition: i32,
    /// Whether it could be read.
    pub code: ErrorCode,
    /// Where its log ends, for consumers.
    pub high_watermark: i64,
    /// Batches; the last one may be cut.
    pub records: &'a [u8],
}

/// Writes the request into `writer`, after whatever is in it.
///
/// # Errors
/// Where the version cannot carry it.
pub fn encode_fetch(
    writer: &mut Writer,
    ask: FetchAsk<'_>,
    correlation_id: i32,
    from: &[FetchFrom],
) -> Result<(), EncodeError> {
    let partitions: Vec<FetchPartition> = from
        .iter()
        .map(|from| FetchPartition {
            partition: from.partition,
            fetch_offset: from.offset,
            partition_max_bytes: ask.max_bytes,
            ..Default::default()
        })
        .collect();
    let topics =
        [FetchTopic { topic: ask.topic, partitions: List::from(&partitions[..]), ..Default::default() }];
    let request = Request {
        max_wait_ms: ask.max_wait_ms,
        min_bytes: 1,
        max_bytes: ask.max_bytes,
        topics: List::from(&topics),
        ..Default::default()
    };
    encode_request(writer, correlation_id, Some(ask.client_id), ask.version, &request)
}

/// Shows `each` what came of each partition, and returns the request that it answers and the code of the whole.
///
/// # Errors
/// [`ProtocolError`].
pub fn decode_fetch(
    frame: &[u8],
    version: i16,
    mut each: impl FnMut(PartitionRecords<'_>),
) -> Result<(i32, ErrorCode), ProtocolError> {
    let (header, response): (_, Response<'_>) = decode_response(frame, version)?;
    for partition in response.responses.iter().flat_map(|topic| &topic.partitions) {
        let records: &[u8] = match &partition.records {
            Records::Inline(bytes) => bytes,
            _ => &[],
        };
        each(PartitionRecords {
            partition: partition.partition_index,
            code: partition.error_code,
            high_watermark: partition.high_watermark,
            records,
        });
    }
    Ok((header.correlation_id, response.error_code))
}

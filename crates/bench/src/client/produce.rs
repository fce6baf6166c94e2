//! A produce request of one batch, written once and sent with other numbers in it each time.

use std::ops::Range;

use ottla_protocol::api::produce::{PartitionProduceData, Request, Response, TopicProduceData};
use ottla_protocol::wire::{List, Writer};
use ottla_protocol::{EncodeError, ErrorCode, ProtocolError, decode_response, encode_request};

/// Where a request frame has its correlation id: behind its length, the API and the version.
const CORRELATION_ID: Range<usize> = 8..12;
const TIMEOUT_MS: i32 = 30_000;

/// A whole frame, of which the correlation id, the partition and the batch can be changed.
#[derive(Clone, Debug)]
pub struct ProduceFrame {
    bytes: Vec<u8>,
    partition: Range<usize>,
    batch: Range<usize>,
}

impl ProduceFrame {
    /// Version 13 names topics by id alone.
    pub const NEWEST: i16 = 12;

    /// The frame of `batch`, for partition 0.
    ///
    /// # Errors
    /// Where the version cannot carry it.
    pub fn new(
        version: i16,
        client_id: &str,
        topic: &str,
        acks: i16,
        batch: &[u8],
    ) -> Result<Self, EncodeError> {
        let encode =
            |partition: i32, batch: &[u8]| encode(version, client_id, topic, acks, (partition, batch));
        let bytes = encode(0, batch)?;
        let inverted: Vec<u8> = batch.iter().map(|byte| !byte).collect();
        // What differs between two frames is what can be changed.
        let partition = difference(&bytes, &encode(-1, batch)?);
        let batch = difference(&bytes, &encode(0, &inverted)?);
        Ok(ProduceFrame { bytes, partition, batch })
    }

    /// The frame with these numbers and a batch that `change` has had its hands on.
    pub fn next(&mut self, correlation_id: i32, partition: i32, change: impl FnOnce(&mut [u8])) -> &[u8] {
        self.put(CORRELATION_ID, correlation_id);
        self.put(self.partition.clone(), partition);
        change(self.bytes.get_mut(self.batch.clone()).unwrap_or_default());
        &self.bytes
    }

    fn put(&mut self, at: Range<usize>, value: i32) {
        if let Some(field) = self.bytes.get_mut(at).and_then(|field| field.first_chunk_mut()) {
            *field = value.to_be_bytes();
        }
    }
}

fn encode(
    version: i16,
    client_id: &str,
    topic: &str,
    acks: i16,
    (index, batch): (i32, &[u8]),
) -> Result<Vec<u8>, EncodeError> {
    let partition_data = [PartitionProduceData { index, records: Some(batch) }];
    let topic_data =
        [TopicProduceData { name: topic, partition_data: List::from(&partition_data), ..Default::default() }];
    let request =
        Request { acks, timeout_ms: TIMEOUT_MS, topic_data: List::from(&topic_data), ..Default::default() };
    let mut writer = Writer::new();
    encode_request(&mut writer, 0, Some(client_id), version, &request)?;
    Ok(writer.bytes().to_vec())
}

fn difference(a: &[u8], b: &[u8]) -> Range<usize> {
    let differs = || a.iter().zip(b).map(|(a, b)| a != b);
    let first = differs().position(|differs| differs).unwrap_or(0);
    let last = differs().enumerate().rfind(|(_, differs)| *differs);
    first..last.map_or(first, |(last, _)| last + 1)
}

/// What a broker says of one batch.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Produced {
    /// Which request this answers.
    pub correlation_id: i32,
    /// Which partition it is about.
    pub partition: i32,
    /// What became of the batch.
    pub code: ErrorCode,
    /// What the broker says of that.
    pub message: Option<String>,
    /// The offset of its first record.
    pub base_offset: i64,
}

/// Reads the answer to the produce request of one batch; `None` where it is about no partition.
///
/// # Errors
/// [`ProtocolError`].
pub fn decode_produced(frame: &[u8], version: i16) -> Result<Option<Produced>, ProtocolError> {
    let (header, response): (_, Response<'_>) = decode_response(frame, version)?;
    let partition = response.responses.first().and_then(|topic| topic.partition_responses.first());
    Ok(partition.map(|partition| Produced {
        correlation_id: header.correlation_id,
        partition: partition.index,
        code: partition.error_code,
        message: partition.error_message.as_deref().map(str::to_owned),
        base_offset: partition.base_offset,
    }))
}

#[cfg(test)]
mod tests {
    use ottla_protocol::{Request as AnyRequest, decode_request};

    use super::*;

    #[test]
    fn in_every_version_a_frame_carries_the_numbers_that_were_put_into_it() {
        for version in 3..=ProduceFrame::NEWEST {
            for size in [1, 100, 127, 128, 20_000] {
                let batch = vec![7; size];
                let mut frame = ProduceFrame::new(version, "bench", "letters", 1, &batch).unwrap();
                let sent = frame.next(77, 513, |batch| batch.fill(8));
                let (header, request) = decode_request(&sent[LENGTH..]).unwrap();
                let AnyRequest::Produce(request) = request else { panic!("{request:?}") };
                let topic = request.topic_data.iter().next().unwrap();
                let partition = topic.partition_data.iter().next().unwrap();
                assert_eq!((header.correlation_id, request.acks, topic.name), (77, 1, "letters"));
                assert_eq!((partition.index, partition.records), (513, Some(&vec![8; size][..])));
            }
        }
    }

    const LENGTH: usize = ottla_protocol::LENGTH_BYTES;
}

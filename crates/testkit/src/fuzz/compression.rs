use ottla_record::{BatchBuilder, BatchHeader, Compression, Limits, check, decode};

use super::MAX_DECOMPRESSED_BYTES;
use super::seal::{fit_length, seal};

/// The first byte picks a codec. The rest is taken for a compressed payload, and is compressed and read back.
pub fn compression(data: &[u8]) {
    let Some((codec, payload)) = data.split_first() else { return };
    let codec = Compression::ALL[usize::from(*codec) % Compression::ALL.len()];
    inflate_foreign(codec, payload);
    round_trip(codec, payload);
}

/// Bytes that claim to be compressed are refused, or grow to no more than the bound.
fn inflate_foreign(codec: Compression, payload: &[u8]) {
    let mut batch = BatchBuilder::new().compression(codec).build_empty_header();
    batch.extend_from_slice(payload);
    fit_length(&mut batch);
    seal(&mut batch);
    let limits = Limits { max_decompressed_bytes: MAX_DECOMPRESSED_BYTES, ..Limits::default() };
    let accepted = check(&batch, &limits).is_ok();
    let decoded = decode(&batch, MAX_DECOMPRESSED_BYTES);
    let whole = decoded.is_ok_and(|decoded| decoded.records().all(|record| record.is_ok()));
    assert!(whole || !accepted);
}

fn round_trip(codec: Compression, value: &[u8]) {
    let mut builder = BatchBuilder::new().compression(codec);
    builder.push(1, None, Some(value), &[]).expect("one small record");
    builder.push(2, Some(value), None, &[]).expect("one small record");
    let batch = builder.build().expect("two small records");
    let limits = Limits { max_decompressed_bytes: MAX_DECOMPRESSED_BYTES, ..Limits::default() };
    check(&batch, &limits).expect("what was built is accepted");
    let decoded = decode(&batch, MAX_DECOMPRESSED_BYTES).expect("what was built is read");
    let records: Vec<_> = decoded.records().collect::<Result<_, _>>().expect("what was built is read");
    assert_eq!((records[0].value, records[1].key), (Some(value), Some(value)));
}

/// A header that a payload of one record may stand behind.
trait EmptyHeader {
    fn build_empty_header(self) -> Vec<u8>;
}

impl EmptyHeader for BatchBuilder {
    fn build_empty_header(mut self) -> Vec<u8> {
        self.push(0, None, None, &[]).expect("an empty record");
        let mut batch = self.build().expect("an empty record");
        batch.truncate(BatchHeader::LEN);
        batch
    }
}

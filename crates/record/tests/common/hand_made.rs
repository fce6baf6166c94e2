//! Batches and messages made by hand, right in everything but what a test wants wrong.

use ottla_record::{Attributes, BatchBuilder, BatchHeader, Compression, Head};

/// A batch with this header and these bytes after it; length and checksum are made to fit.
pub fn batch(header: BatchHeader, payload: &[u8]) -> Vec<u8> {
    let length = BatchHeader::LEN + payload.len() - 12;
    let header = BatchHeader { batch_length: length as i32, ..header };
    let mut bytes = header.write().to_vec();
    bytes.extend_from_slice(payload);
    with_checksum(bytes)
}

/// The batch with the checksum that its bytes have now.
pub fn with_checksum(mut batch: Vec<u8>) -> Vec<u8> {
    let crc = crc32c::crc32c(&batch[21..]);
    batch[17..21].copy_from_slice(&crc.to_be_bytes());
    batch
}

/// The header of a plain batch of so many records, from a client.
pub fn header(record_count: i32, compression: Compression) -> BatchHeader {
    let builder = BatchBuilder::new();
    let Ok(Head::V2(header)) = Head::parse(&builder.build().unwrap()) else { panic!() };
    BatchHeader {
        record_count,
        last_offset_delta: record_count - 1,
        attributes: Attributes::new(compression),
        base_timestamp_ms: 1_000,
        max_timestamp_ms: 1_000,
        ..header
    }
}

/// A number as Kafka's varints have it, by the definition and not by the code under test.
pub fn varint(value: i64) -> Vec<u8> {
    let mut raw = ((value << 1) ^ (value >> 63)) as u64;
    let mut out = Vec::new();
    loop {
        let byte = (raw & 0x7f) as u8;
        raw >>= 7;
        if raw == 0 {
            out.push(byte);
            return out;
        }
        out.push(byte | 0x80);
    }
}

/// A record with these fields after the attributes; `fields` are put one after the other.
pub fn record(fields: &[&[u8]]) -> Vec<u8> {
    let mut body = vec![0];
    fields.iter().for_each(|field| body.extend_from_slice(field));
    let mut out = varint(body.len() as i64);
    out.extend(body);
    out
}

/// A record with a value of so many zeros and nothing else, at this offset delta.
pub fn record_of_zeros(offset_delta: i64, value_bytes: usize) -> Vec<u8> {
    let value = vec![0; value_bytes];
    record(&[&varint(0), &varint(offset_delta), &varint(-1), &varint(value_bytes as i64), &value, &varint(0)])
}

/// A message of magic 0 or 1.
pub fn message(
    magic: u8,
    attributes: u8,
    offset: i64,
    timestamp_ms: i64,
    key: Option<&[u8]>,
    value: Option<&[u8]>,
) -> Vec<u8> {
    let mut covered = vec![magic, attributes];
    if magic > 0 {
        covered.extend(timestamp_ms.to_be_bytes());
    }
    for field in [key, value] {
        covered.extend(field.map_or(-1, |bytes| bytes.len() as i32).to_be_bytes());
        covered.extend(field.unwrap_or_default());
    }
    let mut crc = flate2::Crc::new();
    crc.update(&covered);
    let mut out = offset.to_be_bytes().to_vec();
    out.extend((covered.len() as i32 + 4).to_be_bytes());
    out.extend(crc.sum().to_be_bytes());
    out.extend(covered);
    out
}

pub fn gzip(bytes: &[u8]) -> Vec<u8> {
    use std::io::Write;
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::best());
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}

pub fn snappy_bare(bytes: &[u8]) -> Vec<u8> {
    snap::raw::Encoder::new().compress_vec(bytes).unwrap()
}

/// The framing of snappy-java around these blocks.
pub fn snappy_framed(blocks: &[&[u8]]) -> Vec<u8> {
    let mut out = b"\x82SNAPPY\0\0\0\0\x01\0\0\0\x01".to_vec();
    for block in blocks {
        out.extend((block.len() as i32).to_be_bytes());
        out.extend_from_slice(block);
    }
    out
}

pub fn lz4(
    bytes: &[u8],
    change: impl FnOnce(lz4_flex::frame::FrameInfo) -> lz4_flex::frame::FrameInfo,
) -> Vec<u8> {
    use lz4_flex::frame::{BlockMode, BlockSize, FrameEncoder, FrameInfo};
    use std::io::Write;
    let info = FrameInfo::new().block_size(BlockSize::Max64KB).block_mode(BlockMode::Independent);
    let mut encoder = FrameEncoder::with_frame_info(change(info), Vec::new());
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}

pub fn zstd(bytes: &[u8]) -> Vec<u8> {
    zstd::bulk::compress(bytes, 3).unwrap()
}

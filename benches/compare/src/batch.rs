//! Ready-made record batches (format v2, uncompressed), all of one size.
//!
//! ```text
//!  0 base offset i64 | 8 length i32 | 12 leader epoch i32 | 16 magic i8 | 17 CRC-32C u32
//! 21 attributes i16 | 23 last offset delta i32 | 27 base timestamp i64 | 35 max timestamp i64
//! 43 producer id i64 | 51 producer epoch i16 | 53 base sequence i32 | 57 record count i32 | 61 records
//! ```

use anyhow::{Result, ensure};

pub const HEADER_LEN: usize = 61;
/// The bytes before the length field counts: base offset and the length itself.
const LENGTH_OVERHEAD: usize = 12;
/// The checksum covers everything from the attributes on.
const CRC_START: usize = 21;

/// One batch and what a load needs to know about it.
#[derive(Clone)]
pub struct Batch {
    pub bytes: Vec<u8>,
    pub record_count: i64,
}

impl Batch {
    /// The largest batch of records with `value_bytes` of value that fits into `batch_bytes`; the last record's value grows
    /// to fill what is left, so that batches of 64 KiB are 65,536 bytes long and fetches cut none.
    pub fn of_size(batch_bytes: usize, value_bytes: usize, timestamp_ms: i64) -> Result<Self> {
        let mut value_lens = Vec::new();
        let mut left = batch_bytes.saturating_sub(HEADER_LEN);
        while record_len(value_lens.len() as i64, value_bytes) <= left {
            left -= record_len(value_lens.len() as i64, value_bytes);
            value_lens.push(value_bytes);
        }
        ensure!(
            !value_lens.is_empty(),
            "a record of {value_bytes} bytes does not fit into {batch_bytes} bytes"
        );
        let last = value_lens.len() - 1;
        let room = left + record_len(last as i64, value_bytes);
        while record_len(last as i64, value_lens[last] + 1) <= room {
            value_lens[last] += 1;
        }
        Ok(Self::of_values(&value_lens, timestamp_ms))
    }

    /// A batch of one record.
    pub fn single(value_bytes: usize, timestamp_ms: i64) -> Self {
        Self::of_values(&[value_bytes], timestamp_ms)
    }

    pub fn size_bytes(&self) -> usize {
        self.bytes.len()
    }

    fn of_values(value_lens: &[usize], timestamp_ms: i64) -> Self {
        let mut bytes = vec![0; HEADER_LEN];
        let mut noise = Noise(0x9e37_79b9_7f4a_7c15);
        for (delta, len) in value_lens.iter().enumerate() {
            push_record(&mut bytes, delta as i64, *len, &mut noise);
        }
        let count = value_lens.len() as i32;
        let length = (bytes.len() - LENGTH_OVERHEAD) as i32;
        bytes[8..12].copy_from_slice(&length.to_be_bytes());
        bytes[12..16].copy_from_slice(&(-1i32).to_be_bytes());
        bytes[16] = 2;
        bytes[23..27].copy_from_slice(&(count - 1).to_be_bytes());
        bytes[27..35].copy_from_slice(&timestamp_ms.to_be_bytes());
        bytes[35..43].copy_from_slice(&timestamp_ms.to_be_bytes());
        bytes[43..51].copy_from_slice(&(-1i64).to_be_bytes());
        bytes[51..53].copy_from_slice(&(-1i16).to_be_bytes());
        bytes[53..57].copy_from_slice(&(-1i32).to_be_bytes());
        bytes[57..61].copy_from_slice(&count.to_be_bytes());
        let crc = crc32c(&bytes[CRC_START..]);
        bytes[17..21].copy_from_slice(&crc.to_be_bytes());
        Self { bytes, record_count: i64::from(count) }
    }
}

/// The head of a stored batch, as far as a server or a load looks at it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Head {
    pub base_offset: i64,
    pub size_bytes: usize,
    pub record_count: i64,
    pub crc: u32,
}

impl Head {
    /// Reads the first 61 bytes; `None` when there are fewer, or when they are no batch of format v2.
    pub fn parse(bytes: &[u8]) -> Option<Self> {
        let head: &[u8; HEADER_LEN] = bytes.first_chunk()?;
        let length = usize::try_from(i32_at(head, 8)).ok()?;
        if head[16] != 2 || length < HEADER_LEN - LENGTH_OVERHEAD {
            return None;
        }
        Some(Self {
            base_offset: i64::from(i32_at(head, 0)) << 32 | i64::from(i32_at(head, 4) as u32),
            size_bytes: length + LENGTH_OVERHEAD,
            record_count: i64::from(i32_at(head, 57)),
            crc: i32_at(head, 17) as u32,
        })
    }

    /// Whether the stored checksum is that of `batch`, which holds the whole batch and nothing else.
    pub fn crc_holds(&self, batch: &[u8]) -> bool {
        batch.len() == self.size_bytes && crc32c(&batch[CRC_START..]) == self.crc
    }
}

fn i32_at(head: &[u8; HEADER_LEN], at: usize) -> i32 {
    i32::from_be_bytes([head[at], head[at + 1], head[at + 2], head[at + 3]])
}

fn crc32c(bytes: &[u8]) -> u32 {
    crc_fast::checksum(crc_fast::CrcAlgorithm::Crc32Iscsi, bytes) as u32
}

/// One record: length, attributes, timestamp delta 0, offset delta, no key, value, no headers.
fn push_record(out: &mut Vec<u8>, offset_delta: i64, value_len: usize, noise: &mut Noise) {
    push_varint(out, record_body_len(offset_delta, value_len) as i64);
    out.push(0);
    push_varint(out, 0);
    push_varint(out, offset_delta);
    push_varint(out, -1);
    push_varint(out, value_len as i64);
    out.extend(noise.take(value_len));
    push_varint(out, 0);
}

fn record_len(offset_delta: i64, value_len: usize) -> usize {
    let body = record_body_len(offset_delta, value_len);
    varint_len(body as i64) + body
}

fn record_body_len(offset_delta: i64, value_len: usize) -> usize {
    // Attributes, timestamp delta, key length and header count take a byte each.
    4 + varint_len(offset_delta) + varint_len(value_len as i64) + value_len
}

fn push_varint(out: &mut Vec<u8>, value: i64) {
    let mut rest = zigzag(value);
    while rest >= 0x80 {
        out.push(rest as u8 | 0x80);
        rest >>= 7;
    }
    out.push(rest as u8);
}

fn varint_len(value: i64) -> usize {
    (64 - (zigzag(value) | 1).leading_zeros() as usize).div_ceil(7)
}

fn zigzag(value: i64) -> u64 {
    ((value << 1) ^ (value >> 63)) as u64
}

/// Bytes that no compression on the way would shrink (xorshift64).
struct Noise(u64);

impl Noise {
    fn take(&mut self, count: usize) -> impl Iterator<Item = u8> + '_ {
        std::iter::repeat_with(|| {
            self.0 ^= self.0 << 13;
            self.0 ^= self.0 >> 7;
            self.0 ^= self.0 << 17;
            (self.0 >> 32) as u8
        })
        .take(count)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_batch_of_64_kib_is_exactly_that_long_and_its_checksum_holds() {
        let batch = Batch::of_size(65_536, 1024, 1_700_000_000_000).unwrap();
        let head = Head::parse(&batch.bytes).unwrap();
        assert_eq!(batch.size_bytes(), 65_536);
        assert_eq!((head.base_offset, head.size_bytes, head.record_count), (0, 65_536, 63));
        assert!(head.crc_holds(&batch.bytes));
    }

    #[test]
    fn a_flipped_bit_is_noticed() {
        let mut batch = Batch::single(100, 0);
        let head = Head::parse(&batch.bytes).unwrap();
        batch.bytes[80] ^= 1;
        assert!(!head.crc_holds(&batch.bytes));
    }

    #[test]
    fn every_size_is_filled_to_within_two_bytes() {
        for size in 200..3000 {
            let batch = Batch::of_size(size, 100, 0).unwrap();
            assert!(batch.size_bytes() <= size && batch.size_bytes() + 2 >= size, "{size}");
        }
    }

    #[test]
    fn varints_are_as_long_as_the_format_says() {
        for (value, len) in [(0, 1), (-1, 1), (63, 1), (64, 2), (-64, 1), (-65, 2), (8191, 2), (8192, 3)] {
            let mut out = Vec::new();
            push_varint(&mut out, value);
            assert_eq!((out.len(), varint_len(value)), (len, len), "{value}");
        }
    }
}

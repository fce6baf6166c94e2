//! Ready-made record batches, all of one size, and the one thing in them that changes: their time.

use crc_fast::{CrcAlgorithm, Digest};
use ottla_record::{BatchBuilder, BatchHeader, Compression, RecordError};

/// The checksum covers everything from the attributes on.
const CRC_START: usize = 21;
/// Attributes, timestamp delta, key length and header count take a byte each.
const FIXED_RECORD_BYTES: usize = 4;
/// Values are text of these letters.
const LETTERS: &[u8; 64] = b"0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ-_";
/// So many letters by chance, and then the same again: every codec finds that, and little more.
const CHANCE_BYTES: usize = 32;

/// What the batches of a load are like.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BatchShape {
    /// The size before compression. 0 stands for one record in each batch.
    pub batch_bytes: usize,
    /// The size of a record's value.
    pub record_bytes: usize,
    /// What the records are compressed with.
    pub compression: Compression,
}

/// One batch, to be sent again and again.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Batch {
    bytes: Vec<u8>,
    record_count: i64,
}

impl Batch {
    /// The largest batch of this shape. The last record's value grows to fill what is left, so that batches of 64 KiB are
    /// 65,536 bytes long.
    ///
    /// ```
    /// use ottla_bench::batch::{Batch, BatchShape};
    /// use ottla_record::Compression;
    /// let shape = BatchShape { batch_bytes: 65_536, record_bytes: 1_024, compression: Compression::None };
    /// let batch = Batch::build(shape, 1_700_000_000_000)?;
    /// assert_eq!((batch.bytes().len(), batch.record_count()), (65_536, 63));
    /// # Ok::<(), ottla_record::RecordError>(())
    /// ```
    ///
    /// # Errors
    /// [`RecordError::DoesNotFit`] where not one record fits.
    pub fn build(shape: BatchShape, timestamp_ms: i64) -> Result<Batch, RecordError> {
        let sizes = value_sizes(shape.batch_bytes, shape.record_bytes);
        if sizes.is_empty() {
            return Err(RecordError::DoesNotFit { what: "one record in a batch of this size" });
        }
        let mut builder = BatchBuilder::new().compression(shape.compression);
        let mut noise = Noise(0x9e37_79b9_7f4a_7c15);
        for size in &sizes {
            builder.push(timestamp_ms, None, Some(&noise.text(*size)), &[])?;
        }
        Ok(Batch { bytes: builder.build()?, record_count: sizes.len() as i64 })
    }

    /// The batch, as it is sent.
    pub fn bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// How many records it holds.
    pub fn record_count(&self) -> i64 {
        self.record_count
    }
}

/// Gives all records of a batch this time. What is too short to be a batch stays as it is.
pub fn stamp(batch: &mut [u8], timestamp_ms: i64) {
    let Some((head, records)) = batch.split_first_chunk_mut::<{ BatchHeader::LEN }>() else { return };
    let mut header = BatchHeader::read(head);
    header.base_timestamp_ms = timestamp_ms;
    header.max_timestamp_ms = timestamp_ms;
    let unsigned = header.write();
    let mut digest = Digest::new(CrcAlgorithm::Crc32Iscsi);
    digest.update(unsigned.get(CRC_START..).unwrap_or_default());
    digest.update(records);
    header.crc = digest.finalize() as u32;
    *head = header.write();
}

/// How long each value is, so that the batch fills `batch_bytes`.
fn value_sizes(batch_bytes: usize, record_bytes: usize) -> Vec<usize> {
    if batch_bytes == 0 {
        return vec![record_bytes];
    }
    let mut sizes = Vec::new();
    let mut left = batch_bytes.saturating_sub(BatchHeader::LEN);
    let mut room = 0;
    while let Some(rest) = left.checked_sub(record_len(sizes.len(), record_bytes)) {
        sizes.push(record_bytes);
        room = left;
        left = rest;
    }
    let delta = sizes.len().saturating_sub(1);
    if let Some(last) = sizes.last_mut() {
        *last += left;
        while record_len(delta, *last) > room {
            *last -= 1;
        }
    }
    sizes
}

fn record_len(offset_delta: usize, value_bytes: usize) -> usize {
    let body = FIXED_RECORD_BYTES + varint_len(offset_delta) + varint_len(value_bytes) + value_bytes;
    varint_len(body) + body
}

/// Seven bits a byte, after zigzag has doubled the value.
fn varint_len(value: usize) -> usize {
    let bits = usize::BITS - ((value << 1) | 1).leading_zeros();
    bits.div_ceil(7) as usize
}

/// xorshift64.
struct Noise(u64);

impl Noise {
    fn text(&mut self, count: usize) -> Vec<u8> {
        let mut text = Vec::with_capacity(count + 2 * CHANCE_BYTES);
        while text.len() < count {
            let from = text.len();
            text.extend(std::iter::repeat_with(|| self.letter()).take(CHANCE_BYTES));
            text.extend_from_within(from..);
        }
        text.truncate(count);
        text
    }

    fn letter(&mut self) -> u8 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        LETTERS.get((self.0 >> 58) as usize).copied().unwrap_or_default()
    }
}

#[cfg(test)]
mod tests {
    use ottla_record::{Limits, check, decode, verify_crc};

    use super::*;

    fn shape(batch_bytes: usize, record_bytes: usize) -> BatchShape {
        BatchShape { batch_bytes, record_bytes, compression: Compression::None }
    }

    #[test]
    fn every_size_is_filled_to_within_two_bytes() {
        for size in 200..3_000 {
            let len = Batch::build(shape(size, 100), 0).unwrap().bytes().len();
            assert!(len <= size && len + 2 >= size, "{size} gave {len}");
        }
    }

    #[test]
    fn a_broker_takes_the_batches_of_every_codec() {
        for compression in Compression::ALL {
            let batch = Batch::build(BatchShape { compression, ..shape(65_536, 1_024) }, 5).unwrap();
            let checked = check(batch.bytes(), &Limits::default()).unwrap();
            assert_eq!(i64::from(checked.header.record_count), batch.record_count());
            let shrinks = batch.bytes().len() < 45_000;
            assert_eq!(shrinks, compression != Compression::None, "{compression} {}", batch.bytes().len());
        }
    }

    #[test]
    fn a_new_stamp_is_the_time_of_every_record_and_its_checksum_holds() {
        let mut bytes = Batch::build(shape(1_000, 100), 5).unwrap().bytes().to_vec();
        stamp(&mut bytes, 1_700_000_000_000);
        verify_crc(&bytes).unwrap();
        let decoded = decode(&bytes, 1 << 20).unwrap();
        assert!(decoded.records().all(|record| record.unwrap().timestamp_ms == 1_700_000_000_000));
    }

    #[test]
    fn a_batch_without_room_for_one_record_is_refused() {
        assert!(Batch::build(shape(100, 100), 0).is_err());
        assert_eq!(Batch::build(shape(0, 100), 0).unwrap().record_count(), 1);
    }
}

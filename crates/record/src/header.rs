//! The 61 bytes before the records of a batch of magic 2: their layout, and how they are read and written.
//!
//! ```text
//!  at  bytes  field                  in the CRC  a log may edit it in place
//!   0    8    base offset                no      yes: the offset that the log gives
//!   8    4    batch length               no      no: counts the bytes after itself
//!  12    4    partition leader epoch     no      yes
//!  16    1    magic (2)                  no      no
//!  17    4    CRC-32C of all that follows no     only to follow the edits below
//!  21    2    attributes                yes      the timestamp type, for log-append time
//!  23    4    last offset delta         yes      no
//!  27    8    base timestamp            yes      no: the records' deltas count from it
//!  35    8    max timestamp             yes      yes: log-append time, or what the records say
//!  43    8    producer id               yes      no
//!  51    2    producer epoch            yes      no
//!  53    4    base sequence             yes      no
//!  57    4    record count              yes      no
//!  61         the records, compressed together as the attributes say
//! ```
//!
//! All numbers are big-endian and signed but for the CRC. Compaction keeps base offset, last offset delta,
//! the producer fields and the base sequence of a batch whose records it removes, so that
//! `last offset delta` may exceed `record count - 1` in a stored batch, never in one from a client.

use crate::{Attributes, Offset, RecordError};

/// Bytes before the part of a batch that its length field counts: base offset and the length itself.
/// The same in every magic.
pub(crate) const LOG_OVERHEAD: usize = LENGTH + 4;

const BASE_OFFSET: usize = 0;
pub(crate) const LENGTH: usize = BASE_OFFSET + 8;
const LEADER_EPOCH: usize = LENGTH + 4;
pub(crate) const MAGIC: usize = LEADER_EPOCH + 4;
const CRC: usize = MAGIC + 1;
/// The CRC covers everything from here to the end of the batch.
pub(crate) const ATTRIBUTES: usize = CRC + 4;
const LAST_OFFSET_DELTA: usize = ATTRIBUTES + 2;
const BASE_TIMESTAMP: usize = LAST_OFFSET_DELTA + 4;
const MAX_TIMESTAMP: usize = BASE_TIMESTAMP + 8;
const PRODUCER_ID: usize = MAX_TIMESTAMP + 8;
const PRODUCER_EPOCH: usize = PRODUCER_ID + 8;
const BASE_SEQUENCE: usize = PRODUCER_EPOCH + 2;
const RECORD_COUNT: usize = BASE_SEQUENCE + 4;
const HEADER_LEN: usize = RECORD_COUNT + 4;

const _: () = assert!(HEADER_LEN == 61 && ATTRIBUTES == 21 && MAGIC == 16);

/// The header of a batch of magic 2, field for field.
///
/// Reading it believes nothing: [`verify_crc`](crate::verify_crc) and [`check`](crate::check) say whether
/// the fields agree with the bytes behind them. (Kafka: `DefaultRecordBatch`, KIP-98.)
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BatchHeader {
    /// Offset of the first record, counted before any was compacted away.
    pub base_offset: Offset,
    /// Bytes after this field, to the end of the batch.
    pub batch_length: i32,
    /// Epoch of the leader that appended the batch; -1 where a client has not been told.
    pub leader_epoch: i32,
    /// CRC-32C from the attributes to the end of the batch.
    pub crc: u32,
    /// Compression, timestamp type and the flags.
    pub attributes: Attributes,
    /// Distance from the base offset to the last offset.
    pub last_offset_delta: i32,
    /// What the records' timestamp deltas count from.
    pub base_timestamp_ms: i64,
    /// The largest timestamp of the records, or the log-append time.
    pub max_timestamp_ms: i64,
    /// The producer's id; -1 for none.
    pub producer_id: i64,
    /// The producer's epoch; -1 for none.
    pub producer_epoch: i16,
    /// Sequence number of the first record; -1 for none.
    pub base_sequence: i32,
    /// Number of records that are still there.
    pub record_count: i32,
}

impl BatchHeader {
    /// Bytes of a header.
    pub const LEN: usize = HEADER_LEN;
    /// The smallest value of the length field: a batch without records.
    pub const MIN_BATCH_LENGTH: i32 = (HEADER_LEN - LOG_OVERHEAD) as i32;

    /// Reads the fields as they stand.
    pub fn read(bytes: &[u8; Self::LEN]) -> BatchHeader {
        BatchHeader {
            base_offset: Offset::new(i64::from_be_bytes(field(bytes, BASE_OFFSET))),
            batch_length: i32::from_be_bytes(field(bytes, LENGTH)),
            leader_epoch: i32::from_be_bytes(field(bytes, LEADER_EPOCH)),
            crc: u32::from_be_bytes(field(bytes, CRC)),
            attributes: attributes(bytes),
            last_offset_delta: i32::from_be_bytes(field(bytes, LAST_OFFSET_DELTA)),
            base_timestamp_ms: i64::from_be_bytes(field(bytes, BASE_TIMESTAMP)),
            max_timestamp_ms: max_timestamp_ms(bytes),
            producer_id: i64::from_be_bytes(field(bytes, PRODUCER_ID)),
            producer_epoch: i16::from_be_bytes(field(bytes, PRODUCER_EPOCH)),
            base_sequence: i32::from_be_bytes(field(bytes, BASE_SEQUENCE)),
            record_count: i32::from_be_bytes(field(bytes, RECORD_COUNT)),
        }
    }

    /// Writes the fields as they stand, the CRC included.
    pub fn write(&self) -> [u8; Self::LEN] {
        let mut bytes = [0; Self::LEN];
        set_base_offset(&mut bytes, self.base_offset);
        put(&mut bytes, LENGTH, self.batch_length.to_be_bytes());
        set_leader_epoch(&mut bytes, self.leader_epoch);
        put(&mut bytes, MAGIC, [2]);
        set_crc(&mut bytes, self.crc);
        set_attributes(&mut bytes, self.attributes);
        put(&mut bytes, LAST_OFFSET_DELTA, self.last_offset_delta.to_be_bytes());
        put(&mut bytes, BASE_TIMESTAMP, self.base_timestamp_ms.to_be_bytes());
        set_max_timestamp_ms(&mut bytes, self.max_timestamp_ms);
        put(&mut bytes, PRODUCER_ID, self.producer_id.to_be_bytes());
        put(&mut bytes, PRODUCER_EPOCH, self.producer_epoch.to_be_bytes());
        put(&mut bytes, BASE_SEQUENCE, self.base_sequence.to_be_bytes());
        put(&mut bytes, RECORD_COUNT, self.record_count.to_be_bytes());
        bytes
    }

    /// Bytes of the whole batch, header included.
    ///
    /// # Errors
    /// [`RecordError::BadLength`] where the length field does not even hold the header.
    pub fn size_bytes(&self) -> Result<usize, RecordError> {
        size_bytes(self.batch_length, Self::MIN_BATCH_LENGTH)
    }

    /// Offset of the last record, counted before any was compacted away.
    pub fn last_offset(&self) -> Offset {
        self.base_offset + i64::from(self.last_offset_delta)
    }

    /// Sequence number of the last record; -1 for none.
    pub fn last_sequence(&self) -> i32 {
        sequence_at(self.base_sequence, self.last_offset_delta)
    }

    /// The time until which the cleaner keeps the tombstones and markers of this batch (KIP-534).
    pub fn delete_horizon_ms(&self) -> Option<i64> {
        self.attributes.has_delete_horizon().then_some(self.base_timestamp_ms)
    }
}

/// The size of a batch from its length field, once the field is at least `minimum`.
pub(crate) fn size_bytes(length: i32, minimum: i32) -> Result<usize, RecordError> {
    match usize::try_from(length) {
        Ok(bytes) if length >= minimum => Ok(LOG_OVERHEAD.saturating_add(bytes)),
        _ => Err(RecordError::BadLength { length, minimum }),
    }
}

/// The sequence number `delta` records after `base_sequence`: -1 without one, and 0 after `i32::MAX`.
pub(crate) fn sequence_at(base_sequence: i32, delta: i32) -> i32 {
    if base_sequence < 0 {
        return -1;
    }
    (base_sequence.wrapping_add(delta)) & i32::MAX
}

pub(crate) fn attributes(bytes: &[u8; HEADER_LEN]) -> Attributes {
    Attributes::from_bits(i16::from_be_bytes(field(bytes, ATTRIBUTES)))
}

pub(crate) fn max_timestamp_ms(bytes: &[u8; HEADER_LEN]) -> i64 {
    i64::from_be_bytes(field(bytes, MAX_TIMESTAMP))
}

pub(crate) fn set_base_offset(bytes: &mut [u8; HEADER_LEN], offset: Offset) {
    put(bytes, BASE_OFFSET, offset.get().to_be_bytes());
}

pub(crate) fn set_leader_epoch(bytes: &mut [u8; HEADER_LEN], epoch: i32) {
    put(bytes, LEADER_EPOCH, epoch.to_be_bytes());
}

pub(crate) fn set_crc(bytes: &mut [u8; HEADER_LEN], crc: u32) {
    put(bytes, CRC, crc.to_be_bytes());
}

pub(crate) fn set_attributes(bytes: &mut [u8; HEADER_LEN], attributes: Attributes) {
    put(bytes, ATTRIBUTES, attributes.get().to_be_bytes());
}

pub(crate) fn set_max_timestamp_ms(bytes: &mut [u8; HEADER_LEN], timestamp_ms: i64) {
    put(bytes, MAX_TIMESTAMP, timestamp_ms.to_be_bytes());
}

/// The part of a header that the CRC covers.
pub(crate) fn covered(bytes: &[u8; HEADER_LEN]) -> &[u8] {
    bytes.split_at(ATTRIBUTES).1
}

// Every `at` is one of the constants above, so that the field is always there and both of these are
// a plain load and a plain store.
fn field<const N: usize>(bytes: &[u8; HEADER_LEN], at: usize) -> [u8; N] {
    let mut value = [0; N];
    if let Some(found) = bytes.get(at..at + N) {
        value.copy_from_slice(found);
    }
    value
}

fn put<const N: usize>(bytes: &mut [u8; HEADER_LEN], at: usize, value: [u8; N]) {
    if let Some(place) = bytes.get_mut(at..at + N) {
        place.copy_from_slice(&value);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_header_reads_back_as_it_was_written() {
        let header = BatchHeader {
            base_offset: Offset::new(0x0102_0304_0506_0708),
            batch_length: 0x1112_1314,
            leader_epoch: 0x2122_2324,
            crc: 0xf1f2_f3f4,
            attributes: Attributes::from_bits(0x3132),
            last_offset_delta: 0x4142_4344,
            base_timestamp_ms: 0x5152_5354_5556_5758,
            max_timestamp_ms: 0x6162_6364_6566_6768,
            producer_id: 0x7172_7374_7576_7778,
            producer_epoch: -2,
            base_sequence: -3,
            record_count: -4,
        };
        let bytes = header.write();
        assert_eq!(BatchHeader::read(&bytes), header);
        assert_eq!(&bytes[..12], [1, 2, 3, 4, 5, 6, 7, 8, 0x11, 0x12, 0x13, 0x14]);
        assert_eq!(bytes[MAGIC], 2);
        assert_eq!(&bytes[57..], [0xff, 0xff, 0xff, 0xfc]);
    }

    #[test]
    fn sequences_wrap_to_zero_after_the_largest() {
        assert_eq!(sequence_at(i32::MAX, 1), 0);
        assert_eq!(sequence_at(i32::MAX - 1, 5), 3);
        assert_eq!(sequence_at(7, 3), 10);
        assert_eq!(sequence_at(-1, 3), -1);
    }

    #[test]
    fn a_length_that_does_not_hold_the_header_is_refused() {
        for length in [i32::MIN, -1, 0, 48] {
            assert_eq!(size_bytes(length, 49), Err(RecordError::BadLength { length, minimum: 49 }));
        }
        assert_eq!(size_bytes(49, 49), Ok(61));
        assert_eq!(size_bytes(i32::MAX, 49), Ok(12 + i32::MAX as usize));
    }
}

//! The bit field that says how a batch is to be read.

use crate::{Compression, RecordError};

/// What the timestamps of a batch mean.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum TimestampType {
    /// Each record carries the time its producer gave it.
    CreateTime,
    /// Every record carries the time at which the log took the batch, kept once in the header.
    LogAppendTime,
}

/// The attributes of a batch of magic 2, or of a legacy message (whose one byte has the same lowest bits).
///
/// | bits | meaning |
/// | --- | --- |
/// | 0–2 | compression |
/// | 3 | timestamp type: 0 create, 1 log append |
/// | 4 | transactional |
/// | 5 | control batch |
/// | 6 | the base timestamp is a delete horizon (KIP-534) |
/// | 7–15 | unused |
///
/// ```
/// use ottla_record::{Attributes, Compression, TimestampType};
/// let attributes = Attributes::new(Compression::Zstd).with_timestamp_type(TimestampType::LogAppendTime);
/// assert_eq!(attributes.get(), 0b1100);
/// assert_eq!(attributes.compression()?, Compression::Zstd);
/// # Ok::<(), ottla_record::RecordError>(())
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[repr(transparent)]
pub struct Attributes(i16);

const COMPRESSION_MASK: i16 = 0b111;
const LOG_APPEND_TIME: i16 = 1 << 3;
const TRANSACTIONAL: i16 = 1 << 4;
const CONTROL: i16 = 1 << 5;
const DELETE_HORIZON: i16 = 1 << 6;

impl Attributes {
    /// Attributes of a plain batch with this compression.
    pub const fn new(compression: Compression) -> Attributes {
        Attributes(compression.id() as i16)
    }

    /// The bits as they stand in a batch.
    pub const fn from_bits(bits: i16) -> Attributes {
        Attributes(bits)
    }

    /// The bits as they stand in a batch.
    pub const fn get(self) -> i16 {
        self.0
    }

    /// The codec of the records.
    ///
    /// # Errors
    /// [`RecordError::UnknownCodec`] for the three ids that Kafka has not given a meaning.
    pub fn compression(self) -> Result<Compression, RecordError> {
        Compression::from_id((self.0 & COMPRESSION_MASK) as u8)
    }

    /// What the timestamps mean.
    pub const fn timestamp_type(self) -> TimestampType {
        if self.0 & LOG_APPEND_TIME == 0 { TimestampType::CreateTime } else { TimestampType::LogAppendTime }
    }

    /// Whether the batch belongs to a transaction.
    pub const fn is_transactional(self) -> bool {
        self.0 & TRANSACTIONAL != 0
    }

    /// Whether the batch holds control records, which no consumer is shown.
    pub const fn is_control(self) -> bool {
        self.0 & CONTROL != 0
    }

    /// Whether the base timestamp is the time until which the cleaner keeps tombstones and markers.
    pub const fn has_delete_horizon(self) -> bool {
        self.0 & DELETE_HORIZON != 0
    }

    /// The same attributes with this timestamp type.
    #[must_use]
    pub const fn with_timestamp_type(self, timestamp_type: TimestampType) -> Attributes {
        self.with(LOG_APPEND_TIME, matches!(timestamp_type, TimestampType::LogAppendTime))
    }

    /// The same attributes, in a transaction or not.
    #[must_use]
    pub const fn with_transactional(self, transactional: bool) -> Attributes {
        self.with(TRANSACTIONAL, transactional)
    }

    /// The same attributes, of a control batch or not.
    #[must_use]
    pub const fn with_control(self, control: bool) -> Attributes {
        self.with(CONTROL, control)
    }

    /// The same attributes, with or without the delete horizon flag.
    #[must_use]
    pub const fn with_delete_horizon(self, delete_horizon: bool) -> Attributes {
        self.with(DELETE_HORIZON, delete_horizon)
    }

    const fn with(self, bit: i16, set: bool) -> Attributes {
        Attributes(if set { self.0 | bit } else { self.0 & !bit })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_flag_has_its_own_bit() {
        let plain = Attributes::new(Compression::Lz4);
        assert_eq!(plain.get(), 3);
        assert_eq!(plain.with_timestamp_type(TimestampType::LogAppendTime).get(), 3 | 8);
        assert_eq!(plain.with_transactional(true).get(), 3 | 16);
        assert_eq!(plain.with_control(true).get(), 3 | 32);
        assert_eq!(plain.with_delete_horizon(true).get(), 3 | 64);
        assert_eq!(plain.with_control(true).with_control(false), plain);
    }

    #[test]
    fn ids_without_a_codec_are_refused() {
        for id in 5..8 {
            let found = Attributes::from_bits(id).compression();
            assert_eq!(found, Err(RecordError::UnknownCodec { id: id as u8 }));
        }
    }

    #[test]
    fn unused_bits_change_nothing() {
        let attributes = Attributes::from_bits(0x7f80 | 2);
        assert_eq!(attributes.compression(), Ok(Compression::Snappy));
        assert!(!attributes.is_control() && !attributes.is_transactional());
        assert_eq!(attributes.timestamp_type(), TimestampType::CreateTime);
    }
}

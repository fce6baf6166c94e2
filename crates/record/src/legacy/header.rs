//! The head of a message of magic 0 or 1.
//!
//! ```text
//!  at  bytes  field              in the CRC
//!   0    8    offset                no      of a compressed set: of its last message
//!   8    4    message size          no      counts the bytes after itself
//!  12    4    CRC-32                no      of all that follows
//!  16    1    magic (0 or 1)       yes
//!  17    1    attributes           yes      compression, and in magic 1 the timestamp type
//!  18    8    timestamp            yes      only in magic 1
//!        4    key length           yes      -1 for null
//!             key                  yes
//!        4    value length         yes      -1 for null
//!             value                yes      of a compressed message: a set of messages
//! ```
//!
//! (Kafka: `LegacyRecord`; magic 1: KIP-32.)

use crate::head::first_bytes;
use crate::header::{self, LOG_OVERHEAD};
use crate::{Attributes, Magic, Offset, RecordError, TimestampType, checksum};

const CRC: usize = LOG_OVERHEAD;
const MAGIC: usize = CRC + 4;
/// The CRC covers everything from here to the end of the message.
pub(crate) const CRC_COVERS_FROM: usize = MAGIC;
const ATTRIBUTES: usize = MAGIC + 1;
const TIMESTAMP: usize = ATTRIBUTES + 1;
const LEN_V0: usize = TIMESTAMP;
const LEN_V1: usize = TIMESTAMP + 8;
const TWO_LENGTHS: usize = 8;

const _: () = assert!(MAGIC == header::MAGIC && LEN_V0 == 18 && LEN_V1 == 26);

/// The head of a message of magic 0 or 1, field for field.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LegacyHeader {
    /// Its offset; that of the last message inside where it is compressed.
    pub offset: Offset,
    /// Bytes after this field, to the end of the message.
    pub message_size: i32,
    /// CRC-32 from the magic to the end of the message.
    pub crc: u32,
    /// Magic 0 or 1.
    pub magic: Magic,
    /// Compression, and in magic 1 the timestamp type.
    pub attributes: Attributes,
    /// The timestamp; the largest of those inside where it is compressed; -1 in magic 0.
    pub timestamp_ms: i64,
}

impl LegacyHeader {
    /// Reads the head that `prefix` begins with, which has this `magic`.
    pub(crate) fn parse(prefix: &[u8], magic: Magic) -> Result<LegacyHeader, RecordError> {
        let bytes = first_bytes::<LEN_V0>(prefix)?;
        let message_size = i32::from_be_bytes(field(bytes, header::LENGTH));
        header::size_bytes(message_size, (head_len(magic) + TWO_LENGTHS - LOG_OVERHEAD) as i32)?;
        let timestamp_ms = match magic {
            Magic::V0 => -1,
            _ => i64::from_be_bytes(field(first_bytes::<LEN_V1>(prefix)?, TIMESTAMP)),
        };
        let [attributes] = field(bytes, ATTRIBUTES);
        Ok(LegacyHeader {
            offset: Offset::new(i64::from_be_bytes(field(bytes, 0))),
            message_size,
            crc: u32::from_be_bytes(field(bytes, CRC)),
            magic,
            attributes: Attributes::from_bits(i16::from(attributes)),
            timestamp_ms,
        })
    }

    /// What the timestamp means; `None` in magic 0, which has none.
    pub fn timestamp_type(&self) -> Option<TimestampType> {
        (self.magic != Magic::V0).then(|| self.attributes.timestamp_type())
    }

    /// Bytes before the key length.
    pub(super) fn len(&self) -> usize {
        head_len(self.magic)
    }
}

fn head_len(magic: Magic) -> usize {
    if magic == Magic::V0 { LEN_V0 } else { LEN_V1 }
}

/// Compares the stored CRC with that of the bytes of one whole message.
pub(crate) fn verify_checksum(header: &LegacyHeader, message: &[u8]) -> Result<(), RecordError> {
    let computed = checksum::crc32(message.get(CRC_COVERS_FROM..).unwrap_or_default());
    if computed != header.crc {
        return Err(RecordError::CrcMismatch { stored: header.crc, computed });
    }
    Ok(())
}

// Every `at` is one of the constants above with the length that goes with it.
fn field<const N: usize, const LEN: usize>(bytes: &[u8; LEN], at: usize) -> [u8; N] {
    let mut value = [0; N];
    if let Some(found) = bytes.get(at..at + N) {
        value.copy_from_slice(found);
    }
    value
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Head;

    fn message(magic: u8, size: i32) -> Vec<u8> {
        let mut bytes = 77i64.to_be_bytes().to_vec();
        bytes.extend(size.to_be_bytes());
        bytes.extend([0xaa, 0xbb, 0xcc, 0xdd, magic, 0b1001]);
        bytes.extend(1_500_000_000_000i64.to_be_bytes());
        bytes
    }

    #[test]
    fn both_heads_are_read() {
        let Ok(Head::Legacy(v1)) = Head::parse(&message(1, 22)) else { panic!() };
        assert_eq!((v1.offset, v1.crc, v1.timestamp_ms), (Offset::new(77), 0xaabb_ccdd, 1_500_000_000_000));
        assert_eq!(v1.timestamp_type(), Some(TimestampType::LogAppendTime));
        let Ok(Head::Legacy(v0)) = Head::parse(&message(0, 14)[..18]) else { panic!() };
        assert_eq!((v0.timestamp_ms, v0.timestamp_type()), (-1, None));
    }

    #[test]
    fn a_size_that_does_not_hold_the_fields_is_refused() {
        assert_eq!(Head::parse(&message(1, 21)), Err(RecordError::BadLength { length: 21, minimum: 22 }));
        assert_eq!(Head::parse(&message(0, 13)), Err(RecordError::BadLength { length: 13, minimum: 14 }));
        assert_eq!(Head::parse(&[0; 61]), Err(RecordError::BadLength { length: 0, minimum: 14 }));
    }

    #[test]
    fn a_cut_head_asks_for_more_bytes() {
        assert_eq!(Head::parse(&message(1, 22)[..16]), Err(RecordError::TooShort { needed: 17, found: 16 }));
        assert_eq!(Head::parse(&message(1, 22)[..17]), Err(RecordError::TooShort { needed: 18, found: 17 }));
        assert_eq!(Head::parse(&message(1, 22)[..25]), Err(RecordError::TooShort { needed: 26, found: 25 }));
    }
}

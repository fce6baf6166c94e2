//! The head of whatever stands next in a log file, without reading or believing the rest of it.

use crate::header::{self, LOG_OVERHEAD};
use crate::{BatchHeader, Compression, LegacyHeader, Offset, RecordError, TimestampType};

/// Bytes that [`Head::parse`] can use: the head of the longest format. Fewer are enough for a short legacy
/// message at the end of a file.
pub const HEAD_PEEK_LEN: usize = BatchHeader::LEN;

/// A message format: the byte that stands at the same place in all of them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Magic {
    /// Messages without timestamps (before Kafka 0.10).
    V0,
    /// Messages with timestamps (Kafka 0.10).
    V1,
    /// Record batches (since Kafka 0.11, KIP-98).
    V2,
}

impl Magic {
    /// The byte.
    pub const fn get(self) -> i8 {
        match self {
            Magic::V0 => 0,
            Magic::V1 => 1,
            Magic::V2 => 2,
        }
    }

    fn from_byte(byte: u8) -> Result<Magic, RecordError> {
        match byte {
            0 => Ok(Magic::V0),
            1 => Ok(Magic::V1),
            2 => Ok(Magic::V2),
            _ => Err(RecordError::UnknownMagic { found: byte as i8 }),
        }
    }
}

/// The fixed head of one stored batch, or of one legacy message.
///
/// ```
/// use ottla_record::{BatchBuilder, HEAD_PEEK_LEN, Head, Offset};
/// let mut builder = BatchBuilder::new().base_offset(Offset::new(40));
/// builder.push(0, None, Some(b"a"), &[])?;
/// builder.push(0, None, Some(b"b"), &[])?;
/// let batch = builder.build()?;
///
/// let head = Head::parse(&batch[..HEAD_PEEK_LEN])?;
/// assert_eq!(head.size_bytes(), batch.len());
/// assert_eq!(head.last_offset(), Offset::new(41));
/// # Ok::<(), ottla_record::RecordError>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Head {
    /// A batch of magic 2.
    V2(BatchHeader),
    /// A message of magic 0 or 1, which may wrap a compressed set of messages.
    Legacy(LegacyHeader),
}

impl Head {
    /// Reads the head that `prefix` begins with; bytes after it do not matter. The length field is checked
    /// to be possible, nothing else.
    ///
    /// # Errors
    /// [`RecordError::TooShort`] where the head needs more bytes, [`RecordError::UnknownMagic`] and
    /// [`RecordError::BadLength`] where no head stands here. Zeros give the last.
    pub fn parse(prefix: &[u8]) -> Result<Head, RecordError> {
        let Some(&magic) = prefix.get(header::MAGIC) else {
            return Err(RecordError::TooShort { needed: header::MAGIC + 1, found: prefix.len() });
        };
        match Magic::from_byte(magic)? {
            Magic::V2 => {
                let header = BatchHeader::read(first_bytes(prefix)?);
                header.size_bytes()?;
                Ok(Head::V2(header))
            }
            legacy => LegacyHeader::parse(prefix, legacy).map(Head::Legacy),
        }
    }

    /// The message format.
    pub fn magic(&self) -> Magic {
        match self {
            Head::V2(_) => Magic::V2,
            Head::Legacy(header) => header.magic,
        }
    }

    /// Bytes of the whole batch or message, from its base offset on.
    pub fn size_bytes(&self) -> usize {
        let length = match self {
            Head::V2(header) => header.batch_length,
            Head::Legacy(header) => header.message_size,
        };
        LOG_OVERHEAD.saturating_add(usize::try_from(length).unwrap_or_default())
    }

    /// The first offset. A legacy message says only its last: the first of a compressed set is known once
    /// it is decompressed.
    pub fn base_offset(&self) -> Offset {
        match self {
            Head::V2(header) => header.base_offset,
            Head::Legacy(header) => header.offset,
        }
    }

    /// The last offset.
    pub fn last_offset(&self) -> Offset {
        match self {
            Head::V2(header) => header.last_offset(),
            Head::Legacy(header) => header.offset,
        }
    }

    /// The largest timestamp by the header; -1 in magic 0, which has none.
    pub fn max_timestamp_ms(&self) -> i64 {
        match self {
            Head::V2(header) => header.max_timestamp_ms,
            Head::Legacy(header) => header.timestamp_ms,
        }
    }

    /// What the timestamps mean; `None` in magic 0, which has none.
    pub fn timestamp_type(&self) -> Option<TimestampType> {
        match self {
            Head::V2(header) => Some(header.attributes.timestamp_type()),
            Head::Legacy(header) => header.timestamp_type(),
        }
    }

    /// The epoch of the leader that appended it; -1 before magic 2.
    pub fn leader_epoch(&self) -> i32 {
        match self {
            Head::V2(header) => header.leader_epoch,
            Head::Legacy(_) => -1,
        }
    }

    /// The producer that numbers its records, if the batch comes from one.
    pub fn producer(&self) -> Option<ProducerStamp> {
        match self {
            Head::V2(header) => ProducerStamp::of(header),
            Head::Legacy(_) => None,
        }
    }

    /// Whether it holds control records.
    pub fn is_control(&self) -> bool {
        matches!(self, Head::V2(header) if header.attributes.is_control())
    }

    /// Whether it belongs to a transaction.
    pub fn is_transactional(&self) -> bool {
        matches!(self, Head::V2(header) if header.attributes.is_transactional())
    }

    /// The codec of the records.
    ///
    /// # Errors
    /// [`RecordError::UnknownCodec`].
    pub fn compression(&self) -> Result<Compression, RecordError> {
        match self {
            Head::V2(header) => header.attributes.compression(),
            Head::Legacy(header) => header.attributes.compression(),
        }
    }
}

/// The first bytes of `prefix` as an array.
pub(crate) fn first_bytes<const N: usize>(prefix: &[u8]) -> Result<&[u8; N], RecordError> {
    prefix.first_chunk().ok_or(RecordError::TooShort { needed: N, found: prefix.len() })
}

/// Who produced a batch, and the sequence numbers of its records (KIP-98).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ProducerStamp {
    /// The id, 0 or more.
    pub producer_id: i64,
    /// The epoch: the larger fences the smaller.
    pub producer_epoch: i16,
    /// Sequence number of the first record; -1 in the markers that the coordinator writes.
    pub base_sequence: i32,
    /// Sequence number of the last record; -1 where the first is. Smaller than the first where the
    /// numbers wrapped from `i32::MAX` to 0.
    pub last_sequence: i32,
    /// Whether the batch belongs to a transaction.
    pub transactional: bool,
}

impl ProducerStamp {
    fn of(header: &BatchHeader) -> Option<ProducerStamp> {
        (header.producer_id >= 0).then(|| ProducerStamp {
            producer_id: header.producer_id,
            producer_epoch: header.producer_epoch,
            base_sequence: header.base_sequence,
            last_sequence: header.last_sequence(),
            transactional: header.attributes.is_transactional(),
        })
    }
}

//! Everything that must hold before a batch from a client is stored.

use std::ops::RangeInclusive;

use crate::compression::{Inflate, Scratch};
use crate::head::Head;
use crate::record::{Framed, RawRecord, frame};
use crate::verify::{split, verify_checksum, verify_size};
use crate::{BatchHeader, Compression, Magic, Offset, RecordError, TimestampType};

/// What a log takes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Limits {
    /// The most bytes of a batch, header included (Kafka: `max.message.bytes`).
    pub max_batch_bytes: usize,
    /// The most bytes of its records after decompression.
    pub max_decompressed_bytes: usize,
    /// The timestamps that records may have, unless the log sets them (Kafka:
    /// `message.timestamp.before.max.ms` and `after.max.ms` around now). -1, no timestamp, is always taken.
    pub timestamps: Option<RangeInclusive<i64>>,
    /// Whether every record needs a key, as in a compacted topic.
    pub require_keys: bool,
}

impl Default for Limits {
    /// Kafka's default size, 16 times of it after decompression, and any timestamps and keys.
    fn default() -> Limits {
        const MAX_MESSAGE_BYTES: usize = 1_048_588;
        Limits {
            max_batch_bytes: MAX_MESSAGE_BYTES,
            max_decompressed_bytes: 16 * MAX_MESSAGE_BYTES,
            timestamps: None,
            require_keys: false,
        }
    }
}

/// What the records of a checked batch say.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Checked {
    /// The header as the client wrote it.
    pub header: BatchHeader,
    /// The largest timestamp of the records, which the header may have wrong; -1 if none has one.
    pub max_timestamp_ms: i64,
    /// The offset of the first record with that timestamp, counted from the header's base offset; the base
    /// offset itself if none has one.
    pub offset_of_max_timestamp: Offset,
}

/// Checks one batch from a client: that it is whole, that its checksum is right, and that its records are
/// as many as the header says, in order, and within `limits`.
///
/// Two things are left to the caller, since coordinators and replicas may do what clients may not: whether
/// the batch may be a control batch, and whether it may come with log-append time already set. In the
/// latter case the one timestamp that counts, the header's, is held against the limits.
///
/// # Memory
/// An uncompressed batch is checked without any allocation. A compressed one goes through a window of 128 KiB
/// that grows only for a block or a record that is larger, to `max_decompressed_bytes` and 128 KiB at most;
/// while it grows, its old bytes are there too. Beside it stands the codec's own state: under 512 KiB, and
/// for zstd a window of at most the larger of 8 MiB and the next power of two above
/// `max_decompressed_bytes`, never above 128 MiB.
///
/// # Errors
/// Every variant of [`RecordError`] but those of the old formats and of the builder.
pub fn check(batch: &[u8], limits: &Limits) -> Result<Checked, RecordError> {
    let opened = Opened::new(batch, limits)?;
    match opened.compression {
        Compression::None => opened.check_plain(limits),
        _ => Scratch::of_this_thread(|scratch| opened.check_compressed(limits, scratch)),
    }
}

/// [`check`] with buffers that the caller keeps, in place of those of the thread.
///
/// # Errors
/// As [`check`].
pub fn check_with(batch: &[u8], limits: &Limits, scratch: &mut Scratch) -> Result<Checked, RecordError> {
    let opened = Opened::new(batch, limits)?;
    match opened.compression {
        Compression::None => opened.check_plain(limits),
        _ => opened.check_compressed(limits, scratch),
    }
}

/// A batch whose header and checksum have been found right.
struct Opened<'a> {
    header: BatchHeader,
    compression: Compression,
    payload: &'a [u8],
}

impl<'a> Opened<'a> {
    fn new(batch: &'a [u8], limits: &Limits) -> Result<Opened<'a>, RecordError> {
        let header = match Head::parse(batch)? {
            Head::V2(header) => header,
            Head::Legacy(header) => return Err(RecordError::OldMagic { magic: header.magic }),
        };
        verify_size(batch.len(), header.size_bytes()?)?;
        if batch.len() > limits.max_batch_bytes {
            return Err(RecordError::TooLarge { found: batch.len(), limit: limits.max_batch_bytes });
        }
        verify_checksum(&header, batch)?;
        verify_counts(&header)?;
        verify_producer(&header)?;
        let compression = header.attributes.compression()?;
        let (_, payload) = split(batch)?;
        Ok(Opened { header, compression, payload })
    }

    fn check_plain(&self, limits: &Limits) -> Result<Checked, RecordError> {
        let mut walk = Walk::new(&self.header, limits);
        let mut left = self.payload;
        while !left.is_empty() {
            walk.ensure_wanted(left.len())?;
            walk.take(&RawRecord::take(&mut left)?)?;
        }
        walk.finish()
    }

    fn check_compressed(&self, limits: &Limits, scratch: &mut Scratch) -> Result<Checked, RecordError> {
        let limit = limits.max_decompressed_bytes;
        // Never by value: zlib-rs frees in its drop what a value passed to a function still borrows (its issue 491).
        let outcome = match Inflate::new(self.compression, Magic::V2, self.payload, limit, scratch) {
            Ok(mut inflate) => self.check_inflated(limits, &mut inflate),
            Err(error) => Err(error),
        };
        scratch.trim();
        outcome
    }

    fn check_inflated(&self, limits: &Limits, inflate: &mut Inflate<'_>) -> Result<Checked, RecordError> {
        let mut walk = Walk::new(&self.header, limits);
        loop {
            let found = inflate.filled();
            let needed = match frame(found)? {
                Framed::Whole { body, rest } => {
                    let size_bytes = found.len() - rest.len();
                    walk.ensure_wanted(found.len())?;
                    walk.take(&RawRecord::read(body)?)?;
                    inflate.consume(size_bytes);
                    continue;
                }
                Framed::Needs { size_bytes } => size_bytes,
            };
            let left = found.len();
            // A record that can never become whole is not waited for.
            if left > 0 && needed > left.saturating_add(inflate.room()) {
                return Err(RecordError::DecompressedTooLarge { limit: limits.max_decompressed_bytes });
            }
            if !inflate.more()? {
                return match left {
                    0 => walk.finish(),
                    _ => Err(RecordError::FieldOverrun { needed, left }),
                };
            }
        }
    }
}

fn verify_counts(header: &BatchHeader) -> Result<(), RecordError> {
    let BatchHeader { record_count, last_offset_delta, .. } = *header;
    if record_count <= 0 || last_offset_delta != record_count - 1 {
        return Err(RecordError::CountMismatch { record_count, last_offset_delta });
    }
    Ok(())
}

/// With a producer id go an epoch and, but in markers, a sequence number; a transaction needs all three.
fn verify_producer(header: &BatchHeader) -> Result<(), RecordError> {
    let BatchHeader { producer_id, producer_epoch, base_sequence, attributes, .. } = *header;
    let good = if producer_id >= 0 {
        producer_epoch >= 0 && (base_sequence >= 0 || attributes.is_control())
    } else {
        !attributes.is_transactional()
    };
    if good { Ok(()) } else { Err(RecordError::BadProducer { producer_id, producer_epoch, base_sequence }) }
}

/// The records of a batch, one after the other.
struct Walk<'a> {
    header: &'a BatchHeader,
    limits: &'a Limits,
    /// Records that were taken, and so the offset delta of the next.
    taken: i32,
    max_timestamp_ms: i64,
    delta_of_max_timestamp: i32,
}

impl<'a> Walk<'a> {
    fn new(header: &'a BatchHeader, limits: &'a Limits) -> Walk<'a> {
        Walk { header, limits, taken: 0, max_timestamp_ms: -1, delta_of_max_timestamp: 0 }
    }

    /// Refuses `left` bytes behind the last record.
    #[inline(always)]
    fn ensure_wanted(&self, left: usize) -> Result<(), RecordError> {
        if self.taken >= self.header.record_count {
            return Err(RecordError::TrailingBytes { count: left });
        }
        Ok(())
    }

    /// Takes the next record.
    #[inline(always)]
    fn take(&mut self, record: &RawRecord<'_>) -> Result<(), RecordError> {
        let index = self.taken;
        if record.offset_delta != index {
            return Err(RecordError::BadOffsetDelta { index, found: record.offset_delta });
        }
        if self.limits.require_keys && record.key.is_none() {
            return Err(RecordError::MissingKey { index });
        }
        self.note_timestamp(index, record.timestamp_delta_ms)?;
        self.taken = index + 1;
        Ok(())
    }

    #[inline(always)]
    fn note_timestamp(&mut self, index: i32, delta_ms: i64) -> Result<(), RecordError> {
        let base_ms = self.header.base_timestamp_ms;
        let timestamp_ms = match self.header.attributes.timestamp_type() {
            TimestampType::LogAppendTime => self.header.max_timestamp_ms,
            TimestampType::CreateTime => {
                base_ms.checked_add(delta_ms).ok_or(RecordError::TimestampOutOfRange {
                    index,
                    timestamp_ms: base_ms.saturating_add(delta_ms),
                })?
            }
        };
        if let Some(range) = &self.limits.timestamps
            && timestamp_ms != -1
            && !range.contains(&timestamp_ms)
        {
            return Err(RecordError::TimestampOutOfRange { index, timestamp_ms });
        }
        if timestamp_ms > self.max_timestamp_ms {
            self.max_timestamp_ms = timestamp_ms;
            self.delta_of_max_timestamp = index;
        }
        Ok(())
    }

    fn finish(self) -> Result<Checked, RecordError> {
        if self.taken < self.header.record_count {
            return Err(RecordError::RecordsMissing {
                record_count: self.header.record_count,
                found: self.taken,
            });
        }
        Ok(Checked {
            header: *self.header,
            max_timestamp_ms: self.max_timestamp_ms,
            offset_of_max_timestamp: self.header.base_offset + i64::from(self.delta_of_max_timestamp),
        })
    }
}

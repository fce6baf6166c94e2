//! What compaction leaves of one stored batch (Kafka's `MemoryRecords.filterTo`).
//!
//! A batch of which everything stays is left byte for byte as it is. Of any other the records that stay are
//! compressed anew with the same codec. Base offset, last offset, producer, sequence, leader epoch and flags
//! are those of the original, so that sequence numbers still count and offsets are never given twice.

use std::ops::Range;

use crate::compression::compress;
use crate::header::{self, LOG_OVERHEAD};
use crate::record::{Framed, frame};
use crate::{
    Attributes, BatchBuilder, BatchHeader, Compression, Decoded, Head, Header, Record, RecordError,
    TimestampType, checksum, decode, varint,
};

/// How one batch is filtered.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct FilterRules {
    /// Keeps the header of a batch of which no record stays.
    pub keep_empty: bool,
    /// Takes out all records without asking.
    pub discard_records: bool,
    /// The time until which tombstones are kept, for a batch that has some and does not say so yet
    /// (KIP-534).
    pub delete_horizon_ms: Option<i64>,
    /// Gives the batch a delete horizon though it holds no tombstones: a marker whose transaction has no
    /// records left.
    pub is_spent_marker: bool,
}

/// What became of a batch.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Filtered {
    /// Records of the original.
    pub records_read: usize,
    /// Those that stayed.
    pub records_kept: usize,
    /// Those of them without a value.
    pub tombstones_kept: usize,
    /// The batch that was written; `None` where nothing of it is left.
    pub kept: Option<Head>,
}

/// Filters batches one after the other, and keeps its buffers in between.
///
/// ```
/// use ottla_record::{BatchBuilder, BatchFilter, FilterRules, decode};
/// let mut builder = BatchBuilder::new();
/// builder.push(10, Some(b"franz"), Some(b"Zurau"), &[])?;
/// builder.push(11, Some(b"ottla"), Some(b"Prague"), &[])?;
/// let batch = builder.build()?;
///
/// let mut left = Vec::new();
/// let mut filter = BatchFilter::default();
/// let filtered = filter.filter(
///     &batch, &FilterRules::default(), 1 << 20, |record| record.key == Some(b"ottla"), &mut left,
/// )?;
/// assert_eq!(filtered.records_kept, 1);
/// let record = decode(&left, 1 << 20)?.records().next().unwrap()?.offset.get();
/// assert_eq!(record, 1);
/// # Ok::<(), ottla_record::RecordError>(())
/// ```
#[derive(Clone, Debug, Default)]
pub struct BatchFilter {
    /// For each of some old messages whether it stays.
    stays: Vec<bool>,
    /// Where the records of a batch that stay stand among all of them, neighbours together.
    runs: Vec<Range<usize>>,
    records: Vec<u8>,
}

/// What the records of a batch say together.
#[derive(Clone, Copy, Debug, Default)]
struct Tally {
    read: usize,
    kept: usize,
    tombstones: usize,
}

impl BatchFilter {
    /// Appends to `out` what is left of the whole stored batch or message `batch`. The checksum is not looked
    /// at: that is [`verify_crc`](crate::verify_crc)'s.
    ///
    /// A message of magic 0 or 1 that loses nothing stays as it is. One that loses some of the messages inside,
    /// and one with a tombstone that needs a delete horizon, becomes a batch of magic 2: the old formats are
    /// never written.
    ///
    /// # Errors
    /// Whatever stands in the way of reading the records; `out` is then as it was.
    pub fn filter(
        &mut self,
        batch: &[u8],
        rules: &FilterRules,
        max_decompressed_bytes: usize,
        keep: impl FnMut(&Record<'_>) -> bool,
        out: &mut Vec<u8>,
    ) -> Result<Filtered, RecordError> {
        let before = out.len();
        let decoded = decode(batch, max_decompressed_bytes)?;
        let tally = self.decide(&decoded, rules, keep)?;
        let written = match decoded.head() {
            Head::V2(header) => self.write_batch(batch, header, &decoded, rules, tally, out),
            Head::Legacy(_) => self.write_legacy(batch, &decoded, rules, tally, out),
        };
        let kept = match written.and_then(|written| written.then(|| head_at(out, before)).transpose()) {
            Ok(kept) => kept,
            Err(e) => {
                out.truncate(before);
                return Err(e);
            }
        };
        Ok(Filtered {
            records_read: tally.read,
            records_kept: tally.kept,
            tombstones_kept: tally.tombstones,
            kept,
        })
    }

    fn decide(
        &mut self,
        decoded: &Decoded<'_>,
        rules: &FilterRules,
        mut keep: impl FnMut(&Record<'_>) -> bool,
    ) -> Result<Tally, RecordError> {
        let mut tally = Tally::default();
        let mut weigh = |record: &Record<'_>| {
            let stays = !rules.discard_records && keep(record);
            tally.read += 1;
            tally.kept += usize::from(stays);
            tally.tombstones += usize::from(stays && record.value.is_none());
            stays
        };
        match decoded.batch_records() {
            Some(records) => {
                self.runs.clear();
                records.for_each_placed(|place, record| {
                    if weigh(record) {
                        add_to_runs(&mut self.runs, place);
                    }
                })?;
            }
            None => {
                self.stays.clear();
                for record in decoded.records() {
                    self.stays.push(weigh(&record?));
                }
            }
        }
        Ok(tally)
    }

    /// Tells whether there is anything left.
    fn write_batch(
        &mut self,
        batch: &[u8],
        header: &BatchHeader,
        decoded: &Decoded<'_>,
        rules: &FilterRules,
        tally: Tally,
        out: &mut Vec<u8>,
    ) -> Result<bool, RecordError> {
        if tally.kept == 0 {
            if rules.keep_empty {
                write_whole(emptied(header), &[], out)?;
            }
            return Ok(rules.keep_empty);
        }
        let needs_horizon = tally.tombstones > 0 || rules.is_spent_marker;
        let new_horizon =
            rules.delete_horizon_ms.filter(|_| needs_horizon && header.delete_horizon_ms().is_none());
        if tally.kept == tally.read && new_horizon.is_none() {
            out.extend_from_slice(batch);
            return Ok(true);
        }
        let horizon = new_horizon.or(header.delete_horizon_ms());
        let rebuilt = self.rebuild(header, decoded.raw_records(), horizon, tally)?;
        write_whole(rebuilt, &self.records, out)?;
        Ok(true)
    }

    /// Puts the records that stay together and returns the header that goes with them.
    fn rebuild(
        &mut self,
        header: &BatchHeader,
        raw: &[u8],
        horizon: Option<i64>,
        tally: Tally,
    ) -> Result<BatchHeader, RecordError> {
        self.records.clear();
        let mut base_timestamp_ms = horizon;
        let mut max_timestamp_ms = -1;
        for run in &self.runs {
            let mut left = raw.get(run.clone()).unwrap_or_default();
            while let Framed::Whole { body, rest } = frame(left)? {
                left = rest;
                let record = Prefix::read(body)?;
                let timestamp_ms = record.timestamp_ms(header);
                let base_ms = *base_timestamp_ms.get_or_insert(timestamp_ms);
                max_timestamp_ms = timestamp_ms.max(max_timestamp_ms);
                // The reader's sum wraps as this difference does.
                record.write(timestamp_ms.wrapping_sub(base_ms), &mut self.records)?;
            }
        }
        let timestamp_type = header.attributes.timestamp_type();
        Ok(BatchHeader {
            attributes: header.attributes.with_delete_horizon(horizon.is_some()),
            base_timestamp_ms: base_timestamp_ms.unwrap_or(-1),
            max_timestamp_ms: match timestamp_type {
                TimestampType::CreateTime => max_timestamp_ms,
                TimestampType::LogAppendTime => header.max_timestamp_ms,
            },
            record_count: i32::try_from(tally.kept)
                .map_err(|_| RecordError::DoesNotFit { what: "the record count" })?,
            ..*header
        })
    }

    fn write_legacy(
        &self,
        batch: &[u8],
        decoded: &Decoded<'_>,
        rules: &FilterRules,
        tally: Tally,
        out: &mut Vec<u8>,
    ) -> Result<bool, RecordError> {
        let head = decoded.head();
        let horizon = rules.delete_horizon_ms.filter(|_| tally.tombstones > 0);
        if tally.kept == tally.read && horizon.is_none() {
            out.extend_from_slice(batch);
            return Ok(true);
        }
        if tally.kept == 0 && !rules.keep_empty {
            return Ok(false);
        }
        let mut stays = decoded.records().zip(&self.stays).filter(|(_, stays)| **stays).peekable();
        let first = stays.peek().and_then(|(record, _)| record.as_ref().ok()).map(|record| record.offset);
        let mut builder = BatchBuilder::new()
            .base_offset(first.unwrap_or(head.last_offset()))
            .compression(head.compression()?);
        if head.timestamp_type() == Some(TimestampType::LogAppendTime) {
            builder = builder.append_time_ms(head.max_timestamp_ms());
        }
        if let Some(horizon) = horizon {
            builder = builder.delete_horizon_ms(horizon);
        }
        for (record, _) in stays {
            let record = record?;
            let headers: Vec<Header<'_>> = record.headers.collect();
            builder.push_at(record.offset, record.timestamp_ms, record.key, record.value, &headers)?;
        }
        out.extend_from_slice(&builder.last_offset(head.last_offset()).build()?);
        Ok(true)
    }
}

fn add_to_runs(runs: &mut Vec<Range<usize>>, place: Range<usize>) {
    match runs.last_mut() {
        Some(last) if last.end == place.start => last.end = place.end,
        _ => runs.push(place),
    }
}

/// The fields of a record that come before those which filtering only copies.
struct Prefix<'a> {
    attributes: u8,
    timestamp_delta_ms: i64,
    offset_delta: i32,
    rest: &'a [u8],
}

impl<'a> Prefix<'a> {
    fn read(body: &'a [u8]) -> Result<Prefix<'a>, RecordError> {
        let (&attributes, mut rest) =
            body.split_first().ok_or(RecordError::FieldOverrun { needed: 1, left: 0 })?;
        let timestamp_delta_ms = varint::take_i64(&mut rest)?;
        let offset_delta = varint::take_i32(&mut rest)?;
        Ok(Prefix { attributes, timestamp_delta_ms, offset_delta, rest })
    }

    fn timestamp_ms(&self, header: &BatchHeader) -> i64 {
        match header.attributes.timestamp_type() {
            TimestampType::CreateTime => header.base_timestamp_ms.wrapping_add(self.timestamp_delta_ms),
            TimestampType::LogAppendTime => header.max_timestamp_ms,
        }
    }

    fn write(&self, timestamp_delta_ms: i64, out: &mut Vec<u8>) -> Result<(), RecordError> {
        let numbers = 1 + varint::len_i64(timestamp_delta_ms) + varint::len_i32(self.offset_delta);
        let length = i32::try_from(numbers.saturating_add(self.rest.len()))
            .map_err(|_| RecordError::DoesNotFit { what: "a record of more than 2 GiB" })?;
        varint::put_i32(out, length);
        out.push(self.attributes);
        varint::put_i64(out, timestamp_delta_ms);
        varint::put_i32(out, self.offset_delta);
        out.extend_from_slice(self.rest);
        Ok(())
    }
}

/// What is left of a batch that only its offsets and its producer are kept for.
fn emptied(header: &BatchHeader) -> BatchHeader {
    let plain = Attributes::new(Compression::None)
        .with_timestamp_type(header.attributes.timestamp_type())
        .with_transactional(header.attributes.is_transactional())
        .with_control(header.attributes.is_control());
    BatchHeader { attributes: plain, base_timestamp_ms: -1, record_count: 0, ..*header }
}

/// Appends the batch of these records, with the length and the checksum that it has then.
fn write_whole(mut header: BatchHeader, records: &[u8], out: &mut Vec<u8>) -> Result<(), RecordError> {
    let start = out.len();
    out.resize(start + BatchHeader::LEN, 0);
    // A codec would make bytes of nothing.
    if !records.is_empty() {
        compress(header.attributes.compression()?, records, out)?;
    }
    header.batch_length = i32::try_from(out.len() - start - LOG_OVERHEAD)
        .map_err(|_| RecordError::DoesNotFit { what: "a batch of more than 2 GiB" })?;
    if let Some((head, payload)) = out.get_mut(start..).and_then(|batch| batch.split_first_chunk_mut()) {
        *head = header.write();
        let crc = checksum::crc32c_of_two(header::covered(head), payload);
        header::set_crc(head, crc);
    }
    Ok(())
}

fn head_at(out: &[u8], start: usize) -> Result<Head, RecordError> {
    Head::parse(out.get(start..).unwrap_or_default())
}

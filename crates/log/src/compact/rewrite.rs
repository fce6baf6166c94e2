//! Step 3: the records of some neighbouring segments that stay, in one new segment (Kafka's
//! `Cleaner.cleanSegments`).

use std::sync::Arc;

use ottla_record::{BatchFilter, BatchHeader, FilterRules, Head, Record};

use super::ahead::Ahead;
use super::cleaned::{CleanedSegment, Finished};
use super::cleaner::{Cleaner, Compacted};
use super::halt::{Pass, unreadable};
use super::map::KeyOffsets;
use super::round::Round;
use super::scan::{self, Batch, Next};
use super::transactions::{Ended, LastBatches, Transactions};
use crate::append::marker_of;
use crate::config::LogConfig;
use crate::error::Result;
use crate::offset::{Offset, Position};
use crate::read::aborted_between;
use crate::segment::Segment;

/// What all segments of a pass are rewritten by.
pub(super) struct Rewrite<'a> {
    pub round: &'a Round<'a>,
    pub keys: &'a KeyOffsets,
    /// The last batch before this offset is kept, if only its header, so that the offset is not forgotten.
    pub first_uncleanable_offset: Offset,
    pub now_ms: i64,
    pub config: Arc<LogConfig>,
    pub transactions: Transactions,
    pub done: Compacted,
}

/// What happens to one batch.
struct Decision {
    rules: FilterRules,
    /// A control batch keeps its record unless all of it goes.
    is_control: bool,
    delete_horizon_ms: Option<i64>,
}

impl Rewrite<'_> {
    /// Writes what is left of `group` beside the log. `end_offset` is where the segment after it begins.
    pub(super) fn group(
        &mut self,
        cleaner: &mut Cleaner,
        group: &[Arc<Segment>],
        end_offset: Offset,
    ) -> Pass<Finished> {
        let last_batches = self.round.last_batches()?;
        let mut ahead = Ahead::new(self.keys, &last_batches, self.first_uncleanable_offset);
        let base_offset = group.first().map_or(end_offset, |first| first.base_offset());
        let home = &self.round.shared.home;
        let buffer_bytes = cleaner.io_buffer_bytes();
        let interval_bytes = self.config.index_interval_bytes;
        let mut output = CleanedSegment::create(home, base_offset, interval_bytes, buffer_bytes)?;
        for (number, segment) in group.iter().enumerate() {
            let next = group.get(number + 1).map_or(end_offset, |next| next.base_offset());
            self.transactions.add(aborted_between(self.round.shared, segment.base_offset(), next)?);
            scan::each_batch(segment, Position::ZERO, buffer_bytes, |batch| {
                self.round.ensure_undisturbed()?;
                self.done.records_read += ahead.arrive(batch.head.base_offset());
                match self.batch(&mut cleaner.filter, segment, &batch, &last_batches, &mut output)? {
                    Went::Unseen => Ok(ahead.behind(segment, next, &batch)?),
                    Went::AsDecided => Ok(Next::Batch),
                }
            })?;
            self.done.records_read += ahead.arrive(next);
        }
        let finished = output.finish()?;
        self.done.segments_read += group.len();
        self.done.segments_written += 1;
        self.done.bytes_written += finished.size_bytes;
        Ok(finished)
    }

    fn batch(
        &mut self,
        filter: &mut BatchFilter,
        segment: &Segment,
        batch: &Batch<'_>,
        last_batches: &LastBatches,
        output: &mut CleanedSegment,
    ) -> Result<Went> {
        self.done.bytes_read += batch.bytes.len() as u64;
        let decision = self.decide(segment, batch, last_batches, output)?;
        if decision.rules.discard_records && !decision.rules.keep_empty {
            if let Head::V2(header) = &batch.head {
                self.done.records_read += u64::try_from(header.record_count).unwrap_or(0);
            }
            return Ok(Went::AsDecided);
        }
        if let Some(fate) = fate_of_all(batch, self.keys, &decision) {
            return self.take_whole(batch, fate, output);
        }
        let (keys, now_ms, without_key) = (self.keys, self.now_ms, &mut self.done.records_without_key);
        let keep = |record: &Record<'_>| {
            let goes_without_key = record.key.is_none() && record.offset < keys.end_offset;
            *without_key += u64::from(goes_without_key && !decision.is_control);
            decision.is_control || stays(record, keys, decision.delete_horizon_ms, now_ms)
        };
        let limit = self.config.max_decompressed_bytes;
        let filtered = filter
            .filter(&batch.bytes, &decision.rules, limit, keep, output.buffer())
            .map_err(|e| unreadable(segment, batch.position, &e))?;
        self.done.records_read += filtered.records_read as u64;
        self.done.records_kept += filtered.records_kept as u64;
        self.done.tombstones_kept += filtered.tombstones_kept as u64;
        self.done.markers_kept += if decision.is_control { filtered.records_kept as u64 } else { 0 };
        filtered.kept.map_or(Ok(()), |head| output.take(&head)).map(|()| Went::AsDecided)
    }

    /// A batch whose records need not be looked at again.
    fn take_whole(&mut self, batch: &Batch<'_>, fate: Fate, output: &mut CleanedSegment) -> Result<Went> {
        let (Fate::Goes { records } | Fate::Stays { records }) = fate;
        self.done.records_read += u64::from(records);
        if let Fate::Goes { .. } = fate {
            return Ok(Went::Unseen);
        }
        self.done.records_kept += u64::from(records);
        output.buffer().extend_from_slice(&batch.bytes);
        output.take(&batch.head).map(|()| Went::AsDecided)
    }

    fn decide(
        &mut self,
        segment: &Segment,
        batch: &Batch<'_>,
        last_batches: &LastBatches,
        output: &mut CleanedSegment,
    ) -> Result<Decision> {
        let is_last_of_pass = batch.head.last_offset() + 1 == self.first_uncleanable_offset;
        let mut rules = FilterRules {
            keep_empty: is_last_of_pass,
            delete_horizon_ms: Some(self.now_ms.saturating_add(self.config.delete_retention_ms)),
            ..FilterRules::default()
        };
        let Head::V2(header) = &batch.head else {
            return Ok(Decision { rules, is_control: false, delete_horizon_ms: None });
        };
        rules.keep_empty |= last_batches.holds(header);
        let is_control = header.attributes.is_control();
        if is_control {
            rules.is_spent_marker = self.is_spent(segment, batch, header, output)?;
            let is_past_horizon = header.delete_horizon_ms().is_some_and(|horizon| horizon <= self.now_ms);
            rules.discard_records = rules.is_spent_marker && is_past_horizon;
        } else {
            rules.discard_records = self.transactions.on_records(header);
        }
        Ok(Decision { rules, is_control, delete_horizon_ms: header.delete_horizon_ms() })
    }

    /// Whether no record is left of the transaction that this marker ends. One whose records go in this pass
    /// is told to the new segment's index: who reads the old files still needs it.
    fn is_spent(
        &mut self,
        segment: &Segment,
        batch: &Batch<'_>,
        header: &BatchHeader,
        output: &mut CleanedSegment,
    ) -> Result<bool> {
        let marker = marker_of(&batch.bytes).map_err(|e| unreadable(segment, batch.position, &e))?;
        // A control record of a kind that ends no transaction is not for us to judge.
        let is_other = marker.is_none() && header.record_count > 0;
        match self.transactions.on_control(header, marker) {
            Ended::Aborted(txn) => output.note_aborted(&txn).map(|()| false),
            Ended::Committed => Ok(false),
            Ended::Nothing => Ok(!is_other),
        }
    }
}

/// What became of a batch.
enum Went {
    /// All of it went, by what the first reading has found.
    Unseen,
    /// What was decided by its records.
    AsDecided,
}

/// What becomes of all records of a batch alike.
#[derive(Clone, Copy)]
enum Fate {
    Stays { records: u32 },
    Goes { records: u32 },
}

/// Where the marks tell it of all records of a batch at once. The first reading has found as many records as
/// the header says, and each of them inside the batch, or there are no marks.
fn fate_of_all(batch: &Batch<'_>, keys: &KeyOffsets, decision: &Decision) -> Option<Fate> {
    let Head::V2(header) = &batch.head else { return None };
    if decision.is_control || decision.rules.discard_records || header.last_offset() >= keys.end_offset {
        return None;
    }
    let records = u32::try_from(header.record_count).ok().filter(|records| *records > 0)?;
    let count = keys.marks.count(header.base_offset, header.last_offset())?;
    if count.replaced == records && !decision.rules.keep_empty {
        return Some(Fate::Goes { records });
    }
    (count.replaced == 0 && count.peculiar == 0).then_some(Fate::Stays { records })
}

/// Whether a record outlives this pass: it is the newest of its key, and has a value or is a tombstone whose
/// time has not come.
fn stays(record: &Record<'_>, keys: &KeyOffsets, delete_horizon_ms: Option<i64>, now_ms: i64) -> bool {
    if record.offset >= keys.end_offset {
        return true;
    }
    let Some(key) = record.key else { return false };
    let is_replaced = keys.marks.is_replaced(record.offset);
    let is_newest = match is_replaced {
        Some(is_replaced) => !is_replaced,
        None => keys.map.get(key).is_none_or(|newest| record.offset >= newest),
    };
    is_newest && (record.value.is_some() || delete_horizon_ms.is_none_or(|horizon| now_ms < horizon))
}

//! Finding an offset by time (Kafka's `UnifiedLog.fetchOffsetByTimestamp`).

use std::ops::ControlFlow;
use std::sync::Arc;

use ottla_record::RecordError;

use crate::dir::FileKind;
use crate::error::{Corruption, Error, Result};
use crate::offset::{Offset, Position, TimestampOffset};
use crate::segment::{HeadWalk, Segment, SegmentFiles, Walked};
use crate::shared::Shared;

/// The first record at or past the start of the log whose timestamp is at or past `timestamp_ms`.
pub(crate) fn first_at_or_after(shared: &Shared, timestamp_ms: i64) -> Result<Option<TimestampOffset>> {
    shared.look(|| find_first(shared, timestamp_ms))
}

fn find_first(shared: &Shared, timestamp_ms: i64) -> Result<Option<TimestampOffset>> {
    shared.ensure_open()?;
    let start = shared.log_start_offset();
    for segment in shared.segments.from(start) {
        // The active segment shows a record a moment before it tells its timestamp.
        if !segment.is_active() && segment.max_timestamp()?.timestamp_ms < timestamp_ms {
            continue;
        }
        if let Some(found) = in_segment(shared, &segment, timestamp_ms, start)? {
            return Ok(Some(found));
        }
    }
    Ok(None)
}

/// The first record that carries the largest timestamp of the log.
pub(crate) fn max_timestamp(shared: &Shared) -> Result<Option<TimestampOffset>> {
    shared.look(|| find_largest(shared))
}

fn find_largest(shared: &Shared) -> Result<Option<TimestampOffset>> {
    shared.ensure_open()?;
    // One and the same start, whatever is deleted meanwhile.
    let start = shared.log_start_offset();
    let segments = shared.segments.from(start);
    let by_index = |segment: &Arc<Segment>| segment.max_timestamp().map(|largest| largest.timestamp_ms);
    let Some((segment, timestamp_ms)) = largest_by(&segments, by_index)? else { return Ok(None) };
    let found = in_segment(shared, &segment, timestamp_ms, start)?;
    if found.is_some() || segment.base_offset() >= start {
        return Ok(found);
    }
    // The record that the index of the first segment speaks of lies below the start.
    let of_those_left = |segment: &Arc<Segment>| match segment.base_offset() < start {
        true => largest_from(shared, segment, start),
        false => by_index(segment),
    };
    let Some((segment, timestamp_ms)) = largest_by(&segments, of_those_left)? else { return Ok(None) };
    in_segment(shared, &segment, timestamp_ms, start)
}

/// The first segment with the largest timestamp. One below zero is none.
fn largest_by(
    segments: &[Arc<Segment>],
    timestamp_ms: impl Fn(&Arc<Segment>) -> Result<i64>,
) -> Result<Option<(Arc<Segment>, i64)>> {
    let mut largest: Option<(Arc<Segment>, i64)> = None;
    for segment in segments {
        let timestamp_ms = timestamp_ms(segment)?;
        if timestamp_ms >= 0 && largest.as_ref().is_none_or(|(_, largest)| timestamp_ms > *largest) {
            largest = Some((segment.clone(), timestamp_ms));
        }
    }
    Ok(largest)
}

/// The largest timestamp of the segment's records from `start` on; -1 where there is none.
fn largest_from(shared: &Shared, segment: &Arc<Segment>, start: Offset) -> Result<i64> {
    let files = segment.files()?;
    let size = segment.size_bytes()?;
    let position = segment.floor_position(&files, start, size)?;
    let mut walk = HeadWalk::new(&*files.log, position, size);
    let mut largest = -1;
    let fail = |e| Error::io("read", shared.home.path(segment.base_offset(), FileKind::Log), e);
    while let Walked::Batch(position, head) = walk.step().map_err(fail)? {
        if head.base_offset() >= start {
            largest = largest.max(head.max_timestamp_ms());
        } else if head.last_offset() >= start {
            let place = Place { segment, files: &files, position, size_bytes: head.size_bytes() };
            place.records(shared, |found| {
                largest = if found.offset >= start { largest.max(found.timestamp_ms) } else { largest };
                ControlFlow::Continue(())
            })?;
        }
    }
    Ok(largest)
}

/// Time index first, then batch heads, then the records of one batch after the other.
fn in_segment(
    shared: &Shared,
    segment: &Arc<Segment>,
    timestamp_ms: i64,
    start: Offset,
) -> Result<Option<TimestampOffset>> {
    let files = segment.files()?;
    let size = segment.size_bytes()?;
    let from = floor_offset(shared, segment, &files, timestamp_ms)?.max(start);
    let position = segment.floor_position(&files, from, size)?;
    let path = || shared.home.path(segment.base_offset(), FileKind::Log);
    let mut walk = HeadWalk::new(&*files.log, position, size);
    while let Walked::Batch(position, head) = walk.step().map_err(|e| Error::io("read", path(), e))? {
        if head.max_timestamp_ms() < timestamp_ms || head.last_offset() < from {
            continue;
        }
        let place = Place { segment, files: &files, position, size_bytes: head.size_bytes() };
        let mut found = None;
        place.records(shared, |record| {
            if record.timestamp_ms < timestamp_ms || record.offset < start {
                return ControlFlow::Continue(());
            }
            found = Some(record);
            ControlFlow::Break(())
        })?;
        if found.is_some() {
            return Ok(found);
        }
    }
    Ok(None)
}

/// Up to the entry below the timestamp no record is newer than that entry, so the search begins behind it.
fn floor_offset(
    shared: &Shared,
    segment: &Arc<Segment>,
    files: &SegmentFiles,
    timestamp_ms: i64,
) -> Result<Offset> {
    let below = files
        .time_index(segment)?
        .around(|entry| entry.timestamp_ms < timestamp_ms)
        .map_err(|e| Error::io("read", shared.home.path(segment.base_offset(), FileKind::TimeIndex), e))?;
    match below.floor {
        Some(entry) if segment.bears_out(files, entry)? => Ok(entry.offset(segment.base_offset())),
        _ => Ok(segment.base_offset()),
    }
}

/// A batch in a segment.
struct Place<'a> {
    segment: &'a Segment,
    files: &'a SegmentFiles,
    position: Position,
    size_bytes: usize,
}

impl Place<'_> {
    /// Shows the time and the offset of each of its records, until told to stop.
    fn records(
        &self,
        shared: &Shared,
        mut visit: impl FnMut(TimestampOffset) -> ControlFlow<()>,
    ) -> Result<()> {
        let path = shared.home.path(self.segment.base_offset(), FileKind::Log);
        let position = u64::from(self.position.get());
        let mut bytes = vec![0; self.size_bytes];
        self.files.log.read_exact_at(&mut bytes, position).map_err(|e| Error::io("read", &path, e))?;
        let damaged = |e: RecordError| Corruption {
            path: path.clone(),
            position: Some(position),
            what: "the batch cannot be decoded",
            expected: "a whole valid batch".to_owned(),
            found: e.to_string(),
            advice: "run `ottla verify` on the partition to see all that is wrong",
        };
        let limit = shared.config.load().max_decompressed_bytes;
        let decoded = ottla_record::decode(&bytes, limit).map_err(damaged)?;
        for record in decoded.records() {
            let record = record.map_err(damaged)?;
            let found = TimestampOffset { timestamp_ms: record.timestamp_ms, offset: record.offset };
            if visit(found).is_break() {
                break;
            }
        }
        Ok(())
    }
}

//! Finding an offset by time (Kafka's `UnifiedLog.fetchOffsetByTimestamp`).

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
    let mut largest: Option<(Arc<Segment>, i64)> = None;
    // One and the same start, whatever is deleted meanwhile.
    let start = shared.log_start_offset();
    for segment in shared.segments.from(start) {
        let timestamp_ms = segment.max_timestamp()?.timestamp_ms;
        if timestamp_ms >= 0 && largest.as_ref().is_none_or(|(_, largest)| timestamp_ms > *largest) {
            largest = Some((segment, timestamp_ms));
        }
    }
    let Some((segment, timestamp_ms)) = largest else { return Ok(None) };
    in_segment(shared, &segment, timestamp_ms, start)
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
        let found = in_batch(shared, segment, &files, position, head.size_bytes(), timestamp_ms, start)?;
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

fn in_batch(
    shared: &Shared,
    segment: &Segment,
    files: &SegmentFiles,
    position: Position,
    size_bytes: usize,
    timestamp_ms: i64,
    start: Offset,
) -> Result<Option<TimestampOffset>> {
    let path = shared.home.path(segment.base_offset(), FileKind::Log);
    let mut bytes = vec![0; size_bytes];
    files
        .log
        .read_exact_at(&mut bytes, u64::from(position.get()))
        .map_err(|e| Error::io("read", &path, e))?;
    let damaged = |e: RecordError| Corruption {
        path: path.clone(),
        position: Some(u64::from(position.get())),
        what: "the batch cannot be decoded",
        expected: "a whole valid batch".to_owned(),
        found: e.to_string(),
        advice: "run `ottla verify` on the partition to see all that is wrong",
    };
    let limit = shared.config.load().max_decompressed_bytes;
    let decoded = ottla_record::decode(&bytes, limit).map_err(damaged)?;
    for record in decoded.records() {
        let record = record.map_err(damaged)?;
        if record.timestamp_ms >= timestamp_ms && record.offset >= start {
            return Ok(Some(TimestampOffset { timestamp_ms: record.timestamp_ms, offset: record.offset }));
        }
    }
    Ok(None)
}

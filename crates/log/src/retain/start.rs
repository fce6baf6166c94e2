//! Moving the start of a log up to what the settings keep.

use std::sync::Arc;
use std::time::Duration;

use super::clock_watch::Wall;
use super::decide;
use super::look::{self, Looked};
use crate::config::LogConfig;
use crate::error::Result;
use crate::offset::Offset;
use crate::producer::ProducerState;
use crate::segment::Segment;
use crate::shared::Shared;

/// Where the log should start so that only what the settings keep remains; `None` where nothing goes. Segments
/// go by age only while the wall clock is steady.
pub(crate) fn new_log_start(
    shared: &Shared,
    wall: Wall,
    looked: &mut Option<Looked>,
) -> Result<Option<Offset>> {
    let config = shared.config.load_full();
    if !config.cleanup_policy.delete || (config.retention_ms.is_none() && config.retention_bytes.is_none()) {
        return Ok(None);
    }
    // Before anything is looked at: what is appended meanwhile lies behind it, and stays.
    let end_offset = shared.log_end_offset();
    let segments = segments(shared)?;
    let surplus = match config.retention_bytes {
        Some(retention_bytes) => decide::surplus(&sizes(&segments)?, retention_bytes),
        None => 0,
    };
    let gone = match config.retention_ms {
        Some(_) if wall == Wall::Steady => surplus + stale(shared, &segments, surplus, looked, &config)?,
        _ => surplus,
    };
    let new_start = match (gone, segments.get(gone)) {
        (0, _) => return Ok(None),
        (_, Some(first_left)) => first_left.base_offset(),
        (_, None) => end_offset,
    };
    Ok(Some(new_start).filter(|start| *start > shared.log_start_offset()))
}

/// The segments, oldest first. An empty active one is left alone.
fn segments(shared: &Shared) -> Result<Vec<Arc<Segment>>> {
    let mut segments = shared.segments.all();
    if let Some(last) = segments.last()
        && last.is_active()
        && last.size_bytes()? == 0
    {
        segments.pop();
    }
    Ok(segments)
}

fn sizes(segments: &[Arc<Segment>]) -> Result<Vec<u64>> {
    segments.iter().map(|segment| segment.size_bytes()).collect()
}

/// How many segments from `first` on are too old. Only those that go are looked at, and the first that stays.
/// One that compaction has left empty goes with what is behind it.
fn stale(
    shared: &Shared,
    segments: &[Arc<Segment>],
    first: usize,
    looked: &mut Option<Looked>,
    config: &LogConfig,
) -> Result<usize> {
    let now_ms = shared.clock.now_ms();
    let mut stale = 0;
    for (index, segment) in segments.iter().skip(first).enumerate() {
        if segment.size_bytes()? == 0 {
            continue;
        }
        if !look::is_too_old(shared, segment, looked, config, now_ms)? {
            break;
        }
        stale = index + 1;
    }
    Ok(stale)
}

/// Moves the start of the log up. Nothing is removed here.
pub(crate) fn advance_start(shared: &Shared, producers: &mut ProducerState, new_start: Offset) {
    if new_start > shared.log_start_offset() {
        producers.truncate_head(new_start);
        shared.set_log_start_offset(new_start);
    }
}

/// When a file that is deleted now goes for good, in the clock's monotonic time.
pub(crate) fn delete_at(shared: &Shared) -> Duration {
    let delay_ms = u64::try_from(shared.config.load().file_delete_delay_ms).unwrap_or(0);
    shared.clock.monotonic().saturating_add(Duration::from_millis(delay_ms))
}

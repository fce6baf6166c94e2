//! Which segments the settings no longer keep: a pure decision over facts about segments.

use std::time::Duration;

use crate::config::LogConfig;
use crate::dir::FileKind;
use crate::error::{Error, Result};
use crate::offset::Offset;
use crate::producer::ProducerState;
use crate::shared::Shared;

/// What is known of a segment, as far as retention depends on it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct SegmentFacts {
    /// The offset after the segment: the next one's base offset, or the end of the log.
    pub end_offset: Offset,
    pub size_bytes: u64,
    /// The largest record timestamp, or the time of the last change where no record carries one.
    pub newest_ms: i64,
}

/// Where the log should start so that only what the settings keep remains; `None` where nothing goes.
pub(crate) fn decide(segments: &[SegmentFacts], config: &LogConfig, now_ms: i64) -> Option<Offset> {
    if !config.cleanup_policy.delete {
        return None;
    }
    let by_time = config.retention_ms.and_then(|retention_ms| {
        let too_old = |segment: &&SegmentFacts| now_ms.saturating_sub(segment.newest_ms) > retention_ms;
        segments.iter().take_while(too_old).last()
    });
    let by_size = config.retention_bytes.and_then(|retention_bytes| {
        let total: u64 = segments.iter().map(|segment| segment.size_bytes).sum();
        let mut surplus = total.saturating_sub(retention_bytes);
        let goes = |segment: &&SegmentFacts| {
            let fits = segment.size_bytes <= surplus && surplus > 0;
            surplus = surplus.saturating_sub(segment.size_bytes);
            fits
        };
        segments.iter().take_while(goes).last()
    });
    by_time.into_iter().chain(by_size).map(|segment| segment.end_offset).max()
}

/// Looks at the segments, oldest first, and decides. An empty active segment is left alone.
pub(crate) fn new_log_start(shared: &Shared) -> Result<Option<Offset>> {
    let config = shared.config.load();
    if !config.cleanup_policy.delete || (config.retention_ms.is_none() && config.retention_bytes.is_none()) {
        return Ok(None);
    }
    let facts = facts(shared)?;
    let new_start = decide(&facts, &config, shared.clock.now_ms());
    Ok(new_start.filter(|start| *start > shared.log_start_offset()))
}

fn facts(shared: &Shared) -> Result<Vec<SegmentFacts>> {
    let segments = shared.segments.all();
    let end_offsets = segments.iter().skip(1).map(|next| next.base_offset()).chain([shared.log_end_offset()]);
    let mut facts = Vec::with_capacity(segments.len());
    for (segment, end_offset) in segments.iter().zip(end_offsets) {
        let size_bytes = segment.size_bytes()?;
        if segment.is_active() && size_bytes == 0 {
            break;
        }
        let newest_ms = match segment.max_timestamp()?.timestamp_ms {
            known if known >= 0 => known,
            _ => modified_ms(shared, segment.base_offset())?,
        };
        facts.push(SegmentFacts { end_offset, size_bytes, newest_ms });
    }
    Ok(facts)
}

fn modified_ms(shared: &Shared, base_offset: Offset) -> Result<i64> {
    let path = shared.home.path(base_offset, FileKind::Log);
    Ok(shared.home.fs.metadata(&path).map_err(|e| Error::io("look at", &path, e))?.modified_ms)
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::CleanupPolicy;

    fn segments() -> Vec<SegmentFacts> {
        let segment =
            |end: i64, newest_ms| SegmentFacts { end_offset: Offset::new(end), size_bytes: 100, newest_ms };
        vec![segment(10, 1_000), segment(20, 2_000), segment(30, 3_000)]
    }

    fn start(config: LogConfig, now_ms: i64) -> Option<i64> {
        decide(&segments(), &config, now_ms).map(Offset::get)
    }

    #[test]
    fn nothing_goes_unless_told() {
        assert_eq!(start(LogConfig::default(), i64::MAX), None);
    }

    #[test]
    fn segments_older_than_retention_ms_go() {
        let config = LogConfig { retention_ms: Some(1_500), ..Default::default() };
        assert_eq!(start(config.clone(), 2_500), None);
        assert_eq!(start(config.clone(), 2_501), Some(10));
        assert_eq!(start(config, 10_000), Some(30));
    }

    #[test]
    fn a_young_segment_keeps_the_older_looking_ones_behind_it() {
        let mut segments = segments();
        segments[0].newest_ms = 9_000;
        let config = LogConfig { retention_ms: Some(1_500), ..Default::default() };
        assert_eq!(decide(&segments, &config, 10_000), None);
    }

    #[test]
    fn the_oldest_segments_go_while_what_remains_is_at_least_retention_bytes() {
        let keep = |bytes| LogConfig { retention_bytes: Some(bytes), ..Default::default() };
        assert_eq!(start(keep(300), 0), None);
        assert_eq!(start(keep(201), 0), None);
        assert_eq!(start(keep(200), 0), Some(10));
        assert_eq!(start(keep(0), 0), Some(30));
    }

    #[test]
    fn a_log_that_is_only_compacted_keeps_its_segments() {
        let config = LogConfig {
            retention_ms: Some(0),
            cleanup_policy: CleanupPolicy { delete: false, compact: true },
            ..Default::default()
        };
        assert_eq!(start(config, i64::MAX), None);
    }
}

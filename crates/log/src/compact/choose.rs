//! Step 1: what of a log can be compacted now, and how much it needs it: pure decisions over facts about
//! segments (Kafka's `LogCleanerManager`).

use crate::config::LogConfig;
use crate::offset::Offset;

/// What is known of a log, as far as the choice depends on it.
#[derive(Clone, Debug)]
pub(crate) struct LogFacts {
    pub log_start_offset: Offset,
    pub log_end_offset: Offset,
    pub last_stable_offset: Offset,
    /// Up to where the log was compacted before.
    pub cleaner_point: Option<Offset>,
    /// The segments that take no more appends, oldest first.
    pub sealed: Vec<SegmentFacts>,
    /// Where the segment begins that takes appends.
    pub active_base_offset: Offset,
}

/// What is known of a segment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct SegmentFacts {
    pub base_offset: Offset,
    pub size_bytes: u64,
    /// The largest timestamp; negative where no record carries one.
    pub largest_timestamp_ms: i64,
    /// The timestamp of the first batch, where it was asked for.
    pub first_timestamp_ms: i64,
}

/// The part of a log that can be compacted now.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Cleanable {
    /// Everything below was compacted before.
    pub first_dirty_offset: Offset,
    /// Nothing from here on may be touched. A segment begins here.
    pub first_uncleanable_offset: Offset,
    pub clean_bytes: u64,
    /// Bytes of the segments between the two.
    pub cleanable_bytes: u64,
    /// Whether a record has stayed uncompacted for as long as the settings allow.
    pub is_overdue: bool,
}

impl Cleanable {
    /// How much of what would be read is new: 0 for nothing, 1 for all.
    pub(crate) fn dirty_ratio(&self) -> f64 {
        let total = self.clean_bytes.saturating_add(self.cleanable_bytes);
        if total == 0 { 0.0 } else { self.cleanable_bytes as f64 / total as f64 }
    }

    /// Whether there is anything to do.
    pub(crate) fn is_dirty(&self) -> bool {
        self.cleanable_bytes > 0 && self.first_dirty_offset < self.first_uncleanable_offset
    }

    /// Whether the settings want it compacted now.
    pub(crate) fn is_due(&self, config: &LogConfig) -> bool {
        self.is_dirty() && (self.is_overdue || self.dirty_ratio() > config.min_cleanable_dirty_ratio)
    }
}

/// Up to where the log is compacted; a mark outside the log tells nothing, and all of it is dirty.
pub(crate) fn first_dirty_offset(facts: &LogFacts) -> Offset {
    let within = facts.log_start_offset..=facts.log_end_offset;
    facts.cleaner_point.filter(|point| within.contains(point)).unwrap_or(facts.log_start_offset)
}

/// What of a log can be compacted now.
pub(crate) fn cleanable(facts: &LogFacts, config: &LogConfig, now_ms: i64) -> Cleanable {
    let first_dirty_offset = first_dirty_offset(facts);
    let first_uncleanable_offset = first_uncleanable_offset(facts, config, first_dirty_offset, now_ms);
    let ends = facts.sealed.iter().skip(1).map(|next| next.base_offset).chain([facts.active_base_offset]);
    let segments = || facts.sealed.iter().zip(ends.clone());
    let is_dirty = |segment: &SegmentFacts, end: Offset| {
        end > first_dirty_offset && segment.base_offset < first_uncleanable_offset
    };
    let dirty = || segments().filter(|(segment, end)| is_dirty(segment, *end)).map(|(segment, _)| segment);
    Cleanable {
        first_dirty_offset,
        first_uncleanable_offset: first_uncleanable_offset.max(first_dirty_offset),
        clean_bytes: facts
            .sealed
            .iter()
            .filter(|segment| segment.base_offset < first_dirty_offset)
            .map(|segment| segment.size_bytes)
            .sum(),
        cleanable_bytes: dirty().map(|segment| segment.size_bytes).sum(),
        is_overdue: is_overdue(dirty(), config, now_ms),
    }
}

/// The base offset of the first segment that may not be touched: the active one, one with a transaction
/// that is not decided, or one with a record that is too young.
fn first_uncleanable_offset(
    facts: &LogFacts,
    config: &LogConfig,
    first_dirty_offset: Offset,
    now_ms: i64,
) -> Offset {
    let unstable = facts
        .sealed
        .iter()
        .rfind(|segment| segment.base_offset <= facts.last_stable_offset)
        .filter(|_| facts.last_stable_offset < facts.active_base_offset);
    let lag_ms = config.min_compaction_lag_ms.max(0);
    let ends = facts.sealed.iter().skip(1).map(|next| next.base_offset).chain([facts.active_base_offset]);
    let young = facts.sealed.iter().zip(ends).find(|(segment, end)| {
        *end > first_dirty_offset && segment.largest_timestamp_ms > now_ms.saturating_sub(lag_ms)
    });
    let young = young.map(|(segment, _)| segment.base_offset).filter(|_| lag_ms > 0);
    let unstable = unstable.map(|segment| segment.base_offset);
    [Some(facts.active_base_offset), unstable, young].into_iter().flatten().min().unwrap_or_default()
}

fn is_overdue<'a>(
    mut dirty: impl Iterator<Item = &'a SegmentFacts>,
    config: &LogConfig,
    now_ms: i64,
) -> bool {
    let latest_ms = now_ms.saturating_sub(config.max_compaction_lag_ms.max(0));
    dirty.any(|segment| segment.first_timestamp_ms > 0 && segment.first_timestamp_ms < latest_ms)
}

/// Which of several logs is compacted first: the one of which the largest part is new.
pub(crate) fn filthiest<T>(candidates: impl IntoIterator<Item = (T, Cleanable)>) -> Option<T> {
    let filthier =
        |one: &(T, Cleanable), other: &(T, Cleanable)| one.1.dirty_ratio().total_cmp(&other.1.dirty_ratio());
    candidates.into_iter().max_by(filthier).map(|(log, _)| log)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn segment(base: i64, largest_timestamp_ms: i64) -> SegmentFacts {
        SegmentFacts {
            base_offset: Offset::new(base),
            size_bytes: 100,
            largest_timestamp_ms,
            first_timestamp_ms: largest_timestamp_ms,
        }
    }

    /// Three sealed segments of ten records, and an active one from 30 on.
    fn facts() -> LogFacts {
        LogFacts {
            log_start_offset: Offset::ZERO,
            log_end_offset: Offset::new(35),
            last_stable_offset: Offset::new(35),
            cleaner_point: None,
            sealed: vec![segment(0, 1_000), segment(10, 2_000), segment(20, 3_000)],
            active_base_offset: Offset::new(30),
        }
    }

    fn range(facts: &LogFacts, config: &LogConfig, now_ms: i64) -> (i64, i64) {
        let found = cleanable(facts, config, now_ms);
        (found.first_dirty_offset.get(), found.first_uncleanable_offset.get())
    }

    #[test]
    fn everything_but_the_active_segment_can_be_compacted() {
        let found = cleanable(&facts(), &LogConfig::default(), 10_000);
        assert_eq!(range(&facts(), &LogConfig::default(), 10_000), (0, 30));
        assert_eq!((found.clean_bytes, found.cleanable_bytes, found.is_overdue), (0, 300, false));
        assert!(found.is_due(&LogConfig::default()));
    }

    #[test]
    fn a_segment_with_an_open_transaction_is_left_alone() {
        let open = LogFacts { last_stable_offset: Offset::new(25), ..facts() };
        assert_eq!(range(&open, &LogConfig::default(), 10_000), (0, 20));
        let open = LogFacts { last_stable_offset: Offset::new(20), ..facts() };
        assert_eq!(range(&open, &LogConfig::default(), 10_000), (0, 20));
        let in_active = LogFacts { last_stable_offset: Offset::new(30), ..facts() };
        assert_eq!(range(&in_active, &LogConfig::default(), 10_000), (0, 30));
    }

    #[test]
    fn young_records_wait_for_min_compaction_lag_ms() {
        let lag = |min_compaction_lag_ms| LogConfig { min_compaction_lag_ms, ..Default::default() };
        assert_eq!(range(&facts(), &lag(500), 2_500), (0, 20));
        assert_eq!(range(&facts(), &lag(500), 2_499), (0, 10));
        assert_eq!(range(&facts(), &lag(500), 3_500), (0, 30));
        // What was compacted before does not count.
        let compacted = LogFacts { cleaner_point: Some(Offset::new(20)), ..facts() };
        assert_eq!(range(&compacted, &lag(100), 0), (20, 20));
        assert!(!cleanable(&compacted, &lag(100), 0).is_dirty());
    }

    #[test]
    fn only_what_is_new_counts_as_dirty() {
        let compacted = LogFacts { cleaner_point: Some(Offset::new(20)), ..facts() };
        let found = cleanable(&compacted, &LogConfig::default(), 10_000);
        assert_eq!((found.clean_bytes, found.cleanable_bytes), (200, 100));
        assert!((found.dirty_ratio() - 1.0 / 3.0).abs() < 1e-9);
        assert!(!found.is_due(&LogConfig::default()));
        let eager = LogConfig { min_cleanable_dirty_ratio: 0.3, ..Default::default() };
        assert!(found.is_due(&eager));
        // A segment of which a part is compacted counts on both sides, as in Kafka.
        let within = LogFacts { cleaner_point: Some(Offset::new(15)), ..facts() };
        let found = cleanable(&within, &LogConfig::default(), 10_000);
        assert_eq!((found.clean_bytes, found.cleanable_bytes), (200, 200));
    }

    #[test]
    fn a_record_that_waited_for_max_compaction_lag_ms_makes_the_log_due() {
        let compacted = LogFacts { cleaner_point: Some(Offset::new(20)), ..facts() };
        let lag = LogConfig { max_compaction_lag_ms: 500, ..Default::default() };
        assert!(!cleanable(&compacted, &lag, 3_500).is_due(&lag));
        assert!(cleanable(&compacted, &lag, 3_501).is_due(&lag));
        let all = LogFacts { cleaner_point: Some(Offset::new(30)), ..facts() };
        assert!(!cleanable(&all, &lag, i64::MAX).is_due(&lag));
    }

    #[test]
    fn a_mark_outside_the_log_is_not_believed() {
        for point in [-1, 4, 36] {
            let wrong = LogFacts {
                cleaner_point: Some(Offset::new(point)),
                log_start_offset: Offset::new(5),
                ..facts()
            };
            assert_eq!(first_dirty_offset(&wrong).get(), 5, "{point}");
        }
        let end = LogFacts { cleaner_point: Some(Offset::new(35)), ..facts() };
        assert_eq!(first_dirty_offset(&end).get(), 35);
        assert!(!cleanable(&end, &LogConfig::default(), 0).is_dirty());
    }

    #[test]
    fn an_empty_log_is_never_dirty() {
        let empty = LogFacts { sealed: Vec::new(), active_base_offset: Offset::ZERO, ..facts() };
        let found = cleanable(&empty, &LogConfig::default(), 0);
        assert!(!found.is_dirty() && found.dirty_ratio() == 0.0);
    }

    #[test]
    fn the_log_of_which_most_is_new_comes_first() {
        let dirty = |point| {
            let facts = LogFacts { cleaner_point: Some(Offset::new(point)), ..facts() };
            cleanable(&facts, &LogConfig::default(), 10_000)
        };
        assert_eq!(filthiest([("a", dirty(20)), ("b", dirty(0)), ("c", dirty(10))]), Some("b"));
        assert_eq!(filthiest::<()>([]), None);
    }
}

use crate::config::LogConfig;
use crate::offset::Offset;

/// What is about to be appended, as far as rolling depends on it.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Incoming {
    pub size_bytes: u64,
    pub last_offset: Offset,
    pub max_timestamp_ms: i64,
    pub now_ms: i64,
}

/// What is known of the active segment, as far as rolling depends on it.
#[derive(Clone, Copy, Debug)]
pub(crate) struct ActiveState {
    pub base_offset: Offset,
    pub size_bytes: u64,
    /// Largest timestamp of the first batch; negative while there is none.
    pub first_timestamp_ms: i64,
    pub created_ms: i64,
    pub index_entries: u32,
    pub time_index_entries: u32,
}

/// Whether a new segment must begin before the incoming bytes (Kafka's `LogSegment.shouldRoll`): the
/// segment would grow past its size, is too old, has a full index, or the offset is too far from its base.
pub(crate) fn should_roll(active: &ActiveState, incoming: &Incoming, config: &LogConfig) -> bool {
    let too_large = active.size_bytes + incoming.size_bytes > u64::from(config.segment_bytes);
    let too_wide = incoming.last_offset - active.base_offset > i64::from(i32::MAX);
    let offset_slots = config.segment_index_bytes / 8;
    // One slot of the time index stays free for the entry that closes the segment.
    let time_slots = (config.segment_index_bytes / 12).saturating_sub(1);
    let index_full = active.index_entries >= offset_slots || active.time_index_entries >= time_slots;
    active.size_bytes > 0
        && (too_large || waited_ms(active, incoming) > config.max_segment_ms() || too_wide || index_full)
}

fn waited_ms(active: &ActiveState, incoming: &Incoming) -> i64 {
    if active.first_timestamp_ms >= 0 {
        incoming.max_timestamp_ms.saturating_sub(active.first_timestamp_ms)
    } else {
        incoming.now_ms.saturating_sub(active.created_ms)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::CleanupPolicy;

    const ACTIVE: ActiveState = ActiveState {
        base_offset: Offset::ZERO,
        size_bytes: 100,
        first_timestamp_ms: 1_000,
        created_ms: 0,
        index_entries: 1,
        time_index_entries: 1,
    };
    const INCOMING: Incoming =
        Incoming { size_bytes: 50, last_offset: Offset::new(9), max_timestamp_ms: 1_001, now_ms: 0 };

    fn config() -> LogConfig {
        LogConfig { segment_bytes: 150, segment_ms: 10, segment_index_bytes: 48, ..Default::default() }
    }

    #[test]
    fn a_segment_takes_bytes_up_to_its_size_and_rolls_one_byte_later() {
        assert!(!should_roll(&ACTIVE, &INCOMING, &config()));
        assert!(should_roll(&ACTIVE, &Incoming { size_bytes: 51, ..INCOMING }, &config()));
    }

    #[test]
    fn an_empty_segment_never_rolls_however_large_the_batch() {
        let empty = ActiveState { size_bytes: 0, ..ACTIVE };
        assert!(!should_roll(&empty, &Incoming { size_bytes: 1_000, ..INCOMING }, &config()));
    }

    #[test]
    fn age_is_measured_in_record_time_from_the_first_batch() {
        assert!(!should_roll(&ACTIVE, &Incoming { max_timestamp_ms: 1_010, ..INCOMING }, &config()));
        assert!(should_roll(&ACTIVE, &Incoming { max_timestamp_ms: 1_011, ..INCOMING }, &config()));
    }

    #[test]
    fn a_record_that_must_be_compacted_soon_does_not_stay_in_the_active_segment() {
        let compact = CleanupPolicy { delete: false, compact: true };
        let lagging = |max_compaction_lag_ms| LogConfig {
            cleanup_policy: compact,
            max_compaction_lag_ms,
            segment_ms: 1_000,
            ..config()
        };
        let later = Incoming { max_timestamp_ms: 1_006, ..INCOMING };
        assert!(should_roll(&ACTIVE, &later, &lagging(5)));
        assert!(!should_roll(&ACTIVE, &later, &lagging(6)));
        let not_compacted = LogConfig { cleanup_policy: LogConfig::default().cleanup_policy, ..lagging(5) };
        assert!(!should_roll(&ACTIVE, &later, &not_compacted));
    }

    #[test]
    fn age_is_measured_by_the_clock_where_records_carry_no_time() {
        let timeless = ActiveState { first_timestamp_ms: -1, created_ms: 5, ..ACTIVE };
        assert!(!should_roll(&timeless, &Incoming { now_ms: 15, ..INCOMING }, &config()));
        assert!(should_roll(&timeless, &Incoming { now_ms: 16, ..INCOMING }, &config()));
    }

    #[test]
    fn a_full_index_rolls_and_the_time_index_keeps_one_slot_free() {
        assert!(should_roll(&ActiveState { index_entries: 6, ..ACTIVE }, &INCOMING, &config()));
        assert!(!should_roll(&ActiveState { time_index_entries: 2, ..ACTIVE }, &INCOMING, &config()));
        assert!(should_roll(&ActiveState { time_index_entries: 3, ..ACTIVE }, &INCOMING, &config()));
    }

    #[test]
    fn an_offset_too_far_from_the_base_rolls() {
        let far = Offset::new(i64::from(i32::MAX));
        assert!(!should_roll(&ACTIVE, &Incoming { last_offset: far, ..INCOMING }, &config()));
        assert!(should_roll(&ACTIVE, &Incoming { last_offset: far + 1, ..INCOMING }, &config()));
    }
}

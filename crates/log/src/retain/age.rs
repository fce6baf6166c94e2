//! When a segment was written, by all that is known of it. Whoever appends may write anything into a
//! timestamp, an index may be damaged, and a file may have been copied; what is not credible does not delete.

use std::ops::Range;

/// Times that are milliseconds since 1970 and mean it: from 2001 to 5138, all that have 13 or 14 digits.
/// Seconds have fewer digits, microseconds and nanoseconds more, and zero is no time at all.
pub(super) const CREDIBLE_MS: Range<i64> = 1_000_000_000_000..100_000_000_000_000;

/// What is known of when the records of a segment were written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Times {
    /// The largest record timestamp; negative where no record carries one.
    pub newest_ms: i64,
    /// The last change of the file.
    pub modified_ms: i64,
    /// Whether nothing is behind the newest batch that could be newer: no damage, and no batch whose own
    /// timestamp is not credible.
    pub newest_is_last: bool,
}

/// The time from which the age of a segment counts; `None` where nothing credible is known, and then it has
/// no age.
///
/// That is the largest record timestamp, as in Kafka, where it is credible: by its digits, and not further
/// in the future than a producer may write (`message.timestamp.after.max.ms`). Else it is the time of the last
/// change of the file, and so it is where something may be newer than the largest timestamp.
pub(super) fn written_ms(times: &Times, after_max_ms: i64, now_ms: i64) -> Option<i64> {
    let latest_ms = now_ms.saturating_add(after_max_ms);
    let by_records = Some(times.newest_ms).filter(|ms| CREDIBLE_MS.contains(ms) && *ms <= latest_ms);
    let by_file = Some(times.modified_ms).filter(|ms| CREDIBLE_MS.contains(ms));
    match by_records {
        Some(_) if times.newest_is_last => by_records,
        _ => by_records.max(by_file),
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const NOW: i64 = 1_700_000_000_000;
    const HOUR: i64 = 3_600_000;
    const YESTERDAY: i64 = NOW - 24 * HOUR;

    fn written(newest_ms: i64, modified_ms: i64, newest_is_last: bool) -> Option<i64> {
        written_ms(&Times { newest_ms, modified_ms, newest_is_last }, HOUR, NOW)
    }

    #[test]
    fn a_credible_timestamp_counts_and_the_file_does_not() {
        for credible in [NOW, NOW - 1, NOW + HOUR, YESTERDAY, CREDIBLE_MS.start] {
            assert_eq!(written(credible, YESTERDAY, true), Some(credible));
            assert_eq!(written(credible, 0, true), Some(credible));
        }
    }

    #[test]
    fn where_the_timestamp_is_not_credible_the_file_counts() {
        for (what, newest_ms) in [
            ("none", -1),
            ("zero", 0),
            ("one", 1),
            ("seconds", NOW / 1_000),
            ("microseconds", NOW * 1_000),
            ("nanoseconds", NOW * 1_000_000),
            ("further in the future than a producer may write", NOW + HOUR + 1),
            ("the largest", i64::MAX),
            ("the smallest", i64::MIN),
        ] {
            assert_eq!(written(newest_ms, YESTERDAY, true), Some(YESTERDAY), "{what}");
            assert_eq!(written(newest_ms, 0, true), None, "{what}, and the file's time was lost");
        }
    }

    #[test]
    fn a_producer_that_may_write_any_future_may_not_write_microseconds() {
        let microseconds = Times { newest_ms: NOW * 1_000, modified_ms: YESTERDAY, newest_is_last: true };
        assert_eq!(written_ms(&microseconds, i64::MAX, NOW), Some(YESTERDAY));
        let next_year = Times { newest_ms: NOW + 365 * 24 * HOUR, ..microseconds };
        assert_eq!(written_ms(&next_year, i64::MAX, NOW), Some(next_year.newest_ms));
    }

    #[test]
    fn what_may_be_newer_is_taken_to_be_as_new_as_the_file() {
        assert_eq!(written(YESTERDAY, NOW, false), Some(NOW));
        assert_eq!(written(NOW, YESTERDAY, false), Some(NOW));
        assert_eq!(written(-1, YESTERDAY, false), Some(YESTERDAY));
        assert_eq!(written(YESTERDAY, 0, false), Some(YESTERDAY));
    }

    proptest! {
        /// Whatever the timestamps, a segment never looks older than all that is credible of it.
        #[test]
        fn no_segment_looks_older_than_what_is_credible(
            newest_ms: i64, modified_ms: i64, newest_is_last: bool, now_ms: i64, after_max_ms in 0..i64::MAX,
        ) {
            let times = Times { newest_ms, modified_ms, newest_is_last };
            match written_ms(&times, after_max_ms, now_ms) {
                None => prop_assert!(!CREDIBLE_MS.contains(&modified_ms)),
                Some(ms) => {
                    prop_assert!(CREDIBLE_MS.contains(&ms));
                    prop_assert!(ms == newest_ms || ms == modified_ms);
                    prop_assert!(newest_is_last || ms >= modified_ms || !CREDIBLE_MS.contains(&modified_ms));
                }
            }
        }
    }
}

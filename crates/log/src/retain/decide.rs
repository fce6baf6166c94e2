//! Which segments go: by size, then by age. Kafka's rules, as far as the facts can be believed.

use super::age::{Times, written_ms};
use crate::config::LogConfig;

/// How many of the oldest segments go so that what remains is still `retention_bytes` or more, or all.
pub(super) fn surplus(sizes_bytes: &[u64], retention_bytes: u64) -> usize {
    let total = sizes_bytes.iter().fold(0_u64, |total, size| total.saturating_add(*size));
    let mut surplus = total.saturating_sub(retention_bytes);
    let goes = |size: &&u64| {
        let fits = **size <= surplus && surplus > 0;
        surplus = surplus.saturating_sub(**size);
        fits
    };
    sizes_bytes.iter().take_while(goes).count()
}

/// Whether a segment is older than the settings keep.
pub(super) fn is_too_old(times: &Times, config: &LogConfig, now_ms: i64) -> bool {
    let written_ms = written_ms(times, config.timestamp_after_max_ms, now_ms);
    match (config.retention_ms, written_ms) {
        (Some(retention_ms), Some(written_ms)) => now_ms.saturating_sub(written_ms) > retention_ms,
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const NOW: i64 = 1_700_000_000_000;

    #[test]
    fn the_oldest_segments_go_while_what_remains_is_at_least_retention_bytes() {
        let goes = |retention_bytes| surplus(&[100, 100, 100], retention_bytes);
        assert_eq!(
            [goes(301), goes(300), goes(201), goes(200), goes(101), goes(100), goes(0)],
            [0, 0, 0, 1, 1, 2, 3]
        );
        assert_eq!(surplus(&[u64::MAX, 1], u64::MAX), 0);
        assert_eq!(surplus(&[], 0), 0);
    }

    #[test]
    fn a_segment_is_too_old_one_millisecond_after_its_time() {
        let config = LogConfig { retention_ms: Some(1_500), ..Default::default() };
        let times = Times { newest_ms: NOW, modified_ms: 0, newest_is_last: true };
        assert!(!is_too_old(&times, &config, NOW + 1_500));
        assert!(is_too_old(&times, &config, NOW + 1_501));
        assert!(!is_too_old(&times, &config, NOW - 1_501), "the clock was set back");
        assert!(!is_too_old(&times, &LogConfig::default(), i64::MAX), "nothing goes unless told");
    }

    #[test]
    fn what_has_no_age_is_never_too_old() {
        let config = LogConfig { retention_ms: Some(0), ..Default::default() };
        assert!(!is_too_old(
            &Times { newest_ms: 0, modified_ms: 0, newest_is_last: true },
            &config,
            i64::MAX
        ));
    }

    proptest! {
        #[test]
        fn what_remains_is_enough_and_one_segment_less_would_not_be(
            sizes in prop::collection::vec(0_u64..1_000, 0..20), retention_bytes in 0_u64..10_000,
        ) {
            let goes = surplus(&sizes, retention_bytes);
            let left = |goes: usize| sizes[goes..].iter().sum::<u64>();
            prop_assert!(goes == 0 || left(goes) >= retention_bytes);
            if goes < sizes.len() && left(goes) > retention_bytes {
                prop_assert!(left(goes + 1) < retention_bytes);
            }
        }
    }
}

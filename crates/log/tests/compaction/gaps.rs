//! Compaction leaves gaps between offsets, which are no damage whatever becomes of the settings.

use ottla::{LogConfig, Offset};

use crate::support::{Partition, config};

/// Compaction leaves gaps between segments. A topic whose policy is changed to `delete` afterwards must not take
/// them for damage when it recovers, and throw away what follows.
#[test]
fn gaps_are_no_damage_after_the_policy_has_changed() {
    let mut partition = Partition::new();
    for value in ["one", "two", "three", "four", "five"] {
        for key in ["felice", "milena"] {
            partition.put(key, value);
        }
    }
    partition.roll();
    partition.compact().unwrap();
    partition.put("julie", "six");
    partition.roll();
    partition.compact().unwrap();
    let before = partition.records();
    partition.config = LogConfig { cleanup_policy: LogConfig::default().cleanup_policy, ..config() };
    partition.kill();
    assert_eq!(partition.records(), before);
    assert!(partition.log.log_end_offset() > Offset::new(11));
}

/// A cut lowers the recovery point below segments with gaps, and they must not be taken for damage.
#[test]
fn gaps_are_no_damage_where_the_log_was_cut_after_the_policy_has_changed() {
    for cut in 9..=12 {
        let mut partition = Partition::new();
        for value in ["one", "two", "three", "four", "five"] {
            for key in ["felice", "milena"] {
                partition.put(key, value);
            }
        }
        partition.roll();
        partition.compact().unwrap();
        partition.put("julie", "six");
        partition.roll();
        partition.config = LogConfig { cleanup_policy: LogConfig::default().cleanup_policy, ..config() };
        partition.kill();
        partition.log.truncate(Offset::new(cut)).unwrap();
        let (before, end) = (partition.records(), partition.log.log_end_offset());
        partition.kill();
        assert_eq!(partition.records(), before, "cut to {cut}");
        assert_eq!(partition.log.log_end_offset(), end, "cut to {cut}");
    }
}

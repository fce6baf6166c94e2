//! The power goes at every change of a pass. Whatever the disk may show then, the log opens, holds the newest
//! value of each key, old segments or new ones and never both, and can be compacted again.

use std::sync::Arc;

use ottla::{LogConfig, Offset};
use ottla_record::BatchBuilder;
use ottla_testkit::{Crash, SimClock, SimFs};

use crate::support::{NOW_MS, Partition, Seen, check_files, cleaner, config, latest, open, records};

/// So many of the crashes worth trying at each change are tried.
const CRASHES: usize = 8;

fn some(crashes: impl Iterator<Item = Crash>, point: u64) -> Vec<Crash> {
    let all: Vec<Crash> = crashes.collect();
    if all.len() <= CRASHES {
        return all;
    }
    let step = all.len() as u64;
    let spread =
        (0..CRASHES as u64).map(|n| all[((n * 7919 + point * 31) * 104_729 % step) as usize].clone());
    [Crash::LoseAll, Crash::KeepAll].into_iter().chain(spread).collect()
}

/// Keys, tombstones, transactions and an idempotent producer, in three groups of segments.
fn fill(partition: &Partition) {
    for value in ["one", "two", "three"] {
        for key in ["felice", "milena", "julie"] {
            partition.put(key, value);
        }
        let builder = BatchBuilder::new().producer(4, 0, value.len() as i32 * 10).transactional(true);
        let _ = partition.log.append(&crate::support::batch(builder, &[("hidden", Some("x"))], NOW_MS));
    }
    partition.end_transaction(4, false);
    partition.put("milena", None);
    let builder = BatchBuilder::new().producer(9, 0, 0);
    partition.put_all(builder, &[("ottla", Some("one")), ("felice", Some("four"))]);
    partition.put("ottla", "two");
    partition.roll();
    partition.log.flush().unwrap();
}

/// Every record that a reader of the old or of the new log may see, and no other.
fn check(fs: &SimFs, config: &LogConfig, before: &[Seen], context: &str) {
    let clock = Arc::new(SimClock::at_ms(NOW_MS));
    let (log, _) = open(fs, &clock, config).unwrap_or_else(|e| panic!("{context}: {e}"));
    let found = records(&log, ottla::Isolation::ReadCommitted);
    assert_eq!(latest(&found), latest(before), "{context}");
    assert!(found.iter().all(|record| before.contains(record)), "{context}: {found:?}");
    assert!(found.windows(2).all(|pair| pair[0].0 < pair[1].0), "{context}: {found:?}");
    check_files(fs, &log);
    while log.compact(&mut cleaner()).unwrap_or_else(|e| panic!("{context}: {e}")).is_some() {}
    assert_eq!(latest(&records(&log, ottla::Isolation::ReadCommitted)), latest(before), "{context}");
    log.close().unwrap();
    let (log, report) = open(fs, &clock, config).unwrap();
    assert!(report.clean && report.is_uneventful(), "{context}: {report:?}");
    assert_eq!(latest(&records(&log, ottla::Isolation::ReadCommitted)), latest(before), "{context}");
}

#[test]
fn a_loss_of_power_at_any_change_of_a_pass_leaves_the_old_log_or_the_new() {
    let partition = Partition::new();
    fill(&partition);
    let before = partition.committed();
    partition.log.close().unwrap();
    let image = partition.fs.image();
    let mut states = 0;
    for changes in 0.. {
        let fs = SimFs::from_image(&image);
        let clock = Arc::new(SimClock::at_ms(NOW_MS));
        let (log, _) = open(&fs, &clock, &config()).unwrap();
        fs.crash_after(changes);
        let compacted = log.compact(&mut cleaner());
        for crash in some(fs.crashes(6), changes) {
            let context = format!("the power goes at change {changes}, {crash:?}");
            check(&fs.crash(&mut crash.clone()), &config(), &before, &context);
            states += 1;
        }
        if !fs.crashed() {
            assert!(compacted.unwrap().unwrap().segments_written > 1, "one group shows too little");
            break;
        }
    }
    assert!(states > 300, "{states} states");
}

#[test]
fn a_loss_of_power_while_a_swap_is_finished_is_no_loss_either() {
    let partition = Partition::new();
    fill(&partition);
    let before = partition.committed();
    partition.log.close().unwrap();
    let image = partition.fs.image();
    for changes in 0.. {
        let fs = SimFs::from_image(&image);
        let clock = Arc::new(SimClock::at_ms(NOW_MS));
        let (log, _) = open(&fs, &clock, &config()).unwrap();
        fs.crash_after(changes);
        let _ = log.compact(&mut cleaner());
        let after = fs.crash(&mut Crash::KeepAll).image();
        for again in 0.. {
            let fs = SimFs::from_image(&after);
            fs.crash_after(again);
            let _ = open(&fs, &clock, &config());
            let mut crash = if again % 2 == 0 { Crash::KeepAll } else { Crash::Random(again + changes) };
            let context = format!("at change {changes}, then at change {again} of opening, {crash:?}");
            let lost = fs.crash(&mut crash);
            let (log, _) = open(&lost, &clock, &config()).unwrap_or_else(|e| panic!("{context}: {e}"));
            let found = records(&log, ottla::Isolation::ReadCommitted);
            assert_eq!(latest(&found), latest(&before), "{context}");
            check_files(&lost, &log);
            if !fs.crashed() {
                break;
            }
        }
        if !fs.crashed() {
            return;
        }
    }
}

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

//! Retention that cannot be fooled: by timestamps, by clocks, by indexes, by damage.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing, reason = "tests")]

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use ottla::fs::{FileSystem, OpenMode};
use ottla::{CleanupPolicy, Environment, Log, LogConfig, Offset, Store, StoreConfig};
use ottla_record::BatchBuilder;
use ottla_testkit::{Call, Fault, Repeat, SimClock, SimFs};
use proptest::prelude::*;

const NOW_MS: i64 = 1_700_000_000_000;
const HOUR_MS: i64 = 3_600_000;
const DAY_MS: i64 = 24 * HOUR_MS;
/// How long records are kept here.
const KEPT_MS: i64 = 7 * DAY_MS;
const HOUR: Duration = Duration::from_secs(3_600);
const DAY: Duration = Duration::from_secs(24 * 3_600);

/// A data directory that is simulated, and so is the time.
struct World {
    fs: SimFs,
    clock: Arc<SimClock>,
}

impl World {
    fn new() -> World {
        let (fs, clock) = (SimFs::new(), Arc::new(SimClock::at_ms(NOW_MS)));
        fs.set_clock(clock.clone());
        World { fs, clock }
    }

    fn environment(&self) -> Environment {
        Environment { fs: Arc::new(self.fs.clone()), clock: self.clock.clone() }
    }

    fn open(&self, config: LogConfig) -> Log {
        Log::open_with("/data/letters-0", config, self.environment()).unwrap().0
    }

    fn file(&self, base_offset: i64, extension: &str) -> PathBuf {
        Path::new("/data/letters-0").join(format!("{base_offset:020}.{extension}"))
    }

    /// Puts these bytes in the place of a file's.
    fn overwrite(&self, path: &Path, bytes: &[u8]) {
        let file = self.fs.open(path, OpenMode::ReadWrite).unwrap();
        file.set_len(0).unwrap();
        file.write_all_at(bytes, 0).unwrap();
    }

    fn bytes(&self, path: &Path) -> Vec<u8> {
        let file = self.fs.open(path, OpenMode::Read).unwrap();
        let mut bytes = vec![0; file.len().unwrap() as usize];
        file.read_exact_at(&mut bytes, 0).unwrap();
        bytes
    }
}

/// Each batch has a segment of its own, and any timestamp is taken.
fn week() -> LogConfig {
    LogConfig {
        segment_bytes: 200,
        segment_ms: i64::MAX,
        index_interval_bytes: 0,
        retention_ms: Some(KEPT_MS),
        timestamp_after_max_ms: i64::MAX,
        ..LogConfig::default()
    }
}

/// As [`week`], with several batches in a segment.
fn wide() -> LogConfig {
    LogConfig { segment_bytes: 500, ..week() }
}

fn append(log: &Log, timestamp_ms: i64) {
    let mut builder = BatchBuilder::new();
    builder.push(timestamp_ms, Some(b"k"), Some(&[b'v'; 80]), &[]).unwrap();
    log.append(&builder.build().unwrap()).unwrap();
}

fn start(log: &Log) -> i64 {
    log.apply_retention().unwrap();
    log.log_start_offset().get()
}

#[test]
fn segments_go_by_age_and_by_size_and_the_two_add_up() {
    let world = World::new();
    let log = world.open(LogConfig { retention_bytes: Some(400), ..week() });
    for days in [9, 8, 2, 1, 0] {
        append(&log, NOW_MS - days * DAY_MS);
    }
    assert_eq!(start(&log), 2, "two by age, and what is left is small enough");
    log.set_config(LogConfig { retention_bytes: Some(200), ..week() });
    assert_eq!(start(&log), 3, "one more by size");
    world.clock.advance(8 * DAY);
    assert_eq!(start(&log), 5, "the active one goes too once it is too old");
    append(&log, NOW_MS + 8 * DAY_MS);
    assert_eq!(start(&log), 5);
}

#[test]
fn a_log_that_is_compacted_too_is_cut_by_age_and_one_that_is_only_compacted_is_not() {
    for (delete, left) in [(true, 1), (false, 0)] {
        let cleanup_policy = CleanupPolicy { compact: true, delete };
        let log = World::new().open(LogConfig { cleanup_policy, retention_bytes: Some(1), ..week() });
        append(&log, NOW_MS - 8 * DAY_MS);
        append(&log, NOW_MS);
        assert_eq!(start(&log), left, "delete: {delete}");
    }
}

/// Kafka deletes such a segment at once, or never, and with never keeps everything behind it.
#[test]
fn a_segment_whose_timestamps_are_not_credible_goes_by_the_age_of_its_file_and_holds_nobody_back() {
    for (what, timestamp_ms) in [
        ("none", -1),
        ("zero", 0),
        ("seconds", NOW_MS / 1_000),
        ("microseconds", NOW_MS * 1_000),
        ("nanoseconds", NOW_MS * 1_000_000),
        ("the year 6000", 127_174_521_600_000),
    ] {
        let world = World::new();
        let log = world.open(week());
        append(&log, timestamp_ms);
        append(&log, NOW_MS);
        assert_eq!(start(&log), 0, "{what}: it was written a moment ago");
        world.clock.advance(7 * DAY);
        assert_eq!(start(&log), 0, "{what}");
        world.clock.advance(HOUR);
        assert_eq!(start(&log), 2, "{what}: it is too old by now, and so is what is behind it");
    }
}

#[test]
fn a_future_that_producers_may_not_write_does_not_keep_a_segment_for_ever() {
    let world = World::new();
    let log = world.open(week());
    append(&log, NOW_MS + 365 * DAY_MS);
    log.set_config(LogConfig { timestamp_after_max_ms: HOUR_MS, ..week() });
    world.clock.advance(8 * DAY);
    assert_eq!(start(&log), 1);
}

#[test]
fn one_record_from_the_future_among_good_ones_keeps_no_segment_for_ever() {
    let world = World::new();
    let log = world.open(wide());
    for timestamp_ms in [NOW_MS, NOW_MS * 1_000, NOW_MS + 1] {
        append(&log, timestamp_ms);
    }
    assert_eq!(start(&log), 0);
    world.clock.advance(8 * DAY);
    assert_eq!(start(&log), 3);
}

/// By the largest timestamp of the segment they would have gone after four days.
#[test]
fn records_without_a_credible_timestamp_behind_a_good_one_are_kept_for_their_time() {
    for timestamp_ms in [-1, 0, NOW_MS / 1_000] {
        let world = World::new();
        let log = world.open(wide());
        append(&log, NOW_MS);
        world.clock.advance(3 * DAY);
        append(&log, timestamp_ms);
        world.clock.advance(5 * DAY);
        assert_eq!(start(&log), 0, "{timestamp_ms}");
        world.clock.advance(3 * DAY);
        assert_eq!(start(&log), 2, "{timestamp_ms}");
    }
}

#[test]
fn while_the_clock_jumps_nothing_goes_by_age() {
    for jump_ms in [365 * DAY_MS, -365 * DAY_MS] {
        let world = World::new();
        let log = world.open(LogConfig { retention_bytes: Some(400), ..week() });
        for _ in 0..4 {
            append(&log, NOW_MS);
        }
        assert_eq!(start(&log), 1, "by size");
        world.clock.set_ms(NOW_MS + jump_ms);
        assert_eq!(start(&log), 1, "{jump_ms}");
        world.clock.advance(Duration::from_secs(299));
        assert_eq!(start(&log), 1, "whoever set it has a few minutes to set it right");
        append(&log, NOW_MS);
        assert_eq!(start(&log), 2, "what is too much goes all the same");
        world.clock.set_ms(NOW_MS);
        assert_eq!(start(&log), 2, "set right, which is a jump as well");
        world.clock.advance(HOUR);
        assert_eq!(start(&log), 2);
        world.clock.advance(7 * DAY);
        assert_eq!(start(&log), 5, "and all is as ever");
    }
}

#[test]
fn a_clock_that_stays_where_it_jumped_is_believed_after_a_while() {
    let world = World::new();
    let log = world.open(week());
    append(&log, NOW_MS);
    world.clock.set_ms(NOW_MS + 8 * DAY_MS);
    assert_eq!(start(&log), 0);
    world.clock.advance(Duration::from_secs(300));
    assert_eq!(start(&log), 1, "a machine that slept for a week");
}

#[test]
fn a_clock_in_the_past_makes_nothing_old() {
    let world = World::new();
    let log = world.open(week());
    append(&log, NOW_MS);
    drop(log);
    world.clock.set_ms(0);
    let log = world.open(week());
    world.clock.advance(HOUR);
    assert_eq!(start(&log), 0, "a machine that woke in 1970");
    append(&log, 5);
    world.clock.advance(8 * DAY);
    assert_eq!(start(&log), 0, "and what it wrote in 1970 has no age");
}

#[test]
fn keeping_house_tells_of_a_jump_once_for_all_logs() {
    let world = World::new();
    let config = StoreConfig { defaults: week(), environment: world.environment(), ..Default::default() };
    let (store, _) = Store::open("/data", config).unwrap();
    store.create_topic("letters", 3, &BTreeMap::new()).unwrap();
    let log = store.log("letters", 1).unwrap();
    append(&log, NOW_MS);
    assert_eq!(store.housekeep().unwrap().clock_jump_ms, None);
    world.clock.set_ms(NOW_MS + 8 * DAY_MS);
    let report = store.housekeep().unwrap();
    assert_eq!((report.clock_jump_ms, report.segments_removed), (Some(8 * DAY_MS), 0));
    assert_eq!(store.housekeep().unwrap().clock_jump_ms, None);
    world.clock.advance(HOUR);
    assert_eq!(store.housekeep().unwrap().segments_removed, 1);
}

#[test]
fn a_file_that_cannot_be_removed_is_tried_again_and_holds_nothing_up() {
    let world = World::new();
    let log = world.open(week());
    for days in [9, 8, 0] {
        append(&log, NOW_MS - days * DAY_MS);
    }
    let count = || {
        let names = world.fs.read_dir(Path::new("/data/letters-0")).unwrap();
        names.iter().filter(|entry| entry.name.ends_with(".deleted")).count()
    };
    assert_eq!(start(&log), 2);
    let deleted = count();
    assert!(deleted >= 6, "{deleted}");
    world.clock.advance(HOUR);
    world.fs.fail_nth(Call::Remove, 1, Fault::EIO, Repeat::Once);
    log.remove_deleted_files().unwrap_err();
    assert_eq!(count(), 1, "only the one that failed");
    assert_eq!(log.remove_deleted_files().unwrap(), 1);
    assert_eq!(count(), 0);
}

#[test]
fn a_log_whose_files_cannot_be_removed_is_cut_all_the_same() {
    let world = World::new();
    let config = StoreConfig { defaults: week(), environment: world.environment(), ..Default::default() };
    let (store, _) = Store::open("/data", config).unwrap();
    store.create_topic("letters", 1, &BTreeMap::new()).unwrap();
    let log = store.log("letters", 0).unwrap();
    append(&log, NOW_MS - 9 * DAY_MS);
    append(&log, NOW_MS - 6 * DAY_MS);
    append(&log, NOW_MS);
    assert_eq!(store.housekeep().unwrap().segments_removed, 1);
    world.clock.advance(2 * DAY);
    world.fs.fail_nth(Call::Remove, 1, Fault::EIO, Repeat::Always);
    let report = store.housekeep().unwrap();
    assert_eq!((report.segments_removed, report.failures.len()), (1, 1), "{report:?}");
}

/// A closed log of two segments, the first of three batches, and then the time that passes.
fn closed(timestamps_ms: [i64; 3]) -> World {
    let world = World::new();
    let log = world.open(wide());
    timestamps_ms.iter().for_each(|timestamp_ms| append(&log, *timestamp_ms));
    append(&log, NOW_MS);
    assert_eq!(log.segment_base_offsets(), [Offset::ZERO, Offset::new(3)]);
    log.close().unwrap();
    world
}

fn time_entry(timestamp_ms: i64, relative_offset: u32) -> Vec<u8> {
    [&timestamp_ms.to_be_bytes()[..], &relative_offset.to_be_bytes()].concat()
}

/// KAFKA-10207 lost data by it: the last entry of a padded time index is zero, and so all looks old.
#[test]
fn a_time_index_that_lies_deletes_nothing() {
    let old = NOW_MS - 30 * DAY_MS;
    let path = World::new().file(0, "timeindex");
    let whole = [time_entry(old + 1, 1), time_entry(NOW_MS, 2)].concat();
    for (what, bytes) in [
        ("zero-padded", [&whole[..], &[0; 1_200]].concat()),
        ("all zero", vec![0; 1_200]),
        ("cut behind an old entry", whole[..12].to_vec()),
        ("cut inside an entry", whole[..20].to_vec()),
        ("empty", Vec::new()),
        ("garbage", (0..120_u8).map(|n| n.wrapping_mul(7)).collect()),
        ("an entry that no batch bears out", time_entry(old, 2)),
        ("an entry past the segment", time_entry(old, 9_999)),
        ("old entries of another segment", [time_entry(old - 2, 0), time_entry(old - 1, 1)].concat()),
    ] {
        let world = closed([old, old + 1, NOW_MS]);
        world.overwrite(&path, &bytes);
        world.clock.advance(DAY);
        let log = world.open(wide());
        assert_eq!(start(&log), 0, "{what}");
        world.clock.advance(7 * DAY);
        assert!(start(&log) > 0, "{what}: by now it is too old");
    }
}

#[test]
fn a_time_index_that_lies_keeps_nothing_for_ever() {
    let old = NOW_MS - 30 * DAY_MS;
    for entry in [time_entry(NOW_MS * 1_000, 2), time_entry(i64::MAX, 2), time_entry(0, 2)] {
        let world = closed([old, old, old]);
        world.overwrite(&world.file(0, "timeindex"), &entry);
        world.clock.advance(8 * DAY);
        assert!(start(&world.open(wide())) > 0);
    }
}

#[test]
fn damage_hides_what_may_be_new() {
    let old = NOW_MS - 30 * DAY_MS;
    let world = closed([old, old, NOW_MS]);
    let path = world.file(0, "log");
    let mut bytes = world.bytes(&path);
    let size = bytes.len() / 3;
    bytes[2 * size..2 * size + 30].fill(0xff);
    world.overwrite(&path, &bytes);
    world.overwrite(&world.file(0, "timeindex"), &time_entry(old, 1));
    world.clock.advance(DAY);
    let log = world.open(wide());
    assert_eq!(start(&log), 0);
    world.clock.advance(7 * DAY);
    assert!(start(&log) > 0, "the file is too old, and nothing in it is newer");
}

/// A directory of many segments is not read whole to find that nothing is due.
#[test]
fn only_the_segments_that_go_are_looked_at_and_the_first_that_stays() {
    let world = World::new();
    let log = world.open(week());
    for hours in (0..400).rev() {
        append(&log, NOW_MS - hours * HOUR_MS);
    }
    log.close().unwrap();
    let log = world.open(week());
    let opens = || world.fs.calls(Call::Open);
    let before = opens();
    let first = start(&log) as u64;
    assert_eq!(first, 400 - 24 * 7 - 1);
    // A log with its two indexes for each, and a checkpoint or two.
    assert!(opens() - before < 4 * (first + 1), "{} opens", opens() - before);
    let before = opens();
    assert_eq!(start(&log) as u64, first);
    assert!(opens() - before < 4, "{} opens", opens() - before);
}

#[derive(Clone, Debug)]
enum Step {
    Append(Kind),
    Advance(Duration),
    Apply,
    Reopen,
}

/// What a producer writes into the timestamp.
#[derive(Clone, Copy, Debug)]
enum Kind {
    Now,
    Exactly(i64),
    Seconds,
    Microseconds,
}

fn step() -> impl Strategy<Value = Step> {
    let kind = prop_oneof![
        Just(Kind::Now),
        Just(Kind::Seconds),
        Just(Kind::Microseconds),
        prop_oneof![Just(-1), Just(0), Just(1), Just(i64::MAX)].prop_map(Kind::Exactly),
    ];
    prop_oneof![
        4 => kind.prop_map(Step::Append),
        3 => (0_u64..200).prop_map(|hours| Step::Advance(Duration::from_secs(hours * 3_600))),
        3 => Just(Step::Apply),
        1 => Just(Step::Reopen),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 200, ..ProptestConfig::default() })]

    /// Whatever producers write into timestamps: while the clock goes on as it should, a record stays for as
    /// long as the settings say, and goes soon after.
    #[test]
    fn every_record_is_kept_for_its_time_and_no_record_for_ever(steps in prop::collection::vec(step(), 1..40)) {
        let world = World::new();
        let now_ms = || ottla::Clock::now_ms(&*world.clock);
        let mut log = world.open(wide());
        let mut written_ms = Vec::new();
        for step in steps {
            match step {
                Step::Append(kind) => {
                    append(&log, match kind {
                        Kind::Now => now_ms(),
                        Kind::Exactly(timestamp_ms) => timestamp_ms,
                        Kind::Seconds => now_ms() / 1_000,
                        Kind::Microseconds => now_ms() * 1_000,
                    });
                    written_ms.push(now_ms());
                }
                Step::Advance(by) => world.clock.advance(by),
                Step::Apply => {
                    let start = start(&log) as usize;
                    let gone = &written_ms[..start];
                    prop_assert!(gone.iter().all(|ms| now_ms() - ms > KEPT_MS), "{start} of {written_ms:?}");
                }
                Step::Reopen => {
                    log.close().unwrap();
                    log = world.open(wide());
                }
            }
        }
        world.clock.advance(8 * DAY);
        prop_assert_eq!(start(&log) as usize, written_ms.len());
    }
}

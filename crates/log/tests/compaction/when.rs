//! Which logs of a store are compacted, and which are set aside.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use ottla::dir::OffsetCheckpoint;
use ottla::fs::{FileSystem, OpenMode};
use ottla::{Environment, Error, Log, LogConfig, Store, StoreConfig};
use ottla_record::BatchBuilder;
use ottla_testkit::{SimClock, SimFs};

use crate::support::{DATA, NOW_MS, cleaner, config};

struct Shelf {
    fs: SimFs,
    clock: Arc<SimClock>,
    store: Store,
}

impl Shelf {
    fn new() -> Shelf {
        Shelf::on(SimFs::new(), Arc::new(SimClock::at_ms(NOW_MS)))
    }

    fn on(fs: SimFs, clock: Arc<SimClock>) -> Shelf {
        let environment = Environment { fs: Arc::new(fs.clone()), clock: clock.clone() };
        let defaults = LogConfig { min_cleanable_dirty_ratio: 0.5, ..config() };
        let (store, _) =
            Store::open(DATA, StoreConfig { defaults, environment, ..StoreConfig::default() }).unwrap();
        Shelf { fs, clock, store }
    }

    fn create(&self, name: &str, settings: &[(&str, &str)]) -> Log {
        let settings: BTreeMap<String, String> =
            settings.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
        self.store.create_topic(name, 1, &settings).unwrap().log(0).unwrap().clone()
    }

    /// The topic that was compacted.
    fn compact(&self) -> Option<String> {
        let done = self.store.compact_filthiest(&mut cleaner()).unwrap();
        done.map(|(partition, _)| partition.topic().to_owned())
    }
}

fn put(log: &Log, key: &str, timestamp_ms: i64) {
    let mut builder = BatchBuilder::new();
    builder.push(timestamp_ms, Some(key.as_bytes()), Some(b"Dear"), &[]).unwrap();
    log.append(&builder.build().unwrap()).unwrap();
}

fn fill(log: &Log, records: usize) {
    for number in 0..records {
        put(log, ["felice", "milena"][number % 2], NOW_MS);
    }
}

fn damage(fs: &SimFs, log: &Log) {
    let path = log.path().join("00000000000000000000.log");
    let file = fs.open(&path, OpenMode::ReadWrite).unwrap();
    let mut byte = [0];
    file.read_exact_at(&mut byte, 70).unwrap();
    file.write_all_at(&[byte[0] ^ 1], 70).unwrap();
}

#[test]
fn the_filthiest_log_comes_first_and_logs_that_are_only_deleted_from_never() {
    let shelf = Shelf::new();
    let (clean, filthy) = (shelf.create("clean", &[]), shelf.create("filthy", &[]));
    let deleted = shelf.create("deleted", &[("cleanup.policy", "delete")]);
    [&clean, &deleted].into_iter().for_each(|log| fill(log, 20));
    assert_eq!(shelf.compact().as_deref(), Some("clean"));
    fill(&clean, 8);
    fill(&filthy, 20);
    assert_eq!(shelf.compact().as_deref(), Some("filthy"));
    assert_eq!(shelf.compact().as_deref(), Some("clean"));
    assert_eq!(shelf.compact(), None);
}

#[test]
fn a_log_waits_until_enough_of_it_is_new() {
    let shelf = Shelf::new();
    let log = shelf.create("letters", &[("min.cleanable.dirty.ratio", "0.9")]);
    for number in 0..40 {
        put(&log, &format!("key {number}"), NOW_MS);
    }
    assert_eq!(shelf.compact().as_deref(), Some("letters"));
    fill(&log, 10);
    assert_eq!(shelf.compact(), None);
    log.set_config(LogConfig { min_cleanable_dirty_ratio: 0.05, ..config() });
    assert_eq!(shelf.compact().as_deref(), Some("letters"));
}

#[test]
fn a_record_that_waits_too_long_makes_its_log_due() {
    let shelf = Shelf::new();
    let settings = [("min.cleanable.dirty.ratio", "1.0"), ("max.compaction.lag.ms", "1000")];
    let log = shelf.create("letters", &settings);
    fill(&log, 20);
    assert_eq!(shelf.compact(), None);
    shelf.clock.advance(Duration::from_millis(1_000));
    assert_eq!(shelf.compact(), None);
    shelf.clock.advance(Duration::from_millis(1));
    assert_eq!(shelf.compact().as_deref(), Some("letters"));
    // The active segment does not hold records back either: one from after that time rolls it.
    let segments = log.segment_base_offsets().len();
    put(&log, "felice", NOW_MS + 1_001);
    assert_eq!(log.segment_base_offsets().len(), segments + 1);
}

#[test]
fn young_records_are_left_alone() {
    let shelf = Shelf::new();
    let log = shelf.create("letters", &[("min.compaction.lag.ms", "1000")]);
    fill(&log, 20);
    shelf.clock.advance(Duration::from_millis(999));
    assert_eq!(shelf.compact(), None);
    shelf.clock.advance(Duration::from_millis(1));
    assert_eq!(shelf.compact().as_deref(), Some("letters"));
}

#[test]
fn a_log_that_is_compacted_and_deleted_from_is_both() {
    let shelf = Shelf::new();
    let settings = [("cleanup.policy", "compact,delete"), ("retention.ms", "1000")];
    let log = shelf.create("letters", &settings);
    fill(&log, 20);
    assert_eq!(shelf.compact().as_deref(), Some("letters"));
    shelf.clock.advance(Duration::from_millis(2_000));
    put(&log, "julie", NOW_MS + 2_000);
    assert!(log.apply_retention().unwrap() > 0);
    assert!(log.log_start_offset().get() > 0);
    fill(&log, 20);
    assert_eq!(shelf.compact().as_deref(), Some("letters"));
}

#[test]
fn a_damaged_log_is_set_aside_with_its_reason_and_others_go_on() {
    let shelf = Shelf::new();
    let (damaged, sound) = (shelf.create("damaged", &[]), shelf.create("sound", &[]));
    fill(&damaged, 40);
    fill(&sound, 20);
    damage(&shelf.fs, &damaged);
    let files_before = shelf.fs.read_dir(damaged.path()).unwrap().len();
    assert_eq!(shelf.compact().as_deref(), Some("sound"));
    assert_eq!(shelf.compact(), None);
    let [set_aside] = &shelf.store.quarantined()[..] else { panic!("one is set aside") };
    assert_eq!((set_aside.topic_partition.topic(), set_aside.attempts), ("damaged", 1));
    let Error::Corrupt(reason) = &set_aside.reason else { panic!("{:?}", set_aside.reason) };
    assert!(reason.path.starts_with(damaged.path()) && reason.position == Some(0), "{reason}");
    assert_eq!(shelf.fs.read_dir(damaged.path()).unwrap().len(), files_before, "nothing unfinished is left");
    // It still serves and takes records.
    fill(&damaged, 2);
    assert_eq!(damaged.log_end_offset().get(), 42);
}

#[test]
fn a_log_that_was_set_aside_is_tried_again_later_and_later() {
    let shelf = Shelf::new();
    let log = shelf.create("letters", &[]);
    fill(&log, 20);
    damage(&shelf.fs, &log);
    let reads = |shelf: &Shelf| shelf.fs.calls(ottla_testkit::Call::Read);
    assert_eq!(shelf.compact(), None);
    let before = reads(&shelf);
    shelf.clock.advance(Duration::from_secs(59));
    assert_eq!((shelf.compact(), reads(&shelf)), (None, before), "it was tried too early");
    shelf.clock.advance(Duration::from_secs(1));
    assert_eq!(shelf.compact(), None);
    let [set_aside] = &shelf.store.quarantined()[..] else { panic!("one is set aside") };
    assert_eq!((set_aside.attempts, set_aside.next_try_in), (2, Duration::from_secs(120)));
    // The same bit again: the damage is mended.
    damage(&shelf.fs, &log);
    shelf.clock.advance(Duration::from_secs(120));
    assert_eq!(shelf.compact().as_deref(), Some("letters"));
    assert!(shelf.store.quarantined().is_empty());
}

#[test]
fn the_mark_of_a_deleted_topic_goes_with_it() {
    let shelf = Shelf::new();
    let log = shelf.create("letters", &[]);
    fill(&log, 20);
    shelf.compact().unwrap();
    let marks = |shelf: &Shelf| OffsetCheckpoint::Cleaner.read(&shelf.fs, Path::new(DATA)).unwrap().len();
    assert_eq!(marks(&shelf), 1);
    shelf.store.delete_topic("letters").unwrap();
    assert_eq!(marks(&shelf), 0);
    assert!(matches!(log.compact(&mut cleaner()), Ok(None) | Err(Error::Closed { .. })));
}

#[test]
fn the_mark_outlives_a_restart_and_one_that_cannot_be_read_holds_nobody_up() {
    let shelf = Shelf::new();
    let log = shelf.create("letters", &[]);
    fill(&log, 20);
    shelf.compact().unwrap();
    shelf.store.close().unwrap();
    let again = Shelf::on(shelf.fs.clone(), shelf.clock.clone());
    assert_eq!(again.compact(), None, "nothing is new");
    again.store.close().unwrap();
    let mut image = again.fs.image();
    image.put(OffsetCheckpoint::Cleaner.path(Path::new(DATA)), "what is this");
    let again = Shelf::on(SimFs::from_image(&image), shelf.clock.clone());
    assert_eq!(again.compact().as_deref(), Some("letters"));
}

/// Where the end of a log was lost, the newest of its keys may be gone with it: what was compacted up to there is
/// no more, and what comes in its place was never compacted.
#[test]
fn a_mark_past_the_end_of_the_log_is_forgotten_when_it_opens() {
    let shelf = Shelf::new();
    let log = shelf.create("letters", &[]);
    fill(&log, 4);
    shelf.store.close().unwrap();
    let mut image = shelf.fs.image();
    image.put(OffsetCheckpoint::Cleaner.path(Path::new(DATA)), "0\n1\nletters 0 1000\n");
    let again = Shelf::on(SimFs::from_image(&image), shelf.clock.clone());
    assert!(OffsetCheckpoint::Cleaner.read(&again.fs, Path::new(DATA)).unwrap().is_empty());
    fill(&again.store.log("letters", 0).unwrap(), 20);
    assert_eq!(again.compact().as_deref(), Some("letters"));
}

#[test]
fn nothing_is_compacted_in_a_store_that_is_closed() {
    let shelf = Shelf::new();
    shelf.store.close().unwrap();
    assert!(matches!(shelf.store.compact_filthiest(&mut cleaner()), Err(Error::Closed { .. })));
}

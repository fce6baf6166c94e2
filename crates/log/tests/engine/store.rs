//! A store through its whole life: what is made is there until it is deleted, is itself after each open, and
//! belongs to one process at a time.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use ottla::{Error, Isolation, Log, LogConfig, Offset, Result, Store, StoreConfig, StoreReport};
use ottla_record::BatchBuilder;
use ottla_testkit::{Call, Crash, Fault, Repeat, SimClock, SimFs};

use crate::support::{DATA, NOW_MS, batch, environment, environment_at, small, values_between};

fn open(fs: &SimFs) -> Result<(Store, StoreReport)> {
    open_at(fs, &Arc::new(SimClock::at_ms(NOW_MS)))
}

fn open_at(fs: &SimFs, clock: &Arc<SimClock>) -> Result<(Store, StoreReport)> {
    let environment = environment_at(fs, clock);
    Store::open(DATA, StoreConfig { defaults: small(), environment, ..StoreConfig::default() })
}

fn none() -> BTreeMap<String, String> {
    BTreeMap::new()
}

fn append(log: &Log, value: &str) -> Result<Offset> {
    log.append(&batch(BatchBuilder::new(), &[value], 0)).map(|appended| appended.last_offset)
}

fn values(log: &Log) -> Vec<String> {
    let (start, end) = (log.log_start_offset(), log.log_end_offset());
    values_between(log, start, end, Isolation::ReadUncommitted).into_iter().map(|(_, value)| value).collect()
}

fn names(fs: &SimFs) -> Vec<String> {
    fs.image().entries().map(|(path, _)| path.to_string_lossy().into_owned()).collect()
}

#[test]
fn a_store_is_itself_after_each_open() {
    let fs = SimFs::new();
    let (store, report) = open(&fs).unwrap();
    assert_eq!((report.logs, report.clean), (0, false));
    let settings = BTreeMap::from([
        ("segment.bytes".to_owned(), "2000000".to_owned()),
        ("retention.ms".to_owned(), "77".to_owned()),
        ("cleanup.policy".to_owned(), "compact,delete".to_owned()),
    ]);
    let letters = store.create_topic("letters", 3, &settings).unwrap();
    let diaries = store.create_topic("diaries", 1, &none()).unwrap();
    append(letters.log(2).unwrap(), "Dear Milena").unwrap();
    append(diaries.log(0).unwrap(), "Slept badly").unwrap();
    let identity = (store.cluster_id().to_owned(), store.node_id());

    let check = |store: &Store, context: &str| {
        assert_eq!((store.cluster_id().to_owned(), store.node_id()), identity, "{context}");
        let again = store.topic("letters").unwrap();
        assert_eq!(
            (again.id, &again.overrides, again.partitions.len()),
            (letters.id, &settings, 3),
            "{context}"
        );
        assert_eq!(store.topic_by_id(diaries.id).unwrap().name, diaries.name, "{context}");
        assert_ne!(letters.id, diaries.id);
        let config = again.log(1).unwrap().config();
        assert_eq!((config.segment_bytes, config.retention_ms), (2_000_000, Some(77)), "{context}");
        assert!(config.cleanup_policy.compact && config.cleanup_policy.delete, "{context}");
        assert_eq!(
            store.log("diaries", 0).unwrap().config().segment_bytes,
            small().segment_bytes,
            "{context}"
        );
        assert_eq!(values(&store.log("letters", 2).unwrap()), ["Dear Milena"], "{context}");
        assert_eq!(values(&store.log("diaries", 0).unwrap()), ["Slept badly"], "{context}");
        assert!(store.log("letters", 3).is_none() && store.log("parcels", 0).is_none(), "{context}");
    };
    check(&store, "as made");
    store.close().unwrap();
    drop(store);
    let (store, report) = open(&fs).unwrap();
    assert!(report.clean && report.recovered.is_empty() && report.logs == 4, "{report:?}");
    check(&store, "closed and opened");
    drop(store);
    let (store, report) = open(&fs).unwrap();
    assert!(!report.clean && report.recovered.len() == 4, "{report:?}");
    check(&store, "killed and opened");
}

#[test]
fn names_that_kafka_would_not_take_and_counts_that_make_no_sense_leave_nothing_behind() {
    let fs = SimFs::new();
    let (store, _) = open(&fs).unwrap();
    store.create_topic("the.letters", 1, &none()).unwrap();
    let before = names(&fs);
    let long = "x".repeat(250);
    for name in ["", ".", "..", "a/b", "../letters", "a b", "a\0b", "\u{e4}", "the_letters", &long] {
        let refused = store.create_topic(name, 1, &none());
        assert!(matches!(refused, Err(Error::InvalidTopic { .. })), "{name:?}: {refused:?}");
    }
    // The directory of the last partition would have too long a name.
    let refused = store.create_topic(&"x".repeat(249), 100_001, &none());
    assert!(matches!(refused, Err(Error::InvalidTopic { .. })), "{refused:?}");
    let refused = store.create_topic("the.letters", 1, &none());
    assert!(matches!(refused, Err(Error::AlreadyExists { .. })), "{refused:?}");
    for partitions in [0, -1, i32::MIN] {
        let refused = store.create_topic("diaries", partitions, &none());
        assert!(matches!(refused, Err(Error::InvalidConfig { .. })), "{partitions}: {refused:?}");
    }
    for (setting, value) in [("segment.bytes", "many"), ("no.such.setting", "1"), ("cleanup.policy", "burn")]
    {
        let settings = BTreeMap::from([(setting.to_owned(), value.to_owned())]);
        let refused = store.create_topic("diaries", 1, &settings);
        assert!(matches!(&refused, Err(Error::InvalidConfig { name, .. }) if name == setting), "{refused:?}");
    }
    assert_eq!(names(&fs), before);
    assert_eq!(store.topics().len(), 1);
}

#[test]
fn partitions_are_added_behind_those_that_are_there() {
    let fs = SimFs::new();
    let (store, _) = open(&fs).unwrap();
    let before = store.create_topic("letters", 2, &none()).unwrap();
    append(before.log(1).unwrap(), "old").unwrap();
    for total in [2, 1, 0, -3] {
        let refused = store.create_partitions("letters", total);
        assert!(matches!(refused, Err(Error::InvalidConfig { .. })), "{total}: {refused:?}");
    }
    assert!(matches!(store.create_partitions("parcels", 3), Err(Error::Unknown { .. })));
    let after = store.create_partitions("letters", 4).unwrap();
    assert_eq!((after.id, after.partitions.len()), (before.id, 4));
    append(after.log(3).unwrap(), "new").unwrap();
    // Who has looked the topic up before writes to the same logs.
    append(before.log(1).unwrap(), "old still").unwrap();
    drop(store);
    let (store, _) = open(&fs.crash(&mut Crash::KeepAll)).unwrap();
    let found: Vec<_> = store.topic("letters").unwrap().partitions.values().map(values).collect();
    assert_eq!(
        found,
        [vec![], vec!["old".to_owned(), "old still".to_owned()], vec![], vec!["new".to_owned()]]
    );
}

#[test]
fn a_topic_that_is_made_anew_is_another_one() {
    let fs = SimFs::new();
    let clock = Arc::new(SimClock::at_ms(NOW_MS));
    let (store, _) = open_at(&fs, &clock).unwrap();
    let old =
        store.create_topic("letters", 2, &BTreeMap::from([("flush.ms".to_owned(), "9".to_owned())])).unwrap();
    let log = old.log(0).unwrap().clone();
    for number in 0..30 {
        append(&log, &format!("{number:060}")).unwrap();
    }
    log.delete_records(Offset::new(20)).unwrap();
    store.delete_topic("letters").unwrap();
    assert!(matches!(append(&log, "late"), Err(Error::Closed { .. })));
    assert!(matches!(log.read(Offset::new(25), 1, Isolation::ReadUncommitted), Err(Error::Closed { .. })));
    assert!(matches!(store.delete_topic("letters"), Err(Error::Unknown { .. })));
    assert!(store.topic("letters").is_none() && store.topic_by_id(old.id).is_none());

    let new = store.create_topic("letters", 1, &none()).unwrap();
    assert_ne!(new.id, old.id);
    assert_eq!(new.log(0).unwrap().log_end_offset(), Offset::ZERO);
    assert!(
        matches!(append(&log, "later"), Err(Error::Closed { .. })),
        "an old handle is no way to the new log"
    );
    append(new.log(0).unwrap(), "new").unwrap();

    // The directories of the old one stay for a while, and then go.
    let deleted = |fs: &SimFs| names(fs).iter().filter(|name| name.ends_with("-delete")).count();
    assert_eq!(deleted(&fs), 2);
    store.housekeep().unwrap();
    assert_eq!(deleted(&fs), 2);
    clock.advance(Duration::from_secs(61));
    store.housekeep().unwrap();
    assert_eq!(deleted(&fs), 0);
    drop((store, new));
    let (store, _) = open(&fs).unwrap();
    let new = store.topic("letters").unwrap();
    assert!(new.partitions.len() == 1 && new.overrides.is_empty());
    assert_eq!(values(new.log(0).unwrap()), ["new"]);
}

#[test]
fn what_deleted_topics_have_left_goes_at_the_next_open() {
    let fs = SimFs::new();
    let (store, _) = open(&fs).unwrap();
    store.create_topic("letters", 3, &none()).unwrap();
    store.delete_topic("letters").unwrap();
    store.close().unwrap();
    drop(store);
    let (store, report) = open(&fs).unwrap();
    assert_eq!((store.topics().len(), report.logs), (0, 0));
    assert!(names(&fs).iter().all(|name| !name.contains("letters")), "{:?}", names(&fs));
}

#[test]
fn the_start_of_a_log_is_kept_by_housekeeping_and_by_crashes() {
    let fs = SimFs::new();
    let (store, _) = open(&fs).unwrap();
    let settings = BTreeMap::from([("retention.bytes".to_owned(), "2500".to_owned())]);
    let kept = store.create_topic("kept", 1, &none()).unwrap().log(0).unwrap().clone();
    let short = store.create_topic("short", 1, &settings).unwrap().log(0).unwrap().clone();
    for number in 0..40 {
        append(&kept, &format!("{number:060}")).unwrap();
        append(&short, &format!("{number:060}")).unwrap();
    }
    kept.delete_records(Offset::new(33)).unwrap();
    let report = store.housekeep().unwrap();
    assert!(report.segments_removed > 0 && report.failures.is_empty(), "{report:?}");
    let start = short.log_start_offset();
    assert!(start > Offset::ZERO && short.size_bytes().unwrap() >= 2500);
    assert_eq!(short.segment_base_offsets()[0], start);
    for log in [&kept, &short] {
        log.sync_to(log.log_end_offset()).unwrap();
    }
    for mut crash in [Crash::LoseAll, Crash::KeepAll, Crash::Random(7), Crash::Random(8)] {
        let (store, _) = open(&fs.crash(&mut crash)).unwrap();
        let found = |name: &str| {
            let log = store.log(name, 0).unwrap();
            (log.log_start_offset(), log.log_end_offset(), values(&log).len() as i64)
        };
        assert_eq!(found("kept"), (Offset::new(33), Offset::new(40), 7), "{crash:?}");
        assert_eq!(found("short"), (start, Offset::new(40), 40 - start.get()), "{crash:?}");
    }
}

#[test]
fn producer_ids_are_above_all_that_any_log_knows() {
    let fs = SimFs::new();
    let (store, _) = open(&fs).unwrap();
    let log = store.create_topic("letters", 1, &none()).unwrap().log(0).unwrap().clone();
    let first = store.allocate_producer_id().unwrap();
    // As an embedder may have chosen it, or a mirror brought it.
    log.append(&batch(BatchBuilder::new().producer(5_000_000, 0, 0), &["x"], 0)).unwrap();
    log.flush().unwrap();
    drop((store, log));
    for _ in 0..2 {
        let (store, _) = open(&fs).unwrap();
        let next = store.allocate_producer_id().unwrap();
        assert!(next > 5_000_000 && next > first, "{next}");
    }
}

/// As when a broker of Kafka's starts, however it stopped: its clients then know which records came before.
#[test]
fn every_open_begins_a_leader_epoch() {
    let fs = SimFs::new();
    let mut epochs = Vec::new();
    for closed in [true, true, false, true, false, false, true] {
        let (store, _) = open(&fs).unwrap();
        let log = match store.log("letters", 0) {
            Some(log) => log,
            None => store.create_topic("letters", 1, &none()).unwrap().log(0).unwrap().clone(),
        };
        append(&log, "x").unwrap();
        let before = epochs.last().map(|epoch| log.end_offset_for_epoch(*epoch).end_offset);
        assert!(before.is_none_or(|end| end == log.log_end_offset() + -1), "{before:?}");
        epochs.push(log.leader_epoch());
        if closed {
            store.close().unwrap();
        }
    }
    assert!(epochs.is_sorted_by(|before, after| before < after), "{epochs:?}");
}

#[test]
fn one_writer_at_a_time_and_the_next_one_once_it_is_gone() {
    let fs = SimFs::new();
    let (store, _) = open(&fs).unwrap();
    store.create_topic("letters", 1, &none()).unwrap();
    let before = fs.image();
    for _ in 0..2 {
        let refused = open(&fs).unwrap_err();
        assert!(matches!(&refused, Error::Locked { path } if path.starts_with(DATA)), "{refused}");
        let refused =
            Log::open_with(Path::new(DATA).join("letters-0"), small(), environment(&fs)).unwrap_err();
        assert!(matches!(refused, Error::Locked { .. }), "{refused}");
    }
    assert_eq!(fs.image(), before, "who is refused changes nothing");
    let handle = store.clone();
    store.close().unwrap();
    let (next, _) = open(&fs).expect("a closed store holds nothing, whoever still has a handle");
    drop(handle);
    assert!(matches!(open(&fs), Err(Error::Locked { .. })), "the last handle of the old store frees nothing");
    drop(next);
    open(&fs).unwrap();
}

#[test]
fn on_a_real_disk_too_there_is_one_writer_at_a_time() {
    let data = tempfile::tempdir().unwrap();
    let (store, _) = Store::open(data.path(), StoreConfig::default()).unwrap();
    let topic = store.create_topic("letters", 1, &none()).unwrap();
    append(topic.log(0).unwrap(), "Dear Felice").unwrap();
    assert!(matches!(Store::open(data.path(), StoreConfig::default()), Err(Error::Locked { .. })));
    assert!(matches!(Log::open(data.path().join("letters-0")), Err(Error::Locked { .. })));
    let beside = Log::open_read_only(data.path().join("letters-0"), ottla::Environment::default()).unwrap();
    assert_eq!(values(&beside), ["Dear Felice"]);
    drop((store, topic));
    let (store, _) = Store::open(data.path(), StoreConfig::default()).unwrap();
    assert_eq!(values(&store.log("letters", 0).unwrap()), ["Dear Felice"]);
}

#[test]
fn a_reader_beside_the_writer_sees_what_is_there_and_changes_nothing() {
    let fs = SimFs::new();
    let (store, _) = open(&fs).unwrap();
    let log = store.create_topic("letters", 1, &none()).unwrap().log(0).unwrap().clone();
    let mut expected = Vec::new();
    for number in 0..26 {
        expected.push(format!("{number:060}"));
        append(&log, &expected[number]).unwrap();
        let before = fs.image();
        let beside = Log::open_read_only(log.path(), environment(&fs)).unwrap();
        assert_eq!(values(&beside), expected);
        assert!(matches!(append(&beside, "x"), Err(Error::ReadOnly { .. })));
        assert!(matches!(beside.truncate(Offset::ZERO), Err(Error::ReadOnly { .. })));
        assert!(matches!(beside.delete_records(Offset::new(1)), Err(Error::ReadOnly { .. })));
        beside.close().unwrap();
        assert_eq!(fs.image(), before, "after {number} appends");
    }
    log.delete_records(Offset::new(13)).unwrap();
    expected.drain(..13);
    let beside = Log::open_read_only(log.path(), environment(&fs)).unwrap();
    assert_eq!(values(&beside), expected, "after a delete");
    // What is removed under it, it still reads, or it says so.
    log.delete_records(log.log_end_offset()).unwrap();
    store.delete_topic("letters").unwrap();
    match beside.read_batches(Offset::new(13), 100, Isolation::ReadUncommitted) {
        Ok(batches) => assert!(!batches.is_empty()),
        Err(e) => assert!(matches!(e, Error::Io { .. }), "{e}"),
    }
}

#[test]
fn closing_twice_is_closing_once_and_a_closed_store_says_so() {
    let fs = SimFs::new();
    let (store, _) = open(&fs).unwrap();
    let topic = store.create_topic("letters", 1, &none()).unwrap();
    let log = topic.log(0).unwrap().clone();
    append(&log, "x").unwrap();
    store.close().unwrap();
    store.close().unwrap();
    log.close().unwrap();
    let before = fs.image();
    let refused = [
        append(&log, "y").map(drop),
        log.flush(),
        log.truncate(Offset::ZERO),
        log.delete_records(Offset::new(1)).map(drop),
        log.read(Offset::ZERO, 1, Isolation::ReadUncommitted).map(drop),
        log.offset_for_timestamp(0).map(drop),
        store.create_topic("diaries", 1, &none()).map(drop),
        store.create_partitions("letters", 2).map(drop),
        store.delete_topic("letters"),
        store.allocate_producer_id().map(drop),
        store.housekeep().map(drop),
    ];
    for (number, refused) in refused.into_iter().enumerate() {
        assert!(
            matches!(&refused, Err(Error::Closed { path }) if path.starts_with(DATA)),
            "{number}: {refused:?}"
        );
    }
    assert_eq!(fs.image(), before);
    drop((store, topic, log));
    let (store, report) = open(&fs).unwrap();
    assert!(report.clean);
    assert_eq!(values(&store.log("letters", 0).unwrap()), ["x"]);
}

/// A disk that was mounted read-only, or fails in another way from some call on.
#[test]
fn a_store_that_cannot_be_opened_says_on_which_file_and_is_whole_afterwards() {
    let fs = SimFs::new();
    let (store, _) = open(&fs).unwrap();
    let log = store.create_topic("letters", 2, &none()).unwrap().log(1).unwrap().clone();
    for number in 0..20 {
        append(&log, &format!("{number:060}")).unwrap();
    }
    let expected = values(&log);
    drop((store, log));
    let image = fs.image();
    for call in Call::ALL {
        for nth in [1, 2, 3, 5, 9] {
            let fs = SimFs::from_image(&image);
            fs.fail_nth(call, nth, Fault::EROFS, Repeat::Always);
            let context = format!("{call:?} number {nth} fails");
            match open(&fs) {
                Ok(_) => assert!(
                    nth > 1 || fs.faults_hit() == 0 || call == Call::Remove,
                    "{context}, and it opened"
                ),
                Err(Error::Io { path, source, .. }) => {
                    assert!(
                        path.starts_with(DATA) && source.raw_os_error() == Some(30),
                        "{context}: {path:?}"
                    );
                }
                Err(e) => panic!("{context}: {e}"),
            }
            fs.clear_faults();
            let (store, _) = open(&fs).unwrap_or_else(|e| panic!("{context}: {e}"));
            assert_eq!(values(&store.log("letters", 1).unwrap()), expected, "{context}");
        }
    }
}

#[test]
fn what_is_no_data_directory_is_left_alone() {
    for (what, path) in [("files of somebody", "/data/thesis.odt"), ("a file in its place", "/data")] {
        let mut image = ottla_testkit::Image::default();
        image.put(path, "not ours");
        let fs = SimFs::from_image(&image);
        let image = fs.image();
        let refused = open(&fs).unwrap_err();
        assert!(
            matches!(&refused, Error::NotADirectoryOfOurs { path, .. } if path.starts_with(DATA)),
            "{what}: {refused}"
        );
        assert_eq!(fs.image(), image, "{what}");
    }
}

/// A log that an embedder has opened by itself is a topic of the store.
#[test]
fn a_log_that_was_opened_alone_is_a_topic_of_the_store() {
    let fs = SimFs::new();
    let config = LogConfig { index_interval_bytes: 100, ..small() };
    let (log, _) = Log::open_with(Path::new(DATA).join("alone-3"), config, environment(&fs)).unwrap();
    append(&log, "by myself").unwrap();
    log.close().unwrap();
    let (store, _) = open(&fs).unwrap();
    assert_eq!(values(&store.log("alone", 3).unwrap()), ["by myself"]);
    let id = store.topic("alone").unwrap().id;
    drop(store);
    let (store, _) = open(&fs).unwrap();
    assert_eq!(store.topic("alone").unwrap().id, id);
    store.delete_topic("alone").unwrap();
}

//! How many files are open does not depend on how many partitions and segments there are.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing, reason = "tests")]
#![allow(clippy::disallowed_methods, reason = "the test looks at the files past the engine")]

use std::fs;
use std::path::Path;

use ottla::{Isolation, LogConfig, Offset, Store, StoreConfig};
use ottla_record::BatchBuilder;

const OPEN_FILES: usize = 18;
const PARTITIONS: i32 = 16;

fn config() -> StoreConfig {
    let defaults = LogConfig { segment_bytes: 2_000, index_interval_bytes: 100, ..LogConfig::default() };
    StoreConfig { open_files: OPEN_FILES, defaults, ..StoreConfig::default() }
}

fn one_record(value: i64) -> Vec<u8> {
    let mut builder = BatchBuilder::new();
    builder.push(1_700_000_000_000 + value, None, Some(&[b'x'; 100]), &[]).unwrap();
    builder.build().unwrap()
}

/// The files under `dir` that this process has open.
fn open_under(dir: &Path) -> usize {
    let links = fs::read_dir("/proc/self/fd").unwrap().flatten();
    links.filter(|link| fs::read_link(link.path()).is_ok_and(|to| to.starts_with(dir))).count()
}

fn assert_few_open(dir: &Path) {
    // The lock, and one log that was busy when it was asked.
    let open = open_under(dir);
    assert!(open <= OPEN_FILES + 4, "{open} files are open");
}

fn append_everywhere(store: &Store, round: i64) {
    let topic = store.topic("letters").unwrap();
    for log in topic.partitions.values() {
        assert_eq!(log.append(&one_record(round)).unwrap().base_offset, Offset::new(round));
    }
}

fn assert_holds(store: &Store, records: i64) {
    for log in store.topic("letters").unwrap().partitions.values() {
        assert_eq!(log.log_end_offset(), Offset::new(records));
        let mut next = Offset::ZERO;
        while next < log.log_end_offset() {
            let batches = log.read_batches(next, 500, Isolation::ReadUncommitted).unwrap();
            assert!(batches.next_offset() > next);
            next = batches.next_offset();
        }
        let last = log.max_timestamp().unwrap().unwrap();
        assert_eq!(last.offset, Offset::new(records - 1));
    }
}

#[test]
fn partitions_that_are_written_in_turn_share_a_few_files() {
    let data = tempfile::tempdir().unwrap();
    let (store, _) = Store::open(data.path(), config()).unwrap();
    store.create_topic("letters", PARTITIONS, &Default::default()).unwrap();
    for round in 0..40 {
        append_everywhere(&store, round);
        assert_few_open(data.path());
    }
    assert_holds(&store, 40);
    assert_few_open(data.path());
    store.close().unwrap();
    assert_eq!(open_under(data.path()), 0);

    let (store, report) = Store::open(data.path(), config()).unwrap();
    assert!(report.clean && report.recovered.is_empty(), "{report:?}");
    assert_few_open(data.path());
    assert_holds(&store, 40);
    append_everywhere(&store, 40);
    drop(store);

    let (store, _) = Store::open(data.path(), config()).unwrap();
    assert_holds(&store, 41);
}

/// The bytes must not depend on whether the files of a log were closed in between.
#[test]
fn a_log_whose_files_were_closed_goes_on_as_if_they_had_not() {
    let write = |open_files: usize| {
        let data = tempfile::tempdir().unwrap();
        let config = StoreConfig { open_files, ..config() };
        let (store, _) = Store::open(data.path(), config).unwrap();
        store.create_topic("letters", 3, &Default::default()).unwrap();
        (0..100).for_each(|round| append_everywhere(&store, round));
        store.close().unwrap();
        let mut files = Vec::new();
        for partition in 0..3 {
            let dir = data.path().join(format!("letters-{partition}"));
            let mut entries: Vec<_> = fs::read_dir(dir).unwrap().map(|entry| entry.unwrap().path()).collect();
            entries.retain(|path| path.extension().is_some_and(|kind| kind != "metadata"));
            entries.sort();
            files.extend(
                entries.into_iter().map(|path| {
                    (path.strip_prefix(data.path()).unwrap().to_owned(), fs::read(&path).unwrap())
                }),
            );
        }
        files
    };
    assert!(write(1) == write(1_000));
}

/// A sync opened files, for which the cache wanted to close those of the same log, which waited for the sync.
#[test]
fn a_flush_of_more_segments_than_may_be_open_comes_to_its_end() {
    let data = tempfile::tempdir().unwrap();
    let config = StoreConfig { open_files: 4, ..config() };
    let (store, _) = Store::open(data.path(), config).unwrap();
    let topic = store.create_topic("letters", 1, &Default::default()).unwrap();
    let log = topic.log(0).unwrap();
    for round in 0..400 {
        log.append(&one_record(round)).unwrap();
    }
    assert!(log.segment_base_offsets().len() > 20);
    log.flush().unwrap();
    assert_few_open(data.path());
    store.close().unwrap();
}

//! A pass of compaction beside everything else: its turn, and the swap of segments under readers.

use std::collections::BTreeMap;

use ottla::{Cleaner, CleanerConfig, CleanupPolicy, Error, Log, LogConfig, Offset};
use ottla_record::BatchBuilder;

use crate::disk::Disk;
use crate::explore::explore;
use crate::scene::{ALL, NOW_MS, WHOLE, config, is_closed, join, open, spawn};

const VALUES: [(&str, &str); 8] = [
    ("felice", "0"),
    ("milena", "1"),
    ("felice", "2"),
    ("ottla", "3"),
    ("milena", "4"),
    ("felice", "5"),
    ("julie", "6"),
    ("ottla", "7"),
];

fn compacted() -> LogConfig {
    LogConfig {
        segment_bytes: 180,
        cleanup_policy: CleanupPolicy { compact: true, delete: false },
        min_cleanable_dirty_ratio: 0.0,
        ..config()
    }
}

fn cleaner() -> Cleaner {
    Cleaner::new(CleanerConfig { dedupe_buffer_bytes: 1 << 10, io_buffer_bytes: 4096, ..Default::default() })
}

fn put(log: &Log, key: &str, value: &str) -> i64 {
    let mut builder = BatchBuilder::new();
    builder.push(NOW_MS, Some(key.as_bytes()), Some(value.as_bytes()), &[]).unwrap();
    log.append(&builder.build().unwrap()).unwrap().base_offset.get()
}

fn dirty(disk: &Disk) -> Log {
    let log = open(disk, compacted());
    for (offset, (key, value)) in (0..).zip(VALUES) {
        assert_eq!(put(&log, key, value), offset);
    }
    log
}

/// Offset, key, value.
fn records(log: &Log, to: Offset) -> Vec<(i64, String, String)> {
    let (mut records, mut next) = (Vec::new(), log.log_start_offset());
    while next < to {
        let batches = log.read_batches(next, WHOLE, ALL).unwrap();
        if batches.is_empty() {
            // The end is told a moment before the bytes are shown.
            assert!(next.get() >= VALUES.len() as i64, "stuck at {next} of {to}");
            break;
        }
        next = batches.next_offset();
        let text = |bytes: Option<&[u8]>| String::from_utf8(bytes.unwrap().to_vec()).unwrap();
        let mut take = |record: &ottla_record::Record<'_>| {
            records.push((record.offset.get(), text(record.key), text(record.value)));
            Ok(())
        };
        batches.for_each_record(&mut take).unwrap();
    }
    records
}

/// Each record is one that was appended, at its offset, in order, and the newest of each key is there.
fn read_whole(log: &Log) {
    let records = records(log, log.log_end_offset());
    assert!(records.is_sorted_by_key(|(offset, _, _)| *offset), "{records:?}");
    let mut newest = BTreeMap::new();
    for (offset, key, value) in &records {
        if let Some((expected_key, expected_value)) = VALUES.get(*offset as usize) {
            assert_eq!((key.as_str(), value.as_str()), (*expected_key, *expected_value));
        }
        assert!(newest.insert(key.clone(), *offset) < Some(*offset), "twice: {records:?}");
    }
    for (offset, (key, _)) in (0..).zip(VALUES) {
        assert!(
            newest.get(key).is_some_and(|newest| *newest >= offset),
            "{key} is not as new as it was: {records:?}"
        );
    }
}

#[test]
fn readers_find_the_newest_of_each_key_at_every_moment_of_a_pass() {
    explore("compaction, reads and appends", || {
        let disk = Disk::default();
        let log = dirty(&disk);
        let compactor = {
            let log = log.clone();
            spawn(move || log.compact(&mut cleaner()).unwrap().expect("there was something to compact"))
        };
        let reader = {
            let log = log.clone();
            spawn(move || [(); 2].map(|()| read_whole(&log)))
        };
        let appender = {
            let log = log.clone();
            spawn(move || [put(&log, "ottla", "new"), put(&log, "julie", "new")])
        };
        let done = compactor.join().unwrap();
        assert!(done.records_kept < done.records_read);
        reader.join().unwrap();
        assert_eq!(appender.join().unwrap(), [8, 9]);
        read_whole(&log);
        log.remove_deleted_files().unwrap();
        read_whole(&log);
        // What a slice held before is as it was, and a restart finds the same.
        let before = records(&log, log.log_end_offset());
        log.close().unwrap();
        drop(log);
        let log = open(&disk, compacted());
        assert_eq!(records(&log, log.log_end_offset()), before);
    });
}

#[test]
fn bytes_in_flight_stay_as_they_are() {
    explore("compaction and slices in flight", || {
        let log = dirty(&Disk::default());
        let readers = [0, 4].map(|from| {
            let log = log.clone();
            spawn(move || {
                for from in [from, 2] {
                    let fetched = log.read(Offset::new(from), WHOLE, ALL).unwrap();
                    let bytes = fetched.slice.read_all().unwrap();
                    assert!(!bytes.is_empty());
                    assert_eq!(fetched.slice.read_all().unwrap(), bytes);
                    let last = VALUES.len() as i64;
                    assert!(crate::scene::end_of(&bytes, Offset::new(from)).get() <= last);
                    let found = log.offset_for_timestamp(NOW_MS).unwrap();
                    assert!(found.is_some_and(|found| found.offset.get() < last));
                }
            })
        });
        log.compact(&mut cleaner()).unwrap();
        log.remove_deleted_files().unwrap();
        join(readers);
    });
}

/// Two cleaners, a cut, a delete and a close: a pass gives up or goes on, and nobody waits for ever.
#[test]
fn a_pass_gives_way() {
    explore("compaction, a cut, a delete and a close", || {
        let disk = Disk::default();
        let log = dirty(&disk);
        let compact = |log: &Log| match log.compact(&mut cleaner()) {
            Ok(_) | Err(Error::Closed { .. }) => {}
            Err(e) => panic!("{e}"),
        };
        let cut = |log: &Log| {
            let cut = log.truncate(Offset::new(6));
            assert!(is_closed(&cut) || cut.is_ok(), "{cut:?}");
            let deleted = log.delete_records(Offset::new(2));
            assert!(is_closed(&deleted) || deleted.is_ok(), "{deleted:?}");
        };
        let close = |log: &Log| log.close().unwrap();
        let threads: [fn(&Log); 4] = [compact, compact, cut, close];
        join(threads.map(|work| {
            let log = log.clone();
            spawn(move || work(&log))
        }));
        let end = log.log_end_offset();
        drop(log);
        let log = open(&disk, compacted());
        assert_eq!(log.log_end_offset(), end);
        let records = records(&log, end);
        assert!(records.is_sorted_by_key(|(offset, _, _)| *offset));
        for (offset, key, value) in records {
            assert_eq!((key.as_str(), value.as_str()), VALUES[offset as usize]);
        }
    });
}

//! What was appended is read back: through rolls, small budgets, restarts.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing, reason = "tests")]

use ottla::{Environment, Error, Isolation, Log, LogConfig, Offset};
use ottla_record::BatchBuilder;

fn batch(first: i64, records: i64, value_len: usize) -> Vec<u8> {
    let mut builder = BatchBuilder::new();
    for number in first..first + records {
        let value = format!("{number:0value_len$}");
        builder
            .push(
                1_700_000_000_000 + number,
                Some(number.to_string().as_bytes()),
                Some(value.as_bytes()),
                &[],
            )
            .unwrap();
    }
    builder.build().unwrap()
}

fn small_segments() -> LogConfig {
    LogConfig { segment_bytes: 16 * 1024, index_interval_bytes: 512, ..LogConfig::default() }
}

/// Reads everything from `from` on and returns the offsets.
fn offsets(log: &Log, from: i64, max_bytes: usize) -> Vec<i64> {
    let mut next = Offset::new(from);
    let mut found = Vec::new();
    loop {
        let batches = log.read_batches(next, max_bytes, Isolation::ReadUncommitted).unwrap();
        if batches.is_empty() {
            return found;
        }
        batches
            .for_each_record(|record| {
                assert_eq!(record.key.unwrap(), record.offset.to_string().as_bytes());
                found.push(record.offset.get());
                Ok(())
            })
            .unwrap();
        assert!(batches.next_offset() > next, "a read must make progress");
        next = batches.next_offset();
    }
}

fn fill(log: &Log, records: i64) {
    let mut next = log.log_end_offset().get();
    let end = next + records;
    let mut size = 1;
    while next < end {
        let count = (size % 7 + 1).min(end - next);
        let appended = log.append(&batch(next, count, 20 + (size as usize * 37) % 400)).unwrap();
        assert_eq!(appended.base_offset.get(), next);
        next += count;
        size += 1;
    }
}

#[test]
fn every_offset_is_read_across_segments_whatever_the_budget() {
    let dir = tempfile::tempdir().unwrap();
    let (log, _) = Log::open_with(dir.path().join("t-0"), small_segments(), Environment::default()).unwrap();
    fill(&log, 2_000);
    assert!(log.segment_base_offsets().len() > 10);
    let all: Vec<i64> = (0..2_000).collect();
    for budget in [1, 61, 200, 4_096, 100_000] {
        assert_eq!(offsets(&log, 0, budget), all, "budget {budget}");
    }
}

#[test]
fn reading_begins_at_any_offset() {
    let dir = tempfile::tempdir().unwrap();
    let (log, _) = Log::open_with(dir.path().join("t-0"), small_segments(), Environment::default()).unwrap();
    fill(&log, 500);
    for from in 0..500 {
        let batches = log.read_batches(Offset::new(from), 1, Isolation::ReadUncommitted).unwrap();
        let mut first = None;
        batches
            .for_each_record(|record| {
                first.get_or_insert(record.offset.get());
                Ok(())
            })
            .unwrap();
        assert_eq!(first, Some(from));
    }
    let at_end = log.read_batches(Offset::new(500), 1, Isolation::ReadUncommitted).unwrap();
    assert!(at_end.is_empty());
    assert!(matches!(
        log.read(Offset::new(501), 1, Isolation::ReadUncommitted),
        Err(Error::OffsetOutOfRange { .. })
    ));
}

#[test]
fn a_log_closed_cleanly_opens_without_scanning_and_goes_on() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("t-0");
    let open = || Log::open_with(&path, small_segments(), Environment::default()).unwrap();
    for round in 0..4 {
        let (log, report) = open();
        assert_eq!(report.scanned_bytes, 0);
        assert_eq!(log.log_end_offset().get(), round * 300);
        fill(&log, 300);
        log.close().unwrap();
    }
    let (log, report) = open();
    assert!(report.clean);
    assert_eq!(offsets(&log, 0, 3_000), (0..1_200).collect::<Vec<_>>());
}

#[test]
fn a_log_that_was_not_closed_recovers_what_was_written() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("t-0");
    let (log, _) = Log::open_with(&path, small_segments(), Environment::default()).unwrap();
    fill(&log, 700);
    drop(log);
    let (log, report) = Log::open_with(&path, small_segments(), Environment::default()).unwrap();
    assert!(!report.clean && report.truncated.is_none());
    assert!(report.scanned_bytes > 0);
    assert_eq!(offsets(&log, 0, 3_000), (0..700).collect::<Vec<_>>());
    assert_eq!(log.leader_epoch(), 1);
}

#[test]
fn a_second_writer_is_refused_and_a_reader_is_not() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("t-0");
    let (log, _) = Log::open_with(&path, small_segments(), Environment::default()).unwrap();
    fill(&log, 100);
    assert!(matches!(Log::open(&path), Err(Error::Locked { .. })));
    let reader = Log::open_read_only(&path, Environment::default()).unwrap();
    assert_eq!(offsets(&reader, 0, 1_000), (0..100).collect::<Vec<_>>());
    assert!(matches!(reader.append(&batch(0, 1, 1)), Err(Error::ReadOnly { .. })));
}

#[test]
fn offsets_are_found_by_time() {
    let dir = tempfile::tempdir().unwrap();
    let (log, _) = Log::open_with(dir.path().join("t-0"), small_segments(), Environment::default()).unwrap();
    fill(&log, 1_000);
    for offset in [0, 1, 17, 499, 998, 999] {
        let found = log.offset_for_timestamp(1_700_000_000_000 + offset).unwrap().unwrap();
        assert_eq!(found.offset.get(), offset);
    }
    assert_eq!(log.offset_for_timestamp(1_700_000_001_000).unwrap(), None);
    assert_eq!(log.max_timestamp().unwrap().unwrap().offset.get(), 999);
}

/// What was deleted may have been the newest: then there was once no newest record at all.
#[test]
fn the_newest_record_is_one_of_those_that_are_left() {
    let dir = tempfile::tempdir().unwrap();
    let (log, _) = Log::open_with(dir.path().join("t-0"), small_segments(), Environment::default()).unwrap();
    let timestamps = [900, 5, 800, 700, 6, 600, 7, 500, 8, 9, 400, 10];
    for three in timestamps.chunks(3) {
        let mut builder = BatchBuilder::new();
        three.iter().for_each(|ms| builder.push(*ms, None, Some(b"letter"), &[]).unwrap());
        log.append(&builder.build().unwrap()).unwrap();
    }
    for start in 0..timestamps.len() {
        log.delete_records(Offset::new(start as i64)).unwrap();
        let left = timestamps.iter().enumerate().skip(start);
        let (offset, newest_ms) = left.max_by_key(|(_, ms)| **ms).unwrap();
        let found = log.max_timestamp().unwrap().unwrap();
        assert_eq!((found.offset.get(), found.timestamp_ms), (offset as i64, *newest_ms), "from {start}");
    }
    log.delete_records(log.log_end_offset()).unwrap();
    assert_eq!(log.max_timestamp().unwrap(), None);
}

#[test]
fn a_cut_at_any_offset_leaves_what_is_below_it() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("t-0");
    let (log, _) = Log::open_with(&path, small_segments(), Environment::default()).unwrap();
    fill(&log, 600);
    for cut in [599, 450, 449, 300, 7, 0] {
        let cut = Offset::new(cut);
        log.truncate(cut).unwrap();
        let end = log.log_end_offset();
        assert!(end <= cut);
        assert_eq!(offsets(&log, 0, 5_000), (0..end.get()).collect::<Vec<_>>());
        fill(&log, 20);
        assert_eq!(offsets(&log, 0, 5_000), (0..end.get() + 20).collect::<Vec<_>>());
    }
    let end = log.log_end_offset().get();
    log.close().unwrap();
    let (log, report) = Log::open_with(&path, small_segments(), Environment::default()).unwrap();
    assert!(report.is_uneventful());
    assert_eq!(offsets(&log, 0, 5_000), (0..end).collect::<Vec<_>>());
}

#[test]
fn deleting_records_moves_the_start_for_good() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("t-0");
    let (log, _) = Log::open_with(&path, small_segments(), Environment::default()).unwrap();
    fill(&log, 600);
    let segments = log.segment_base_offsets().len();
    assert_eq!(log.delete_records(Offset::new(333)).unwrap().get(), 333);
    assert!(log.segment_base_offsets().len() < segments);
    assert!(matches!(
        log.read(Offset::new(332), 1, Isolation::ReadUncommitted),
        Err(Error::OffsetOutOfRange { .. })
    ));
    assert_eq!(offsets(&log, 333, 5_000), (333..600).collect::<Vec<_>>());
    drop(log);
    let (log, _) = Log::open_with(&path, small_segments(), Environment::default()).unwrap();
    assert_eq!(log.log_start_offset().get(), 333);
    log.close().unwrap();
    let (log, _) = Log::open_with(&path, small_segments(), Environment::default()).unwrap();
    assert_eq!(log.log_start_offset().get(), 333);
    assert_eq!(offsets(&log, 333, 5_000), (333..600).collect::<Vec<_>>());
}

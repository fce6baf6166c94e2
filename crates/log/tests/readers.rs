//! Readers while the log is written, rolled, shortened at its old end and cut at its new one. Threads meet at the
//! log alone: what is asserted holds in any order of events, and the waits only bound a failure.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing, reason = "tests")]

use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::Duration;

use ottla::{Environment, Error, Isolation, Log, LogConfig, Offset, Tail};
use ottla_record::BatchBuilder;

const NOW_MS: i64 = 1_700_000_000_000;
const AT_MOST: Duration = Duration::from_secs(60);
const RECORDS: i64 = 6_000;

fn config() -> LogConfig {
    LogConfig { segment_bytes: 4_096, index_interval_bytes: 512, ..LogConfig::default() }
}

fn open(data: &Path, config: LogConfig) -> Log {
    Log::open_with(data.join("letters-0"), config, Environment::default()).unwrap().0
}

/// The record at an offset tells the offset, and how often the log had been cut by then.
fn batch(base_offset: i64, records: i64, cuts: u64) -> Vec<u8> {
    let mut builder = BatchBuilder::new();
    for offset in base_offset..base_offset + records {
        let value = format!("{offset} {cuts} {}", "x".repeat(offset as usize * 31 % 97));
        builder.push(NOW_MS + offset, None, Some(value.as_bytes()), &[]).unwrap();
    }
    builder.build().unwrap()
}

/// Appends batches of 1 to 7 records until the log ends at `end`.
fn append_up_to(log: &Log, end: i64, cuts: u64) {
    let mut next = log.log_end_offset().get();
    while next < end {
        let records = (next % 7 + 1).min(end - next);
        let appended = log.append(&batch(next, records, cuts)).unwrap();
        assert_eq!(appended.base_offset.get(), next);
        next += records;
    }
}

/// What the record at an offset says: the offset and the cuts.
fn told(record: &ottla_record::Record<'_>) -> (i64, u64) {
    let value = std::str::from_utf8(record.value.unwrap()).unwrap();
    let mut words = value.split(' ');
    let mut word = || words.next().unwrap();
    (word().parse().unwrap(), word().parse().unwrap())
}

/// Follows the log to `end`. Returns the offsets that were seen, and those that the log said were gone.
fn follow(mut tail: Tail, end: i64) -> (Vec<i64>, Vec<i64>) {
    let (mut seen, mut gone) = (Vec::new(), Vec::new());
    while tail.position().get() < end {
        let position = tail.position().get();
        match tail.next(AT_MOST) {
            Ok(batches) => batches
                .expect("the appender goes on")
                .for_each_record(|record| {
                    assert_eq!(told(record).0, record.offset.get());
                    seen.push(record.offset.get());
                    Ok(())
                })
                .unwrap(),
            Err(Error::OffsetOutOfRange { requested, log_start_offset, .. }) => {
                assert_eq!(requested.get(), position);
                assert!(log_start_offset.get() > position, "nothing else can be out of range here");
                gone.extend(position..log_start_offset.get());
                tail.seek(log_start_offset);
            }
            Err(other) => panic!("at {position}: {other}"),
        }
    }
    (seen, gone)
}

/// Each offset exactly once and in order, seen or said to be gone.
fn assert_each_once(from: i64, seen: &[i64], gone: &[i64]) {
    assert!(seen.is_sorted_by(|a, b| a < b), "out of order, or twice");
    let mut all: Vec<i64> = seen.iter().chain(gone).copied().collect();
    all.sort_unstable();
    assert!(all.iter().copied().eq(from..RECORDS), "an offset is missing, or was seen and said to be gone");
}

#[test]
fn tails_see_every_offset_once_and_in_order_while_the_log_rolls() {
    let data = tempfile::tempdir().unwrap();
    let log = open(data.path(), config());
    thread::scope(|scope| {
        let tails: Vec<_> = [1, 100, 5_000, 1 << 20]
            .into_iter()
            .map(|max_bytes| {
                let tail = log.tail(Offset::ZERO, Isolation::ReadCommitted).max_bytes(max_bytes);
                scope.spawn(move || follow(tail, RECORDS))
            })
            .collect();
        append_up_to(&log, RECORDS, 0);
        for tail in tails {
            let (seen, gone) = tail.join().unwrap();
            assert_eq!(gone, [0; 0]);
            assert_each_once(0, &seen, &gone);
        }
    });
    assert!(log.segment_base_offsets().len() > 50);
}

#[test]
fn under_retention_every_offset_is_seen_or_said_to_be_gone() {
    let data = tempfile::tempdir().unwrap();
    let config = LogConfig { retention_bytes: Some(12_000), file_delete_delay_ms: 0, ..config() };
    let log = open(data.path(), config);
    let appended = AtomicBool::new(false);
    thread::scope(|scope| {
        let tails: Vec<_> = [1, 300, 1 << 20]
            .into_iter()
            .map(|max_bytes| {
                let tail = log.tail(Offset::ZERO, Isolation::ReadUncommitted).max_bytes(max_bytes);
                scope.spawn(move || follow(tail, RECORDS))
            })
            .collect();
        let housekeeper = scope.spawn(|| {
            let mut removed = 0;
            while !appended.load(Ordering::SeqCst) {
                removed += log.apply_retention().unwrap();
                log.remove_deleted_files().unwrap();
                log.flush_if_due().unwrap();
                thread::yield_now();
            }
            removed + log.apply_retention().unwrap()
        });
        append_up_to(&log, RECORDS, 0);
        appended.store(true, Ordering::SeqCst);
        assert!(housekeeper.join().unwrap() > 0, "something was removed");
        for tail in tails {
            let (seen, gone) = tail.join().unwrap();
            assert_each_once(0, &seen, &gone);
        }
    });
    assert!(log.size_bytes().unwrap() < 12_000 + 2 * 4_096);
}

#[test]
fn reads_at_any_offset_find_their_record_while_both_ends_move() {
    let data = tempfile::tempdir().unwrap();
    let config = LogConfig { retention_bytes: Some(30_000), file_delete_delay_ms: 0, ..config() };
    let log = open(data.path(), config);
    let appended = AtomicBool::new(false);
    let read_on = |seed: i64| {
        let mut found = 0;
        let mut step = seed;
        while !appended.load(Ordering::SeqCst) || found == 0 {
            let (start, end) = (log.log_start_offset().get(), log.log_end_offset().get());
            step = (step * 7_919 + 13) % 1_000_003;
            let from = start + step % (end - start).max(1);
            match log.read_batches(Offset::new(from), 500, Isolation::ReadUncommitted) {
                Ok(batches) => {
                    let mut next = from;
                    let mut take = |record: &ottla_record::Record<'_>| {
                        assert_eq!((told(record).0, record.offset.get()), (next, next));
                        next += 1;
                        Ok(())
                    };
                    batches.for_each_record(&mut take).unwrap();
                    assert_eq!(batches.next_offset().get(), next);
                    found += next - from;
                }
                Err(Error::OffsetOutOfRange { log_start_offset, .. }) => {
                    assert!(log_start_offset.get() > from, "the end never goes back");
                }
                Err(other) => panic!("at {from}: {other}"),
            }
        }
        found
    };
    thread::scope(|scope| {
        let readers: Vec<_> = (1..4).map(|seed| scope.spawn(move || read_on(seed))).collect();
        for end in (0..=RECORDS).step_by(200) {
            append_up_to(&log, end, 0);
            log.apply_retention().unwrap();
            log.remove_deleted_files().unwrap();
        }
        appended.store(true, Ordering::SeqCst);
        assert!(readers.into_iter().all(|reader| reader.join().unwrap() > 0));
    });
    assert!(log.log_start_offset() > Offset::ZERO);
}

#[test]
fn a_tail_behind_a_cut_is_told_and_one_before_it_goes_on() {
    let data = tempfile::tempdir().unwrap();
    let log = open(data.path(), config());
    append_up_to(&log, 100, 0);
    let read_to_end = |tail: &mut Tail| while tail.next(Duration::ZERO).unwrap().is_some() {};
    let mut behind = log.tail(Offset::ZERO, Isolation::ReadUncommitted);
    read_to_end(&mut behind);
    assert_eq!(behind.position().get(), 100);
    let mut before = log.tail(Offset::new(3), Isolation::ReadUncommitted);
    let mut at_each: Vec<Tail> =
        (40..60).map(|offset| log.tail(Offset::new(offset), Isolation::ReadUncommitted)).collect();

    log.truncate(Offset::new(50)).unwrap();
    let cut = log.log_end_offset();
    assert!((40..=50).contains(&cut.get()));
    for tail in &mut at_each {
        let told = tail.next(Duration::ZERO);
        assert_eq!(told.is_err(), tail.position() > cut, "only what is behind the cut is lost: {told:?}");
    }
    // Other records take the place of those that were cut.
    append_up_to(&log, 200, 1);
    match behind.next(AT_MOST) {
        Err(Error::Truncated { position, log_end_offset }) => {
            assert_eq!((position.get(), log_end_offset), (100, cut));
        }
        other => panic!("{other:?}"),
    }
    assert!(matches!(behind.next(AT_MOST), Err(Error::Truncated { .. })), "until it seeks");
    behind.seek(cut);
    let again = behind.next(AT_MOST).unwrap().unwrap();
    again
        .for_each_record(|record| {
            assert_eq!(told(record), (record.offset.get(), 1));
            Ok(())
        })
        .unwrap();
    read_to_end(&mut before);
    assert_eq!(before.position().get(), 200);
}

#[test]
fn a_tail_that_waits_is_woken_by_a_cut_and_by_the_end_of_the_log() {
    let data = tempfile::tempdir().unwrap();
    let log = open(data.path(), config());
    append_up_to(&log, 20, 0);
    thread::scope(|scope| {
        let mut tail = log.tail(Offset::new(20), Isolation::ReadUncommitted);
        let waiting = scope.spawn(move || {
            let told = tail.next(AT_MOST);
            assert!(matches!(told, Err(Error::Truncated { .. })), "{told:?}");
            tail.seek(Offset::ZERO);
            loop {
                match tail.next(AT_MOST) {
                    Ok(batches) => assert!(batches.is_some(), "closing wakes"),
                    Err(e) => return e,
                }
            }
        });
        log.truncate(Offset::new(5)).unwrap();
        while !waiting.is_finished() && log.log_end_offset() < Offset::new(40) {
            append_up_to(&log, log.log_end_offset().get() + 1, 1);
        }
        log.close().unwrap();
        let stopped = waiting.join().unwrap();
        assert!(matches!(stopped, Error::Closed { .. }), "{stopped:?}");
    });
}

#[test]
fn what_was_read_of_a_log_that_is_cut_again_and_again_was_in_it_at_the_time() {
    const CUTS: u64 = 60;
    let data = tempfile::tempdir().unwrap();
    let log = open(data.path(), config());
    thread::scope(|scope| {
        let mut tail = log.tail(Offset::ZERO, Isolation::ReadUncommitted).max_bytes(700);
        let follower = scope.spawn(move || {
            // What a follower holds after every cut it was told of; the log must hold the same at the end.
            let mut held: Vec<(i64, u64)> = Vec::new();
            loop {
                match tail.next(AT_MOST) {
                    Ok(batches) => batches
                        .expect("the appender goes on, or closes the log")
                        .for_each_record(|record| {
                            assert_eq!(record.offset.get(), held.len() as i64);
                            held.push(told(record));
                            Ok(())
                        })
                        .unwrap(),
                    Err(Error::Truncated { log_end_offset, .. }) => {
                        held.truncate(log_end_offset.get() as usize);
                        tail.seek(Offset::new(held.len() as i64));
                    }
                    Err(Error::Closed { .. }) => return held,
                    Err(other) => panic!("{other}"),
                }
            }
        });
        for cuts in 0..CUTS {
            let end = log.log_end_offset().get();
            append_up_to(&log, end + 40, cuts);
            log.truncate(Offset::new(end + 5 + cuts as i64 % 30)).unwrap();
        }
        let end = log.log_end_offset();
        let mut last = log.tail(Offset::ZERO, Isolation::ReadUncommitted);
        let mut expected = Vec::new();
        while last.position() < end {
            let mut take = |record: &ottla_record::Record<'_>| {
                expected.push(told(record));
                Ok(())
            };
            last.next(AT_MOST).unwrap().unwrap().for_each_record(&mut take).unwrap();
        }
        log.close().unwrap();
        let held = follower.join().unwrap();
        assert!(held.len() <= expected.len());
        assert_eq!(held[..], expected[..held.len()]);
    });
}

#[test]
fn a_tail_reads_no_more_at_once_than_it_was_told_and_a_larger_batch_whole() {
    let dir = tempfile::tempdir().unwrap();
    let log = open(dir.path(), config());
    for offset in 0..5 {
        log.append(&batch(offset, 1, 0)).unwrap();
    }
    for (max_bytes, reads) in [(1, 5), (1 << 20, 1)] {
        let mut tail = log.tail(Offset::ZERO, Isolation::ReadUncommitted).max_bytes(max_bytes);
        for _ in 0..reads {
            assert!(tail.next(AT_MOST).unwrap().is_some());
        }
        assert_eq!(tail.position(), Offset::new(5), "{max_bytes}");
    }
}

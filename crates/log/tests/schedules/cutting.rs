//! Cutting the end of an open log while others append, wait for the disk, read and follow.

use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use ottla::{Error, Log, LogConfig, Offset, Tail};

use crate::disk::Disk;
use crate::explore::explore;
use crate::scene::{
    ALL, LONG, Seen, append, append_all, batch, config, join, open, read, read_all, seen, segments_of, spawn,
};

/// Reads the end of a cut file: the bytes went between the look at the log and the copy.
fn ended_early(error: &Error) -> bool {
    matches!(error, Error::Io { source, .. } if source.kind() == io::ErrorKind::UnexpectedEof)
}

/// Follows the log until it shows `last`, and returns what it holds then as the reader was told it.
fn follow(mut tail: Tail, last: &str) -> Vec<Seen> {
    let mut view: Vec<Seen> = Vec::new();
    loop {
        let position = tail.position();
        match tail.next(LONG) {
            Ok(batches) => {
                let new = seen(&batches.expect("nobody waits so long"));
                assert!(new.iter().map(|(offset, _)| *offset).eq(position.get()..tail.position().get()));
                view.extend(new);
            }
            Err(Error::Truncated { position: stood_at, log_end_offset }) => {
                assert!(stood_at == position && log_end_offset < position);
                view.retain(|(offset, _)| *offset < log_end_offset.get());
                tail.seek(log_end_offset);
            }
            Err(e) => panic!("at {position}: {e}"),
        }
        if view.last().is_some_and(|(_, value)| value == last) {
            return view;
        }
    }
}

/// Three old records; cut to one, while two threads append.
fn cut_while_followed(config: &LogConfig) {
    let disk = Disk::default();
    let log = open(&disk, config.clone());
    append_all(&log, &["<old 0>", "<old 1>", "<old 2>"]);
    let tails = [1, 1 << 20].map(|max_bytes| {
        let tail = log.tail(Offset::ZERO, ALL).max_bytes(max_bytes);
        spawn(move || follow(tail, "<last>"))
    });
    let cutter = {
        let log = log.clone();
        spawn(move || log.truncate(Offset::new(1)).unwrap())
    };
    let appender = {
        let log = log.clone();
        spawn(move || append(&log, "<new>"))
    };
    cutter.join().unwrap();
    appender.join().unwrap();
    append(&log, "<last>");
    let expected = read_all(&log);
    assert_eq!(expected[0], (0, "<old 0>".to_owned()));
    assert!(expected[1..].iter().all(|(_, value)| !value.starts_with("<old")), "{expected:?}");
    assert_eq!(join(tails), [expected.clone(), expected]);
}

#[test]
fn a_tail_has_at_the_end_what_the_log_has() {
    explore("a cut, appends and tails", || cut_while_followed(&config()));
}

#[test]
fn a_tail_has_at_the_end_what_the_log_has_over_several_segments() {
    explore("a cut over segments, appends and tails", || cut_while_followed(&segments_of(1)));
}

#[test]
fn a_reader_sees_the_log_before_the_cut_or_after_it() {
    explore("a cut, appends and reads", || {
        let disk = Disk::default();
        let log = open(&disk, segments_of(2));
        append_all(&log, &["<old 0>", "<old 1>", "<old 2>"]);
        let held = log.read(Offset::ZERO, 1, ALL).unwrap().slice;
        let cutter = {
            let log = log.clone();
            spawn(move || {
                log.truncate(Offset::new(1)).unwrap();
                append(&log, "<new 1>");
            })
        };
        let readers = [0, 1].map(|from| {
            let log = log.clone();
            spawn(move || {
                let mut is_new = false;
                for from in [from, from, 0] {
                    match read(&log, from, ALL) {
                        Ok(found) => {
                            assert!(
                                found.iter().map(|(offset, _)| *offset).eq(from..from + found.len() as i64)
                            );
                            for (offset, value) in found {
                                is_new |= value.starts_with("<new");
                                let of_now = if is_new && offset > 0 { "new" } else { "old" };
                                assert_eq!(value, format!("<{of_now} {offset}>"));
                            }
                        }
                        Err(e) => assert!(ended_early(&e), "{e}"),
                    }
                }
            })
        });
        cutter.join().unwrap();
        join(readers);
        assert_eq!(
            held.read_all().unwrap(),
            log.read(Offset::ZERO, 1, ALL).unwrap().slice.read_all().unwrap()
        );
        assert_eq!(read_all(&log), [(0, "<old 0>".to_owned()), (1, "<new 1>".to_owned())]);
    });
}

/// The offsets of what is cut are given out again: that those are on disk says nothing of the old ones.
#[test]
fn what_was_cut_is_not_acknowledged_by_what_took_its_place() {
    explore("a cut and those who wait", || {
        let disk = Disk::default();
        let log = open(&disk, config());
        append(&log, "<first>");
        let is_cut = Arc::new(AtomicBool::new(false));
        let waiters = ["<old 1>", "<old 2>"].map(|value| {
            let promise = log.append(&batch(value)).unwrap().durability;
            let (disk, is_cut) = (disk.clone(), is_cut.clone());
            spawn(move || {
                match promise.wait() {
                    Ok(()) => {
                        assert!(is_cut.load(Ordering::SeqCst) || disk.keeps(value), "{value} is not on disk")
                    }
                    Err(Error::Truncated { .. }) => assert!(is_cut.load(Ordering::SeqCst)),
                    Err(e) => panic!("{e}"),
                }
                promise
            })
        });
        let cutter = {
            let (disk, log, is_cut) = (disk.clone(), log.clone(), is_cut.clone());
            spawn(move || {
                is_cut.store(true, Ordering::SeqCst);
                log.truncate(Offset::new(1)).unwrap();
                for value in ["<new 1>", "<new 2>"] {
                    log.append(&batch(value)).unwrap().durability.wait().unwrap();
                    assert!(disk.keeps(value), "{value} was acknowledged and is not on disk");
                }
            })
        };
        let promises = join(waiters);
        cutter.join().unwrap();
        for promise in promises {
            assert!(matches!(promise.is_durable(), Err(Error::Truncated { .. })));
        }
        assert_eq!(log.durable_offset().get(), 3);
    });
}

#[test]
fn cuts_flushes_and_deletes_take_their_turns() {
    explore("a cut, a flush and a delete", || {
        let disk = Disk::default();
        let log = open(&disk, segments_of(1));
        append_all(&log, &["<0>", "<1>", "<2>", "<3>"]);
        let others: [fn(&Log); 3] = [
            |log| log.truncate(Offset::new(3)).unwrap(),
            |log| log.flush().unwrap(),
            |log| assert_eq!(log.delete_records(Offset::new(2)).unwrap().get(), 2),
        ];
        join(others.map(|change| {
            let log = log.clone();
            spawn(move || change(&log))
        }));
        assert!(log.recovery_point() <= log.log_end_offset());
        assert!(log.durable_offset() <= log.log_end_offset());
        let bounds = (log.log_start_offset().get(), log.log_end_offset().get());
        assert_eq!(bounds, (2, 3));
        log.close().unwrap();
        drop(log);
        let log = open(&disk, segments_of(1));
        assert_eq!((log.log_start_offset().get(), log.log_end_offset().get()), bounds);
        assert_eq!(read_all(&log), [(2, "<2>".to_owned())]);
    });
}

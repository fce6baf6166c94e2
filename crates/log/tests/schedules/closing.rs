//! Closing a log under those who use it: each gets what it asked for, or is told that the log is closed. Nobody hangs.

use std::sync::{Arc, Mutex};

use ottla::{Environment, Error, Log, Offset};

use crate::disk::Disk;
use crate::explore::explore;
use crate::scene::{
    ALL, DIR, LONG, NOW_MS, append, batch, config, environment, is_closed, join, open, read, read_all,
    segments_of, spawn,
};

fn is_fine<T>(outcome: &ottla::Result<T>) -> bool {
    outcome.is_ok() || is_closed(outcome)
}

#[test]
fn an_append_that_succeeded_is_there_after_a_close() {
    explore("a close, appends and those who wait", || {
        let disk = Disk::default();
        let log = open(&disk, segments_of(1));
        append(&log, "<first>");
        let appended: Arc<Mutex<Vec<String>>> = Arc::default();
        let producers = [0, 1].map(|producer| {
            let (disk, log, appended) = (disk.clone(), log.clone(), appended.clone());
            spawn(move || {
                for record in 0..2 {
                    let value = format!("<{producer} {record}>");
                    match log.append(&batch(&value)) {
                        Ok(done) => {
                            appended.lock().unwrap().push(value.clone());
                            let waited = done.durability.wait();
                            assert!(is_fine(&waited), "{waited:?}");
                            assert!(waited.is_err() || disk.keeps(&value), "{value} is not on disk");
                        }
                        refused => assert!(is_closed(&refused), "{refused:?}"),
                    }
                }
            })
        });
        let closers = [0, 1].map(|_| {
            let log = log.clone();
            spawn(move || log.close().unwrap())
        });
        join(producers);
        join(closers);
        assert!(is_closed(&log.append(&batch("late"))) && is_closed(&read(&log, 0, ALL)));
        drop(log);
        let (log, report) = Log::open_with(DIR, segments_of(1), environment(&disk)).unwrap();
        assert!(report.clean && report.is_uneventful(), "{report:?}");
        let there = read_all(&log);
        let appended = appended.lock().unwrap();
        assert_eq!(there.len(), appended.len() + 1, "{there:?}, of {appended:?}");
        assert!(appended.iter().all(|value| there.iter().any(|(_, found)| found == value)), "{there:?}");
    });
}

#[test]
fn who_reads_follows_or_flushes_is_told_of_a_close() {
    explore("a close and everybody else", || {
        let disk = Disk::default();
        let log = open(&disk, segments_of(1));
        (0..2).for_each(|offset| assert_eq!(append(&log, &format!("<{offset}>")), offset));
        let tail = {
            let mut tail = log.tail(Offset::ZERO, ALL);
            spawn(move || {
                let closed = loop {
                    match tail.next(LONG) {
                        Ok(batches) => assert!(batches.is_some(), "nobody waits so long"),
                        Err(Error::OffsetOutOfRange { log_start_offset, .. }) => tail.seek(log_start_offset),
                        closed => break closed,
                    }
                };
                assert!(is_closed(&closed), "{closed:?}");
            })
        };
        let maintain = |log: &Log| {
            assert!(is_fine(&log.flush()));
            assert!(is_fine(&log.apply_retention()));
        };
        let look = |log: &Log| {
            for from in [0, 1] {
                let found = read(log, from, ALL);
                let is_gone = matches!(&found, Err(Error::OffsetOutOfRange { log_start_offset, .. }) if log_start_offset.get() > from);
                assert!(is_gone || is_fine(&found), "{found:?}");
                let found = log.offset_for_timestamp(NOW_MS);
                assert!(is_fine(&found), "{found:?}");
            }
        };
        let delete = |log: &Log| {
            let deleted = log.delete_records(Offset::new(1));
            assert!(is_fine(&deleted), "{deleted:?}");
        };
        let threads: [fn(&Log); 3] = [maintain, look, delete];
        let threads = threads.map(|work| {
            let log = log.clone();
            spawn(move || work(&log))
        });
        log.close().unwrap();
        tail.join().unwrap();
        join(threads);
        assert!(is_closed(&log.flush()));
    });
}

/// The last handle is dropped while somebody else still holds what an append has promised.
#[test]
fn a_log_that_is_dropped_can_be_opened_again() {
    explore("a drop and those who wait", || {
        let disk = Disk::default();
        let log = open(&disk, config());
        let waiters = ["<0>", "<1>"].map(|value| {
            let promise = log.append(&batch(value)).unwrap().durability;
            let disk = disk.clone();
            spawn(move || {
                promise.wait().unwrap();
                assert!(disk.keeps(value), "{value} was acknowledged and is not on disk");
            })
        });
        let committer = log.committer();
        let committer = spawn(move || committer.run());
        drop(log);
        committer.join().unwrap();
        let environment: Environment = environment(&disk);
        let (log, _) = Log::open_with(DIR, config(), environment).unwrap();
        assert_eq!(log.log_end_offset().get(), 2);
        join(waiters);
    });
}

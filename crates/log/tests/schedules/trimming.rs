//! Shortening a log at its old end while others read, follow and append.

use ottla::{Error, Log, LogConfig, Offset};

use crate::disk::Disk;
use crate::explore::explore;
use crate::scene::{ALL, LONG, NOW_MS, WHOLE, append, join, open, read, read_all, seen, segments_of, spawn};

/// A log of five segments with a record each.
fn five(disk: &Disk, config: LogConfig) -> Log {
    let log = open(disk, config);
    (0..5).for_each(|offset| assert_eq!(append(&log, &format!("<{offset}>")), offset));
    log
}

fn delete(log: &Log) {
    assert_eq!(log.delete_records(Offset::new(2)).unwrap().get(), 2);
    log.remove_deleted_files().unwrap();
    assert_eq!(log.delete_records(Offset::new(3)).unwrap().get(), 3);
    log.remove_deleted_files().unwrap();
}

/// Reads from each offset: the record is there, or the log says where it starts now.
fn read_each(log: &Log) {
    for from in [1, 0, 2, 3] {
        match read(log, from, ALL) {
            Ok(found) => assert_eq!(found[0], (from, format!("<{from}>"))),
            Err(Error::OffsetOutOfRange { requested, log_start_offset, .. }) => {
                assert!(requested.get() == from && log_start_offset.get() > from);
            }
            Err(e) => panic!("at {from}: {e}"),
        }
    }
}

#[test]
fn a_reader_finds_its_record_or_is_told_that_it_is_gone() {
    explore("deletes and reads", || {
        let log = five(&Disk::default(), segments_of(1));
        let threads: [fn(&Log); 3] = [delete, read_each, read_each];
        join(threads.map(|work| {
            let log = log.clone();
            spawn(move || work(&log))
        }));
        assert_eq!(read_all(&log), [(3, "<3>".to_owned()), (4, "<4>".to_owned())]);
    });
}

#[test]
fn bytes_in_flight_stay_readable() {
    explore("deletes and slices in flight", || {
        let log = five(&Disk::default(), segments_of(1));
        let deleter = {
            let log = log.clone();
            spawn(move || delete(&log))
        };
        let readers = [0, 2].map(|from| {
            let log = log.clone();
            spawn(move || {
                let Ok(fetched) = log.read(Offset::new(from), WHOLE, ALL) else { return };
                let bytes = fetched.slice.read_all().unwrap();
                let value = format!("<{from}>");
                assert!(bytes.windows(value.len()).any(|window| window == value.as_bytes()));
                assert_eq!(fetched.slice.read_all().unwrap(), bytes);
            })
        });
        deleter.join().unwrap();
        join(readers);
    });
}

#[test]
fn a_tail_skips_nothing_silently() {
    explore("deletes, appends and a tail", || {
        let log = five(&Disk::default(), segments_of(1));
        let reader = {
            let mut tail = log.tail(Offset::ZERO, ALL).max_bytes(1);
            spawn(move || {
                while tail.position().get() < 7 {
                    let position = tail.position().get();
                    match tail.next(LONG) {
                        Ok(batches) => {
                            assert_eq!(seen(&batches.unwrap()), [(position, format!("<{position}>"))]);
                        }
                        Err(Error::OffsetOutOfRange { log_start_offset, .. }) => {
                            assert!(log_start_offset.get() > position);
                            tail.seek(log_start_offset);
                        }
                        Err(e) => panic!("at {position}: {e}"),
                    }
                }
            })
        };
        let deleter = {
            let log = log.clone();
            spawn(move || delete(&log))
        };
        for offset in [5, 6] {
            append(&log, &format!("<{offset}>"));
        }
        deleter.join().unwrap();
        reader.join().unwrap();
    });
}

#[test]
fn a_look_up_by_time_finds_what_stays() {
    explore("deletes and look-ups", || {
        let log = five(&Disk::default(), segments_of(1));
        let looker = {
            let log = log.clone();
            spawn(move || {
                for _ in 0..2 {
                    let start = log.log_start_offset();
                    let found =
                        log.offset_for_timestamp(NOW_MS).unwrap().expect("the newest are never deleted");
                    assert!(found.offset >= start);
                    assert!(log.max_timestamp().unwrap().is_some());
                    assert!(log.size_bytes().unwrap() > 0);
                }
            })
        };
        let deleter = {
            let log = log.clone();
            spawn(move || delete(&log))
        };
        looker.join().unwrap();
        deleter.join().unwrap();
    });
}

/// Retention by size, while the log grows.
#[test]
fn retention_keeps_what_the_settings_keep() {
    explore("retention, appends and reads", || {
        let config = LogConfig { retention_bytes: Some(100), ..segments_of(1) };
        let log = open(&Disk::default(), config);
        (0..4).for_each(|offset| assert_eq!(append(&log, &format!("<{offset}>")), offset));
        let keeper = {
            let log = log.clone();
            spawn(move || {
                log.apply_retention().unwrap();
                log.remove_deleted_files().unwrap();
                log.flush_if_due().unwrap();
            })
        };
        let reader = {
            let log = log.clone();
            spawn(move || read_each(&log))
        };
        let appender = {
            let log = log.clone();
            spawn(move || [4, 5].map(|offset| assert_eq!(append(&log, &format!("<{offset}>")), offset)))
        };
        keeper.join().unwrap();
        reader.join().unwrap();
        appender.join().unwrap();
        let left = read_all(&log);
        assert!(log.log_start_offset().get() >= 2, "{left:?}");
        assert!(left.iter().map(|(offset, _)| *offset).eq(log.log_start_offset().get()..6));
    });
}

//! Group commit: the append lock, the sync round, the list of rolled segments, and those who read only what is on disk.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};

use ottla::{Error, Isolation, Log, LogConfig, Offset};
use ottla_testkit::{Call, Fault, LoggedCall, Repeat};
use shuttle::thread::JoinHandle;

use crate::disk::Disk;
use crate::explore::explore;
use crate::scene::{ALL, DIR, LONG, batch, config, join, open, read_all, seen, segments_of, spawn};

/// A producer that appends two records and waits for each.
fn produce(disk: &Disk, log: &Log, producer: usize) -> JoinHandle<()> {
    let (disk, log) = (disk.clone(), log.clone());
    spawn(move || {
        for record in 0..2 {
            let value = format!("<{producer} {record}>");
            let promise = log.append(&batch(&value)).unwrap().durability;
            promise.wait().unwrap();
            assert!(disk.keeps(&value), "{value} was acknowledged and is not on disk");
            assert!(log.durable_offset() >= promise.end_offset());
            assert!(promise.is_durable().unwrap());
        }
    })
}

/// Small files are synced too, one for the first leader epoch.
fn syncs_of_segments(disk: &Disk) -> u64 {
    let is_of_segment = |call: &LoggedCall| {
        call.call == Call::Sync && call.path.extension().is_some_and(|kind| kind == "log")
    };
    disk.sim.log().iter().filter(|call| is_of_segment(call)).count() as u64
}

#[test]
fn nothing_is_acknowledged_before_it_is_on_disk_and_one_sync_serves_several() {
    static WAITS: AtomicU64 = AtomicU64::new(0);
    static SYNCS: AtomicU64 = AtomicU64::new(0);
    explore("group commit", || {
        let disk = Disk::default();
        let log = open(&disk, config());
        let before = syncs_of_segments(&disk);
        join([0, 1, 2].map(|producer| produce(&disk, &log, producer)));
        let syncs = syncs_of_segments(&disk) - before;
        assert!((1..=6).contains(&syncs), "{syncs} syncs for 6 waits");
        WAITS.fetch_add(6, Ordering::Relaxed);
        SYNCS.fetch_add(syncs, Ordering::Relaxed);

        let records = read_all(&log);
        assert_eq!(records.iter().map(|(offset, _)| *offset).collect::<Vec<_>>(), [0, 1, 2, 3, 4, 5]);
        for producer in 0..3 {
            let of_one = records.iter().filter(|(_, value)| value.starts_with(&format!("<{producer}")));
            assert!(of_one.map(|(_, value)| value.as_str()).is_sorted(), "{records:?}");
        }
    });
    assert!(SYNCS.load(Ordering::Relaxed) < WAITS.load(Ordering::Relaxed), "no sync served two");
}

#[test]
fn a_sync_that_fails_fails_all_that_it_was_to_serve() {
    explore("group commit, a failing sync", || {
        let disk = Disk::default();
        let log = open(&disk, config());
        disk.sim.fail_only_under(DIR);
        disk.sim.fail_nth(Call::Sync, 2, Fault::EIO, Repeat::Once);
        let appended: Arc<Mutex<Vec<(Offset, String)>>> = Arc::default();
        let producers = [0, 1, 2].map(|producer| {
            let (disk, log, appended) = (disk.clone(), log.clone(), appended.clone());
            spawn(move || {
                for record in 0..2 {
                    let value = format!("<{producer} {record}>");
                    let promise = match log.append(&batch(&value)) {
                        Ok(appended) => appended.durability,
                        Err(Error::Poisoned { .. }) => return,
                        Err(e) => panic!("{e}"),
                    };
                    appended.lock().unwrap().push((promise.end_offset(), value.clone()));
                    match promise.wait() {
                        Ok(()) => assert!(disk.keeps(&value), "{value} was acknowledged and is not on disk"),
                        Err(Error::Io { .. } | Error::Poisoned { .. }) => {
                            assert!(promise.is_durable().is_err(), "{value} failed and is durable");
                        }
                        Err(e) => panic!("{e}"),
                    }
                }
            })
        });
        join(producers);
        let has_failed = disk.sim.faults_hit() > 0;
        assert_eq!(log.append(&batch("<late>")).is_err(), has_failed);
        let durable = log.durable_offset();
        for (end, value) in appended.lock().unwrap().iter().filter(|(end, _)| *end <= durable) {
            assert!(disk.keeps(value), "{value} ends at {end}, and {durable} is said to be durable");
        }
    });
}

#[test]
fn a_roll_or_a_flush_in_between_hides_nothing_from_a_sync() {
    explore("group commit, rolls and a flush", || {
        let disk = Disk::default();
        let log = open(&disk, segments_of(1));
        let producers = [0, 1].map(|producer| produce(&disk, &log, producer));
        let flusher = {
            let log = log.clone();
            spawn(move || log.flush().unwrap())
        };
        join(producers);
        flusher.join().unwrap();
        assert!(log.recovery_point() <= log.durable_offset());
        assert_eq!(log.durable_offset(), log.log_end_offset());
        assert_eq!(read_all(&log).len(), 4);
    });
}

/// Reads until it has seen so many records.
fn follow(disk: &Disk, log: &Log, limit: impl Into<ottla::ReadLimit>, records: i64) -> JoinHandle<()> {
    let (disk, mut tail) = (disk.clone(), log.tail(Offset::ZERO, limit));
    spawn(move || {
        while tail.position().get() < records {
            let batches = tail.next(LONG).unwrap().expect("nobody waits so long");
            for (_, value) in seen(&batches) {
                assert!(disk.keeps(&value), "{value} was shown and is not on disk");
            }
        }
    })
}

#[test]
fn a_reader_of_what_is_on_disk_sees_nothing_else_and_is_woken() {
    explore("readers of what is on disk", || {
        let disk = Disk::default();
        let log = open(&disk, config());
        let reader = follow(&disk, &log, Isolation::ReadCommitted.durable(), 4);
        join([0, 1].map(|producer| produce(&disk, &log, producer)));
        reader.join().unwrap();
    });
}

#[test]
fn where_every_record_is_flushed_no_reader_sees_more_than_the_disk() {
    explore("flush.messages=1", || {
        let disk = Disk::default();
        let log = open(&disk, LogConfig { flush_messages: Some(1), ..config() });
        let reader = follow(&disk, &log, ALL, 3);
        let producers = [0, 1, 2].map(|producer| {
            let log = log.clone();
            spawn(move || {
                log.append(&batch(&format!("<{producer}>"))).unwrap().durability.is_durable().unwrap()
            })
        });
        assert_eq!(join(producers), [true; 3]);
        reader.join().unwrap();
        assert_eq!(log.high_watermark().get(), 3);
    });
}

/// Leaving `flush.messages` on and off while records come: what was hidden is brought to disk.
#[test]
fn a_setting_that_hides_what_is_not_on_disk_hides_nothing_for_good() {
    explore("flush.messages is set", || {
        let disk = Disk::default();
        let log = open(&disk, config());
        let producers = [0, 1].map(|producer| {
            let log = log.clone();
            spawn(move || log.append(&batch(&format!("<{producer}>"))).unwrap())
        });
        let setter = {
            let log = log.clone();
            spawn(move || log.set_config(LogConfig { flush_messages: Some(1), ..config() }))
        };
        join(producers);
        setter.join().unwrap();
        assert_eq!(log.high_watermark(), log.log_end_offset());
        assert_eq!(log.durable_offset(), log.log_end_offset());
    });
}

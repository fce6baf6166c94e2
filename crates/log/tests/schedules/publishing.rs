//! The published position: bounds, bytes, transactions and leader epochs, appended and read at once, with and without rolls.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicI64, Ordering};

use ottla::dir::LeaderEpochs;
use ottla::{AppendOptions, Isolation, Log, LogConfig, Offset, Origin};
use ottla_record::{BatchBuilder, EndTransactionMarker};
use shuttle::thread::JoinHandle;

use crate::disk::Disk;
use crate::explore::explore;
use crate::scene::{ALL, DIR, NOW_MS, WHOLE, batch_of, config, end_of, join, open, read, segments_of, spawn};

/// The bounds of a log never go back.
#[derive(Default)]
struct Bounds {
    end: Offset,
    high_watermark: Offset,
    stable: Offset,
    durable: Offset,
}

impl Bounds {
    fn look(&mut self, log: &Log) {
        // The smaller ones first: those that are looked at later may only be larger.
        let now = Bounds {
            stable: log.last_stable_offset(),
            durable: log.durable_offset(),
            high_watermark: log.high_watermark(),
            end: log.log_end_offset(),
        };
        assert!(now.stable <= now.high_watermark && now.high_watermark <= now.end && now.durable <= now.end);
        assert!(self.stable <= now.stable && self.durable <= now.durable);
        assert!(self.high_watermark <= now.high_watermark && self.end <= now.end);
        *self = now;
    }
}

/// Everything below was appended. The end of the log is told a moment before the bytes are shown.
type Shown = Arc<AtomicI64>;

/// Three batches of two records, each of which tells its offset, by its timestamp too.
fn append_pairs(log: &Log, shown: &Shown) -> JoinHandle<()> {
    let (log, shown) = (log.clone(), shown.clone());
    spawn(move || {
        for offset in [0, 2, 4] {
            let values = [format!("<{offset}>"), format!("<{}>", offset + 1)];
            let bytes = batch_of(BatchBuilder::new(), &[&values[0], &values[1]], NOW_MS + offset);
            assert_eq!(log.append(&bytes).unwrap().base_offset.get(), offset);
            shown.store(offset + 2, Ordering::SeqCst);
        }
    })
}

/// Reads from each offset, and checks that all that a slice holds is whole, published, and within the bounds that came with it.
fn read_slices(log: &Log, shown: &Shown) -> JoinHandle<()> {
    let (log, shown) = (log.clone(), shown.clone());
    spawn(move || {
        let mut bounds = Bounds::default();
        for from in [0, 1, 2, 4].map(Offset::new) {
            bounds.look(&log);
            let shown = shown.load(Ordering::SeqCst);
            let Ok(fetched) = log.read(from, WHOLE, Isolation::ReadCommitted) else {
                assert!(from > bounds.end);
                continue;
            };
            let bytes = fetched.slice.read_all().unwrap();
            let end = end_of(&bytes, from);
            assert!(bytes.is_empty() || end <= fetched.last_stable_offset, "{end} of {fetched:?}");
            assert!(fetched.last_stable_offset <= fetched.high_watermark, "{fetched:?}");
            assert!(fetched.high_watermark <= log.log_end_offset());
            assert!(from.get() >= shown || end > from, "{shown} were shown before: {fetched:?}");
            for (offset, value) in read(&log, from.get(), ALL).unwrap() {
                assert_eq!(value, format!("<{offset}>"));
            }
        }
    })
}

#[test]
fn a_reader_sees_whole_batches_within_the_bounds_that_it_is_told() {
    explore("appends and reads", || {
        let log = open(&Disk::default(), config());
        let shown = Shown::default();
        let appender = append_pairs(&log, &shown);
        join([read_slices(&log, &shown), read_slices(&log, &shown)]);
        appender.join().unwrap();
        assert_eq!(read(&log, 0, ALL).unwrap().len(), 6);
    });
}

#[test]
fn a_roll_hides_nothing_from_readers() {
    explore("rolls and reads", || {
        let log = open(&Disk::default(), segments_of(1));
        let shown = Shown::default();
        let appender = append_pairs(&log, &shown);
        join([read_slices(&log, &shown), read_slices(&log, &shown)]);
        appender.join().unwrap();
        assert_eq!(log.segment_base_offsets().len(), 3);
    });
}

/// The growing indexes: entries are pushed, and written out by flushes, while others look up.
#[test]
fn a_look_up_by_time_finds_what_was_published_before_it() {
    explore("appends, flushes and look-ups", || {
        let log = open(&Disk::default(), segments_of(3));
        let shown = Shown::default();
        let appender = append_pairs(&log, &shown);
        let flusher = {
            let log = log.clone();
            spawn(move || log.flush().unwrap())
        };
        let looks = |at: i64| {
            let (log, shown) = (log.clone(), shown.clone());
            spawn(move || {
                for offset in [at, at + 1] {
                    let before = shown.load(Ordering::SeqCst);
                    match log.offset_for_timestamp(NOW_MS + offset).unwrap() {
                        Some(found) => {
                            assert_eq!((found.offset.get(), found.timestamp_ms), (offset, NOW_MS + offset))
                        }
                        None => {
                            assert!(before <= offset, "{offset} was shown before: {before}")
                        }
                    }
                    let before = shown.load(Ordering::SeqCst);
                    let newest = log.max_timestamp().unwrap().map_or(-1, |newest| newest.offset.get());
                    assert!(newest + 1 >= before, "{newest} is the newest, and {before} were shown before");
                }
            })
        };
        join([looks(0), looks(3)]);
        appender.join().unwrap();
        flusher.join().unwrap();
    });
}

/// Appends a transaction of two records.
fn append_open(log: &Log, producer_id: i64, name: &str) {
    let values = [format!("<{name}0>"), format!("<{name}1>")];
    for (sequence, value) in (0..).zip(&values) {
        let builder = BatchBuilder::new().producer(producer_id, 0, sequence).transactional(true);
        log.append(&batch_of(builder, &[value], NOW_MS)).unwrap();
    }
}

fn end_transaction(log: &Log, producer_id: i64, commit: bool) {
    let marker = EndTransactionMarker {
        producer_id,
        producer_epoch: 0,
        coordinator_epoch: 0,
        commit,
        timestamp_ms: NOW_MS,
    };
    let options = AppendOptions { origin: Origin::Coordinator, leader_epoch: None };
    log.append_with(&marker.to_batch().unwrap(), &options).unwrap();
}

#[test]
fn a_careful_reader_sees_nothing_of_a_transaction_that_is_open_or_aborted() {
    explore("transactions and reads", || {
        let log = open(&Disk::default(), config());
        let committing = Arc::new(AtomicBool::new(false));
        let writers = [(7, "kept", true), (8, "gone", false)].map(|(id, name, commit)| {
            let (log, committing) = (log.clone(), committing.clone());
            spawn(move || {
                append_open(&log, id, name);
                if commit {
                    committing.store(true, Ordering::SeqCst);
                }
                end_transaction(&log, id, commit);
            })
        });
        let reader = {
            let log = log.clone();
            spawn(move || {
                let mut bounds = Bounds::default();
                for _ in 0..4 {
                    bounds.look(&log);
                    let seen = read(&log, 0, Isolation::ReadCommitted).unwrap();
                    assert!(
                        seen.is_empty() || committing.load(Ordering::SeqCst),
                        "of an open transaction: {seen:?}"
                    );
                    let values: Vec<&str> = seen.iter().map(|(_, value)| value.as_str()).collect();
                    assert!(
                        ["<kept0>", "<kept1>"].starts_with(&values),
                        "of an aborted transaction: {seen:?}"
                    );
                }
            })
        };
        join(writers);
        reader.join().unwrap();
        assert_eq!(log.last_stable_offset().get(), 6);
        assert_eq!(read(&log, 0, Isolation::ReadCommitted).unwrap().len(), 2);
    });
}

/// The aborted transaction may lie in a segment that is sealed by then.
#[test]
fn an_aborted_transaction_stays_hidden_while_the_log_rolls() {
    explore("transactions, rolls and reads", || {
        let log = open(&Disk::default(), segments_of(2));
        let writers = [(7, "gone", false), (8, "gone", false)].map(|(id, name, commit)| {
            let log = log.clone();
            spawn(move || {
                append_open(&log, id, name);
                end_transaction(&log, id, commit);
            })
        });
        let readers = [0, 1].map(|from| {
            let log = log.clone();
            spawn(move || {
                for from in [from, from + 2, from] {
                    if Offset::new(from) <= log.log_end_offset() {
                        assert_eq!(read(&log, from, Isolation::ReadCommitted).unwrap(), []);
                    }
                }
            })
        });
        join(writers);
        join(readers);
    });
}

#[test]
fn a_leader_epoch_is_on_disk_before_its_first_batch_is_read() {
    explore("leader epochs", || {
        let disk = Disk::default();
        let log = open(&disk, LogConfig { ..config() });
        let first = log.leader_epoch();
        let appender = {
            let log = log.clone();
            spawn(move || {
                for epoch in [first, first + 1, first + 2] {
                    let options = AppendOptions { origin: Origin::Client, leader_epoch: Some(epoch) };
                    log.append_with(&batch_of(BatchBuilder::new(), &["x"], NOW_MS), &options).unwrap();
                }
            })
        };
        let readers = [0, 1].map(|_| {
            let (disk, log) = (disk.clone(), log.clone());
            spawn(move || {
                for _ in 0..3 {
                    let batches = log.read_batches(Offset::ZERO, WHOLE, ALL).unwrap();
                    let epochs = batches.decoded().map(|batch| match batch.unwrap().head() {
                        ottla_record::Head::V2(header) => header.leader_epoch,
                        ottla_record::Head::Legacy(_) => unreachable!("nobody writes these"),
                    });
                    let Some(newest) = epochs.max() else { continue };
                    let after = disk.sim.durable_image();
                    let on_disk = ottla_testkit::SimFs::from_image(&after);
                    let known = LeaderEpochs::read(&on_disk, DIR.as_ref()).unwrap();
                    assert!(newest == first || known.latest().is_some_and(|latest| latest.epoch >= newest));
                    // How far the epoch before it reached is known as well.
                    let reached = log.end_offset_for_epoch(first + 1);
                    assert!(newest < first + 2 || reached.end_offset.get() == 2, "{reached:?}");
                }
            })
        });
        appender.join().unwrap();
        join(readers);
    });
}

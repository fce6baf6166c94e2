//! A store: topics made, altered and deleted while their logs are used, house is kept and checkpoints are written.

use std::collections::BTreeMap;

use ottla::dir::{OffsetCheckpoint, TopicPartition};
use ottla::{Cleaner, CleanerConfig, Error, LogConfig, Offset, Store, StoreConfig};

use crate::disk::Disk;
use crate::explore::explore;
use crate::scene::{
    DATA, append, batch, environment, is_closed, join, open_in, read_all, segments_of, spawn,
};

fn store_config(disk: &Disk, defaults: LogConfig) -> StoreConfig {
    StoreConfig { defaults, environment: environment(disk), ..StoreConfig::default() }
}

/// Logs that are flushed and shortened whenever house is kept.
fn defaults() -> LogConfig {
    LogConfig { flush_ms: Some(0), retention_bytes: Some(100), ..segments_of(1) }
}

fn open(disk: &Disk) -> Store {
    Store::open(DATA, store_config(disk, defaults())).unwrap().0
}

fn cleaner() -> Cleaner {
    Cleaner::new(CleanerConfig { dedupe_buffer_bytes: 1 << 10, io_buffer_bytes: 4096, ..Default::default() })
}

/// What a checkpoint on disk says of each partition.
fn on_disk(disk: &Disk, checkpoint: OffsetCheckpoint) -> BTreeMap<String, i64> {
    let offsets = checkpoint.read(&disk.sim, DATA.as_ref()).unwrap();
    offsets.iter().map(|(name, offset): (&TopicPartition, &Offset)| (name.dir_name(), offset.get())).collect()
}

#[test]
fn a_topic_is_deleted_and_made_anew_while_its_log_is_used() {
    explore("a topic deleted and made anew, appends, housekeeping", || {
        let disk = Disk::default();
        let store = open(&disk);
        let old = store.create_topic("letters", 1, &Default::default()).unwrap();
        let changer = {
            let store = store.clone();
            spawn(move || {
                store.delete_topic("letters").unwrap();
                let new = store.create_topic("letters", 1, &Default::default()).unwrap();
                assert_eq!(append(new.log(0).unwrap(), "<new>"), 0);
            })
        };
        let appender = {
            let log = old.log(0).unwrap().clone();
            spawn(move || {
                for value in ["<old>", "<old>"] {
                    match log.append(&batch(value)) {
                        Ok(appended) => {
                            let waited = appended.durability.wait();
                            assert!(waited.is_ok() || is_closed(&waited), "{waited:?}");
                        }
                        refused => assert!(is_closed(&refused), "{refused:?}"),
                    }
                }
            })
        };
        let keeper = {
            let store = store.clone();
            spawn(move || {
                let report = store.housekeep().unwrap();
                assert!(report.failures.is_empty(), "{report:?}");
                assert!(store.compact_filthiest(&mut cleaner()).unwrap().is_none());
                assert!(store.quarantined().is_empty());
            })
        };
        changer.join().unwrap();
        appender.join().unwrap();
        keeper.join().unwrap();
        drop(old);
        store.housekeep().unwrap();
        let log = store.log("letters", 0).unwrap();
        assert_eq!(read_all(&log), [(0, "<new>".to_owned())]);
        let points = on_disk(&disk, OffsetCheckpoint::RecoveryPoint);
        assert_eq!(points.keys().collect::<Vec<_>>(), ["letters-0"]);
        assert!(points["letters-0"] <= log.log_end_offset().get());
        store.close().unwrap();
        let (store, report) = Store::open(DATA, store_config(&disk, defaults())).unwrap();
        assert!(report.clean && report.recovered.is_empty() && report.logs == 1, "{report:?}");
        assert_eq!(read_all(&store.log("letters", 0).unwrap()), [(0, "<new>".to_owned())]);
    });
}

#[test]
fn logs_that_move_their_starts_at_once_lose_none_of_them() {
    explore("two moved starts and housekeeping", || {
        let disk = Disk::default();
        let store = open(&disk);
        let topic = store.create_topic("letters", 2, &Default::default()).unwrap();
        let logs = [0, 1].map(|number| topic.log(number).unwrap().clone());
        for log in &logs {
            log.append(
                &ottla_testkit::generate::OwnedBatch {
                    compression: ottla_record::Compression::None,
                    records: vec![ottla_testkit::generate::OwnedRecord::of_value("x"); 4],
                }
                .bytes(),
            )
            .unwrap();
        }
        let movers = logs.map(|log| {
            let disk = disk.clone();
            spawn(move || {
                for start in [1, 3] {
                    log.delete_records(Offset::new(start)).unwrap();
                    let starts = on_disk(&disk, OffsetCheckpoint::LogStart);
                    let name = log.topic_partition().dir_name();
                    assert!(
                        starts.get(&name).is_some_and(|there| *there >= start),
                        "{name} at {start}: {starts:?}"
                    );
                }
            })
        });
        let keeper = {
            let store = store.clone();
            spawn(move || assert!(store.housekeep().unwrap().failures.is_empty()))
        };
        join(movers);
        keeper.join().unwrap();
        let expected = BTreeMap::from([("letters-0".to_owned(), 3), ("letters-1".to_owned(), 3)]);
        assert_eq!(on_disk(&disk, OffsetCheckpoint::LogStart), expected);
    });
}

#[test]
fn changes_of_topics_take_their_turns() {
    explore("topics, settings and producer ids", || {
        let disk = Disk::default();
        let store = open(&disk);
        let threads: [fn(&Store) -> i64; 3] = [
            |store| {
                let made = store.create_topic("letters", 1, &Default::default());
                i64::from(made.is_ok())
            },
            |store| {
                let made = store.create_topic("letters", 1, &Default::default());
                let changes = BTreeMap::from([(
                    "segment.ms".to_owned(),
                    ottla::settings::Change::Set("1000".to_owned()),
                )]);
                store.alter_topic_config("letters", &changes).unwrap();
                store.create_partitions("letters", 2).unwrap();
                i64::from(made.is_ok())
            },
            |store| {
                let ids = [(); 2].map(|()| store.allocate_producer_id().unwrap());
                assert!(ids[0] < ids[1]);
                0
            },
        ];
        let made = join(threads.map(|work| {
            let store = store.clone();
            spawn(move || work(&store))
        }));
        assert_eq!(made.iter().sum::<i64>(), 1, "one of them makes it, the other is told that it is there");
        let check = |store: &Store| {
            let topic = store.topic("letters").unwrap();
            assert_eq!(topic.partitions.len(), 2);
            assert!(topic.partitions.values().all(|log| log.config().segment_ms == 1000));
        };
        check(&store);
        store.close().unwrap();
        drop(store);
        check(&open(&disk));
    });
}

#[test]
fn a_store_is_closed_under_those_who_use_it() {
    explore("a store that is closed", || {
        let disk = Disk::default();
        let store = open(&disk);
        let topic = store.create_topic("letters", 1, &Default::default()).unwrap();
        let log = topic.log(0).unwrap().clone();
        let committer = store.committer();
        let committer = spawn(move || committer.run());
        let is_fine =
            |outcome: Result<(), Error>| assert!(outcome.is_ok() || is_closed(&outcome), "{outcome:?}");
        let keeper = {
            let store = store.clone();
            spawn(move || {
                is_fine(store.housekeep().map(|report| assert!(report.failures.is_empty(), "{report:?}")));
                is_fine(store.compact_filthiest(&mut cleaner()).map(|_| ()));
            })
        };
        let maker = {
            let store = store.clone();
            spawn(move || is_fine(store.create_topic("others", 1, &Default::default()).map(|_| ())))
        };
        let appender = {
            let log = log.clone();
            spawn(move || log.append(&batch("<0>")).is_ok())
        };
        store.close().unwrap();
        let appended = appender.join().unwrap();
        keeper.join().unwrap();
        maker.join().unwrap();
        committer.join().unwrap();
        drop((store, topic, log));
        let (store, report) = Store::open(DATA, store_config(&disk, defaults())).unwrap();
        assert!(report.clean && report.recovered.is_empty(), "{report:?}");
        assert_eq!(read_all(&store.log("letters", 0).unwrap()).len(), usize::from(appended));
    });
}

/// A log that was opened alone holds the lock of its directory.
#[test]
fn who_opens_a_directory_that_is_open_is_told_so() {
    explore("one directory, two that open it", || {
        let disk = Disk::default();
        let opened = join([0, 1].map(|_| {
            let disk = disk.clone();
            spawn(move || match Store::open(DATA, store_config(&disk, defaults())) {
                Ok((store, _)) => Some(store),
                Err(Error::Locked { .. }) => None,
                Err(e) => panic!("{e}"),
            })
        }));
        assert_eq!(opened.iter().filter(|store| store.is_some()).count(), 1);
        drop(opened);
        append(&open_in(&disk, "/data/letters-0", segments_of(1)), "<0>");
    });
}

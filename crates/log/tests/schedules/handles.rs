//! Open files: logs that come to rest for the sake of others while they are appended to, read, synced and deleted from.

use std::sync::Arc;

use ottla::{Log, Offset, Store, StoreConfig};

use crate::disk::Disk;
use crate::explore::explore;
use crate::scene::{ALL, DATA, batch, environment, join, read, read_all, segments_of, spawn};

/// Two logs that share so few open files that each use of one closes those of the other.
fn two_logs(disk: &Disk, open_files: usize) -> (Store, [Log; 2]) {
    let config = StoreConfig {
        open_files,
        defaults: segments_of(2),
        environment: environment(disk),
        ..StoreConfig::default()
    };
    let (store, _) = Store::open(DATA, config).unwrap();
    let topic = store.create_topic("letters", 2, &Default::default()).unwrap();
    let logs = [0, 1].map(|number| topic.log(number).unwrap().clone());
    (store, logs)
}

/// Closes the store; then no file is open any more.
fn close(disk: &Disk, store: Store, logs: [Log; 2]) {
    for log in &logs {
        let all = read_all(log);
        assert!(all.iter().enumerate().all(|(at, (offset, value))| {
            *offset == at as i64 && value.starts_with(&format!("<{}", log.topic_partition().partition()))
        }));
    }
    store.close().unwrap();
    assert_eq!(disk.open_logs(), 0, "files are open that nobody uses");
    drop((store, logs));
}

fn produce(disk: &Disk, log: &Log, waits: bool) {
    for record in 0..3 {
        let value = format!("<{} {record}>", log.topic_partition().partition());
        let appended = log.append(&batch(&value)).unwrap();
        assert_eq!(appended.base_offset.get(), record);
        if waits {
            appended.durability.wait().unwrap();
            assert!(disk.keeps(&value), "{value} was acknowledged and is not on disk");
        }
    }
}

fn read_what_is_there(log: &Log) {
    for from in [0, 1, 2, 0] {
        if Offset::new(from) < log.log_end_offset() {
            // The end is told a moment before the bytes are shown.
            if let Some(first) = read(log, from, ALL).unwrap().first() {
                assert_eq!(*first, (from, format!("<{} {from}>", log.topic_partition().partition())));
            }
        }
    }
}

fn use_both(open_files: usize, waits: bool) {
    let disk = Disk::default();
    let (store, logs) = two_logs(&disk, open_files);
    let producers = logs.each_ref().map(|log| {
        let (disk, log) = (disk.clone(), log.clone());
        spawn(move || produce(&disk, &log, waits))
    });
    let readers = logs.each_ref().map(|log| {
        let log = log.clone();
        spawn(move || read_what_is_there(&log))
    });
    join(producers);
    join(readers);
    close(&disk, store, logs);
}

#[test]
fn logs_rest_and_wake_while_they_are_appended_to_and_read() {
    explore("few open files, appends and reads", || use_both(1, false));
}

#[test]
fn logs_rest_and_wake_while_they_are_synced() {
    explore("few open files, appends, waits and reads", || use_both(4, true));
}

#[test]
fn files_of_deleted_segments_are_let_go() {
    explore("few open files, reads and deletes", || {
        let disk = Disk::default();
        let (store, logs) = two_logs(&disk, 3);
        logs.iter().for_each(|log| produce(&disk, log, false));
        let readers = logs.each_ref().map(|log| {
            let log = log.clone();
            spawn(move || {
                for from in [0, 2, 1] {
                    match read(&log, from, ALL) {
                        Ok(found) => assert_eq!(found[0].0, from),
                        Err(ottla::Error::OffsetOutOfRange { log_start_offset, .. }) => {
                            assert!(log_start_offset.get() > from);
                        }
                        Err(e) => panic!("at {from}: {e}"),
                    }
                }
            })
        });
        let logs = Arc::new(logs);
        let housekeeper = {
            let logs = logs.clone();
            spawn(move || {
                for log in &*logs {
                    log.delete_records(Offset::new(2)).unwrap();
                    log.remove_deleted_files().unwrap();
                    log.flush().unwrap();
                }
            })
        };
        housekeeper.join().unwrap();
        join(readers);
        store.close().unwrap();
        assert_eq!(disk.open_logs(), 0, "files are open that nobody uses");
    });
}

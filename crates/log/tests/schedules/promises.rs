//! Promises: those who are called, ask, or `.await`, and the committer that syncs for them.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use ottla::{Durability, Error, Log, Store, StoreConfig};
use ottla_testkit::{Call, Fault, Repeat};
use shuttle::thread::{self, JoinHandle};

use crate::disk::Disk;
use crate::explore::explore;
use crate::scene::{DATA, DIR, batch, config, environment, join, open, spawn};

/// Counts what each callback was told.
#[derive(Clone, Default)]
struct Told(Arc<[Counts; 4]>);

#[derive(Default)]
struct Counts {
    kept: AtomicUsize,
    failed: AtomicUsize,
}

impl Told {
    /// Asks to be called about a record, which is on disk if that is said.
    fn ask(&self, number: usize, promise: &Durability, value: String, disk: &Disk) {
        let (told, disk) = (self.clone(), disk.clone());
        promise.when_durable(move |outcome| {
            assert!(outcome.is_err() || disk.keeps(&value), "{value} is not on disk");
            let counts = &told.0[number];
            let count = if outcome.is_ok() { &counts.kept } else { &counts.failed };
            count.fetch_add(1, Ordering::SeqCst);
        });
    }

    fn kept(&self) -> Vec<usize> {
        self.0.iter().map(|counts| counts.kept.load(Ordering::SeqCst)).collect()
    }

    fn calls(&self) -> Vec<usize> {
        let failed = self.0.iter().map(|counts| counts.failed.load(Ordering::SeqCst));
        self.kept().into_iter().zip(failed).map(|(kept, failed)| kept + failed).collect()
    }
}

fn run_committer(log: &Log) -> JoinHandle<()> {
    let committer = log.committer();
    spawn(move || committer.run())
}

/// Asks to be called about two records, up to an append that is refused; returns about how many.
fn ask_twice(
    disk: &Disk,
    log: &Log,
    told: &Told,
    producer: usize,
    may_refuse: fn(&Error) -> bool,
) -> JoinHandle<usize> {
    let (disk, log, told) = (disk.clone(), log.clone(), told.clone());
    spawn(move || {
        let mut asked = 0;
        for record in 0..2 {
            let value = format!("<{producer} {record}>");
            match log.append(&batch(&value)) {
                Ok(appended) => told.ask(2 * producer + record, &appended.durability, value, &disk),
                Err(e) if may_refuse(&e) => break,
                Err(e) => panic!("{e}"),
            }
            asked += 1;
        }
        asked
    })
}

/// How often each is called where so many of each producer's records were asked about.
fn once_each(asked: &[usize]) -> Vec<usize> {
    asked.iter().flat_map(|asked| [usize::from(*asked > 0), usize::from(*asked > 1)]).collect()
}

#[test]
fn each_is_called_once_whoever_syncs() {
    explore("callbacks", || {
        let disk = Disk::default();
        let log = open(&disk, config());
        let told = Told::default();
        let committer = run_committer(&log);
        let producers = [0, 1].map(|producer| {
            let (disk, log, told) = (disk.clone(), log.clone(), told.clone());
            spawn(move || {
                for record in 0..2 {
                    let value = format!("<{producer} {record}>");
                    let promise = log.append(&batch(&value)).unwrap().durability;
                    told.ask(2 * producer + record, &promise, value, &disk);
                    // One of them syncs himself as well.
                    if producer == 1 {
                        promise.wait().unwrap();
                    }
                }
            })
        });
        join(producers);
        log.close().unwrap();
        committer.join().unwrap();
        assert_eq!(told.kept(), [1; 4]);
    });
}

#[test]
fn each_is_called_once_while_the_log_is_closed() {
    explore("callbacks and a close", || {
        let disk = Disk::default();
        let log = open(&disk, config());
        let told = Told::default();
        let committer = run_committer(&log);
        let closer = {
            let log = log.clone();
            spawn(move || log.close().unwrap())
        };
        let producers = [0, 1]
            .map(|producer| ask_twice(&disk, &log, &told, producer, |e| matches!(e, Error::Closed { .. })));
        let asked = join(producers);
        closer.join().unwrap();
        committer.join().unwrap();
        assert_eq!(told.calls(), once_each(&asked));
    });
}

#[test]
fn a_failing_sync_is_told_to_each_once() {
    explore("callbacks and a failing sync", || {
        let disk = Disk::default();
        let log = open(&disk, config());
        let told = Told::default();
        disk.sim.fail_only_under(DIR);
        disk.sim.fail_nth(Call::Sync, 2, Fault::EIO, Repeat::Once);
        let committer = run_committer(&log);
        let producers = [0, 1]
            .map(|producer| ask_twice(&disk, &log, &told, producer, |e| matches!(e, Error::Poisoned { .. })));
        let asked = join(producers);
        // Closing a log that takes no more writes fails, and ends it all the same.
        let _ = log.close();
        drop(log);
        committer.join().unwrap();
        assert_eq!(told.calls(), once_each(&asked));
    });
}

#[test]
fn a_poll_is_answered() {
    explore("polls", || {
        let disk = Disk::default();
        let log = open(&disk, config());
        let committer = run_committer(&log);
        let producers = [0, 1].map(|producer| {
            let (disk, log) = (disk.clone(), log.clone());
            spawn(move || {
                let value = format!("<{producer}>");
                let promise = log.append(&batch(&value)).unwrap().durability;
                loop {
                    match promise.poll() {
                        Some(outcome) => break outcome.unwrap(),
                        None => thread::yield_now(),
                    }
                }
                assert!(disk.keeps(&value), "{value} was acknowledged and is not on disk");
            })
        });
        join(producers);
        log.close().unwrap();
        committer.join().unwrap();
    });
}

#[cfg(feature = "async")]
#[test]
fn a_task_that_awaits_is_woken() {
    use std::future::IntoFuture;
    explore("await", || {
        let disk = Disk::default();
        let log = open(&disk, config());
        let committer = run_committer(&log);
        let producers = [0, 1].map(|producer| {
            let (disk, log) = (disk.clone(), log.clone());
            spawn(move || {
                let value = format!("<{producer}>");
                let promise = log.append(&batch(&value)).unwrap().durability;
                shuttle::future::block_on(promise.into_future()).unwrap();
                assert!(disk.keeps(&value), "{value} was acknowledged and is not on disk");
            })
        });
        join(producers);
        log.close().unwrap();
        committer.join().unwrap();
    });
}

#[test]
fn one_committer_serves_all_logs_of_a_store_and_a_failing_one_spoils_no_other() {
    explore("one committer, several logs", || {
        let disk = Disk::default();
        let config =
            StoreConfig { environment: environment(&disk), defaults: config(), ..Default::default() };
        let (store, _) = Store::open(DATA, config).unwrap();
        let topic = store.create_topic("letters", 2, &Default::default()).unwrap();
        let told = Told::default();
        disk.sim.fail_only_under("/data/letters-1");
        // The first sync is that of the leader epoch.
        disk.sim.fail_nth(Call::Sync, 2, Fault::EIO, Repeat::Always);
        let committer = store.committer();
        let committer = spawn(move || committer.run());
        let producers = [0, 1].map(|number| {
            let log = topic.log(number).unwrap();
            ask_twice(&disk, log, &told, number as usize, |_| true)
        });
        let asked = join(producers);
        assert_eq!(asked[0], 2, "its disk is whole");
        let _ = store.close();
        committer.join().unwrap();
        assert_eq!(told.kept(), [1, 1, 0, 0]);
        assert_eq!(told.calls(), [1, 1, 1, usize::from(asked[1] > 1)]);
    });
}

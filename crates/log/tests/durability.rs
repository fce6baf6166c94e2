//! What an append promises, and how it is learnt that it holds: by waiting, asking, being called, and `.await`.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "tests")]

use std::sync::mpsc;
use std::sync::{Arc, Barrier};
use std::thread;
use std::time::Duration;

use ottla::{
    Durability, Environment, Error, Isolation, Log, LogConfig, Offset, ReadLimit, Store, StoreConfig,
};
use ottla_record::BatchBuilder;
use ottla_testkit::{Call, Crash, Fault, Repeat, SimClock, SimFs};

const DIR: &str = "/data/letters-0";
const NEVER_IN_VAIN: Duration = Duration::from_secs(3600);
/// Miri is slow.
const APPENDS: usize = if cfg!(miri) { 5 } else { 50 };

fn batch(value: &str) -> Vec<u8> {
    let mut builder = BatchBuilder::new();
    builder.push(1_000, None, Some(value.as_bytes()), &[]).unwrap();
    builder.build().unwrap()
}

fn environment(fs: &SimFs) -> Environment {
    Environment { fs: Arc::new(fs.clone()), clock: Arc::new(SimClock::at_ms(1_000)) }
}

fn open(fs: &SimFs, config: LogConfig) -> Log {
    Log::open_with(DIR, config, environment(fs)).unwrap().0
}

fn values(log: &Log, limit: impl Into<ReadLimit>) -> Vec<String> {
    let mut values = Vec::new();
    let batches = log.read_batches(log.log_start_offset(), 1 << 20, limit).unwrap();
    let each = |record: &ottla_record::Record<'_>| {
        values.push(String::from_utf8(record.value.unwrap().to_vec()).unwrap());
        Ok(())
    };
    batches.for_each_record(each).unwrap();
    values
}

#[test]
fn a_wait_that_has_ended_survives_a_power_cut() {
    let fs = SimFs::new();
    let log = open(&fs, LogConfig::default());
    let promise = log.append(&batch("kept")).unwrap().durability;
    assert!(!promise.is_durable().unwrap());
    promise.wait().unwrap();
    assert!(promise.is_durable().unwrap());
    log.append(&batch("lost")).unwrap();

    let after = open(&fs.crash(&mut Crash::LoseAll), LogConfig::default());
    assert_eq!(values(&after, Isolation::ReadUncommitted), ["kept"]);
}

#[test]
fn one_wait_covers_what_was_appended_before_it() {
    let fs = SimFs::new();
    let log = open(&fs, LogConfig::default());
    let promises: Vec<_> = (0..10).map(|n| log.append(&batch(&n.to_string())).unwrap().durability).collect();
    promises[9].wait().unwrap();
    assert!(promises.iter().all(|promise| promise.is_durable().unwrap()));
}

#[test]
#[cfg_attr(miri, ignore = "Miri cannot ask for the limit on open files")]
fn several_logs_are_waited_for_together_and_each_promise_has_its_own_outcome() {
    let fs = SimFs::new();
    let config = StoreConfig { environment: environment(&fs), ..StoreConfig::default() };
    let (store, _) = Store::open("/data", config).unwrap();
    let topic = store.create_topic("letters", 3, &Default::default()).unwrap();
    let append = |number: i32| topic.log(number).unwrap().append(&batch("x")).unwrap().durability;
    let promises: Vec<_> = [0, 1, 0, 2, 1].map(append).into();
    let syncs = fs.calls(Call::Sync);
    assert!(Durability::wait_all(&promises).iter().all(Result::is_ok));
    assert_eq!(fs.calls(Call::Sync) - syncs, 3, "one for each log");

    let promises: Vec<_> = [0, 1, 2].map(append).into();
    fs.fail_nth(Call::Sync, 2, Fault::EIO, Repeat::Once);
    let outcomes = Durability::wait_all(&promises);
    assert_eq!(outcomes.iter().filter(|outcome| outcome.is_err()).count(), 1, "the others are on disk");
    assert!(outcomes[1].is_err());
}

#[test]
#[cfg_attr(miri, ignore = "Miri cannot ask for the limit on open files")]
fn a_committer_serves_callbacks_and_polls_of_all_logs_of_a_store() {
    let fs = SimFs::new();
    let config = StoreConfig { environment: environment(&fs), ..StoreConfig::default() };
    let (store, _) = Store::open("/data", config).unwrap();
    let topic = store.create_topic("letters", 3, &Default::default()).unwrap();
    let committer = store.committer();

    let (told, outcomes) = mpsc::channel();
    for number in 0..3 {
        let told = told.clone();
        let appended = topic.log(number).unwrap().append(&batch("one")).unwrap();
        appended.durability.when_durable(move |outcome| told.send((number, outcome.is_ok())).unwrap());
    }
    let polled = topic.log(0).unwrap().append(&batch("two")).unwrap().durability;
    assert!(polled.poll().is_none());
    assert!(outcomes.try_recv().is_err(), "nothing was synced yet");

    assert!(committer.round(Duration::ZERO));
    let mut called: Vec<_> = outcomes.try_iter().collect();
    called.sort_unstable();
    assert_eq!(called, [(0, true), (1, true), (2, true)]);
    assert!(polled.poll().unwrap().is_ok());

    store.close().unwrap();
    assert!(!committer.round(NEVER_IN_VAIN), "a closed store needs no committer");
}

#[test]
fn a_committer_on_a_thread_ends_with_its_log() {
    let fs = SimFs::new();
    let log = open(&fs, LogConfig::default());
    let committer = log.committer();
    let thread = thread::spawn(move || committer.run());
    let (told, outcome) = mpsc::channel();
    for n in 0..2 * APPENDS {
        let told = told.clone();
        let promise = log.append(&batch(&n.to_string())).unwrap().durability;
        promise.when_durable(move |outcome| told.send(outcome).unwrap());
    }
    for _ in 0..2 * APPENDS {
        outcome.recv_timeout(NEVER_IN_VAIN).unwrap().unwrap();
    }
    log.close().unwrap();
    thread.join().unwrap();
}

#[test]
fn a_committer_ends_with_a_log_that_was_dropped() {
    let log = open(&SimFs::new(), LogConfig::default());
    let committer = log.committer();
    let promise = log.append(&batch("one")).unwrap().durability;
    promise.when_durable(|_| panic!("nobody has synced"));
    drop((log, promise));
    while committer.round(Duration::ZERO) {}
}

#[test]
fn a_callback_may_append_and_wait_for_its_own_append() {
    let log = open(&SimFs::new(), LogConfig::default());
    let (told, outcome) = mpsc::channel();
    let again = log.clone();
    log.append(&batch("one")).unwrap().durability.when_durable(move |first| {
        first.unwrap();
        again.append(&batch("two")).unwrap().durability.wait().unwrap();
        again.flush().unwrap();
        told.send(()).unwrap();
    });
    assert!(log.committer().round(Duration::ZERO));
    outcome.try_recv().unwrap();
}

#[test]
fn a_failed_sync_fails_everybody_who_waits() {
    let fs = SimFs::new();
    let log = open(&fs, LogConfig::default());
    let kept = log.append(&batch("kept")).unwrap().durability;
    kept.wait().unwrap();
    let lost = log.append(&batch("lost")).unwrap().durability;
    let (told, outcome) = mpsc::channel();
    lost.when_durable(move |outcome| told.send(outcome).unwrap());
    fs.fail_nth(Call::Sync, 1, Fault::EIO, Repeat::Once);

    assert!(log.committer().round(Duration::ZERO));
    assert!(matches!(outcome.try_recv().unwrap(), Err(Error::Poisoned { .. })));
    assert!(matches!(lost.wait(), Err(Error::Poisoned { .. })), "the next sync may lie");
    assert!(matches!(lost.poll(), Some(Err(Error::Poisoned { .. }))));
    assert!(matches!(log.append(&batch("more")), Err(Error::Poisoned { .. })));
    assert!(kept.is_durable().unwrap(), "what was on disk before is still there");
    assert_eq!(values(&log, Isolation::ReadUncommitted.durable()), ["kept"]);
}

#[test]
fn what_was_cut_off_is_never_called_durable() {
    let log = open(&SimFs::new(), LogConfig::default());
    log.append(&batch("kept")).unwrap();
    let cut = log.append(&batch("cut")).unwrap().durability;
    log.truncate(Offset::new(1)).unwrap();
    log.append(&batch("in its place")).unwrap().durability.wait().unwrap();
    assert!(matches!(cut.wait(), Err(Error::Truncated { .. })));
    assert!(matches!(cut.is_durable(), Err(Error::Truncated { .. })));
}

#[test]
fn a_durable_reader_sees_only_what_a_power_cut_leaves() {
    let fs = SimFs::new();
    let log = open(&fs, LogConfig::default());
    let durable = Isolation::ReadUncommitted.durable();
    log.append(&batch("one")).unwrap().durability.wait().unwrap();
    log.append(&batch("two")).unwrap();
    assert_eq!(values(&log, Isolation::ReadUncommitted), ["one", "two"]);
    assert_eq!(values(&log, durable), ["one"]);
    assert_eq!(log.high_watermark(), Offset::new(2));
    assert!(log.read(Offset::new(2), 100, durable).unwrap().slice.is_empty(), "to wait there is no error");
}

#[test]
fn a_durable_tail_is_woken_by_the_sync_and_not_by_the_append() {
    let log = open(&SimFs::new(), LogConfig::default());
    let mut tail = log.tail(Offset::ZERO, Isolation::ReadUncommitted.durable());
    let promise = log.append(&batch("one")).unwrap().durability;
    assert!(tail.next(Duration::ZERO).unwrap().is_none());
    let follower = thread::spawn(move || tail.next(NEVER_IN_VAIN).unwrap().unwrap().next_offset());
    promise.wait().unwrap();
    assert_eq!(follower.join().unwrap(), Offset::new(1));
}

#[test]
fn with_flush_messages_of_one_nobody_sees_what_is_not_on_disk() {
    let fs = SimFs::new();
    let log = open(&fs, LogConfig::default());
    log.append(&batch("before")).unwrap();
    log.set_config(LogConfig { flush_messages: Some(1), ..LogConfig::default() });
    assert_eq!(log.high_watermark(), Offset::new(1), "the change brought to disk what was there");

    assert!(log.append(&batch("one")).unwrap().durability.is_durable().unwrap());
    fs.fail_nth(Call::Sync, 1, Fault::EIO, Repeat::Once);
    log.append(&batch("lost")).unwrap_err();
    assert_eq!((log.high_watermark(), log.log_end_offset()), (Offset::new(2), Offset::new(3)));
    assert_eq!(values(&log, Isolation::ReadUncommitted), ["before", "one"]);
    assert_eq!(log.last_stable_offset(), Offset::new(2));
}

#[test]
fn what_a_crash_left_is_on_disk_before_a_log_shows_it_that_shows_nothing_else() {
    let fs = SimFs::new();
    let log = open(&fs, LogConfig::default());
    log.append(&batch("one")).unwrap();
    let killed = fs.crash(&mut Crash::KeepAll);
    let again = open(&killed, LogConfig { flush_messages: Some(1), ..LogConfig::default() });
    assert_eq!(again.high_watermark(), Offset::new(1));
    let lost = open(&killed.crash(&mut Crash::LoseAll), LogConfig::default());
    assert_eq!(values(&lost, Isolation::ReadUncommitted), ["one"]);
}

#[test]
fn an_append_that_fills_the_measure_of_bytes_or_records_waits_for_the_disk() {
    let one = batch("x").len() as u64;
    let by_bytes = LogConfig { flush_bytes: Some(3 * one), ..LogConfig::default() };
    let by_records = LogConfig { flush_messages: Some(3), ..LogConfig::default() };
    for config in [by_bytes, by_records] {
        let log = open(&SimFs::new(), config);
        let durable: Vec<i64> = (0..7)
            .map(|_| {
                log.append(&batch("x")).unwrap();
                log.durable_offset().get()
            })
            .collect();
        assert_eq!(durable, [0, 0, 3, 3, 3, 6, 6]);
    }
}

#[test]
fn those_who_wait_together_share_syncs() {
    const PRODUCERS: usize = if cfg!(miri) { 3 } else { 8 };
    let log = open(&SimFs::new(), LogConfig::default());
    let start = Arc::new(Barrier::new(PRODUCERS));
    let threads: Vec<_> = (0..PRODUCERS)
        .map(|_| {
            let (log, start) = (log.clone(), start.clone());
            thread::spawn(move || {
                start.wait();
                for _ in 0..APPENDS {
                    let promise = log.append(&batch("x")).unwrap().durability;
                    promise.wait().unwrap();
                    assert!(log.durable_offset() >= promise.end_offset());
                }
            })
        })
        .collect();
    threads.into_iter().for_each(|thread| thread.join().unwrap());
    assert_eq!(log.durable_offset(), log.log_end_offset());
}

#[cfg(feature = "async")]
mod awaited {
    use std::future::{Future, IntoFuture};
    use std::pin::pin;
    use std::sync::atomic::{AtomicUsize, Ordering};
    use std::task::{Context, Poll, Wake, Waker};

    use super::*;

    #[derive(Default)]
    struct Wakes(AtomicUsize);

    impl Wake for Wakes {
        fn wake(self: Arc<Self>) {
            self.0.fetch_add(1, Ordering::SeqCst);
        }
    }

    #[test]
    fn an_append_is_awaited() {
        let log = open(&SimFs::new(), LogConfig::default());
        let mut future = pin!(log.append(&batch("one")).unwrap().durability.into_future());
        let (first, last) = (Arc::new(Wakes::default()), Arc::new(Wakes::default()));
        for wakes in [&first, &last] {
            let waker = Waker::from(wakes.clone());
            assert!(future.as_mut().poll(&mut Context::from_waker(&waker)).is_pending());
        }
        assert!(log.committer().round(Duration::ZERO));
        let woken = (first.0.load(Ordering::SeqCst), last.0.load(Ordering::SeqCst));
        assert_eq!(woken, (0, 1), "the task that asked last");
        let polled = future.as_mut().poll(&mut Context::from_waker(Waker::noop()));
        assert!(matches!(polled, Poll::Ready(Ok(()))));
    }
}

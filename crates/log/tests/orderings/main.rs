//! Pieces that rest on orderings of atomics weaker than `SeqCst`, or on fences, in every execution that the memory model of
//! C++ and Rust allows ([loom](https://docs.rs/loom)). The pieces are the engine's own files, over loom's locks and atomics.
//!
//! `just orderings` runs it. Loom takes a `SeqCst` access for one that acquires and releases, and so asks for more than the
//! model does.
#![cfg(loom)]
#![allow(clippy::unwrap_used, dead_code, reason = "tests; not every method of a piece is used here")]

/// What the pieces ask of `crate::sync`.
mod sync {
    pub(crate) use loom::sync::{Condvar, Mutex, MutexGuard};
    pub(crate) use std::sync::{PoisonError, TryLockError};

    pub(crate) mod atomic {
        pub(crate) use loom::sync::atomic::{AtomicBool, AtomicUsize, Ordering, fence};
    }
}

mod error {
    pub(crate) type Result<T> = std::result::Result<T, ()>;
}

#[path = "../../src/commit/promises.rs"]
mod promises;
#[path = "../../src/compact/turn.rs"]
mod turn;
#[path = "../../src/watch.rs"]
mod watch;

use std::sync::Arc;
use std::sync::atomic::AtomicU64;
use std::time::Duration;

use loom::thread;
use sync::Mutex;
use sync::atomic::{AtomicBool, AtomicUsize, Ordering};

/// Runs every execution and says how many there were.
fn explore(name: &str, scenario: fn()) {
    let executions = Arc::new(AtomicU64::new(0));
    let count = executions.clone();
    loom::model(move || {
        count.fetch_add(1, Ordering::Relaxed);
        scenario();
    });
    println!("{name}: all {} executions", executions.load(Ordering::Relaxed));
}

/// The start of a log is stored to release and loaded to acquire; so is what this waits for.
#[test]
fn no_wake_up_is_lost() {
    explore("watch: a change and a wait", || {
        let watch = Arc::new(watch::Watch::default());
        let start = Arc::new(AtomicUsize::new(0));
        let changer = {
            let (watch, start) = (watch.clone(), start.clone());
            thread::spawn(move || {
                start.store(1, Ordering::Release);
                watch.notify();
            })
        };
        let waiter = watch::Waiter::new();
        let _subscription = watch.subscribe(&waiter);
        while start.load(Ordering::Acquire) == 0 {
            assert!(waiter.wait(Duration::from_secs(3600)));
        }
        changer.join().unwrap();
    });
}

/// Who adds a promise finds its log asked for, and settled after that; or asks himself.
#[test]
fn no_promise_is_left_behind() {
    explore("promises: two that ask and a round", || {
        let promises = Arc::new(promises::Promises::default());
        let asked = Arc::new(Mutex::new(0));
        let called = Arc::new(AtomicUsize::new(0));
        let round = |promises: &promises::Promises, asked: &Mutex<usize>| {
            if std::mem::take(&mut *asked.lock().unwrap()) > 0 {
                promises.begin_round();
                promises.settle();
            }
        };
        let askers = [(); 2].map(|()| {
            let (promises, asked, called) = (promises.clone(), asked.clone(), called.clone());
            thread::spawn(move || {
                let call = move |_| {
                    called.fetch_add(1, Ordering::Relaxed);
                };
                promises.add(|| Some(Ok(())), call);
                if promises.must_ask() {
                    *asked.lock().unwrap() += 1;
                }
            })
        });
        round(&promises, &asked);
        askers.into_iter().for_each(|asker| asker.join().unwrap());
        round(&promises, &asked);
        assert_eq!(called.load(Ordering::Relaxed), 2);
        assert!(promises.is_empty());
    });
}

#[test]
fn no_pass_goes_on_after_a_close() {
    explore("turn: two passes and a close", || {
        let turn = Arc::new(turn::Turn::default());
        let is_closed = Arc::new(AtomicBool::new(false));
        let passes = [(); 2].map(|()| {
            let (turn, is_closed) = (turn.clone(), is_closed.clone());
            thread::spawn(move || {
                let taken = turn.take();
                assert!(taken.is_none() || !is_closed.load(Ordering::Relaxed));
            })
        });
        turn.close();
        is_closed.store(true, Ordering::Relaxed);
        assert!(turn.take().is_none());
        passes.into_iter().for_each(|pass| pass.join().unwrap());
    });
}

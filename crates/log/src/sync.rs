//! The seam under threads: every lock and every atomic of this crate comes from here, so that a test owns the schedule.
//!
//! They are the standard library's. Built with `--cfg shuttle` they are [shuttle's](https://docs.rs/shuttle): then each
//! use of one is a point at which another thread may go on, and a scheduler says which one does (`tests/schedules`).
//!
//! Three things are not as they are in life then, and none of them hides a hang:
//! - A wait with a time limit is not ended by it. Whoever needs the limit to come back hangs, and is found.
//! - All orderings of atomics are `SeqCst`. What rests on weaker ones is told in `docs/TESTING.md`.
//! - [`OnceLock`] and [`ArcSwap`] are the real ones, with such a point before each call. Neither waits for another
//!   thread here: a `OnceLock` is set to a value that is at hand, and a pointer is swapped without a lock. `Arc` and
//!   `Weak` are the standard library's: their counts decide nothing.

#[cfg(shuttle)]
pub(crate) use scheduled::{ArcSwap, ArcSwapOption, OnceLock};
#[cfg(shuttle)]
pub(crate) use shuttle::sync::{Condvar, Mutex, MutexGuard, RwLock, RwLockReadGuard};

#[cfg(not(shuttle))]
pub(crate) use arc_swap::{ArcSwap, ArcSwapOption};
#[cfg(not(shuttle))]
pub(crate) use std::sync::{Condvar, Mutex, MutexGuard, OnceLock, RwLock, RwLockReadGuard};

pub(crate) use std::sync::{PoisonError, TryLockError};

pub(crate) mod atomic {
    #[cfg(shuttle)]
    pub(crate) use shuttle::sync::atomic::{AtomicBool, AtomicI64, AtomicU64, AtomicUsize, fence};
    pub(crate) use std::sync::atomic::Ordering;
    #[cfg(not(shuttle))]
    pub(crate) use std::sync::atomic::{AtomicBool, AtomicI64, AtomicU64, AtomicUsize, fence};
}

#[cfg(shuttle)]
mod scheduled {
    use std::sync::Arc;

    use super::atomic::{AtomicBool, Ordering};

    /// Another thread may go on here.
    fn point() {
        AtomicBool::new(false).load(Ordering::SeqCst);
    }

    /// As the standard library's.
    #[derive(Debug)]
    pub(crate) struct OnceLock<T>(std::sync::OnceLock<T>);

    impl<T> OnceLock<T> {
        pub(crate) fn new() -> OnceLock<T> {
            OnceLock(std::sync::OnceLock::new())
        }

        pub(crate) fn get(&self) -> Option<&T> {
            point();
            self.0.get()
        }

        pub(crate) fn set(&self, value: T) -> Result<(), T> {
            point();
            self.0.set(value)
        }

        /// `init` must not come to a point.
        pub(crate) fn get_or_init(&self, init: impl FnOnce() -> T) -> &T {
            point();
            self.0.get_or_init(init)
        }
    }

    impl<T> From<T> for OnceLock<T> {
        fn from(value: T) -> Self {
            OnceLock(value.into())
        }
    }

    /// As that of `arc-swap`.
    #[derive(Debug)]
    pub(crate) struct ArcSwap<T>(arc_swap::ArcSwap<T>);

    impl<T> ArcSwap<T> {
        pub(crate) fn from_pointee(value: T) -> ArcSwap<T> {
            ArcSwap(arc_swap::ArcSwap::from_pointee(value))
        }

        pub(crate) fn load(&self) -> arc_swap::Guard<Arc<T>> {
            point();
            self.0.load()
        }

        pub(crate) fn load_full(&self) -> Arc<T> {
            point();
            self.0.load_full()
        }

        pub(crate) fn store(&self, value: Arc<T>) {
            point();
            self.0.store(value);
        }
    }

    /// As that of `arc-swap`.
    #[derive(Debug)]
    pub(crate) struct ArcSwapOption<T>(arc_swap::ArcSwapOption<T>);

    impl<T> ArcSwapOption<T> {
        pub(crate) fn empty() -> ArcSwapOption<T> {
            ArcSwapOption(arc_swap::ArcSwapOption::empty())
        }

        pub(crate) fn load_full(&self) -> Option<Arc<T>> {
            point();
            self.0.load_full()
        }

        pub(crate) fn store(&self, value: Option<Arc<T>>) {
            point();
            self.0.store(value);
        }
    }
}

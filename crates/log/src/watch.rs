//! Waking those who wait for a log to change: a new end, a moved start, a truncation, the close.

use std::sync::{Arc, Weak};
use std::time::{Duration, Instant};

use crate::sync::atomic::{AtomicUsize, Ordering, fence};
use crate::sync::{Condvar, Mutex, PoisonError};

/// Something to sleep on until one of any number of logs changes.
///
/// Subscribe first, then look at the logs, then wait: a change between the look and the wait ends the
/// wait at once.
#[derive(Debug, Default)]
pub struct Waiter {
    woken: Mutex<bool>,
    changed: Condvar,
}

impl Waiter {
    /// A waiter that nothing wakes yet; see [`Log::subscribe`](crate::Log::subscribe).
    pub fn new() -> Arc<Waiter> {
        Arc::new(Waiter::default())
    }

    /// Ends the wait of whoever waits, or the next wait at once.
    pub fn wake(&self) {
        *self.woken.lock().unwrap_or_else(PoisonError::into_inner) = true;
        self.changed.notify_all();
    }

    /// Sleeps until woken, at most `timeout`; tells whether it was woken.
    pub fn wait(&self, timeout: Duration) -> bool {
        let deadline = Instant::now() + timeout;
        let mut woken = self.woken.lock().unwrap_or_else(PoisonError::into_inner);
        while !*woken {
            let left = deadline.saturating_duration_since(Instant::now());
            if left.is_zero() {
                return false;
            }
            woken = self.changed.wait_timeout(woken, left).unwrap_or_else(PoisonError::into_inner).0;
        }
        *woken = false;
        true
    }
}

/// Keeps a [`Waiter`] subscribed to a log while it lives.
#[derive(Debug)]
pub struct Subscription {
    watch: Arc<Watch>,
    waiter: Arc<Waiter>,
}

impl Drop for Subscription {
    fn drop(&mut self) {
        self.watch.unsubscribe(&self.waiter);
    }
}

/// The waiters of one log.
#[derive(Debug, Default)]
pub(crate) struct Watch {
    waiting: AtomicUsize,
    waiters: Mutex<Vec<Weak<Waiter>>>,
}

impl Watch {
    pub(crate) fn subscribe(self: &Arc<Self>, waiter: &Arc<Waiter>) -> Subscription {
        let mut waiters = self.waiters.lock().unwrap_or_else(PoisonError::into_inner);
        waiters.push(Arc::downgrade(waiter));
        self.waiting.store(waiters.len(), Ordering::SeqCst);
        // With the fence in `notify`: either the changer sees the waiter here, or the waiter, which looks at the log
        // after this, sees the change.
        fence(Ordering::SeqCst);
        Subscription { watch: self.clone(), waiter: waiter.clone() }
    }

    fn unsubscribe(&self, waiter: &Arc<Waiter>) {
        let mut waiters = self.waiters.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(at) = waiters.iter().position(|weak| std::ptr::eq(weak.as_ptr(), Arc::as_ptr(waiter))) {
            waiters.swap_remove(at);
        }
        self.waiting.store(waiters.len(), Ordering::SeqCst);
    }

    /// Wakes everybody who waits; nearly free when nobody does.
    pub(crate) fn notify(&self) {
        fence(Ordering::SeqCst);
        if self.waiting.load(Ordering::SeqCst) == 0 {
            return;
        }
        let waiters = self.waiters.lock().unwrap_or_else(PoisonError::into_inner);
        waiters.iter().filter_map(Weak::upgrade).for_each(|waiter| waiter.wake());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_change_between_the_look_and_the_wait_ends_the_wait() {
        let watch = Arc::new(Watch::default());
        let waiter = Waiter::new();
        let _subscription = watch.subscribe(&waiter);
        watch.notify();
        assert!(waiter.wait(Duration::from_secs(3600)));
    }

    #[test]
    fn a_waiter_that_left_is_not_woken() {
        let watch = Arc::new(Watch::default());
        let waiter = Waiter::new();
        drop(watch.subscribe(&waiter));
        watch.notify();
        assert!(!waiter.wait(Duration::ZERO));
    }

    #[test]
    fn one_waiter_waits_for_many_logs() {
        let (one, other) = (Arc::new(Watch::default()), Arc::new(Watch::default()));
        let waiter = Waiter::new();
        let _subscriptions = (one.subscribe(&waiter), other.subscribe(&waiter));
        let changer = std::thread::spawn(move || other.notify());
        assert!(waiter.wait(Duration::from_secs(3600)));
        changer.join().unwrap();
    }

    #[cfg(shuttle)]
    mod schedules {
        use std::sync::atomic::AtomicU64;

        use shuttle::scheduler::DfsScheduler;
        use shuttle::{Config, Runner, thread};

        use super::*;

        /// How many schedules there are; each of them is run.
        fn explore(scenario: fn()) -> usize {
            let mut config = Config::new();
            config.silence_warnings = true;
            Runner::new(DfsScheduler::new(None, false), config).run(scenario)
        }

        #[test]
        fn no_wake_up_is_lost_on_every_schedule() {
            static WAITED: AtomicU64 = AtomicU64::new(0);
            let schedules = explore(|| {
                let watch = Arc::new(Watch::default());
                let end = Arc::new(AtomicUsize::new(0));
                let changer = {
                    let (watch, end) = (watch.clone(), end.clone());
                    thread::spawn(move || {
                        end.store(1, Ordering::SeqCst);
                        watch.notify();
                    })
                };
                let waiter = Waiter::new();
                let _subscription = watch.subscribe(&waiter);
                while end.load(Ordering::SeqCst) == 0 {
                    assert!(waiter.wait(Duration::from_secs(3600)));
                    WAITED.fetch_add(1, Ordering::Relaxed);
                }
                changer.join().unwrap();
            });
            assert!(WAITED.load(Ordering::Relaxed) > 0, "on some of them it has to wait");
            println!("watch: all {schedules} schedules of a change and a wait");
        }
    }
}

//! Memory for requests in flight: one number for all connections.
//!
//! A connection charges what its buffer really grew by, never what a length field announces, so a client
//! gets hold of memory only by sending bytes. When the budget is used up, sockets are not read until
//! others have finished. Requests that are all half received would then wait for each other for ever, so
//! one connection at a time may go over the budget: that one completes, and the memory in use stays below
//! the budget and one frame.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

/// The bytes that all connections may hold.
#[derive(Debug)]
pub(crate) struct Budget {
    limit_bytes: usize,
    state: Mutex<State>,
    freed: Condvar,
    /// What [`Budget::is_tight`] tells, kept beside the lock: every connection asks all the time.
    tight: AtomicBool,
}

#[derive(Debug, Default)]
struct State {
    used_bytes: usize,
    waiting: usize,
    overdrawn: bool,
}

impl Budget {
    pub(crate) fn new(limit_bytes: usize) -> Arc<Budget> {
        let (state, freed, tight) = Default::default();
        Arc::new(Budget { limit_bytes, state, freed, tight })
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Whether a connection should give back what it does not need at the moment.
    pub(crate) fn is_tight(&self) -> bool {
        self.tight.load(Ordering::Relaxed)
    }

    fn note_tightness(&self, state: &State) {
        let tight = state.waiting > 0 || state.used_bytes > self.limit_bytes / 2;
        self.tight.store(tight, Ordering::Relaxed);
    }

    #[cfg(test)]
    pub(crate) fn used_bytes(&self) -> usize {
        self.state().used_bytes
    }
}

/// What one connection holds of a [`Budget`]; given back when it is dropped.
#[derive(Debug)]
pub(crate) struct Charge {
    budget: Arc<Budget>,
    bytes: usize,
    overdraws: bool,
}

impl Charge {
    pub(crate) fn new(budget: Arc<Budget>) -> Charge {
        Charge { budget, bytes: 0, overdraws: false }
    }

    pub(crate) fn budget(&self) -> &Budget {
        &self.budget
    }

    /// Charges so much more, waiting at most `patience` for others to finish. Tells whether it was got.
    pub(crate) fn grow(&mut self, bytes: usize, patience: Duration) -> bool {
        let budget = self.budget.clone();
        let deadline = Instant::now() + patience;
        let mut state = budget.state();
        loop {
            let wanted = state.used_bytes.saturating_add(bytes);
            if wanted <= budget.limit_bytes || self.overdraws || !state.overdrawn {
                if wanted > budget.limit_bytes {
                    state.overdrawn = true;
                    self.overdraws = true;
                }
                state.used_bytes = wanted;
                self.bytes = self.bytes.saturating_add(bytes);
                budget.note_tightness(&state);
                return true;
            }
            let left = deadline.saturating_duration_since(Instant::now());
            if left.is_zero() {
                return false;
            }
            state.waiting += 1;
            budget.note_tightness(&state);
            state = budget.freed.wait_timeout(state, left).unwrap_or_else(PoisonError::into_inner).0;
            state.waiting = state.waiting.saturating_sub(1);
        }
    }

    /// Charges so much more if it is there, without waiting and without going over the budget.
    pub(crate) fn try_grow(&mut self, bytes: usize) -> bool {
        let mut state = self.budget.state();
        let wanted = state.used_bytes.saturating_add(bytes);
        let granted = wanted <= self.budget.limit_bytes;
        if granted {
            state.used_bytes = wanted;
            self.bytes = self.bytes.saturating_add(bytes);
            self.budget.note_tightness(&state);
        }
        granted
    }

    /// Gives back all but so many bytes.
    pub(crate) fn shrink_to(&mut self, bytes: usize) {
        let freed = self.bytes.saturating_sub(bytes);
        if freed == 0 && !self.overdraws {
            return;
        }
        let mut state = self.budget.state();
        state.used_bytes = state.used_bytes.saturating_sub(freed);
        self.bytes = self.bytes.saturating_sub(freed);
        if self.overdraws && state.used_bytes <= self.budget.limit_bytes {
            state.overdrawn = false;
            self.overdraws = false;
        }
        self.budget.note_tightness(&state);
        if state.waiting > 0 {
            self.budget.freed.notify_all();
        }
    }
}

impl Drop for Charge {
    fn drop(&mut self) {
        self.shrink_to(0);
        if self.overdraws {
            self.budget.state().overdrawn = false;
            self.budget.freed.notify_all();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const HOUR: Duration = Duration::from_secs(3600);

    #[test]
    fn what_is_given_back_can_be_had_again() {
        let budget = Budget::new(100);
        let mut one = Charge::new(budget.clone());
        assert!(one.grow(100, Duration::ZERO));
        one.shrink_to(40);
        assert_eq!(budget.used_bytes(), 40);
        drop(one);
        assert_eq!(budget.used_bytes(), 0);
    }

    #[test]
    fn one_connection_at_a_time_may_go_over_the_budget() {
        let budget = Budget::new(100);
        let mut overdrawing = Charge::new(budget.clone());
        let mut other = Charge::new(budget.clone());
        assert!(overdrawing.grow(80, Duration::ZERO));
        assert!(overdrawing.grow(80, Duration::ZERO));
        assert!(overdrawing.grow(80, Duration::ZERO), "it goes on until it is done");
        assert!(!other.grow(1, Duration::ZERO), "nobody else gets anything");
        assert!(!overdrawing.try_grow(1), "nobody goes over it for mere comfort");
        drop(overdrawing);
        assert!(other.grow(100, Duration::ZERO));
        assert!(other.grow(1, Duration::ZERO), "the next may go over it");
    }

    #[test]
    fn who_waits_gets_what_is_given_back() {
        let budget = Budget::new(100);
        let mut first = Charge::new(budget.clone());
        assert!(first.grow(150, Duration::ZERO));
        let waiting = std::thread::spawn({
            let mut second = Charge::new(budget.clone());
            move || second.grow(60, HOUR)
        });
        while budget.state().waiting == 0 {
            std::thread::yield_now();
        }
        assert!(budget.is_tight());
        drop(first);
        assert!(waiting.join().unwrap());
        assert_eq!(budget.used_bytes(), 0);
    }
}

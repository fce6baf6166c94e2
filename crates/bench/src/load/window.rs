//! How many requests may be unanswered at once.

use std::sync::{Condvar, Mutex, PoisonError};
use std::time::Duration;

/// How long a sender waits before it looks whether the load is to end.
const LOOK_UP: Duration = Duration::from_millis(100);

/// Places for requests under way, or as many as anybody likes.
#[derive(Debug)]
pub struct Window {
    limit: Option<usize>,
    taken: Mutex<usize>,
    freed: Condvar,
}

impl Window {
    /// So many places.
    pub fn new(limit: Option<usize>) -> Window {
        Window { limit, taken: Mutex::new(0), freed: Condvar::new() }
    }

    /// Takes a place; waits for one until `is_over`, and then returns `false`.
    pub fn enter(&self, is_over: impl Fn() -> bool) -> bool {
        let Some(limit) = self.limit else { return true };
        let mut taken = self.taken.lock().unwrap_or_else(PoisonError::into_inner);
        while *taken >= limit {
            if is_over() {
                return false;
            }
            taken = self.freed.wait_timeout(taken, LOOK_UP).unwrap_or_else(PoisonError::into_inner).0;
        }
        *taken += 1;
        true
    }

    /// Gives one back.
    pub fn leave(&self) {
        if self.limit.is_some() {
            let mut taken = self.taken.lock().unwrap_or_else(PoisonError::into_inner);
            *taken = taken.saturating_sub(1);
            self.freed.notify_one();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_full_window_keeps_out_until_one_leaves() {
        let window = Window::new(Some(2));
        assert!(window.enter(|| true) && window.enter(|| true) && !window.enter(|| true));
        window.leave();
        assert!(window.enter(|| true));
        assert!(Window::new(None).enter(|| true));
    }
}

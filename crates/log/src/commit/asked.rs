//! The logs of a store that somebody wants synced and does not sync himself.

use std::sync::{Arc, Weak};
use std::time::Duration;

use crate::sync::{Condvar, Mutex, MutexGuard, PoisonError};

/// Which logs were asked for since the last round.
#[derive(Debug)]
pub(crate) struct Asked<L> {
    state: Mutex<State<L>>,
    changed: Condvar,
}

#[derive(Debug)]
struct State<L> {
    logs: Vec<Weak<L>>,
    over: bool,
}

impl<L> Default for Asked<L> {
    fn default() -> Self {
        Asked { state: Mutex::new(State { logs: Vec::new(), over: false }), changed: Condvar::new() }
    }
}

impl<L> Asked<L> {
    fn state(&self) -> MutexGuard<'_, State<L>> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The next round covers this log. Each log asks once a round.
    pub(crate) fn ask(&self, log: &Arc<L>) {
        self.state().logs.push(Arc::downgrade(log));
        self.changed.notify_one();
    }

    /// The logs that were asked for; waits at most `timeout` for one. `None` once no more will come.
    pub(crate) fn take(&self, timeout: Duration) -> Option<Vec<Weak<L>>> {
        let idle = |state: &mut State<L>| state.logs.is_empty() && !state.over;
        let waited = self.changed.wait_timeout_while(self.state(), timeout, idle);
        let mut state = waited.unwrap_or_else(PoisonError::into_inner).0;
        let logs = std::mem::take(&mut state.logs);
        (!logs.is_empty() || !state.over).then_some(logs)
    }

    /// No log will ask any more.
    pub(crate) fn end(&self) {
        self.state().over = true;
        self.changed.notify_all();
    }
}

/// Ends the rounds with the store, or with the log that was opened alone.
#[derive(Debug)]
pub(crate) struct AskedOwner<L>(pub(crate) Arc<Asked<L>>);

impl<L> Default for AskedOwner<L> {
    fn default() -> Self {
        AskedOwner(Arc::default())
    }
}

impl<L> Drop for AskedOwner<L> {
    fn drop(&mut self) {
        self.0.end();
    }
}

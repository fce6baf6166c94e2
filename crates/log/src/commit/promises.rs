//! Those who are called once what they appended is on disk.

use std::fmt;

use crate::error::Result;
use crate::sync::atomic::{AtomicBool, Ordering};
use crate::sync::{Mutex, MutexGuard, PoisonError};

type Call = Box<dyn FnOnce(Result<()>) + Send>;

/// The promises of one log that are not kept yet.
#[derive(Default)]
pub(crate) struct Promises {
    waiting: Mutex<Vec<Promise>>,
    /// Whether the log stands among those that were asked for.
    asked: AtomicBool,
}

struct Promise {
    /// Tells what has become of it: `None` while that is open.
    outcome: Box<dyn Fn() -> Option<Result<()>> + Send>,
    call: Call,
}

impl Promises {
    fn waiting(&self) -> MutexGuard<'_, Vec<Promise>> {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// `call` is called with what `outcome` says, once it says something.
    pub(crate) fn add(
        &self,
        outcome: impl Fn() -> Option<Result<()>> + Send + 'static,
        call: impl FnOnce(Result<()>) + Send + 'static,
    ) {
        self.waiting().push(Promise { outcome: Box::new(outcome), call: Box::new(call) });
    }

    /// Calls everybody whose outcome is known. No lock is held meanwhile.
    pub(crate) fn settle(&self) {
        let mut due = Vec::new();
        let mut waiting = self.waiting();
        let open = std::mem::take(&mut *waiting);
        for promise in open {
            match (promise.outcome)() {
                None => waiting.push(promise),
                Some(outcome) => due.push((promise.call, outcome)),
            }
        }
        drop(waiting);
        for (call, outcome) in due {
            call(outcome);
        }
    }

    /// Whether the log has to be put among those that were asked for: nobody did since the last round.
    pub(crate) fn must_ask(&self) -> bool {
        !self.asked.swap(true, Ordering::AcqRel)
    }

    /// A round begins: who asks from now on asks for the next.
    pub(crate) fn begin_round(&self) {
        self.asked.store(false, Ordering::Release);
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.waiting().is_empty()
    }
}

impl fmt::Debug for Promises {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Promises").field("waiting", &self.waiting().len()).finish_non_exhaustive()
    }
}

//! Who compacts a log.

use crate::sync::atomic::{AtomicBool, Ordering};
use crate::sync::{Mutex, MutexGuard, PoisonError, TryLockError};

/// One pass over a log at a time, and none once it is about to be closed.
#[derive(Debug, Default)]
pub(crate) struct Turn {
    taken: Mutex<()>,
    is_closing: AtomicBool,
}

impl Turn {
    /// Ends the pass that is under way and waits for it; no other begins.
    pub(crate) fn close(&self) {
        self.is_closing.store(true, Ordering::Release);
        drop(self.taken.lock().unwrap_or_else(PoisonError::into_inner));
    }

    /// Whether the log is about to be closed.
    pub(crate) fn is_closing(&self) -> bool {
        self.is_closing.load(Ordering::Acquire)
    }

    /// `None` while another pass is under way, and once the log is about to be closed.
    pub(crate) fn take(&self) -> Option<MutexGuard<'_, ()>> {
        let turn = match self.taken.try_lock() {
            Ok(turn) => turn,
            Err(TryLockError::Poisoned(turn)) => turn.into_inner(),
            Err(TryLockError::WouldBlock) => return None,
        };
        (!self.is_closing()).then_some(turn)
    }
}

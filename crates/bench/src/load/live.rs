//! What the threads of a load tell each other, and whoever watches.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use super::error::LoadError;
use crate::client::ClientError;

/// Where a load is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct SoFar {
    /// Nanoseconds since it began.
    pub elapsed_ns: u64,
    /// Nanoseconds from there to where it begins to count.
    pub counted_from_ns: u64,
    /// Batches that left.
    pub sent: u64,
    /// Batches that were acknowledged; with acks=0, those that left.
    pub acknowledged: u64,
    /// Batches that consumers saw.
    pub seen: u64,
    /// Bytes of the batches that were acknowledged.
    pub acknowledged_bytes: u64,
    /// Bytes of the batches that consumers saw.
    pub seen_bytes: u64,
}

/// Counts that every thread adds to, and the two ways to end early.
#[derive(Debug)]
pub struct Live {
    /// Batches that left.
    pub sent: AtomicU64,
    /// Batches that were acknowledged.
    pub acknowledged: AtomicU64,
    /// Bytes of them.
    pub acknowledged_bytes: AtomicU64,
    /// Batches that were seen.
    pub seen: AtomicU64,
    /// Bytes of them.
    pub seen_bytes: AtomicU64,
    /// Somebody wants no more to be sent; what was sent is still waited for.
    pub enough: Arc<AtomicBool>,
    /// Something failed: nobody waits for anything any more.
    abort: Arc<AtomicBool>,
    error: Mutex<Option<LoadError>>,
}

impl Live {
    /// Nothing has happened yet.
    pub fn new(enough: Arc<AtomicBool>, abort: Arc<AtomicBool>) -> Live {
        Live {
            sent: AtomicU64::new(0),
            acknowledged: AtomicU64::new(0),
            acknowledged_bytes: AtomicU64::new(0),
            seen: AtomicU64::new(0),
            seen_bytes: AtomicU64::new(0),
            enough,
            abort,
            error: Mutex::new(None),
        }
    }

    /// Ends the load because of this, if it is the first.
    pub fn fail(&self, error: LoadError) {
        self.abort.store(true, Ordering::Relaxed);
        if matches!(error, LoadError::Client(ClientError::Stopped)) {
            return;
        }
        let mut first = self.error.lock().unwrap_or_else(PoisonError::into_inner);
        first.get_or_insert(error);
    }

    /// Whether it failed.
    pub fn has_failed(&self) -> bool {
        self.abort.load(Ordering::Relaxed)
    }

    /// Whether nothing more is to be sent.
    pub fn is_over(&self) -> bool {
        self.has_failed() || self.enough.load(Ordering::Relaxed)
    }

    /// Why it failed.
    pub fn take_error(&self) -> Option<LoadError> {
        self.error.lock().unwrap_or_else(PoisonError::into_inner).take()
    }

    /// The counts as they stand.
    pub fn so_far(&self, elapsed_ns: u64, counted_from_ns: u64) -> SoFar {
        let of = |count: &AtomicU64| count.load(Ordering::Relaxed);
        SoFar {
            elapsed_ns,
            counted_from_ns,
            sent: of(&self.sent),
            acknowledged: of(&self.acknowledged),
            seen: of(&self.seen),
            acknowledged_bytes: of(&self.acknowledged_bytes),
            seen_bytes: of(&self.seen_bytes),
        }
    }
}

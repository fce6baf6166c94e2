//! A reader that waits for the end of the log, survives rolls, and says when the log was cut under it.

use std::sync::Arc;
use std::time::{Duration, Instant};

use crate::batches::Batches;
use crate::error::{Error, Result};
use crate::log::Log;
use crate::offset::Offset;
use crate::read::Isolation;
use crate::watch::{Subscription, Waiter};

/// Follows a log from an offset on: see [`Log::tail`].
#[derive(Debug)]
pub struct Tail {
    log: Log,
    next_offset: Offset,
    isolation: Isolation,
    max_bytes: usize,
    truncations: u64,
    waiter: Arc<Waiter>,
    _subscription: Subscription,
}

impl Tail {
    pub(crate) fn new(log: Log, from: Offset, isolation: Isolation) -> Tail {
        const MAX_BYTES: usize = 1 << 20;
        let waiter = Waiter::new();
        let subscription = log.subscribe(&waiter);
        let truncations = log.truncations();
        Tail {
            log,
            next_offset: from,
            isolation,
            max_bytes: MAX_BYTES,
            truncations,
            waiter,
            _subscription: subscription,
        }
    }

    /// Reads at most this many bytes at once; a larger batch still comes whole.
    pub fn max_bytes(self, max_bytes: usize) -> Tail {
        Tail { max_bytes, ..self }
    }

    /// The offset that is read next.
    pub fn position(&self) -> Offset {
        self.next_offset
    }

    /// Goes to another offset, after an error for example.
    pub fn seek(&mut self, offset: Offset) {
        self.next_offset = offset;
        self.truncations = self.log.truncations();
    }

    /// The next batches; waits for them at most `timeout`, then returns `None`.
    ///
    /// # Errors
    /// [`Error::Truncated`] where the end was cut below the position, [`Error::OffsetOutOfRange`] where
    /// the start moved past it: nothing is skipped silently, [`Tail::seek`] goes on. [`Error::Closed`]
    /// once the log is closed.
    pub fn next(&mut self, timeout: Duration) -> Result<Option<Batches>> {
        let deadline = Instant::now() + timeout;
        loop {
            self.ensure_not_cut()?;
            let batches = self.log.read_batches(self.next_offset, self.max_bytes, self.isolation)?;
            if !batches.is_empty() {
                self.next_offset = batches.next_offset();
                return Ok(Some(batches));
            }
            let left = deadline.saturating_duration_since(Instant::now());
            if left.is_zero() || !self.waiter.wait(left) {
                return Ok(None);
            }
        }
    }

    /// A cut below the position took records that were read; offsets from there on mean other records.
    fn ensure_not_cut(&mut self) -> Result<()> {
        let truncations = self.log.truncations();
        if truncations == self.truncations {
            return Ok(());
        }
        let cut = self.log.lowest_cut_since(self.truncations);
        if let Some(log_end_offset) = cut.filter(|cut| *cut < self.next_offset) {
            return Err(Error::Truncated { position: self.next_offset, log_end_offset });
        }
        self.truncations = truncations;
        Ok(())
    }
}

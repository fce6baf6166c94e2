//! A reader that waits for the end of the log, survives rolls, and says when the log was cut under it.

use std::sync::Arc;
use std::time::{Duration, Instant};

use crate::batches::Batches;
use crate::error::{Error, Result};
use crate::isolation::ReadLimit;
use crate::offset::Offset;
use crate::read;
use crate::shared::Shared;
use crate::sync::atomic::Ordering;
use crate::watch::{Subscription, Waiter};

/// Follows a log from an offset on: see [`Log::tail`](crate::Log::tail).
#[derive(Debug)]
pub struct Tail {
    shared: Arc<Shared>,
    next_offset: Offset,
    limit: ReadLimit,
    max_bytes: usize,
    truncations: u64,
    waiter: Arc<Waiter>,
    _subscription: Subscription,
    _durable: Option<DurableReader>,
}

/// Has those woken who wait for records to be on disk, while it lives.
#[derive(Debug)]
struct DurableReader(Arc<Shared>);

impl DurableReader {
    fn new(shared: &Arc<Shared>) -> DurableReader {
        shared.count_durable_readers().fetch_add(1, Ordering::SeqCst);
        DurableReader(shared.clone())
    }
}

impl Drop for DurableReader {
    fn drop(&mut self) {
        self.0.count_durable_readers().fetch_sub(1, Ordering::SeqCst);
    }
}

impl Tail {
    pub(crate) fn new(shared: Arc<Shared>, from: Offset, limit: ReadLimit) -> Tail {
        const MAX_BYTES: usize = 1 << 20;
        let waiter = Waiter::new();
        let subscription = shared.watch.subscribe(&waiter);
        let truncations = shared.truncations();
        let durable = limit.durable.then(|| DurableReader::new(&shared));
        Tail {
            shared,
            next_offset: from,
            limit,
            max_bytes: MAX_BYTES,
            truncations,
            waiter,
            _subscription: subscription,
            _durable: durable,
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
        self.truncations = self.shared.truncations();
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
            let read = self.read();
            self.ensure_not_cut_meanwhile(read.is_err())?;
            let batches = match read {
                // The bytes went between the look at the log and the copy; a new look finds what is left.
                Err(e) if self.shared.truncations() != self.truncations && ended_early(&e) => continue,
                read => read?,
            };
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

    fn read(&self) -> Result<Batches> {
        let fetched = read::read(&self.shared, self.next_offset, self.max_bytes, self.limit)?;
        Batches::read(&self.shared, &fetched, self.next_offset, self.limit.isolation)
    }

    /// A cut during a read makes of what it found another log's records, or none. Cuts above the position are
    /// not taken note of: the read may have gone past them.
    fn ensure_not_cut_meanwhile(&self, failed: bool) -> Result<()> {
        if !failed && self.shared.truncations() == self.truncations {
            return Ok(());
        }
        let cut = self.shared.lowest_cut_since(self.truncations).filter(|cut| *cut < self.next_offset);
        cut.map_or(Ok(()), |log_end_offset| {
            Err(Error::Truncated { position: self.next_offset, log_end_offset })
        })
    }

    /// A cut below the position took records that were read; offsets from there on mean other records.
    fn ensure_not_cut(&mut self) -> Result<()> {
        let truncations = self.shared.truncations();
        if truncations == self.truncations {
            return Ok(());
        }
        let cut = self.shared.lowest_cut_since(self.truncations);
        if let Some(log_end_offset) = cut.filter(|cut| *cut < self.next_offset) {
            return Err(Error::Truncated { position: self.next_offset, log_end_offset });
        }
        self.truncations = truncations;
        Ok(())
    }
}

fn ended_early(error: &Error) -> bool {
    matches!(error, Error::Io { source, .. } if source.kind() == std::io::ErrorKind::UnexpectedEof)
}

//! What an append promises, and how to learn that it holds.

use std::sync::Arc;

use crate::commit::Keeper;
use crate::error::{Error, Result};
use crate::offset::Offset;

/// Tells when an append is on disk, whoever brings it there: wait, ask, or be called.
///
/// An append is published at once and survives the end of the process. It survives a power cut once this
/// says so.
///
/// ```
/// # use ottla::Log;
/// # use ottla_record::BatchBuilder;
/// # let data = tempfile::tempdir()?;
/// # let (log, _report) = Log::open(data.path().join("letters-0"))?;
/// # let mut batch = BatchBuilder::new();
/// # batch.push(0, None, Some(b"Dear Ottla"), &[])?;
/// # let batch = batch.build()?;
/// let first = log.append(&batch)?;
/// let second = log.append(&batch)?;
/// second.durability.wait()?; // one sync covers both
/// assert!(first.durability.is_durable()?);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
///
/// It keeps neither the log open nor its directory locked; its files stay open while it lives.
#[derive(Clone, Debug)]
pub struct Durability {
    keeper: Arc<Keeper>,
    end: Offset,
    /// How often the log had been cut when this was promised.
    truncations: u64,
}

impl Durability {
    pub(crate) fn new(keeper: Arc<Keeper>, end: Offset) -> Durability {
        let truncations = keeper.shared.truncations();
        Durability { keeper, end, truncations }
    }

    /// The offset after the last record of the append.
    pub fn end_offset(&self) -> Offset {
        self.end
    }

    /// Waits for the disk, and syncs where nobody does. Calls that come together share one sync.
    ///
    /// # Errors
    /// [`Error::Io`] where this sync fails, [`Error::Poisoned`] where an earlier one did: then the append may
    /// not be taken for stored. [`Error::Truncated`] where it was cut off, [`Error::Closed`] where the log was
    /// closed before.
    pub fn wait(&self) -> Result<()> {
        if !self.is_durable()? {
            self.keeper.commit.sync_to(&self.keeper.shared, self.end)?;
        }
        self.ensure_not_cut()
    }

    /// Waits for all of them; the disk works for several logs at the same time. The outcomes stand as `promises` do.
    pub fn wait_all<'d>(promises: impl IntoIterator<Item = &'d Durability>) -> Vec<Result<()>> {
        let promises: Vec<&Durability> = promises.into_iter().collect();
        let mut logs: Vec<&Arc<Keeper>> = promises.iter().map(|promise| &promise.keeper).collect();
        logs.sort_unstable_by_key(|log| Arc::as_ptr(log));
        logs.dedup_by_key(|log| Arc::as_ptr(log));
        Keeper::begin_together(&logs);
        // Backwards: the last of a log asks for most, and those before it then find it done.
        let mut outcomes: Vec<_> = promises.iter().rev().map(|promise| promise.wait()).collect();
        outcomes.reverse();
        outcomes
    }

    /// Whether it is on disk. Asks no disk, and nobody to sync.
    ///
    /// # Errors
    /// As [`Durability::wait`], where it never will be.
    pub fn is_durable(&self) -> Result<bool> {
        let shared = &self.keeper.shared;
        let open = shared.ensure_writable();
        // First the bound, then what makes it mean something else. It is looked at after the above: a log that is closed
        // has brought to disk before what it could.
        let durable = shared.durable_offset() >= self.end;
        self.ensure_not_cut()?;
        if !durable {
            open?;
        }
        Ok(durable)
    }

    /// Asks a [`Committer`](crate::Committer) to sync, and tells what is known now: `None` while it is on its way.
    pub fn poll(&self) -> Option<Result<()>> {
        let outcome = self.outcome();
        if outcome.is_none() {
            self.keeper.ask_for_sync();
        }
        outcome
    }

    /// Calls `call` with the outcome once it is known. Needs a [`Committer`](crate::Committer), on whose thread it is called,
    /// unless the log is closed before: whoever closes it calls then, and where it is closed already, this does.
    ///
    /// Where the log and every promise of it is dropped without the log being closed, so is the call.
    pub fn when_durable(&self, call: impl FnOnce(Result<()>) + Send + 'static) {
        let (keeper, end, truncations) = (Arc::downgrade(&self.keeper), self.end, self.truncations);
        let outcome =
            move || keeper.upgrade().and_then(|keeper| Durability { keeper, end, truncations }.outcome());
        self.keeper.promises.add(outcome, call);
        // Who closes the log calls those that were added before; for one that is added after, nobody comes.
        if self.keeper.shared.ensure_open().is_ok() {
            self.keeper.ask_for_sync();
        } else {
            self.keeper.promises.settle();
        }
    }

    pub(crate) fn outcome(&self) -> Option<Result<()>> {
        match self.is_durable() {
            Ok(false) => None,
            Ok(true) => Some(Ok(())),
            Err(error) => Some(Err(error)),
        }
    }

    /// Offsets that were cut off and given out again stand for other records.
    fn ensure_not_cut(&self) -> Result<()> {
        match self.keeper.shared.lowest_cut_since(self.truncations) {
            Some(cut) if cut < self.end => Err(Error::Truncated { position: self.end, log_end_offset: cut }),
            _ => Ok(()),
        }
    }
}

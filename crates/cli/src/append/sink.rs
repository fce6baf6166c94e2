//! Where batches go: a directory or a broker.

use anyhow::Result;
use ottla::Offset;

use super::batcher::Batch;

/// Takes batches, one after the other.
pub(super) trait Sink {
    /// Appends one batch; returns its first and last offset.
    fn append(&mut self, batch: Batch) -> Result<(Offset, Offset)>;

    /// Everything was appended.
    fn finish(self: Box<Self>) -> Result<()>;

    /// What was appended to.
    fn name(&self) -> String;
}

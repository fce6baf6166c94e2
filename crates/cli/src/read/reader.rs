use anyhow::Result;
use ottla::Offset;
use ottla::fs::FileSystem;

use super::committed::{Ahead, Decisions};
use crate::partition::{BatchCursor, Damage, PartitionDir, Step, StoredBatch, start_at};

/// The batches that a reader may see, in order.
pub struct Reader<'f> {
    cursor: BatchCursor<'f>,
    decisions: Option<Decisions<'f>>,
}

/// What a reader sees next.
pub enum Next<'a> {
    /// A batch; it is shown again until it is passed.
    Batch(StoredBatch<'a>),
    /// Nothing yet.
    End,
    /// The last segment does not end with a whole batch, which may be being written.
    Unfinished(Damage),
    /// No whole batch, though the log goes on.
    Damage(Damage),
}

impl<'f> Reader<'f> {
    /// A reader that sees every batch from the one that holds `from` on.
    pub fn uncommitted(fs: &'f dyn FileSystem, dir: &PartitionDir, from: Offset) -> Result<Reader<'f>> {
        Ok(Reader { cursor: start_at(fs, dir, from)?, decisions: None })
    }

    /// A reader that sees what was committed.
    pub fn committed(fs: &'f dyn FileSystem, dir: &PartitionDir, from: Offset) -> Result<Reader<'f>> {
        let decisions = Some(Decisions::before(fs, dir, from)?);
        Ok(Reader { cursor: start_at(fs, dir, from)?, decisions })
    }

    /// Shows what is next.
    pub fn next(&mut self) -> Result<Next<'_>> {
        if let Some(blocked) = self.skip_hidden()? {
            return Ok(blocked);
        }
        Ok(match self.cursor.step()? {
            Step::Batch(batch) => Next::Batch(batch),
            Step::End => Next::End,
            Step::Unfinished(damage) => Next::Unfinished(damage),
            Step::Damage(damage) => Next::Damage(damage),
        })
    }

    /// Goes past the batch that was shown.
    pub fn pass(&mut self) {
        self.cursor.pass();
    }

    /// Passes the batches of aborted transactions, and says where the reader must wait for a decision.
    fn skip_hidden(&mut self) -> Result<Option<Next<'static>>> {
        let Some(decisions) = &mut self.decisions else { return Ok(None) };
        loop {
            let Step::Batch(batch) = self.cursor.step()? else { return Ok(None) };
            let head = batch.head;
            while head.last_offset() >= decisions.decided() {
                match decisions.advance()? {
                    Ahead::Moved => {}
                    Ahead::End => return Ok(Some(Next::End)),
                    Ahead::Unfinished(damage) => return Ok(Some(Next::Unfinished(damage))),
                    Ahead::Damage(damage) => return Ok(Some(Next::Damage(damage))),
                }
            }
            if !decisions.hides(&head) {
                return Ok(None);
            }
            self.cursor.pass();
        }
    }
}

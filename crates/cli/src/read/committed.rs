//! Which records were committed, as the log itself says it: a second cursor runs ahead of the reader and
//! follows transactions to their markers. No `.txnindex` is trusted.

use std::collections::VecDeque;

use anyhow::Result;
use ottla::Offset;
use ottla::dir::{FileKind, FileName};
use ottla::fs::FileSystem;
use ottla::producer::{BatchStamp, CompletedTxn, ProducerEntry, ProducerState, snapshot};
use ottla_record::Head;

use crate::partition::{BatchCursor, Damage, PartitionDir, Step, marker_of, start_at};

/// What is decided about transactions, as far as this has looked.
pub struct Decisions<'f> {
    ahead: BatchCursor<'f>,
    state: ProducerState,
    /// Those whose marker the reader has not passed, by the offset of the marker.
    aborted: VecDeque<CompletedTxn>,
}

/// What looking at one more batch came to.
pub enum Ahead {
    /// There was one.
    Moved,
    /// There is none yet.
    End,
    /// The log's tail is not whole.
    Unfinished(Damage),
    /// The log is damaged.
    Damage(Damage),
}

impl<'f> Decisions<'f> {
    /// For a reader that begins at `from`: looks from the newest snapshot of producers that is not after it,
    /// so that transactions which began before are known.
    pub fn before(fs: &'f dyn FileSystem, dir: &PartitionDir, from: Offset) -> Result<Decisions<'f>> {
        let (offset, entries) = newest_snapshot(fs, dir, from);
        let state = ProducerState::from_entries(entries, offset, 0, i64::MAX);
        Ok(Decisions { ahead: start_at(fs, dir, offset)?, state, aborted: VecDeque::new() })
    }

    /// Below this offset every transaction is committed or aborted: the last stable offset of what was
    /// looked at.
    pub fn decided(&self) -> Offset {
        self.state.last_stable_offset(self.state.map_end_offset())
    }

    /// Whether a batch below [`Decisions::decided`] belongs to an aborted transaction. Batches are asked for
    /// in the order of the log.
    pub fn hides(&mut self, head: &Head) -> bool {
        let offset = head.base_offset();
        while self.aborted.front().is_some_and(|txn| txn.last_offset < offset) {
            self.aborted.pop_front();
        }
        let Some(producer) = head.producer().filter(|producer| producer.transactional) else { return false };
        let holds =
            |txn: &CompletedTxn| txn.producer_id == producer.producer_id && txn.first_offset <= offset;
        !head.is_control() && self.aborted.iter().any(holds)
    }

    /// Looks at one more batch.
    pub fn advance(&mut self) -> Result<Ahead> {
        let batch = match self.ahead.step()? {
            Step::Batch(batch) => batch,
            Step::End => return Ok(Ahead::End),
            Step::Unfinished(damage) => return Ok(Ahead::Unfinished(damage)),
            Step::Damage(damage) => return Ok(Ahead::Damage(damage)),
        };
        let head = batch.head;
        let marker = match marker_of(&head, batch.bytes) {
            Ok(marker) => marker,
            Err(error) => {
                let what = format!("the control record cannot be read: {error}");
                return Ok(Ahead::Damage(Damage::new(batch.segment.path.clone(), batch.position, what)));
            }
        };
        self.ahead.pass();
        // What the snapshot already knows is not taken in twice.
        if head.last_offset() < self.state.map_end_offset() {
            return Ok(Ahead::Moved);
        }
        if let Some(stamp) = BatchStamp::of(&head, marker) {
            self.aborted.extend(self.state.apply(&stamp).filter(|txn| txn.aborted));
        }
        self.state.advance_to(head.last_offset() + 1);
        self.state.on_high_watermark(self.state.map_end_offset());
        Ok(Ahead::Moved)
    }
}

/// What the newest readable snapshot at or below `from` knows, and its offset; without one, nothing is
/// known at the first segment.
fn newest_snapshot(fs: &dyn FileSystem, dir: &PartitionDir, from: Offset) -> (Offset, Vec<ProducerEntry>) {
    let start = dir.segments.first().map_or(Offset::ZERO, |segment| segment.base_offset);
    let mut offsets: Vec<Offset> = fs
        .read_dir(&dir.path)
        .unwrap_or_default()
        .iter()
        .filter_map(|entry| FileName::parse(&entry.name))
        .filter(|name| name.kind == FileKind::Snapshot && name.suffix.is_none())
        .map(|name| name.base_offset)
        .filter(|offset| (start..=from).contains(offset))
        .collect();
    offsets.sort_unstable();
    let read = |offset: &Offset| {
        let path = FileName::new(*offset, FileKind::Snapshot).in_dir(&dir.path);
        snapshot::read(fs, &path).ok().map(|entries| (*offset, entries))
    };
    offsets.iter().rev().find_map(read).unwrap_or((start, Vec::new()))
}

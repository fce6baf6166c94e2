//! The read path, the shared half: from an offset to a range of bytes in one file. No lock is held
//! across I/O, and no record is looked at.

use std::sync::Arc;

use crate::dir::FileKind;
use crate::error::{Error, Result};
use crate::isolation::{Isolation, ReadLimit};
use crate::offset::{Offset, Position};
use crate::producer::{AbortedTxn, TxnIndex};
use crate::segment::{FileSlice, HeadWalk, Segment, SegmentFiles, Walked};
use crate::shared::Shared;

/// What a read found.
#[derive(Clone, Debug)]
pub struct Fetched {
    /// Whole batches from the one that holds the offset on; the last may be cut. Empty at the end.
    pub slice: FileSlice,
    /// The base offset of the first batch; the offset that was asked for where there is none.
    pub base_offset: Offset,
    /// The offset after the last record that readers see.
    pub high_watermark: Offset,
    /// Up to where every transaction is decided.
    pub last_stable_offset: Offset,
    /// The first offset of the log.
    pub log_start_offset: Offset,
    /// The aborted transactions that may have records in the slice, where the reader is careful.
    pub aborted: Vec<AbortedTxn>,
}

/// Finds the bytes from the batch that holds `from` on: at most `max_bytes`, but the first batch whole,
/// and within one segment.
pub(crate) fn read(shared: &Shared, from: Offset, max_bytes: usize, limit: ReadLimit) -> Result<Fetched> {
    read_by(shared, from, max_bytes, limit, Look::ByHeads)
}

/// As [`read`], where a batch that was found so turned out to be damaged: it may not be the one that holds `from`.
pub(crate) fn read_carefully(
    shared: &Shared,
    from: Offset,
    max_bytes: usize,
    limit: ReadLimit,
) -> Result<Fetched> {
    read_by(shared, from, max_bytes, limit, Look::AtAllBytes)
}

/// What of the batches is looked at to find an offset.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Look {
    ByHeads,
    AtAllBytes,
}

fn read_by(shared: &Shared, from: Offset, max_bytes: usize, limit: ReadLimit, look: Look) -> Result<Fetched> {
    shared.look(|| read_once(shared, from, max_bytes, limit, look))
}

fn read_once(
    shared: &Shared,
    from: Offset,
    max_bytes: usize,
    limit: ReadLimit,
    look: Look,
) -> Result<Fetched> {
    shared.ensure_open()?;
    let cuts = shared.cuts_over();
    let mut fetched = bounds(shared, from)?;
    let mut upper = match limit.isolation {
        Isolation::ReadUncommitted => fetched.high_watermark,
        Isolation::ReadCommitted => fetched.last_stable_offset,
    };
    if limit.durable {
        upper = upper.min(shared.durable_offset());
    }
    if from >= upper {
        return Ok(fetched);
    }
    // A cut during the look may have led past what it took.
    let is_cut = || cuts.is_none() || shared.cuts_over() != cuts;
    let found = match find(shared, from, upper, max_bytes, look, is_cut) {
        // Retention may have taken the segment away between the look at the bounds and here.
        Err(e) => return bounds(shared, from).and(Err(e)),
        // So it may have where nothing was found.
        Ok(None) => return bounds(shared, from),
        Ok(Some(found)) => found,
    };
    if limit.isolation == Isolation::ReadCommitted {
        fetched.aborted = aborted_between(shared, from, offset_bound(shared, &found)?.min(upper))?;
    }
    fetched.base_offset = found.base_offset;
    fetched.slice =
        FileSlice::new(found.files.log.clone(), u64::from(found.position.get()), found.size_bytes);
    Ok(fetched)
}

fn bounds(shared: &Shared, from: Offset) -> Result<Fetched> {
    let high_watermark = shared.high_watermark();
    let last_stable_offset = shared.last_stable_offset_below(high_watermark);
    let log_end_offset = shared.log_end_offset();
    let log_start_offset = shared.log_start_offset();
    if from < log_start_offset || from > log_end_offset {
        return Err(Error::OffsetOutOfRange { requested: from, log_start_offset, log_end_offset });
    }
    Ok(Fetched {
        slice: FileSlice::empty(),
        base_offset: from,
        high_watermark,
        last_stable_offset,
        log_start_offset,
        aborted: Vec::new(),
    })
}

/// A range of one segment.
struct Found {
    segment: Arc<Segment>,
    files: Arc<SegmentFiles>,
    base_offset: Offset,
    position: Position,
    size_bytes: usize,
}

fn find(
    shared: &Shared,
    from: Offset,
    upper: Offset,
    max_bytes: usize,
    look: Look,
    is_cut: impl Fn() -> bool,
) -> Result<Option<Found>> {
    let mut next = shared.segments.floor(from);
    // Compaction leaves gaps: the offset may belong to a later segment than its name says.
    while let Some(segment) = next {
        let files = segment.files()?;
        let size = segment.size_bytes()?;
        let after = || shared.segments.after(segment.base_offset());
        let limit = || after().map_or_else(|| shared.log_end_offset(), |after| after.base_offset());
        let mut found = match look {
            Look::ByHeads => segment.find_below(&files, from, size, limit)?,
            Look::AtAllBytes => None,
        };
        // At the end of a segment that another follows, a head may have hidden what is there.
        if found.is_none() && (look == Look::AtAllBytes || after().is_some()) {
            found = segment.find_carefully(&files, from, size, limit())?;
        }
        if let Some((position, head)) = found {
            let whole = head.size_bytes() as u64;
            let end = bounded_end(shared, &segment, &files, upper, size)?;
            let left = end.saturating_sub(u64::from(position.get()));
            if left == 0 {
                return Ok(None);
            }
            let size_bytes = left.min((max_bytes as u64).max(whole)) as usize;
            return Ok(Some(Found { segment, files, base_offset: head.base_offset(), position, size_bytes }));
        }
        if is_cut() {
            return Ok(None);
        }
        next = after();
        // Where compaction has merged it with those behind it, what follows now is not what followed it.
        if !shared.segments.holds(&segment) {
            next = shared.segments.floor(from);
        }
    }
    Ok(None)
}

/// Where the bytes below `upper` end in this segment.
fn bounded_end(
    shared: &Shared,
    segment: &Arc<Segment>,
    files: &SegmentFiles,
    upper: Offset,
    size: u64,
) -> Result<u64> {
    if upper >= shared.log_end_offset() {
        return Ok(size);
    }
    let found = segment.find(files, upper, size)?;
    Ok(found.map_or(size, |(position, _)| u64::from(position.get())))
}

/// The aborted transactions with records between two offsets, oldest first, by the indexes of the segments.
pub(crate) fn aborted_between(shared: &Shared, from: Offset, to: Offset) -> Result<Vec<AbortedTxn>> {
    let mut aborted = Vec::new();
    // A transaction that ends in a later segment may begin here.
    for segment in shared.segments.from(from) {
        if !segment.has_txn_index() {
            continue;
        }
        let path = shared.home.path(segment.base_offset(), FileKind::TxnIndex);
        let index = TxnIndex::open_read_only(shared.home.fs.clone(), path, segment.base_offset())?;
        let search = index.aborted_between(from, to)?;
        aborted.extend(search.aborted);
        if search.complete {
            break;
        }
    }
    Ok(aborted)
}

/// An offset that nothing in the slice reaches.
fn offset_bound(shared: &Shared, found: &Found) -> Result<Offset> {
    let end = u64::from(found.position.get()) + found.size_bytes as u64;
    let base_offset = found.segment.base_offset();
    let size = found.segment.size_bytes()?;
    let around = found
        .files
        .offset_index(&found.segment)?
        .around(|entry| u64::from(entry.position.get()) < end)
        .map_err(|e| Error::io("read", shared.home.path(base_offset, FileKind::Index), e))?;
    // A bound that is too low would hide aborted transactions, so the log must bear the entry out.
    if let Some(entry) = around.above.filter(|entry| u64::from(entry.position.get()) < size) {
        let step = HeadWalk::new(&*found.files.log, entry.position, size).step();
        let step = step.map_err(|e| Error::io("read", shared.home.path(base_offset, FileKind::Log), e))?;
        if matches!(step, Walked::Batch(_, head) if entry.is_borne_out_by(&head, base_offset)) {
            return Ok(entry.offset(base_offset));
        }
    }
    let after = shared.segments.after(base_offset);
    Ok(after.map_or_else(|| shared.log_end_offset(), |segment| segment.base_offset()))
}

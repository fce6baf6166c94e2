//! Step 3: what need not be read again. The first reading has read and checked it, and found for each record of
//! it a newer one.

use std::sync::Arc;

use super::map::KeyOffsets;
use super::scan::{Batch, Next};
use super::transactions::LastBatches;
use crate::error::Result;
use crate::offset::Offset;
use crate::segment::Segment;

/// Finding the place and reading from there costs about as much as reading so many bytes on.
const WORTH_A_JUMP_BYTES: u64 = 128 * 1024;

/// Looks ahead of the reading of a group of segments.
pub(super) struct Ahead<'a> {
    keys: &'a KeyOffsets,
    /// The batches at these offsets are kept, if only their headers; ascending.
    kept: Vec<Offset>,
    /// Where that begins which is being passed over.
    from: Option<Offset>,
}

impl<'a> Ahead<'a> {
    pub(super) fn new(
        keys: &'a KeyOffsets,
        last_batches: &LastBatches,
        first_uncleanable_offset: Offset,
    ) -> Ahead<'a> {
        // Nothing is known of what lies behind the end of the first reading.
        let ends = [keys.end_offset - 1, first_uncleanable_offset - 1];
        let mut kept: Vec<Offset> = last_batches.last_offsets().chain(ends).collect();
        kept.sort_unstable();
        Ahead { keys, kept, from: None }
    }

    /// Where the reading of `segment`, which ends at `end`, goes on behind a batch of which nothing stays.
    pub(super) fn behind(&mut self, segment: &Arc<Segment>, end: Offset, gone: &Batch<'_>) -> Result<Next> {
        let from = gone.head.last_offset() + 1;
        let kept = self.kept.get(self.kept.partition_point(|kept| *kept < from));
        let next = self.keys.marks.end_of_replaced(from, kept.map_or(end, |kept| end.min(*kept)));
        if bytes_of(next - from, gone) < WORTH_A_JUMP_BYTES {
            return Ok(Next::Batch);
        }
        if next == end {
            self.from = Some(from);
            return Ok(Next::Nowhere);
        }
        let files = segment.files()?;
        let position = segment.floor_position(&files, next, segment.size_bytes()?)?;
        let goes_on_at = u64::from(gone.position.get()) + gone.bytes.len() as u64;
        if u64::from(position.get()) <= goes_on_at {
            return Ok(Next::Batch);
        }
        self.from = Some(from);
        Ok(Next::At(position))
    }

    /// How many records were passed over where the reading goes on at `offset`: all of them went.
    pub(super) fn arrive(&mut self, offset: Offset) -> u64 {
        self.from.take().map_or(0, |from| u64::try_from(offset - from).unwrap_or(0))
    }
}

/// About how many bytes so many offsets take, as far as one batch tells.
fn bytes_of(offsets: i64, batch: &Batch<'_>) -> u64 {
    let (offsets, of_batch) = (offsets.max(0), batch.head.last_offset() + 1 - batch.head.base_offset());
    (offsets as u64).saturating_mul(batch.bytes.len() as u64) / of_batch.max(1) as u64
}

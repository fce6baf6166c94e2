//! From an offset to the batch that holds it: the nearest index entry, then a walk over heads; over whole batches
//! where the heads contradict each other.

use std::io;
use std::sync::Arc;

use ottla_record::{HEAD_PEEK_LEN, Head, Magic};

use super::careful::{self, Damage, Wanted, Whole};
use super::head_walk::{HeadWalk, Walked};
use super::index::Around;
use super::offset_index::OffsetIndexEntry;
use super::segment::{Segment, SegmentFiles};
use super::walk_end::WalkEnd;
use crate::dir::FileKind;
use crate::error::{Corruption, Error, Result};
use crate::offset::{Offset, Position};

impl Segment {
    /// The first batch whose last offset is at or past `offset`, by index and then by walking heads;
    /// `None` where the segment's `end` bytes hold none.
    pub(crate) fn find(
        self: &Arc<Self>,
        files: &SegmentFiles,
        offset: Offset,
        end: u64,
    ) -> Result<Option<(Position, Head)>> {
        self.find_below(files, offset, end, || Offset::new(i64::MAX))
    }

    /// As [`Segment::find`], where all batches of the segment end below `limit`.
    pub(crate) fn find_below(
        self: &Arc<Self>,
        files: &SegmentFiles,
        offset: Offset,
        end: u64,
        limit: impl FnOnce() -> Offset,
    ) -> Result<Option<(Position, Head)>> {
        let around = self.around(files, offset)?;
        if let Some(found) = self.find_at_entry_above(files, &around, offset, end)? {
            return Ok(Some(found));
        }
        let (mut walk, mut walked) = self.walk_from_floor(files, &around, offset, end)?;
        let mut expected = None;
        loop {
            match walked {
                Walked::End(WalkEnd::Clean) => return Ok(None),
                Walked::End(_) => break,
                Walked::Batch(_, head) if head.last_offset() < offset => {
                    if expected.is_some_and(|expected| head.base_offset() < expected) {
                        break;
                    }
                    expected = Some(head.last_offset() + 1);
                }
                Walked::Batch(position, head) => {
                    let entry = around.floor.filter(|floor| floor.position == position);
                    let is_sure = match (expected, entry) {
                        _ if head.magic() != Magic::V2 => true,
                        (None, Some(entry)) => head.last_offset() == entry.offset(self.base_offset()),
                        (expected, _) => {
                            head.base_offset() == expected.unwrap_or(self.base_offset())
                                && self.ends_before_next(&mut walk, &head, offset)?
                        }
                    };
                    if is_sure {
                        return Ok(Some((position, head)));
                    }
                    break;
                }
            }
            walked = walk.step().map_err(|e| self.log_error(e))?;
        }
        self.find_carefully(files, offset, end, limit())
    }

    /// Whether a batch that holds `offset` in its midst ends where the next one begins, as far as heads tell.
    fn ends_before_next(&self, walk: &mut HeadWalk<'_>, head: &Head, offset: Offset) -> Result<bool> {
        if offset == head.base_offset() {
            return Ok(true);
        }
        let next = walk.step().map_err(|e| self.log_error(e))?;
        Ok(matches!(next, Walked::Batch(_, next) if next.base_offset() == head.last_offset() + 1))
    }

    /// As [`Segment::find`], believing no head whose batch is not whole, and no batch that does not fit among its
    /// neighbours.
    pub(crate) fn find_carefully(
        &self,
        files: &SegmentFiles,
        offset: Offset,
        end: u64,
        limit: Offset,
    ) -> Result<Option<(Position, Head)>> {
        let (start, least) = self.sure_start(files, offset, end)?;
        let wanted = Wanted { offset, start, end, least, limit };
        match careful::find(&*files.log, wanted).map_err(|e| self.log_error(e))? {
            Whole::Batch(position, head) => Ok(Some((position, head))),
            Whole::Behind => Ok(None),
            Whole::Damaged { damage, next } => Err(self.damaged(damage, offset, next)),
        }
    }

    /// The position of an index entry below `offset` that its batch bears out to the last offset, and where that
    /// batch begins.
    fn sure_start(&self, files: &SegmentFiles, offset: Offset, end: u64) -> Result<(Position, Offset)> {
        /// Then the index is not worth more looks.
        const TRIES: usize = 4;
        let mut below = offset;
        for _ in 0..TRIES {
            let Some(entry) = self.around(files, below)?.floor else { break };
            let walked = HeadWalk::new(&*files.log, entry.position, end).step();
            let last = entry.offset(self.base_offset());
            match walked.map_err(|e| self.log_error(e))? {
                Walked::Batch(position, head) if head.last_offset() == last && last < offset => {
                    return Ok((position, head.base_offset()));
                }
                _ => below = last - 1,
            }
        }
        Ok((Position::ZERO, self.base_offset()))
    }

    /// The bytes where `offset` should be are damaged.
    fn damaged(&self, (position, found): Damage, offset: Offset, next: Option<Offset>) -> Error {
        let behind = next.map_or_else(
            || "no whole batch follows in this segment".to_owned(),
            |next| format!("the next whole batch begins at offset {next}"),
        );
        let corruption = Corruption {
            path: self.home().path(self.base_offset(), FileKind::Log),
            position: Some(position),
            what: "a batch head behind this byte is damaged",
            expected: format!("whole batches up to offset {offset}"),
            found: format!("{found}; {behind}"),
            advice: "run `ottla verify` on the partition to see all that is wrong",
        };
        corruption.into()
    }

    /// Where to begin walking for `offset`: the position of the nearest index entry at or below it.
    pub(crate) fn floor_position(&self, files: &SegmentFiles, offset: Offset, end: u64) -> Result<Position> {
        match self.walk_from_floor(files, &self.around(files, offset)?, offset, end)?.1 {
            Walked::Batch(position, _) => Ok(position),
            Walked::End(_) => Ok(Position::ZERO),
        }
    }

    fn around(&self, files: &SegmentFiles, offset: Offset) -> Result<Around<OffsetIndexEntry>> {
        let relative = offset - self.base_offset();
        let around = files.offset_index.around(|entry| i64::from(entry.relative_offset) <= relative);
        around.map_err(|e| Error::io("read", self.home().path(self.base_offset(), FileKind::Index), e))
    }

    /// Large batches all have an entry, and then the wanted one is mostly that of the entry above: one
    /// read tells, and what it tells is the batch's own word, not the index's.
    fn find_at_entry_above(
        &self,
        files: &SegmentFiles,
        around: &Around<OffsetIndexEntry>,
        offset: Offset,
        end: u64,
    ) -> Result<Option<(Position, Head)>> {
        let Some(above) = around.above.filter(|above| u64::from(above.position.get()) < end) else {
            return Ok(None);
        };
        if gap_bytes(around) <= HeadWalk::CHUNK
            || around.floor.is_some_and(|floor| floor.offset(self.base_offset()) == offset)
        {
            return Ok(None);
        }
        let mut head = [0; HEAD_PEEK_LEN];
        let position = u64::from(above.position.get());
        let read = files.log.read_at(&mut head, position).map_err(|e| self.log_error(e))?;
        let parsed = head.get(..read).and_then(|head| Head::parse(head).ok());
        Ok(parsed
            .filter(|head| head.base_offset() <= offset && offset <= head.last_offset())
            .filter(|head| above.is_borne_out_by(head, self.base_offset()))
            .filter(|head| position + head.size_bytes() as u64 <= end)
            .map(|head| (above.position, head)))
    }

    pub(super) fn log_error(&self, e: io::Error) -> Error {
        Error::io("read", self.home().path(self.base_offset(), FileKind::Log), e)
    }

    /// A walk that has taken its first step, to the batch of the nearest index entry at or below what was
    /// looked up. An entry is a hint; one that the log does not bear out is passed over.
    fn walk_from_floor<'a>(
        &self,
        files: &'a SegmentFiles,
        around: &Around<OffsetIndexEntry>,
        offset: Offset,
        end: u64,
    ) -> Result<(HeadWalk<'a>, Walked)> {
        if let Some(entry) = around.floor.filter(|entry| u64::from(entry.position.get()) < end) {
            let mut walk = HeadWalk::new(&*files.log, entry.position, end)
                .read_at_first(likely_bytes(around, offset - self.base_offset()));
            let walked = walk.step().map_err(|e| self.log_error(e))?;
            if matches!(&walked, Walked::Batch(_, head) if entry.is_borne_out_by(head, self.base_offset())) {
                return Ok((walk, walked));
            }
            let index = self.home().path(self.base_offset(), FileKind::Index);
            tracing::warn!(index = %index.display(), ?entry, "index entry does not match the log; walking from the first batch");
        }
        let mut walk = HeadWalk::new(&*files.log, Position::ZERO, end);
        let walked = walk.step().map_err(|e| self.log_error(e))?;
        Ok((walk, walked))
    }
}

/// How many bytes a walk from the entry below is likely to need to the batch that holds the offset: as if the
/// records between the two entries were all of one size.
fn likely_bytes(around: &Around<OffsetIndexEntry>, relative_offset: i64) -> usize {
    /// For the batch before the one that is guessed, where batches are small, and for the head.
    const MARGIN_BYTES: usize = 512 + HEAD_PEEK_LEN;
    let gap = gap_bytes(around);
    let (Some(floor), Some(above)) = (around.floor, around.above) else { return gap };
    let records = f64::from(above.relative_offset.saturating_sub(floor.relative_offset).max(1));
    let share = (relative_offset - i64::from(floor.relative_offset)) as f64 / records;
    gap.min((gap as f64 * share.clamp(0.0, 1.0)) as usize + MARGIN_BYTES)
}

/// How many bytes of the log lie between the two entries.
fn gap_bytes(around: &Around<OffsetIndexEntry>) -> usize {
    let floor = around.floor.map_or(0, |floor| floor.position.get());
    around.above.map_or(0, |above| above.position.get().saturating_sub(floor) as usize)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn entry(relative_offset: u32, position: u32) -> Option<OffsetIndexEntry> {
        Some(OffsetIndexEntry { relative_offset, position: Position::new(position) })
    }

    #[test]
    fn the_first_read_is_as_long_as_the_way_is_likely_to_be() {
        let around = |floor, above| Around { floor, above };
        let both = around(entry(100, 2_000), entry(300, 12_000));
        let margin = 512 + HEAD_PEEK_LEN;
        assert_eq!(gap_bytes(&both), 10_000);
        for (offset, expected) in [
            (100, margin),
            (150, 2_500 + margin),
            (200, 5_000 + margin),
            (300, 10_000),
            (99, margin),
            (999, 10_000),
        ] {
            assert_eq!(likely_bytes(&both, offset), expected, "{offset}");
        }
        let only_above = around(None, entry(300, 12_000));
        assert_eq!((gap_bytes(&only_above), likely_bytes(&only_above, 7)), (12_000, 12_000));
        let only_below = around(entry(300, 12_000), None);
        assert_eq!((gap_bytes(&only_below), likely_bytes(&only_below, 400)), (0, 0));
        // An index that lies asks for nothing absurd.
        let falling = around(entry(300, 12_000), entry(100, 2_000));
        assert_eq!((gap_bytes(&falling), likely_bytes(&falling, 300)), (0, 0));
        let same = around(entry(100, 2_000), entry(100, 12_000));
        assert_eq!(likely_bytes(&same, 100), margin);
    }
}

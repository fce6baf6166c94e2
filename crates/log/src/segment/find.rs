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
        let around = files.offset_index(self)?.around(|entry| i64::from(entry.relative_offset) <= relative);
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
            // Its base offset lies outside the checksum: where that was changed, so is the last one.
            .filter(|head| head.last_offset() == above.offset(self.base_offset()))
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
    use ottla_record::BatchBuilder;

    use super::*;
    use crate::fs::counted::Counted;
    use crate::fs::{File, FileSystem, OpenMode, Os};
    use crate::segment::index::Entry;
    use crate::segment::{HandleCache, Home};

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

    /// A segment at 100, its files, and the log as a file that counts what is read of it.
    struct Scene {
        segment: Arc<Segment>,
        files: SegmentFiles,
        log: Arc<Counted>,
        /// Where each batch begins, and at last the end.
        at: Vec<u64>,
        /// The index is in it.
        _dir: tempfile::TempDir,
    }

    const BASE: i64 = 100;

    /// Batches with these first and last offsets, of so many bytes and some more each, and these entries in the index:
    /// last offset and the number of the batch where it points.
    fn scene(batches: &[(i64, i64)], value_bytes: usize, entries: &[(i64, usize)]) -> Scene {
        let (mut bytes, mut at) = (Vec::new(), vec![0]);
        for (first, last) in batches {
            let builder = BatchBuilder::new().base_offset(Offset::new(BASE + first));
            let mut builder = builder.last_offset(Offset::new(BASE + last));
            builder.push(0, None, Some(&vec![7; value_bytes]), &[]).unwrap();
            bytes.extend(builder.build().unwrap());
            at.push(bytes.len() as u64);
        }
        let mut index = Vec::new();
        for (last, batch) in entries {
            let position = Position::new(at[*batch] as u32);
            OffsetIndexEntry { relative_offset: *last as u32, position }.encode(&mut index);
        }
        let dir = tempfile::tempdir().unwrap();
        let handles = Arc::new(HandleCache::new(1));
        let home = Home { fs: Arc::new(Os), dir: dir.path().to_owned(), handles };
        let index_path = home.path(Offset::new(BASE), FileKind::Index);
        Os.open(&index_path, OpenMode::CreateNew).unwrap().write_all_at(&index, 0).unwrap();
        let log = Counted::of(&bytes);
        let files = SegmentFiles::sealed(log.clone());
        let segment = Arc::new(Segment::sealed(Offset::new(BASE), Arc::new(home), false));
        Scene { segment, files, log, at, _dir: dir }
    }

    impl Scene {
        /// The number of the batch that a look-up finds among the first bytes.
        fn find_below(&self, offset: i64, end: u64) -> Result<Option<usize>> {
            let found = self.segment.find(&self.files, Offset::new(BASE + offset), end)?;
            Ok(found
                .map(|(position, _)| self.at.iter().position(|at| *at == u64::from(position.get())).unwrap()))
        }

        /// The same among all bytes, and what was read of the log for it.
        fn find(&self, offset: i64) -> (Option<usize>, Vec<(u64, usize)>) {
            self.log.reads();
            let found = self.find_below(offset, self.at[self.at.len() - 1]).unwrap();
            (found, self.log.reads())
        }

        fn change(&self, batch: usize, at: u64, bytes: &[u8]) {
            self.log.write_all_at(bytes, self.at[batch] + at).unwrap();
        }
    }

    fn of_five(count: i64) -> Vec<(i64, i64)> {
        (0..count).map(|number| (number * 5, number * 5 + 4)).collect()
    }

    #[test]
    fn a_walk_over_large_batches_reads_their_heads_and_nothing_else() {
        let scene = scene(&of_five(9), 10_000, &[]);
        for offset in 0..45 {
            let (found, reads) = scene.find(offset);
            let batch = offset as usize / 5;
            assert_eq!(found, Some(batch));
            // One more head where the batch is to be borne out by where the next one begins.
            let is_last = batch == 8;
            if !is_last || offset % 5 == 0 {
                let heads = batch + 1 + usize::from(offset % 5 != 0);
                assert_eq!(reads.len(), heads, "{offset}: {reads:?}");
                assert!(reads.iter().all(|(_, len)| *len <= 256), "{offset}: {reads:?}");
            }
        }
        assert_eq!(scene.find(45).0, None);
    }

    #[test]
    fn a_large_batch_with_an_entry_is_found_by_one_read() {
        let entries: Vec<(i64, usize)> = (1..9).map(|number| (number as i64 * 5 + 4, number)).collect();
        let scene = scene(&of_five(9), 10_000, &entries);
        for offset in 5..45 {
            let (found, reads) = scene.find(offset);
            let batch = offset as usize / 5;
            assert_eq!((found, reads.len()), (Some(batch), 1), "{offset}: {reads:?}");
            assert_eq!(reads[0].0, scene.at[batch], "{offset}");
        }
        assert_eq!(scene.find(45).0, None);
        for offset in 0..5 {
            assert_eq!(scene.find(offset).0, Some(0), "before the first entry");
        }
    }

    #[test]
    fn among_small_batches_a_look_up_walks_from_the_entry_below() {
        let entries = [(49, 9), (99, 19), (149, 29)];
        let scene = scene(&of_five(40), 30, &entries);
        for offset in 0..200 {
            let (found, reads) = scene.find(offset);
            assert_eq!(found, Some(offset as usize / 5), "{offset}");
            let floor = entries.iter().rev().find(|(last, _)| *last <= offset).map_or(0, |(_, batch)| *batch);
            assert_eq!(reads[0].0, scene.at[floor], "{offset}: {reads:?}");
            let is_last = offset > 195;
            assert!(reads.len() <= 2 || is_last, "{offset}: {reads:?}");
        }
    }

    #[test]
    fn what_lies_past_the_end_is_not_found_whatever_the_index_says() {
        for (value_bytes, entries) in
            [(10_000, vec![]), (10_000, vec![(9, 1), (14, 2), (19, 3)]), (30, vec![(14, 2)])]
        {
            let scene = scene(&of_five(4), value_bytes, &entries);
            for (batches, end) in scene.at.iter().enumerate() {
                for offset in 0..20 {
                    let expected = Some(offset as usize / 5).filter(|batch| *batch < batches);
                    let found = scene.find_below(offset, *end).unwrap();
                    assert_eq!(found, expected, "{offset} in {batches} batches, entries {entries:?}");
                    // A batch of which a byte is missing is damage.
                    if offset as usize / 5 == batches && batches < 4 {
                        let cut = scene.at[batches + 1] - 1;
                        assert!(scene.find_below(offset, cut).is_err(), "{offset}, cut at {cut}");
                    }
                }
            }
        }
    }

    #[test]
    fn where_batches_are_gone_the_next_one_is_found() {
        let batches = [(0, 4), (10, 14), (15, 19), (30, 34)];
        for value_bytes in [30, 10_000] {
            for entries in [vec![], vec![(14, 1), (34, 3)], vec![(14, 1), (19, 2), (34, 3)]] {
                let scene = scene(&batches, value_bytes, &entries);
                for (offset, expected) in [
                    (4, 0),
                    (5, 1),
                    (9, 1),
                    (10, 1),
                    (14, 1),
                    (15, 2),
                    (19, 2),
                    (20, 3),
                    (29, 3),
                    (30, 3),
                    (34, 3),
                ] {
                    assert_eq!(scene.find(offset).0, Some(expected), "{offset}, {value_bytes}, {entries:?}");
                }
                assert_eq!(scene.find(35).0, None);
            }
        }
    }

    /// An index of another segment, or one that rot has changed.
    #[test]
    fn entries_that_point_elsewhere_lead_nobody_astray() {
        for value_bytes in [30, 10_000] {
            for entries in [
                [(9, 2), (14, 3), (19, 4)],
                [(4, 1), (9, 2), (14, 3)],
                [(9, 0), (14, 1), (19, 2)],
                [(2, 1), (7, 2), (12, 3)],
                [(19, 1), (24, 2), (29, 3)],
                [(9, 4), (9, 4), (9, 4)],
                [(0, 8), (1, 8), (40, 8)],
            ] {
                let scene = scene(&of_five(8), value_bytes, &entries);
                for offset in 0..40 {
                    assert_eq!(scene.find(offset).0, Some(offset as usize / 5), "{offset}, {entries:?}");
                }
                assert_eq!(scene.find(40).0, None, "{entries:?}");
            }
        }
    }

    /// Base offset and last offset delta say where a batch is. The first lies outside the checksum.
    #[test]
    fn a_batch_that_lies_about_its_offset_is_not_served_for_another() {
        for (value_bytes, entries) in [
            (30, vec![]),
            (10_000, vec![]),
            (30, vec![(14, 2)]),
            (10_000, vec![(9, 1), (14, 2), (19, 3), (24, 4)]),
        ] {
            for (lying, claims) in
                [(2, 11), (2, 15), (2, 9), (2, 5), (2, 0), (2, 90), (3, 10), (3, 20), (1, 6), (1, 4)]
            {
                let scene = scene(&of_five(6), value_bytes, &entries);
                scene.change(lying, 0, &(BASE + claims).to_be_bytes());
                let honest = (0..30).filter(|offset| *offset as usize / 5 != lying);
                let context = format!("batch {lying} claims {claims}, entries {entries:?}");
                for offset in 0..30 {
                    let found = scene.segment.find_below(
                        &scene.files,
                        Offset::new(BASE + offset),
                        scene.at[6],
                        || Offset::new(BASE + 30),
                    );
                    if honest.clone().any(|honest| honest == offset) {
                        let (position, _) =
                            found.unwrap_or_else(|e| panic!("{offset}, {context}: {e}")).unwrap();
                        assert_eq!(
                            u64::from(position.get()),
                            scene.at[offset as usize / 5],
                            "{offset}, {context}"
                        );
                    } else {
                        assert!(found.is_err(), "{offset}, {context}: {found:?}");
                    }
                }
            }
        }
    }

    #[test]
    fn the_place_to_walk_from_is_that_of_the_entry_below() {
        let scene = scene(&of_five(6), 30, &[(9, 1), (19, 3), (24, 5)]);
        let floor = |offset: i64, end: u64| {
            let position =
                scene.segment.floor_position(&scene.files, Offset::new(BASE + offset), end).unwrap();
            scene.at.iter().position(|at| *at == u64::from(position.get())).unwrap()
        };
        let end = scene.at[6];
        for (offset, batch) in [(0, 0), (8, 0), (9, 1), (18, 1), (19, 3), (23, 3), (999, 0)] {
            assert_eq!(floor(offset, end), batch, "{offset}");
        }
        // An entry past the end is none, and neither is one whose batch says otherwise, as the last one here.
        assert_eq!((floor(19, scene.at[3]), floor(19, scene.at[4])), (0, 3));
        assert_eq!(floor(24, end), 0);
        assert_eq!(floor(24, 0), 0);
    }

    /// Below it, batches are whole, and reading them all would take as long as the segment is.
    #[test]
    fn a_careful_look_up_begins_at_an_entry_that_its_batch_bears_out() {
        for (last, from) in [(34, 6), (35, 5)] {
            let entries = [(9, 1), (14, 2), (19, 3), (24, 4), (29, 5), (last, 6)];
            let scene = scene(&of_five(9), 10_000, &entries);
            scene.change(7, 5_000, &[1]);
            let (offset, limit) = (Offset::new(BASE + 36), Offset::new(BASE + 45));
            assert!(scene.segment.find_carefully(&scene.files, offset, scene.at[9], limit).is_err());
            let reads = scene.log.reads();
            let first = reads.iter().filter(|(_, len)| *len > 256).map(|(at, _)| *at).min();
            assert_eq!(first, Some(scene.at[from]), "{reads:?}");
        }
    }
}

use std::io;
use std::path::Path;
use std::sync::Arc;

use super::index_firsts::Firsts;
use crate::fs::{File, FileSystem, OpenMode};

/// What a look-up reads at once: 128 entries of an offset index. A page costs a tenth of a microsecond more.
const BLOCK_BYTES: usize = 1024;
const MAX_ENTRY_BYTES: usize = 16;

/// One fixed-width entry of a sorted index file.
pub trait Entry: Copy {
    /// The width in bytes.
    const LEN: usize;

    /// Reads an entry; a slice of another width gives the zero entry.
    fn decode(bytes: &[u8]) -> Self;

    /// Writes the entry behind what `out` holds.
    fn encode(self, out: &mut Vec<u8>);

    /// Whether this is what zero padding decodes to.
    fn is_zero(self) -> bool;
}

/// What a lookup finds: the nearest entries on both sides.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Around<E> {
    /// The last entry at or below what was looked up.
    pub floor: Option<E>,
    /// The first entry above it.
    pub above: Option<E>,
}

/// The entries of an index file that no longer change, read a block at a time and never mapped: a map of a disk that
/// dies ends the process, a read answers an error. A look-up reads one block. It finds it by the first entries of the
/// blocks, which stay in memory once a look-up has come by them. Nothing is loaded to open one.
#[derive(Debug)]
pub struct IndexView<E> {
    /// `None` where there are no entries.
    file: Option<Arc<dyn File>>,
    entries: u32,
    firsts: Firsts<E>,
}

impl<E: Entry> IndexView<E> {
    const ENTRIES_PER_BLOCK: u32 = {
        assert!(E::LEN > 0 && E::LEN <= MAX_ENTRY_BYTES, "an entry is a few bytes");
        (BLOCK_BYTES / E::LEN) as u32
    };

    /// An index without entries.
    pub fn empty() -> IndexView<E> {
        IndexView { file: None, entries: 0, firsts: Firsts::new() }
    }

    /// The whole entries of the file at `path`, without the zero padding that Kafka leaves in the index
    /// of an active segment; `None` where there is no file.
    ///
    /// # Errors
    /// As the file system reports it.
    pub fn open(fs: &dyn FileSystem, path: &Path) -> io::Result<Option<IndexView<E>>> {
        let file = match fs.open(path, OpenMode::Read) {
            Ok(file) => file,
            Err(e) if e.kind() == io::ErrorKind::NotFound => return Ok(None),
            Err(e) => return Err(e),
        };
        let whole = u32::try_from(file.len()? / E::LEN as u64).unwrap_or(u32::MAX);
        let entries = IndexView::<E>::over(&file, whole).without_padding()?;
        Ok(Some(IndexView::over(&file, entries)))
    }

    /// The first `entries` entries of `file`.
    pub(super) fn over(file: &Arc<dyn File>, entries: u32) -> IndexView<E> {
        IndexView { file: (entries > 0).then(|| file.clone()), entries, firsts: Firsts::new() }
    }

    /// This index and behind it `tail`, which has been written to `file` meanwhile.
    pub(super) fn followed_by(&self, file: &Arc<dyn File>, tail: &[E]) -> IndexView<E> {
        let entries = self.entries.saturating_add(tail.len() as u32);
        let grown = IndexView::<E>::over(file, entries);
        // The first entry of a later block: as this index knows it, or out of the tail.
        let first = |block: usize| {
            let number = (block + 1) * Self::ENTRIES_PER_BLOCK as usize;
            let in_tail = number.checked_sub(self.entries as usize).and_then(|at| tail.get(at));
            in_tail.copied().or_else(|| self.firsts.known(block))
        };
        IndexView { firsts: self.firsts.grown(grown.later_blocks(), first), ..grown }
    }

    fn without_padding(&self) -> io::Result<u32> {
        // Only the first entry may be all zero; zeros after it are padding, and padding is last.
        if self.entries < 2 || !self.get(self.entries - 1)?.is_zero() {
            return Ok(self.entries);
        }
        let border = partition(1, self.entries - 1, |number| Ok(!self.get(number)?.is_zero()))?;
        // A lone zero entry before the padding cannot be told from it, and tells nothing.
        Ok(if border == 1 && self.get(0)?.is_zero() { 0 } else { border })
    }

    /// How many entries there are.
    pub fn len(&self) -> u32 {
        self.entries
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.entries == 0
    }

    /// The entry with number `index`, by a read of its own; the zero entry past the end.
    ///
    /// # Errors
    /// As the file system reports it.
    pub fn get(&self, index: u32) -> io::Result<E> {
        let Some(file) = self.file.as_ref().filter(|_| index < self.entries) else {
            return Ok(E::decode(&[]));
        };
        let mut buf = [0; MAX_ENTRY_BYTES];
        let entry = buf.get_mut(..E::LEN).unwrap_or(&mut []);
        file.read_exact_at(entry, u64::from(index) * E::LEN as u64)?;
        Ok(E::decode(entry))
    }

    /// The last entry.
    ///
    /// # Errors
    /// As [`IndexView::get`].
    pub fn last(&self) -> io::Result<Option<E>> {
        self.entries.checked_sub(1).map(|last| self.get(last)).transpose()
    }

    /// All entries in their order, read a block at a time. A block that cannot be read is one error.
    pub fn iter(&self) -> impl Iterator<Item = io::Result<E>> {
        (0..self.blocks()).flat_map(|block| {
            let mut buf = [0; BLOCK_BYTES];
            let (entries, error) = match self.read_block(block, &mut buf) {
                Ok(bytes) => (bytes.chunks_exact(E::LEN).map(E::decode).collect(), None),
                Err(e) => (Vec::new(), Some(e)),
            };
            entries.into_iter().map(Ok).chain(error.map(Err))
        })
    }

    /// How many entries `at_or_below` holds for, by binary search: it must hold for a first stretch of
    /// the entries and for none after.
    ///
    /// # Errors
    /// As [`IndexView::get`].
    pub fn partition_point(&self, at_or_below: impl Fn(E) -> bool) -> io::Result<u32> {
        Ok(self.search(at_or_below)?.0)
    }

    /// The last entry for which `at_or_below` holds, and its number; see [`IndexView::partition_point`].
    ///
    /// # Errors
    /// As [`IndexView::get`].
    pub fn floor(&self, at_or_below: impl Fn(E) -> bool) -> io::Result<Option<(u32, E)>> {
        let (above, around) = self.search(at_or_below)?;
        Ok(above.checked_sub(1).zip(around.floor))
    }

    /// The two neighbouring entries between which `at_or_below` stops to hold; see
    /// [`IndexView::partition_point`].
    ///
    /// # Errors
    /// As [`IndexView::get`].
    pub fn around(&self, at_or_below: impl Fn(E) -> bool) -> io::Result<Around<E>> {
        Ok(self.search(at_or_below)?.1)
    }

    /// The number of the first entry for which `at_or_below` does not hold, and what lies around.
    fn search(&self, at_or_below: impl Fn(E) -> bool) -> io::Result<(u32, Around<E>)> {
        // Which block it is in, the first entries of the others tell.
        let later = self.later_blocks() as u32;
        let block = partition(0, later, |block| Ok(at_or_below(self.first_of_later(block)?)))?;
        let mut buf = [0; BLOCK_BYTES];
        let bytes = self.read_block(block, &mut buf)?;
        let entry = |at: u32| {
            let start = at as usize * E::LEN;
            bytes.get(start..start + E::LEN).map(E::decode)
        };
        let holds = |at| Ok(entry(at).is_some_and(&at_or_below));
        let above = partition(u32::from(block > 0), (bytes.len() / E::LEN) as u32, holds)?;
        let around = Around {
            floor: above.checked_sub(1).and_then(entry),
            above: match entry(above) {
                None if block < later => Some(self.first_of_later(block)?),
                in_block => in_block,
            },
        };
        Ok((block * Self::ENTRIES_PER_BLOCK + above, around))
    }

    fn blocks(&self) -> u32 {
        self.entries.div_ceil(Self::ENTRIES_PER_BLOCK)
    }

    /// How many blocks there are behind the first, whose first entry a look-up need not know.
    fn later_blocks(&self) -> usize {
        self.blocks().saturating_sub(1) as usize
    }

    /// The first entry of the block with number `later` behind the first block.
    fn first_of_later(&self, later: u32) -> io::Result<E> {
        let read = || self.get((later + 1) * Self::ENTRIES_PER_BLOCK);
        self.firsts.get(later as usize, self.later_blocks(), read)
    }

    /// The entries of a block, in one read.
    fn read_block<'b>(&self, block: u32, buf: &'b mut [u8; BLOCK_BYTES]) -> io::Result<&'b [u8]> {
        let Some(file) = &self.file else { return Ok(&[]) };
        let start = block * Self::ENTRIES_PER_BLOCK;
        let count = self.entries.saturating_sub(start).min(Self::ENTRIES_PER_BLOCK);
        let bytes = buf.get_mut(..count as usize * E::LEN).unwrap_or(&mut []);
        file.read_exact_at(bytes, u64::from(start) * E::LEN as u64)?;
        Ok(bytes)
    }
}

/// Where in `low..high` it stops to hold, by binary search.
fn partition(mut low: u32, mut high: u32, holds: impl Fn(u32) -> io::Result<bool>) -> io::Result<u32> {
    while low < high {
        let middle = low + (high - low) / 2;
        if holds(middle)? { low = middle + 1 } else { high = middle }
    }
    Ok(low)
}

#[cfg(test)]
mod tests {
    use std::fmt::Debug;

    use super::*;
    use crate::fs::Os;
    use crate::fs::counted::Counted;
    use crate::offset::Position;
    use crate::segment::{OffsetIndexEntry, TimeIndexEntry};

    const ZERO: OffsetIndexEntry = entry(0, 0);

    const fn entry(relative_offset: u32, position: u32) -> OffsetIndexEntry {
        OffsetIndexEntry { relative_offset, position: Position::new(position) }
    }

    fn offsets(count: u32) -> Vec<OffsetIndexEntry> {
        (1..=count).map(|number| entry(number * 10, number * 100)).collect()
    }

    fn times(count: u32) -> Vec<TimeIndexEntry> {
        let entry =
            |number| TimeIndexEntry { timestamp_ms: i64::from(number) * 10, relative_offset: number * 7 };
        (1..=count).map(entry).collect()
    }

    fn encoded<E: Entry>(entries: &[E]) -> Vec<u8> {
        let mut bytes = Vec::new();
        entries.iter().for_each(|entry| entry.encode(&mut bytes));
        bytes
    }

    /// A file with these entries in a directory that lives as long as the first value, and its path.
    fn on_disk<E: Entry>(entries: &[E]) -> (tempfile::TempDir, std::path::PathBuf) {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("index");
        Os.open(&path, OpenMode::CreateNew).unwrap().write_all_at(&encoded(entries), 0).unwrap();
        (dir, path)
    }

    /// The view of a file with these entries, which tells what is read of it.
    fn counted<E: Entry>(entries: &[E]) -> (Arc<Counted>, IndexView<E>) {
        let counted = Counted::of(&encoded(entries));
        let file: Arc<dyn File> = counted.clone();
        (counted, IndexView::over(&file, entries.len() as u32))
    }

    #[test]
    fn an_index_that_is_not_there_is_none() {
        let dir = tempfile::tempdir().unwrap();
        assert!(IndexView::<OffsetIndexEntry>::open(&Os, &dir.path().join("index")).unwrap().is_none());
        assert!(IndexView::<OffsetIndexEntry>::open(&Os, dir.path()).is_err());
    }

    #[test]
    fn zeros_behind_the_last_entry_are_no_entries() {
        for count in 0..9 {
            let entries: Vec<_> = (0..count).map(|number| entry(number * 3, number * 100)).collect();
            for padding in 0..9 {
                let padded = [&entries[..], &vec![ZERO; padding]].concat();
                // The first entry is all zero here: alone it cannot be told from padding.
                let expected = if count == 1 && padding > 0 { 0 } else { count };
                let expected = if (count, padding) == (0, 1) { 1 } else { expected };
                let (_dir, path) = on_disk(&padded);
                let view = IndexView::open(&Os, &path).unwrap().unwrap();
                assert_eq!((view.len(), view.is_empty()), (expected, expected == 0), "{count} and {padding}");
                let last = expected.checked_sub(1).map(|last| padded[last as usize]);
                assert_eq!(view.last().unwrap(), last, "{count} and {padding}");
            }
        }
    }

    /// Looks near entries with these numbers, from zero on; `at_or_below(entry, wanted)` where they are ten apart.
    fn check_lookups<E: Entry + PartialEq + Debug>(
        view: &IndexView<E>,
        entries: &[E],
        near: impl IntoIterator<Item = u32>,
        at_or_below: impl Fn(E, u32) -> bool,
    ) {
        for wanted in near.into_iter().flat_map(|near| near * 10..near * 10 + 12) {
            let at_or_below = |entry| at_or_below(entry, wanted);
            let below = entries.iter().filter(|entry| at_or_below(**entry)).count();
            let floor = below.checked_sub(1).map(|at| (at as u32, entries[at]));
            assert_eq!(view.partition_point(at_or_below).unwrap(), below as u32, "{wanted}");
            assert_eq!(view.floor(at_or_below).unwrap(), floor, "{wanted}");
            let around = Around { floor: floor.map(|(_, entry)| entry), above: entries.get(below).copied() };
            assert_eq!(view.around(at_or_below).unwrap(), around, "{wanted}");
        }
        assert!(view.iter().map(Result::unwrap).eq(entries.iter().copied()));
        let count = entries.len() as u32;
        assert_eq!(view.get(count - 1).unwrap(), entries[count as usize - 1]);
        assert_eq!(view.get(count).unwrap(), E::decode(&[]));
    }

    #[test]
    fn a_lookup_finds_what_a_scan_finds() {
        let blocks = |width: u32| [width - 1, width, width + 1, 2 * width, 2 * width + 1, 7 * width - 3];
        for count in (1..9).chain(blocks(128)) {
            let borders = (0..=count).filter(|near| near % 128 < 2 || near % 128 > 125 || count - near < 2);
            let entries = offsets(count);
            check_lookups(&counted(&entries).1, &entries, borders, |entry, at| entry.relative_offset <= at);
        }
        for count in (1..9).chain(blocks(85)) {
            let borders = (0..=count).filter(|near| near % 85 < 2 || near % 85 > 82 || count - near < 2);
            let entries = times(count);
            let at_or_below = |entry: TimeIndexEntry, at: u32| entry.timestamp_ms <= i64::from(at);
            check_lookups(&counted(&entries).1, &entries, borders, at_or_below);
        }
        assert_eq!(IndexView::<OffsetIndexEntry>::empty().get(0).unwrap(), ZERO);
        let nothing = IndexView::<OffsetIndexEntry>::empty().around(|_| true).unwrap();
        assert_eq!(nothing, Around { floor: None, above: None });
    }

    #[test]
    fn a_lookup_that_knows_its_way_reads_one_block() {
        let entries = offsets(5 * 128 + 100);
        let (file, view) = counted(&entries);
        let look = |wanted: u32| view.around(|entry| entry.relative_offset <= wanted).unwrap();
        // Nothing is known: the first entries on the way, then the block.
        look(3 * 1280 + 15);
        let reads = file.reads();
        assert_eq!(reads.last(), Some(&(3 * 1024, 1024)));
        assert!(reads.len() <= 4 && reads.iter().rev().skip(1).all(|(at, len)| at % 1024 == 0 && *len == 8));
        for block in 0..6 {
            look(block * 1280 + 15);
        }
        file.reads();
        for (wanted, block, bytes) in [
            (0, 0, 1024),
            (1289, 0, 1024),
            (1290, 1, 1024),
            (3849, 2, 1024),
            (3850, 3, 1024),
            (99_999, 5, 800),
        ] {
            look(wanted);
            assert_eq!(file.reads(), [(block * 1024, bytes)], "{wanted}");
        }
    }

    #[test]
    fn an_index_of_one_block_is_read_in_one() {
        let (file, view) = counted(&offsets(128));
        view.around(|entry| entry.relative_offset <= 77).unwrap();
        assert_eq!(file.reads(), [(0, 1024)]);
        view.iter().for_each(drop);
        assert_eq!(file.reads(), [(0, 1024)]);
    }

    /// A map of this file ended the process at the first look.
    #[test]
    fn an_index_that_was_cut_since_it_was_opened_is_an_error() {
        let (_dir, path) = on_disk(&offsets(2_000));
        let view = IndexView::<OffsetIndexEntry>::open(&Os, &path).unwrap().unwrap();
        Os.open(&path, OpenMode::ReadWrite).unwrap().set_len(1024 + 4).unwrap();
        let look = |wanted| view.around(|entry: OffsetIndexEntry| entry.relative_offset <= wanted);
        assert_eq!(look(15_000).unwrap_err().kind(), io::ErrorKind::UnexpectedEof);
        assert_eq!(view.last().unwrap_err().kind(), io::ErrorKind::UnexpectedEof);
        assert_eq!(view.iter().filter(Result::is_ok).count(), 128);
        // What came back is found again.
        let whole = Os.open(&path, OpenMode::ReadWrite).unwrap();
        whole.write_all_at(&encoded(&offsets(2_000)), 0).unwrap();
        assert_eq!(look(15_000).unwrap().floor, Some(entry(15_000, 150_000)));
    }
}

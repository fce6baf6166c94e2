use std::io;
use std::marker::PhantomData;
use std::path::Path;
use std::sync::Arc;

use crate::fs::{File, FileSystem, OpenMode, ReadOnlyMap};
use crate::sync::{Mutex, MutexGuard, PoisonError};

/// How many entries a growing index keeps in memory before it writes them out as one block.
const TAIL_ENTRIES: usize = 512;

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

#[derive(Debug)]
enum Bytes {
    Empty,
    Mapped(ReadOnlyMap),
    File(Arc<dyn File>),
}

/// What a lookup finds: the nearest entries on both sides.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Around<E> {
    /// The last entry at or below what was looked up.
    pub floor: Option<E>,
    /// The first entry above it.
    pub above: Option<E>,
}

/// The entries of an index file that no longer change: mapped where the file system allows it, else
/// read entry by entry. Nothing is loaded to open one.
#[derive(Debug)]
pub struct IndexView<E> {
    bytes: Bytes,
    entries: u32,
    entry: PhantomData<E>,
}

impl<E: Entry> IndexView<E> {
    /// An index without entries.
    pub fn empty() -> IndexView<E> {
        IndexView { bytes: Bytes::Empty, entries: 0, entry: PhantomData }
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
        let view = IndexView::over(file, whole)?;
        let entries = view.without_padding()?;
        Ok(Some(IndexView { entries, ..view }))
    }

    /// The first `entries` entries of `file`.
    fn over(file: Arc<dyn File>, entries: u32) -> io::Result<IndexView<E>> {
        if entries == 0 {
            return Ok(IndexView::empty());
        }
        let bytes = match ReadOnlyMap::of(&*file)? {
            Some(map) => Bytes::Mapped(map),
            None => Bytes::File(file),
        };
        Ok(IndexView { bytes, entries, entry: PhantomData })
    }

    fn without_padding(&self) -> io::Result<u32> {
        // Only the first entry may be all zero; zeros after it are padding, and padding is last.
        if self.entries < 2 || !self.get(self.entries - 1)?.is_zero() {
            return Ok(self.entries);
        }
        let (mut low, mut high) = (1, self.entries - 1);
        while low < high {
            let middle = low + (high - low) / 2;
            if self.get(middle)?.is_zero() { high = middle } else { low = middle + 1 }
        }
        // A lone zero entry before the padding cannot be told from it, and tells nothing.
        Ok(if low == 1 && self.get(0)?.is_zero() { 0 } else { low })
    }

    /// How many entries there are.
    pub fn len(&self) -> u32 {
        self.entries
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.entries == 0
    }

    /// The entry with number `index`; the zero entry past the end.
    ///
    /// # Errors
    /// As the file system reports it.
    pub fn get(&self, index: u32) -> io::Result<E> {
        let start = index as usize * E::LEN;
        match &self.bytes {
            Bytes::Empty => Ok(E::decode(&[])),
            Bytes::Mapped(map) => Ok(E::decode(map.get(start..start + E::LEN).unwrap_or(&[]))),
            Bytes::File(file) => {
                let mut buf = [0; 16];
                let width = E::LEN.min(buf.len());
                let entry = buf.get_mut(..width).unwrap_or(&mut []);
                file.read_exact_at(entry, start as u64)?;
                Ok(E::decode(entry))
            }
        }
    }

    /// The last entry.
    ///
    /// # Errors
    /// As [`IndexView::get`].
    pub fn last(&self) -> io::Result<Option<E>> {
        self.entries.checked_sub(1).map(|last| self.get(last)).transpose()
    }

    /// How many entries `at_or_below` holds for, by binary search: it must hold for a first stretch of
    /// the entries and for none after.
    ///
    /// # Errors
    /// As [`IndexView::get`].
    pub fn partition_point(&self, at_or_below: impl Fn(E) -> bool) -> io::Result<u32> {
        let (mut low, mut high) = (0, self.entries);
        while low < high {
            let middle = low + (high - low) / 2;
            if at_or_below(self.get(middle)?) { low = middle + 1 } else { high = middle }
        }
        Ok(low)
    }

    /// The last entry for which `at_or_below` holds, and its number; see [`IndexView::partition_point`].
    ///
    /// # Errors
    /// As [`IndexView::get`].
    pub fn floor(&self, at_or_below: impl Fn(E) -> bool) -> io::Result<Option<(u32, E)>> {
        let floor = self.partition_point(at_or_below)?.checked_sub(1);
        floor.map(|floor| Ok((floor, self.get(floor)?))).transpose()
    }

    /// The two neighbouring entries between which `at_or_below` stops to hold; see
    /// [`IndexView::partition_point`].
    ///
    /// # Errors
    /// As [`IndexView::get`].
    pub fn around(&self, at_or_below: impl Fn(E) -> bool) -> io::Result<Around<E>> {
        let above = self.partition_point(at_or_below)?;
        let at = |index: u32| if index < self.entries { self.get(index).map(Some) } else { Ok(None) };
        Ok(Around { floor: above.checked_sub(1).map_or(Ok(None), at)?, above: at(above)? })
    }
}

/// The index of an active segment: entries already in the file, and a tail in memory that is written
/// out as one block. The appender pushes; readers look up at the same time. The lock is never held
/// across I/O.
#[derive(Debug)]
pub(crate) struct GrowingIndex<E> {
    file: Arc<dyn File>,
    state: Mutex<Growing<E>>,
}

#[derive(Debug)]
struct Growing<E> {
    written: Arc<IndexView<E>>,
    tail: Vec<E>,
}

impl<E: Entry> GrowingIndex<E> {
    /// Goes on behind the first `entries` entries of `file`, whose length is exactly theirs.
    pub(crate) fn resume(file: Arc<dyn File>, entries: u32) -> io::Result<GrowingIndex<E>> {
        let written = Arc::new(IndexView::over(file.clone(), entries)?);
        Ok(GrowingIndex { file, state: Mutex::new(Growing { written, tail: Vec::new() }) })
    }

    fn state(&self) -> MutexGuard<'_, Growing<E>> {
        // The state is whole between any two statements, so a panic elsewhere does not spoil it.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn len(&self) -> u32 {
        let state = self.state();
        state.written.len() + state.tail.len() as u32
    }

    pub(crate) fn last(&self) -> io::Result<Option<E>> {
        let written = {
            let state = self.state();
            if let Some(last) = state.tail.last() {
                return Ok(Some(*last));
            }
            state.written.clone()
        };
        written.last()
    }

    /// Adds an entry; only the appender calls this.
    pub(crate) fn push(&self, entry: E) -> io::Result<()> {
        let full = {
            let mut state = self.state();
            state.tail.push(entry);
            state.tail.len() >= TAIL_ENTRIES
        };
        if full { self.write_tail() } else { Ok(()) }
    }

    /// Writes the entries that are only in memory to the file. Calls must not overlap.
    pub(crate) fn write_tail(&self) -> io::Result<()> {
        let (start, block, entries) = {
            let state = self.state();
            let mut block = Vec::with_capacity(state.tail.len() * E::LEN);
            state.tail.iter().for_each(|entry| entry.encode(&mut block));
            (
                u64::from(state.written.len()) * E::LEN as u64,
                block,
                state.written.len() + state.tail.len() as u32,
            )
        };
        if block.is_empty() {
            return Ok(());
        }
        self.file.write_all_at(&block, start)?;
        let written = Arc::new(IndexView::over(self.file.clone(), entries)?);
        let mut state = self.state();
        state.written = written;
        state.tail.clear();
        Ok(())
    }

    /// See [`IndexView::around`].
    pub(crate) fn around(&self, at_or_below: impl Fn(E) -> bool) -> io::Result<Around<E>> {
        let (written, first_in_tail) = {
            let state = self.state();
            let below = state.tail.partition_point(|entry| at_or_below(*entry));
            if let Some(floor) = below.checked_sub(1).and_then(|last| state.tail.get(last)) {
                return Ok(Around { floor: Some(*floor), above: state.tail.get(below).copied() });
            }
            (state.written.clone(), state.tail.first().copied())
        };
        let around = written.around(at_or_below)?;
        Ok(Around { above: around.above.or(first_in_tail), ..around })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fs::Os;
    use crate::fs::counted::Counted;
    use crate::offset::Position;
    use crate::segment::OffsetIndexEntry;

    const ZERO: OffsetIndexEntry = entry(0, 0);

    const fn entry(relative_offset: u32, position: u32) -> OffsetIndexEntry {
        OffsetIndexEntry { relative_offset, position: Position::new(position) }
    }

    fn encoded(entries: &[OffsetIndexEntry]) -> Vec<u8> {
        let mut bytes = Vec::new();
        entries.iter().for_each(|entry| entry.encode(&mut bytes));
        bytes
    }

    /// The view of a file with these entries, mapped and read.
    fn views(entries: &[OffsetIndexEntry]) -> [IndexView<OffsetIndexEntry>; 2] {
        let dir = tempfile::tempdir().unwrap();
        let (path, bytes) = (dir.path().join("index"), encoded(entries));
        Os.open(&path, OpenMode::CreateNew).unwrap().write_all_at(&bytes, 0).unwrap();
        let mapped = IndexView::open(&Os, &path).unwrap().unwrap();
        let mut read = IndexView::over(Counted::of(&bytes), entries.len() as u32).unwrap();
        read.entries = read.without_padding().unwrap();
        [mapped, read]
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
                for view in views(&padded) {
                    assert_eq!(
                        (view.len(), view.is_empty()),
                        (expected, expected == 0),
                        "{count} and {padding}"
                    );
                    let last = expected.checked_sub(1).map(|last| padded[last as usize]);
                    assert_eq!(view.last().unwrap(), last, "{count} and {padding}");
                }
            }
        }
    }

    #[test]
    fn a_lookup_finds_what_a_scan_finds() {
        for count in 1..9 {
            let entries: Vec<_> = (1..=count).map(|number| entry(number * 10, number * 100)).collect();
            for view in views(&entries) {
                for wanted in 0..=count * 10 + 5 {
                    let at_or_below = |entry: OffsetIndexEntry| entry.relative_offset <= wanted;
                    let below = entries.iter().filter(|entry| at_or_below(**entry)).count();
                    let floor = below.checked_sub(1).map(|at| (at as u32, entries[at]));
                    assert_eq!(view.partition_point(at_or_below).unwrap(), below as u32);
                    assert_eq!(view.floor(at_or_below).unwrap(), floor);
                    let around =
                        Around { floor: floor.map(|(_, entry)| entry), above: entries.get(below).copied() };
                    assert_eq!(view.around(at_or_below).unwrap(), around);
                }
                assert!(matches!(view.get(count - 1), Ok(last) if last == entries[count as usize - 1]));
                // What is past the end is nothing, or an error.
                assert!(view.get(count).is_err() || view.get(count).unwrap() == ZERO);
            }
        }
        assert_eq!(IndexView::<OffsetIndexEntry>::empty().get(0).unwrap(), ZERO);
    }

    #[test]
    fn a_growing_index_is_one_whatever_of_it_is_written() {
        let block = TAIL_ENTRIES as u32;
        for resumed in [0, 3] {
            let first: Vec<_> = (1..=resumed).map(|number| entry(number * 10, number * 100)).collect();
            let file = Counted::of(&encoded(&first));
            let index = GrowingIndex::resume(file.clone(), resumed).unwrap();
            let mut entries = first;
            for number in resumed + 1..=2 * block + 5 {
                index.push(entry(number * 10, number * 100)).unwrap();
                entries.push(entry(number * 10, number * 100));
                let written = resumed + (number - resumed) / block * block;
                assert_eq!(file.len().unwrap(), u64::from(written) * 8, "{number}");
                assert_eq!((index.len(), index.last().unwrap()), (number, entries.last().copied()));
                // At the beginning, the end, and the border between what is written and what is not.
                for near in [1, written, number] {
                    for wanted in (near * 10).saturating_sub(5)..=near * 10 + 5 {
                        let at_or_below = |entry: OffsetIndexEntry| entry.relative_offset <= wanted;
                        let below = entries.partition_point(|entry| at_or_below(*entry));
                        let floor = below.checked_sub(1).map(|at| entries[at]);
                        let expected = Around { floor, above: entries.get(below).copied() };
                        assert_eq!(index.around(at_or_below).unwrap(), expected, "{wanted} of {number}");
                    }
                }
            }
            index.write_tail().unwrap();
            let mut bytes = vec![0; file.len().unwrap() as usize];
            file.read_exact_at(&mut bytes, 0).unwrap();
            assert_eq!(bytes, encoded(&entries));
            index.write_tail().unwrap();
            assert_eq!((file.len().unwrap(), index.len()), (bytes.len() as u64, entries.len() as u32));
        }
    }
}

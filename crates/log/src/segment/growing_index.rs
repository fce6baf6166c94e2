use std::io;
use std::sync::Arc;

use super::index::{Around, Entry, IndexView};
use crate::fs::File;
use crate::sync::{Mutex, MutexGuard, PoisonError};

/// How many entries a growing index keeps in memory before it writes them out at once.
const TAIL_ENTRIES: usize = 512;

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
    pub(crate) fn resume(file: Arc<dyn File>, entries: u32) -> GrowingIndex<E> {
        let written = Arc::new(IndexView::over(&file, entries));
        GrowingIndex { file, state: Mutex::new(Growing { written, tail: Vec::new() }) }
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
        let (written, tail) = {
            let state = self.state();
            (state.written.clone(), state.tail.clone())
        };
        if tail.is_empty() {
            return Ok(());
        }
        let mut bytes = Vec::with_capacity(tail.len() * E::LEN);
        tail.iter().for_each(|entry| entry.encode(&mut bytes));
        self.file.write_all_at(&bytes, u64::from(written.len()) * E::LEN as u64)?;
        let written = Arc::new(written.followed_by(&self.file, &tail));
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
    use crate::fs::counted::Counted;
    use crate::offset::Position;
    use crate::segment::OffsetIndexEntry;

    const fn entry(relative_offset: u32, position: u32) -> OffsetIndexEntry {
        OffsetIndexEntry { relative_offset, position: Position::new(position) }
    }

    fn offsets(numbers: impl Iterator<Item = u32>) -> Vec<OffsetIndexEntry> {
        numbers.map(|number| entry(number * 10, number * 100)).collect()
    }

    fn encoded(entries: &[OffsetIndexEntry]) -> Vec<u8> {
        let mut bytes = Vec::new();
        entries.iter().for_each(|entry| entry.encode(&mut bytes));
        bytes
    }

    #[test]
    fn a_growing_index_is_one_whatever_of_it_is_written() {
        let block = TAIL_ENTRIES as u32;
        for resumed in [0, 3] {
            let first = offsets(1..=resumed);
            let file = Counted::of(&encoded(&first));
            let index = GrowingIndex::resume(file.clone(), resumed);
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

    #[test]
    fn what_lookups_know_of_an_index_is_kept_when_it_grows() {
        let resumed = 3 * 512 + 200;
        let file = Counted::of(&encoded(&offsets(1..=resumed)));
        let index = GrowingIndex::resume(file.clone(), resumed);
        let look =
            |wanted: u32| index.around(|entry: OffsetIndexEntry| entry.relative_offset <= wanted).unwrap();
        for block in 0..14 {
            look(block * 1280 + 15);
        }
        for number in resumed + 1..=resumed + 2 * 512 {
            index.push(entry(number * 10, number * 100)).unwrap();
        }
        file.reads();
        for block in 0..22 {
            assert_eq!(look(block * 1280 + 15).floor, Some(entry(block * 1280 + 10, block * 12_800 + 100)));
            let bytes = if block == 21 { 72 * 8 } else { 1024 };
            assert_eq!(file.reads(), [(u64::from(block) * 1024, bytes)], "{block}");
        }
    }

    #[test]
    fn an_index_that_cannot_be_read_grows_all_the_same() {
        // Its file ends before the entries that it is said to hold.
        let index = GrowingIndex::resume(Counted::of(&encoded(&offsets(1..=100))), 2_000);
        let look = |wanted: u32| index.around(|entry: OffsetIndexEntry| entry.relative_offset <= wanted);
        assert!(look(15_000).is_err() && index.last().is_err());
        for number in 2_001..=2_500 {
            index.push(entry(number * 10, number * 100)).unwrap();
        }
        assert!(look(15_000).is_err());
        assert_eq!(look(24_999).unwrap().floor, Some(entry(24_990, 249_900)));
        assert_eq!((index.len(), index.last().unwrap()), (2_500, Some(entry(25_000, 250_000))));
    }
}

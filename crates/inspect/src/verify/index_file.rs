//! The entries of an index file, and what else is in it.

use ottla::segment::Entry;

/// An index file, taken apart.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct IndexFile<E> {
    pub entries: Vec<E>,
    /// Zero bytes behind the entries, as far as they would make whole ones.
    pub padding_bytes: u64,
    /// Bytes at the end that are no whole entry.
    pub odd_bytes: u64,
}

impl<E: Entry> IndexFile<E> {
    /// Takes the bytes apart. Only the first entry may be zero; zeros behind it are padding.
    pub fn of(bytes: &[u8]) -> IndexFile<E> {
        let (whole, odd) = bytes.split_at(bytes.len() - bytes.len() % E::LEN);
        let mut entries: Vec<E> = whole.chunks_exact(E::LEN).map(E::decode).collect();
        let all = entries.len();
        while entries.len() > 1 && entries.last().is_some_and(|entry| entry.is_zero()) {
            entries.pop();
        }
        // A lone zero entry before padding cannot be told from it, and tells nothing.
        if all > 1 && entries.len() == 1 && entries.first().is_some_and(|entry| entry.is_zero()) {
            entries.clear();
        }
        let padding_bytes = (all - entries.len()) as u64 * E::LEN as u64;
        IndexFile { entries, padding_bytes, odd_bytes: odd.len() as u64 }
    }

    /// Where an entry begins in the file.
    pub fn position_of(number: usize) -> u64 {
        number as u64 * E::LEN as u64
    }
}

#[cfg(test)]
mod tests {
    use ottla::Position;
    use ottla::segment::OffsetIndexEntry;

    use super::*;

    fn parts(bytes: &[u8]) -> (usize, u64, u64) {
        let file = IndexFile::<OffsetIndexEntry>::of(bytes);
        (file.entries.len(), file.padding_bytes, file.odd_bytes)
    }

    #[test]
    fn padding_and_odd_bytes_are_told_from_entries() {
        let mut bytes = Vec::new();
        for n in 1..4 {
            OffsetIndexEntry { relative_offset: n, position: Position::new(n) }.encode(&mut bytes);
        }
        assert_eq!(parts(&bytes), (3, 0, 0));
        bytes.extend([0; 20]);
        assert_eq!(parts(&bytes), (3, 16, 4));
        assert_eq!(parts(&[0; 16]), (0, 16, 0));
        assert_eq!(parts(&[0; 8]), (1, 0, 0));
        assert_eq!(parts(&[]), (0, 0, 0));
    }
}

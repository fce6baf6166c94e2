//! What the first reading of the new part found out about each offset, so that the second needs neither
//! the key nor, mostly, the record: a batch that stays whole or goes whole is told by counting bits.

use crate::offset::Offset;

/// A bit for each of two questions, for the offsets from `start` on, as many as there is memory for.
///
/// They are believed only while every record stands after the one before and inside its batch: else one bit
/// could speak of two records.
#[derive(Debug)]
pub(super) struct Marks {
    start: Offset,
    /// Offsets that are covered; none, once they are not believed.
    covered: u64,
    /// A later record has the same key.
    replaced: Vec<u64>,
    /// It is a tombstone or has no key: what becomes of it depends on more than its key.
    peculiar: Vec<u64>,
    /// A bit for each word of the others: there begins a batch that has to be met, whatever becomes of its
    /// records.
    met: Vec<u64>,
    last_seen: Option<Offset>,
}

/// How many offsets in a row are marked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct MarkCount {
    pub replaced: u32,
    pub peculiar: u32,
}

const WORD_BYTES: usize = size_of::<u64>();
/// The bytes that so many words of both take together with their bits of the third.
const WORDS_OF_MET: usize = 64;

impl Marks {
    /// For `offsets` offsets, or as many as `most_bytes` allow.
    pub(super) fn new(start: Offset, offsets: u64, most_bytes: usize) -> Marks {
        let most_words = (most_bytes / WORD_BYTES).saturating_sub(1) * WORDS_OF_MET / (2 * WORDS_OF_MET + 1);
        let words = usize::try_from(offsets.div_ceil(64)).unwrap_or(usize::MAX).min(most_words);
        Marks {
            start,
            covered: words as u64 * 64,
            replaced: vec![0; words],
            peculiar: vec![0; words],
            met: vec![0; words.div_ceil(WORDS_OF_MET)],
            last_seen: None,
        }
    }

    /// The bytes that they take.
    pub(super) fn size_bytes(&self) -> usize {
        (self.replaced.len() + self.peculiar.len() + self.met.len()) * WORD_BYTES
    }

    /// A batch begins whose records stand at `base_offset` or after.
    pub(super) fn begin_batch(&mut self, base_offset: Offset) {
        match self.last_seen {
            Some(last) if last >= base_offset => self.covered = 0,
            _ => self.last_seen = Some(base_offset - 1),
        }
    }

    /// The batch that begins at `base_offset` tells more than its records.
    pub(super) fn must_be_met(&mut self, base_offset: Offset) {
        let word = self.place(base_offset).map(|(word, _)| (word / 64, (word % 64) as u32));
        set(&mut self.met, word);
    }

    /// The next record.
    pub(super) fn see(&mut self, offset: Offset, is_peculiar: bool) {
        if self.last_seen.is_some_and(|last| last >= offset) {
            self.covered = 0;
        }
        self.last_seen = Some(offset);
        if is_peculiar {
            let place = self.place(offset);
            set(&mut self.peculiar, place);
        }
    }

    /// The batch ends at `last_offset`.
    pub(super) fn end_batch(&mut self, last_offset: Offset) {
        if self.last_seen.is_some_and(|last| last > last_offset) {
            self.covered = 0;
        }
        self.last_seen = Some(last_offset);
    }

    /// The record at `offset` has a newer one.
    pub(super) fn replace(&mut self, offset: Offset) {
        let place = self.place(offset);
        set(&mut self.replaced, place);
    }

    /// Whether the record at `offset` has a newer one, where that is known.
    pub(super) fn is_replaced(&self, offset: Offset) -> Option<bool> {
        let (word, bit) = self.place(offset)?;
        self.replaced.get(word).map(|word| word >> bit & 1 == 1)
    }

    /// What is known of all the offsets from `first` to `last`; `None` where of one nothing is.
    pub(super) fn count(&self, first: Offset, last: Offset) -> Option<MarkCount> {
        let ((first_word, first_bit), (last_word, last_bit)) = (self.place(first)?, self.place(last)?);
        let mut count = MarkCount { replaced: 0, peculiar: 0 };
        let words = self.replaced.get(first_word..=last_word)?.iter();
        let words = words.zip(self.peculiar.get(first_word..=last_word)?);
        for (number, (replaced, peculiar)) in words.enumerate() {
            let mut mask = u64::MAX;
            if number == 0 {
                mask &= u64::MAX << first_bit;
            }
            if first_word + number == last_word {
                mask &= u64::MAX >> (63 - last_bit);
            }
            count.replaced += (replaced & mask).count_ones();
            count.peculiar += (peculiar & mask).count_ones();
        }
        Some(count)
    }

    /// The first offset from `from` on, and at most `to`, of which not all is said by its having a newer
    /// record: all batches below it go, and nobody needs to see them go. It may be said too soon.
    pub(super) fn end_of_replaced(&self, from: Offset, to: Offset) -> Offset {
        let mut at = from;
        while at < to {
            let Some((word, bit)) = self.place(at) else { return at };
            let is_met = self.met.get(word / 64).is_none_or(|met| met >> (word % 64) & 1 == 1);
            let left = self.replaced.get(word).map_or(0, |replaced| (!replaced >> bit).trailing_zeros());
            let left = if is_met { 0 } else { left.min(64 - bit) };
            at = at + i64::from(left);
            if left < 64 - bit {
                break;
            }
        }
        at.min(to)
    }

    fn place(&self, offset: Offset) -> Option<(usize, u32)> {
        let at = u64::try_from(offset - self.start).ok().filter(|at| *at < self.covered)?;
        Some(((at / 64) as usize, (at % 64) as u32))
    }
}

fn set(bits: &mut [u64], place: Option<(usize, u32)>) {
    if let Some((word, bit)) = place
        && let Some(word) = bits.get_mut(word)
    {
        *word |= 1 << bit;
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn at(offset: i64) -> Offset {
        Offset::new(offset)
    }

    #[test]
    fn memory_bounds_what_is_covered() {
        let marks = Marks::new(at(10), 1_000, 48);
        assert_eq!((marks.size_bytes(), marks.covered), (40, 128));
        assert_eq!(marks.is_replaced(at(137)), Some(false));
        assert_eq!((marks.is_replaced(at(138)), marks.is_replaced(at(9))), (None, None));
        assert_eq!(marks.count(at(137), at(138)), None);
        assert_eq!(Marks::new(at(0), u64::MAX, 0).is_replaced(at(0)), None);
        assert_eq!(Marks::new(at(0), 3, 1 << 20).size_bytes(), 24);
        for most_bytes in 0..5_000 {
            assert!(Marks::new(at(0), u64::MAX, most_bytes).size_bytes() <= most_bytes);
        }
    }

    #[test]
    fn replaced_offsets_in_a_row_end_where_one_stays_or_a_batch_has_to_be_met() {
        let mut marks = Marks::new(at(0), 1_000, 1_000);
        (0..900).filter(|offset| *offset != 300).for_each(|offset| marks.replace(at(offset)));
        let end = |marks: &Marks, from, to| marks.end_of_replaced(at(from), at(to)).get();
        assert_eq!(
            (end(&marks, 0, 2_000), end(&marks, 300, 2_000), end(&marks, 301, 2_000)),
            (300, 300, 900)
        );
        assert_eq!((end(&marks, 5, 9), end(&marks, 9, 5)), (9, 5));
        // Told at the word in which it begins, so never too late.
        marks.must_be_met(at(700));
        assert_eq!((end(&marks, 301, 2_000), end(&marks, 650, 2_000)), (640, 650));
        assert_eq!((end(&marks, 704, 2_000), end(&marks, 950, 2_000)), (900, 950));
        marks.covered = 0;
        assert_eq!(end(&marks, 0, 2_000), 0);
    }

    #[test]
    fn records_out_of_order_or_outside_their_batch_are_not_believed() {
        let seen = |steps: fn(&mut Marks)| {
            let mut marks = Marks::new(at(0), 64, 1_000);
            steps(&mut marks);
            marks.is_replaced(at(0)).is_some()
        };
        assert!(seen(|marks| {
            marks.begin_batch(at(0));
            marks.see(at(0), false);
            marks.see(at(2), false);
            marks.end_batch(at(3));
            marks.begin_batch(at(4));
        }));
        assert!(!seen(|marks| {
            marks.see(at(1), false);
            marks.see(at(1), false);
        }));
        assert!(!seen(|marks| {
            marks.begin_batch(at(5));
            marks.see(at(4), false);
        }));
        assert!(!seen(|marks| {
            marks.begin_batch(at(5));
            marks.see(at(7), false);
            marks.end_batch(at(6));
        }));
        assert!(!seen(|marks| {
            marks.end_batch(at(6));
            marks.begin_batch(at(6));
        }));
    }

    proptest! {
        #[test]
        fn counting_words_is_counting_bits(
            replaced in proptest::collection::btree_set(0..300_i64, 0..80),
            peculiar in proptest::collection::btree_set(0..300_i64, 0..80),
            first in 0..300_i64,
            length in 0..300_i64,
        ) {
            let mut marks = Marks::new(at(0), 300, 1_000);
            for offset in 0..300 {
                marks.see(at(offset), peculiar.contains(&offset));
            }
            replaced.iter().for_each(|offset| marks.replace(at(*offset)));
            let last = (first + length).min(299);
            let expected = MarkCount {
                replaced: replaced.range(first..=last).count() as u32,
                peculiar: peculiar.range(first..=last).count() as u32,
            };
            prop_assert_eq!(marks.count(at(first), at(last)), Some(expected));
            prop_assert_eq!(marks.is_replaced(at(first)), Some(replaced.contains(&first)));
        }
    }
}

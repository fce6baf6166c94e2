//! What an interrupted delete, clean or swap has left, and what a start does about each name (Kafka's
//! `LogLoader`). A pure decision: recovery acts on it, `ottla repair` too, and `ottla verify` tells it.
//!
//! `.deleted` files were out of sight already: they go. `.rebuilt` files were not finished, and what they were
//! to replace is still there: they go. `.cleaned` files were not finished: they go, and
//! so do `.swap` files at or past the first of them, which belong to the same unfinished split. The other
//! `.swap` files are whole: the segments that they replace go, and they take their place.

use std::collections::BTreeSet;

use super::{FileKind, FileName, Suffix};
use crate::offset::Offset;

/// What a start does with a file that has no place in the log.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Leftover {
    /// A deleted file: only its name was left, and it goes.
    Deleted,
    /// Compaction had not finished it: it goes.
    Unfinished,
    /// Recovery had not finished it, and what it was to replace is still there: it goes.
    HalfWritten,
    /// It replaces segments together with others that are not finished: it goes.
    UnfinishedSwap,
    /// Its segment has no `.log` file: it goes.
    Orphan,
    /// It is complete: what it replaces goes, and it takes its place.
    Swap,
}

impl Leftover {
    /// Why a start does what it does.
    pub const fn reason(self) -> &'static str {
        match self {
            Leftover::Deleted => "it was deleted, and only the name was left",
            Leftover::Unfinished => "compaction had not finished it",
            Leftover::HalfWritten => "it was being written anew when a process ended",
            Leftover::UnfinishedSwap => "it belongs to a compaction that had not finished",
            Leftover::Orphan => "the segment that it goes with is not there",
            Leftover::Swap => "a replacement that was complete and not yet in its place",
        }
    }
}

/// The names of a log's files, as far as they tell what was interrupted.
///
/// ```
/// use ottla::dir::{FileName, Leftover, Leftovers};
/// let names = ["00000000000000000000.log", "00000000000000000000.log.swap", "00000000000000000009.log.cleaned"];
/// let leftovers = Leftovers::among(names.into_iter().filter_map(FileName::parse));
/// assert_eq!(leftovers.swaps().len(), 1);
/// let (name, why) = leftovers.worthless()[0];
/// assert_eq!((name.to_string().as_str(), why), ("00000000000000000009.log.cleaned", Leftover::Unfinished));
/// ```
#[derive(Clone, Debug, Default)]
pub struct Leftovers(BTreeSet<FileName>);

impl Leftovers {
    /// Sorts the names of one partition directory.
    pub fn among(names: impl IntoIterator<Item = FileName>) -> Leftovers {
        Leftovers(names.into_iter().collect())
    }

    /// The replacements that are complete, in the order in which they take their places.
    pub fn swaps(&self) -> Vec<FileName> {
        let is_swap = |name: &&FileName| self.classify(name) == Some(Leftover::Swap);
        let mut swaps: Vec<_> = self.0.iter().filter(is_swap).copied().collect();
        // A `.log` that has its name and no indexes yet gets them; an index without its log is an orphan.
        swaps.sort_by_key(|name| name.kind != FileKind::Log);
        swaps
    }

    /// What goes, whatever else is there, in an order in which a crash on the way changes nothing: an
    /// unfinished replacement is known by the `.cleaned` file beside it, so it goes first.
    pub fn worthless(&self) -> Vec<(FileName, Leftover)> {
        let mut found: Vec<_> = self
            .0
            .iter()
            .filter_map(|name| Some((*name, self.classify(name)?)))
            .filter(|(_, what)| *what != Leftover::Swap)
            .collect();
        found.sort_by_key(|(_, what)| *what != Leftover::UnfinishedSwap);
        found
    }

    /// The files of the segments that a replacement with these offsets stands for.
    pub fn replaced_by(&self, base_offset: Offset, end_offset: Offset) -> Vec<FileName> {
        let range = base_offset..end_offset.max(base_offset + 1);
        let stands = |name: &&FileName| {
            let goes_with_a_segment = name.suffix.is_none() && name.kind != FileKind::Snapshot;
            goes_with_a_segment && range.contains(&name.base_offset) && self.has_log(name.base_offset)
        };
        self.0.iter().filter(stands).copied().collect()
    }

    /// What a start does with the file of this name; `None` where it has its place in the log.
    pub fn classify(&self, name: &FileName) -> Option<Leftover> {
        match name.suffix {
            Some(Suffix::Deleted) => Some(Leftover::Deleted),
            Some(Suffix::Cleaned) => Some(Leftover::Unfinished),
            Some(Suffix::Rebuilt) => Some(Leftover::HalfWritten),
            Some(Suffix::Swap) if self.is_unfinished(name) => Some(Leftover::UnfinishedSwap),
            Some(Suffix::Swap) => Some(Leftover::Swap),
            None => self.is_orphan(name).then_some(Leftover::Orphan),
        }
    }

    fn is_unfinished(&self, swap: &FileName) -> bool {
        let is_cleaned = |name: &&FileName| name.suffix == Some(Suffix::Cleaned);
        self.0.iter().find(is_cleaned).is_some_and(|first| first.base_offset <= swap.base_offset)
    }

    fn is_orphan(&self, name: &FileName) -> bool {
        let goes_with_a_segment =
            matches!(name.kind, FileKind::Index | FileKind::TimeIndex | FileKind::TxnIndex);
        goes_with_a_segment && !self.has_log(name.base_offset)
    }

    fn has_log(&self, base_offset: Offset) -> bool {
        self.0.contains(&FileName::new(base_offset, FileKind::Log))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn leftovers(names: &[&str]) -> Leftovers {
        Leftovers::among(names.iter().filter_map(|name| FileName::parse(name)))
    }

    fn texts(names: impl IntoIterator<Item = FileName>) -> Vec<String> {
        names.into_iter().map(|name| name.to_string()).collect()
    }

    const LOG_0: &str = "00000000000000000000.log";
    const SWAP_0: &str = "00000000000000000000.log.swap";
    const SWAP_50: &str = "00000000000000000050.log.swap";
    const CLEANED_50: &str = "00000000000000000050.log.cleaned";
    const DELETED_50: &str = "00000000000000000050.log.deleted";
    const REBUILT_0: &str = "00000000000000000000.log.rebuilt";
    const INDEX_50: &str = "00000000000000000050.index";
    const INDEX_SWAP_0: &str = "00000000000000000000.index.swap";
    const SNAPSHOT_50: &str = "00000000000000000050.snapshot";

    #[test]
    fn what_stays_goes_and_takes_its_place() {
        for (names, swaps, worthless) in [
            (&[LOG_0][..], &[][..], &[][..]),
            // Before the first that is unfinished, a replacement is complete.
            (&[SWAP_0, CLEANED_50], &[SWAP_0], &[CLEANED_50]),
            // At or past it, it is part of the same split, and goes before what tells so.
            (&[SWAP_50, CLEANED_50], &[], &[SWAP_50, CLEANED_50]),
            (&[SWAP_0, SWAP_50, CLEANED_50], &[SWAP_0], &[SWAP_50, CLEANED_50]),
            // The log gets its name before its index.
            (&[INDEX_SWAP_0, SWAP_0], &[SWAP_0, INDEX_SWAP_0], &[]),
            (&[DELETED_50], &[], &[DELETED_50]),
            (&[LOG_0, REBUILT_0], &[], &[REBUILT_0]),
            (&[LOG_0, INDEX_50, SNAPSHOT_50], &[], &[INDEX_50]),
            (&["notes.txt", "1.log"], &[], &[]),
        ] {
            let leftovers = leftovers(names);
            assert_eq!(texts(leftovers.swaps()), swaps, "{names:?}");
            let gone = leftovers.worthless().into_iter().map(|(name, _)| name);
            assert_eq!(texts(gone), worthless, "{names:?}");
        }
    }

    #[test]
    fn what_is_replaced_are_whole_segments_within_the_offsets() {
        let leftovers = leftovers(&[
            LOG_0,
            "00000000000000000000.index",
            "00000000000000000030.index",
            "00000000000000000040.log",
            "00000000000000000040.snapshot",
            "00000000000000000040.log.deleted",
            "00000000000000000050.log",
        ]);
        let replaced = |base, end| texts(leftovers.replaced_by(Offset::new(base), Offset::new(end)));
        let first_two = [LOG_0, "00000000000000000000.index", "00000000000000000040.log"];
        assert_eq!(replaced(0, 50), first_two);
        // An empty replacement stands for the segment of its name.
        assert_eq!(replaced(0, 0), first_two[..2]);
    }
}

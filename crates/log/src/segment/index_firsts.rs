use std::io;

use crate::sync::OnceLock;

/// No more than these are kept, whatever a file claims by its length: an index of 64 MiB.
const MOST: usize = 1 << 16;

/// The first entries of the later blocks of an index, as far as look-ups have come by them. All of them are a
/// eightieth of the file or so, so an index that is looked into again and again is soon read once a look-up;
/// one that is looked into once costs a few small reads.
#[derive(Debug)]
pub(super) struct Firsts<E>(OnceLock<Box<[OnceLock<E>]>>);

impl<E: Copy> Firsts<E> {
    /// Nothing is known, and no memory taken.
    pub(super) fn new() -> Firsts<E> {
        Firsts(OnceLock::new())
    }

    /// That of the later block with this number, of so many; `read` where it is not known.
    pub(super) fn get(
        &self,
        block: usize,
        blocks: usize,
        read: impl FnOnce() -> io::Result<E>,
    ) -> io::Result<E> {
        let slots = self.0.get_or_init(|| (0..blocks.min(MOST)).map(|_| OnceLock::new()).collect());
        let slot = slots.get(block);
        if let Some(known) = slot.and_then(OnceLock::get) {
            return Ok(*known);
        }
        let first = read()?;
        if let Some(slot) = slot {
            // Another look-up may have been faster; it has read the same.
            let _ = slot.set(first);
        }
        Ok(first)
    }

    /// That of the later block with this number, where it is known.
    pub(super) fn known(&self, block: usize) -> Option<E> {
        self.0.get()?.get(block)?.get().copied()
    }

    /// Those of an index that has grown to so many later blocks, where `first` knows them. Where no look-up came by
    /// this one, nothing is taken over.
    pub(super) fn grown(&self, blocks: usize, first: impl Fn(usize) -> Option<E>) -> Firsts<E> {
        if self.0.get().is_none() {
            return Firsts::new();
        }
        let slot = |block| first(block).map_or_else(OnceLock::new, OnceLock::from);
        Firsts(OnceLock::from((0..blocks.min(MOST)).map(slot).collect::<Box<[_]>>()))
    }
}

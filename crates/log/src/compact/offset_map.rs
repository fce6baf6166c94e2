//! Where the newest record of each key stands: a table of fixed size from a hash of the key to an offset
//! (Kafka's `SkimpyOffsetMap`).

use std::hint::black_box;
use std::io;

use siphasher::sip128::SipHasher13;

use crate::offset::Offset;

/// The hash of a key: two halves.
pub(super) type KeyHash = [u64; 2];

/// An entry: one half of the hash; then 32 bits of the other above the distance of the offset from the first
/// one, plus one, so that zeros are an empty slot and a table costs memory only where it is filled. Four of
/// them share a line of the cache.
///
/// What is not stored of the hash says where the search begins. Two keys are taken for one only where 96 bits
/// agree and they are searched for in the same few slots: over a table of ten million keys and a log of as
/// many records once in 2^65 passes.
type Slot = [u64; 2];

const SLOT_BYTES: usize = size_of::<Slot>();
const DISTANCE_BITS: u32 = 32;
const DISTANCE: u64 = (1 << DISTANCE_BITS) - 1;

/// The offset of the newest record of each key. Keys are known by a hash of 128 bits under a random key, so
/// that nobody who writes records can make two keys meet. The table never grows; once
/// [`OffsetMap::is_full`], a pass ends.
#[derive(Debug)]
pub(crate) struct OffsetMap {
    hasher: SipHasher13,
    /// No offset is below it.
    start: Offset,
    slots: Vec<Slot>,
    entries: usize,
    most_entries: usize,
}

/// How much memory a map may take, and how much of it is filled.
#[derive(Clone, Copy, Debug)]
pub(crate) struct MapLimits {
    pub buffer_bytes: usize,
    pub load_factor: f64,
}

/// What became of a key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Put {
    /// There is no room for it.
    Full,
    /// It was not there.
    New,
    /// It was, at this offset.
    Moved(Offset),
}

/// A table that memory does not bound is filled no more than so much: the fewer keys stand in a row, the
/// sooner it is known that one is not there.
const ROOMY_LOAD_FACTOR: f64 = 0.6;

impl OffsetMap {
    /// An empty map with room for `keys` keys from `start` on, or as many as the limits allow.
    pub(crate) fn new(limits: MapLimits, start: Offset, keys: u64) -> io::Result<OffsetMap> {
        let mut key = [0; 16];
        getrandom::fill(&mut key).map_err(|e| io::Error::other(e.to_string()))?;
        let load_factor = limits.load_factor.clamp(0.01, 0.99);
        let most_slots = (limits.buffer_bytes / SLOT_BYTES).max(2);
        let wanted = (keys as f64 / load_factor.min(ROOMY_LOAD_FACTOR)) as usize;
        let slots = wanted.saturating_add(2).min(most_slots);
        Ok(OffsetMap {
            hasher: SipHasher13::new_with_key(&key),
            start,
            slots: vec![[0; 2]; slots],
            entries: 0,
            // One slot stays empty, so that every search ends.
            most_entries: ((slots as f64 * load_factor) as usize).clamp(1, slots - 1),
        })
    }

    /// Whether no further key fits.
    pub(crate) fn is_full(&self) -> bool {
        self.entries >= self.most_entries
    }

    /// How many keys there are.
    pub(crate) fn len(&self) -> usize {
        self.entries
    }

    /// Looks at the places where these keys will be searched for. One search waits for memory before the next
    /// can begin; these looks do not wait for each other.
    pub(super) fn fetch(&self, hashes: impl Iterator<Item = KeyHash>) {
        let look = |hash| self.slots.get(self.home(hash)).map_or(0, |slot| slot[1]);
        black_box(hashes.map(look).fold(0, |all, slot| all | slot));
    }

    /// Notes that the newest record of the key with this hash is at `offset`; offsets only grow. One that is
    /// further from the first than an entry can say finds no room.
    pub(super) fn put(&mut self, hash: KeyHash, offset: Offset) -> Put {
        let Some(entry) = self.entry(hash, offset) else { return Put::Full };
        let is_full = self.is_full();
        let mut at = self.home(hash);
        while let Some(slot) = self.slots.get_mut(at) {
            if slot[1] == 0 {
                if is_full {
                    return Put::Full;
                }
                *slot = entry;
                self.entries += 1;
                return Put::New;
            }
            if is_of_one_key(slot, &entry) {
                let before = offset_in(self.start, slot);
                *slot = entry;
                return Put::Moved(before);
            }
            at = self.next(at);
        }
        Put::Full
    }

    /// The offset of the newest record of `key`, as far as it was noted.
    pub(crate) fn get(&self, key: &[u8]) -> Option<Offset> {
        let hash = self.hash(key);
        let wanted = self.entry(hash, self.start)?;
        let mut at = self.home(hash);
        while let Some(slot) = self.slots.get(at).filter(|slot| slot[1] != 0) {
            if is_of_one_key(slot, &wanted) {
                return Some(offset_in(self.start, slot));
            }
            at = self.next(at);
        }
        None
    }

    /// What the map knows a key by.
    pub(super) fn hash(&self, key: &[u8]) -> KeyHash {
        let hash = self.hasher.hash(key);
        [hash.h1, hash.h2]
    }

    /// Where the search for a key begins: by the high bits of the half of which the low ones are stored.
    fn home(&self, hash: KeyHash) -> usize {
        ((u128::from(hash[0]) * self.slots.len() as u128) >> 64) as usize
    }

    fn next(&self, at: usize) -> usize {
        if at + 1 < self.slots.len() { at + 1 } else { 0 }
    }

    fn entry(&self, hash: KeyHash, offset: Offset) -> Option<Slot> {
        let distance = u64::try_from(offset - self.start).ok().filter(|distance| *distance < DISTANCE)?;
        Some([hash[1], hash[0] << DISTANCE_BITS | (distance + 1)])
    }
}

fn is_of_one_key(slot: &Slot, other: &Slot) -> bool {
    slot[0] == other[0] && (slot[1] ^ other[1]) >> DISTANCE_BITS == 0
}

fn offset_in(start: Offset, slot: &Slot) -> Offset {
    start + ((slot[1] & DISTANCE) as i64 - 1)
}

#[cfg(test)]
mod tests {
    use std::collections::HashMap;

    use proptest::prelude::*;

    use super::*;

    fn map(slots: usize, load_factor: f64) -> OffsetMap {
        let limits = MapLimits { buffer_bytes: slots * SLOT_BYTES, load_factor };
        OffsetMap::new(limits, Offset::ZERO, u64::MAX).unwrap()
    }

    /// Puts a key, and tells whether there was room.
    fn put(map: &mut OffsetMap, key: &[u8], offset: Offset) -> bool {
        let before = map.get(key);
        let put = map.put(map.hash(key), offset);
        assert_eq!(put, before.map_or(if put == Put::Full { put } else { Put::New }, Put::Moved));
        put != Put::Full
    }

    #[test]
    fn the_newest_offset_of_a_key_is_found() {
        let mut map = map(10, 0.9);
        assert!(put(&mut map, b"franz", Offset::ZERO));
        assert!(put(&mut map, b"ottla", Offset::new(1)));
        assert!(put(&mut map, b"franz", Offset::new(2)));
        assert_eq!((map.get(b"franz"), map.get(b"ottla")), (Some(Offset::new(2)), Some(Offset::new(1))));
        assert_eq!((map.get(b"elli"), map.len()), (None, 2));
    }

    #[test]
    fn a_full_map_takes_no_new_key_and_still_moves_the_others() {
        let mut map = map(10, 0.5);
        for key in 0..5_u8 {
            assert!(put(&mut map, &[key], Offset::new(i64::from(key))));
        }
        assert!(map.is_full());
        assert!(!put(&mut map, &[9], Offset::new(9)));
        assert_eq!((map.get(&[9]), map.len()), (None, 5));
        assert!(put(&mut map, &[3], Offset::new(10)));
        for key in [0, 1, 2, 4_u8] {
            assert_eq!(map.get(&[key]), Some(Offset::new(i64::from(key))));
        }
        assert_eq!(map.get(&[3]), Some(Offset::new(10)));
    }

    #[test]
    fn a_map_is_as_small_as_the_keys_need() {
        let limits = MapLimits { buffer_bytes: 128 << 20, load_factor: 0.9 };
        let sized = |limits, keys| OffsetMap::new(limits, Offset::ZERO, keys).unwrap();
        assert_eq!(sized(limits, 9).slots.len(), 17);
        assert_eq!(sized(limits, u64::MAX).slots.len(), (128 << 20) / SLOT_BYTES);
        let mut smallest = sized(MapLimits { buffer_bytes: 0, load_factor: 0.9 }, 0);
        assert!(put(&mut smallest, b"one", Offset::ZERO));
        assert!(!put(&mut smallest, b"two", Offset::ZERO));
    }

    #[test]
    fn offsets_are_told_from_the_first_one_on_and_only_as_far_as_an_entry_goes() {
        let limits = MapLimits { buffer_bytes: 160, load_factor: 0.9 };
        let start = Offset::new(i64::MAX - (1 << 40));
        let mut map = OffsetMap::new(limits, start, 10).unwrap();
        let last = start + (DISTANCE as i64 - 1);
        assert!(put(&mut map, b"first", start) && put(&mut map, b"last", last));
        assert_eq!((map.get(b"first"), map.get(b"last")), (Some(start), Some(last)));
        for beyond in [last + 1, start - 1, Offset::new(i64::MAX)] {
            assert_eq!(map.put(map.hash(b"beyond"), beyond), Put::Full);
        }
        assert_eq!((map.get(b"beyond"), map.len()), (None, 2));
    }

    #[test]
    fn keys_that_share_a_slot_or_any_one_part_of_the_hash_are_told_apart() {
        let mut map = map(8, 0.9);
        let hashes: [KeyHash; 4] = [[7, 7], [7, 8], [8, 7], [1 << 63 | 7, 7 + (1 << 40)]];
        for (offset, hash) in hashes.into_iter().enumerate() {
            assert_eq!(map.put(hash, Offset::new(offset as i64)), Put::New);
        }
        for (offset, hash) in hashes.into_iter().enumerate() {
            let before = Offset::new(offset as i64);
            assert_eq!(map.put(hash, before + 10), Put::Moved(before));
        }
    }

    #[test]
    fn the_empty_key_is_a_key() {
        let mut map = map(4, 0.9);
        assert_eq!(map.get(b""), None);
        assert!(put(&mut map, b"", Offset::new(7)));
        assert_eq!(map.get(b""), Some(Offset::new(7)));
    }

    proptest! {
        #[test]
        fn it_is_a_map(keys in proptest::collection::vec(0..60_u8, 0..200), slots in 2..70_usize) {
            let mut map = map(slots, 0.95);
            let mut model = HashMap::new();
            for (offset, key) in keys.iter().enumerate() {
                let offset = Offset::new(offset as i64);
                if put(&mut map, &[*key], offset) {
                    model.insert(*key, offset);
                }
                for key in 0..60 {
                    prop_assert_eq!(map.get(&[key]), model.get(&key).copied());
                }
            }
            prop_assert_eq!(map.len(), model.len());
        }
    }
}

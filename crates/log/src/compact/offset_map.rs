//! Where the newest record of each key stands: a table of fixed size from a hash of the key to an offset
//! (Kafka's `SkimpyOffsetMap`).

use std::hint::black_box;
use std::io;

use siphasher::sip128::SipHasher13;

use crate::offset::Offset;

/// The hash of a key: two halves.
pub(super) type KeyHash = [u64; 2];

/// An entry: both halves of the hash, and the offset plus one, so that zeros are an empty slot and a table
/// costs memory only where it is filled.
type Slot = [u64; 3];

const SLOT_BYTES: usize = size_of::<Slot>();

/// The offset of the newest record of each key. Keys are known by a hash of 128 bits under a random key, so
/// that nobody who writes records can make two keys meet. The table never grows; once
/// [`OffsetMap::is_full`], a pass ends.
#[derive(Debug)]
pub(crate) struct OffsetMap {
    hasher: SipHasher13,
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

impl OffsetMap {
    /// An empty map with room for `keys` keys, or as many as the limits allow.
    pub(crate) fn new(limits: MapLimits, keys: u64) -> io::Result<OffsetMap> {
        let mut key = [0; 16];
        getrandom::fill(&mut key).map_err(|e| io::Error::other(e.to_string()))?;
        let load_factor = limits.load_factor.clamp(0.01, 0.99);
        let most_slots = (limits.buffer_bytes / SLOT_BYTES).max(2);
        let wanted = (keys as f64 / load_factor) as usize;
        let slots = wanted.saturating_add(2).min(most_slots);
        Ok(OffsetMap {
            hasher: SipHasher13::new_with_key(&key),
            slots: vec![[0; 3]; slots],
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
        let look = |hash| self.slots.get(self.home(hash)).map_or(0, |slot| slot[2]);
        black_box(hashes.map(look).fold(0, |all, offset| all | offset));
    }

    /// Notes that the newest record of the key with this hash is at `offset`; offsets only grow.
    pub(super) fn put(&mut self, hash: KeyHash, offset: Offset) -> Put {
        let value = (offset.get() as u64).wrapping_add(1);
        let full = self.is_full();
        let (mut at, mut distance) = (self.home(hash), 0);
        let mut entry: Slot = [hash[0], hash[1], value];
        let mut placed = false;
        while let Some(slot) = self.slots.get(at).copied() {
            if slot[2] == 0 {
                if full && !placed {
                    return Put::Full;
                }
                self.set(at, entry);
                self.entries += 1;
                return Put::New;
            }
            if !placed && [slot[0], slot[1]] == hash {
                self.set(at, entry);
                return Put::Moved(offset_in(slot));
            }
            // Whoever is nearer to its home moves on, so that no key is ever far from its own (Robin Hood).
            let theirs = self.distance(at, [slot[0], slot[1]]);
            if theirs < distance {
                if full && !placed {
                    return Put::Full;
                }
                self.set(at, entry);
                (entry, distance, placed) = (slot, theirs, true);
            }
            at = self.next(at);
            distance += 1;
        }
        Put::Full
    }

    /// The offset of the newest record of `key`, as far as it was noted.
    pub(crate) fn get(&self, key: &[u8]) -> Option<Offset> {
        let hash = self.hash(key);
        let (mut at, mut distance) = (self.home(hash), 0);
        while let Some(slot) = self.slots.get(at) {
            let found = [slot[0], slot[1]];
            if slot[2] != 0 && found == hash {
                return Some(offset_in(*slot));
            }
            if slot[2] == 0 || self.distance(at, found) < distance {
                return None;
            }
            at = self.next(at);
            distance += 1;
        }
        None
    }

    /// What the map knows a key by.
    pub(super) fn hash(&self, key: &[u8]) -> KeyHash {
        let hash = self.hasher.hash(key);
        [hash.h1, hash.h2]
    }

    /// Where the search for a key begins.
    fn home(&self, hash: KeyHash) -> usize {
        ((u128::from(hash[0]) * self.slots.len() as u128) >> 64) as usize
    }

    fn next(&self, at: usize) -> usize {
        if at + 1 < self.slots.len() { at + 1 } else { 0 }
    }

    /// How far the entry at `at` is from its home.
    fn distance(&self, at: usize, hash: KeyHash) -> usize {
        let home = self.home(hash);
        if at >= home { at - home } else { at + self.slots.len() - home }
    }

    fn set(&mut self, at: usize, entry: Slot) {
        if let Some(slot) = self.slots.get_mut(at) {
            *slot = entry;
        }
    }
}

fn offset_in(slot: Slot) -> Offset {
    Offset::new(slot[2].wrapping_sub(1) as i64)
}

#[cfg(test)]
mod tests {
    use std::collections::HashMap;

    use proptest::prelude::*;

    use super::*;

    fn map(slots: usize, load_factor: f64) -> OffsetMap {
        OffsetMap::new(MapLimits { buffer_bytes: slots * SLOT_BYTES, load_factor }, u64::MAX).unwrap()
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
        assert_eq!(OffsetMap::new(limits, 9).unwrap().slots.len(), 12);
        assert_eq!(OffsetMap::new(limits, u64::MAX).unwrap().slots.len(), (128 << 20) / SLOT_BYTES);
        let mut smallest = OffsetMap::new(MapLimits { buffer_bytes: 0, load_factor: 0.9 }, 0).unwrap();
        assert!(put(&mut smallest, b"one", Offset::ZERO));
        assert!(!put(&mut smallest, b"two", Offset::ZERO));
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

use std::collections::BTreeMap;

use super::distinct::Distinct;
use super::sizes::Sizes;

/// What is in a segment, or in many.
#[derive(Clone, Debug, Default)]
pub struct Counts {
    /// Bytes of the `.log` files.
    pub size_bytes: u64,
    /// Whole batches.
    pub batches: u64,
    /// Records in them, those of control batches left out.
    pub records: u64,
    /// Bytes of their keys.
    pub key_bytes: u64,
    /// Bytes of their values.
    pub value_bytes: u64,
    /// Records without a key.
    pub null_keys: u64,
    /// Records with a key and no value: compaction removes the key in the end.
    pub tombstones: u64,
    /// Batches by the name of their codec.
    pub codecs: BTreeMap<&'static str, u64>,
    /// How large the batches are.
    pub sizes: Sizes,
    /// The oldest timestamp.
    pub oldest_ms: Option<i64>,
    /// The newest timestamp.
    pub newest_ms: Option<i64>,
    /// Batches that hold a marker instead of records.
    pub control_batches: u64,
    /// Markers that commit a transaction.
    pub commits: u64,
    /// Markers that abort one.
    pub aborts: u64,
    /// Batches of transactions, their markers left out.
    pub transactional_batches: u64,
    /// Entries of the `.index` files.
    pub index_entries: u64,
    /// Entries of the `.timeindex` files.
    pub time_index_entries: u64,
    /// Bytes that are no whole batches.
    pub damaged_bytes: u64,
    /// Whole batches whose records cannot be read.
    pub unreadable_batches: u64,
    /// Different producer ids.
    pub producers: Distinct,
}

impl Counts {
    /// Takes others in.
    pub fn absorb(&mut self, other: &Counts) {
        for (mine, more) in [
            (&mut self.size_bytes, other.size_bytes),
            (&mut self.batches, other.batches),
            (&mut self.records, other.records),
            (&mut self.key_bytes, other.key_bytes),
            (&mut self.value_bytes, other.value_bytes),
            (&mut self.null_keys, other.null_keys),
            (&mut self.tombstones, other.tombstones),
            (&mut self.control_batches, other.control_batches),
            (&mut self.commits, other.commits),
            (&mut self.aborts, other.aborts),
            (&mut self.transactional_batches, other.transactional_batches),
            (&mut self.index_entries, other.index_entries),
            (&mut self.time_index_entries, other.time_index_entries),
            (&mut self.damaged_bytes, other.damaged_bytes),
            (&mut self.unreadable_batches, other.unreadable_batches),
        ] {
            *mine += more;
        }
        for (codec, count) in &other.codecs {
            *self.codecs.entry(codec).or_default() += count;
        }
        self.sizes.absorb(&other.sizes);
        self.producers.absorb(&other.producers);
        other.oldest_ms.into_iter().chain(other.newest_ms).for_each(|ms| self.note_time(ms));
    }

    /// Takes a timestamp in.
    pub(super) fn note_time(&mut self, timestamp_ms: i64) {
        self.oldest_ms = Some(self.oldest_ms.map_or(timestamp_ms, |oldest| oldest.min(timestamp_ms)));
        self.newest_ms = Some(self.newest_ms.map_or(timestamp_ms, |newest| newest.max(timestamp_ms)));
    }

    /// How many bytes of log there are for each entry of the index; `None` without entries.
    pub fn bytes_per_index_entry(&self) -> Option<u64> {
        self.size_bytes.checked_div(self.index_entries)
    }
}

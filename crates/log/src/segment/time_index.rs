use super::index::Entry;
use crate::offset::Offset;

/// An entry of a `.timeindex` file: 12 bytes, big-endian (Kafka's `TimeIndex`).
///
/// ```text
/// +-----------------------------------+-----------------+
/// | timestamp in ms                   | relative offset |
/// | 8 bytes                           | 4 bytes         |
/// +-----------------------------------+-----------------+
/// ```
///
/// It says: up to this offset no record of the segment is newer than this timestamp. Timestamps grow
/// strictly from entry to entry. Derived from the `.log` file, never alone a reason to delete.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TimeIndexEntry {
    /// The largest timestamp so far.
    pub timestamp_ms: i64,
    /// The last offset of the batch that carries it, relative to the segment's base offset.
    pub relative_offset: u32,
}

impl TimeIndexEntry {
    /// The offset that the entry stands for.
    pub fn offset(self, base_offset: Offset) -> Offset {
        base_offset + i64::from(self.relative_offset)
    }
}

impl Entry for TimeIndexEntry {
    const LEN: usize = 12;

    fn decode(bytes: &[u8]) -> Self {
        let (timestamp, relative) = bytes.split_at_checked(8).unwrap_or_default();
        TimeIndexEntry {
            timestamp_ms: timestamp.try_into().map_or(0, i64::from_be_bytes),
            relative_offset: relative.try_into().map_or(0, u32::from_be_bytes),
        }
    }

    fn encode(self, out: &mut Vec<u8>) {
        out.extend_from_slice(&self.timestamp_ms.to_be_bytes());
        out.extend_from_slice(&self.relative_offset.to_be_bytes());
    }

    fn is_zero(self) -> bool {
        self.timestamp_ms == 0 && self.relative_offset == 0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_entry_is_timestamp_then_relative_offset_in_big_endian() {
        let entry = TimeIndexEntry { timestamp_ms: 0x0102, relative_offset: 3 };
        let mut bytes = Vec::new();
        entry.encode(&mut bytes);
        assert_eq!(bytes, [0, 0, 0, 0, 0, 0, 1, 2, 0, 0, 0, 3]);
        assert_eq!(TimeIndexEntry::decode(&bytes), entry);
        assert_eq!(entry.offset(Offset::new(1_000)), Offset::new(1_003));
    }

    #[test]
    fn only_an_entry_of_nothing_but_zeros_is_padding() {
        let entry = |timestamp_ms, relative_offset| TimeIndexEntry { timestamp_ms, relative_offset };
        assert!(entry(0, 0).is_zero());
        assert!(!entry(1, 0).is_zero() && !entry(0, 1).is_zero() && !entry(-1, 1).is_zero());
    }
}

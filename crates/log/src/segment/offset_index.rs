use ottla_record::Head;

use super::index::Entry;
use crate::offset::{Offset, Position};

/// An entry of a `.index` file: 8 bytes, big-endian (Kafka's `OffsetIndex`).
///
/// ```text
/// +-----------------+-----------------+
/// | relative offset | position        |
/// | 4 bytes         | 4 bytes         |
/// +-----------------+-----------------+
/// ```
///
/// The relative offset is the *last* offset of a batch minus the segment's base offset, the position is
/// where that batch begins. So a batch is found from the nearest entry at or below the wanted offset by
/// walking forward, never back. The file carries no checksum: it is derived from the `.log` file, and
/// believed only where the batch at the position agrees.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct OffsetIndexEntry {
    /// The last offset of the batch, relative to the segment's base offset.
    pub relative_offset: u32,
    /// Where the batch begins in the `.log` file.
    pub position: Position,
}

impl OffsetIndexEntry {
    /// The offset that the entry stands for.
    pub fn offset(self, base_offset: Offset) -> Offset {
        base_offset + i64::from(self.relative_offset)
    }

    /// Whether the batch at the entry's position can be the one that it was written for. Before Kafka 4.0
    /// one entry stood for a whole append: its position is that of the first batch, its offset the last
    /// of all.
    pub fn is_borne_out_by(self, head: &Head, base_offset: Offset) -> bool {
        head.base_offset() >= base_offset && head.last_offset() <= self.offset(base_offset)
    }
}

impl Entry for OffsetIndexEntry {
    const LEN: usize = 8;

    fn decode(bytes: &[u8]) -> Self {
        let both = <[u8; 8]>::try_from(bytes).map_or(0, u64::from_be_bytes);
        OffsetIndexEntry { relative_offset: (both >> 32) as u32, position: Position::new(both as u32) }
    }

    fn encode(self, out: &mut Vec<u8>) {
        out.extend_from_slice(&self.relative_offset.to_be_bytes());
        out.extend_from_slice(&self.position.get().to_be_bytes());
    }

    fn is_zero(self) -> bool {
        self.relative_offset == 0 && self.position == Position::ZERO
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_entry_is_relative_offset_then_position_in_big_endian() {
        let entry = OffsetIndexEntry { relative_offset: 5, position: Position::new(456) };
        let mut bytes = Vec::new();
        entry.encode(&mut bytes);
        assert_eq!(bytes, [0, 0, 0, 5, 0, 0, 1, 200]);
        assert_eq!(OffsetIndexEntry::decode(&bytes), entry);
        assert!(OffsetIndexEntry::decode(&bytes[..7]).is_zero());
        assert_eq!(entry.offset(Offset::new(1_000)), Offset::new(1_005));
    }

    #[test]
    fn only_an_entry_of_nothing_but_zeros_is_padding() {
        let entry = |relative_offset, position| OffsetIndexEntry {
            relative_offset,
            position: Position::new(position),
        };
        assert!(entry(0, 0).is_zero());
        assert!(!entry(1, 0).is_zero() && !entry(0, 1).is_zero() && !entry(1, 1).is_zero());
    }

    #[test]
    fn a_batch_bears_an_entry_out_from_the_segments_base_to_the_entrys_offset() {
        let entry = OffsetIndexEntry { relative_offset: 10, position: Position::ZERO };
        let bears_out = |first, last| {
            let builder = ottla_record::BatchBuilder::new().base_offset(Offset::new(first));
            let batch = builder.last_offset(Offset::new(last)).build().unwrap();
            entry.is_borne_out_by(&Head::parse(&batch).unwrap(), Offset::new(100))
        };
        assert!(bears_out(110, 110) && bears_out(100, 110) && bears_out(100, 100) && bears_out(105, 107));
        assert!(!bears_out(99, 110) && !bears_out(110, 111) && !bears_out(111, 111) && !bears_out(99, 99));
    }
}

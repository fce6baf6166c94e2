use super::txn_index::ENTRY_LEN;
use crate::offset::Offset;

const VERSION: i16 = 0;

/// One aborted transaction as a `.txnindex` file stores it (Kafka's `AbortedTxn`).
///
/// ```text
/// byte  0       2            10            18           26                  34
///       +-------+------------+-------------+------------+-------------------+
///       | i16 0 | i64        | i64         | i64        | i64               |
///       | vers. | producer   | first       | last       | last stable       |
///       |       | id         | offset      | offset     | offset            |
///       +-------+------------+-------------+------------+-------------------+
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct AbortedTxn {
    /// The producer.
    pub producer_id: i64,
    /// The offset of its first record.
    pub first_offset: Offset,
    /// The offset of the marker that aborts it.
    pub last_offset: Offset,
    /// Where the oldest transaction began that was open when the marker was written, or the offset after
    /// the marker: later entries belong to transactions that begin there or later.
    pub last_stable_offset: Offset,
}

impl AbortedTxn {
    pub(super) fn encode(&self) -> [u8; ENTRY_LEN] {
        let mut bytes = [0; ENTRY_LEN];
        let (version, numbers) = bytes.split_at_mut(2);
        version.copy_from_slice(&VERSION.to_be_bytes());
        let values = [
            self.producer_id,
            self.first_offset.get(),
            self.last_offset.get(),
            self.last_stable_offset.get(),
        ];
        for (slot, value) in numbers.chunks_exact_mut(8).zip(values) {
            slot.copy_from_slice(&value.to_be_bytes());
        }
        bytes
    }

    /// An error is the version, where it is not the one that is known.
    pub(super) fn decode(bytes: &[u8; ENTRY_LEN]) -> Result<AbortedTxn, i16> {
        let (&version, numbers) = bytes.split_first_chunk::<2>().unwrap_or((&[0; 2], &[]));
        let version = i16::from_be_bytes(version);
        if version != VERSION {
            return Err(version);
        }
        let (values, _) = numbers.as_chunks::<8>();
        let number = |at: usize| values.get(at).map_or(0, |value| i64::from_be_bytes(*value));
        Ok(AbortedTxn {
            producer_id: number(0),
            first_offset: Offset::new(number(1)),
            last_offset: Offset::new(number(2)),
            last_stable_offset: Offset::new(number(3)),
        })
    }
}

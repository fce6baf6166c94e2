use super::AbortedTxn;
use crate::offset::Offset;

/// A transaction that has records in the partition and no end yet (Kafka's `TxnMetadata`).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct OpenTxn {
    /// The producer.
    pub producer_id: i64,
    /// The offset of its first record.
    pub first_offset: Offset,
}

/// A transaction that a marker ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CompletedTxn {
    /// The producer.
    pub producer_id: i64,
    /// The offset of its first record.
    pub first_offset: Offset,
    /// The offset of the marker.
    pub last_offset: Offset,
    /// Whether the marker aborts it.
    pub aborted: bool,
    /// Where the oldest transaction still open begins, or the offset after the marker: up to there
    /// everything was decided once this marker stood in the log.
    pub last_stable_offset: Offset,
}

impl CompletedTxn {
    /// What the transaction index of the marker's segment has to say about it: nothing for a commit.
    pub fn index_entry(&self) -> Option<AbortedTxn> {
        self.aborted.then_some(AbortedTxn {
            producer_id: self.producer_id,
            first_offset: self.first_offset,
            last_offset: self.last_offset,
            last_stable_offset: self.last_stable_offset,
        })
    }
}

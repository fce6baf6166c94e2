use super::stamp::{BatchStamp, Marker};
use super::{OpenTxn, sequence};
use crate::offset::Offset;

/// How many of a producer's last batches are remembered to recognise repeated ones. A client has at
/// most this many requests in flight.
pub const BATCHES_KEPT: usize = 5;

const NONE: i32 = -1;

/// One batch that a producer appended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BatchMetadata {
    /// The sequence of the last record.
    pub last_sequence: i32,
    /// The offset of the last record.
    pub last_offset: Offset,
    /// The last offset less the first.
    pub offset_delta: i32,
    /// The largest timestamp among the records.
    pub timestamp_ms: i64,
}

impl BatchMetadata {
    const EMPTY: BatchMetadata =
        BatchMetadata { last_sequence: NONE, last_offset: Offset::ZERO, offset_delta: 0, timestamp_ms: -1 };

    fn of(stamp: &BatchStamp) -> BatchMetadata {
        BatchMetadata {
            last_sequence: stamp.last_sequence,
            last_offset: stamp.last_offset,
            offset_delta: i32::try_from(stamp.last_offset - stamp.base_offset).unwrap_or(i32::MAX),
            timestamp_ms: stamp.max_timestamp_ms,
        }
    }

    /// The sequence of the first record.
    pub fn base_sequence(&self) -> i32 {
        sequence::minus(self.last_sequence, self.offset_delta)
    }

    /// The offset of the first record.
    pub fn base_offset(&self) -> Offset {
        self.last_offset - i64::from(self.offset_delta)
    }
}

/// What is remembered of one producer (Kafka's `ProducerStateEntry`).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ProducerEntry {
    /// The producer.
    pub producer_id: i64,
    /// The newest epoch seen; −1 before the first batch.
    pub producer_epoch: i16,
    /// The epoch of the coordinator that wrote the last marker; −1 before the first.
    pub coordinator_epoch: i32,
    /// The largest timestamp of the last batch, or the last marker's.
    pub last_timestamp_ms: i64,
    /// Where the open transaction began.
    pub current_txn_first_offset: Option<Offset>,
    /// The oldest first; those from `batch_count` on mean nothing.
    batches: [BatchMetadata; BATCHES_KEPT],
    batch_count: u8,
}

/// What a batch did to the transactions of its producer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum TxnChange {
    None,
    Began(OpenTxn),
    Ended(OpenTxn),
}

impl ProducerEntry {
    /// A producer of whom nothing is known.
    pub fn new(producer_id: i64) -> ProducerEntry {
        ProducerEntry {
            producer_id,
            producer_epoch: -1,
            coordinator_epoch: -1,
            last_timestamp_ms: -1,
            current_txn_first_offset: None,
            batches: [BatchMetadata::EMPTY; BATCHES_KEPT],
            batch_count: 0,
        }
    }

    /// The batches remembered, the oldest first. All carry the current epoch.
    pub fn batches(&self) -> &[BatchMetadata] {
        self.batches.get(..usize::from(self.batch_count)).unwrap_or_default()
    }

    /// The last batch of the current epoch.
    pub fn last_batch(&self) -> Option<&BatchMetadata> {
        self.batches().last()
    }

    /// The sequence of the last record of the current epoch; −1 before the first.
    pub fn last_sequence(&self) -> i32 {
        self.last_batch().map_or(NONE, |batch| batch.last_sequence)
    }

    /// The batch that was stored before with the epoch and the sequences of this one.
    pub(super) fn stored_before(&self, stamp: &BatchStamp) -> Option<&BatchMetadata> {
        let same = |batch: &&BatchMetadata| {
            batch.last_sequence == stamp.last_sequence && batch.base_sequence() == stamp.base_sequence
        };
        self.batches().iter().find(same).filter(|_| self.producer_epoch == stamp.producer_epoch)
    }

    /// Whether the producer was silent for so long that it is forgotten. One in a transaction never is.
    pub(super) fn is_expired(&self, now_ms: i64, expiration_ms: i64) -> bool {
        self.current_txn_first_offset.is_none()
            && now_ms.saturating_sub(self.last_timestamp_ms) >= expiration_ms
    }

    pub(super) fn apply(&mut self, stamp: &BatchStamp) -> TxnChange {
        self.set_epoch(stamp.producer_epoch);
        self.last_timestamp_ms = stamp.max_timestamp_ms;
        match stamp.control {
            Some(marker) => self.apply_marker(marker),
            None => self.apply_data(stamp),
        }
    }

    /// A batch outside any transaction leaves an open one open: it was refused when it could be.
    fn apply_data(&mut self, stamp: &BatchStamp) -> TxnChange {
        self.push(BatchMetadata::of(stamp));
        if !stamp.transactional || self.current_txn_first_offset.is_some() {
            return TxnChange::None;
        }
        self.current_txn_first_offset = Some(stamp.base_offset);
        TxnChange::Began(OpenTxn { producer_id: self.producer_id, first_offset: stamp.base_offset })
    }

    /// A marker of a transaction without records here ends nothing, yet its epochs count.
    fn apply_marker(&mut self, marker: Marker) -> TxnChange {
        self.coordinator_epoch = marker.coordinator_epoch;
        self.current_txn_first_offset.take().map_or(TxnChange::None, |first_offset| {
            TxnChange::Ended(OpenTxn { producer_id: self.producer_id, first_offset })
        })
    }

    /// Sequences begin anew with an epoch, whoever brings it: since KIP-890 that is each marker.
    fn set_epoch(&mut self, producer_epoch: i16) {
        if self.producer_epoch != producer_epoch {
            self.producer_epoch = producer_epoch;
            self.batch_count = 0;
        }
    }

    pub(super) fn push(&mut self, batch: BatchMetadata) {
        if usize::from(self.batch_count) == BATCHES_KEPT {
            self.batches.rotate_left(1);
            self.batch_count -= 1;
        }
        if let Some(slot) = self.batches.get_mut(usize::from(self.batch_count)) {
            *slot = batch;
            self.batch_count += 1;
        }
    }
}

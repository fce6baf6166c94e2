use ottla_record::{ControlRecord, Head};

use crate::offset::Offset;

/// What one batch says about its producer: the input of [`ProducerState`](super::ProducerState).
///
/// A control batch whose marker was compacted away says nothing any more: it is not applied, only
/// stepped over with [`ProducerState::advance_to`](super::ProducerState::advance_to), as batches without a producer are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BatchStamp {
    /// The producer; never −1 here.
    pub producer_id: i64,
    /// The epoch of this instance of the producer.
    pub producer_epoch: i16,
    /// The sequence of the first record; −1 in markers and in batches of a coordinator.
    pub base_sequence: i32,
    /// The sequence of the last record, wrapped around at `i32::MAX`.
    pub last_sequence: i32,
    /// The offset of the first record.
    pub base_offset: Offset,
    /// The offset of the last record.
    pub last_offset: Offset,
    /// The largest timestamp among the records.
    pub max_timestamp_ms: i64,
    /// Whether the records belong to a transaction.
    pub transactional: bool,
    /// The marker that the batch holds instead of records.
    pub control: Option<Marker>,
}

impl BatchStamp {
    /// What the head of a batch says, given the marker that its control record says. `None` where no
    /// producer stamped the batch, and for a control batch without a marker.
    pub fn of(head: &Head, marker: Option<Marker>) -> Option<BatchStamp> {
        let producer = head.producer().filter(|_| head.is_control() == marker.is_some())?;
        Some(BatchStamp {
            producer_id: producer.producer_id,
            producer_epoch: producer.producer_epoch,
            base_sequence: producer.base_sequence,
            last_sequence: producer.last_sequence,
            base_offset: head.base_offset(),
            last_offset: head.last_offset(),
            max_timestamp_ms: head.max_timestamp_ms(),
            transactional: producer.transactional,
            control: marker,
        })
    }
}

/// The end of a transaction as its control record says it (Kafka's `EndTransactionMarker`).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Marker {
    /// Whether the transaction was committed; else it was aborted.
    pub commit: bool,
    /// The epoch of the transaction coordinator that decided.
    pub coordinator_epoch: i32,
}

impl Marker {
    /// The marker that a control record is, if it is one.
    pub fn of(record: &ControlRecord) -> Option<Marker> {
        match *record {
            ControlRecord::Commit { coordinator_epoch } => Some(Marker { commit: true, coordinator_epoch }),
            ControlRecord::Abort { coordinator_epoch } => Some(Marker { commit: false, coordinator_epoch }),
            _ => None,
        }
    }
}

/// Who appends, which says how much is checked (Kafka's `AppendOrigin`).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Origin {
    /// A producer: epochs and sequences are checked, and repeated batches found.
    #[default]
    Client,
    /// A group or transaction coordinator, whose batches carry no sequences: epochs are checked.
    Coordinator,
    /// A copy of another log, or the log itself read again: all was checked before.
    Replica,
}

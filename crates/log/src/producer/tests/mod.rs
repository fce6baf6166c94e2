//! The behaviours that Kafka's `ProducerStateManagerTest` and `TransactionIndexTest` pin down, and a naive model.

mod expiry;
mod idempotence;
mod model;
mod replay;
mod snapshot;
mod transactions;
mod txn_index;

use super::{BatchStamp, CompletedTxn, Marker, Origin, ProducerState, Verdict};
use crate::error::Result;
use crate::offset::Offset;

/// One batch of producer 1 with epoch 0, one record at offset and timestamp 0; tests change what they mean.
const BATCH: BatchStamp = BatchStamp {
    producer_id: 1,
    producer_epoch: 0,
    base_sequence: 0,
    last_sequence: 0,
    base_offset: Offset::ZERO,
    last_offset: Offset::ZERO,
    max_timestamp_ms: 0,
    transactional: false,
    control: None,
};

fn data(epoch: i16, sequence: i32, offset: i64) -> BatchStamp {
    range(epoch, (sequence, sequence), (offset, offset))
}

/// A batch from the first to the last sequence and offset.
fn range(epoch: i16, sequences: (i32, i32), offsets: (i64, i64)) -> BatchStamp {
    BatchStamp {
        producer_epoch: epoch,
        base_sequence: sequences.0,
        last_sequence: sequences.1,
        base_offset: Offset::new(offsets.0),
        last_offset: Offset::new(offsets.1),
        ..BATCH
    }
}

fn marker(epoch: i16, commit: bool, coordinator_epoch: i32, offset: i64) -> BatchStamp {
    let control = Some(Marker { commit, coordinator_epoch });
    BatchStamp {
        base_sequence: -1,
        last_sequence: -1,
        transactional: true,
        control,
        ..data(epoch, 0, offset)
    }
}

fn in_txn(stamp: BatchStamp) -> BatchStamp {
    BatchStamp { transactional: true, ..stamp }
}

fn of(producer_id: i64, stamp: BatchStamp) -> BatchStamp {
    BatchStamp { producer_id, ..stamp }
}

fn at_ms(timestamp_ms: i64, stamp: BatchStamp) -> BatchStamp {
    BatchStamp { max_timestamp_ms: timestamp_ms, ..stamp }
}

/// As a log does it: checked, then applied.
fn append(state: &mut ProducerState, origin: Origin, stamp: &BatchStamp) -> Result<Option<CompletedTxn>> {
    match state.check(stamp, origin)? {
        Verdict::Next => Ok(state.apply(stamp)),
        duplicate => panic!("{duplicate:?}"),
    }
}

fn client(state: &mut ProducerState, stamp: &BatchStamp) -> Result<Option<CompletedTxn>> {
    append(state, Origin::Client, stamp)
}

fn coordinator(state: &mut ProducerState, stamp: &BatchStamp) -> Result<Option<CompletedTxn>> {
    append(state, Origin::Coordinator, stamp)
}

fn empty() -> ProducerState {
    ProducerState::new(Offset::ZERO)
}

fn offset(offset: i64) -> Offset {
    Offset::new(offset)
}

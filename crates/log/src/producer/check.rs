use super::entry::ProducerEntry;
use super::sequence;
use super::stamp::{BatchStamp, Marker, Origin};
use crate::error::{Error, Result};
use crate::offset::Offset;

/// What to do with a batch that may be appended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// It comes next: append it.
    Next,
    /// It was appended before: append nothing and answer with what was answered then.
    Duplicate {
        /// The offset of its first record.
        base_offset: Offset,
        /// The offset of its last record.
        last_offset: Offset,
        /// The largest timestamp among its records.
        timestamp_ms: i64,
    },
}

/// Decides about one batch from what is known of its producer. Of an unknown producer (a new one, one
/// that expired, or one whose records were all deleted) any epoch and sequence is taken.
pub(super) fn check(entry: &ProducerEntry, stamp: &BatchStamp, origin: Origin) -> Result<Verdict> {
    match (origin, stamp.control) {
        (Origin::Replica, _) => Ok(Verdict::Next),
        (_, Some(marker)) => check_marker(entry, stamp, marker),
        (_, None) => check_data(entry, stamp, origin),
    }
}

fn check_data(entry: &ProducerEntry, stamp: &BatchStamp, origin: Origin) -> Result<Verdict> {
    if origin == Origin::Client {
        if let Some(batch) = entry.stored_before(stamp) {
            return Ok(Verdict::Duplicate {
                base_offset: batch.base_offset(),
                last_offset: batch.last_offset,
                timestamp_ms: batch.timestamp_ms,
            });
        }
        check_epoch(entry, stamp)?;
        check_sequence(entry, stamp)?;
    } else {
        check_epoch(entry, stamp)?;
    }
    if entry.current_txn_first_offset.is_some() && !stamp.transactional {
        let reason = "its transaction is open, and the batch does not belong to it";
        return Err(Error::InvalidTxnState { producer_id: entry.producer_id, reason });
    }
    Ok(Verdict::Next)
}

fn check_marker(entry: &ProducerEntry, stamp: &BatchStamp, marker: Marker) -> Result<Verdict> {
    check_epoch(entry, stamp)?;
    if marker.coordinator_epoch < entry.coordinator_epoch {
        let reason = "the marker comes from a transaction coordinator that another one replaced";
        return Err(Error::InvalidTxnState { producer_id: entry.producer_id, reason });
    }
    Ok(Verdict::Next)
}

fn check_epoch(entry: &ProducerEntry, stamp: &BatchStamp) -> Result<()> {
    if stamp.producer_epoch >= entry.producer_epoch {
        return Ok(());
    }
    Err(Error::InvalidProducerEpoch {
        producer_id: entry.producer_id,
        current: entry.producer_epoch,
        found: stamp.producer_epoch,
    })
}

/// A new epoch starts at sequence 0; in the same epoch the sequence after the last comes next.
fn check_sequence(entry: &ProducerEntry, stamp: &BatchStamp) -> Result<()> {
    const NO_EPOCH: i16 = -1;
    let expected = match entry.producer_epoch {
        NO_EPOCH => return Ok(()),
        epoch if epoch == stamp.producer_epoch => sequence::plus(entry.last_sequence(), 1),
        _ => 0,
    };
    if stamp.base_sequence == expected {
        return Ok(());
    }
    Err(Error::OutOfOrderSequence {
        producer_id: entry.producer_id,
        producer_epoch: stamp.producer_epoch,
        expected,
        found: stamp.base_sequence,
    })
}

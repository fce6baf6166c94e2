//! What a pass over a log knows of its transactions, batch by batch (Kafka's `CleanedTransactionMetadata`):
//! records of aborted ones go, and a marker goes once no record of its transaction is left.

use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet, BinaryHeap, HashMap};

use ottla_record::BatchHeader;

use crate::offset::Offset;
use crate::producer::{AbortedTxn, Marker, ProducerEntry};

/// The transactions that a pass is in the middle of.
#[derive(Debug, Default)]
pub(crate) struct Transactions {
    /// Aborted ones that begin later, by first offset.
    upcoming: BinaryHeap<Reverse<Upcoming>>,
    aborting: BTreeMap<i64, Aborting>,
    /// The producers that had a record in a transaction which is not aborted.
    committing: BTreeSet<i64>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Upcoming(AbortedTxn);

impl Ord for Upcoming {
    fn cmp(&self, other: &Self) -> std::cmp::Ordering {
        let key = |txn: &AbortedTxn| (txn.first_offset, txn.last_offset, txn.producer_id);
        key(&self.0).cmp(&key(&other.0))
    }
}

impl PartialOrd for Upcoming {
    fn partial_cmp(&self, other: &Self) -> Option<std::cmp::Ordering> {
        Some(self.cmp(other))
    }
}

#[derive(Debug)]
struct Aborting {
    txn: AbortedTxn,
    /// Whether a record of it was met, one that goes in this pass.
    has_records: bool,
}

/// What a marker in the log ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Ended {
    /// A transaction of which this pass has met no record: the marker stands for nothing any more.
    Nothing,
    /// A committed one with records.
    Committed,
    /// An aborted one, whose records this pass takes out.
    Aborted(AbortedTxn),
}

impl Transactions {
    /// Adds aborted transactions that the pass comes to; one that it is told of twice counts once.
    pub(crate) fn add(&mut self, aborted: impl IntoIterator<Item = AbortedTxn>) {
        self.upcoming.extend(aborted.into_iter().map(|txn| Reverse(Upcoming(txn))));
    }

    /// Takes a batch of records, and tells whether they were aborted.
    pub(crate) fn on_records(&mut self, header: &BatchHeader) -> bool {
        self.begin_up_to(header.last_offset());
        if !header.attributes.is_transactional() {
            return false;
        }
        match self.aborting.get_mut(&header.producer_id) {
            Some(aborting) => {
                aborting.has_records = true;
                true
            }
            None => {
                self.committing.insert(header.producer_id);
                false
            }
        }
    }

    /// Takes a control batch; `marker` is what its record says, where it still has one.
    pub(crate) fn on_control(&mut self, header: &BatchHeader, marker: Option<Marker>) -> Ended {
        self.begin_up_to(header.last_offset());
        match marker {
            None => Ended::Nothing,
            Some(Marker { commit: true, .. }) => match self.committing.remove(&header.producer_id) {
                true => Ended::Committed,
                false => Ended::Nothing,
            },
            Some(Marker { commit: false, .. }) => match self.aborting.remove(&header.producer_id) {
                Some(Aborting { txn, has_records: true }) => Ended::Aborted(txn),
                _ => Ended::Nothing,
            },
        }
    }

    fn begin_up_to(&mut self, offset: Offset) {
        while self.upcoming.peek().is_some_and(|Reverse(next)| next.0.first_offset <= offset) {
            let Some(Reverse(Upcoming(txn))) = self.upcoming.pop() else { break };
            // One that ended before was told of twice, by the indexes of two segments.
            self.aborting.entry(txn.producer_id).or_insert(Aborting { txn, has_records: false });
        }
    }
}

/// The last thing that each active producer wrote: the batch with its last sequence number, or the marker with
/// its epoch. Their headers outlive their records, so that the producer's next batch is still the next.
#[derive(Clone, Debug, Default)]
pub(crate) struct LastBatches(HashMap<i64, LastBatch>);

#[derive(Clone, Copy, Debug)]
struct LastBatch {
    last_offset: Option<Offset>,
    producer_epoch: i16,
}

impl LastBatches {
    pub(crate) fn of(entries: &[ProducerEntry]) -> LastBatches {
        let last = |entry: &ProducerEntry| LastBatch {
            last_offset: entry.last_batch().map(|batch| batch.last_offset),
            producer_epoch: entry.producer_epoch,
        };
        LastBatches(entries.iter().map(|entry| (entry.producer_id, last(entry))).collect())
    }

    /// Whether this batch is the last of its producer.
    pub(crate) fn holds(&self, header: &BatchHeader) -> bool {
        let Some(last) = self.0.get(&header.producer_id).filter(|_| header.producer_id >= 0) else {
            return false;
        };
        match last.last_offset {
            Some(last_offset) => header.last_offset() == last_offset,
            None => header.attributes.is_control() && header.producer_epoch == last.producer_epoch,
        }
    }

    /// The last offsets of those that hold records, in no order.
    pub(crate) fn last_offsets(&self) -> impl Iterator<Item = Offset> {
        self.0.values().filter_map(|last| last.last_offset)
    }
}

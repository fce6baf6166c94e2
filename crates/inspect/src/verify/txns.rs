use std::sync::Arc;

use ottla::dir::FileKind;
use ottla::producer::{AbortedTxn, BatchStamp, CompletedTxn, ProducerEntry, ProducerState, TxnIndex};
use ottla::{Error, Offset};

use super::context::Context as Partition;
use super::finding::Report;
use super::kind::Kind;
use super::seen::Seen;
use crate::error::Result;
use crate::partition::SegmentFile;

/// The entries of the segment's `.txnindex`; `None` where they cannot be read, which is a finding.
///
/// # Errors
/// As the system reports it.
pub fn aborted_transactions(
    partition: &Partition<'_>,
    segment: &SegmentFile,
    report: &mut Report,
) -> Result<Option<Vec<AbortedTxn>>> {
    let path = segment.sibling(FileKind::TxnIndex);
    let index = TxnIndex::open_read_only(Arc::clone(partition.fs), path.clone(), segment.base_offset);
    let entries = index.and_then(|index| {
        index.sanity_check()?;
        index.entries()
    });
    match entries {
        Ok(entries) => Ok(Some(entries)),
        Err(Error::Corrupt(corruption)) => {
            let what =
                format!("{}: expected {}, found {}", corruption.what, corruption.expected, corruption.found);
            report.harm(&path, corruption.position, Kind::TxnIndexDamaged, what);
            Ok(None)
        }
        Err(error) => Err(error.into()),
    }
}

/// The aborted transactions of each segment are in its `.txnindex`, and nothing else is.
#[derive(Clone, Debug)]
pub struct TxnCheck {
    state: ProducerState,
    /// The state by the batches alone, where that is another.
    own: Option<ProducerState>,
    /// Markers of aborts in this segment: their offset and producer.
    abort_markers: Vec<(Offset, i64)>,
    /// Transactions that such a marker ended, where their records are in the log.
    aborted: Vec<CompletedTxn>,
    /// Entries of earlier segments whose marker is yet to come: compaction leaves an entry with the first
    /// records of its transaction.
    carried: Vec<AbortedTxn>,
}

impl TxnCheck {
    /// A check that begins at `start`, where these producers were known.
    pub fn new(start: Offset, producers: Vec<ProducerEntry>) -> TxnCheck {
        let own = (!producers.is_empty()).then(|| ProducerState::new(start));
        let state = ProducerState::from_entries(producers, start, 0, i64::MAX);
        TxnCheck { state, own, abort_markers: Vec::new(), aborted: Vec::new(), carried: Vec::new() }
    }

    /// What the batches so far have said of producers, and nothing else.
    pub fn own(&self) -> &ProducerState {
        self.own.as_ref().unwrap_or(&self.state)
    }

    /// Looks at one batch.
    pub fn observe(&mut self, seen: &Seen<'_>) {
        let last_offset = seen.head.last_offset();
        if let Some(stamp) = BatchStamp::of(seen.head, seen.marker) {
            if seen.marker.is_some_and(|marker| !marker.commit) {
                self.abort_markers.push((last_offset, stamp.producer_id));
            }
            self.aborted.extend(self.state.apply(&stamp).filter(|txn| txn.aborted));
            if let Some(own) = &mut self.own {
                own.apply(&stamp);
                own.on_high_watermark(last_offset + 1);
            }
        }
        self.state.advance_to(last_offset + 1);
        self.state.on_high_watermark(last_offset + 1);
    }

    /// Compares the segment that ends here, before `end_offset`, with the entries of its index, and goes on
    /// with the next one.
    pub fn end_segment(
        &mut self,
        entries: &[AbortedTxn],
        end_offset: Offset,
    ) -> Vec<(Option<usize>, Kind, String)> {
        let mut problems = Vec::new();
        for (number, entry) in entries.iter().enumerate().filter(|(_, entry)| entry.last_offset < end_offset)
        {
            if !self.abort_markers.contains(&(entry.last_offset, entry.producer_id)) {
                let what = format!(
                    "entry {number}: the log has no marker at offset {} that aborts a transaction of producer {}",
                    entry.last_offset, entry.producer_id
                );
                problems.push((Some(number), Kind::TxnIndexEntry, what));
            }
        }
        self.carried.extend(entries.iter().filter(|entry| entry.last_offset >= end_offset));
        for txn in std::mem::take(&mut self.aborted) {
            let ends_there = |entry: &AbortedTxn| entry.last_offset == txn.last_offset;
            let at = entries.iter().position(ends_there);
            match entries.iter().chain(&self.carried).find(|entry| ends_there(entry)) {
                None => problems.push((None, Kind::TxnIndexLacks, lacks(&txn))),
                Some(entry) => {
                    problems.extend(disagreement(entry, &txn).map(|what| (at, Kind::TxnIndexEntry, what)));
                }
            }
        }
        self.carried.retain(|entry| entry.last_offset >= end_offset);
        self.abort_markers.clear();
        problems
    }
}

fn lacks(txn: &CompletedTxn) -> String {
    format!(
        "there is no entry for the transaction of producer {} from offset {} to {}",
        txn.producer_id, txn.first_offset, txn.last_offset
    )
}

/// An entry may begin earlier than what is left of the transaction, and may have known of an older one that
/// was open; the other way round, readers get records that they must not.
fn disagreement(entry: &AbortedTxn, txn: &CompletedTxn) -> Option<String> {
    let too_late = entry.first_offset > txn.first_offset;
    let too_far = entry.last_stable_offset > txn.last_stable_offset;
    (too_late || too_far).then(|| {
        format!(
            "the entry for the transaction that ends at offset {} has first offset {} and last stable offset {}, \
             and by the log these are {} and {}",
            txn.last_offset, entry.first_offset, entry.last_stable_offset, txn.first_offset, txn.last_stable_offset
        )
    })
}

#[cfg(test)]
mod tests {
    use ottla::producer::Marker;
    use ottla_record::{BatchBuilder, EndTransactionMarker, Head};

    use super::*;

    /// One aborted transaction of producer 7: records at 10 and 11, the marker at 12.
    fn check() -> TxnCheck {
        let mut check = TxnCheck::new(Offset::new(10), Vec::new());
        let mut data = BatchBuilder::new().base_offset(Offset::new(10)).producer(7, 0, 0).transactional(true);
        data.push(0, None, None, &[]).unwrap();
        data.push(0, None, None, &[]).unwrap();
        let marker = EndTransactionMarker {
            producer_id: 7,
            producer_epoch: 0,
            coordinator_epoch: 0,
            commit: false,
            timestamp_ms: 0,
        };
        let mut marker_bytes = marker.to_batch().unwrap();
        marker_bytes[..8].copy_from_slice(&12_i64.to_be_bytes());
        for (bytes, marker) in [
            (data.build().unwrap(), None),
            (marker_bytes, Some(Marker { commit: false, coordinator_epoch: 0 })),
        ] {
            let head = Head::parse(&bytes).unwrap();
            check.observe(&Seen { position: 0, head: &head, marker });
        }
        check
    }

    fn entry(first: i64, last: i64, stable: i64) -> AbortedTxn {
        AbortedTxn {
            producer_id: 7,
            first_offset: Offset::new(first),
            last_offset: Offset::new(last),
            last_stable_offset: Offset::new(stable),
        }
    }

    fn kinds(entries: &[AbortedTxn]) -> Vec<Kind> {
        check().end_segment(entries, Offset::new(20)).into_iter().map(|(_, kind, _)| kind).collect()
    }

    #[test]
    fn an_index_that_says_what_the_log_says_is_fine() {
        assert_eq!(kinds(&[entry(10, 12, 13)]), []);
        assert_eq!(kinds(&[entry(4, 12, 3)]), []);
        // Its marker is in a later segment.
        assert_eq!(kinds(&[entry(10, 12, 13), entry(14, 25, 16)]), []);
    }

    #[test]
    fn what_would_show_aborted_records_is_found() {
        assert_eq!(kinds(&[]), [Kind::TxnIndexLacks]);
        assert_eq!(kinds(&[entry(11, 12, 13)]), [Kind::TxnIndexEntry]);
        assert_eq!(kinds(&[entry(10, 12, 14)]), [Kind::TxnIndexEntry]);
        assert_eq!(kinds(&[entry(10, 12, 13), entry(14, 15, 16)]), [Kind::TxnIndexEntry]);
    }
}

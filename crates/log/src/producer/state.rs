use std::collections::{HashMap, VecDeque};

use super::check::{Verdict, check};
use super::entry::{ProducerEntry, TxnChange};
use super::stamp::{BatchStamp, Marker, Origin};
use super::{CompletedTxn, OpenTxn};
use crate::error::Result;
use crate::offset::Offset;

/// What a partition knows of its producers and their transactions (Kafka's `ProducerStateManager`).
///
/// A batch is first checked, then written, then applied, so that a failed write changes nothing here:
///
/// ```
/// use ottla::Offset;
/// use ottla::producer::{BatchStamp, Origin, ProducerState, Verdict};
///
/// let mut state = ProducerState::new(Offset::ZERO);
/// let batch = BatchStamp {
///     producer_id: 7, producer_epoch: 0, base_sequence: 0, last_sequence: 9,
///     base_offset: Offset::new(100), last_offset: Offset::new(109), max_timestamp_ms: 1_000,
///     transactional: false, control: None,
/// };
/// assert_eq!(state.check(&batch, Origin::Client)?, Verdict::Next);
/// state.apply(&batch);
/// // The client did not see the answer and sends the batch again.
/// assert!(matches!(state.check(&batch, Origin::Client)?, Verdict::Duplicate { .. }));
/// # Ok::<(), ottla::Error>(())
/// ```
///
/// # Complexity
/// `check` and `apply` cost one hash lookup each, and allocate nothing for a known producer.
#[derive(Clone, Debug)]
pub struct ProducerState {
    /// In the order in which they were first seen, so that a snapshot is written in the order it was read.
    entries: Vec<ProducerEntry>,
    by_id: HashMap<i64, usize>,
    /// By first offset.
    open: Vec<OpenTxn>,
    /// By last offset: ended, but with a marker that is not below the high watermark yet.
    ended: VecDeque<CompletedTxn>,
    log_start_offset: Offset,
    map_end_offset: Offset,
}

impl ProducerState {
    /// The state of a log that has no producers before `end_offset`.
    pub fn new(end_offset: Offset) -> ProducerState {
        ProducerState {
            entries: Vec::new(),
            by_id: HashMap::new(),
            open: Vec::new(),
            ended: VecDeque::new(),
            log_start_offset: Offset::ZERO,
            map_end_offset: end_offset,
        }
    }

    /// The state at `end_offset` from the entries of a [`snapshot`](super::snapshot), less those that
    /// expired. Should a producer be named twice, the later entry counts.
    pub fn from_entries(
        entries: impl IntoIterator<Item = ProducerEntry>,
        end_offset: Offset,
        now_ms: i64,
        expiration_ms: i64,
    ) -> ProducerState {
        let mut state = ProducerState::new(end_offset);
        for entry in entries.into_iter().filter(|entry| !entry.is_expired(now_ms, expiration_ms)) {
            state.insert(entry);
        }
        state.open = state.entries.iter().filter_map(open_txn).collect();
        state.open.sort_unstable_by_key(|txn| txn.first_offset);
        state
    }

    /// Decides whether a batch may be appended; nothing changes. The offsets of the stamp play no part.
    ///
    /// # Errors
    /// [`OutOfOrderSequence`](crate::Error::OutOfOrderSequence) where records are missing before it,
    /// [`InvalidProducerEpoch`](crate::Error::InvalidProducerEpoch) where a newer instance of the producer
    /// took over, [`InvalidTxnState`](crate::Error::InvalidTxnState) for a batch beside the producer's open
    /// transaction and for the marker of a coordinator that was replaced.
    pub fn check(&self, stamp: &BatchStamp, origin: Origin) -> Result<Verdict> {
        self.entry(stamp.producer_id).map_or(Ok(Verdict::Next), |entry| check(entry, stamp, origin))
    }

    /// As [`ProducerState::check`], for a batch that comes after others of the same append, which were
    /// checked and are not applied yet.
    ///
    /// # Errors
    /// As [`ProducerState::check`].
    pub fn check_after(&self, earlier: &[BatchStamp], stamp: &BatchStamp, origin: Origin) -> Result<Verdict> {
        let mut own = earlier.iter().filter(|other| other.producer_id == stamp.producer_id).peekable();
        if own.peek().is_none() {
            return self.check(stamp, origin);
        }
        let known = self.entry(stamp.producer_id).copied();
        let mut entry = known.unwrap_or_else(|| ProducerEntry::new(stamp.producer_id));
        for other in own {
            entry.apply(other);
        }
        check(&entry, stamp, origin)
    }

    /// Takes in a batch that stands in the log, and returns the transaction that it ended. Batches are
    /// applied in the order of the log; whether they were to be refused is no longer asked.
    pub fn apply(&mut self, stamp: &BatchStamp) -> Option<CompletedTxn> {
        let change = self.apply_to_entry(stamp);
        self.advance_to(stamp.last_offset + 1);
        match (change, stamp.control) {
            (TxnChange::Began(txn), _) => {
                let at = self.open.partition_point(|open| open.first_offset < txn.first_offset);
                self.open.insert(at, txn);
                None
            }
            (TxnChange::Ended(txn), Some(marker)) => Some(self.end(txn, marker, stamp.last_offset)),
            (TxnChange::Ended(_), None) | (TxnChange::None, _) => None,
        }
    }

    fn apply_to_entry(&mut self, stamp: &BatchStamp) -> TxnChange {
        if let Some(entry) = self.entry_mut(stamp.producer_id) {
            return entry.apply(stamp);
        }
        let mut entry = ProducerEntry::new(stamp.producer_id);
        let change = entry.apply(stamp);
        self.insert(entry);
        change
    }

    fn end(&mut self, txn: OpenTxn, marker: Marker, last_offset: Offset) -> CompletedTxn {
        self.open.retain(|open| open.producer_id != txn.producer_id);
        let next_open = self.open.first().map(|open| open.first_offset);
        let ended = CompletedTxn {
            producer_id: txn.producer_id,
            first_offset: txn.first_offset,
            last_offset,
            aborted: !marker.commit,
            last_stable_offset: next_open.unwrap_or(last_offset + 1),
        };
        self.ended.push_back(ended);
        ended
    }

    /// Steps over batches that no producer stamped.
    pub fn advance_to(&mut self, end_offset: Offset) {
        self.map_end_offset = self.map_end_offset.max(end_offset);
    }

    /// The offset after the last batch that was taken in.
    pub fn map_end_offset(&self) -> Offset {
        self.map_end_offset
    }

    /// Forgets the ended transactions whose markers the high watermark has passed.
    pub fn on_high_watermark(&mut self, high_watermark: Offset) {
        while self.ended.front().is_some_and(|txn| txn.last_offset < high_watermark) {
            self.ended.pop_front();
        }
    }

    /// Where the oldest transaction begins that is open, or ended by a marker at or above the high
    /// watermark last told; never before the start of the log.
    pub fn first_unstable_offset(&self) -> Option<Offset> {
        let open = self.open.first().map(|txn| txn.first_offset);
        let ended = self.ended.iter().map(|txn| txn.first_offset);
        ended.chain(open).min().map(|offset| offset.max(self.log_start_offset))
    }

    /// The offset up to which readers of committed records may read.
    pub fn last_stable_offset(&self, high_watermark: Offset) -> Offset {
        let open = self.open.first().map(|txn| txn.first_offset);
        let ended = self.ended.iter().filter(|txn| txn.last_offset >= high_watermark);
        let unstable = ended.map(|txn| txn.first_offset).chain(open).min();
        unstable.map_or(high_watermark, |offset| offset.max(self.log_start_offset).min(high_watermark))
    }

    /// The open transactions, the oldest first.
    pub fn open_transactions(&self) -> &[OpenTxn] {
        &self.open
    }

    /// What is remembered of a producer.
    pub fn entry(&self, producer_id: i64) -> Option<&ProducerEntry> {
        self.by_id.get(&producer_id).and_then(|at| self.entries.get(*at))
    }

    /// All producers, in the order in which they were first seen.
    pub fn entries(&self) -> &[ProducerEntry] {
        &self.entries
    }

    /// Forgets the producers that are in no transaction and were silent for `expiration_ms`; returns how many.
    pub fn expire(&mut self, now_ms: i64, expiration_ms: i64) -> usize {
        let before = self.entries.len();
        self.entries.retain(|entry| !entry.is_expired(now_ms, expiration_ms));
        let expired = before - self.entries.len();
        if expired > 0 {
            self.by_id.clear();
            self.by_id.extend(self.entries.iter().enumerate().map(|(at, entry)| (entry.producer_id, at)));
        }
        expired
    }

    /// Follows the log, whose records before `log_start_offset` were deleted. Producers are kept: their
    /// sequences still count, though their records are gone.
    pub fn truncate_head(&mut self, log_start_offset: Offset) {
        self.log_start_offset = self.log_start_offset.max(log_start_offset);
        self.on_high_watermark(log_start_offset);
        self.advance_to(log_start_offset);
    }

    fn entry_mut(&mut self, producer_id: i64) -> Option<&mut ProducerEntry> {
        self.by_id.get(&producer_id).and_then(|at| self.entries.get_mut(*at))
    }

    fn insert(&mut self, entry: ProducerEntry) {
        if let Some(known) = self.entry_mut(entry.producer_id) {
            *known = entry;
        } else {
            self.by_id.insert(entry.producer_id, self.entries.len());
            self.entries.push(entry);
        }
    }
}

fn open_txn(entry: &ProducerEntry) -> Option<OpenTxn> {
    entry
        .current_txn_first_offset
        .map(|first_offset| OpenTxn { producer_id: entry.producer_id, first_offset })
}

use std::collections::{BTreeMap, HashMap};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use ottla::Offset;
use ottla::producer::{ProducerEntry, ProducerState};
use ottla_record::Head;

use super::kind::Kind;
use super::seen::Seen;

/// Kafka's `producer.id.expiration.ms`, where a broker does not set it: who was silent for longer is forgotten.
const EXPIRATION_MS: i64 = 24 * 60 * 60 * 1000;

/// What snapshots say of producers' last batches is what the log says, where it still has those batches. Of
/// a log that has all batches since its first segment began they must say all that it says.
#[derive(Clone, Debug)]
pub struct SnapshotCheck {
    /// By the last offset of the batch.
    claims: HashMap<Offset, Vec<Claim>>,
    /// The snapshots, by their offset.
    snapshots: Arc<BTreeMap<Offset, Snapshot>>,
    /// The first that was not compared yet.
    due: Option<Offset>,
    /// Where the first segment begins.
    start: Offset,
    /// Where the next batch begins, as long as none is missing since then.
    next: Option<Offset>,
}

/// One file.
#[derive(Clone, Debug)]
struct Snapshot {
    file: PathBuf,
    modified_ms: i64,
    entries: Vec<ProducerEntry>,
}

/// Something that a snapshot says, and the log does not.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Disagreement {
    pub file: PathBuf,
    pub what: String,
    /// Whether the log is right and nothing goes wrong by it: a producer that was forgotten too early.
    pub harmless: bool,
}

/// What one snapshot says of one producer's last batch.
#[derive(Clone, Debug)]
struct Claim {
    file: PathBuf,
    producer_id: i64,
    producer_epoch: i16,
    last_sequence: i32,
}

impl SnapshotCheck {
    /// A check of a log whose first segment begins at `start`.
    pub fn new(start: Offset) -> SnapshotCheck {
        SnapshotCheck {
            claims: HashMap::new(),
            snapshots: Arc::default(),
            due: None,
            start,
            next: Some(start),
        }
    }

    /// Takes in a snapshot of the state at `offset`; tells what cannot be.
    pub fn add(
        &mut self,
        file: &Path,
        offset: Offset,
        modified_ms: i64,
        entries: Vec<ProducerEntry>,
    ) -> Vec<(Kind, String)> {
        let mut problems = Vec::new();
        for entry in &entries {
            for late in offsets_of(entry).filter(|at| *at >= offset) {
                let what = format!("producer {} is said to have written offset {late}", entry.producer_id);
                problems.push((Kind::SnapshotDisagrees, what));
            }
            if let Some(batch) = entry.last_batch() {
                self.claims.entry(batch.last_offset).or_default().push(Claim {
                    file: file.to_path_buf(),
                    producer_id: entry.producer_id,
                    producer_epoch: entry.producer_epoch,
                    last_sequence: batch.last_sequence,
                });
            }
        }
        let snapshot = Snapshot { file: file.to_path_buf(), modified_ms, entries };
        Arc::make_mut(&mut self.snapshots).insert(offset, snapshot);
        // That of the first segment tells what no batch does any more: nothing to compare it with.
        self.due = self.snapshots.keys().copied().find(|offset| *offset > self.start || self.is_whole());
        problems
    }

    /// Whether no batch was ever deleted.
    fn is_whole(&self) -> bool {
        self.start == Offset::ZERO
    }

    /// Compares the snapshots up to `offset` with what the batches up to there say of producers; `own` knows
    /// nothing but those batches.
    pub fn reach(&mut self, offset: Offset, own: &ProducerState) -> Vec<Disagreement> {
        let Some(due) = self.due.filter(|due| *due <= offset) else { return Vec::new() };
        self.due = self.snapshots.range(offset + 1..).map(|(offset, _)| *offset).next();
        if self.next.is_none() {
            return Vec::new();
        }
        let reached = self.snapshots.range(due..=offset);
        reached.flat_map(|(_, snapshot)| snapshot.compare(own, self.start)).collect()
    }

    /// Notes that batches are missing: what is left of the log does not say all.
    pub fn skip(&mut self) {
        self.next = None;
    }

    fn follow(&mut self, head: &Head) {
        let is_next = matches!(head, Head::V2(_)) && self.next == Some(head.base_offset());
        self.next = is_next.then(|| head.last_offset() + 1);
    }

    /// Looks at one batch; tells which files disagree.
    pub fn observe(&mut self, seen: &Seen<'_>) -> Vec<(PathBuf, String)> {
        self.follow(seen.head);
        if self.claims.is_empty() {
            return Vec::new();
        }
        let Some(claims) = self.claims.remove(&seen.head.last_offset()) else { return Vec::new() };
        let found = seen.head.producer().map(|p| (p.producer_id, p.producer_epoch, p.last_sequence));
        let disagrees =
            |claim: &Claim| found != Some((claim.producer_id, claim.producer_epoch, claim.last_sequence));
        let told = |claim: Claim| {
            let what = format!(
                "offset {} is said to be sequence {} of producer {} in epoch {}, and by the log it is {}",
                seen.head.last_offset(),
                claim.last_sequence,
                claim.producer_id,
                claim.producer_epoch,
                found.map_or_else(
                    || "of no producer".to_owned(),
                    |(id, epoch, sequence)| format!("sequence {sequence} of producer {id} in epoch {epoch}")
                )
            );
            (claim.file, what)
        };
        claims.into_iter().filter(disagrees).map(told).collect()
    }
}

impl Snapshot {
    fn compare(&self, own: &ProducerState, start: Offset) -> Vec<Disagreement> {
        let mut found = Vec::new();
        let mut tell = |harmless, what: String| {
            found.push(Disagreement { file: self.file.clone(), what, harmless });
        };
        for entry in &self.entries {
            let id = entry.producer_id;
            match own.entry(id) {
                // What was deleted may have been all that there was of the producer.
                None if offsets_of(entry).all(|at| at < start) && start > Offset::ZERO => {}
                None => {
                    tell(false, format!("it knows producer {id}, of whom the log has no batch before it"))
                }
                Some(known) if !agree(entry, known, start) => {
                    tell(false, format!("of producer {id} it says other than the log before it"));
                }
                Some(_) => {}
            }
        }
        for known in own.entries() {
            let id = known.producer_id;
            let is_there = self.entries.iter().any(|entry| entry.producer_id == id);
            let open = known.current_txn_first_offset.is_some();
            let silent_ms = self.modified_ms.saturating_sub(known.last_timestamp_ms);
            if !is_there && (open || silent_ms < EXPIRATION_MS) {
                tell(!open, format!("it does not know producer {id}, who has batches in the log before it"));
            }
        }
        found
    }
}

/// The offsets that a snapshot says a producer has written.
fn offsets_of(entry: &ProducerEntry) -> impl Iterator<Item = Offset> {
    let last = entry.last_batch().map(|batch| batch.last_offset);
    entry.current_txn_first_offset.into_iter().chain(last)
}

/// Whether a snapshot of the state at `offset` speaks of nothing behind it, so that it may be one of that log.
pub fn may_be_of(offset: Offset, entries: &[ProducerEntry]) -> bool {
    entries.iter().flat_map(offsets_of).all(|at| at < offset)
}

/// Whether a snapshot says of a producer what its batches say, of which the first ones may be deleted.
fn agree(entry: &ProducerEntry, known: &ProducerEntry, start: Offset) -> bool {
    let last = |entry: &ProducerEntry| {
        entry.last_batch().map(|batch| (batch.last_offset, batch.last_sequence, batch.offset_delta))
    };
    let is_deleted = |at: Offset| at < start;
    let same_batch = last(entry) == last(known)
        || (last(known).is_none() && last(entry).is_some_and(|(at, ..)| is_deleted(at)));
    let (told, seen) = (entry.current_txn_first_offset, known.current_txn_first_offset);
    // A transaction that began in what was deleted begins, by the batches, with the first that is left.
    let same_txn = told == seen || (seen.is_some() && told.is_some_and(is_deleted));
    let has_no_marker = known.coordinator_epoch < 0 && start > Offset::ZERO;
    let same_coordinator = has_no_marker || entry.coordinator_epoch == known.coordinator_epoch;
    let stamp = |entry: &ProducerEntry| (entry.producer_epoch, entry.last_timestamp_ms);
    same_batch && same_txn && same_coordinator && stamp(entry) == stamp(known)
}

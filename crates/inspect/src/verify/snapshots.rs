use std::collections::{BTreeMap, HashMap};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use ottla::Offset;
use ottla::producer::{ProducerEntry, ProducerState};
use ottla_record::Head;

use super::finding::Kind;
use super::seen::Seen;

/// Kafka's `producer.id.expiration.ms`, where a broker does not set it: who was silent for longer is forgotten.
const EXPIRATION_MS: i64 = 24 * 60 * 60 * 1000;

/// What snapshots say of producers' last batches is what the log says, where it still has those batches. Of
/// a log that still has all its batches they must say all that it says.
#[derive(Clone, Debug)]
pub struct SnapshotCheck {
    /// By the last offset of the batch.
    claims: HashMap<Offset, Vec<Claim>>,
    /// The snapshots, by their offset.
    snapshots: Arc<BTreeMap<Offset, Snapshot>>,
    /// Those below were compared.
    compared: Offset,
    /// Where the next batch begins, as long as none is missing since the first of all.
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
            compared: Offset::ZERO,
            next: Some(start).filter(|start| *start == Offset::ZERO),
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
            let last = entry.last_batch().map(|batch| batch.last_offset);
            for late in entry.current_txn_first_offset.into_iter().chain(last).filter(|at| *at >= offset) {
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
        problems
    }

    /// Compares the snapshots up to `offset` with what the batches up to there have said of producers.
    pub fn reach(&mut self, offset: Offset, state: &ProducerState) -> Vec<Disagreement> {
        let reached = self.compared..offset + 1;
        self.compared = self.compared.max(offset + 1);
        if self.next.is_none() || reached.is_empty() {
            return Vec::new();
        }
        let snapshots = self.snapshots.range(reached);
        snapshots.flat_map(|(_, snapshot)| snapshot.compare(state)).collect()
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
    fn compare(&self, state: &ProducerState) -> Vec<Disagreement> {
        let mut found = Vec::new();
        let mut tell = |harmless, what: String| {
            found.push(Disagreement { file: self.file.clone(), what, harmless });
        };
        for entry in &self.entries {
            let id = entry.producer_id;
            match state.entry(id) {
                None => {
                    tell(false, format!("it knows producer {id}, of whom the log has no batch before it"))
                }
                Some(known) if facts(known) != facts(entry) => {
                    tell(false, format!("of producer {id} it says other than the log before it"));
                }
                Some(_) => {}
            }
        }
        for known in state.entries() {
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

/// What a snapshot keeps of a producer.
fn facts(entry: &ProducerEntry) -> impl PartialEq {
    let last = entry.last_batch().map(|batch| (batch.last_offset, batch.last_sequence, batch.offset_delta));
    let ProducerEntry { producer_epoch, coordinator_epoch, last_timestamp_ms, .. } = *entry;
    (producer_epoch, coordinator_epoch, last_timestamp_ms, entry.current_txn_first_offset, last)
}

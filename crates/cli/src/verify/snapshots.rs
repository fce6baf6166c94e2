use std::collections::HashMap;
use std::path::{Path, PathBuf};

use ottla::Offset;
use ottla::producer::ProducerEntry;

use super::finding::Kind;
use super::seen::Seen;

/// What snapshots say of producers' last batches is what the log says, where it still has those batches.
#[derive(Clone, Debug, Default)]
pub struct SnapshotCheck {
    /// By the last offset of the batch.
    claims: HashMap<Offset, Vec<Claim>>,
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
    /// Takes in a snapshot of the state at `offset`; tells what cannot be.
    pub fn add(&mut self, file: &Path, offset: Offset, entries: &[ProducerEntry]) -> Vec<(Kind, String)> {
        let mut problems = Vec::new();
        for entry in entries {
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
        problems
    }

    /// Looks at one batch; tells which files disagree.
    pub fn observe(&mut self, seen: &Seen<'_>) -> Vec<(PathBuf, String)> {
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

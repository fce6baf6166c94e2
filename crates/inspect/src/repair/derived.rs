//! Step 3: what is derived from the log and disagrees with it is made anew. What disagrees, `verify` has
//! found; each kind of finding has its remedy here, or none.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use ottla::Offset;
use ottla::dir::{FileKind, FileName, LeaderEpochs, PartitionMetadata, read_whole};
use ottla::fs::{FileSystem, OpenMode};
use ottla::producer::{AbortedTxn, TxnIndex};
use ottla::segment::BuiltIndexes;

use super::hand::Hand;
use super::remedy::{Remedy, harms_the_log, misplaces, remedy_of};
use super::replay::{Replay, known_at_start};
use super::step::Left;
use crate::error::{At, Result};
use crate::partition::{PartitionDir, SegmentFile};
use crate::verify::{Finding, Report};

const DAMAGED_LOG: &str = "the log itself is damaged, so that this cannot be made anew from it; `ottla salvage` copies what is whole";
const AS_THE_LOG: &str = "it is already what the log as it stands gives, so the fault is in the log; `ottla salvage` copies what is whole";

/// What is known of a partition whose derived files are looked at.
pub(super) struct Facts<'a> {
    pub(super) dir: &'a Path,
    pub(super) log: PartitionDir,
    pub(super) end_offset: Offset,
    pub(super) index_interval_bytes: u32,
    /// What `partition.metadata` must say, where the metadata of the data directory knows it.
    pub(super) metadata: Option<PartitionMetadata>,
}

/// What is to be made anew.
#[derive(Default)]
struct Plan {
    indexes: BTreeSet<FileName>,
    txn_indexes: BTreeSet<Offset>,
    snapshots: BTreeSet<Offset>,
    epochs: bool,
    metadata: bool,
}

/// Makes anew what disagrees with the log, and leaves what cannot be.
///
/// # Errors
/// As the system reports it.
pub(super) fn mend(hand: &mut Hand, facts: &Facts<'_>, report: &Report) -> Result<()> {
    let is_damaged = report.findings.iter().any(|finding| harms_the_log(finding.kind));
    let plan = decide(hand, facts, report, is_damaged);
    let mut same = Vec::new();
    for name in &plan.indexes {
        same.extend(write_index(hand, facts, *name)?);
    }
    if plan.replays() {
        same.extend(write_replayed(hand, facts, &plan)?);
    }
    let of_same = |finding: &&Finding| same.contains(&finding.file) && !finding.harmless;
    report.findings.iter().filter(of_same).for_each(|finding| leave(hand, finding, AS_THE_LOG));
    if let Some(metadata) = facts.metadata.filter(|_| plan.metadata) {
        metadata.write(&*hand.fs, facts.dir)?;
        let path = PartitionMetadata::path(facts.dir);
        let bytes = hand.fs.metadata(&path).at("look at", &path)?.len;
        hand.wrote(&path, bytes, "as the metadata of the data directory has it")?;
    }
    // Behind damage nobody knows where the log ended, nor which snapshot tells what is lost.
    if is_damaged { Ok(()) } else { remove_strays(hand, facts) }
}

impl Plan {
    fn replays(&self) -> bool {
        self.epochs || !self.txn_indexes.is_empty() || !self.snapshots.is_empty()
    }
}

/// What each finding asks for.
fn decide(hand: &mut Hand, facts: &Facts<'_>, report: &Report, is_damaged: bool) -> Plan {
    let mut plan = Plan::default();
    for finding in &report.findings {
        let name = finding.file.file_name().and_then(|name| name.to_str()).and_then(FileName::parse);
        let base_offset = name.map(|name| name.base_offset).unwrap_or_default();
        let remedy = remedy_of(finding.kind);
        match (remedy, name) {
            (Remedy::Index, Some(_)) if is_out_of_place(report, base_offset) => {
                leave(hand, finding, DAMAGED_LOG);
            }
            (Remedy::Index, Some(name)) => _ = plan.indexes.insert(name),
            (Remedy::TxnIndex | Remedy::Snapshot | Remedy::Epochs, _) if is_damaged => {
                leave(hand, finding, DAMAGED_LOG);
            }
            (Remedy::TxnIndex, Some(_)) => _ = plan.txn_indexes.insert(base_offset),
            (Remedy::Snapshot, Some(_)) if is_needed(facts, base_offset) => {
                plan.snapshots.insert(base_offset);
            }
            // It goes as a stray.
            (Remedy::Snapshot, _) => {}
            (Remedy::Epochs, _) => plan.epochs = true,
            (Remedy::PartitionMetadata, _) if facts.metadata.is_some() => plan.metadata = true,
            (Remedy::None(advice), _) if !finding.harmless => leave(hand, finding, advice),
            (Remedy::None(_), _) => {}
            (Remedy::PartitionMetadata | Remedy::Index | Remedy::TxnIndex, _) => {
                leave(hand, finding, finding.kind.meaning());
            }
        }
    }
    plan
}

/// Whether batches of a segment lie where its name does not lead, so that no index can lead to them.
fn is_out_of_place(report: &Report, base_offset: Offset) -> bool {
    let log = FileName::new(base_offset, FileKind::Log).to_string();
    let misplaced = report.findings.iter().filter(|finding| misplaces(finding.kind));
    misplaced.into_iter().any(|finding| finding.file.ends_with(&log))
}

fn leave(hand: &mut Hand, finding: &Finding, advice: &'static str) {
    let Finding { file, position, what, .. } = finding.clone();
    hand.leave(Left { file, position, what, advice });
}

/// Whether a start wants the snapshot of this offset: at the base of a segment, or at the end.
fn is_needed(facts: &Facts<'_>, offset: Offset) -> bool {
    offset == facts.end_offset || facts.log.segments.iter().any(|segment| segment.base_offset == offset)
}

/// A file that is already what the log gives.
type Same = Option<PathBuf>;

/// Replaces a file, or tells that there is nothing to replace.
fn write_anew(hand: &mut Hand, path: PathBuf, bytes: &[u8]) -> Result<Same> {
    if read_whole(&*hand.fs, &path)?.as_deref() == Some(bytes) {
        return Ok(Some(path));
    }
    hand.write(&path, bytes, "made anew from the log").map(|()| None)
}

fn write_index(hand: &mut Hand, facts: &Facts<'_>, name: FileName) -> Result<Same> {
    let Some(segment) = facts.segment(name.base_offset) else { return Ok(None) };
    let path = &segment.path;
    let log = hand.fs.open(path, OpenMode::Read).at("open", path)?;
    let end = log.len().at("look at", path)?;
    let (built, _) = BuiltIndexes::from_log(&*log, segment.base_offset, end, facts.index_interval_bytes)
        .at("read", path)?;
    let bytes = if name.kind == FileKind::Index { built.offset_index } else { built.time_index };
    write_anew(hand, name.in_dir(facts.dir), &bytes)
}

/// Writes what takes a look at all batches.
fn write_replayed(hand: &mut Hand, facts: &Facts<'_>, plan: &Plan) -> Result<Vec<PathBuf>> {
    let fs = Arc::clone(&hand.fs);
    let known = known_at_start(&*fs, facts.dir, &facts.log);
    let mut replay = Replay::of(&*fs, &facts.log, known, &plan.snapshots)?;
    let mut same = Vec::new();
    for base_offset in &plan.txn_indexes {
        let aborted = replay.aborted.remove(base_offset).unwrap_or_default();
        same.extend(write_txn_index(hand, facts, *base_offset, &aborted)?);
    }
    for (offset, bytes) in &replay.snapshots {
        let path = FileName::new(*offset, FileKind::Snapshot).in_dir(facts.dir);
        same.extend(write_anew(hand, path, bytes)?);
    }
    if plan.epochs {
        let path = LeaderEpochs::path(facts.dir);
        if LeaderEpochs::read(&*fs, facts.dir).is_ok_and(|epochs| epochs == replay.epochs) {
            same.push(path);
        } else {
            replay.epochs.write(&*fs, facts.dir)?;
            let bytes = fs.metadata(&path).at("look at", &path)?.len;
            hand.wrote(&path, bytes, "epochs as the batches have them")?;
        }
    }
    Ok(same)
}

fn write_txn_index(
    hand: &mut Hand,
    facts: &Facts<'_>,
    base_offset: Offset,
    aborted: &[AbortedTxn],
) -> Result<Same> {
    let path = FileName::new(base_offset, FileKind::TxnIndex).in_dir(facts.dir);
    if aborted.is_empty() {
        return hand.remove(&path, "no transaction was aborted in its segment").map(|()| None);
    }
    let there = TxnIndex::open_read_only(Arc::clone(&hand.fs), path.clone(), base_offset);
    if there.and_then(|index| index.sanity_check().and_then(|()| index.entries())).is_ok_and(|e| e == aborted)
    {
        return Ok(Some(path));
    }
    let bytes = make_txn_index(&hand.fs, &path, base_offset, aborted)?;
    hand.sync_dir_of(&path)?;
    hand.wrote(&path, bytes, "made anew from the log").map(|()| None)
}

/// Writes a `.txnindex` beside its place, and moves it there once it is whole. Returns its length.
pub(crate) fn make_txn_index(
    fs: &Arc<dyn FileSystem>,
    path: &Path,
    base_offset: Offset,
    aborted: &[AbortedTxn],
) -> Result<u64> {
    let mut temporary = path.as_os_str().to_owned();
    temporary.push(".tmp");
    let temporary = PathBuf::from(temporary);
    let fresh = fs.open(&temporary, OpenMode::Create).at("create", &temporary)?;
    fresh.set_len(0).at("cut", &temporary)?;
    let index = TxnIndex::open(Arc::clone(fs), temporary.clone(), base_offset)?;
    for txn in aborted {
        index.append(txn)?;
    }
    index.sync()?;
    let bytes = fresh.len().at("look at", &temporary)?;
    fs.rename(&temporary, path).at("rename", &temporary)?;
    Ok(bytes)
}

/// Snapshots that nothing needs: neither at the base of a segment nor the newest of the others, or past the
/// end of the log (Kafka's `removeStraySnapshots`).
fn remove_strays(hand: &mut Hand, facts: &Facts<'_>) -> Result<()> {
    let entries = hand.fs.read_dir(facts.dir).at("list", facts.dir)?;
    let offsets: BTreeSet<Offset> = entries
        .iter()
        .filter_map(|entry| FileName::parse(&entry.name))
        .filter(|name| name.kind == FileKind::Snapshot && name.suffix.is_none())
        .map(|name| name.base_offset)
        .collect();
    let at_segment = |offset: &Offset| facts.segment(*offset).is_some();
    let newest = offsets.iter().rfind(|offset| !at_segment(offset) && **offset <= facts.end_offset);
    for offset in &offsets {
        let path = FileName::new(*offset, FileKind::Snapshot).in_dir(facts.dir);
        if *offset > facts.end_offset {
            hand.remove(
                &path,
                format!("it is of offset {offset}, and the log ends at {}", facts.end_offset),
            )?;
        } else if !at_segment(offset) && Some(offset) != newest {
            hand.remove(&path, "a newer one takes its place")?;
        }
    }
    Ok(())
}

impl Facts<'_> {
    fn segment(&self, base_offset: Offset) -> Option<&SegmentFile> {
        self.log.segments.iter().find(|segment| segment.base_offset == base_offset)
    }
}

use std::collections::HashSet;
use std::path::Path;
use std::thread::sleep;
use std::time::Duration;

use crate::error::{At, Result};
use ottla::Offset;
use ottla::dir::{CutFile, FileKind, FileName, Leftover, Leftovers};
use ottla::fs::{DirEntry, FileSystem};

use super::context::Context as Partition;
use super::finding::{Finding, Report};
use super::kind::Kind;

/// A name, and what is wrong about it.
type Problem = (String, Kind, String);

const MOMENT: Duration = Duration::from_millis(50);

/// Each name in a partition directory is one that Kafka or ottla gives, and what goes with a segment has one.
///
/// # Errors
/// As the system reports it.
pub fn check(partition: &Partition<'_>, report: &mut Report) -> Result<()> {
    let (fs, dir) = (&**partition.fs, partition.dir);
    let mut found = problems(&list(fs, dir)?);
    // Of a directory in use it is work under way.
    found.retain(|(_, kind, _)| !(partition.settings.is_in_use && *kind == Kind::Leftover));
    if partition.settings.is_live && !found.is_empty() {
        // A segment comes and goes file by file; what is not so a moment later was such a moment.
        sleep(MOMENT);
        let still = problems(&list(fs, dir)?);
        found.retain(|problem| still.contains(problem));
    }
    for (name, kind, what) in found {
        let file = dir.join(name);
        report.add(Finding { file, position: None, kind, what, harmless: true });
    }
    Ok(())
}

fn list(fs: &dyn FileSystem, dir: &Path) -> Result<Vec<DirEntry>> {
    fs.read_dir(dir).at("list", dir)
}

fn problems(entries: &[DirEntry]) -> Vec<Problem> {
    let is_segment = |name: &FileName| name.kind == FileKind::Log && name.suffix.is_none();
    let segments: HashSet<Offset> = entries
        .iter()
        .filter_map(|entry| FileName::parse(&entry.name))
        .filter(is_segment)
        .map(|name| name.base_offset)
        .collect();
    let files = entries.iter().filter(|entry| !entry.is_dir);
    let leftovers = Leftovers::among(files.filter_map(|entry| FileName::parse(&entry.name)));
    let mut found: Vec<_> = missing_snapshots(entries, &segments);
    found.extend(entries.iter().filter_map(|entry| {
        let (kind, what) = problem(&entry.name, entry.is_dir, &leftovers)?;
        Some((entry.name.clone(), kind, what))
    }));
    found.sort_by(|(a, ..), (b, ..)| a.cmp(b));
    found
}

/// Each segment but the first has a snapshot of the producers at its base, where there are any: it was made
/// when the segment was.
fn missing_snapshots(entries: &[DirEntry], segments: &HashSet<Offset>) -> Vec<Problem> {
    let offsets = snapshots_among(entries);
    let Some(first) = segments.iter().min().filter(|_| !offsets.is_empty()) else { return Vec::new() };
    let missing = segments.iter().filter(|base| *base > first && !offsets.contains(base));
    missing
        .map(|base| {
            let name = FileName::new(*base, FileKind::Snapshot).to_string();
            (name, Kind::SnapshotMissing, "there is none at the base of this segment".to_owned())
        })
        .collect()
}

fn problem(name: &str, is_dir: bool, leftovers: &Leftovers) -> Option<(Kind, String)> {
    let Some(file) = FileName::parse(name).filter(|_| !is_dir) else {
        let what = "the name is none that a log has".to_owned();
        return (!is_known(name)).then_some((Kind::UnknownName, what));
    };
    let leftover = leftovers.classify(&file)?;
    let then = match leftover {
        Leftover::Orphan => {
            return Some((Kind::OrphanFile, "there is no .log file of that offset".to_owned()));
        }
        Leftover::Swap => "puts it in its place and removes what it replaces",
        Leftover::Deleted | Leftover::Unfinished | Leftover::HalfWritten | Leftover::UnfinishedSwap => {
            "removes it"
        }
    };
    Some((Kind::Leftover, format!("{}; the next start, or `ottla repair`, {then}", leftover.reason())))
}

/// The names beside those of segments. Replaced files are written as `.tmp` first, Kafka writes snapshots of
/// metadata as `.part`, recovery keeps what it cuts as `<base offset>.<position>.cut`,
/// and notes a sync that failed as `failed-sync`.
fn is_known(name: &str) -> bool {
    let name = name.strip_suffix(".tmp").unwrap_or(name);
    let is_snapshot_of_producers = FileName::parse(name).is_some_and(|name| name.kind == FileKind::Snapshot);
    matches!(name, "leader-epoch-checkpoint" | "partition.metadata" | "quorum-state" | "failed-sync")
        || is_snapshot_of_producers
        || CutFile::is_name(name)
        || [".checkpoint", ".checkpoint.deleted", ".checkpoint.part"].iter().any(|end| name.ends_with(end))
}

/// The offsets of the snapshots of producers in a directory.
pub fn snapshots(fs: &dyn FileSystem, dir: &Path) -> Result<Vec<Offset>> {
    let entries = fs.read_dir(dir).at("list", dir)?;
    Ok(snapshots_among(&entries))
}

fn snapshots_among(entries: &[DirEntry]) -> Vec<Offset> {
    let mut offsets: Vec<_> = entries
        .iter()
        .filter_map(|entry| FileName::parse(&entry.name))
        .filter(|name| name.kind == FileKind::Snapshot && name.suffix.is_none())
        .map(|name| name.base_offset)
        .collect();
    offsets.sort_unstable();
    offsets
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_beside_those_of_segments() {
        for name in [
            "leader-epoch-checkpoint",
            "leader-epoch-checkpoint.tmp",
            "partition.metadata",
            "quorum-state",
            "failed-sync",
            "00000000000000000010-0000000001.checkpoint",
            "00000000000000000010.456.cut",
            "00000000000000000010.456.2.cut",
            "00000000000000000010.snapshot.tmp",
        ] {
            assert!(is_known(name), "{name}");
        }
        for name in ["README.md", ".DS_Store", "10.log", "00000000000000000010.cut", "x.456.cut"] {
            assert!(!is_known(name), "{name}");
        }
    }
}

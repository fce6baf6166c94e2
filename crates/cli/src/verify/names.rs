use std::collections::HashSet;
use std::path::Path;
use std::thread::sleep;
use std::time::Duration;

use anyhow::{Context, Result};
use ottla::Offset;
use ottla::dir::{FileKind, FileName};
use ottla::fs::{DirEntry, FileSystem};

use super::finding::{Finding, Kind, Report};

const MOMENT: Duration = Duration::from_millis(50);

/// Each name in a partition directory is one that Kafka or ottla gives, and what goes with a segment has one.
///
/// # Errors
/// As the system reports it.
pub fn check(fs: &dyn FileSystem, dir: &Path, report: &mut Report) -> Result<()> {
    let mut found = problems(&list(fs, dir)?);
    if !found.is_empty() {
        // A segment comes and goes file by file; what is not so a moment later was such a moment.
        sleep(MOMENT);
        let still = problems(&list(fs, dir)?);
        found.retain(|problem| still.contains(problem));
    }
    for (name, kind, what) in found {
        let (file, what) = (dir.join(name), what.to_owned());
        report.add(Finding { file, position: None, kind, what, harmless: true });
    }
    Ok(())
}

fn list(fs: &dyn FileSystem, dir: &Path) -> Result<Vec<DirEntry>> {
    fs.read_dir(dir).with_context(|| format!("cannot list {}", dir.display()))
}

fn problems(entries: &[DirEntry]) -> Vec<(String, Kind, &'static str)> {
    let is_segment = |name: &FileName| name.kind == FileKind::Log && name.suffix.is_none();
    let segments: HashSet<Offset> = entries
        .iter()
        .filter_map(|entry| FileName::parse(&entry.name))
        .filter(is_segment)
        .map(|name| name.base_offset)
        .collect();
    let mut found: Vec<_> = entries
        .iter()
        .filter_map(|entry| {
            let (kind, what) = problem(&entry.name, entry.is_dir, &segments)?;
            Some((entry.name.clone(), kind, what))
        })
        .collect();
    found.sort_by(|(a, ..), (b, ..)| a.cmp(b));
    found
}

fn problem(name: &str, is_dir: bool, segments: &HashSet<Offset>) -> Option<(Kind, &'static str)> {
    let Some(file) = FileName::parse(name).filter(|_| !is_dir) else {
        return (!is_known(name)).then_some((Kind::UnknownName, "the name is none that a log has"));
    };
    let goes_with_a_segment = matches!(file.kind, FileKind::Index | FileKind::TimeIndex | FileKind::TxnIndex);
    (file.suffix.is_none() && goes_with_a_segment && !segments.contains(&file.base_offset))
        .then_some((Kind::OrphanFile, "there is no .log file of that offset"))
}

/// The names beside those of segments. Replaced files are written as `.tmp` first, Kafka writes snapshots of
/// metadata as `.part`, and recovery keeps what it cuts as `<base offset>.<position>.cut`.
fn is_known(name: &str) -> bool {
    let name = name.strip_suffix(".tmp").unwrap_or(name);
    let is_snapshot_of_producers = FileName::parse(name).is_some_and(|name| name.kind == FileKind::Snapshot);
    matches!(name, "leader-epoch-checkpoint" | "partition.metadata" | "quorum-state")
        || is_snapshot_of_producers
        || is_cut(name)
        || [".checkpoint", ".checkpoint.deleted", ".checkpoint.part"].iter().any(|end| name.ends_with(end))
}

fn is_cut(name: &str) -> bool {
    let digits = |text: &str| !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit());
    name.strip_suffix(".cut")
        .and_then(|rest| rest.split_once('.'))
        .is_some_and(|(base, position)| base.len() == 20 && digits(base) && digits(position))
}

/// The offsets of the snapshots of producers in a directory.
pub fn snapshots(fs: &dyn FileSystem, dir: &Path) -> Result<Vec<Offset>> {
    let entries = fs.read_dir(dir).with_context(|| format!("cannot list {}", dir.display()))?;
    let mut offsets: Vec<_> = entries
        .iter()
        .filter_map(|entry| FileName::parse(&entry.name))
        .filter(|name| name.kind == FileKind::Snapshot && name.suffix.is_none())
        .map(|name| name.base_offset)
        .collect();
    offsets.sort_unstable();
    Ok(offsets)
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
            "00000000000000000010-0000000001.checkpoint",
            "00000000000000000010.456.cut",
            "00000000000000000010.snapshot.tmp",
        ] {
            assert!(is_known(name), "{name}");
        }
        for name in ["README.md", ".DS_Store", "10.log", "00000000000000000010.cut", "x.456.cut"] {
            assert!(!is_known(name), "{name}");
        }
    }
}

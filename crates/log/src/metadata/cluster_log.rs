//! `__cluster_metadata-0`: the log in which a Kafka cluster keeps its metadata, with snapshots of it.
//!
//! The newest whole snapshot `<end offset>-<epoch>.checkpoint` says what the log said before its end offset,
//! and segments before may be gone. The directory is of the cluster's only voter here, so every whole
//! batch counts as committed.

use std::path::Path;

use ottla_record::{ControlRecord, Head};

use super::batches::{Batches, Next, corrupt};
use super::checkpoint;
use super::quorum::Quorum;
use super::replay::Replay;
use crate::dir::{FileKind, FileName};
use crate::error::{Error, Result};
use crate::fs::FileSystem;
use crate::offset::Offset;

const OFFSET_DIGITS: usize = 20;
const EPOCH_DIGITS: usize = 10;

/// The snapshot that a directory begins with: it holds no metadata, only who may vote.
pub(super) const FIRST_SNAPSHOT: &str = "00000000000000000000-0000000000.checkpoint";

/// What the files say together.
#[derive(Clone, Debug, Default)]
pub(super) struct ClusterLog {
    pub(super) replay: Replay,
    pub(super) quorum: Quorum,
}

/// The names of the files that matter.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Files {
    /// By end offset and epoch.
    snapshots: Vec<(i64, String)>,
    /// By base offset.
    segments: Vec<(i64, String)>,
}

impl Files {
    /// What the directory holds; nothing where there is none.
    pub(super) fn list(fs: &dyn FileSystem, log_dir: &Path) -> Result<Files> {
        let entries = match fs.read_dir(log_dir) {
            Ok(entries) => entries,
            Err(e) if e.kind() == std::io::ErrorKind::NotFound => return Ok(Files::default()),
            Err(e) => return Err(Error::io("list", log_dir, e)),
        };
        let mut files = Files::default();
        for name in entries.into_iter().filter(|entry| !entry.is_dir).map(|entry| entry.name) {
            if let Some(end_offset) = snapshot_end_offset(&name) {
                files.snapshots.push((end_offset, name));
            } else if let Some(segment) = FileName::parse(&name).filter(is_segment) {
                files.segments.push((segment.base_offset.get(), name));
            }
        }
        files.snapshots.sort();
        files.segments.sort();
        Ok(files)
    }

    /// Whether there is a log, or a snapshot of one, beyond what `format` leaves.
    pub(super) fn hold_a_log(&self) -> bool {
        !self.segments.is_empty() || self.snapshots.iter().any(|(end_offset, _)| *end_offset > 0)
    }
}

fn is_segment(name: &FileName) -> bool {
    name.kind == FileKind::Log && name.suffix.is_none()
}

/// The end offset in the name of a snapshot. Names of the same width sort as their epochs do.
fn snapshot_end_offset(name: &str) -> Option<i64> {
    let (end_offset, epoch) = name.strip_suffix(".checkpoint")?.split_once('-')?;
    let digits = |text: &str, count| text.len() == count && text.bytes().all(|b| b.is_ascii_digit());
    let well_formed = digits(end_offset, OFFSET_DIGITS) && digits(epoch, EPOCH_DIGITS);
    well_formed.then(|| end_offset.parse().ok()).flatten()
}

/// Reads the log in this directory; nothing where there is none.
///
/// # Errors
/// [`Corrupt`](crate::Error::Corrupt) where a batch inside the log is damaged, where batches are missing, and
/// where a record is not of Kafka 4.3. A last batch that was not written whole is left out.
pub(super) fn read(fs: &dyn FileSystem, log_dir: &Path) -> Result<ClusterLog> {
    let files = Files::list(fs, log_dir)?;
    let (mut log, mut next_offset) = newest_snapshot(fs, log_dir, &files)?;
    for (at, (base_offset, name)) in files.segments.iter().enumerate() {
        let path = log_dir.join(name);
        let after = files.segments.get(at + 1).map(|(base_offset, _)| *base_offset);
        if after.is_some_and(|after| after <= next_offset) {
            continue;
        }
        if *base_offset > next_offset {
            return Err(gap(&path, 0, next_offset, *base_offset));
        }
        next_offset = read_segment(fs, &path, &mut log, next_offset, after.is_none())?;
    }
    Ok(log)
}

fn newest_snapshot(fs: &dyn FileSystem, log_dir: &Path, files: &Files) -> Result<(ClusterLog, i64)> {
    let mut damaged = None;
    for (end_offset, name) in files.snapshots.iter().rev() {
        match checkpoint::read(fs, &log_dir.join(name)) {
            Ok((replay, quorum)) => return Ok((ClusterLog { replay, quorum }, *end_offset)),
            Err(error @ Error::Corrupt(_)) => damaged = damaged.or(Some(error)),
            Err(error) if error.is_not_found() => {}
            Err(error) => return Err(error),
        }
    }
    let starts_at_zero = files.segments.first().is_some_and(|(base_offset, _)| *base_offset == 0);
    match damaged {
        Some(error) if !starts_at_zero => Err(error),
        _ => Ok((ClusterLog::default(), 0)),
    }
}

/// Takes in the records from `next_offset` on, and returns the offset after the last.
fn read_segment(
    fs: &dyn FileSystem,
    path: &Path,
    log: &mut ClusterLog,
    mut next_offset: i64,
    is_last: bool,
) -> Result<i64> {
    let mut batches = Batches::open(fs, path)?;
    loop {
        match batches.advance()? {
            Next::Batch(head) if head.last_offset() < Offset::new(next_offset) => {}
            Next::Batch(head) => {
                if head.base_offset() > Offset::new(next_offset) {
                    return Err(batches.corrupt(
                        "batches are missing",
                        format!("offset {} after {}", head.base_offset(), next_offset - 1),
                    ));
                }
                take_in(&batches, &head, log, next_offset)?;
                next_offset = (head.last_offset() + 1).get();
            }
            Next::End => return Ok(next_offset),
            Next::Damage(_) if is_last && !batches.batch_follows_damage()? => return Ok(next_offset),
            Next::Damage(reason) => {
                return Err(batches.corrupt("a batch is damaged", reason.to_string()));
            }
        }
    }
}

fn take_in(batches: &Batches<'_>, head: &Head, log: &mut ClusterLog, next_offset: i64) -> Result<()> {
    batches.records(|record| {
        if record.offset < next_offset {
            return Ok(());
        }
        if !head.is_control() {
            return log.replay.apply(record.value);
        }
        let control = ControlRecord::parse(record.key, Some(record.value));
        log.quorum.apply(control.map_err(|_| "a control record is of no known form")?, record.value);
        Ok(())
    })
}

fn gap(path: &Path, position: u64, next_offset: i64, found: i64) -> Error {
    corrupt(path, position, "batches are missing", format!("offset {found} after {}", next_offset - 1))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_of_snapshots() {
        assert_eq!(snapshot_end_offset(FIRST_SNAPSHOT), Some(0));
        assert_eq!(snapshot_end_offset("00000000000000012345-0000000007.checkpoint"), Some(12_345));
        for name in [
            "bootstrap.checkpoint",
            "00000000000000012345-0000000007.checkpoint.deleted",
            "00000000000000012345-0000000007-1234.checkpoint.part",
            "12345-7.checkpoint",
            "0000000000000001234x-0000000007.checkpoint",
            "+0000000000000012345-0000000007.checkpoint",
            "99999999999999999999-0000000007.checkpoint",
        ] {
            assert_eq!(snapshot_end_offset(name), None, "{name}");
        }
    }
}

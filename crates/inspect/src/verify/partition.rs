use std::path::Path;
use std::sync::Arc;

use crate::error::Result;
use ottla::dir::{FileKind, FileName, LeaderEpochs, PartitionMetadata};
use ottla::fs::FileSystem;
use ottla::producer::{ProducerEntry, snapshot};
use ottla::{Error, Offset};

use super::context::{Context, Settings};
use super::epochs::EpochCheck;
use super::finding::{Finding, Report};
use super::kind::Kind;
use super::names;
use super::offsets::OffsetCheck;
use super::segment::{LogChecks, check_segment, tell_of_snapshots};
use super::settle::settled;
use super::snapshots::{SnapshotCheck, may_be_of};
use super::txns::TxnCheck;
use crate::partition::PartitionDir;

/// Checks everything in one partition directory, and tells where the log ends.
///
/// # Errors
/// Where there is no segment in the directory, and as the system reports it.
pub fn check_partition(
    fs: &Arc<dyn FileSystem>,
    dir: &Path,
    settings: Settings<'_>,
    progress: &dyn Fn(u64),
    report: &mut Report,
) -> Result<Offset> {
    let partition = Context { fs, dir, settings, progress };
    report.summary.partitions += 1;
    names::check(&partition, report)?;
    check_partition_metadata(&partition, report)?;
    let snapshot_offsets = names::snapshots(&**fs, dir)?;
    let log = PartitionDir::open(&**fs, dir)?;
    let (snapshots, first_producers) = read_snapshots(&partition, &log, &snapshot_offsets, report)?;
    let start = log.segments.first().map_or(Offset::ZERO, |segment| segment.base_offset);
    let mut checks = LogChecks {
        offsets: OffsetCheck::new(),
        epochs: EpochCheck::new(checked_epochs(&partition, report)?),
        txns: TxnCheck::new(start, first_producers),
        snapshots,
        is_end_lost: false,
    };
    let mut is_end_known = false;
    for (number, segment) in log.segments.iter().enumerate() {
        let next = log.segments.get(number + 1).map(|next| next.base_offset);
        let files = [FileKind::Log, FileKind::Index, FileKind::TimeIndex].map(|kind| segment.sibling(kind));
        let checked = settled(
            &**fs,
            if settings.is_live { &files } else { &[] },
            |(found, _): &(Report, _)| found.findings.is_empty(),
            || {
                let (mut found, mut checks) = (Report::default(), checks.clone());
                check_segment(&partition, segment, next, &mut checks, &mut found)?;
                Ok((found, checks))
            },
        );
        // Retention may take the segment away meanwhile; what is found while it goes means nothing.
        is_end_known = is_there(&**fs, &segment.path);
        if is_end_known {
            let (found, checks_after) = checked?;
            report.absorb(found);
            checks = checks_after;
        }
    }
    if is_end_known {
        check_end(&partition, &mut checks, &snapshot_offsets, report);
    }
    Ok(checks.offsets.end_offset())
}

/// What is known once the last batch was seen.
fn check_end(
    partition: &Context<'_>,
    checks: &mut LogChecks,
    snapshot_offsets: &[Offset],
    report: &mut Report,
) {
    // The file may have come since it was read.
    checks.epochs.refresh(partition.read_epochs().unwrap_or_default());
    checks.epochs.end(partition.dir, report);
    let end_offset = checks.offsets.end_offset();
    tell_of_snapshots(checks.snapshots.reach(end_offset, checks.txns.own()), report);
    check_marks(partition, end_offset, report);
    if !checks.is_end_lost {
        check_last_snapshot(partition, end_offset, snapshot_offsets, report);
    }
}

/// Whether there is such a file or directory.
pub fn is_there(fs: &dyn FileSystem, path: &Path) -> bool {
    !fs.metadata(path).is_err_and(|e| e.kind() == std::io::ErrorKind::NotFound)
}

fn check_partition_metadata(partition: &Context<'_>, report: &mut Report) -> Result<()> {
    match PartitionMetadata::read(&**partition.fs, partition.dir) {
        Ok(_) => Ok(()),
        Err(Error::Corrupt(corruption)) => {
            let what = format!("{}: found {}", corruption.what, corruption.found);
            report.harm(&corruption.path, corruption.position, Kind::PartitionMetadataDamaged, what);
            Ok(())
        }
        Err(error) => Err(error.into()),
    }
}

fn checked_epochs(partition: &Context<'_>, report: &mut Report) -> Result<LeaderEpochs> {
    match LeaderEpochs::read(&**partition.fs, partition.dir) {
        Ok(epochs) => Ok(epochs),
        Err(Error::Corrupt(corruption)) => {
            let what = format!("{}: found {}", corruption.what, corruption.found);
            report.harm(&corruption.path, corruption.position, Kind::EpochsDamaged, what);
            Ok(LeaderEpochs::default())
        }
        Err(error) => Err(error.into()),
    }
}

/// Reads the snapshots of these offsets: the check of what they say, and who was known at the first segment.
fn read_snapshots(
    partition: &Context<'_>,
    log: &PartitionDir,
    offsets: &[Offset],
    report: &mut Report,
) -> Result<(SnapshotCheck, Vec<ProducerEntry>)> {
    let mut first_producers = Vec::new();
    let start = log.segments.first().map(|segment| segment.base_offset);
    let mut check = SnapshotCheck::new(start.unwrap_or_default());
    for offset in offsets {
        let path = FileName::new(*offset, FileKind::Snapshot).in_dir(&log.path);
        let watched = if partition.settings.is_live { vec![path.clone()] } else { Vec::new() };
        let read = || Ok(snapshot::read(&**partition.fs, &path));
        match settled(&**partition.fs, &watched, ottla::Result::is_ok, read)? {
            Ok(entries) => {
                // Before the first offset there was nobody, and nobody wrote what comes later.
                if Some(*offset) == start && may_be_of(*offset, &entries) {
                    first_producers = entries.clone();
                }
                let modified_ms = partition.fs.metadata(&path).map_or(0, |metadata| metadata.modified_ms);
                for (kind, what) in check.add(&path, *offset, modified_ms, entries) {
                    report.harm(&path, None, kind, what);
                }
            }
            Err(Error::Corrupt(corruption)) => {
                let what = format!(
                    "{}: expected {}, found {}",
                    corruption.what, corruption.expected, corruption.found
                );
                report.harm(&path, None, Kind::SnapshotDamaged, what);
            }
            // Snapshots come and go while the log is in use.
            Err(Error::Io { source, .. }) if source.kind() == std::io::ErrorKind::NotFound => {}
            Err(error) => return Err(error.into()),
        }
    }
    Ok((check, first_producers))
}

/// Checkpoints that speak of offsets which the log does not reach.
fn check_marks(partition: &Context<'_>, end_offset: Offset, report: &mut Report) {
    if let Some(point) = partition.settings.recovery.recovery_point.filter(|point| *point > end_offset) {
        let what = format!(
            "everything below offset {point} is said to be on disk, and the log ends at {end_offset}"
        );
        report.harm(partition.dir, None, Kind::CheckpointBeyondEnd, what);
    }
    if let Some(start) = partition.settings.recovery.log_start_offset.filter(|start| *start > end_offset) {
        let what = format!("the log is said to begin at offset {start}, and it ends at {end_offset}");
        report.harm(partition.dir, None, Kind::CheckpointBeyondEnd, what);
    }
}

/// There is a snapshot of the end where there must be one, and none behind it.
fn check_last_snapshot(
    partition: &Context<'_>,
    end_offset: Offset,
    snapshots: &[Offset],
    report: &mut Report,
) {
    // Kafka forgets the producers of a log of which nothing is left.
    let is_emptied = partition.settings.recovery.log_start_offset.unwrap_or_default() >= end_offset;
    let is_missing = partition.settings.recovery.marked_clean && !snapshots.contains(&end_offset);
    if is_missing && !is_emptied {
        let what = format!("there is none of offset {end_offset}, where the log ended when it was closed");
        let path = FileName::new(end_offset, FileKind::Snapshot).in_dir(partition.dir);
        report.harm(&path, None, Kind::SnapshotMissing, what);
    }
    for offset in snapshots.iter().filter(|offset| **offset > end_offset) {
        report.add(Finding {
            file: FileName::new(*offset, FileKind::Snapshot).in_dir(partition.dir),
            position: None,
            kind: Kind::SnapshotDisagrees,
            what: format!("it is of the state at offset {offset}, and the log ends at {end_offset}"),
            harmless: !partition.settings.recovery.marked_clean,
        });
    }
}

use std::path::Path;
use std::sync::Arc;
use std::thread::sleep;
use std::time::Duration;

use anyhow::{Context, Result};
use ottla::dir::{FileKind, read_whole};
use ottla::fs::{File, FileSystem, OpenMode};
use ottla::producer::{AbortedTxn, TxnIndex};
use ottla::segment::{BatchScan, Entry, OffsetIndexEntry, ScanEnd, TimeIndexEntry, WalkEnd};
use ottla::{Error, Offset, Position};
use ottla_record::Head;

use super::epochs::EpochCheck;
use super::finding::{Finding, Kind, Report};
use super::index_file::IndexFile;
use super::offset_index::OffsetIndexCheck;
use super::offsets::OffsetCheck;
use super::partition::{Context as Partition, read_epochs};
use super::seen::Seen;
use super::snapshots::SnapshotCheck;
use super::time_index::TimeIndexCheck;
use super::txns::TxnCheck;
use super::{records, resync};
use crate::partition::{Damage, SegmentFile, marker_of};

/// A scan reads through one buffer of this size.
const BUFFER_BYTES: usize = 1 << 20;
/// How often a tail that is not whole is looked at again, in case it is just being written.
const SETTLING_LOOKS: u32 = 4;
const SETTLING_TIME: Duration = Duration::from_millis(50);

/// The checks that go on from segment to segment.
pub struct LogChecks {
    pub offsets: OffsetCheck,
    pub epochs: EpochCheck,
    pub txns: TxnCheck,
    pub snapshots: SnapshotCheck,
}

/// Checks one segment with everything that is derived from it.
///
/// # Errors
/// As the system reports it.
pub fn check_segment(
    partition: &Partition<'_>,
    segment: &SegmentFile,
    next_base_offset: Option<Offset>,
    checks: &mut LogChecks,
    report: &mut Report,
) -> Result<()> {
    checks.offsets.enter(segment.base_offset, next_base_offset);
    let indexes = Indexes::read(partition, segment, report)?;
    let aborted = aborted_transactions(partition, segment, report)?;
    let cannot_read = || format!("cannot read {}", segment.path.display());
    let file = partition.fs.open(&segment.path, OpenMode::Read).with_context(cannot_read)?;
    report.summary.segments += 1;
    let mut scan = SegmentScan { partition, segment, file, checks, report, indexes, is_damaged: false };
    let tail = scan.run(next_base_offset.is_none())?;
    let SegmentScan { indexes, is_damaged, .. } = scan;
    indexes.end(partition, segment, next_base_offset.is_some(), is_damaged, tail, checks.offsets.end_offset(), report);
    if let Some(aborted) = aborted.filter(|_| !is_damaged) {
        let path = segment.sibling(FileKind::TxnIndex);
        for (number, kind, what) in checks.txns.end_segment(&aborted) {
            report.harm(&path, number.map(|number| number as u64 * TXN_ENTRY_BYTES), kind, what);
        }
    } else {
        checks.txns.end_segment(&[]);
    }
    Ok(())
}

/// Bytes of one entry of a `.txnindex` file.
const TXN_ENTRY_BYTES: u64 = 34;

/// The entries of the segment's `.txnindex`; `None` where they cannot be read, which is a finding.
fn aborted_transactions(
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
            let what = format!("{}: expected {}, found {}", corruption.what, corruption.expected, corruption.found);
            report.harm(&path, corruption.position, Kind::TxnIndexDamaged, what);
            Ok(None)
        }
        Err(error) => Err(error.into()),
    }
}

/// Both indexes of one segment while its batches are looked at.
struct Indexes {
    offsets: OffsetIndexCheck,
    times: TimeIndexCheck,
}

impl Indexes {
    fn read(partition: &Partition<'_>, segment: &SegmentFile, report: &mut Report) -> Result<Indexes> {
        let base = segment.base_offset;
        let (index_path, time_path) = (segment.sibling(FileKind::Index), segment.sibling(FileKind::TimeIndex));
        let times = index_entries::<TimeIndexEntry>(partition, &time_path, report)?;
        let offsets = index_entries::<OffsetIndexEntry>(partition, &index_path, report)?;
        let (offsets, problems) = OffsetIndexCheck::new(base, &offsets);
        tell(&index_path, problems, false, report);
        let (times, problems) = TimeIndexCheck::new(base, &times);
        tell(&time_path, problems, false, report);
        Ok(Indexes { offsets, times })
    }

    fn observe(&mut self, segment: &SegmentFile, seen: &Seen<'_>, is_damaged: bool, report: &mut Report) {
        let mut problems = Vec::new();
        self.offsets.observe(seen, &mut problems);
        tell(&segment.sibling(FileKind::Index), std::mem::take(&mut problems), false, report);
        self.times.observe(seen, &mut problems);
        // Batches that are lost may have been the newest.
        if !is_damaged {
            tell(&segment.sibling(FileKind::TimeIndex), problems, false, report);
        }
    }

    #[expect(clippy::too_many_arguments, reason = "all that a segment's end depends on")]
    fn end(
        self,
        partition: &Partition<'_>,
        segment: &SegmentFile,
        sealed: bool,
        is_damaged: bool,
        tail: Tail,
        end_offset: Offset,
        report: &mut Report,
    ) {
        let mut problems = Vec::new();
        self.offsets.end(&mut problems);
        // What points into a tail that recovery cuts, recovery makes anew.
        let harmless = tail == Tail::Cuttable || (tail == Tail::Clean && partition.recovers(end_offset, sealed));
        tell(&segment.sibling(FileKind::Index), std::mem::take(&mut problems), harmless, report);
        self.times.end(sealed, &mut problems);
        if !is_damaged {
            tell(&segment.sibling(FileKind::TimeIndex), problems, harmless, report);
        }
    }
}

fn tell(path: &Path, problems: Vec<(u64, Kind, String)>, harmless: bool, report: &mut Report) {
    for (position, kind, what) in problems {
        report.add(Finding { file: path.to_path_buf(), position: Some(position), kind, what, harmless });
    }
}

fn index_entries<E: Entry>(partition: &Partition<'_>, path: &Path, report: &mut Report) -> Result<Vec<E>> {
    let fs: &dyn FileSystem = &**partition.fs;
    let finding = |position, kind, what: String, harmless| Finding {
        file: path.to_path_buf(),
        position,
        kind,
        what,
        harmless,
    };
    let bytes = match read_whole(fs, path) {
        Ok(Some(bytes)) => bytes,
        Ok(None) => {
            report.add(finding(None, Kind::IndexMissing, "there is no such file".to_owned(), true));
            return Ok(Vec::new());
        }
        Err(Error::Corrupt(corruption)) => {
            report.add(finding(None, Kind::IndexLength, corruption.to_string(), false));
            return Ok(Vec::new());
        }
        Err(error) => return Err(error.into()),
    };
    let index = IndexFile::<E>::of(&bytes);
    let entries_end = IndexFile::<E>::position_of(index.entries.len());
    if index.padding_bytes > 0 {
        let what = format!("{} zero bytes follow the last entry", index.padding_bytes);
        report.add(finding(Some(entries_end), Kind::IndexPadded, what, !partition.recovery.marked_clean));
    }
    if index.odd_bytes > 0 {
        let what = format!("{} bytes at the end are no whole entry", index.odd_bytes);
        let position = bytes.len() as u64 - index.odd_bytes;
        report.add(finding(Some(position), Kind::IndexLength, what, !partition.recovery.marked_clean));
    }
    Ok(index.entries)
}

/// How a segment ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Tail {
    Clean,
    /// With what recovery cuts off, losing nothing that was acknowledged as being on disk.
    Cuttable,
    Damaged,
}

struct SegmentScan<'a, 'p> {
    partition: &'a Partition<'p>,
    segment: &'a SegmentFile,
    file: Arc<dyn File>,
    checks: &'a mut LogChecks,
    report: &'a mut Report,
    indexes: Indexes,
    /// Whether batches were lost in this segment.
    is_damaged: bool,
}

impl SegmentScan<'_, '_> {
    /// Looks at every batch, also behind damage.
    fn run(&mut self, is_last: bool) -> Result<Tail> {
        let mut position = 0;
        let mut end = self.len()?;
        let mut looks = 0;
        loop {
            let stopped = self.scan(position, end)?;
            if stopped.end == WalkEnd::Clean {
                return Ok(Tail::Clean);
            }
            if is_last && looks < SETTLING_LOOKS {
                looks += 1;
                sleep(SETTLING_TIME);
                (position, end) = (stopped.position, self.len()?);
                continue;
            }
            let expected = self.checks.offsets.end_offset();
            let next = match stopped.end {
                WalkEnd::Zeros { .. } => None,
                _ => resync::next_whole_batch(&*self.file, stopped.position + 1, end, expected)
                    .with_context(|| format!("cannot read {}", self.segment.path.display()))?,
            };
            match next {
                Some(next) => {
                    self.lost(&stopped, next);
                    position = next;
                }
                None => return Ok(self.tail(&stopped, end, is_last)),
            }
        }
    }

    /// Looks at the batches from `position` on, up to what is no whole batch.
    fn scan(&mut self, position: u64, end: u64) -> Result<ScanEnd> {
        let Ok(start) = u32::try_from(position).map(Position::new) else {
            return Ok(ScanEnd { position, end: WalkEnd::Torn { needed: end, found: position } });
        };
        let file = Arc::clone(&self.file);
        let mut scan = BatchScan::new(&*file, start, end, BUFFER_BYTES);
        let cannot_read = || format!("cannot read {}", self.segment.path.display());
        let mut large = Vec::new();
        loop {
            match scan.step().with_context(cannot_read)? {
                Err(stopped) => return Ok(stopped),
                Ok(batch) => {
                    let (position, head) = (u64::from(batch.position.get()), batch.head);
                    let bytes = match batch.bytes {
                        Some(bytes) => bytes,
                        None => {
                            // The scan has found the whole batch in the file, so its size is no mere claim.
                            large.resize(head.size_bytes(), 0);
                            file.read_exact_at(&mut large, position).with_context(cannot_read)?;
                            &large
                        }
                    };
                    Self::look(
                        self.partition,
                        self.segment,
                        self.checks,
                        &mut self.indexes,
                        self.is_damaged,
                        self.report,
                        position,
                        &head,
                        bytes,
                    );
                    (self.partition.progress)(head.size_bytes() as u64);
                }
            }
        }
    }

    #[expect(clippy::too_many_arguments, reason = "the scan lends the bytes, so the parts are passed one by one")]
    fn look(
        partition: &Partition<'_>,
        segment: &SegmentFile,
        checks: &mut LogChecks,
        indexes: &mut Indexes,
        is_damaged: bool,
        report: &mut Report,
        position: u64,
        head: &Head,
        bytes: &[u8],
    ) {
        report.summary.batches += 1;
        report.summary.bytes += bytes.len() as u64;
        match records::count(bytes) {
            Ok(count) => report.summary.records += count,
            Err(what) => report.harm(&segment.path, position, Kind::DamagedRecords, what),
        }
        let marker = marker_of(head, bytes).unwrap_or_else(|error| {
            report.harm(&segment.path, position, Kind::DamagedRecords, format!("the control record: {error}"));
            None
        });
        let seen = Seen { position, head, marker };
        if let Some((kind, what)) = checks.offsets.observe(&seen) {
            report.harm(&segment.path, position, kind, what);
        }
        if let Some((kind, what)) = checks.epochs.observe(&seen) {
            report.harm(&segment.path, position, kind, what);
        }
        if checks.epochs.disagreement(&seen).is_some() {
            // Another process may have begun an epoch since the file was read.
            checks.epochs.refresh(read_epochs(partition).unwrap_or_default());
            if let Some(what) = checks.epochs.disagreement(&seen) {
                let path = ottla::dir::LeaderEpochs::path(partition.dir);
                report.harm(&path, None, Kind::EpochsDisagree, what);
            }
        }
        indexes.observe(segment, &seen, is_damaged, report);
        checks.txns.observe(&seen);
        for (file, what) in checks.snapshots.observe(&seen) {
            report.harm(&file, None, Kind::SnapshotDisagrees, what);
        }
    }

    /// Bytes inside the log that are no whole batch, while the log goes on at `next`.
    fn lost(&mut self, stopped: &ScanEnd, next: u64) {
        let reason = match &stopped.end {
            WalkEnd::Invalid(error) => error.to_string(),
            _ => "its length reaches past the end of the file".to_owned(),
        };
        let what = format!(
            "no whole batch stands here: {reason}; {} bytes, from offset {} on, are lost, and the log goes on at byte {next}",
            next - stopped.position,
            self.checks.offsets.end_offset()
        );
        self.report.harm(&self.segment.path, stopped.position, Kind::DamagedBatch, what);
        self.indexes.offsets.skip(stopped.position, next);
        self.is_damaged = true;
    }

    fn tail(&mut self, stopped: &ScanEnd, end: u64, is_last: bool) -> Tail {
        let end_offset = self.checks.offsets.end_offset();
        let (kind, is_unfinished) = match stopped.end {
            WalkEnd::Torn { .. } => (Kind::TornTail, true),
            WalkEnd::Zeros { .. } => (Kind::ZeroTail, true),
            WalkEnd::Invalid(_) | WalkEnd::Clean => (Kind::DamagedBatch, false),
        };
        let what = Damage::of(&stopped.end, self.segment.path.clone(), stopped.position)
            .map_or_else(String::new, |damage| damage.what);
        let harmless = is_unfinished && is_last && self.partition.cuts_behind(end_offset);
        let what = format!("{what}; {} bytes, from offset {end_offset} on", end - stopped.position);
        let (file, position) = (self.segment.path.clone(), Some(stopped.position));
        self.report.add(Finding { file, position, kind, what, harmless });
        (self.partition.progress)(end - stopped.position);
        if harmless { Tail::Cuttable } else { Tail::Damaged }
    }

    fn len(&self) -> Result<u64> {
        self.file.len().with_context(|| format!("cannot look at {}", self.segment.path.display()))
    }
}

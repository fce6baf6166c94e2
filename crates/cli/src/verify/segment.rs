use std::sync::Arc;
use std::thread::sleep;
use std::time::Duration;

use anyhow::{Context, Result};
use ottla::dir::{FileKind, LeaderEpochs};
use ottla::fs::{File, OpenMode};
use ottla::producer::{AbortedTxn, TxnIndex};
use ottla::segment::{BatchScan, ScanEnd, WalkEnd};
use ottla::{Error, Offset, Position};
use ottla_record::Head;

use super::epochs::EpochCheck;
use super::finding::{Finding, Kind, Report};
use super::indexes::Indexes;
use super::offsets::OffsetCheck;
use super::partition::{Context as Partition, read_epochs};
use super::seen::Seen;
use super::snapshots::SnapshotCheck;
use super::txns::TxnCheck;
use super::{records, resync};
use crate::partition::{Damage, SegmentFile, marker_of};

/// A scan reads through one buffer of this size.
const BUFFER_BYTES: usize = 1 << 20;
/// How often a tail that is not whole is looked at again, in case it is just being written.
const SETTLING_LOOKS: u32 = 4;
const SETTLING_TIME: Duration = Duration::from_millis(50);
/// Bytes of one entry of a `.txnindex` file.
const TXN_ENTRY_BYTES: u64 = 34;

/// The checks that go on from segment to segment.
#[derive(Clone)]
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
    let sealed = next_base_offset.is_some();
    let mut scan = SegmentScan { partition, segment, file, checks, report, indexes, is_damaged: false };
    let tail = scan.run(sealed)?;
    let SegmentScan { indexes, is_damaged, .. } = scan;
    let end_offset = checks.offsets.end_offset();
    // What points into a tail that recovery cuts, recovery makes anew.
    let is_made_anew =
        tail == Tail::Cuttable || (tail == Tail::Clean && partition.recovers(end_offset, sealed));
    indexes.end(sealed, is_made_anew, report);
    let is_readable = aborted.is_some();
    let problems = checks.txns.end_segment(&aborted.unwrap_or_default(), end_offset);
    // Where batches are lost, what the log does not say proves nothing.
    if is_readable && !is_damaged {
        let path = segment.sibling(FileKind::TxnIndex);
        for (number, kind, what) in problems {
            report.harm(&path, number.map(|number| number as u64 * TXN_ENTRY_BYTES), kind, what);
        }
    }
    Ok(())
}

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
            let what =
                format!("{}: expected {}, found {}", corruption.what, corruption.expected, corruption.found);
            report.harm(&path, corruption.position, Kind::TxnIndexDamaged, what);
            Ok(None)
        }
        Err(error) => Err(error.into()),
    }
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
    fn run(&mut self, sealed: bool) -> Result<Tail> {
        let mut position = 0;
        let mut end = self.len()?;
        let mut looks = 0;
        loop {
            let stopped = self.scan(position, end)?;
            if stopped.end == WalkEnd::Clean {
                return Ok(Tail::Clean);
            }
            if !sealed && looks < SETTLING_LOOKS {
                looks += 1;
                sleep(SETTLING_TIME);
                (position, end) = (stopped.position, self.len()?);
                continue;
            }
            match self.next_whole_batch(&stopped, end)? {
                Some(next) => {
                    self.lost(&stopped, next);
                    position = next;
                }
                None => return Ok(self.tail(&stopped, end, sealed)),
            }
        }
    }

    fn next_whole_batch(&self, stopped: &ScanEnd, end: u64) -> Result<Option<u64>> {
        if matches!(stopped.end, WalkEnd::Zeros { .. }) {
            return Ok(None);
        }
        let expected = self.checks.offsets.end_offset();
        resync::next_whole_batch(&*self.file, stopped.position + 1, end, expected)
            .with_context(|| format!("cannot read {}", self.segment.path.display()))
    }

    /// Looks at the batches from `position` on, up to what is no whole batch.
    fn scan(&mut self, position: u64, end: u64) -> Result<ScanEnd> {
        let Ok(start) = u32::try_from(position).map(Position::new) else {
            return Ok(ScanEnd { position, end: WalkEnd::Torn { needed: end, found: position } });
        };
        let segment = self.segment;
        let cannot_read = || format!("cannot read {}", segment.path.display());
        let file = Arc::clone(&self.file);
        let mut scan = BatchScan::new(&*file, start, end, BUFFER_BYTES);
        let mut large = Vec::new();
        loop {
            let batch = match scan.step().with_context(cannot_read)? {
                Err(stopped) => return Ok(stopped),
                Ok(batch) => batch,
            };
            let (position, head) = (u64::from(batch.position.get()), batch.head);
            match batch.bytes {
                Some(bytes) => self.look(position, &head, bytes),
                None => {
                    // The scan has found the whole batch in the file, so its size is no mere claim.
                    large.resize(head.size_bytes(), 0);
                    file.read_exact_at(&mut large, position).with_context(cannot_read)?;
                    self.look(position, &head, &large);
                }
            }
        }
    }

    /// Shows one whole batch to every check.
    fn look(&mut self, position: u64, head: &Head, bytes: &[u8]) {
        let path = &self.segment.path;
        self.report.summary.batches += 1;
        self.report.summary.bytes += bytes.len() as u64;
        match records::count(bytes) {
            Ok(count) => self.report.summary.records += count,
            Err(what) => self.report.harm(path, position, Kind::DamagedRecords, what),
        }
        let marker = marker_of(head, bytes).unwrap_or_else(|error| {
            self.report.harm(path, position, Kind::DamagedRecords, format!("the control record: {error}"));
            None
        });
        let seen = Seen { position, head, marker };
        let order = [self.checks.offsets.observe(&seen), self.checks.epochs.observe(&seen)];
        for (kind, what) in order.into_iter().flatten() {
            self.report.harm(path, position, kind, what);
        }
        self.compare_epoch(&seen);
        self.indexes.observe(&seen, self.report);
        self.checks.txns.observe(&seen);
        for (file, what) in self.checks.snapshots.observe(&seen) {
            self.report.harm(&file, None, Kind::SnapshotDisagrees, what);
        }
        (self.partition.progress)(bytes.len() as u64);
    }

    fn compare_epoch(&mut self, seen: &Seen<'_>) {
        if self.checks.epochs.disagreement(seen).is_none() {
            return;
        }
        // Another process may have begun an epoch since the file was read.
        self.checks.epochs.refresh(read_epochs(self.partition).unwrap_or_default());
        if let Some(what) = self.checks.epochs.disagreement(seen) {
            let path = LeaderEpochs::path(self.partition.dir);
            self.report.harm(&path, None, Kind::EpochsDisagree, what);
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
        self.indexes.skip(stopped.position, next);
        self.is_damaged = true;
    }

    /// Bytes at the end of the segment that are no whole batch.
    fn tail(&mut self, stopped: &ScanEnd, end: u64, sealed: bool) -> Tail {
        let end_offset = self.checks.offsets.end_offset();
        let (kind, is_unfinished) = match stopped.end {
            WalkEnd::Torn { .. } => (Kind::TornTail, true),
            WalkEnd::Zeros { .. } => (Kind::ZeroTail, true),
            WalkEnd::Invalid(_) | WalkEnd::Clean => (Kind::DamagedBatch, false),
        };
        let what = Damage::of(&stopped.end, self.segment.path.clone(), stopped.position)
            .map_or_else(String::new, |damage| damage.what);
        let harmless = is_unfinished && !sealed && self.partition.cuts_behind(end_offset);
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

use std::sync::Arc;
use std::thread::sleep;
use std::time::Duration;

use crate::error::{At, Result};
use ottla::dir::{FileKind, LeaderEpochs};
use ottla::fs::{File, OpenMode};
use ottla::segment::{BatchScan, ScanEnd, WalkEnd, next_whole_batch_of_any_magic};
use ottla::{Offset, Position};

use super::ahead::Ahead;
use super::chunk::Batch;
use super::context::Context as Partition;
use super::epochs::EpochCheck;
use super::finding::{Finding, Report};
use super::indexes::Indexes;
use super::kind::Kind;
use super::offsets::OffsetCheck;
use super::seen::Seen;
use super::snapshots::{Disagreement, SnapshotCheck};
use super::txns::{self, TxnCheck};
use crate::partition::{Damage, SegmentFile};

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
    /// Whether the last segment ends in damage, so that nobody knows where the log ended.
    pub is_end_lost: bool,
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
    checks.is_end_lost = false;
    let indexes = Indexes::read(partition, segment, report)?;
    let aborted = txns::aborted_transactions(partition, segment, report)?;
    let file = partition.fs.open(&segment.path, OpenMode::Read).at("read", &segment.path)?;
    report.summary.segments += 1;
    let sealed = next_base_offset.is_some();
    let mut scan = SegmentScan { partition, segment, file, checks, report, indexes, is_damaged: false };
    let tail = scan.run(sealed)?;
    let SegmentScan { indexes, is_damaged, .. } = scan;
    let end_offset = checks.offsets.end_offset();
    // What points into a tail that recovery cuts, recovery makes anew.
    let is_made_anew = tail == Tail::Cuttable
        || (tail == Tail::Clean && partition.settings.recovery.remakes_indexes(end_offset, sealed));
    indexes.end(sealed || partition.settings.recovery.marked_clean, is_made_anew, report);
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

/// Takes in what snapshots say and the log does not.
pub fn tell_of_snapshots(found: Vec<Disagreement>, report: &mut Report) {
    for Disagreement { file, what, harmless } in found {
        report.add(Finding { file, position: None, kind: Kind::SnapshotDisagrees, what, harmless });
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
            if self.partition.settings.is_live && !sealed && looks < SETTLING_LOOKS {
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
        let next = next_whole_batch_of_any_magic(&*self.file, stopped.position, end, expected);
        Ok(next.at("read", &self.segment.path)?.map(|next| u64::from(next.get())))
    }

    /// Looks at the batches from `position` on, up to what is no whole batch.
    fn scan(&mut self, mut position: u64, end: u64) -> Result<ScanEnd> {
        let file = Arc::clone(&self.file);
        loop {
            let mut ahead = Ahead::new(self.partition.settings.pool, &*file, position, end);
            while let Some(chunk) = ahead.next().at("read", &self.segment.path)? {
                for batch in chunk.batches() {
                    self.look(batch);
                }
                (self.partition.progress)(ahead.position() - position);
                position = ahead.position();
                ahead.give_back(chunk);
            }
            drop(ahead);
            match self.large_batch(position, end)? {
                Ok(size_bytes) => position += size_bytes,
                Err(stopped) => return Ok(stopped),
            }
        }
    }

    /// Looks at a batch that is too large to be read ahead, and returns its size; or tells why none is here.
    fn large_batch(&mut self, position: u64, end: u64) -> Result<Result<u64, ScanEnd>> {
        let Ok(start) = u32::try_from(position).map(Position::new) else {
            return Ok(Err(ScanEnd { position, end: WalkEnd::Torn { needed: end, found: position } }));
        };
        let file = Arc::clone(&self.file);
        let mut scan = BatchScan::new(&*file, start, end, BUFFER_BYTES);
        let head = match scan.step().at("read", &self.segment.path)? {
            Ok(batch) => batch.head,
            Err(stopped) => return Ok(Err(stopped)),
        };
        // The scan has found the whole batch in the file, so its size is no mere claim.
        let mut bytes = vec![0; head.size_bytes()];
        file.read_exact_at(&mut bytes, position).at("read", &self.segment.path)?;
        self.look(&Batch::of(position, head, &bytes));
        (self.partition.progress)(bytes.len() as u64);
        Ok(Ok(bytes.len() as u64))
    }

    /// Shows one whole batch to every check.
    fn look(&mut self, batch: &Batch) {
        let Batch { position, head, records, marker } = batch;
        let path = &self.segment.path;
        let size_bytes = head.size_bytes() as u64;
        self.report.summary.batches += 1;
        self.report.summary.bytes += size_bytes;
        match records {
            Ok(count) => self.report.summary.records += count,
            Err(what) => self.report.harm(path, *position, Kind::DamagedRecords, what.as_str()),
        }
        let marker = marker.as_ref().copied().unwrap_or_else(|error| {
            self.report.harm(path, *position, Kind::DamagedRecords, format!("the control record: {error}"));
            None
        });
        let seen = Seen { position: *position, head, marker };
        let order = [self.checks.offsets.observe(&seen), self.checks.epochs.observe(&seen)];
        for (kind, what) in order.into_iter().flatten() {
            self.report.harm(path, *position, kind, what);
        }
        self.compare_epoch(&seen);
        self.indexes.observe(&seen, self.report);
        let reached = self.checks.snapshots.reach(head.base_offset(), self.checks.txns.own());
        tell_of_snapshots(reached, self.report);
        self.checks.txns.observe(&seen);
        for (file, what) in self.checks.snapshots.observe(&seen) {
            self.report.harm(&file, None, Kind::SnapshotDisagrees, what);
        }
    }

    fn compare_epoch(&mut self, seen: &Seen<'_>) {
        if self.checks.epochs.disagreement(seen).is_none() {
            return;
        }
        // Another process may have begun an epoch since the file was read.
        self.checks.epochs.refresh(self.partition.read_epochs().unwrap_or_default());
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
        (self.partition.progress)(next - stopped.position);
        self.pass_over(stopped.position, next);
    }

    /// What points into lost bytes, or counts the batches in them, is not compared with what is left.
    fn pass_over(&mut self, from: u64, to: u64) {
        self.indexes.skip(from, to);
        self.is_damaged = true;
        self.checks.snapshots.skip();
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
        let harmless = is_unfinished && !sealed && self.partition.settings.recovery.cuts_behind(end_offset);
        let mut what = format!("{what}; {} bytes, from offset {end_offset} on", end - stopped.position);
        if is_unfinished && !sealed && self.partition.settings.is_in_use {
            what.push_str("; the directory is in use, so this may be a write under way: check again later");
        }
        let (file, position) = (self.segment.path.clone(), Some(stopped.position));
        self.report.add(Finding { file, position, kind, what, harmless });
        (self.partition.progress)(end - stopped.position);
        if harmless {
            return Tail::Cuttable;
        }
        self.pass_over(stopped.position, end);
        self.checks.is_end_lost = true;
        Tail::Damaged
    }

    fn len(&self) -> Result<u64> {
        self.file.len().at("look at", &self.segment.path)
    }
}

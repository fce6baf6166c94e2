//! Step 2: where the last write did not finish, its bytes are cut off.

use std::path::Path;

use ottla::dir::{CutFile, FileKind, OffsetCheckpoint, TopicPartition};
use ottla::fs::{FileSystem, OpenMode};
use ottla::segment::{BatchScan, WalkEnd, next_whole_batch_of_any_magic};
use ottla::{Offset, Position};
use ottla_record::Head;

use super::hand::Hand;
use crate::error::{At, Result};
use crate::partition::{PartitionDir, SegmentFile};
use crate::verify::Recovery;

const BUFFER_BYTES: usize = 1 << 20;

/// A log whose end is looked at.
pub(super) struct Tail<'a> {
    pub(super) log: &'a PartitionDir,
    /// The partition and its data directory, where the directory's name says so.
    pub(super) home: Option<(&'a TopicPartition, &'a Path)>,
    pub(super) recovery: Recovery,
    /// Whether the log is cut at any damage, however much goes with it.
    pub(super) below_recovery_point: bool,
}

/// Where a segment stops being whole.
struct Stop {
    position: u64,
    end_offset: Offset,
    /// A batch that stands where it cannot, or what a scan met.
    reason: String,
    /// Whether nothing was ever whole there: a write that did not finish, or space that was not used.
    is_unfinished: bool,
    /// Whether whole batches stand behind it.
    goes_on: bool,
}

impl Tail<'_> {
    /// Cuts what may be cut. What must not be is left for the checks that follow to tell.
    ///
    /// # Errors
    /// As the system reports it.
    pub(super) fn cut(&self, hand: &mut Hand) -> Result<Recovery> {
        if self.below_recovery_point {
            return self.cut_at_damage(hand);
        }
        let Some(last) = self.log.segments.last() else { return Ok(self.recovery) };
        let (_, stop) = scan(&*hand.fs, last, last.base_offset)?;
        if let Some(stop) = stop.filter(|stop| !stop.goes_on && self.may_cut(stop.end_offset)) {
            let keep = (!stop.is_unfinished).then(|| self.cut_file(last));
            hand.cut(&last.path, stop.position, keep, format!("{}; recovery cuts it off", stop.reason))?;
        }
        Ok(self.recovery)
    }

    /// Whether nothing from here on is said to be on disk.
    fn may_cut(&self, end_offset: Offset) -> bool {
        match self.recovery.recovery_point {
            Some(point) => end_offset >= point,
            None => !self.recovery.marked_clean,
        }
    }

    /// Cuts the log at its first damage; all bytes behind it are kept aside.
    fn cut_at_damage(&self, hand: &mut Hand) -> Result<Recovery> {
        let mut end_offset = self.log.segments.first().map_or(Offset::ZERO, |first| first.base_offset);
        for (number, segment) in self.log.segments.iter().enumerate() {
            let (end, stop) = if segment.base_offset < end_offset {
                (end_offset, Some(Stop::overlap(segment, end_offset)))
            } else {
                scan(&*hand.fs, segment, segment.base_offset)?
            };
            end_offset = end;
            let Some(stop) = stop else { continue };
            let recovery = self.lower_recovery_point(hand, end_offset)?;
            for behind in self.log.segments.get(number + 1..).unwrap_or_default().iter().rev() {
                self.set_aside(hand, behind)?;
            }
            if stop.position == 0 && number > 0 {
                self.set_aside(hand, segment)?;
            } else {
                let keep = Some(self.cut_file(segment));
                hand.cut(&segment.path, stop.position, keep, format!("{}; cut as asked for", stop.reason))?;
            }
            return Ok(recovery);
        }
        self.lower_recovery_point(hand, end_offset)
    }

    /// Before anything is cut: a crash must not leave a mark that speaks of what is gone.
    fn lower_recovery_point(&self, hand: &mut Hand, end_offset: Offset) -> Result<Recovery> {
        let (Some((partition, data_dir)), Some(_)) =
            (self.home, self.recovery.recovery_point.filter(|point| *point > end_offset))
        else {
            return Ok(self.recovery);
        };
        let mut points = OffsetCheckpoint::RecoveryPoint.read(&*hand.fs, data_dir)?;
        points.insert(partition.clone(), end_offset);
        OffsetCheckpoint::RecoveryPoint.write(&*hand.fs, data_dir, &points)?;
        let path = OffsetCheckpoint::RecoveryPoint.path(data_dir);
        let bytes = hand.fs.metadata(&path).at("look at", &path)?.len;
        hand.wrote(&path, bytes, format!("{partition} ends at offset {end_offset} now"))?;
        Ok(Recovery { recovery_point: Some(end_offset), ..self.recovery })
    }

    fn set_aside(&self, hand: &mut Hand, segment: &SegmentFile) -> Result<()> {
        for kind in [FileKind::Index, FileKind::TimeIndex, FileKind::TxnIndex] {
            hand.remove(&segment.sibling(kind), "its segment cannot follow the cut")?;
        }
        let aside = self.cut_file(segment).free(&*hand.fs).at("look into", &self.log.path)?;
        hand.rename(&segment.path, &aside, "it cannot follow the cut")
    }

    fn cut_file(&self, segment: &SegmentFile) -> CutFile<'_> {
        CutFile { dir: &self.log.path, base_offset: segment.base_offset }
    }
}

impl Stop {
    fn overlap(segment: &SegmentFile, end_offset: Offset) -> Stop {
        let reason = format!(
            "the segment begins at {}, and the one before it ends at {end_offset}",
            segment.base_offset
        );
        Stop { position: 0, end_offset, reason, is_unfinished: false, goes_on: true }
    }
}

/// The offset after the last whole batch in its place, and what stands behind it if not the end.
fn scan(fs: &dyn FileSystem, segment: &SegmentFile, start: Offset) -> Result<(Offset, Option<Stop>)> {
    let path = &segment.path;
    let file = fs.open(path, OpenMode::Read).at("open", path)?;
    let size = file.len().at("look at", path)?;
    let mut scan = BatchScan::new(&*file, Position::ZERO, size, BUFFER_BYTES);
    let mut end_offset = start;
    loop {
        match scan.step().at("read", path)? {
            Ok(batch) if fits(&batch.head, segment.base_offset, end_offset) => {
                end_offset = batch.head.last_offset() + 1;
            }
            Ok(batch) => {
                let reason = format!("a batch with offset {} after {end_offset}", batch.head.base_offset());
                let position = u64::from(batch.position.get());
                let stop = Stop { position, end_offset, reason, is_unfinished: false, goes_on: true };
                return Ok((end_offset, Some(stop)));
            }
            Err(stopped) => {
                let (reason, is_unfinished) = match stopped.end {
                    WalkEnd::Clean => return Ok((end_offset, None)),
                    WalkEnd::Torn { needed, found } => {
                        (format!("{found} bytes of a batch of {needed}"), true)
                    }
                    WalkEnd::Zeros { bytes } => (format!("{bytes} zero bytes"), true),
                    WalkEnd::Invalid(error) => (error.to_string(), false),
                };
                let position = stopped.position;
                let next =
                    next_whole_batch_of_any_magic(&*file, position, size, end_offset).at("read", path)?;
                let stop = Stop { position, end_offset, reason, is_unfinished, goes_on: next.is_some() };
                return Ok((end_offset, Some(stop)));
            }
        }
    }
}

/// Offsets only grow, and stay within reach of the segment's base.
fn fits(head: &Head, base_offset: Offset, end_offset: Offset) -> bool {
    let (first, last) = (first_offset(head), head.last_offset());
    first >= end_offset && last >= first && last - base_offset <= i64::from(i32::MAX)
}

/// A wrapped message of magic 0 or 1 only tells its last offset.
pub(crate) fn first_offset(head: &Head) -> Offset {
    if matches!(head, Head::V2(_)) { head.base_offset() } else { head.last_offset() }
}

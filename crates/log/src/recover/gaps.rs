//! Step 3: which offsets may be missing between two segments above the recovery point.
//!
//! Appending leaves no gap, so one in what was never on disk is a hole: the end of a segment was lost with the
//! power, and the next one was not. Compaction leaves gaps too, but ottla compacts nothing above the recovery
//! point. Kafka does: its checkpoint of recovery points may be a minute behind, and what its cleaner has swapped in
//! is in its checkpoint only after the pass. So where a log is compacted, a gap is a hole only if
//!
//! * no pass was under way from the segment before the gap on: one goes upwards, and leaves `.cleaned`, `.swap` or
//!   `.deleted` files for a minute, and
//! * from the cleaner's checkpoint (or the first segment) to the gap there are records, and inside of the segments not
//!   one is missing. (One that is missing between two of them may be an older hole that nobody could tell.)
//!
//! In doubt there is no hole: compacted records that are taken for lost ones would be lost.

use std::collections::BTreeMap;

use ottla_record::Head;

use super::OpenOptions;
use super::survey::{SegmentNames, Survey};
use crate::dir::{FileKind, FileName, Leftover};
use crate::error::{Error, Result};
use crate::fs::OpenMode;
use crate::offset::{Offset, Position};
use crate::segment::{HeadWalk, Home, WalkEnd, Walked};

/// What is known of the gaps of a log.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Gaps {
    /// Whether a checkpoint vouches for where the log ended; without one nothing is known.
    is_log_known: bool,
    /// Everything below may have been compacted.
    cleaner_point: Option<Offset>,
    /// Whether the settings want it compacted, so that some of the rest may have been.
    is_compacted: bool,
    /// The last segment that a pass or a delete was at when a process ended.
    last_leftover: Option<Offset>,
}

impl Gaps {
    /// The policy may have been another when the log was compacted; what was compacted keeps its gaps.
    pub(crate) fn of(options: &OpenOptions, survey: &Survey) -> Gaps {
        let cleaner_point =
            options.checkpoints.as_ref().and_then(|points| points.cleaner_point(&options.topic_partition));
        Gaps {
            is_log_known: options.marks.recovery_point.is_some(),
            cleaner_point,
            is_compacted: options.config.cleanup_policy.compact,
            last_leftover: last_leftover(survey),
        }
    }

    /// Whether every batch of the segment that begins at `base_offset` follows the one before it.
    pub(crate) fn are_none_from(&self, base_offset: Offset) -> bool {
        self.is_log_known && !self.is_compacted && self.cleaner_point.unwrap_or_default() <= base_offset
    }

    /// Whether the offsets before `next`, where a segment begins that does not follow `before`, are lost.
    pub(crate) fn is_hole_before(
        &self,
        home: &Home,
        names: &BTreeMap<Offset, SegmentNames>,
        before: Offset,
        next: Offset,
    ) -> Result<bool> {
        let from = self.cleaner_point.unwrap_or_default();
        if !self.is_log_known || next <= from {
            return Ok(false);
        }
        if !self.is_compacted {
            return Ok(true);
        }
        if self.last_leftover.is_some_and(|last| last >= before) {
            return Ok(false);
        }
        let first = names.keys().next().copied().unwrap_or_default();
        nothing_is_missing_inside(home, names, from.max(first), next)
    }
}

/// The last segment of which something is left that was to go or to come. What recovery writes anew is no sign of a pass.
fn last_leftover(survey: &Survey) -> Option<Offset> {
    let of_a_pass = |(name, why): (FileName, Leftover)| (why != Leftover::HalfWritten).then_some(name);
    let worthless = survey.leftovers.worthless().into_iter().filter_map(of_a_pass);
    let of_segments = |name: &FileName| name.suffix.is_some() && name.kind == FileKind::Log;
    worthless.chain(survey.leftovers.swaps()).filter(of_segments).map(|name| name.base_offset).max()
}

/// Whether each of the segments between two offsets holds all the offsets from its first one, or from `from`, up to some
/// place. Where there is no record at all, nothing says that there was never a pass.
fn nothing_is_missing_inside(
    home: &Home,
    names: &BTreeMap<Offset, SegmentNames>,
    from: Offset,
    to: Offset,
) -> Result<bool> {
    let first = names.range(..=from).next_back().map_or(from, |(base, _)| *base);
    let mut has_records = false;
    for base in names.range(first..to).map(|(base, _)| *base) {
        let path = home.path(base, FileKind::Log);
        let fail = |e| Error::io("read", &path, e);
        let file = home.fs.open(&path, OpenMode::Read).map_err(fail)?;
        let mut expected = from.max(base);
        let mut walk = HeadWalk::new(&*file, Position::ZERO, file.len().map_err(fail)?);
        loop {
            match walk.step().map_err(fail)? {
                Walked::End(WalkEnd::Clean) => break,
                Walked::Batch(_, head) if head.last_offset() < from => {}
                Walked::Batch(_, head) if !is_whole_from(&head, expected, from) => return Ok(false),
                Walked::Batch(_, head) => (expected, has_records) = (head.last_offset() + 1, true),
                Walked::End(_) => return Ok(false),
            }
        }
    }
    Ok(has_records)
}

/// Whether a batch goes on at `expected` and holds all the records that it was appended with. Of what lies
/// before `from` nothing is asked.
fn is_whole_from(head: &Head, expected: Offset, from: Offset) -> bool {
    match head {
        Head::V2(header) if header.base_offset < from => true,
        Head::V2(header) => {
            let is_full = i64::from(header.record_count) == header.last_offset() + 1 - header.base_offset;
            header.base_offset == expected && is_full && header.delete_horizon_ms().is_none()
        }
        // One that holds others does not tell where they begin.
        Head::Legacy(_) => head.last_offset() == expected,
    }
}

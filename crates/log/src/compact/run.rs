//! One pass over one log: the steps of the module's table, in order.

use std::sync::Arc;

use super::choose::{self, Cleanable, LogFacts, SegmentFacts};
use super::cleaner::{Cleaner, Compacted};
use super::groups::{self, SegmentSize};
use super::halt::{Halt, Pass};
use super::map::{self, KeyOffsets};
use super::rewrite::Rewrite;
use super::round::{Door, Round};
use super::swap;
use super::transactions::Transactions;
use crate::dir::FileKind;
use crate::error::{Error, Result};
use crate::offset::{Offset, Position};
use crate::segment::{HeadWalk, Segment, Walked};
use crate::shared::Shared;

/// What the choice of a log depends on. Where overdue records matter, the first head of each segment is read.
pub(crate) fn facts(shared: &Shared) -> Result<LogFacts> {
    let segments = shared.segments.all();
    let asks_first = shared.config.load().max_compaction_lag_ms < i64::MAX;
    let asks_largest = shared.config.load().min_compaction_lag_ms > 0;
    let active = segments.iter().find(|segment| segment.is_active());
    let active_base_offset = active.map_or(shared.log_end_offset(), |active| active.base_offset());
    let mut sealed = Vec::with_capacity(segments.len());
    for segment in segments.iter().take_while(|segment| segment.base_offset() < active_base_offset) {
        sealed.push(SegmentFacts {
            base_offset: segment.base_offset(),
            size_bytes: segment.size_bytes()?,
            largest_timestamp_ms: if asks_largest { segment.max_timestamp()?.timestamp_ms } else { -1 },
            first_timestamp_ms: if asks_first { first_timestamp_ms(segment)? } else { -1 },
        });
    }
    let cleaner_point =
        shared.checkpoints.as_ref().and_then(|points| points.cleaner_point(&shared.topic_partition));
    Ok(LogFacts {
        log_start_offset: shared.log_start_offset(),
        log_end_offset: shared.log_end_offset(),
        last_stable_offset: shared.last_stable_offset(),
        cleaner_point,
        sealed,
        active_base_offset,
    })
}

fn first_timestamp_ms(segment: &Arc<Segment>) -> Result<i64> {
    let files = segment.files()?;
    let path = segment.home().path(segment.base_offset(), FileKind::Log);
    let mut walk = HeadWalk::new(&*files.log, Position::ZERO, segment.size_bytes()?);
    match walk.step().map_err(|e| Error::io("read", path, e))? {
        Walked::Batch(_, head) => Ok(head.max_timestamp_ms()),
        Walked::End(_) => Ok(-1),
    }
}

/// What of a log can be compacted now.
pub(crate) fn assess(shared: &Shared) -> Result<Cleanable> {
    Ok(choose::cleanable(&facts(shared)?, &shared.config.load(), shared.clock.now_ms()))
}

/// Compacts what can be. `None` where the pass was given up because the log was changed under it.
pub(crate) fn run(
    door: &Door<'_>,
    cleaner: &mut Cleaner,
    cleanable: &Cleanable,
) -> Result<Option<Compacted>> {
    let shared = door.shared;
    let round = Round::begin(door, cleaner.stopper());
    swap::remove_leftovers(shared)?;
    match pass(&round, cleaner, cleanable) {
        Ok(done) => Ok(Some(done)),
        Err(halt) => {
            // What is left is removed by the next pass, or by opening, if not now. Half of a swap, whose log takes
            // no more writes, is for opening to finish.
            if shared.ensure_writable().is_ok() {
                let _ = swap::remove_leftovers(shared);
            }
            match halt {
                Halt::Aborted => Ok(None),
                // Files that went away under the pass are no fault of theirs.
                Halt::Failed(_) if round.ensure_undisturbed().is_err() => Ok(None),
                Halt::Failed(e) => Err(e),
            }
        }
    }
}

fn pass(round: &Round<'_>, cleaner: &mut Cleaner, cleanable: &Cleanable) -> Pass<Compacted> {
    let keys = map::build(round, cleaner, cleanable)?;
    let config = round.shared.config.load_full();
    let done = Compacted {
        first_dirty_offset_before: cleanable.first_dirty_offset,
        first_dirty_offset: keys.end_offset,
        map_bytes_read: keys.bytes_read,
        keys: keys.map.len(),
        ..Compacted::default()
    };
    let mut rewrite = Rewrite {
        round,
        keys: &keys,
        first_uncleanable_offset: cleanable.first_uncleanable_offset,
        now_ms: round.shared.clock.now_ms(),
        config,
        transactions: Transactions::default(),
        done,
    };
    let segments = round.sealed_between(Offset::ZERO, keys.end_offset);
    let sizes = sizes(&segments, cleanable.first_uncleanable_offset)?;
    let mut left = segments.as_slice();
    for count in groups::group(&sizes, &rewrite.config) {
        let (group, behind) = left.split_at_checked(count).ok_or(Halt::Aborted)?;
        let end = behind.first().map_or(cleanable.first_uncleanable_offset, |next| next.base_offset());
        replace_group(&mut rewrite, cleaner, group, end)?;
        left = behind;
    }
    note_done(round, &keys)?;
    Ok(rewrite.done)
}

fn replace_group(
    rewrite: &mut Rewrite<'_>,
    cleaner: &mut Cleaner,
    group: &[Arc<Segment>],
    end: Offset,
) -> Pass<()> {
    let round = rewrite.round;
    round.ensure_held(group)?;
    let finished = rewrite.group(cleaner, group, end);
    // A group that retention took away under the pass is not damaged.
    let finished = match finished {
        Err(Halt::Failed(_)) if round.ensure_held(group).is_err() => return Err(Halt::Aborted),
        finished => finished?,
    };
    let _alone = round.alone();
    round.ensure_undisturbed()?;
    round.ensure_held(group)?;
    round.shared.ensure_writable()?;
    Ok(swap::swap(round.shared, group, &finished)?)
}

/// Where the next pass begins.
fn note_done(round: &Round<'_>, keys: &KeyOffsets) -> Pass<()> {
    let _alone = round.alone();
    round.ensure_undisturbed()?;
    if let Some(checkpoints) = &round.shared.checkpoints {
        checkpoints.set_cleaner_point(&round.shared.topic_partition, keys.end_offset)?;
    }
    Ok(())
}

fn sizes(segments: &[Arc<Segment>], end: Offset) -> Result<Vec<SegmentSize>> {
    let ends = segments.iter().skip(1).map(|next| next.base_offset()).chain([end]);
    let size = |(segment, end_offset): (&Arc<Segment>, Offset)| {
        Ok(SegmentSize {
            base_offset: segment.base_offset(),
            end_offset,
            log_bytes: segment.size_bytes()?,
            index_bytes: file_bytes(segment, FileKind::Index)?,
            time_index_bytes: file_bytes(segment, FileKind::TimeIndex)?,
        })
    };
    segments.iter().zip(ends).map(size).collect()
}

fn file_bytes(segment: &Segment, kind: FileKind) -> Result<u64> {
    let path = segment.home().path(segment.base_offset(), kind);
    match segment.home().fs.metadata(&path) {
        Ok(metadata) => Ok(metadata.len),
        Err(e) if e.kind() == std::io::ErrorKind::NotFound => Ok(0),
        Err(e) => Err(Error::io("look at", path, e)),
    }
}

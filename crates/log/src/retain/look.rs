//! Whether a segment is too old. A time index is derived data: it may be missing, zero-padded (KAFKA-10207),
//! cut, or another segment's. So it may keep a segment, for a bounded time, but where it says that one may go
//! the batches of the log are asked.

use std::io;
use std::sync::Arc;

use super::age::{CREDIBLE_MS, Times};
use super::decide;
use crate::config::LogConfig;
use crate::dir::FileKind;
use crate::error::{Error, Result};
use crate::offset::{Offset, Position, TimestampOffset};
use crate::segment::{HeadWalk, Segment, SegmentFiles, WalkEnd, Walked};
use crate::shared::Shared;

/// What the log said of the oldest segment that was kept: it need not be asked again in every round.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Looked {
    base_offset: Offset,
    size_bytes: u64,
    newest: Newest,
}

/// The largest record timestamp that batch heads tell of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Newest {
    timestamp_ms: i64,
    /// See [`Times::newest_is_last`].
    is_last: bool,
}

impl Newest {
    /// Takes the next batch into account. What comes before the newest batch was written before it, whatever
    /// its timestamp says; what comes after it may say so only with a timestamp that is credible.
    fn add(&mut self, timestamp_ms: i64) {
        if timestamp_ms >= self.timestamp_ms {
            *self = Newest { timestamp_ms, is_last: true };
        } else if !CREDIBLE_MS.contains(&timestamp_ms) {
            self.is_last = false;
        }
    }
}

/// Whether the settings no longer keep this segment because of its age.
pub(super) fn is_too_old(
    shared: &Shared,
    segment: &Arc<Segment>,
    looked: &mut Option<Looked>,
    config: &LogConfig,
    now_ms: i64,
) -> Result<bool> {
    let modified_ms = modified_ms(shared, segment.base_offset())?;
    let size_bytes = segment.size_bytes()?;
    let too_old = |newest: Newest| {
        let times = Times { newest_ms: newest.timestamp_ms, modified_ms, newest_is_last: newest.is_last };
        decide::is_too_old(&times, config, now_ms)
    };
    let same = |known: &&Looked| known.base_offset == segment.base_offset() && known.size_bytes == size_bytes;
    if let Some(known) = looked.as_ref().filter(same) {
        return Ok(too_old(known.newest));
    }
    // An index that cannot be read claims nothing.
    let claim = segment.max_timestamp().ok();
    if claim.is_some_and(|claim| !too_old(Newest { timestamp_ms: claim.timestamp_ms, is_last: true })) {
        return Ok(false);
    }
    let newest = newest_in_log(segment, claim, size_bytes).unwrap_or_else(|error| {
        tracing::warn!(partition = %shared.topic_partition, segment = %segment.base_offset(), %error,
            "cannot see how old the records of a segment are; taking the time of its file");
        Newest { timestamp_ms: -1, is_last: false }
    });
    *looked = Some(Looked { base_offset: segment.base_offset(), size_bytes, newest });
    Ok(too_old(newest))
}

fn modified_ms(shared: &Shared, base_offset: Offset) -> Result<i64> {
    let path = shared.home.path(base_offset, FileKind::Log);
    Ok(shared.home.fs.metadata(&path).map_err(|e| Error::io("look at", &path, e))?.modified_ms)
}

/// The largest timestamp by the batches themselves. Where the batch that the claim is about bears it out, what
/// lies before that batch is not newer, and the walk begins there.
fn newest_in_log(segment: &Arc<Segment>, claim: Option<TimestampOffset>, size_bytes: u64) -> Result<Newest> {
    let files = segment.files()?;
    let failed = |e| Error::io("read", segment.home().path(segment.base_offset(), FileKind::Log), e);
    if let Some(claim) = claim.filter(|claim| claim.timestamp_ms >= 0) {
        let from = segment.floor_position(&files, claim.offset, size_bytes)?;
        let walk = walk(segment, &files, from, size_bytes, Some(claim)).map_err(failed)?;
        if let Some(newest) = walk {
            return Ok(newest);
        }
    }
    let newest = walk(segment, &files, Position::ZERO, size_bytes, None).map_err(failed)?;
    Ok(newest.unwrap_or(Newest { timestamp_ms: -1, is_last: false }))
}

/// Walks over the heads from `from` on; `None` where they do not bear the claim out.
fn walk(
    segment: &Segment,
    files: &SegmentFiles,
    from: Position,
    size_bytes: u64,
    claim: Option<TimestampOffset>,
) -> io::Result<Option<Newest>> {
    let mut borne_out = claim.is_none();
    let mut newest = Newest { timestamp_ms: -1, is_last: true };
    let mut next_offset = segment.base_offset();
    let mut walk = HeadWalk::new(&*files.log, from, size_bytes);
    loop {
        match walk.step()? {
            Walked::Batch(_, head) => {
                newest.add(head.max_timestamp_ms());
                borne_out |= claim.is_some_and(|claim| {
                    (head.base_offset()..=head.last_offset()).contains(&claim.offset)
                        && head.max_timestamp_ms() == claim.timestamp_ms
                });
                next_offset = head.last_offset() + 1;
            }
            Walked::End(WalkEnd::Clean) => return Ok(borne_out.then_some(newest)),
            Walked::End(_) => {
                newest.is_last = false;
                if !walk.skip_damage(next_offset)? {
                    return Ok(borne_out.then_some(newest));
                }
            }
        }
    }
}

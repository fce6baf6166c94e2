//! Where a reader begins.

use std::str::FromStr;

use anyhow::{Context, Result, bail};
use ottla::dir::FileKind;
use ottla::fs::{File, FileSystem, OpenMode};
use ottla::segment::{HeadWalk, IndexView, TimeIndexEntry, Walked};
use ottla::{Offset, Position};

use super::committed::{Ahead, Decisions};
use crate::partition::{MAX_DECOMPRESSED_BYTES, PartitionDir, SegmentFile, nearest_position};
use crate::timestamp;

/// What `--from` takes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum From {
    /// This record.
    Offset(Offset),
    /// The first record whose timestamp is at or past this.
    Time(i64),
    /// The first record there is.
    Earliest,
    /// The first record that is yet to come.
    Latest,
}

impl FromStr for From {
    type Err = String;

    fn from_str(text: &str) -> Result<From, String> {
        match text {
            "earliest" => return Ok(From::Earliest),
            "latest" => return Ok(From::Latest),
            _ => {}
        }
        if let Ok(offset) = text.parse::<i64>() {
            return match offset {
                0.. => Ok(From::Offset(Offset::new(offset))),
                _ => Err("an offset is never negative".to_owned()),
            };
        }
        timestamp::parse(text).map(From::Time).ok_or_else(|| {
            "give an offset, `earliest`, `latest`, a time such as 2026-11-21T06:48:00Z, or @ and milliseconds since 1970"
                .to_owned()
        })
    }
}

/// The offset to begin with.
///
/// # Errors
/// Where the log does not reach to the offset, or cannot be read.
pub fn resolve(fs: &dyn FileSystem, dir: &PartitionDir, from: From, committed: bool) -> Result<Offset> {
    match from {
        From::Earliest => Ok(dir.log_start_offset),
        From::Latest if committed => last_stable_offset(fs, dir),
        From::Latest => end_offset(fs, dir),
        From::Time(timestamp_ms) => match first_at_or_after(fs, dir, timestamp_ms)? {
            Some(offset) => Ok(offset),
            None => end_offset(fs, dir),
        },
        From::Offset(offset) => {
            let end = end_offset(fs, dir)?;
            if offset < dir.log_start_offset || offset > end {
                bail!(
                    "{} holds the offsets {} to {end} (exclusive), not {offset}; read from one of those, or from `earliest`",
                    dir.path.display(),
                    dir.log_start_offset
                );
            }
            Ok(offset)
        }
    }
}

/// The offset after the last whole batch.
fn end_offset(fs: &dyn FileSystem, dir: &PartitionDir) -> Result<Offset> {
    let Some(last) = dir.segments.last() else { return Ok(dir.log_start_offset) };
    let mut end = last.base_offset.max(dir.log_start_offset);
    walk_heads(fs, last, nearest_position(fs, last, Offset::MAX)?, |_, _, head| {
        end = end.max(head.last_offset() + 1);
        Ok(false)
    })?;
    Ok(end)
}

fn last_stable_offset(fs: &dyn FileSystem, dir: &PartitionDir) -> Result<Offset> {
    let mut decisions = Decisions::before(fs, dir, end_offset(fs, dir)?)?;
    while let Ahead::Moved = decisions.advance()? {}
    Ok(decisions.decided())
}

/// Time index first, then batch heads, then the records of one batch after the other.
fn first_at_or_after(fs: &dyn FileSystem, dir: &PartitionDir, timestamp_ms: i64) -> Result<Option<Offset>> {
    for segment in &dir.segments {
        let offset = time_floor(fs, segment, timestamp_ms)?;
        let start = nearest_position(fs, segment, offset)?;
        let mut found = None;
        walk_heads(fs, segment, start, |file, position, head| {
            if head.max_timestamp_ms() >= timestamp_ms && head.last_offset() >= dir.log_start_offset {
                let mut bytes = vec![0; head.size_bytes()];
                file.read_exact_at(&mut bytes, u64::from(position.get()))?;
                found = first_in_batch(&bytes, timestamp_ms, dir.log_start_offset);
            }
            Ok(found.is_some())
        })?;
        if found.is_some() {
            return Ok(found);
        }
    }
    Ok(None)
}

/// Up to this offset no record of the segment is as new as `timestamp_ms`, as its time index has it.
fn time_floor(fs: &dyn FileSystem, segment: &SegmentFile, timestamp_ms: i64) -> Result<Offset> {
    let path = segment.sibling(FileKind::TimeIndex);
    let at = || format!("cannot read {}", path.display());
    let index = IndexView::<TimeIndexEntry>::open(fs, &path).with_context(at)?;
    let floor = match index {
        Some(index) => index.around(|entry| entry.timestamp_ms < timestamp_ms).with_context(at)?.floor,
        None => None,
    };
    Ok(floor.map_or(segment.base_offset, |entry| entry.offset(segment.base_offset)))
}

/// Calls `each` for every batch from `start` on, until it says that it has found what it looked for.
fn walk_heads(
    fs: &dyn FileSystem,
    segment: &SegmentFile,
    start: Position,
    mut each: impl FnMut(&dyn File, Position, &ottla_record::Head) -> std::io::Result<bool>,
) -> Result<()> {
    let cannot_read = || format!("cannot read {}", segment.path.display());
    let file = fs.open(&segment.path, OpenMode::Read).with_context(cannot_read)?;
    let mut walk = HeadWalk::new(&*file, start, file.len().with_context(cannot_read)?);
    while let Walked::Batch(position, head) = walk.step().with_context(cannot_read)? {
        if each(&*file, position, &head).with_context(cannot_read)? {
            break;
        }
    }
    Ok(())
}

/// Damage is met again, and told, when the records are read.
fn first_in_batch(batch: &[u8], timestamp_ms: i64, start: Offset) -> Option<Offset> {
    let decoded = ottla_record::decode(batch, MAX_DECOMPRESSED_BYTES).ok()?;
    let fits =
        |record: &ottla_record::Record<'_>| record.timestamp_ms >= timestamp_ms && record.offset >= start;
    let found = decoded.records().flatten().find(fits);
    found.map(|record| record.offset)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_way_to_say_where_is_understood() {
        assert_eq!("earliest".parse(), Ok(From::Earliest));
        assert_eq!("latest".parse(), Ok(From::Latest));
        assert_eq!("17".parse(), Ok(From::Offset(Offset::new(17))));
        assert_eq!("@17".parse(), Ok(From::Time(17)));
        assert_eq!("2023-11-14T22:13:20Z".parse(), Ok(From::Time(1_700_000_000_000)));
        assert!("-1".parse::<From>().is_err());
        assert!("yesterday".parse::<From>().is_err());
    }
}

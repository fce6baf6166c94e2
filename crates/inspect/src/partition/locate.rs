use crate::error::{At, Error, Result};
use ottla::dir::FileKind;
use ottla::fs::{FileSystem, OpenMode};
use ottla::segment::{HeadWalk, IndexView, OffsetIndexEntry, Walked};
use ottla::{Offset, Position};

use super::{BatchCursor, PartitionDir, SegmentFile};

/// Where a walk to `offset` may begin in its segment: the nearest index entry at or below it, where the
/// batch there agrees, else the first byte.
///
/// An entry may stand for the last of several batches that were appended at once (as Kafka wrote them
/// before 4.0), with the position of the first of them; so the batch there begins at or below its offset.
///
/// # Errors
/// As the system reports it; an index that is missing or wrong is no error.
pub fn nearest_position(fs: &dyn FileSystem, segment: &SegmentFile, offset: Offset) -> Result<Position> {
    let path = segment.sibling(FileKind::Index);
    let Some(index) = IndexView::<OffsetIndexEntry>::open(fs, &path).at("read", &path)? else {
        return Ok(Position::ZERO);
    };
    let base = segment.base_offset;
    let around = index.around(|entry| entry.offset(base) <= offset).at("read", &path)?;
    let Some(entry) = around.floor else {
        return Ok(Position::ZERO);
    };
    let log = fs.open(&segment.path, OpenMode::Read);
    let log = log.at("open", &segment.path)?;
    let end = log.len().at("look at", &segment.path)?;
    if u64::from(entry.position.get()) >= end {
        return Ok(Position::ZERO);
    }
    let step = HeadWalk::new(&*log, entry.position, end).step();
    match step.at("read", &segment.path)? {
        Walked::Batch(_, head) if (base..=entry.offset(base)).contains(&head.base_offset()) => {
            Ok(entry.position)
        }
        Walked::Batch(..) | Walked::End(_) => Ok(Position::ZERO),
    }
}

/// A cursor that stands at or before the batch which holds `offset`.
///
/// # Errors
/// As the system reports it.
pub fn start_at<'f>(fs: &'f dyn FileSystem, dir: &PartitionDir, offset: Offset) -> Result<BatchCursor<'f>> {
    match dir.floor(offset).map(|(_, segment)| segment).or(dir.segments.first()) {
        Some(segment) => {
            let position = nearest_position(fs, segment, offset)?;
            BatchCursor::open(fs, &dir.path, segment.clone(), position)
        }
        None => Err(Error::not_wanted(&dir.path, "holds no segment")),
    }
}

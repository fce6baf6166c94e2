//! Step 4: indexes from the log. They are derived data: built anew they are what appending wrote.

use std::path::PathBuf;
use std::sync::Arc;

use crate::dir::{FileKind, FileName, Suffix};
use crate::error::{Error, Result};
use crate::fs::OpenMode;
use crate::offset::Offset;
use crate::segment::{
    BuiltIndexes, HeadWalk, Home, IndexView, OffsetIndexEntry, Segment, TimeIndexEntry, Walked,
};

/// Replaces the two index files of a segment. Who has the old ones open still reads them: a name is moved over,
/// no file is cut.
pub(crate) fn write_indexes(home: &Home, base_offset: Offset, built: &BuiltIndexes) -> Result<Vec<PathBuf>> {
    let files = [(FileKind::Index, &built.offset_index), (FileKind::TimeIndex, &built.time_index)];
    let mut written = Vec::with_capacity(files.len());
    for (kind, bytes) in files {
        let path = home.path(base_offset, kind);
        let temporary = FileName::new(base_offset, kind).with_suffix(Suffix::Rebuilt).in_dir(&home.dir);
        let fail = |e| Error::io("write", &temporary, e);
        let file = home.fs.open(&temporary, OpenMode::Create).map_err(fail)?;
        file.set_len(0).map_err(fail)?;
        file.write_all_at(bytes, 0).map_err(fail)?;
        file.sync().map_err(fail)?;
        home.fs.rename(&temporary, &path).map_err(|e| Error::io("rename", &temporary, e))?;
        written.push(path);
    }
    Ok(written)
}

/// Builds both indexes of a segment from its batches.
pub(crate) fn rebuild(home: &Home, base_offset: Offset, interval_bytes: u32) -> Result<Vec<PathBuf>> {
    let path = home.path(base_offset, FileKind::Log);
    let fail = |e| Error::io("read", &path, e);
    let file = home.fs.open(&path, OpenMode::Read).map_err(fail)?;
    let size = file.len().map_err(fail)?;
    let (built, _) = BuiltIndexes::from_log(&*file, base_offset, size, interval_bytes).map_err(fail)?;
    write_indexes(home, base_offset, &built)
}

/// Whether the last entries of both indexes agree with the log: a quick look, not a proof. Lookups do not
/// trust an entry that the log does not bear out.
pub(crate) fn indexes_agree(home: &Arc<Home>, base_offset: Offset) -> Result<bool> {
    if !offset_index_agrees(home, base_offset)? || !time_index_agrees(home, base_offset)? {
        return Ok(false);
    }
    match last_time_is_borne_out(home, base_offset) {
        // Damage on the way there: the index is built anew around it.
        Err(Error::Corrupt(_)) => Ok(false),
        looked => looked,
    }
}

/// Whether the last entry of the time index tells the timestamp of a batch. An index without entries is that of
/// a log without timestamps.
fn last_time_is_borne_out(home: &Arc<Home>, base_offset: Offset) -> Result<bool> {
    let segment = Arc::new(Segment::sealed(base_offset, home.clone(), false));
    let files = segment.files()?;
    let size = segment.size_bytes()?;
    let path = home.path(base_offset, FileKind::TimeIndex);
    let last = files.time_index(&segment)?.last().map_err(|e| Error::io("read", &path, e))?;
    let offset = last.map_or(base_offset, |last| last.offset(base_offset));
    let batch = segment.find(&files, offset, size)?;
    Ok(match (last, batch) {
        (Some(last), Some((_, head))) => head.max_timestamp_ms() == last.timestamp_ms,
        (Some(_), None) => false,
        (None, batch) => batch.is_none_or(|(_, head)| head.max_timestamp_ms() < 0),
    })
}

fn offset_index_agrees(home: &Home, base_offset: Offset) -> Result<bool> {
    let path = home.path(base_offset, FileKind::Index);
    let fail = |e| Error::io("read", &path, e);
    if home.fs.metadata(&path).map_err(fail)?.len % 8 != 0 {
        return Ok(false);
    }
    let Some(index) = IndexView::<OffsetIndexEntry>::open(&*home.fs, &path).map_err(fail)? else {
        return Ok(false);
    };
    let Some(last) = index.last().map_err(fail)? else { return Ok(true) };
    let log_path = home.path(base_offset, FileKind::Log);
    let fail = |e| Error::io("read", &log_path, e);
    let log = home.fs.open(&log_path, OpenMode::Read).map_err(fail)?;
    let size = log.len().map_err(fail)?;
    if u64::from(last.position.get()) >= size {
        return Ok(false);
    }
    match HeadWalk::new(&*log, last.position, size).step().map_err(fail)? {
        Walked::Batch(_, head) => Ok(last.is_borne_out_by(&head, base_offset)),
        Walked::End(_) => Ok(false),
    }
}

fn time_index_agrees(home: &Home, base_offset: Offset) -> Result<bool> {
    let path = home.path(base_offset, FileKind::TimeIndex);
    let fail = |e| Error::io("read", &path, e);
    if home.fs.metadata(&path).map_err(fail)?.len % 12 != 0 {
        return Ok(false);
    }
    let Some(index) = IndexView::<TimeIndexEntry>::open(&*home.fs, &path).map_err(fail)? else {
        return Ok(false);
    };
    let (Some(last), count) = (index.last().map_err(fail)?, index.len()) else { return Ok(true) };
    let before = if count > 1 { Some(index.get(count - 2).map_err(fail)?) } else { None };
    Ok(last.timestamp_ms >= 0 && before.is_none_or(|before| before.timestamp_ms < last.timestamp_ms))
}

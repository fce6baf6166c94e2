//! Taking segments out of a log: first out of the readers' sight, then renamed to `.deleted`, and gone
//! for good after a while, so that who still reads them finishes.

use std::io;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use crate::dir::{FileKind, FileName, Suffix};
use crate::error::{Error, Result};
use crate::fs::OpenMode;
use crate::offset::Offset;
use crate::producer::snapshot;
use crate::recover;
use crate::retain;
use crate::segment::{Segment, SegmentSet};
use crate::shared::Shared;

/// Removes the segments that lie wholly below the start of the log; it is on disk already. Returns how
/// many.
pub(crate) fn segments_below_start(shared: &Shared) -> Result<usize> {
    let start = shared.log_start_offset();
    let segments = shared.segments.all();
    let below: Vec<Arc<Segment>> = segments
        .iter()
        .zip(segments.iter().skip(1))
        .filter(|(_, next)| next.base_offset() <= start)
        .map(|(segment, _)| segment.clone())
        .collect();
    if below.is_empty() {
        return Ok(0);
    }
    // Producers are still known when their records are gone: what is left has to say so after a crash.
    if let Some(first_left) = segments.get(below.len()) {
        keep_producers(shared, &below, first_left.base_offset())?;
    }
    // Nobody reads below the start. While the segments are still counted, the checkpoint goes on saying
    // where the log starts, and should a rename fail, the next call tries again.
    retire(shared, &below, &FileKind::ALL)?;
    let bases: Vec<Offset> = below.iter().map(|segment| segment.base_offset()).collect();
    Ok(shared.segments.remove(&bases).len())
}

/// Removes the indexes of the segments that lie wholly below `start`, at once. Tells whether there were any.
pub(crate) fn indexes_below(shared: &Shared, start: Offset) -> Result<bool> {
    let segments = shared.segments.all();
    let below = segments.iter().zip(segments.iter().skip(1)).filter(|(_, next)| next.base_offset() <= start);
    let mut removed = false;
    for (segment, _) in below {
        segment.release();
        for kind in [FileKind::Index, FileKind::TimeIndex] {
            let path = shared.home.path(segment.base_offset(), kind);
            match shared.home.fs.remove_file(&path) {
                Ok(()) => removed = true,
                Err(e) if e.kind() == io::ErrorKind::NotFound => {}
                Err(e) => return Err(Error::io("remove", &path, e)),
            }
        }
    }
    Ok(removed)
}

/// Makes the producers' state at the end of these segments durable. A roll has written it; a crash since
/// then may have taken or torn it.
fn keep_producers(shared: &Shared, segments: &[Arc<Segment>], end: Offset) -> Result<()> {
    let (home, config) = (&shared.home, shared.config.load_full());
    match snapshot::read(&*home.fs, &home.path(end, FileKind::Snapshot)) {
        Ok(_) => return sync_snapshot(shared, end),
        Err(Error::Corrupt(_)) => {}
        Err(e) if e.is_not_found() => {}
        Err(e) => return Err(e),
    }
    let segments = SegmentSet::new(segments.iter().cloned());
    let producers = recover::reload(home, &segments, end, &config, shared.clock.now_ms())?;
    snapshot::write(&*home.fs, &home.path(end, FileKind::Snapshot), &producers)
        .inspect_err(|e| shared.poison_by_failed_sync(e))
}

/// Renames the files of segments that are out of sight to `.deleted`, to be removed later.
pub(crate) fn retire(shared: &Shared, segments: &[Arc<Segment>], kinds: &[FileKind]) -> Result<()> {
    for segment in segments {
        segment.retire();
        for kind in kinds.iter().copied() {
            retire_file(shared, FileName::new(segment.base_offset(), kind))?;
        }
    }
    let synced = shared.home.fs.sync_dir(&shared.home.dir);
    let synced = synced.map_err(|e| Error::io("sync", &shared.home.dir, e));
    synced.inspect_err(|e| shared.poison_by_failed_sync(e))
}

fn retire_file(shared: &Shared, name: FileName) -> Result<()> {
    let from = name.in_dir(&shared.home.dir);
    // Two files may be deleted under one name within the delay (a cut that is cut again); the later
    // takes the name over, and the earlier is gone at once.
    let to = name.with_suffix(Suffix::Deleted).in_dir(&shared.home.dir);
    match shared.home.fs.rename(&from, &to) {
        Ok(()) => {
            shared.delete_later(to, retain::delete_at(shared));
            Ok(())
        }
        Err(e) if e.kind() == io::ErrorKind::NotFound => Ok(()),
        Err(e) => Err(Error::io("rename", from, e)),
    }
}

/// Removes the `.deleted` files whose time has come. Returns how many.
pub(crate) fn deleted_files(shared: &Shared) -> Result<usize> {
    remove_due(shared, shared.clock.monotonic())
}

/// Removes all `.deleted` files: the log is being closed.
pub(crate) fn all_deleted_files(shared: &Shared) -> Result<usize> {
    remove_due(shared, Duration::MAX)
}

/// A file that cannot be removed holds up no other, and is tried again the next time.
fn remove_due(shared: &Shared, now: Duration) -> Result<usize> {
    let (mut removed, mut failed) = (0, None);
    for path in shared.take_due_deletions(now) {
        match remove_if_there(shared, &path) {
            Ok(()) => removed += 1,
            Err(e) => {
                shared.delete_later(path, now);
                failed.get_or_insert(e);
            }
        }
    }
    failed.map_or(Ok(removed), Err)
}

fn remove_if_there(shared: &Shared, path: &PathBuf) -> Result<()> {
    match shared.home.fs.remove_file(path) {
        Err(e) if e.kind() != io::ErrorKind::NotFound => Err(Error::io("remove", path, e)),
        _ => Ok(()),
    }
}

/// Makes the producers' state at `offset` durable.
pub(crate) fn sync_snapshot(shared: &Shared, offset: Offset) -> Result<()> {
    let path = shared.home.path(offset, FileKind::Snapshot);
    let file = shared.home.fs.open(&path, OpenMode::ReadWrite).map_err(|e| Error::io("open", &path, e))?;
    let synced = file.sync().map_err(|e| Error::io("sync", &path, e)).and_then(|()| {
        shared.home.fs.sync_dir(&shared.home.dir).map_err(|e| Error::io("sync", &shared.home.dir, e))
    });
    synced.inspect_err(|e| shared.poison_by_failed_sync(e))
}

//! Step 4: a new segment takes the place of those it was made from. Every state on the way is one that
//! opening finishes or undoes (`recover/leftovers.rs`; Kafka's `LocalLog.replaceSegments`):
//!
//! | on disk | opening |
//! | --- | --- |
//! | `.cleaned` files, perhaps `.swap` ones beside them | removes them: the old segments are the log |
//! | all of the new files are `.swap`, durably | finishes: from here on the new segment is the log |
//! | old segments `.deleted` | removes them, finishes |
//! | the `.log` has its name, indexes are still `.swap` | gives them theirs |

use std::sync::Arc;

use super::cleaned::Finished;
use crate::dir::{FileKind, FileName, Suffix};
use crate::error::{Error, Result};
use crate::remove;
use crate::segment::Segment;
use crate::shared::Shared;

/// Swaps. The caller keeps everybody else from changing the segments.
///
/// An error before the point of no return leaves the log as it was. After it, memory and disk may differ, so
/// the log takes no more writes until it is opened again; readers go on with the old segments.
pub(super) fn swap(shared: &Shared, old: &[Arc<Segment>], new: &Finished) -> Result<()> {
    // Readers in flight keep the old bytes, whatever their names become.
    old.iter().try_for_each(Segment::pin)?;
    // The names that are about to change must be there after any crash, or what is left of them tells nothing.
    sync_dir(shared).inspect_err(|e| shared.poison_by_failed_sync(e))?;
    if let Err(e) = rename_to_swap(shared, new) {
        let undone = remove_leftovers(shared);
        return undone.inspect_err(|e| poison(shared, e)).and(Err(e));
    }
    replace(shared, old, new).inspect_err(|e| poison(shared, e))
}

/// As long as one file is still `.cleaned`, opening undoes all of it.
fn rename_to_swap(shared: &Shared, new: &Finished) -> Result<()> {
    new.kinds().try_for_each(|kind| rename(shared, new, kind, Some(Suffix::Cleaned), Some(Suffix::Swap)))
}

fn replace(shared: &Shared, old: &[Arc<Segment>], new: &Finished) -> Result<()> {
    // This decides.
    sync_dir(shared)?;
    retire(shared, old, new)?;
    // The log before its indexes: opening takes an index without its log for an orphan.
    rename(shared, new, FileKind::Log, Some(Suffix::Swap), None)?;
    sync_dir(shared)?;
    for kind in new.kinds().filter(|kind| *kind != FileKind::Log) {
        rename(shared, new, kind, Some(Suffix::Swap), None)?;
    }
    sync_dir(shared)?;
    let segment = Segment::sealed(new.base_offset, shared.home.clone(), new.has_txn_index);
    segment.publish(new.size_bytes, new.max_timestamp);
    shared.segments.replace(old, Arc::new(segment));
    Ok(())
}

/// Takes away the files that no new one replaces, before the new ones get their names: two segments never
/// hold the same offsets.
fn retire(shared: &Shared, old: &[Arc<Segment>], new: &Finished) -> Result<()> {
    let (replaced, others): (Vec<_>, Vec<_>) =
        old.iter().cloned().partition(|old| old.base_offset() == new.base_offset);
    if !new.has_txn_index {
        remove::retire(shared, &replaced, &[FileKind::TxnIndex])?;
    }
    // The state of the producers at these offsets can be had from an earlier one and the batches.
    if others.is_empty() { Ok(()) } else { remove::retire(shared, &others, &FileKind::ALL) }
}

/// Removes what an interrupted pass has left. The `.swap` files first: without a `.cleaned` one beside them,
/// opening would take them for finished.
pub(super) fn remove_leftovers(shared: &Shared) -> Result<()> {
    let home = &shared.home;
    let entries = home.fs.read_dir(&home.dir).map_err(|e| Error::io("list", &home.dir, e))?;
    let names: Vec<FileName> = entries.iter().filter_map(|entry| FileName::parse(&entry.name)).collect();
    for suffix in [Suffix::Swap, Suffix::Cleaned] {
        let mut left = names.iter().filter(|name| name.suffix == Some(suffix)).peekable();
        if left.peek().is_none() {
            continue;
        }
        for name in left {
            let path = name.in_dir(&home.dir);
            home.fs.remove_file(&path).map_err(|e| Error::io("remove", &path, e))?;
        }
        sync_dir(shared)?;
    }
    Ok(())
}

fn rename(
    shared: &Shared,
    new: &Finished,
    kind: FileKind,
    from: Option<Suffix>,
    to: Option<Suffix>,
) -> Result<()> {
    let name = FileName::new(new.base_offset, kind);
    let home = &shared.home;
    let (from, to) = (name.with_suffix(from).in_dir(&home.dir), name.with_suffix(to).in_dir(&home.dir));
    home.fs.rename(&from, &to).map_err(|e| Error::io("rename", from, e))
}

fn sync_dir(shared: &Shared) -> Result<()> {
    shared.home.fs.sync_dir(&shared.home.dir).map_err(|e| Error::io("sync", &shared.home.dir, e))
}

fn poison(shared: &Shared, error: &Error) {
    if let Error::Io { source, .. } = error {
        shared.poison(source.clone());
    }
}

//! Step 2: what an interrupted delete, clean or swap has left is undone or finished, as
//! [`Leftovers`](crate::dir::Leftovers) decides.
//!
//! A crash while this is done must leave what means the same. So what tells of the rest goes last, and the
//! directory is synced between: an undone `.swap` goes before the `.cleaned` beside it, replaced segments go
//! before the new one has its name, and a `.log` has its name before its indexes have theirs.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;

use super::producers;
use super::survey::{SegmentNames, Survey};
use crate::config::LogConfig;
use crate::dir::{FileKind, FileName, Leftover};
use crate::error::{Error, Result};
use crate::fs::OpenMode;
use crate::offset::Offset;
use crate::producer::snapshot;
use crate::segment::{Home, Segment, SegmentSet, end_by_heads};

/// Finishes what was interrupted; returns what is gone. The caller surveys anew.
pub(crate) fn finish(home: &Home, survey: &Survey) -> Result<Vec<PathBuf>> {
    let is_undone = |(_, what): &(FileName, Leftover)| *what == Leftover::UnfinishedSwap;
    let (undone, others): (Vec<_>, Vec<_>) = survey.leftovers.worthless().into_iter().partition(is_undone);
    let swaps = survey.leftovers.swaps();
    let (logs, indexes): (Vec<_>, Vec<_>) = swaps.into_iter().partition(|name| name.kind == FileKind::Log);
    let mut removed: Vec<_> = others.into_iter().map(|(name, _)| name).collect();
    for swap in &logs {
        removed.extend(survey.leftovers.replaced_by(swap.base_offset, end_offset(home, *swap)?));
    }
    let mut gone = remove_all(home, undone.into_iter().map(|(name, _)| name).collect())?;
    gone.extend(remove_all(home, removed)?);
    give_names(home, &logs)?;
    give_names(home, &indexes)?;
    Ok(gone)
}

/// Removes files, durably.
fn remove_all(home: &Home, names: Vec<FileName>) -> Result<Vec<PathBuf>> {
    let gone = names.into_iter().map(|name| remove(home, name)).collect::<Result<Vec<_>>>()?;
    if gone.is_empty() { Ok(gone) } else { sync_dir(home).map(|()| gone) }
}

/// Takes the `.swap` off names, durably.
fn give_names(home: &Home, swaps: &[FileName]) -> Result<()> {
    for swap in swaps {
        let (from, to) = (swap.in_dir(&home.dir), swap.with_suffix(None).in_dir(&home.dir));
        home.fs.rename(&from, &to).map_err(|e| Error::io("rename", &from, e))?;
    }
    if swaps.is_empty() { Ok(()) } else { sync_dir(home) }
}

fn sync_dir(home: &Home) -> Result<()> {
    home.fs.sync_dir(&home.dir).map_err(|e| Error::io("sync", &home.dir, e))
}

/// Removes the segments that lie wholly below the start of the log: a delete that was interrupted may have
/// taken any of them, or none, and then they alone may know of their producers.
pub(crate) fn finish_delete(
    home: &Arc<Home>,
    names: &mut BTreeMap<Offset, SegmentNames>,
    log_start_offset: Offset,
    config: &LogConfig,
    now_ms: i64,
) -> Result<Vec<PathBuf>> {
    let next_bases = names.keys().skip(1).copied();
    let below: Vec<Offset> = names
        .keys()
        .zip(next_bases)
        .take_while(|(_, next)| *next <= log_start_offset)
        .map(|(base, _)| *base)
        .collect();
    if let Some(first_left) = names.keys().nth(below.len()).filter(|_| !below.is_empty()) {
        let segments = names.range(..first_left).map(|(base, names)| (*base, names.txn_index));
        let segments = segments.map(|(base, indexed)| Arc::new(Segment::sealed(base, home.clone(), indexed)));
        keep_producers(home, &SegmentSet::new(segments), *first_left, config, now_ms)?;
    }
    let mut gone = Vec::new();
    for base in &below {
        for kind in FileKind::ALL {
            gone.push(remove(home, FileName::new(*base, kind))?);
        }
        names.remove(base);
    }
    if !below.is_empty() {
        home.fs.sync_dir(&home.dir).map_err(|e| Error::io("sync", &home.dir, e))?;
    }
    Ok(gone)
}

/// Writes the transaction indexes of segments that have just got their names and have none. Of any other segment the
/// names do not tell whether it had one; `ottla verify` reads the markers.
pub(crate) fn index_swapped_in(
    home: &Arc<Home>,
    swaps: &[FileName],
    names: &mut BTreeMap<Offset, SegmentNames>,
    config: &LogConfig,
    now_ms: i64,
) -> Result<Vec<PathBuf>> {
    let mut written = Vec::new();
    for base in swaps.iter().filter(|swap| swap.kind == FileKind::Log).map(|swap| swap.base_offset) {
        if names.get(&base).is_none_or(|names| names.txn_index) {
            continue;
        }
        let up_to = names.range(..=base).map(|(base, names)| (*base, names.txn_index));
        let segments = SegmentSet::new(
            up_to.map(|(base, indexed)| Arc::new(Segment::sealed(base, home.clone(), indexed))),
        );
        let Some(swapped_in) = segments.last() else { continue };
        if producers::index_swapped_in(home, &segments, &swapped_in, config, now_ms)? {
            written.push(home.path(base, FileKind::TxnIndex));
            names.entry(base).and_modify(|names| names.txn_index = true);
        }
    }
    Ok(written)
}

/// Makes the producers' state at the end of these segments durable, where the delete had not come to that.
fn keep_producers(
    home: &Home,
    segments: &SegmentSet,
    end: Offset,
    config: &LogConfig,
    now_ms: i64,
) -> Result<()> {
    let path = home.path(end, FileKind::Snapshot);
    match snapshot::read(&*home.fs, &path) {
        Ok(_) => return Ok(()),
        Err(Error::Corrupt(_)) => {}
        Err(e) if e.is_not_found() => {}
        Err(e) => return Err(e),
    }
    snapshot::write(&*home.fs, &path, &producers::reload(home, segments, end, config, now_ms)?)
}

fn end_offset(home: &Home, swap: FileName) -> Result<Offset> {
    let path = swap.in_dir(&home.dir);
    let fail = |e| Error::io("read", &path, e);
    let file = home.fs.open(&path, OpenMode::Read).map_err(fail)?;
    end_by_heads(&*file, swap.base_offset).map_err(fail)
}

fn remove(home: &Home, name: FileName) -> Result<PathBuf> {
    let path = name.in_dir(&home.dir);
    match home.fs.remove_file(&path) {
        Err(e) if e.kind() != std::io::ErrorKind::NotFound => Err(Error::io("remove", path, e)),
        _ => Ok(path),
    }
}

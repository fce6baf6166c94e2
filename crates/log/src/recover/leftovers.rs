//! Step 2: what an interrupted delete, clean or swap has left is undone or finished (Kafka's
//! `LogLoader`).
//!
//! `.deleted` files were out of sight already: they go. `.cleaned` files were not finished: they go, and
//! so do `.swap` files at or past the first of them, which belong to the same unfinished split. The other
//! `.swap` files are whole: the segments that they replace go, and they take their place.

use std::collections::BTreeMap;
use std::path::PathBuf;

use super::survey::{SegmentNames, Survey};
use crate::dir::{FileKind, FileName, Suffix};
use crate::error::{Error, Result};
use crate::offset::{Offset, Position};
use crate::segment::{HeadWalk, Home, Walked};

/// Finishes what was interrupted; returns what is gone. The caller surveys anew.
pub(crate) fn finish(home: &Home, survey: &Survey) -> Result<Vec<PathBuf>> {
    let mut gone = Vec::new();
    let swaps = swaps(survey);
    for name in survey.leftovers.iter().filter(|name| !swaps.contains(name)).chain(&survey.orphans()) {
        gone.push(remove(home, *name)?);
    }
    for swap in swaps.iter().filter(|swap| swap.kind == FileKind::Log) {
        let end = end_offset(home, *swap)?;
        for replaced in replaced_by(survey, swap.base_offset, end) {
            gone.push(remove(home, replaced)?);
        }
    }
    for swap in &swaps {
        let (from, to) = (swap.in_dir(&home.dir), swap.with_suffix(None).in_dir(&home.dir));
        home.fs.rename(&from, &to).map_err(|e| Error::io("rename", &from, e))?;
    }
    if !gone.is_empty() || !swaps.is_empty() {
        home.fs.sync_dir(&home.dir).map_err(|e| Error::io("sync", &home.dir, e))?;
    }
    Ok(gone)
}

/// Removes the segments that lie wholly below the start of the log: a delete that was interrupted may have
/// taken any of them.
pub(crate) fn finish_delete(
    home: &Home,
    names: &mut BTreeMap<Offset, SegmentNames>,
    log_start_offset: Offset,
) -> Result<Vec<PathBuf>> {
    let next_bases = names.keys().skip(1).copied();
    let below: Vec<Offset> = names
        .keys()
        .zip(next_bases)
        .take_while(|(_, next)| *next <= log_start_offset)
        .map(|(base, _)| *base)
        .collect();
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

/// The `.swap` files that are finished.
fn swaps(survey: &Survey) -> Vec<FileName> {
    let with = |suffix| survey.leftovers.iter().filter(move |name| name.suffix == Some(suffix));
    let first_cleaned = with(Suffix::Cleaned).map(|name| name.base_offset).min();
    let whole = |name: &&FileName| first_cleaned.is_none_or(|first| name.base_offset < first);
    with(Suffix::Swap).filter(whole).copied().collect()
}

/// The live files of the segments that a swapped segment with these offsets stands for.
fn replaced_by(survey: &Survey, base_offset: Offset, end: Offset) -> Vec<FileName> {
    let range = base_offset..end.max(base_offset + 1);
    let segments = survey.segments.range(range);
    segments
        .flat_map(|(base, names)| {
            let kinds = [
                (names.log, FileKind::Log),
                (names.index, FileKind::Index),
                (names.time_index, FileKind::TimeIndex),
                (names.txn_index, FileKind::TxnIndex),
            ];
            kinds.into_iter().filter(|(there, _)| *there).map(|(_, kind)| FileName::new(*base, kind))
        })
        .filter(|name| survey.segments.get(&name.base_offset).is_some_and(|names| names.log))
        .collect()
}

fn end_offset(home: &Home, swap: FileName) -> Result<Offset> {
    let path = swap.in_dir(&home.dir);
    let fail = |e| Error::io("read", &path, e);
    let file = home.fs.open(&path, crate::fs::OpenMode::Read).map_err(fail)?;
    let mut walk = HeadWalk::new(&*file, Position::ZERO, file.len().map_err(fail)?);
    let mut end = swap.base_offset;
    while let Walked::Batch(_, head) = walk.step().map_err(fail)? {
        end = end.max(head.last_offset() + 1);
    }
    Ok(end)
}

fn remove(home: &Home, name: FileName) -> Result<PathBuf> {
    let path = name.in_dir(&home.dir);
    match home.fs.remove_file(&path) {
        Err(e) if e.kind() != std::io::ErrorKind::NotFound => Err(Error::io("remove", path, e)),
        _ => Ok(path),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn swaps_of(names: &[&str]) -> Vec<String> {
        let leftovers = names.iter().filter_map(|name| FileName::parse(name)).collect();
        let survey = Survey { leftovers, ..Survey::default() };
        swaps(&survey).iter().map(ToString::to_string).collect()
    }

    #[test]
    fn a_swap_before_the_first_unfinished_clean_is_finished() {
        let finished = swaps_of(&["00000000000000000000.log.swap", "00000000000000000050.log.cleaned"]);
        assert_eq!(finished, ["00000000000000000000.log.swap"]);
    }

    #[test]
    fn a_swap_of_an_unfinished_split_is_undone() {
        assert!(swaps_of(&["00000000000000000050.log.swap", "00000000000000000050.log.cleaned"]).is_empty());
    }

    #[test]
    fn deleted_files_are_no_swaps() {
        assert!(swaps_of(&["00000000000000000050.log.deleted"]).is_empty());
    }
}

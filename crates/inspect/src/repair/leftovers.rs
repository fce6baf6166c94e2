//! Step 1: what an interrupted delete, clean or swap has left, as [`Leftovers`] decides.

use std::path::Path;

use ottla::Offset;
use ottla::dir::{FileKind, FileName, Leftover, Leftovers};
use ottla::fs::{DirEntry, FileSystem, OpenMode};
use ottla::segment::end_by_heads;

use super::hand::Hand;
use crate::error::{At, Result};

/// Finishes or undoes what was interrupted in a partition directory.
///
/// # Errors
/// As the system reports it.
pub(super) fn finish(hand: &mut Hand, dir: &Path) -> Result<()> {
    let entries = hand.fs.read_dir(dir).at("list", dir)?;
    for name in temporary(&entries) {
        hand.remove(&dir.join(name), "a file that was being written when a process ended")?;
    }
    let files = entries.iter().filter(|entry| !entry.is_dir);
    let leftovers = Leftovers::among(files.filter_map(|entry| FileName::parse(&entry.name)));
    for (name, what) in leftovers.worthless() {
        hand.remove(&name.in_dir(dir), what.reason())?;
    }
    let swaps = leftovers.swaps();
    for swap in swaps.iter().filter(|swap| swap.kind == FileKind::Log) {
        let end = end_offset(&*hand.fs, dir, *swap)?;
        for replaced in leftovers.replaced_by(swap.base_offset, end) {
            hand.remove(&replaced.in_dir(dir), format!("{swap} replaces it"))?;
        }
    }
    for swap in &swaps {
        let to = swap.with_suffix(None).in_dir(dir);
        hand.rename(&swap.in_dir(dir), &to, Leftover::Swap.reason())?;
    }
    Ok(())
}

/// Names of files that are written under another name first, in Kafka and here.
fn temporary(entries: &[DirEntry]) -> Vec<&str> {
    let is_temporary = |name: &str| {
        let of_a_file = |stem: &str| {
            FileName::parse(stem).is_some()
                || matches!(stem, "leader-epoch-checkpoint" | "partition.metadata")
        };
        name.strip_suffix(".tmp").is_some_and(of_a_file)
    };
    let files = entries.iter().filter(|entry| !entry.is_dir).map(|entry| entry.name.as_str());
    let mut found: Vec<_> = files.filter(|name| is_temporary(name)).collect();
    found.sort_unstable();
    found
}

fn end_offset(fs: &dyn FileSystem, dir: &Path, swap: FileName) -> Result<Offset> {
    let path = swap.in_dir(dir);
    let file = fs.open(&path, OpenMode::Read).at("open", &path)?;
    end_by_heads(&*file, swap.base_offset).at("read", &path)
}

//! Changes that are not durable yet, in the order they were made.

use std::collections::BTreeSet;
use std::path::PathBuf;
use std::sync::Arc;

use super::disk::{Disk, Inode};
use super::unsynced::{ChangeKind, CrashChoice, Survival, Unsynced};

#[derive(Clone, Debug)]
pub(super) enum Change {
    Write { file: Inode, position: u64, bytes: Arc<[u8]> },
    SetLen { file: Inode, len: u64 },
    Link { dir: Inode, name: String, node: Inode, is_dir: bool },
    Unlink { dir: Inode, name: String, node: Inode },
    Rename { from_dir: Inode, from: String, to_dir: Inode, to: String, node: Inode, is_dir: bool },
}

impl Change {
    pub(super) fn apply(&self, disk: &mut Disk, now_ms: i64) {
        match self {
            Change::Write { file, position, bytes } => disk.write(*file, *position, bytes, now_ms),
            Change::SetLen { file, len } => disk.set_len(*file, *len, now_ms),
            Change::Link { dir, name, node, is_dir } => disk.link(*dir, name, *node, *is_dir),
            Change::Unlink { dir, name, node } => disk.unlink(*dir, name, *node),
            // One step, so that a crash shows the old name or the new, and never neither. Whatever
            // name the node has goes, since an earlier rename of it may not have survived.
            Change::Rename { to_dir, to, node, is_dir, .. } => {
                disk.unlink_everywhere(*node);
                disk.link(*to_dir, to, *node, *is_dir);
            }
        }
    }

    fn apply_survivor(&self, disk: &mut Disk, survival: Survival, now_ms: i64) {
        match (self, survival) {
            // Lengths of a file become durable in their order, each with what it clears: a later one cannot show that.
            (Change::SetLen { file, .. }, Survival::Lost) => disk.clear_behind_end(*file),
            (_, Survival::Lost) => {}
            (Change::Write { file, position, bytes }, Survival::Prefix(len)) => {
                disk.write(*file, *position, &bytes[..len.min(bytes.len())], now_ms);
            }
            (Change::Write { file, position, bytes }, Survival::Blocks { size, kept }) => {
                disk.grow(*file, position + bytes.len() as u64, now_ms);
                for (block, (at, part)) in blocks(*position, bytes, size.max(1)).enumerate() {
                    if kept >> (block % 64) & 1 == 1 {
                        disk.write(*file, at, part, now_ms);
                    }
                }
            }
            (Change::Write { file, position, bytes }, Survival::OldLength) => {
                let below = disk.bytes(*file).map_or(0, <[u8]>::len).saturating_sub(*position as usize);
                if below > 0 {
                    disk.write(*file, *position, &bytes[..below.min(bytes.len())], now_ms);
                }
                disk.leave_behind_end(*file, *position, bytes);
            }
            (Change::Rename { to_dir, to, node, is_dir: false, .. }, Survival::BothNames) => {
                disk.link(*to_dir, to, *node, false);
            }
            (change, _) => change.apply(disk, now_ms),
        }
    }

    /// Whether a sync of this file makes the change durable.
    fn is_content_of(&self, inode: Inode) -> bool {
        matches!(self, Change::Write { file, .. } | Change::SetLen { file, .. } if *file == inode)
    }
}

/// The parts of a write between the boundaries of the disk's blocks.
fn blocks(position: u64, bytes: &[u8], size: usize) -> impl Iterator<Item = (u64, &[u8])> {
    let mut at = position;
    let mut rest = bytes;
    std::iter::from_fn(move || {
        let to_boundary = size - (at % size as u64) as usize;
        let (part, after) = rest.split_at(to_boundary.min(rest.len()));
        let begin = at;
        (at, rest) = (at + part.len() as u64, after);
        (!part.is_empty()).then_some((begin, part))
    })
}

#[derive(Clone, Debug)]
struct Entry {
    change: Change,
    path: PathBuf,
    at_ms: i64,
    /// A sync of it failed: no later sync makes it durable.
    abandoned: bool,
    /// A sync of it was left out.
    left_out: bool,
}

/// The changes that are not durable.
#[derive(Clone, Debug, Default)]
pub(super) struct Journal(Vec<Entry>);

impl Journal {
    pub(super) fn push(&mut self, change: Change, path: PathBuf, at_ms: i64) {
        self.0.push(Entry { change, path, at_ms, abandoned: false, left_out: false });
    }

    pub(super) fn sync_file(&mut self, file: Inode, durable: &mut Disk) {
        let synced = self.content_of(file);
        self.commit(&synced, durable);
    }

    pub(super) fn sync_dir(&mut self, dir: Inode, durable: &mut Disk) {
        let synced = self.names_in(dir);
        self.commit(&synced, durable);
    }

    pub(super) fn abandon_file(&mut self, file: Inode) {
        let failed = self.content_of(file);
        self.abandon(&failed);
    }

    pub(super) fn abandon_dir(&mut self, dir: Inode) {
        let failed = self.names_in(dir);
        self.abandon(&failed);
    }

    pub(super) fn leave_out_file(&mut self, file: Inode) {
        let left_out = self.content_of(file);
        self.leave_out(&left_out);
    }

    pub(super) fn leave_out_dir(&mut self, dir: Inode) {
        let left_out = self.names_in(dir);
        self.leave_out(&left_out);
    }

    /// The places of the changes that a sync was to make durable that was left out.
    pub(super) fn left_out(&self) -> Vec<usize> {
        let entries = self.0.iter().enumerate();
        entries.filter(|(_, entry)| entry.left_out).map(|(index, _)| index).collect()
    }

    /// For each change, whether a sync of this file makes it durable.
    fn content_of(&self, file: Inode) -> Vec<bool> {
        self.0.iter().map(|entry| entry.change.is_content_of(file)).collect()
    }

    /// For each change, whether a sync of this directory makes it durable.
    ///
    /// A name that moved here from another directory is durable with this one. One that moved away is
    /// durable with the other, but where its old name was used again it has to be so now, or the file
    /// would have no name. What led to such a move comes with it.
    fn names_in(&self, dir: Inode) -> Vec<bool> {
        let mut dirs = BTreeSet::from([dir]);
        let mut made = BTreeSet::new();
        let mut synced = vec![false; self.0.len()];
        for (entry, synced) in self.0.iter().zip(&mut synced).rev() {
            match &entry.change {
                Change::Link { dir, name, .. } if dirs.contains(dir) => {
                    made.insert((*dir, name));
                    *synced = true;
                }
                Change::Unlink { dir, .. } => *synced = dirs.contains(dir),
                Change::Rename { from_dir, from, to_dir, to, .. }
                    if dirs.contains(to_dir) || made.contains(&(*from_dir, from)) =>
                {
                    dirs.extend([*from_dir, *to_dir]);
                    made.insert((*to_dir, to));
                    *synced = true;
                }
                _ => {}
            }
        }
        synced
    }

    /// What an earlier sync failed to write is lost for good here, at the worst moment.
    fn commit(&mut self, synced: &[bool], durable: &mut Disk) {
        for (entry, _) in self.0.iter().zip(synced).filter(|(entry, synced)| **synced && !entry.abandoned) {
            entry.change.apply(durable, entry.at_ms);
        }
        let mut synced = synced.iter();
        self.0.retain(|_| synced.next() == Some(&false));
    }

    fn abandon(&mut self, failed: &[bool]) {
        for (entry, failed) in self.0.iter_mut().zip(failed) {
            entry.abandoned |= failed;
        }
    }

    fn leave_out(&mut self, synced: &[bool]) {
        for (entry, synced) in self.0.iter_mut().zip(synced) {
            entry.left_out |= synced;
        }
    }

    pub(super) fn survivors(&self, disk: &mut Disk, choice: &mut dyn CrashChoice) {
        for (entry, unsynced) in self.0.iter().zip(self.describe()) {
            entry.change.apply_survivor(disk, choice.survival(&unsynced), entry.at_ms);
        }
    }

    pub(super) fn describe(&self) -> Vec<Unsynced> {
        let describe = |(index, entry): (usize, &Entry)| {
            let (kind, position, len) = match &entry.change {
                Change::Write { position, bytes, .. } => (ChangeKind::Write, *position, bytes.len()),
                Change::SetLen { len, .. } => (ChangeKind::SetLen, *len, 0),
                Change::Link { .. } => (ChangeKind::Create, 0, 0),
                Change::Unlink { .. } => (ChangeKind::Remove, 0, 0),
                Change::Rename { .. } => (ChangeKind::Rename, 0, 0),
            };
            Unsynced { index, kind, path: entry.path.clone(), position, len }
        };
        self.0.iter().enumerate().map(describe).collect()
    }
}

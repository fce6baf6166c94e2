//! One simulated machine: what programs see, what is durable, and what lies between.

use std::collections::BTreeSet;
use std::io;
use std::path::Path;
use std::sync::Arc;

use ottla::clock::Clock;

use super::change::{Change, Journal};
use super::disk::{Disk, Inode};
use super::fault::{Call, Faults, IgnoredSyncs, LoggedCall};

#[derive(Debug)]
pub(super) struct State {
    /// What programs see.
    pub(super) live: Disk,
    /// What every crash leaves.
    pub(super) durable: Disk,
    /// What leads from `durable` to `live`, but for what a failed sync lost.
    pub(super) journal: Journal,
    pub(super) faults: Faults,
    pub(super) log: Vec<LoggedCall>,
    pub(super) locked: BTreeSet<Inode>,
    pub(super) clock: Option<Arc<dyn Clock>>,
    pub(super) max_read: Option<usize>,
    pub(super) capacity: Option<u64>,
    /// The power goes during the call after so many.
    pub(super) crash_at: Option<u64>,
    pub(super) crashed: bool,
    pub(super) ignored_syncs: Option<IgnoredSyncs>,
    next_inode: Inode,
}

impl State {
    pub(super) fn new(disk: Disk) -> State {
        State {
            next_inode: disk.next_inode(),
            durable: disk.clone(),
            live: disk,
            journal: Journal::default(),
            faults: Faults::default(),
            log: Vec::new(),
            locked: BTreeSet::new(),
            clock: None,
            max_read: None,
            capacity: None,
            crash_at: None,
            crashed: false,
            ignored_syncs: None,
        }
    }

    /// Every call begins here.
    pub(super) fn begin(&mut self, call: Call, path: &Path) -> io::Result<()> {
        self.check_power()?;
        self.faults.next(call, path).map_or(Ok(()), |fault| Err(fault.error()))
    }

    pub(super) fn check_power(&self) -> io::Result<()> {
        if self.crashed { Err(crashed()) } else { Ok(()) }
    }

    /// A call that changes or syncs is about to do so. Tells whether it will be the last: then what
    /// it changes is journaled, and what it syncs is not.
    pub(super) fn mutate(&mut self, call: Call, path: &Path, position: u64, len: usize) {
        self.crashed = self.crash_at == Some(self.log.len() as u64);
        self.log.push(LoggedCall { call, path: path.to_path_buf(), position, len });
    }

    pub(super) fn change(&mut self, change: Change, path: &Path) {
        let now_ms = self.clock.as_ref().map_or(0, |clock| clock.now_ms());
        change.apply(&mut self.live, now_ms);
        self.journal.push(change, path.to_path_buf(), now_ms);
    }

    /// Whether the sync that was logged last is one that does nothing.
    pub(super) fn ignores_sync(&self) -> bool {
        self.ignored_syncs.as_ref().is_some_and(|ignored| ignored.0(&self.log))
    }

    pub(super) fn new_inode(&mut self) -> Inode {
        self.next_inode += 1;
        self.next_inode - 1
    }

    /// How many of `wanted` more bytes the disk has room for.
    pub(super) fn room(&self, wanted: u64) -> u64 {
        match self.capacity {
            Some(capacity) if wanted > 0 => wanted.min(capacity.saturating_sub(self.live.used_bytes())),
            _ => wanted,
        }
    }
}

/// What every call gets once the power is gone.
fn crashed() -> io::Error {
    io::Error::other("the simulated machine lost its power")
}

//! What a log must offer to be measured.

use std::ops::ControlFlow;
use std::path::Path;

use anyhow::Result;

/// What is called with each piece that was read, until it wants no more.
pub type Seen<'a> = dyn FnMut(&[u8]) -> ControlFlow<()> + 'a;

/// An open log.
pub trait Log {
    /// Appends one entry, without waiting for the disk where the log lets one choose.
    fn append(&mut self, entry: &[u8]) -> Result<()>;

    /// Reads from the start to the end, in pieces of whole entries: at most `piece_bytes` of them for each call to the log.
    fn read(&mut self, piece_bytes: usize, seen: &mut Seen<'_>) -> Result<()>;

    /// Closes it as its documentation asks.
    fn close(self: Box<Self>) -> Result<()>;
}

/// An open log that several threads append to.
pub trait Synced: Sync {
    /// Returns once the entry is on disk.
    fn append(&self, thread: usize, entry: &[u8]) -> Result<()>;
}

type Open = fn(&Path) -> Result<Box<dyn Log>>;
type OpenSynced = fn(&Path) -> Result<Box<dyn Synced>>;

pub struct Peer {
    pub name: &'static str,
    pub open: Open,
    /// `None` where the log cannot promise that.
    pub open_synced: Option<OpenSynced>,
    /// Whether one call may bring many entries.
    pub reads_many: bool,
    /// What it does and does not do for its figures.
    pub note: &'static str,
}

impl Peer {
    /// The version that was built, as the lock file has it; `None` for what is no package of a registry.
    pub fn version(&self) -> Option<&'static str> {
        let lock = include_str!("../../Cargo.lock");
        let (_, after) = lock.split_once(&format!("name = \"{}\"\nversion = \"", self.name))?;
        let (version, rest) = after.split_once('"')?;
        rest.trim_start().starts_with("source").then_some(version)
    }
}

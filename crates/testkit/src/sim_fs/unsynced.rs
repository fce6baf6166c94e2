//! A change that a crash may take back, and what may be left of it.

use std::path::PathBuf;

/// What kind of change is not durable.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum ChangeKind {
    /// Bytes of a file.
    Write,
    /// The length of a file.
    SetLen,
    /// A new name.
    Create,
    /// A name taken away.
    Remove,
    /// A name changed.
    Rename,
}

/// A change that a crash may take back.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Unsynced {
    /// Its place among the unsynced changes, from 0.
    pub index: usize,
    /// What it is.
    pub kind: ChangeKind,
    /// The file or directory, by the name it had; for a rename the new one.
    pub path: PathBuf,
    /// Where the bytes begin; for a new length, that length.
    pub position: u64,
    /// How many bytes are written.
    pub len: usize,
}

/// What is left of one unsynced change. Only a write and a rename can be left in part.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Survival {
    /// Nothing.
    Lost,
    /// All.
    Kept,
    /// The first bytes.
    Prefix(usize),
    /// The file has its new length, and of the disk's blocks of `size` bytes those whose bit is set
    /// (the first block has the lowest; after 64 the bits repeat). The others show what was there
    /// before, or zeros.
    Blocks {
        /// Bytes in a block: 512 for a sector, 4096 for a page.
        size: usize,
        /// Which ones survive.
        kept: u64,
    },
    /// The bytes came, but not the file's new length: what was written past its old end is not there. In the old last
    /// block it is, out of sight: where a later crash leaves a new length without its bytes, it shows.
    OldLength,
    /// A renamed file has its new name, and its old one too. A directory never has two names.
    BothNames,
}

impl Survival {
    /// The file grew, but the bytes did not come.
    pub const LENGTH_ONLY: Survival = Survival::Blocks { size: 4096, kept: 0 };
}

/// Decides over each unsynced change, in the order they were made. A closure will do.
pub trait CrashChoice {
    /// What is left of this change.
    fn survival(&mut self, change: &Unsynced) -> Survival;
}

impl<F: FnMut(&Unsynced) -> Survival> CrashChoice for F {
    fn survival(&mut self, change: &Unsynced) -> Survival {
        self(change)
    }
}

//! Calls that fail on demand.

use std::fmt;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// A kind of call on a file system or a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Call {
    /// `FileSystem::open`.
    Open,
    /// `File::read_at`.
    Read,
    /// `File::write_all_at` and `File::write_all_vectored_at`.
    Write,
    /// `File::len`.
    Len,
    /// `File::set_len`.
    SetLen,
    /// `File::sync`.
    Sync,
    /// `FileSystem::read_dir`.
    ReadDir,
    /// `FileSystem::metadata` and `FileSystem::free_bytes`.
    Metadata,
    /// `FileSystem::create_dir_all`.
    CreateDir,
    /// `FileSystem::rename`.
    Rename,
    /// `FileSystem::remove_file` and `FileSystem::remove_dir`.
    Remove,
    /// `FileSystem::sync_dir`.
    SyncDir,
    /// `FileSystem::lock`.
    Lock,
}

impl Call {
    /// All there are.
    pub const ALL: [Call; 13] = [
        Call::Open,
        Call::Read,
        Call::Write,
        Call::Len,
        Call::SetLen,
        Call::Sync,
        Call::ReadDir,
        Call::Metadata,
        Call::CreateDir,
        Call::Rename,
        Call::Remove,
        Call::SyncDir,
        Call::Lock,
    ];
}

/// How a call fails.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Fault {
    errno: i32,
    written: usize,
    /// The call does not fail: it reads so many bytes at most.
    read: Option<usize>,
}

impl Fault {
    /// The disk cannot read or write.
    pub const EIO: Fault = Fault::errno(5);
    /// A signal came.
    pub const EINTR: Fault = Fault::errno(4);
    /// The user's quota is used up.
    pub const EDQUOT: Fault = Fault::errno(122);
    /// Too many files are open.
    pub const EMFILE: Fault = Fault::errno(24);
    /// The disk is full.
    pub const ENOSPC: Fault = Fault::errno(28);
    /// The file system went read-only.
    pub const EROFS: Fault = Fault::errno(30);

    /// Linux's number of an error.
    pub const fn errno(errno: i32) -> Fault {
        Fault { errno, written: 0, read: None }
    }

    /// A read that gives at most so many bytes, as a system may; none at all where the file turns out to be
    /// shorter than it was.
    pub const fn short_read(bytes: usize) -> Fault {
        Fault { errno: 0, written: 0, read: Some(bytes) }
    }

    /// The number of the error; `None` where there is none.
    pub fn raw_os_error(self) -> Option<i32> {
        (self.errno != 0).then_some(self.errno)
    }

    /// A write that fails after so many bytes.
    pub const fn after_bytes(self, written: usize) -> Fault {
        Fault { written, ..self }
    }

    pub(super) fn written(self) -> usize {
        self.written
    }

    pub(super) fn read(self) -> Option<usize> {
        self.read
    }

    pub(super) fn error(self) -> io::Error {
        io::Error::from_raw_os_error(self.errno)
    }
}

/// How often a fault strikes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Repeat {
    /// Once; later calls work again.
    Once,
    /// From then on always.
    Always,
}

/// A call that changed the disk or synced it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LoggedCall {
    /// What it was.
    pub call: Call,
    /// On which path; for a rename the new one.
    pub path: PathBuf,
    /// For a write, where; for a new length, that length.
    pub position: u64,
    /// For a write, how many bytes.
    pub len: usize,
}

/// Tells of the calls so far whether the last one, a sync, is left out.
type Ignores = dyn Fn(&[LoggedCall]) -> bool + Send + Sync;

/// Says which syncs do nothing.
#[derive(Clone)]
pub(super) struct IgnoredSyncs(pub(super) Arc<Ignores>);

impl fmt::Debug for IgnoredSyncs {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("IgnoredSyncs")
    }
}

#[derive(Debug)]
struct Scheduled {
    call: Call,
    at: u64,
    fault: Fault,
    repeat: Repeat,
}

#[derive(Debug, Default)]
pub(super) struct Faults {
    scheduled: Vec<Scheduled>,
    counts: [u64; Call::ALL.len()],
    pub(super) hit: u64,
    /// Only calls on what is below this path fail, and only they are counted to find the one that does.
    under: PathBuf,
    counts_under: [u64; Call::ALL.len()],
    most_calls: Option<u64>,
}

impl Faults {
    pub(super) fn schedule(&mut self, call: Call, n: u64, fault: Fault, repeat: Repeat) {
        assert!(n > 0, "the next call is number 1");
        assert!(fault.read.is_none() || call == Call::Read, "only a read can be short");
        self.scheduled.push(Scheduled { call, at: self.counts_under[call as usize] + n, fault, repeat });
    }

    pub(super) fn only_under(&mut self, path: &Path) {
        self.under = path.to_path_buf();
    }

    pub(super) fn allow_calls(&mut self, most: u64) {
        self.most_calls = Some(self.counts.iter().sum::<u64>() + most);
    }

    pub(super) fn clear(&mut self) {
        self.scheduled.clear();
    }

    pub(super) fn count(&self, call: Call) -> u64 {
        self.counts[call as usize]
    }

    /// Counts a call, and says how it fails.
    pub(super) fn next(&mut self, call: Call, path: &Path) -> Option<Fault> {
        self.counts[call as usize] += 1;
        let calls: u64 = self.counts.iter().sum();
        assert!(
            self.most_calls.is_none_or(|most| calls <= most),
            "call after call: {call:?} {}",
            path.display()
        );
        if !path.starts_with(&self.under) {
            return None;
        }
        self.counts_under[call as usize] += 1;
        let now = self.counts_under[call as usize];
        let strikes =
            |s: &&Scheduled| s.call == call && (s.at == now || (s.repeat == Repeat::Always && s.at < now));
        let fault = self.scheduled.iter().find(strikes).map(|s| s.fault);
        self.hit += u64::from(fault.is_some());
        fault
    }
}

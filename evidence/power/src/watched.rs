//! The operating system's files, counted and tampered with: the power goes just before a chosen call, and the syncs of
//! one place in the code can be left out.

use std::io::{self, IoSlice};
use std::os::fd::BorrowedFd;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicI64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use ottla::fs::{DirEntry, File, FileSystem, Lock, Metadata, OpenMode, Os};

use crate::sites::Sites;

/// Called when the power is to go.
pub type Pull = Box<dyn Fn() + Send + Sync>;

/// What is done to the calls of all files of one file system.
pub struct Tampering {
    /// So many changing calls are let through before the power goes; below zero it stays.
    calls_left: AtomicI64,
    /// Once a sync was left out so often, the power goes this many changing calls later: that is when it matters.
    after_left_out: Mutex<Option<(u64, i64)>>,
    pull: Pull,
    /// Names the place of a sync, where places matter.
    sites: Option<Mutex<Sites>>,
    /// A file on the same file system, which tells whether that is still there.
    probe: Option<std::fs::File>,
}

impl std::fmt::Debug for Tampering {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Tampering").field("calls_left", &self.calls_left).finish_non_exhaustive()
    }
}

impl Tampering {
    /// From here on the power goes before the changing call number `calls`, counted from 0.
    pub fn arm(&self, calls: i64) {
        self.calls_left.store(calls, Ordering::SeqCst);
    }

    /// The power goes `calls` changing calls after a sync was left out for the time number `times`, counted from 0.
    pub fn arm_after_left_out(&self, times: u64, calls: i64) {
        *self.after_left_out.lock().unwrap_or_else(PoisonError::into_inner) = Some((times, calls));
    }

    /// The places that synced something, each once; empty where they were not asked for.
    pub fn sites_seen(&self) -> Vec<String> {
        let sites = self.sites.as_ref().map(|sites| sites.lock().unwrap_or_else(PoisonError::into_inner));
        sites.map_or_else(Vec::new, |sites| sites.seen())
    }

    /// XFS answers the sync of a directory with success once it is shut down and has thrown away what was to be
    /// written; a machine without power answers nothing. The sync of a file that has nothing to write fails then.
    fn is_answered(&self) -> io::Result<()> {
        self.probe.as_ref().map_or(Ok(()), std::fs::File::sync_data)
    }

    fn before_change(&self) {
        if self.calls_left.load(Ordering::SeqCst) >= 0 && self.calls_left.fetch_sub(1, Ordering::SeqCst) == 0
        {
            (self.pull)();
        }
    }

    /// Whether this sync is one of those that are left out.
    fn is_left_out(&self, path: &Path, is_dir: bool) -> bool {
        let sites = self.sites.as_ref().map(|sites| sites.lock().unwrap_or_else(PoisonError::into_inner));
        let is_left_out = sites.is_some_and(|mut sites| sites.is_left_out(path, is_dir));
        if is_left_out {
            let mut after = self.after_left_out.lock().unwrap_or_else(PoisonError::into_inner);
            match after.as_mut() {
                Some((0, calls)) => {
                    self.arm(*calls);
                    *after = None;
                }
                Some((times, _)) => *times -= 1,
                None => {}
            }
        }
        is_left_out
    }
}

/// The file system.
#[derive(Clone, Debug)]
pub struct Watched {
    tampering: Arc<Tampering>,
}

impl Watched {
    /// With something that cuts the power, what is to be known of the places that sync, and the
    /// [probe](crate::disk::PROBE).
    pub fn new(pull: Pull, sites: Option<Sites>, probe: Option<std::fs::File>) -> Watched {
        let tampering = Tampering {
            calls_left: AtomicI64::new(-1),
            after_left_out: Mutex::default(),
            pull,
            sites: sites.map(Mutex::new),
            probe,
        };
        Watched { tampering: Arc::new(tampering) }
    }

    /// What is done to its calls.
    pub fn tampering(&self) -> &Tampering {
        &self.tampering
    }
}

impl FileSystem for Watched {
    fn open(&self, path: &Path, mode: OpenMode) -> io::Result<Arc<dyn File>> {
        if matches!(mode, OpenMode::Create | OpenMode::CreateNew) {
            self.tampering.before_change();
        }
        let inner = Os.open(path, mode)?;
        Ok(Arc::new(WatchedFile { inner, path: path.to_path_buf(), tampering: self.tampering.clone() }))
    }

    fn read_dir(&self, path: &Path) -> io::Result<Vec<DirEntry>> {
        Os.read_dir(path)
    }

    fn metadata(&self, path: &Path) -> io::Result<Metadata> {
        Os.metadata(path)
    }

    fn create_dir_all(&self, path: &Path) -> io::Result<()> {
        self.tampering.before_change();
        Os.create_dir_all(path)
    }

    fn rename(&self, from: &Path, to: &Path) -> io::Result<()> {
        self.tampering.before_change();
        Os.rename(from, to)
    }

    fn remove_file(&self, path: &Path) -> io::Result<()> {
        self.tampering.before_change();
        Os.remove_file(path)
    }

    fn remove_dir(&self, path: &Path) -> io::Result<()> {
        self.tampering.before_change();
        Os.remove_dir(path)
    }

    fn sync_dir(&self, path: &Path) -> io::Result<()> {
        self.tampering.before_change();
        if self.tampering.is_left_out(path, true) {
            return Ok(());
        }
        Os.sync_dir(path)?;
        self.tampering.is_answered()
    }

    fn lock(&self, path: &Path) -> io::Result<Box<dyn Lock>> {
        Os.lock(path)
    }

    fn is_locked(&self, path: &Path) -> io::Result<bool> {
        Os.is_locked(path)
    }
}

#[derive(Debug)]
struct WatchedFile {
    inner: Arc<dyn File>,
    path: PathBuf,
    tampering: Arc<Tampering>,
}

impl File for WatchedFile {
    fn read_at(&self, buf: &mut [u8], position: u64) -> io::Result<usize> {
        self.inner.read_at(buf, position)
    }

    fn write_all_at(&self, buf: &[u8], position: u64) -> io::Result<()> {
        self.tampering.before_change();
        self.inner.write_all_at(buf, position)
    }

    fn write_all_vectored_at(&self, bufs: &mut [IoSlice<'_>], position: u64) -> io::Result<()> {
        self.tampering.before_change();
        self.inner.write_all_vectored_at(bufs, position)
    }

    fn len(&self) -> io::Result<u64> {
        self.inner.len()
    }

    fn set_len(&self, len: u64) -> io::Result<()> {
        self.tampering.before_change();
        self.inner.set_len(len)
    }

    fn sync(&self) -> io::Result<()> {
        self.tampering.before_change();
        if self.tampering.is_left_out(&self.path, false) {
            return Ok(());
        }
        self.inner.sync()?;
        self.tampering.is_answered()
    }

    fn as_fd(&self) -> Option<BorrowedFd<'_>> {
        self.inner.as_fd()
    }
}

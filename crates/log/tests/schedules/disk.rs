//! A simulated disk on which another thread may go on before each call, and in the midst of each write.

use std::fmt;
use std::io::{self, IoSlice};
use std::os::fd::BorrowedFd;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use ottla::fs::{DirEntry, File, FileSystem, Lock, Metadata, OpenMode};
use ottla_testkit::{Image, SimFs};

/// Another thread may go on here.
pub(crate) fn point() {
    shuttle::sync::atomic::AtomicBool::new(false).load(Ordering::SeqCst);
}

/// Clones are the same disk. Its own lock is never held at a point.
#[derive(Clone, Debug, Default)]
pub(crate) struct Disk {
    pub sim: SimFs,
    open_logs: Arc<AtomicUsize>,
}

impl Disk {
    /// Whether a loss of power now would leave a segment that holds these bytes.
    pub(crate) fn keeps(&self, value: &str) -> bool {
        holds(&self.sim.durable_image(), value)
    }

    /// How many `.log` files are open.
    pub(crate) fn open_logs(&self) -> usize {
        self.open_logs.load(Ordering::SeqCst)
    }
}

fn holds(image: &Image, value: &str) -> bool {
    let segments = image.entries().filter(|(path, _)| path.extension().is_some_and(|kind| kind == "log"));
    let mut bytes = segments.filter_map(|(path, _)| image.read(path));
    bytes.any(|bytes| bytes.windows(value.len()).any(|window| window == value.as_bytes()))
}

impl FileSystem for Disk {
    fn open(&self, path: &Path, mode: OpenMode) -> io::Result<Arc<dyn File>> {
        point();
        let inner = self.sim.open(path, mode)?;
        let is_log = path.extension().is_some_and(|kind| kind == "log");
        let counted = is_log.then(|| Counted::new(&self.open_logs));
        Ok(Arc::new(OpenFile { inner, _counted: counted }))
    }

    fn read_dir(&self, path: &Path) -> io::Result<Vec<DirEntry>> {
        point();
        self.sim.read_dir(path)
    }

    fn metadata(&self, path: &Path) -> io::Result<Metadata> {
        point();
        self.sim.metadata(path)
    }

    fn create_dir_all(&self, path: &Path) -> io::Result<()> {
        point();
        self.sim.create_dir_all(path)
    }

    fn rename(&self, from: &Path, to: &Path) -> io::Result<()> {
        point();
        self.sim.rename(from, to)
    }

    fn remove_file(&self, path: &Path) -> io::Result<()> {
        point();
        self.sim.remove_file(path)
    }

    fn remove_dir(&self, path: &Path) -> io::Result<()> {
        point();
        self.sim.remove_dir(path)
    }

    fn sync_dir(&self, path: &Path) -> io::Result<()> {
        point();
        self.sim.sync_dir(path)
    }

    fn lock(&self, path: &Path) -> io::Result<Box<dyn Lock>> {
        point();
        self.sim.lock(path)
    }

    fn free_bytes(&self, dir: &Path) -> io::Result<Option<u64>> {
        point();
        self.sim.free_bytes(dir)
    }
}

/// One of those that are open, while it lives.
struct Counted(Arc<AtomicUsize>);

impl Counted {
    fn new(count: &Arc<AtomicUsize>) -> Counted {
        count.fetch_add(1, Ordering::SeqCst);
        Counted(count.clone())
    }
}

impl Drop for Counted {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::SeqCst);
    }
}

struct OpenFile {
    inner: Arc<dyn File>,
    _counted: Option<Counted>,
}

impl fmt::Debug for OpenFile {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.inner.fmt(f)
    }
}

impl File for OpenFile {
    fn read_at(&self, buf: &mut [u8], position: u64) -> io::Result<usize> {
        point();
        self.inner.read_at(buf, position)
    }

    fn write_all_at(&self, buf: &[u8], position: u64) -> io::Result<()> {
        let (first, second) = buf.split_at(buf.len() / 2);
        if !first.is_empty() {
            point();
            self.inner.write_all_at(first, position)?;
        }
        point();
        self.inner.write_all_at(second, position + first.len() as u64)
    }

    fn write_all_vectored_at(&self, bufs: &mut [IoSlice<'_>], position: u64) -> io::Result<()> {
        let bytes: Vec<u8> = bufs.iter().flat_map(|buf| buf.iter().copied()).collect();
        self.write_all_at(&bytes, position)
    }

    fn len(&self) -> io::Result<u64> {
        point();
        self.inner.len()
    }

    fn set_len(&self, len: u64) -> io::Result<()> {
        point();
        self.inner.set_len(len)
    }

    fn sync(&self) -> io::Result<()> {
        point();
        self.inner.sync()
    }

    fn as_fd(&self) -> Option<BorrowedFd<'_>> {
        self.inner.as_fd()
    }
}

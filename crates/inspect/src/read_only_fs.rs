//! The file system that the commands which only look at files are given: it cannot change one.

use std::io;
use std::os::fd::BorrowedFd;
use std::path::Path;
use std::sync::Arc;

use ottla::fs::{DirEntry, File, FileSystem, Lock, Metadata, OpenMode, Os};

/// The operating system's files, to be read only. Whatever would create or change one is refused.
///
/// Files have no descriptor here, so that the engine maps none of them: another process may cut an index
/// that it is writing, and touching a map of it would then kill this one.
#[derive(Clone, Copy, Debug, Default)]
pub struct ReadOnlyFs;

fn refused<T>() -> io::Result<T> {
    Err(io::Error::new(io::ErrorKind::ReadOnlyFilesystem, "this command changes nothing"))
}

impl FileSystem for ReadOnlyFs {
    fn open(&self, path: &Path, mode: OpenMode) -> io::Result<Arc<dyn File>> {
        match mode {
            OpenMode::Read => Ok(Arc::new(ReadOnlyFile(Os.open(path, OpenMode::Read)?))),
            OpenMode::ReadWrite | OpenMode::Create | OpenMode::CreateNew => refused(),
        }
    }

    fn read_dir(&self, path: &Path) -> io::Result<Vec<DirEntry>> {
        Os.read_dir(path)
    }

    fn metadata(&self, path: &Path) -> io::Result<Metadata> {
        Os.metadata(path)
    }

    fn create_dir_all(&self, _path: &Path) -> io::Result<()> {
        refused()
    }

    fn rename(&self, _from: &Path, _to: &Path) -> io::Result<()> {
        refused()
    }

    fn remove_file(&self, _path: &Path) -> io::Result<()> {
        refused()
    }

    fn remove_dir(&self, _path: &Path) -> io::Result<()> {
        refused()
    }

    fn sync_dir(&self, _path: &Path) -> io::Result<()> {
        refused()
    }

    fn lock(&self, _path: &Path) -> io::Result<Box<dyn Lock>> {
        refused()
    }

    fn is_locked(&self, path: &Path) -> io::Result<bool> {
        Os.is_locked(path)
    }
}

#[derive(Debug)]
struct ReadOnlyFile(Arc<dyn File>);

impl File for ReadOnlyFile {
    fn read_at(&self, buf: &mut [u8], position: u64) -> io::Result<usize> {
        self.0.read_at(buf, position)
    }

    fn write_all_at(&self, _buf: &[u8], _position: u64) -> io::Result<()> {
        refused()
    }

    fn write_all_vectored_at(&self, _bufs: &mut [io::IoSlice<'_>], _position: u64) -> io::Result<()> {
        refused()
    }

    fn len(&self) -> io::Result<u64> {
        self.0.len()
    }

    fn set_len(&self, _len: u64) -> io::Result<()> {
        refused()
    }

    fn sync(&self) -> io::Result<()> {
        refused()
    }

    fn as_fd(&self) -> Option<BorrowedFd<'_>> {
        None
    }
}

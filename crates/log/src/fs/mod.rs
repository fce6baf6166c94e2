//! The seam under the files: everything ottla asks of a file system, and nothing more.
//!
//! [`Os`] is the real one and the only caller of the operating system. `testkit` has another that
//! forgets unsynced bytes, tears writes and fails on demand; an embedder may plug in a third, for
//! encryption say. Implementations must keep the contract that each method states; it is what a
//! POSIX file system gives, and recovery is written against exactly that.
//!
//! **Durability.** A change is *durable* when a crash of the machine cannot take it back. Bytes are
//! durable after [`File::sync`]; names (a created, renamed or removed file) are durable after
//! [`FileSystem::sync_dir`] of the directory that holds the name. Before that, each may survive or
//! not, alone and in any order.

#[cfg(test)]
pub(crate) mod counted;
mod os;
mod os_lock;
#[expect(unsafe_code, reason = "what nix does not offer; the reasons stand at each block")]
mod raw;

pub use os::{Os, open_files_limit};

use std::fmt::Debug;
use std::io::{self, IoSlice};
use std::os::fd::BorrowedFd;
use std::path::Path;
use std::sync::Arc;

/// How a file is opened.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum OpenMode {
    /// The file must exist; it is only read.
    Read,
    /// The file must exist; it is read and written.
    ReadWrite,
    /// The file is read and written, and made empty where there is none. Existing bytes stay.
    Create,
    /// The file must not exist; it is made empty, then read and written.
    CreateNew,
}

/// What a directory holds under one name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DirEntry {
    /// The name, without the directory. A name that is not UTF-8 is not listed.
    pub name: String,
    /// Whether it is a directory. Symbolic links are followed.
    pub is_dir: bool,
}

/// What is known of a file without opening it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Metadata {
    /// Length in bytes.
    pub len: u64,
    /// Milliseconds since 1970 of the last change.
    pub modified_ms: i64,
    /// Whether it is a directory.
    pub is_dir: bool,
}

/// The files of a data directory. Calls may come from any number of threads at once.
pub trait FileSystem: Send + Sync + Debug {
    /// Opens a file. A file made by this call has a name that is not durable yet.
    ///
    /// # Errors
    /// `NotFound` and `AlreadyExists` as the mode says; anything else as the system reports it.
    fn open(&self, path: &Path, mode: OpenMode) -> io::Result<Arc<dyn File>>;

    /// The entries of a directory, in no order.
    ///
    /// # Errors
    /// `NotFound` where there is no such directory.
    fn read_dir(&self, path: &Path) -> io::Result<Vec<DirEntry>>;

    /// What is known of the file or directory at `path`.
    ///
    /// # Errors
    /// `NotFound` where there is none.
    fn metadata(&self, path: &Path) -> io::Result<Metadata>;

    /// Makes a directory and those above it; one that exists is left as it is.
    ///
    /// # Errors
    /// As the system reports it.
    fn create_dir_all(&self, path: &Path) -> io::Result<()>;

    /// Gives a file or directory another name, replacing a file of that name in one step: at every
    /// moment, and after a crash, the new name shows the old file or the new one, whole. A crash may leave
    /// a file under both names; renaming one of them to the other leaves the other.
    ///
    /// # Errors
    /// `NotFound` where `from` does not exist.
    fn rename(&self, from: &Path, to: &Path) -> io::Result<()>;

    /// Takes a file's name away. Open handles keep reading it.
    ///
    /// # Errors
    /// `NotFound` where there is none.
    fn remove_file(&self, path: &Path) -> io::Result<()>;

    /// Removes an empty directory.
    ///
    /// # Errors
    /// `NotFound` where there is none, `DirectoryNotEmpty` where it holds anything.
    fn remove_dir(&self, path: &Path) -> io::Result<()>;

    /// Makes the names in this directory durable.
    ///
    /// # Errors
    /// As the system reports it; the names may then be lost, and asking again proves nothing.
    fn sync_dir(&self, path: &Path) -> io::Result<()>;

    /// Takes the exclusive lock on the file at `path`, making the file where there is none. The lock
    /// is held until the returned value is dropped, or the process ends. Never waits.
    ///
    /// # Errors
    /// `WouldBlock` while anybody (this process too) holds it.
    fn lock(&self, path: &Path) -> io::Result<Box<dyn Lock>>;

    /// How many more bytes this process may write to the disk that holds the directory, about; `None` where
    /// nobody can tell. The answer is old when it comes.
    ///
    /// # Errors
    /// As the system reports it.
    fn free_bytes(&self, _dir: &Path) -> io::Result<Option<u64>> {
        Ok(None)
    }

    /// Whether anybody holds the lock on the file at `path`; neither makes the file nor keeps anybody out.
    /// The answer is old when it comes. Where the system cannot tell, it is `false`.
    ///
    /// # Errors
    /// As the system reports it.
    fn is_locked(&self, _path: &Path) -> io::Result<bool> {
        Ok(false)
    }
}

/// A lock that is held while this value lives.
pub trait Lock: Send + Sync + Debug {}

/// One open file. Calls may come from any number of threads at once; positions are explicit, so no
/// call moves another's.
pub trait File: Send + Sync + Debug {
    /// Reads at most `buf.len()` bytes at `position`. Zero means the end of the file; a short count
    /// means that fewer were there, or that the system gave fewer.
    ///
    /// # Errors
    /// As the system reports it; an interrupted call is retried inside.
    fn read_at(&self, buf: &mut [u8], position: u64) -> io::Result<usize>;

    /// Writes all bytes at `position`, growing the file where needed.
    ///
    /// # Errors
    /// As the system reports it (`StorageFull` …). Any part of the bytes may then have been written.
    fn write_all_at(&self, buf: &[u8], position: u64) -> io::Result<()>;

    /// Writes all of several buffers one after the other at `position`, in as few calls as possible.
    ///
    /// # Errors
    /// As [`File::write_all_at`].
    fn write_all_vectored_at(&self, bufs: &mut [IoSlice<'_>], position: u64) -> io::Result<()>;

    /// The length in bytes.
    ///
    /// # Errors
    /// As the system reports it.
    fn len(&self) -> io::Result<u64>;

    /// Whether the file holds nothing.
    ///
    /// # Errors
    /// As the system reports it.
    fn is_empty(&self) -> io::Result<bool> {
        Ok(self.len()? == 0)
    }

    /// Cuts the file, or grows it with zero bytes.
    ///
    /// # Errors
    /// As the system reports it.
    fn set_len(&self, len: u64) -> io::Result<()>;

    /// Makes the bytes and the length durable (`fdatasync`).
    ///
    /// # Errors
    /// As the system reports it. Unsynced bytes must then be taken for lost even if they can still be
    /// read, and a second call that succeeds proves nothing.
    fn sync(&self) -> io::Result<()>;

    /// Begins what [`File::sync`] waits for, and does not wait: several files that are synced after it share the
    /// disk's work. A hint, which promises nothing.
    fn begin_sync(&self) {}

    /// The descriptor for `sendfile`; `None` where the bytes live elsewhere, and then the caller reads and
    /// copies.
    fn as_fd(&self) -> Option<BorrowedFd<'_>>;

    /// Fills `buf` from `position`.
    ///
    /// # Errors
    /// `UnexpectedEof` where the file ends before, else as [`File::read_at`].
    fn read_exact_at(&self, buf: &mut [u8], position: u64) -> io::Result<()> {
        let mut done = 0;
        while let Some(rest) = buf.get_mut(done..).filter(|rest| !rest.is_empty()) {
            match self.read_at(rest, position + done as u64)? {
                0 => return Err(io::ErrorKind::UnexpectedEof.into()),
                n => done += n,
            }
        }
        Ok(())
    }
}

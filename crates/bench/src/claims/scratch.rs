//! The files of a run. None has a name: they go when they are closed, also where the process is killed.

use std::fs::{File, OpenOptions};
use std::os::fd::AsRawFd;
use std::os::unix::fs::{FileExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

use nix::libc;
use nix::sys::statfs::{FsType, TMPFS_MAGIC, statfs};
use nix::sys::statvfs::statvfs;

use super::error::{Error, Unmeasured, doing, skip};

/// As much as one call writes where nothing else is wanted.
pub const PIECE_BYTES: usize = 1 << 20;

/// A directory for files without a name.
pub struct Scratch {
    dir: PathBuf,
    kind: FsType,
}

impl Scratch {
    /// Files in this directory.
    ///
    /// # Errors
    /// Where it cannot be asked what it is.
    pub fn new(dir: &Path) -> Result<Self, Error> {
        let kind = statfs(dir).map_err(doing(dir.display()))?.filesystem_type();
        Ok(Self { dir: dir.to_owned(), kind })
    }

    /// What is free there for somebody who is not root.
    ///
    /// # Errors
    /// Where it cannot be asked.
    pub fn free_bytes(&self) -> Result<u64, Error> {
        let free = statvfs(&self.dir).map_err(doing(self.dir.display()))?;
        Ok(free.blocks_available().saturating_mul(free.fragment_size()))
    }

    /// A reason not to measure a disk, where there is none behind the directory.
    ///
    /// # Errors
    /// That reason.
    pub fn expect_a_disk(&self) -> Result<(), Unmeasured> {
        if self.kind == TMPFS_MAGIC {
            let text = format!(
                "{} is memory (tmpfs), and no disk: name a directory on one with --dir",
                self.dir.display()
            );
            return Err(Unmeasured::Skipped(text));
        }
        Ok(())
    }

    /// A new file, with memory at hand for so many bytes of it that are written by so much a call.
    ///
    /// # Errors
    /// Those of the file system.
    pub fn empty_file(&self, room_bytes: u64, piece_bytes: usize) -> Result<File, Error> {
        // A virtual machine gives free memory back to its host, and the first to write to it again pays: not the measurement.
        // Memory is taken in pieces of the size of a write, so only writes of the same size touch the same pieces.
        fill(&self.unnamed()?, room_bytes, piece_bytes).map_err(doing("touching memory"))?;
        self.unnamed()
    }

    /// A new file of this size, on the disk and in the page cache, written by so much a call. Its bytes do not compress.
    ///
    /// # Errors
    /// Those of the file system.
    pub fn filled_file(&self, size_bytes: u64, piece_bytes: usize) -> Result<File, Error> {
        let file = self.empty_file(size_bytes, piece_bytes)?;
        fill(&file, size_bytes, piece_bytes)
            .and_then(|()| file.sync_data())
            .map_err(doing("filling a file"))?;
        Ok(file)
    }

    fn unnamed(&self) -> Result<File, Error> {
        tempfile::tempfile_in(&self.dir).map_err(doing(format_args!("a file in {}", self.dir.display())))
    }
}

/// The same file, around the page cache.
///
/// # Errors
/// A reason to skip, where the file system does not know that.
pub fn direct(file: &File) -> Result<File, Unmeasured> {
    let path = format!("/proc/self/fd/{}", file.as_raw_fd());
    let opened = OpenOptions::new().read(true).write(true).custom_flags(libc::O_DIRECT).open(path);
    opened.map_err(skip("this file system cannot be written around the page cache (O_DIRECT)"))
}

fn fill(file: &File, size_bytes: u64, piece_bytes: usize) -> std::io::Result<()> {
    let mut piece = vec![0u8; piece_bytes.max(1)];
    fastrand::Rng::with_seed(size_bytes).fill(&mut piece);
    let mut position = 0;
    while position < size_bytes {
        let size = usize::try_from(size_bytes - position).unwrap_or(usize::MAX).min(piece.len());
        // A stamp, so that no two pieces are the same.
        for (byte, stamp) in piece.iter_mut().zip(position.to_be_bytes()) {
            *byte = stamp;
        }
        file.write_all_at(piece.get(..size).unwrap_or_default(), position)?;
        position += size as u64;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_file_has_a_name_and_none_is_left() {
        let dir = tempfile::tempdir().unwrap();
        let scratch = Scratch::new(dir.path()).unwrap();
        let file = scratch.filled_file(3 * PIECE_BYTES as u64 + 5, 4096).unwrap();
        assert_eq!(file.metadata().unwrap().len(), 3 * PIECE_BYTES as u64 + 5);
        assert_eq!(std::fs::read_dir(dir.path()).unwrap().count(), 0);
    }
}

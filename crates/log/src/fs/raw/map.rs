//! Read-only maps of files that no longer change.

use std::io;
use std::ops::Deref;

use memmap2::{Mmap, MmapOptions};

use crate::fs::File;

/// The bytes of a sealed file, read without a call to the system for each look-up.
///
/// Only sealed files may be mapped: an index of a closed segment. This crate never writes into or
/// cuts a file that it has sealed; a repaired one is written anew and renamed over the old one,
/// whose bytes live on under a map. Growing files are read by [`File::read_at`].
#[derive(Debug)]
pub struct ReadOnlyMap(Mmap);

impl ReadOnlyMap {
    /// Maps the whole file as long as it is now. `None` where the file has no descriptor or is
    /// empty: then the caller reads.
    ///
    /// # Errors
    /// As the system reports it, `FileTooLarge` where the address space does not hold the file.
    pub fn of(file: &dyn File) -> io::Result<Option<ReadOnlyMap>> {
        let Some(fd) = file.as_fd() else { return Ok(None) };
        let len = usize::try_from(file.len()?).map_err(|_| io::ErrorKind::FileTooLarge)?;
        if len == 0 {
            return Ok(None);
        }
        // SAFETY: the slice handed out must not change or shrink while it is borrowed. Callers map
        // sealed files only, which this crate replaces by rename and never writes or cuts in place,
        // and the directory lock keeps a second ottla or Kafka from writing them. A process that
        // ignores the lock and cuts the file makes a later access end in SIGBUS, and one that
        // overwrites it shows through; that can be had of no mapping of any file, and it is why
        // files that grow or shrink in normal work are never mapped. What is read through the map
        // is untrusted and checked like any file content, so other bytes cannot break memory safety
        // elsewhere.
        let map = unsafe { MmapOptions::new().len(len).map(&fd) }?;
        Ok(Some(ReadOnlyMap(map)))
    }
}

impl Deref for ReadOnlyMap {
    type Target = [u8];

    fn deref(&self) -> &[u8] {
        &self.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fs::{FileSystem, OpenMode, Os};

    #[test]
    fn shows_the_bytes_and_outlives_handle_and_name() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("f");
        let file = Os.open(&path, OpenMode::CreateNew).unwrap();
        file.write_all_at(b"sealed", 0).unwrap();
        let map = ReadOnlyMap::of(&*file).unwrap().unwrap();
        drop(file);
        Os.remove_file(&path).unwrap();
        assert_eq!(&*map, b"sealed");
    }

    #[test]
    fn an_empty_file_is_not_mapped() {
        let dir = tempfile::tempdir().unwrap();
        let file = Os.open(&dir.path().join("f"), OpenMode::CreateNew).unwrap();
        assert!(ReadOnlyMap::of(&*file).unwrap().is_none());
    }

    #[test]
    fn a_file_without_a_descriptor_is_not_mapped() {
        #[derive(Debug)]
        struct Elsewhere;
        impl File for Elsewhere {
            fn read_at(&self, _: &mut [u8], _: u64) -> io::Result<usize> {
                Ok(0)
            }
            fn write_all_at(&self, _: &[u8], _: u64) -> io::Result<()> {
                Ok(())
            }
            fn write_all_vectored_at(&self, _: &mut [io::IoSlice<'_>], _: u64) -> io::Result<()> {
                Ok(())
            }
            fn len(&self) -> io::Result<u64> {
                Ok(4096)
            }
            fn set_len(&self, _: u64) -> io::Result<()> {
                Ok(())
            }
            fn sync(&self) -> io::Result<()> {
                Ok(())
            }
            fn as_fd(&self) -> Option<std::os::fd::BorrowedFd<'_>> {
                None
            }
        }
        assert!(ReadOnlyMap::of(&Elsewhere).unwrap().is_none());
    }
}

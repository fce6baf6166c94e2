//! A whole file in memory, to read from or to ask about.

use std::fs::File;
use std::io;

use memmap2::Mmap;
use nix::errno::Errno;
use nix::libc;

/// A mapping of a file that nobody else has a name for, so that nobody makes it shorter.
pub struct FileMap(Mmap);

impl FileMap {
    /// Maps what the file holds now.
    ///
    /// # Errors
    /// Those of `mmap`.
    pub fn of(file: &File) -> io::Result<Self> {
        // SAFETY: the files of a run are unnamed, and the run neither writes to nor truncates one while it is mapped.
        unsafe { Mmap::map(file) }.map(Self)
    }

    /// Its bytes.
    pub fn bytes(&self) -> &[u8] {
        &self.0
    }

    /// Which part of its pages is in the page cache: 0 is none, 1 is all.
    ///
    /// # Errors
    /// Those of `mincore`.
    pub fn resident_share(&self) -> io::Result<f64> {
        let mut pages = vec![0u8; self.0.len().div_ceil(page_bytes())];
        // SAFETY: the range is a whole mapping that lives as long as `self`, and the vector has a byte for each of its pages.
        let result =
            unsafe { libc::mincore(self.0.as_ptr() as *mut libc::c_void, self.0.len(), pages.as_mut_ptr()) };
        Errno::result(result)?;
        let resident = pages.iter().filter(|page| **page & 1 == 1).count();
        Ok(resident as f64 / pages.len().max(1) as f64)
    }
}

/// The size of a page.
pub fn page_bytes() -> usize {
    let size = nix::unistd::sysconf(nix::unistd::SysconfVar::PAGE_SIZE).ok().flatten();
    size.and_then(|size| usize::try_from(size).ok()).unwrap_or(4096)
}

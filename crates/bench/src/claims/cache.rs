//! What of a file is in the page cache, and how to change that.

use std::fs::File;
use std::os::unix::fs::FileExt;

use nix::fcntl::{PosixFadviseAdvice, posix_fadvise};

use super::error::{Unmeasured, doing};
use super::work::Advice;
use crate::raw::FileMap;

/// More than this in memory is not cold.
const COLD_SHARE: f64 = 0.01;

/// Evicts the file, and looks whether it is gone.
///
/// # Errors
/// A reason to skip, where the page cache does not let go.
pub fn evict(file: &File) -> Result<(), Unmeasured> {
    file.sync_data().map_err(doing("fdatasync"))?;
    posix_fadvise(file, 0, 0, PosixFadviseAdvice::POSIX_FADV_DONTNEED).map_err(doing("posix_fadvise"))?;
    let share = FileMap::of(file).and_then(|map| map.resident_share()).map_err(doing("mincore"))?;
    if share > COLD_SHARE {
        let text =
            format!("the page cache does not let go: {:.0} % of the file stayed in memory", share * 100.0);
        return Err(Unmeasured::Skipped(text));
    }
    Ok(())
}

/// Reads all of the file once.
///
/// # Errors
/// Those of reading.
pub fn warm(file: &File) -> Result<(), Unmeasured> {
    let mut buffer = vec![0; 1 << 20];
    let mut position = 0;
    loop {
        match file.read_at(&mut buffer, position).map_err(doing("reading"))? {
            0 => return Ok(()),
            read => position += read as u64,
        }
    }
}

/// Tells the kernel how the file is going to be read.
///
/// # Errors
/// Those of `posix_fadvise`.
pub fn advise(file: &File, advice: Advice) -> Result<(), Unmeasured> {
    let advice = match advice {
        Advice::Default => PosixFadviseAdvice::POSIX_FADV_NORMAL,
        Advice::Sequential => PosixFadviseAdvice::POSIX_FADV_SEQUENTIAL,
        Advice::NoReadAhead => PosixFadviseAdvice::POSIX_FADV_RANDOM,
    };
    Ok(posix_fadvise(file, 0, 0, advice).map_err(doing("posix_fadvise"))?)
}

//! Having the system begin to write a file.

use std::os::fd::{AsRawFd, BorrowedFd};

use nix::libc;

/// Has the system begin to write what it holds of the file, and does not wait.
///
/// Nothing is to be learnt from how this goes: an error of the disk is told to the `fdatasync` that follows.
pub(in crate::fs) fn begin_write_out(file: BorrowedFd<'_>) {
    const WHOLE_FILE: libc::off64_t = 0;
    // SAFETY: the descriptor is open while it is borrowed, and the call takes nothing but numbers.
    let _ = unsafe { libc::sync_file_range(file.as_raw_fd(), 0, WHOLE_FILE, libc::SYNC_FILE_RANGE_WRITE) };
}

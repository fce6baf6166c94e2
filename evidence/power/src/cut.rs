//! The power is cut: the only calls of this program that Rust cannot check.
#![expect(unsafe_code, reason = "an ioctl and a system call that nix does not wrap; the reasons stand below")]

use std::fs::File;
use std::io;
use std::os::fd::AsRawFd;
use std::path::Path;

mod raw {
    nix::ioctl_read!(shutdown, b'X', 125, u32);
}

/// Neither data nor the journal is written out any more (`FS_SHUTDOWN_FLAGS_NOLOGFLUSH`).
const NO_LOG_FLUSH: u32 = 2;

/// Stops the file system that is mounted here, at once: what is not on the device will never be, and every
/// later call fails. Mounted again, it is as after a loss of power.
///
/// # Errors
/// As the system reports it: `EPERM` without root, `ENOTTY` where the file system cannot.
pub fn power(mount: &Path) -> io::Result<()> {
    let root = File::open(mount)?;
    let mut flags = NO_LOG_FLUSH;
    // SAFETY: FS_IOC_SHUTDOWN (0x8004587d) reads one u32 through the pointer, which lives until it returns; the
    // descriptor is open. It changes no memory of this process.
    unsafe { raw::shutdown(root.as_raw_fd(), &raw mut flags) }?;
    Ok(())
}

/// Writes pages of a file out to the device now, and no others, so that they get there before older ones.
///
/// # Errors
/// As the system reports it.
pub fn write_out(file: &File, position: u64, len: u64) -> io::Result<()> {
    let (Ok(position), Ok(len)) = (i64::try_from(position), i64::try_from(len)) else {
        return Err(io::ErrorKind::InvalidInput.into());
    };
    let flags = nix::libc::SYNC_FILE_RANGE_WAIT_BEFORE
        | nix::libc::SYNC_FILE_RANGE_WRITE
        | nix::libc::SYNC_FILE_RANGE_WAIT_AFTER;
    // SAFETY: it takes numbers only, and the descriptor is open; no memory of this process is involved.
    let done = unsafe { nix::libc::sync_file_range(file.as_raw_fd(), position, len, flags) };
    if done == 0 { Ok(()) } else { Err(io::Error::last_os_error()) }
}

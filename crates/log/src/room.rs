//! A full disk. The append that meets it is refused and leaves nothing behind; those after it are refused
//! without touching a file, until a look at the disk tells that there is room again.

use std::io;
use std::sync::Arc;

use crate::error::{Error, Result};
use crate::segment::Home;
use crate::sync::atomic::{AtomicBool, Ordering};

/// What one log knows of the room on its disk.
#[derive(Debug, Default)]
pub(crate) struct Room {
    full: AtomicBool,
}

impl Room {
    /// Refuses an append that a disk which was full before still has no room for.
    pub(crate) fn check(&self, home: &Home, needed_bytes: u64) -> Result<()> {
        if !self.full.load(Ordering::Relaxed) {
            return Ok(());
        }
        match home.fs.free_bytes(&home.dir) {
            Ok(Some(free_bytes)) if free_bytes < needed_bytes => {
                let source = Arc::new(io::Error::from(io::ErrorKind::StorageFull));
                Err(Error::DiskFull {
                    path: home.dir.clone(),
                    needed_bytes,
                    free_bytes: Some(free_bytes),
                    source,
                })
            }
            // Where nobody can tell, trying does.
            _ => Ok(()),
        }
    }

    /// Says of an append that failed for want of room what was needed and what there is. Other failures, and
    /// one after which the files are in doubt, stay as they are.
    pub(crate) fn explain(&self, home: &Home, error: Error, needed_bytes: u64) -> Error {
        let is_full = error.is_disk_full();
        let (path, source) = match error {
            Error::Io { action, path, source } if is_full && action != "cut back" => (path, source),
            _ => return error,
        };
        let free_bytes = home.fs.free_bytes(&home.dir).ok().flatten();
        if !self.full.swap(true, Ordering::Relaxed) {
            tracing::error!(path = %path.display(), needed_bytes, free_bytes, "the disk is full: appends wait for room");
        }
        Error::DiskFull { path, needed_bytes, free_bytes, source }
    }

    /// An append has found room.
    pub(crate) fn found(&self, home: &Home) {
        if self.full.load(Ordering::Relaxed) {
            self.full.store(false, Ordering::Relaxed);
            tracing::info!(dir = %home.dir.display(), "there is room on the disk again");
        }
    }
}

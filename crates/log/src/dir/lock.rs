//! `.lock`: one process writes a data directory at a time, be it ottla or Apache Kafka.

use std::io;
use std::path::{Path, PathBuf};

use crate::fs::{FileSystem, Lock};
use crate::{Error, Result};

const FILE_NAME: &str = ".lock";

/// The right to write a data directory, while this value lives.
///
/// The file stays when the lock goes: removing it would let two others hold "the" lock, one on the
/// old file and one on a new one.
#[derive(Debug)]
pub struct DirLock {
    path: PathBuf,
    _lock: Box<dyn Lock>,
}

impl DirLock {
    /// Takes the lock, or says at once that it is held.
    ///
    /// # Errors
    /// [`Error::Locked`] while another process, Apache Kafka or another value in this process writes
    /// the directory; [`Error::Io`] for what else the system refuses.
    pub fn acquire(fs: &dyn FileSystem, data_dir: &Path) -> Result<DirLock> {
        let path = data_dir.join(FILE_NAME);
        match fs.lock(&path) {
            Ok(lock) => Ok(DirLock { path, _lock: lock }),
            Err(e) if e.kind() == io::ErrorKind::WouldBlock => Err(Error::Locked { path }),
            Err(e) => Err(Error::io("lock", path, e)),
        }
    }

    /// Whether anybody holds the lock now, where the system can tell. Nothing is created or kept from anybody.
    ///
    /// # Errors
    /// As the system reports it.
    pub fn is_held(fs: &dyn FileSystem, data_dir: &Path) -> Result<bool> {
        let path = data_dir.join(FILE_NAME);
        fs.is_locked(&path).map_err(|e| Error::io("look at", path, e))
    }

    /// The lock file.
    pub fn path(&self) -> &Path {
        &self.path
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fs::Os;

    #[test]
    fn a_directory_has_one_writer_at_a_time() {
        let dir = tempfile::tempdir().unwrap();
        let held = DirLock::acquire(&Os, dir.path()).unwrap();
        let Err(Error::Locked { path }) = DirLock::acquire(&Os, dir.path()) else { panic!("not locked") };
        assert_eq!(path, dir.path().join(".lock"));
        assert_eq!(held.path(), path);
        drop(held);
        DirLock::acquire(&Os, dir.path()).unwrap();
    }

    #[test]
    fn a_missing_directory_is_not_a_held_lock() {
        let dir = tempfile::tempdir().unwrap();
        let found = DirLock::acquire(&Os, &dir.path().join("none")).unwrap_err();
        assert!(matches!(found, Error::Io { action: "lock", .. }));
    }
}

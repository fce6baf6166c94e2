//! Directories that are there after a crash.

use std::io;
use std::path::Path;

use super::whole_file::parent;
use crate::fs::FileSystem;
use crate::{Error, Result};

/// Makes a directory, and those above it, durably. Tells whether it was not there.
///
/// # Errors
/// [`Error::Io`] naming the directory.
pub fn make_dir(fs: &dyn FileSystem, path: &Path) -> Result<bool> {
    let mut missing = Vec::new();
    let mut at = path;
    while let Err(e) = fs.metadata(at) {
        if e.kind() != io::ErrorKind::NotFound {
            return Err(Error::io("look at", at, e));
        }
        missing.push(at);
        if parent(at) == at {
            break;
        }
        at = parent(at);
    }
    if missing.is_empty() {
        return Ok(false);
    }
    fs.create_dir_all(path).map_err(|e| Error::io("make", path, e))?;
    for made in missing.iter().rev() {
        let holder = parent(made);
        fs.sync_dir(holder).map_err(|e| Error::io("sync the directory", holder, e))?;
    }
    Ok(true)
}

/// Makes the name of a directory durable, which a process may have made that was killed before it could. Whoever may
/// not read the directory above, or is on a disk of its own below one that is read-only, has not made it.
///
/// # Errors
/// [`Error::Io`] naming the directory above.
pub(crate) fn settle_dir(fs: &dyn FileSystem, path: &Path) -> Result<()> {
    let holder = parent(path);
    match fs.sync_dir(holder) {
        Err(e) if matches!(e.kind(), io::ErrorKind::PermissionDenied | io::ErrorKind::ReadOnlyFilesystem) => {
            Ok(())
        }
        synced => synced.map_err(|e| Error::io("sync the directory", holder, e)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fs::Os;

    #[test]
    fn all_directories_on_the_way_are_made_once() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("a/b/c");
        assert!(make_dir(&Os, &path).unwrap());
        assert!(!make_dir(&Os, &path).unwrap());
        assert!(Os.metadata(&path).unwrap().is_dir);
    }

    #[test]
    fn a_file_in_the_way_is_named() {
        let dir = tempfile::tempdir().unwrap();
        let file = dir.path().join("f");
        Os.open(&file, crate::fs::OpenMode::CreateNew).unwrap();
        assert!(matches!(make_dir(&Os, &file.join("below")), Err(Error::Io { .. })));
    }
}

//! Small files are read whole and replaced whole, so that a crash leaves the old or the new one.

use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use crate::fs::{File, FileSystem, OpenMode};
use crate::{Corruption, Error, Result};

/// The largest file that [`read_whole`] takes: far above a checkpoint of every partition that fits a
/// machine, and below what would hurt one.
pub const MAX_WHOLE_FILE_BYTES: u64 = 64 << 20;

/// The bytes of a small file; `None` where there is none.
///
/// # Errors
/// [`Error::Corrupt`] for a file larger than [`MAX_WHOLE_FILE_BYTES`], [`Error::Io`] for what the
/// system refuses.
pub fn read_whole(fs: &dyn FileSystem, path: &Path) -> Result<Option<Vec<u8>>> {
    let file = match fs.open(path, OpenMode::Read) {
        Ok(file) => file,
        Err(e) if e.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(e) => return Err(Error::io("open", path, e)),
    };
    let len = file.len().map_err(|e| Error::io("read the length of", path, e))?;
    let buffer_len = usize::try_from(len).ok().filter(|_| len <= MAX_WHOLE_FILE_BYTES);
    let Some(buffer_len) = buffer_len else { return Err(too_large(path, len).into()) };
    let mut bytes = vec![0; buffer_len];
    file.read_exact_at(&mut bytes, 0).map_err(|e| Error::io("read", path, e))?;
    Ok(Some(bytes))
}

fn too_large(path: &Path, len: u64) -> Corruption {
    Corruption {
        path: path.to_path_buf(),
        position: None,
        what: "the file is too large",
        expected: format!("at most {MAX_WHOLE_FILE_BYTES} bytes"),
        found: format!("{len} bytes"),
        advice: "find out what wrote it, and restore it from a backup",
    }
}

/// Replaces a small file, durably: when this returns, a crash brings the new bytes back, and at every
/// moment before it the old or the new ones, whole. The bytes go to `<name>.tmp` first, as Kafka does;
/// what a crash leaves there is written over by the next call. One writer of a path at a time.
///
/// # Errors
/// [`Error::Io`] naming the step. The file then shows the old or the new bytes, and which of them a
/// crash brings back is not known until a later call succeeds.
pub fn write_atomically(fs: &dyn FileSystem, path: &Path, bytes: &[u8]) -> Result<()> {
    let temp = temp_path(path);
    let step = |action, path: &Path, result: io::Result<()>| result.map_err(|e| Error::io(action, path, e));
    let file = create_anew(fs, &temp).map_err(|e| Error::io("create", &temp, e))?;
    step("write", &temp, fill(&*file, bytes))?;
    step("rename over its old version", path, fs.rename(&temp, path))?;
    let dir = parent(path);
    step("sync the directory", dir, fs.sync_dir(dir))
}

/// What a crash has left under this name goes first: it may be the file itself, under both its names, and
/// writing into that would tear what is to be replaced.
fn create_anew(fs: &dyn FileSystem, path: &Path) -> io::Result<Arc<dyn File>> {
    match fs.open(path, OpenMode::CreateNew) {
        Err(e) if e.kind() == io::ErrorKind::AlreadyExists => {
            fs.remove_file(path)?;
            fs.open(path, OpenMode::CreateNew)
        }
        opened => opened,
    }
}

fn fill(file: &dyn File, bytes: &[u8]) -> io::Result<()> {
    file.write_all_at(bytes, 0)?;
    file.sync()
}

/// The directory that holds the name.
pub(super) fn parent(path: &Path) -> &Path {
    match path.parent() {
        Some(dir) if dir != Path::new("") => dir,
        _ => Path::new("."),
    }
}

fn temp_path(path: &Path) -> PathBuf {
    let mut name = path.as_os_str().to_os_string();
    name.push(".tmp");
    name.into()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fs::Os;

    #[test]
    fn a_missing_file_is_none_and_an_empty_one_is_empty() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("f");
        assert_eq!(read_whole(&Os, &path).unwrap(), None);
        write_atomically(&Os, &path, b"").unwrap();
        assert_eq!(read_whole(&Os, &path).unwrap(), Some(vec![]));
    }

    #[test]
    fn writing_replaces_all_of_it_and_leaves_no_temporary_file() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("f");
        let left = Os.open(&dir.path().join("f.tmp"), OpenMode::Create).unwrap();
        left.write_all_at(b"left by a crash, longer than what comes", 0).unwrap();
        write_atomically(&Os, &path, b"a longer first version").unwrap();
        assert_eq!(read_whole(&Os, &path).unwrap().unwrap(), b"a longer first version");
        write_atomically(&Os, &path, b"second").unwrap();
        assert_eq!(read_whole(&Os, &path).unwrap().unwrap(), b"second");
        assert_eq!(Os.read_dir(dir.path()).unwrap().len(), 1);
    }

    #[test]
    fn a_file_of_absurd_length_is_refused_before_anything_is_allocated() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("f");
        Os.open(&path, OpenMode::Create).unwrap().set_len(1 << 40).unwrap();
        assert!(matches!(read_whole(&Os, &path), Err(Error::Corrupt(c)) if c.path == path));
    }

    #[test]
    fn errors_name_the_step_and_the_file() {
        let dir = tempfile::tempdir().unwrap();
        let missing = dir.path().join("none/f");
        let Error::Io { action, path, .. } = write_atomically(&Os, &missing, b"x").unwrap_err() else {
            panic!("not an I/O error")
        };
        assert_eq!((action, path), ("create", dir.path().join("none/f.tmp")));
    }

    #[test]
    fn what_cannot_be_opened_is_not_taken_for_missing() {
        let dir = tempfile::tempdir().unwrap();
        write_atomically(&Os, &dir.path().join("f"), b"x").unwrap();
        let below_a_file = dir.path().join("f/g");
        assert!(matches!(read_whole(&Os, &below_a_file), Err(Error::Io { action: "open", .. })));
    }

    #[test]
    fn the_directory_of_a_bare_name_is_here() {
        assert_eq!(parent(Path::new("f")), Path::new("."));
        assert_eq!(parent(Path::new("a/f")), Path::new("a"));
        assert_eq!(parent(Path::new("/f")), Path::new("/"));
    }
}

//! The operating system's file system, and the only code of ottla that calls it.

#![expect(clippy::disallowed_methods, reason = "this is the seam that all other code goes through")]

use std::fs::{self, DirBuilder, File as StdFile, OpenOptions};
use std::io::{self, IoSlice};
use std::os::fd::{AsFd, BorrowedFd};
use std::os::unix::fs::{DirBuilderExt, FileExt, MetadataExt, OpenOptionsExt};
use std::path::Path;
use std::sync::Arc;

use nix::errno::Errno;
use nix::sys::resource::{Resource, getrlimit};
use nix::sys::statvfs::statvfs;
use nix::sys::uio::pwritev;

use super::os_lock::{OsLock, is_locked};
use super::raw::begin_write_out;
use super::{DirEntry, File, FileSystem, Lock, Metadata, OpenMode};

/// New files are for their owner only.
const FILE_MODE: u32 = 0o600;
/// New directories are for their owner only.
const DIR_MODE: u32 = 0o700;
/// Linux takes this many buffers in one call (`UIO_MAXIOV`); more is refused with `EINVAL`.
const MAX_BUFFERS_A_CALL: usize = 1024;

/// The operating system's files. New files get mode 0600, new directories 0700.
///
/// ```
/// use ottla::fs::{File, FileSystem, OpenMode, Os};
/// let dir = tempfile::tempdir()?;
/// let file = Os.open(&dir.path().join("greeting"), OpenMode::CreateNew)?;
/// file.write_all_at(b"ahoj", 0)?;
/// file.sync()?;
/// Os.sync_dir(dir.path())?;
/// assert_eq!(Os.read_dir(dir.path())?.len(), 1);
/// # Ok::<(), std::io::Error>(())
/// ```
#[derive(Clone, Copy, Debug, Default)]
pub struct Os;

/// Whether both are names of one file, as a crash during a rename may have left it. Renaming one to the other
/// does nothing then, says POSIX, and leaves both.
fn is_same_file(from: &Path, to: &Path) -> bool {
    let inode = |path| {
        let found = fs::symlink_metadata(path).ok().filter(|found| found.nlink() > 1 && !found.is_dir());
        found.map(|found| (found.dev(), found.ino()))
    };
    from != to && inode(from).is_some_and(|one| inode(to) == Some(one))
}

/// How many files this process may open: its soft limit, or what Linux gives a process that nobody configured.
pub fn open_files_limit() -> usize {
    const USUAL: usize = 1_024;
    let limit = getrlimit(Resource::RLIMIT_NOFILE).ok();
    limit.and_then(|(soft, _)| usize::try_from(soft).ok()).unwrap_or(USUAL)
}

impl FileSystem for Os {
    fn open(&self, path: &Path, mode: OpenMode) -> io::Result<Arc<dyn File>> {
        let mut options = OpenOptions::new();
        options.read(true).write(mode != OpenMode::Read).mode(FILE_MODE);
        match mode {
            OpenMode::Read | OpenMode::ReadWrite => {}
            OpenMode::Create => {
                options.create(true).truncate(false);
            }
            OpenMode::CreateNew => {
                options.create_new(true);
            }
        }
        Ok(Arc::new(OsFile(options.open(path)?)))
    }

    fn read_dir(&self, path: &Path) -> io::Result<Vec<DirEntry>> {
        let mut entries = Vec::new();
        for entry in fs::read_dir(path)? {
            let entry = entry?;
            let Ok(name) = entry.file_name().into_string() else { continue };
            let is_dir = match entry.file_type() {
                Ok(kind) if !kind.is_symlink() => kind.is_dir(),
                _ => fs::metadata(entry.path()).is_ok_and(|target| target.is_dir()),
            };
            entries.push(DirEntry { name, is_dir });
        }
        Ok(entries)
    }

    fn metadata(&self, path: &Path) -> io::Result<Metadata> {
        let metadata = fs::metadata(path)?;
        let modified_ms =
            metadata.mtime().saturating_mul(1000).saturating_add(metadata.mtime_nsec() / 1_000_000);
        Ok(Metadata { len: metadata.len(), modified_ms, is_dir: metadata.is_dir() })
    }

    fn create_dir_all(&self, path: &Path) -> io::Result<()> {
        DirBuilder::new().recursive(true).mode(DIR_MODE).create(path)
    }

    fn rename(&self, from: &Path, to: &Path) -> io::Result<()> {
        if is_same_file(from, to) { fs::remove_file(from) } else { fs::rename(from, to) }
    }

    fn remove_file(&self, path: &Path) -> io::Result<()> {
        fs::remove_file(path)
    }

    fn remove_dir(&self, path: &Path) -> io::Result<()> {
        fs::remove_dir(path)
    }

    fn sync_dir(&self, path: &Path) -> io::Result<()> {
        StdFile::open(path)?.sync_all()
    }

    fn lock(&self, path: &Path) -> io::Result<Box<dyn Lock>> {
        let open = || {
            let mut options = OpenOptions::new();
            options.read(true).write(true).create(true).truncate(false).mode(FILE_MODE).open(path)
        };
        Ok(Box::new(OsLock::acquire(open, || fs::metadata(path))?))
    }

    fn free_bytes(&self, dir: &Path) -> io::Result<Option<u64>> {
        let found = statvfs(dir)?;
        // File systems that do not count blocks tell zero of zero.
        Ok((found.blocks() > 0).then(|| found.blocks_available().saturating_mul(found.fragment_size())))
    }

    fn is_locked(&self, path: &Path) -> io::Result<bool> {
        match StdFile::open(path) {
            Ok(file) => is_locked(&file),
            Err(e) if e.kind() == io::ErrorKind::NotFound => Ok(false),
            Err(e) => Err(e),
        }
    }
}

#[derive(Debug)]
struct OsFile(StdFile);

impl File for OsFile {
    fn read_at(&self, buf: &mut [u8], position: u64) -> io::Result<usize> {
        loop {
            match self.0.read_at(buf, position) {
                Err(e) if e.kind() == io::ErrorKind::Interrupted => {}
                result => return result,
            }
        }
    }

    fn write_all_at(&self, buf: &[u8], position: u64) -> io::Result<()> {
        self.0.write_all_at(buf, position)
    }

    fn write_all_vectored_at(&self, bufs: &mut [IoSlice<'_>], position: u64) -> io::Result<()> {
        let mut rest = bufs;
        let mut position = i64::try_from(position).map_err(|_| io::ErrorKind::InvalidInput)?;
        // Empty buffers in front would look like a write that makes no progress.
        IoSlice::advance_slices(&mut rest, 0);
        while !rest.is_empty() {
            let (batch, _) = rest.split_at(rest.len().min(MAX_BUFFERS_A_CALL));
            match pwritev(&self.0, batch, position) {
                Ok(0) => return Err(io::ErrorKind::WriteZero.into()),
                Ok(written) => {
                    position = i64::try_from(written)
                        .ok()
                        .and_then(|written| position.checked_add(written))
                        .ok_or(io::ErrorKind::FileTooLarge)?;
                    IoSlice::advance_slices(&mut rest, written);
                }
                Err(Errno::EINTR) => {}
                Err(e) => return Err(e.into()),
            }
        }
        Ok(())
    }

    fn len(&self) -> io::Result<u64> {
        Ok(self.0.metadata()?.len())
    }

    fn set_len(&self, len: u64) -> io::Result<()> {
        self.0.set_len(len)
    }

    fn sync(&self) -> io::Result<()> {
        self.0.sync_data()
    }

    fn begin_sync(&self) {
        begin_write_out(self.0.as_fd());
    }

    fn as_fd(&self) -> Option<BorrowedFd<'_>> {
        Some(self.0.as_fd())
    }
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt;

    use super::*;

    fn create(dir: &Path, name: &str) -> Arc<dyn File> {
        Os.open(&dir.join(name), OpenMode::CreateNew).unwrap()
    }

    fn content(file: &dyn File) -> Vec<u8> {
        let mut bytes = vec![0; usize::try_from(file.len().unwrap()).unwrap()];
        file.read_exact_at(&mut bytes, 0).unwrap();
        bytes
    }

    #[test]
    fn each_open_mode_wants_or_makes_the_file_as_it_says() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("f");
        let kind = |mode| Os.open(&path, mode).map(|_| ()).map_err(|e| e.kind());
        assert_eq!(kind(OpenMode::Read), Err(io::ErrorKind::NotFound));
        assert_eq!(kind(OpenMode::ReadWrite), Err(io::ErrorKind::NotFound));
        assert_eq!(kind(OpenMode::CreateNew), Ok(()));
        assert_eq!(kind(OpenMode::CreateNew), Err(io::ErrorKind::AlreadyExists));
        Os.open(&path, OpenMode::ReadWrite).unwrap().write_all_at(b"kept", 0).unwrap();
        let again = Os.open(&path, OpenMode::Create).unwrap();
        assert_eq!(content(&*again), b"kept");
        assert!(Os.open(&path, OpenMode::Read).unwrap().write_all_at(b"x", 0).is_err());
    }

    #[test]
    fn what_is_made_belongs_to_its_owner_alone() {
        let dir = tempfile::tempdir().unwrap();
        let inner = dir.path().join("a/b");
        Os.create_dir_all(&inner).unwrap();
        Os.create_dir_all(&inner).unwrap();
        create(&inner, "f");
        let mode = |path: &Path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
        assert_eq!(mode(&inner), 0o700);
        assert_eq!(mode(&dir.path().join("a")), 0o700);
        assert_eq!(mode(&inner.join("f")), 0o600);
    }

    #[test]
    fn vectored_writes_pass_the_limit_of_one_call_and_skip_empty_buffers() {
        let dir = tempfile::tempdir().unwrap();
        let file = create(dir.path(), "f");
        let parts: Vec<Vec<u8>> = (0..3000_u32).map(|i| vec![i.to_be_bytes()[3]; (i % 4) as usize]).collect();
        let mut slices: Vec<IoSlice<'_>> = parts.iter().map(|part| IoSlice::new(part)).collect();
        file.write_all_at(b"head", 0).unwrap();
        file.write_all_vectored_at(&mut slices, 4).unwrap();
        let mut expected = b"head".to_vec();
        expected.extend(parts.concat());
        assert_eq!(content(&*file), expected);
        file.write_all_vectored_at(&mut [], 0).unwrap();
        file.write_all_vectored_at(&mut [IoSlice::new(b"")], 0).unwrap();
        assert_eq!(content(&*file), expected);
    }

    #[test]
    fn a_position_past_what_a_file_can_hold_is_refused() {
        let dir = tempfile::tempdir().unwrap();
        let file = create(dir.path(), "f");
        assert!(file.write_all_vectored_at(&mut [IoSlice::new(b"x")], u64::MAX).is_err());
        assert!(file.write_all_vectored_at(&mut [IoSlice::new(b"x")], i64::MAX as u64).is_err());
    }

    #[test]
    fn growing_by_set_len_reads_as_zeros_and_cutting_cuts() {
        let dir = tempfile::tempdir().unwrap();
        let file = create(dir.path(), "f");
        assert!(file.is_empty().unwrap());
        file.write_all_at(b"abc", 0).unwrap();
        file.set_len(5).unwrap();
        assert_eq!(content(&*file), b"abc\0\0");
        file.set_len(2).unwrap();
        assert_eq!(content(&*file), b"ab");
        let mut buf = [0; 3];
        assert_eq!(file.read_exact_at(&mut buf, 0).unwrap_err().kind(), io::ErrorKind::UnexpectedEof);
        assert_eq!(file.read_at(&mut buf, 9).unwrap(), 0);
    }

    #[test]
    fn listing_tells_directories_follows_links_and_leaves_out_names_that_are_not_text() {
        use std::ffi::OsStr;
        use std::os::unix::ffi::OsStrExt;
        let dir = tempfile::tempdir().unwrap();
        create(dir.path(), "file");
        Os.create_dir_all(&dir.path().join("dir")).unwrap();
        std::os::unix::fs::symlink(dir.path().join("dir"), dir.path().join("link")).unwrap();
        std::os::unix::fs::symlink("nowhere", dir.path().join("broken")).unwrap();
        fs::write(dir.path().join(OsStr::from_bytes(b"\xff")), b"").unwrap();
        let mut found = Os.read_dir(dir.path()).unwrap();
        found.sort_by(|a, b| a.name.cmp(&b.name));
        let entry = |name: &str, is_dir| DirEntry { name: name.into(), is_dir };
        assert_eq!(
            found,
            [entry("broken", false), entry("dir", true), entry("file", false), entry("link", true)]
        );
        assert_eq!(Os.read_dir(&dir.path().join("none")).unwrap_err().kind(), io::ErrorKind::NotFound);
    }

    #[test]
    fn a_removed_file_is_still_read_through_an_open_handle() {
        let dir = tempfile::tempdir().unwrap();
        let file = create(dir.path(), "f");
        file.write_all_at(b"abc", 0).unwrap();
        Os.remove_file(&dir.path().join("f")).unwrap();
        assert_eq!(content(&*file), b"abc");
        assert!(Os.metadata(&dir.path().join("f")).is_err());
    }

    #[test]
    fn a_directory_has_some_room_and_one_that_is_missing_none() {
        let dir = tempfile::tempdir().unwrap();
        assert!(Os.free_bytes(dir.path()).unwrap().is_none_or(|free| free > 0));
        assert_eq!(Os.free_bytes(&dir.path().join("none")).unwrap_err().kind(), io::ErrorKind::NotFound);
    }

    #[test]
    fn renaming_replaces_and_a_full_directory_is_not_removed() {
        let dir = tempfile::tempdir().unwrap();
        create(dir.path(), "new").write_all_at(b"new", 0).unwrap();
        create(dir.path(), "old");
        Os.rename(&dir.path().join("new"), &dir.path().join("old")).unwrap();
        assert_eq!(Os.metadata(&dir.path().join("old")).unwrap().len, 3);
        assert_eq!(Os.remove_dir(dir.path()).unwrap_err().kind(), io::ErrorKind::DirectoryNotEmpty);
        Os.sync_dir(dir.path()).unwrap();
    }

    #[test]
    fn the_time_of_the_last_change_is_in_milliseconds() {
        let dir = tempfile::tempdir().unwrap();
        create(dir.path(), "f");
        let path = dir.path().join("f");
        let file = StdFile::options().write(true).open(&path).unwrap();
        let at = std::time::UNIX_EPOCH + std::time::Duration::from_millis(1_700_000_000_123);
        file.set_modified(at).unwrap();
        assert_eq!(Os.metadata(&path).unwrap().modified_ms, 1_700_000_000_123);
    }
}

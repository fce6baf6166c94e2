//! The lock that keeps a second writer out, be it ottla or Apache Kafka.

use std::fs::{File, Metadata};
use std::io;
use std::os::unix::fs::MetadataExt;

use super::Lock;

/// How often a lock file that is removed between opening and locking is opened anew.
const ATTEMPTS: u32 = 8;

/// An exclusive lock on a whole file, held while this value lives.
///
/// Apache Kafka locks by Java's `FileChannel.tryLock`, which is a POSIX record lock. `flock` does not
/// see those on Linux, so this is an *open file description* lock: it conflicts with POSIX locks of
/// other processes both ways, with every other lock of this kind in any process, this one too, and
/// it is not lost when another handle of the same file is closed, as a POSIX lock would be.
#[derive(Debug)]
pub(super) struct OsLock(File);

impl OsLock {
    /// Opens and locks. Kafka removes its lock file when it stops, so the locked file may have lost
    /// its name meanwhile; then the lock would keep nobody out and is taken anew on the new file.
    pub(super) fn acquire(
        open: impl Fn() -> io::Result<File>,
        named: impl Fn() -> io::Result<Metadata>,
    ) -> io::Result<OsLock> {
        for _ in 0..ATTEMPTS {
            let file = open()?;
            try_lock(&file)?;
            let lock = OsLock(file);
            match named() {
                Ok(named) if same_file(&named, &lock.0.metadata()?) => return Ok(lock),
                Err(e) if e.kind() != io::ErrorKind::NotFound => return Err(e),
                _ => {}
            }
        }
        Err(io::ErrorKind::WouldBlock.into())
    }
}

impl Lock for OsLock {}

impl Drop for OsLock {
    /// Closing would do, but for a child process that is being started and holds the same open file
    /// until it runs its program.
    fn drop(&mut self) {
        // Where unlocking fails, closing is what is left, and it follows.
        let _ = unlock(&self.0);
    }
}

fn same_file(a: &Metadata, b: &Metadata) -> bool {
    (a.dev(), a.ino()) == (b.dev(), b.ino())
}

#[cfg(any(target_os = "linux", target_os = "android"))]
pub(super) use linux::is_locked;
#[cfg(any(target_os = "linux", target_os = "android"))]
use linux::{try_lock, unlock};

#[cfg(any(target_os = "linux", target_os = "android"))]
mod linux {
    use std::fs::File;
    use std::io;

    use nix::errno::Errno;
    use nix::fcntl::{FcntlArg, fcntl};
    use nix::libc;

    pub(super) fn try_lock(file: &File) -> io::Result<()> {
        match fcntl(file, FcntlArg::F_OFD_SETLK(&whole_file(libc::F_WRLCK))) {
            Ok(_) => Ok(()),
            Err(Errno::EAGAIN | Errno::EACCES) => Err(io::ErrorKind::WouldBlock.into()),
            Err(e) => Err(e.into()),
        }
    }

    pub(super) fn unlock(file: &File) -> io::Result<()> {
        fcntl(file, FcntlArg::F_OFD_SETLK(&whole_file(libc::F_UNLCK)))?;
        Ok(())
    }

    /// Whether somebody else's lock stands on the file.
    pub(in crate::fs) fn is_locked(file: &File) -> io::Result<bool> {
        let mut found = whole_file(libc::F_WRLCK);
        fcntl(file, FcntlArg::F_OFD_GETLK(&mut found))?;
        Ok(libc::c_int::from(found.l_type) != libc::F_UNLCK)
    }

    /// Length zero reaches to the end of the file, however far that moves. The process id must be
    /// zero in a lock of this kind.
    pub(super) fn whole_file(kind: libc::c_int) -> libc::flock {
        libc::flock {
            l_type: kind as libc::c_short,
            l_whence: libc::SEEK_SET as libc::c_short,
            l_start: 0,
            l_len: 0,
            l_pid: 0,
        }
    }
}

/// Where there are no open file description locks, `flock` and record locks see each other.
#[cfg(not(any(target_os = "linux", target_os = "android")))]
fn try_lock(file: &File) -> io::Result<()> {
    Ok(file.try_lock()?)
}

#[cfg(not(any(target_os = "linux", target_os = "android")))]
fn unlock(file: &File) -> io::Result<()> {
    file.unlock()
}

/// Nobody can be asked without taking the lock.
#[cfg(not(any(target_os = "linux", target_os = "android")))]
pub(super) fn is_locked(_file: &File) -> io::Result<bool> {
    Ok(false)
}

#[cfg(test)]
#[cfg(target_os = "linux")]
mod tests {
    use std::io::{BufRead, BufReader, Read};
    use std::path::{Path, PathBuf};
    use std::process::{Child, Command, Stdio};

    use nix::fcntl::{FcntlArg, fcntl};
    use nix::libc;

    use crate::fs::{FileSystem, OpenMode, Os};

    /// Names the file that [`the_other_process`] locks.
    const LOCK_FILE: &str = "OTTLA_TEST_LOCK_FILE";

    /// Not a test of its own: the tests below run it in another process, where it takes the kind of
    /// lock that Java and so Apache Kafka takes, says how that went, and waits to be let go.
    #[test]
    fn the_other_process() {
        let Some(path) = std::env::var_os(LOCK_FILE) else { return };
        let file = std::fs::File::options().write(true).create(true).truncate(false).open(path).unwrap();
        let whole = super::linux::whole_file(libc::F_WRLCK);
        let answer = if fcntl(&file, FcntlArg::F_SETLK(&whole)).is_ok() { "locked" } else { "refused" };
        println!("\n{answer}");
        std::io::stdin().read_to_end(&mut Vec::new()).unwrap();
    }

    fn other_process(path: &Path) -> (Child, String) {
        let mut child = Command::new(std::env::current_exe().unwrap())
            .args(["--exact", "--nocapture", "fs::os_lock::tests::the_other_process"])
            .env(LOCK_FILE, path)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let lines = BufReader::new(child.stdout.take().unwrap()).lines();
        let answer = lines.map(|line| line.unwrap()).find(|line| line == "locked" || line == "refused");
        (child, answer.unwrap())
    }

    fn let_go(mut child: Child) {
        drop(child.stdin.take());
        child.wait().unwrap();
    }

    fn lock_file() -> (tempfile::TempDir, PathBuf) {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join(".lock");
        (dir, path)
    }

    #[test]
    fn a_second_lock_in_this_process_is_refused_until_the_first_is_dropped() {
        let (_dir, path) = lock_file();
        let first = Os.lock(&path).unwrap();
        assert_eq!(Os.lock(&path).unwrap_err().kind(), std::io::ErrorKind::WouldBlock);
        // A POSIX lock would be lost here.
        drop(Os.open(&path, OpenMode::Read).unwrap());
        assert_eq!(Os.lock(&path).unwrap_err().kind(), std::io::ErrorKind::WouldBlock);
        drop(first);
        Os.lock(&path).unwrap();
    }

    #[test]
    fn the_record_lock_of_another_process_is_seen() {
        let (_dir, path) = lock_file();
        let (child, answer) = other_process(&path);
        assert_eq!(answer, "locked");
        assert_eq!(Os.lock(&path).unwrap_err().kind(), std::io::ErrorKind::WouldBlock);
        assert!(Os.is_locked(&path).unwrap());
        let_go(child);
        assert!(!Os.is_locked(&path).unwrap());
        Os.lock(&path).unwrap();
    }

    #[test]
    fn asking_for_a_lock_takes_none_and_makes_no_file() {
        let (_dir, path) = lock_file();
        assert!(!Os.is_locked(&path).unwrap() && !path.exists());
        let held = Os.lock(&path).unwrap();
        assert!(Os.is_locked(&path).unwrap());
        drop(held);
        assert!(!Os.is_locked(&path).unwrap());
        Os.lock(&path).unwrap();
    }

    #[test]
    fn another_process_that_asks_for_a_record_lock_is_refused() {
        let (_dir, path) = lock_file();
        let held = Os.lock(&path).unwrap();
        let (child, answer) = other_process(&path);
        assert_eq!(answer, "refused");
        let_go(child);
        drop(held);
        let (child, answer) = other_process(&path);
        assert_eq!(answer, "locked");
        let_go(child);
    }

    #[test]
    fn a_lock_file_that_lost_its_name_is_opened_anew() {
        let (dir, path) = lock_file();
        let stale = dir.path().join("stale");
        let opened = std::cell::Cell::new(0);
        let open = || {
            opened.set(opened.get() + 1);
            let path = if opened.get() == 1 { &stale } else { &path };
            std::fs::File::options().write(true).create(true).truncate(false).open(path)
        };
        let lock = super::OsLock::acquire(open, || std::fs::metadata(&path)).unwrap();
        assert_eq!(opened.get(), 2);
        assert_eq!(Os.lock(&path).unwrap_err().kind(), std::io::ErrorKind::WouldBlock);
        drop(lock);
    }
}

//! A file system whose changes stay in memory: a plan is made by doing everything here.

use std::collections::BTreeMap;
use std::io;
use std::os::fd::BorrowedFd;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use ottla::fs::{DirEntry, File, FileSystem, Lock, Metadata, OpenMode};

/// The files of `below`, with changes on top that `below` never sees. Directories are not renamed.
#[derive(Debug)]
pub(super) struct Overlay {
    below: Arc<dyn FileSystem>,
    /// What a name stands for now; `None` where it is gone.
    changed: Mutex<BTreeMap<PathBuf, Option<Arc<OverlaidFile>>>>,
}

impl Overlay {
    /// An overlay without changes.
    pub(super) fn new(below: Arc<dyn FileSystem>) -> Overlay {
        Overlay { below, changed: Mutex::default() }
    }

    fn changed(&self) -> MutexGuard<'_, BTreeMap<PathBuf, Option<Arc<OverlaidFile>>>> {
        self.changed.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The file as it stands now, ready to be changed.
    fn overlaid(&self, path: &Path) -> io::Result<Arc<OverlaidFile>> {
        if let Some(known) = self.changed().get(path) {
            return known.clone().ok_or_else(|| io::ErrorKind::NotFound.into());
        }
        let below = self.below.open(path, OpenMode::Read)?;
        let kept = below.len()?;
        let state = Mutex::new(Content { kept, added: Vec::new() });
        Ok(Arc::new(OverlaidFile { below: Some(below), state }))
    }

    fn is_below(&self, path: &Path) -> bool {
        self.below.metadata(path).is_ok()
    }
}

impl FileSystem for Overlay {
    fn open(&self, path: &Path, mode: OpenMode) -> io::Result<Arc<dyn File>> {
        let file = match (self.overlaid(path), mode) {
            (Ok(_), OpenMode::CreateNew) => return Err(io::ErrorKind::AlreadyExists.into()),
            (Ok(file), OpenMode::Read) => return Ok(file),
            (Ok(file), OpenMode::ReadWrite | OpenMode::Create) => file,
            (Err(e), OpenMode::Create | OpenMode::CreateNew) if e.kind() == io::ErrorKind::NotFound => {
                Arc::new(OverlaidFile { below: None, state: Mutex::default() })
            }
            (Err(e), _) => return Err(e),
        };
        self.changed().insert(path.to_path_buf(), Some(file.clone()));
        Ok(file)
    }

    fn read_dir(&self, path: &Path) -> io::Result<Vec<DirEntry>> {
        let mut entries = self.below.read_dir(path)?;
        let changed = self.changed();
        entries.retain(|entry| !changed.contains_key(&path.join(&entry.name)));
        let here = changed.iter().filter(|(file, now)| now.is_some() && file.parent() == Some(path));
        entries.extend(here.filter_map(|(file, _)| {
            Some(DirEntry { name: file.file_name()?.to_str()?.to_owned(), is_dir: false })
        }));
        Ok(entries)
    }

    fn metadata(&self, path: &Path) -> io::Result<Metadata> {
        match self.changed().get(path) {
            None => self.below.metadata(path),
            Some(None) => Err(io::ErrorKind::NotFound.into()),
            Some(Some(file)) => Ok(Metadata { len: file.len()?, modified_ms: 0, is_dir: false }),
        }
    }

    fn create_dir_all(&self, path: &Path) -> io::Result<()> {
        if self.is_below(path) { Ok(()) } else { Err(io::ErrorKind::Unsupported.into()) }
    }

    fn rename(&self, from: &Path, to: &Path) -> io::Result<()> {
        let file = self.overlaid(from)?;
        let mut changed = self.changed();
        changed.insert(from.to_path_buf(), None);
        changed.insert(to.to_path_buf(), Some(file));
        Ok(())
    }

    fn remove_file(&self, path: &Path) -> io::Result<()> {
        self.overlaid(path)?;
        self.changed().insert(path.to_path_buf(), None);
        Ok(())
    }

    fn remove_dir(&self, _path: &Path) -> io::Result<()> {
        Ok(())
    }

    fn sync_dir(&self, _path: &Path) -> io::Result<()> {
        Ok(())
    }

    fn lock(&self, path: &Path) -> io::Result<Box<dyn Lock>> {
        self.below.lock(path)
    }
}

/// The first bytes of a file below, and what was written behind them.
#[derive(Debug)]
struct OverlaidFile {
    below: Option<Arc<dyn File>>,
    state: Mutex<Content>,
}

#[derive(Debug, Default)]
struct Content {
    /// So many bytes are those of the file below.
    kept: u64,
    added: Vec<u8>,
}

impl Content {
    fn len(&self) -> u64 {
        self.kept + self.added.len() as u64
    }

    fn set_len(&mut self, len: u64) -> io::Result<()> {
        let Some(added) = len.checked_sub(self.kept) else {
            self.kept = len;
            self.added.clear();
            return Ok(());
        };
        let added = usize::try_from(added).map_err(|_| io::ErrorKind::StorageFull)?;
        self.added.resize(added, 0);
        Ok(())
    }
}

impl OverlaidFile {
    fn content(&self) -> MutexGuard<'_, Content> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl File for OverlaidFile {
    fn read_at(&self, buf: &mut [u8], position: u64) -> io::Result<usize> {
        let content = self.content();
        if position < content.kept {
            let length = (content.kept - position).min(buf.len() as u64) as usize;
            let (part, below) = (buf.get_mut(..length).unwrap_or(&mut []), self.below.as_ref());
            return below.map_or(Ok(0), |below| below.read_at(part, position));
        }
        let start = usize::try_from(position - content.kept).unwrap_or(usize::MAX);
        let added = content.added.get(start..).unwrap_or_default();
        let length = added.len().min(buf.len());
        for (to, from) in buf.iter_mut().zip(added) {
            *to = *from;
        }
        Ok(length)
    }

    fn write_all_at(&self, buf: &[u8], position: u64) -> io::Result<()> {
        let mut content = self.content();
        // Files are cut and written whole here; nothing writes into the middle of a log.
        let start = position.checked_sub(content.kept).and_then(|start| usize::try_from(start).ok());
        let start = start.ok_or(io::ErrorKind::Unsupported)?;
        let end = start.checked_add(buf.len()).ok_or(io::ErrorKind::StorageFull)?;
        if content.added.len() < end {
            content.added.resize(end, 0);
        }
        content.added.get_mut(start..end).unwrap_or(&mut []).copy_from_slice(buf);
        Ok(())
    }

    fn write_all_vectored_at(&self, bufs: &mut [io::IoSlice<'_>], position: u64) -> io::Result<()> {
        let mut at = position;
        for buf in bufs {
            self.write_all_at(buf, at)?;
            at += buf.len() as u64;
        }
        Ok(())
    }

    fn len(&self) -> io::Result<u64> {
        Ok(self.content().len())
    }

    fn set_len(&self, len: u64) -> io::Result<()> {
        self.content().set_len(len)
    }

    fn sync(&self) -> io::Result<()> {
        Ok(())
    }

    fn as_fd(&self) -> Option<BorrowedFd<'_>> {
        None
    }
}

#[cfg(test)]
mod tests {
    use ottla::dir::{read_whole, write_atomically};
    use ottla::fs::Os;

    use super::*;

    fn names(fs: &dyn FileSystem, dir: &Path) -> Vec<String> {
        let mut names: Vec<_> = fs.read_dir(dir).unwrap().into_iter().map(|entry| entry.name).collect();
        names.sort();
        names
    }

    #[test]
    fn changes_are_seen_through_it_and_nowhere_else() {
        let dir = tempfile::tempdir().unwrap();
        let at = |name: &str| dir.path().join(name);
        for name in ["a", "b", "c", "d.tmp"] {
            write_atomically(&Os, &at(name), b"0123456789").unwrap();
        }
        let fs = Overlay::new(Arc::new(Os));
        fs.remove_file(&at("a")).unwrap();
        fs.rename(&at("b"), &at("e")).unwrap();
        fs.open(&at("c"), OpenMode::ReadWrite).unwrap().set_len(4).unwrap();
        write_atomically(&fs, &at("d"), b"new").unwrap();
        assert_eq!(names(&fs, dir.path()), ["c", "d", "e"]);
        let read = |name: &str| read_whole(&fs, &at(name)).unwrap();
        assert_eq!(read("a"), None);
        assert_eq!(read("c").unwrap(), b"0123");
        assert_eq!(read("d").unwrap(), b"new");
        assert_eq!(read("e").unwrap(), b"0123456789");
        assert_eq!(fs.metadata(&at("c")).unwrap().len, 4);
        assert_eq!(fs.open(&at("b"), OpenMode::Read).unwrap_err().kind(), io::ErrorKind::NotFound);
        assert_eq!(names(&Os, dir.path()), ["a", "b", "c", "d.tmp"]);
        assert_eq!(read_whole(&Os, &at("c")).unwrap().unwrap().len(), 10);
    }
}

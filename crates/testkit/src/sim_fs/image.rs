//! A directory tree as a value: to compare, to start a [`SimFs`](super::SimFs) from, and to carry
//! between it and a real directory.

#![expect(clippy::disallowed_methods, reason = "tests carry trees to and from real directories")]

use std::collections::BTreeMap;
use std::fmt;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::path::components;

/// What stands under one path.
#[derive(Clone, PartialEq, Eq)]
pub enum Entry {
    /// A file with these bytes.
    File(Arc<Vec<u8>>),
    /// A directory.
    Dir,
}

impl fmt::Debug for Entry {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Entry::File(bytes) if bytes.len() <= 64 => write!(f, "\"{}\"", bytes.escape_ascii()),
            Entry::File(bytes) => write!(f, "{} bytes", bytes.len()),
            Entry::Dir => write!(f, "directory"),
        }
    }
}

/// A directory tree. Paths begin at `/`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Image(BTreeMap<PathBuf, Entry>);

impl Image {
    /// Every path below the root and what stands there, directories before what they hold.
    pub fn entries(&self) -> impl Iterator<Item = (&Path, &Entry)> {
        self.0.iter().map(|(path, entry)| (path.as_path(), entry))
    }

    /// The bytes of a file.
    pub fn read(&self, path: impl AsRef<Path>) -> Option<&[u8]> {
        match self.0.get(path.as_ref())? {
            Entry::File(bytes) => Some(bytes),
            Entry::Dir => None,
        }
    }

    /// Puts a file there.
    ///
    /// # Panics
    /// On a path with `..` in it or that is not UTF-8.
    pub fn put(&mut self, path: impl AsRef<Path>, bytes: impl Into<Vec<u8>>) {
        let names = components(path.as_ref()).expect("a plain path");
        let path = names.iter().fold(PathBuf::from("/"), |path, name| path.join(name));
        self.insert(path, Entry::File(Arc::new(bytes.into())));
    }

    /// Takes a path away, and all below it. Tells whether there was anything.
    pub fn remove(&mut self, path: impl AsRef<Path>) -> bool {
        let before = self.0.len();
        self.0.retain(|found, _| !found.starts_with(path.as_ref()));
        self.0.len() < before
    }

    pub(super) fn insert(&mut self, path: PathBuf, entry: Entry) {
        self.0.insert(path, entry);
    }

    /// The tree of a real directory, put at `at`.
    ///
    /// # Errors
    /// As the system reports it.
    pub fn read_from(real_dir: &Path, at: impl AsRef<Path>) -> io::Result<Image> {
        let mut image = Image::default();
        image.collect(real_dir, &Path::new("/").join(at))?;
        Ok(image)
    }

    fn collect(&mut self, real: &Path, at: &Path) -> io::Result<()> {
        if fs::metadata(real)?.is_file() {
            self.put(at, fs::read(real)?);
            return Ok(());
        }
        if at != Path::new("/") {
            self.insert(at.to_path_buf(), Entry::Dir);
        }
        for entry in fs::read_dir(real)? {
            let entry = entry?;
            self.collect(&entry.path(), &at.join(entry.file_name()))?;
        }
        Ok(())
    }

    /// Writes the tree below a real directory.
    ///
    /// # Errors
    /// As the system reports it.
    pub fn write_to(&self, real_dir: &Path) -> io::Result<()> {
        for (path, entry) in self.entries() {
            let real = real_dir.join(path.strip_prefix("/").unwrap_or(path));
            match entry {
                Entry::Dir => fs::create_dir_all(&real)?,
                Entry::File(bytes) => {
                    fs::create_dir_all(real.parent().unwrap_or(real_dir))?;
                    fs::write(&real, &**bytes)?;
                }
            }
        }
        Ok(())
    }
}

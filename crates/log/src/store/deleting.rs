//! The topic that is being deleted, by its id, in a file of the data directory. The image that no longer names
//! the topic decides; without this file, directories that the image does not name could be those that an
//! embedder made, and would become a topic again.

use std::io;
use std::path::{Path, PathBuf};

use crate::dir::{TopicId, read_whole, write_atomically};
use crate::error::{Error, Result};
use crate::fs::FileSystem;

const FILE_NAME: &str = "topic-being-deleted";

fn path(data_dir: &Path) -> PathBuf {
    data_dir.join(FILE_NAME)
}

/// Notes durably that this topic is about to be deleted. One at a time.
pub(super) fn note(fs: &dyn FileSystem, data_dir: &Path, id: TopicId) -> Result<()> {
    write_atomically(fs, &path(data_dir), format!("{id}\n").as_bytes())
}

/// The topic that was being deleted. A file that says no id says nothing: a crash tore it, or it is another's.
pub(super) fn noted(fs: &dyn FileSystem, data_dir: &Path) -> Result<Option<TopicId>> {
    let bytes = read_whole(fs, &path(data_dir))?;
    Ok(bytes.and_then(|bytes| std::str::from_utf8(&bytes).ok()?.trim_end().parse().ok()))
}

/// Its directories have other names now, durably.
pub(super) fn clear(fs: &dyn FileSystem, data_dir: &Path) -> Result<()> {
    match fs.remove_file(&path(data_dir)) {
        Err(e) if e.kind() != io::ErrorKind::NotFound => Err(Error::io("remove", path(data_dir), e)),
        _ => Ok(()),
    }
}

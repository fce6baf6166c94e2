//! What an interrupted create or delete of a topic has left in a data directory.

use std::io;
use std::path::{Path, PathBuf};

use super::deleting;
use super::found::Found;
use crate::data_dir::DataDir;
use crate::dir::{DirName, FileKind, FileName, PartitionMetadata, TopicPartition, Uuid};
use crate::error::{Error, Result};
use crate::fs::FileSystem;
use crate::metadata::MetadataImage;
use crate::offset::Offset;

/// Removes what deleted topics have left: their renamed directories, and those that were still to be
/// renamed, of topics that the image no longer names.
pub(super) fn finish_deletes(
    fs: &dyn FileSystem,
    data_dir: &Path,
    image: &MetadataImage,
    found: &mut Found,
) -> Result<()> {
    let mut renamed = deleted_dirs(fs, data_dir)?;
    let of_renamed = renamed.iter().filter_map(|dir| PartitionMetadata::read(fs, dir).ok().flatten());
    let ids: Vec<_> =
        of_renamed.map(|metadata| metadata.topic_id).chain(deleting::noted(fs, data_dir)?).collect();
    let is_gone = |id| image.topic_by_id(id).is_none() && ids.contains(&id);
    let late: Vec<_> = found.extract_if(.., |_, id| id.is_some_and(is_gone)).collect();
    for (partition, _) in &late {
        renamed.push(rename_deleted(fs, data_dir, partition)?);
    }
    // Before the first goes that tells about the others.
    if !late.is_empty() {
        fs.sync_dir(data_dir).map_err(|e| Error::io("sync", data_dir, e))?;
    }
    deleting::clear(fs, data_dir)?;
    renamed.iter().try_for_each(|dir| remove_directory(fs, dir))
}

fn deleted_dirs(fs: &dyn FileSystem, data_dir: &Path) -> Result<Vec<PathBuf>> {
    let entries = fs.read_dir(data_dir).map_err(|e| Error::io("list", data_dir, e))?;
    let deleted = entries
        .iter()
        .filter(|entry| entry.is_dir && matches!(DirName::parse(&entry.name), Some(DirName::Deleted(_))));
    Ok(deleted.map(|entry| data_dir.join(&entry.name)).collect())
}

/// Renames a partition's directory, so that it is no log any more. The name is not durable yet.
pub(super) fn rename_deleted(
    fs: &dyn FileSystem,
    data_dir: &Path,
    partition: &TopicPartition,
) -> Result<PathBuf> {
    let from = data_dir.join(partition.dir_name());
    let unique = Uuid::random().map_err(|e| Error::io("make an id for", data_dir, e))?;
    let to = data_dir.join(partition.deleted_dir_name(u128::from_be_bytes(unique.to_bytes())));
    fs.rename(&from, &to).map_err(|e| Error::io("rename", &from, e))?;
    Ok(to)
}

/// Removes partitions that were made and never came into the image. Those that hold anything are not among
/// them, nor are those that an embedder has opened by themselves.
pub(super) fn undo_creates(
    fs: &dyn FileSystem,
    path: &Path,
    image: &MetadataImage,
    data_dir: &DataDir,
    found: &mut Found,
) -> Result<()> {
    let is_known = |partition: &TopicPartition| {
        let topic = image.topics.get(partition.topic());
        topic.is_some_and(|topic| topic.partitions.contains_key(&partition.partition()))
    };
    let mut undone = Vec::new();
    for (partition, id) in found.iter().filter(|(partition, _)| !is_known(partition)) {
        let dir = path.join(partition.dir_name());
        let opened_alone = id.is_none() && data_dir.marks(partition).recovery_point.is_some();
        if !opened_alone && holds_nothing(fs, &dir)? {
            undone.push(partition.clone());
        }
    }
    discard(fs, path, &undone)?;
    found.retain(|partition, _| !undone.contains(partition));
    Ok(())
}

/// Removes the directories of partitions that are none. Renamed first, durably: half of one might look like one
/// that an embedder has opened by itself, and become a topic.
pub(super) fn discard(fs: &dyn FileSystem, data_dir: &Path, partitions: &[TopicPartition]) -> Result<()> {
    if partitions.is_empty() {
        return Ok(());
    }
    let renamed = partitions.iter().map(|partition| rename_deleted(fs, data_dir, partition));
    let renamed = renamed.collect::<Result<Vec<_>>>()?;
    fs.sync_dir(data_dir).map_err(|e| Error::io("sync", data_dir, e))?;
    renamed.iter().try_for_each(|dir| remove_directory(fs, dir))
}

/// Takes a directory away that a failed create has left where a partition is to be made.
///
/// # Errors
/// [`Error::AlreadyExists`] where it holds anything.
pub(super) fn make_room(fs: &dyn FileSystem, dir: &Path) -> Result<()> {
    match fs.metadata(dir) {
        Err(e) if e.kind() == io::ErrorKind::NotFound => return Ok(()),
        Err(e) => return Err(Error::io("look at", dir, e)),
        Ok(_) => {}
    }
    if holds_nothing(fs, dir)? {
        return remove_directory(fs, dir);
    }
    Err(Error::AlreadyExists { name: format!("{} (move it away)", dir.display()) })
}

/// Whether a partition directory is as empty as when it is made.
fn holds_nothing(fs: &dyn FileSystem, dir: &Path) -> Result<bool> {
    for entry in fs.read_dir(dir).map_err(|e| Error::io("list", dir, e))? {
        let path = dir.join(&entry.name);
        let is_empty = || fs.metadata(&path).map(|metadata| metadata.len == 0);
        let of_a_new_log = match FileName::parse(&entry.name) {
            Some(name) if name.suffix.is_none() && name.kind != FileKind::Snapshot => {
                name.base_offset == Offset::ZERO && is_empty().map_err(|e| Error::io("look at", &path, e))?
            }
            Some(_) => false,
            None => entry.name.starts_with("partition.metadata"),
        };
        if entry.is_dir || !of_a_new_log {
            return Ok(false);
        }
    }
    Ok(true)
}

/// Removes a partition directory with its files. Directories inside it are none of ours and stay.
pub(super) fn remove_directory(fs: &dyn FileSystem, dir: &Path) -> Result<()> {
    for entry in fs.read_dir(dir).map_err(|e| Error::io("list", dir, e))? {
        let path = dir.join(&entry.name);
        match fs.remove_file(&path) {
            Err(e) if e.kind() != io::ErrorKind::NotFound => return Err(Error::io("remove", path, e)),
            _ => {}
        }
    }
    fs.remove_dir(dir).map_err(|e| Error::io("remove", dir, e))
}

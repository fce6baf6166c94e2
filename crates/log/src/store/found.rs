//! Which partitions there are, by the directories.

use std::collections::BTreeMap;
use std::path::Path;

use crate::dir::{DirName, FileKind, FileName, PartitionMetadata, TopicId, TopicPartition};
use crate::error::{Error, Result};
use crate::fs::FileSystem;
use crate::metadata;

/// A name like `dbus-1` does not make a directory a partition; what is in it does.
pub(super) fn is_partition(fs: &dyn FileSystem, data_dir: &Path, name: &str) -> Result<bool> {
    if !matches!(DirName::parse(name), Some(DirName::Partition(_))) {
        return Ok(false);
    }
    let dir = data_dir.join(name);
    let entries = fs.read_dir(&dir).map_err(|e| Error::io("list", &dir, e))?;
    Ok(entries.iter().any(|entry| {
        let is_log = FileName::parse(&entry.name).is_some_and(|name| name.kind == FileKind::Log);
        is_log || entry.name == "partition.metadata"
    }))
}

/// A partition directory and the topic id that it names.
pub(super) type Found = BTreeMap<TopicPartition, Option<TopicId>>;

/// The partitions by the names of their directories.
pub(super) fn find_partitions(fs: &dyn FileSystem, path: &Path) -> Result<Found> {
    let mut found = Found::new();
    for entry in fs.read_dir(path).map_err(|e| Error::io("list", path, e))? {
        let dir = path.join(&entry.name);
        match DirName::parse(&entry.name) {
            Some(DirName::Partition(_)) if entry.name == metadata::CLUSTER_METADATA_DIR => {}
            Some(DirName::Partition(partition)) if entry.is_dir && is_partition(fs, path, &entry.name)? => {
                let id = PartitionMetadata::read(fs, &dir)?.map(|metadata| metadata.topic_id);
                found.insert(partition, id);
            }
            _ => {}
        }
    }
    Ok(found)
}

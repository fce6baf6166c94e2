//! Which partitions there are, by the directories.

use std::collections::BTreeMap;
use std::path::Path;

use crate::data_dir::is_partition;
use crate::dir::{DirName, PartitionMetadata, TopicId, TopicPartition};
use crate::error::{Error, Result};
use crate::fs::FileSystem;
use crate::metadata;

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

use std::path::Path;
use std::sync::Arc;

use crate::error::{At, Result};
use ottla::Error;
use ottla::dir::{
    DirLock, DirName, FileName, MetaProperties, OffsetCheckpoint, PartitionMetadata, TopicPartition,
};
use ottla::fs::FileSystem;
use ottla::metadata::bootstrap::BOOTSTRAP_FILE;
use ottla::metadata::{self, CLUSTER_METADATA_DIR, MetadataImage, Source};

use super::context::{Recovery, Settings};
use super::finding::{Finding, Report};
use super::kind::Kind;
use super::partition::{check_partition, is_there};
use super::pool::Pool;
use crate::partition::PartitionDir;
use crate::reindex::interval_of;

/// Whether a directory looks like one that holds partition directories.
///
/// # Errors
/// As the system reports it.
pub fn is_data_dir(fs: &dyn FileSystem, dir: &Path) -> Result<bool> {
    let entries = fs.read_dir(dir).at("list", dir)?;
    let checkpoints = OffsetCheckpoint::ALL.map(OffsetCheckpoint::file_name);
    for entry in &entries {
        let is_ours = match entry.is_dir {
            true => is_partition(fs, dir, &entry.name)?,
            false => entry.name == "meta.properties" || checkpoints.contains(&entry.name.as_str()),
        };
        if is_ours {
            return Ok(true);
        }
    }
    Ok(false)
}

/// A name like `dbus-1` does not make a directory a partition; what is in it does.
fn is_partition(fs: &dyn FileSystem, data_dir: &Path, name: &str) -> Result<bool> {
    if !matches!(DirName::parse(name), Some(DirName::Partition(_))) {
        return Ok(false);
    }
    let dir = data_dir.join(name);
    let entries = fs.read_dir(&dir).at("list", &dir)?;
    Ok(entries.iter().any(|entry| {
        let is_of_a_segment = FileName::parse(&entry.name).is_some();
        is_of_a_segment || ["partition.metadata", "leader-epoch-checkpoint"].contains(&entry.name.as_str())
    }))
}

/// The bytes of all segments of a data directory.
pub fn size_of(fs: &dyn FileSystem, dir: &Path) -> u64 {
    let partitions = partitions_in(fs, dir).unwrap_or_default();
    let size = |partition: &TopicPartition| {
        let log = PartitionDir::open(fs, &dir.join(partition.dir_name()));
        log.map_or(0, |log| log.size_bytes(fs))
    };
    partitions.iter().map(size).sum()
}

/// Checks everything in a data directory.
///
/// # Errors
/// As the system reports it.
pub fn check_data_dir(
    fs: &Arc<dyn FileSystem>,
    dir: &Path,
    pool: &Pool,
    progress: &dyn Fn(u64),
    report: &mut Report,
) -> Result<()> {
    check_small_files(&**fs, dir, report)?;
    check_names(&**fs, dir, report)?;
    let image = read_metadata(&**fs, dir, report)?;
    let is_in_use = DirLock::is_held(&**fs, dir).unwrap_or(false);
    for partition in partitions_in(&**fs, dir)? {
        let path = dir.join(partition.dir_name());
        // Retention, or the end of a topic, may have taken the directory away since.
        let has_segments = PartitionDir::is_one(&**fs, &path).unwrap_or(false);
        if !has_segments {
            continue;
        }
        if let Some(image) = image.as_ref().filter(|_| partition.dir_name() != CLUSTER_METADATA_DIR) {
            check_topic(&**fs, &path, &partition, image, report);
        }
        let settings = Settings {
            recovery: Recovery::of(&**fs, dir, &partition),
            index_interval_bytes: interval_of(image.as_ref(), &partition),
            is_live: true,
            is_in_use,
            pool,
        };
        check_partition(fs, &path, settings, progress, report)?;
    }
    Ok(())
}

/// The partitions that directories in a data directory are named after.
///
/// # Errors
/// As the system reports it.
pub fn partitions_in(fs: &dyn FileSystem, dir: &Path) -> Result<Vec<TopicPartition>> {
    let entries = fs.read_dir(dir).at("list", dir)?;
    let mut partitions: Vec<_> = entries
        .iter()
        .filter(|entry| entry.is_dir)
        .filter_map(|entry| match DirName::parse(&entry.name) {
            Some(DirName::Partition(partition)) => Some(partition),
            _ => None,
        })
        .collect();
    partitions.sort_unstable();
    Ok(partitions)
}

/// Checks the checkpoints and `meta.properties`.
///
/// # Errors
/// As the system reports it.
pub fn check_small_files(fs: &dyn FileSystem, dir: &Path, report: &mut Report) -> Result<()> {
    for checkpoint in OffsetCheckpoint::ALL {
        note_damage(checkpoint.read(fs, dir), Kind::CheckpointDamaged, report)?;
    }
    note_damage(MetaProperties::read(fs, dir), Kind::MetaPropertiesDamaged, report)?;
    Ok(())
}

/// What the metadata says, where there is any and it can be read. Then somebody formatted the directory, and it
/// has an identity too.
///
/// # Errors
/// As the system reports it.
pub fn read_metadata(fs: &dyn FileSystem, dir: &Path, report: &mut Report) -> Result<Option<MetadataImage>> {
    let loaded = note_damage(metadata::load(fs, dir), Kind::ClusterMetadataDamaged, report)?;
    let found = loaded.filter(|(_, source)| *source != Source::None);
    let path = MetaProperties::path(dir);
    if let Some((_, source)) = found.as_ref().filter(|_| !is_there(fs, &path)) {
        let by = match source {
            Source::ClusterLog => CLUSTER_METADATA_DIR,
            Source::Bootstrap | Source::None => BOOTSTRAP_FILE,
        };
        let what = format!("there is no such file, though {by} is there");
        report.harm(&path, None, Kind::MetaPropertiesMissing, what);
    }
    Ok(found.map(|(image, _)| image))
}

fn note_damage<T>(result: ottla::Result<T>, kind: Kind, report: &mut Report) -> Result<Option<T>> {
    match result {
        Ok(value) => Ok(Some(value)),
        Err(Error::Corrupt(corruption)) => {
            let what =
                format!("{}: expected {}, found {}", corruption.what, corruption.expected, corruption.found);
            report.harm(&corruption.path, corruption.position, kind, what);
            Ok(None)
        }
        Err(error) => Err(error.into()),
    }
}

/// Kafka does not start on a data directory with a directory in it whose name it cannot read.
fn check_names(fs: &dyn FileSystem, dir: &Path, report: &mut Report) -> Result<()> {
    let entries = fs.read_dir(dir).at("list", dir)?;
    let mut unknown: Vec<_> = entries
        .iter()
        .filter(|entry| entry.is_dir && DirName::parse(&entry.name).is_none())
        .filter(|entry| fs.read_dir(&dir.join(&entry.name)).is_ok_and(|inside| !inside.is_empty()))
        .map(|entry| dir.join(&entry.name))
        .collect();
    unknown.sort();
    for file in unknown {
        report.add(Finding {
            file,
            position: None,
            kind: Kind::UnknownName,
            what:
                "the name is not <topic>-<partition>, and Apache Kafka does not start beside such a directory"
                    .to_owned(),
            harmless: false,
        });
    }
    Ok(())
}

/// Compares a partition directory with what the metadata says of it.
pub fn check_topic(
    fs: &dyn FileSystem,
    path: &Path,
    partition: &TopicPartition,
    image: &MetadataImage,
    report: &mut Report,
) {
    let topic = image.topics.get(partition.topic());
    let Some(topic) = topic.filter(|topic| topic.partitions.contains_key(&partition.partition())) else {
        let what = format!("the metadata knows no {partition}");
        return report.harm(path, None, Kind::TopicUnknown, what);
    };
    // A file that cannot be read is a finding of its own.
    let Ok(found) = PartitionMetadata::read(fs, path) else { return };
    let Some(found) = found else {
        let (file, kind) = (PartitionMetadata::path(path), Kind::PartitionMetadataMissing);
        let what = format!("there is no such file, and the topic's id is {}", topic.id);
        return report.add(Finding { file, position: None, kind, what, harmless: true });
    };
    if found.topic_id != topic.id {
        let what = format!("topic id {} here, {} in the metadata", found.topic_id, topic.id);
        report.harm(&PartitionMetadata::path(path), None, Kind::TopicIdDisagrees, what);
    }
}

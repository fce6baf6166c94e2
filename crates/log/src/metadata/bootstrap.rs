//! `bootstrap.checkpoint`: what Apache Kafka starts its metadata log from, when that log holds nothing yet.

use std::path::Path;

use super::checkpoint;
use super::image::{METADATA_VERSION, MetadataImage, PartitionImage, TopicImage};
use super::quorum::Quorum;
use super::record::{Config, FeatureLevel, Partition, ProducerIds, Topic, partition_record_version};
use super::{ConfigResource, KeptRecord};
use crate::dir::{Uuid, write_atomically};
use crate::error::Result;
use crate::fs::FileSystem;

/// The name of the file in the data directory (Kafka's `BINARY_BOOTSTRAP_FILENAME`).
pub const BOOTSTRAP_FILE: &str = "bootstrap.checkpoint";

/// The node and directory that hold every partition, as `meta.properties` names them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Placement {
    /// `node.id`.
    pub node_id: i32,
    /// `directory.id`.
    pub directory_id: Uuid,
}

/// Reads the image; `None` where there is no file.
///
/// # Errors
/// [`Corrupt`](crate::Error::Corrupt) where the file is no whole snapshot of metadata.
pub fn read(fs: &dyn FileSystem, data_dir: &Path) -> Result<Option<MetadataImage>> {
    let path = data_dir.join(BOOTSTRAP_FILE);
    match checkpoint::read(fs, &path) {
        Ok((replay, _)) => Ok(Some(replay.into_image())),
        Err(error) if error.is_not_found() => Ok(None),
        Err(error) => Err(error),
    }
}

/// Replaces the file by one that says what the image says, durably, and such that Kafka finds every
/// partition on this node: it is the only replica, and the leader with the epoch of the image.
///
/// # Errors
/// As the system reports it.
pub fn write(
    fs: &dyn FileSystem,
    data_dir: &Path,
    image: &MetadataImage,
    placement: Placement,
    now_ms: i64,
) -> Result<()> {
    let path = data_dir.join(BOOTSTRAP_FILE);
    let bytes = checkpoint::encode(&Quorum::default(), records(image, placement), now_ms, &path)?;
    write_atomically(fs, &path, &bytes)
}

/// The values of the records. Kafka wants the metadata version first, since it says how to read on.
fn records(image: &MetadataImage, placement: Placement) -> impl Iterator<Item = Vec<u8>> + '_ {
    let metadata_version = image.features.get(METADATA_VERSION).copied();
    let partition_version = partition_record_version(metadata_version.unwrap_or(i16::MAX));
    let level = |(name, level): (&String, &i16)| FeatureLevel { name: name.clone(), level: *level }.encode();
    let (first, others): (Vec<_>, Vec<_>) =
        image.features.iter().partition(|(name, _)| *name == METADATA_VERSION);
    let topics = image
        .topics
        .iter()
        .flat_map(move |(name, topic)| topic_records(name, topic, placement, partition_version));
    let configs = image.configs.iter().flat_map(|(resource, configs)| config_records(resource, configs));
    first
        .into_iter()
        .chain(others)
        .map(level)
        .chain(topics)
        .chain(configs)
        .chain(producer_ids(image, placement))
        .chain(image.kept.iter().map(KeptRecord::encode))
}

fn topic_records(
    name: &str,
    topic: &TopicImage,
    placement: Placement,
    partition_version: u32,
) -> impl Iterator<Item = Vec<u8>> {
    let resource = ConfigResource { kind: ConfigResource::TOPIC, name: name.to_owned() };
    let configs: Vec<_> = config_records(&resource, &topic.configs).collect();
    let partitions = topic.partitions.iter().map(move |(number, partition)| {
        partition_record(topic, *number, partition, placement).encode(partition_version)
    });
    std::iter::once(Topic { name: name.to_owned(), id: topic.id }.encode()).chain(configs).chain(partitions)
}

fn partition_record(
    topic: &TopicImage,
    number: i32,
    partition: &PartitionImage,
    placement: Placement,
) -> Partition {
    Partition {
        partition: number,
        topic_id: topic.id,
        replicas: vec![placement.node_id],
        leader: placement.node_id,
        leader_epoch: partition.leader_epoch,
        partition_epoch: partition.partition_epoch,
        directories: vec![placement.directory_id],
    }
}

fn config_records<'a>(
    resource: &'a ConfigResource,
    configs: impl IntoIterator<Item = (&'a String, &'a String)> + 'a,
) -> impl Iterator<Item = Vec<u8>> + 'a {
    configs.into_iter().map(|(name, value)| {
        Config { resource: resource.clone(), name: name.clone(), value: Some(value.clone()) }.encode()
    })
}

fn producer_ids(image: &MetadataImage, placement: Placement) -> Option<Vec<u8>> {
    let ids = ProducerIds {
        broker_id: placement.node_id,
        broker_epoch: -1,
        next_producer_id: image.next_producer_id,
    };
    (image.next_producer_id > 0).then(|| ids.encode())
}

//! Opening a data directory: its own files, which topics there are, then log after log.

use std::collections::BTreeMap;
use std::io;
use std::path::Path;
use std::sync::Arc;

use super::catalog::{Catalog, Topic};
use super::config::StoreConfig;
use super::found::{Found, find_partitions};
use super::identity::Identity;
use super::state::{Changes, Inner, partition_image};
use super::unfinished;
use crate::commit::{Asked, AskedOwner};
use crate::config::Environment;
use crate::data_dir::{DataDir, is_partition};
use crate::dir::{PartitionMetadata, TopicId, TopicPartition};
use crate::error::{Corruption, Error, Result};
use crate::log::Log;
use crate::metadata::bootstrap::{self, Placement};
use crate::metadata::{self, MetadataImage, Source};
use crate::recover::{OpenOptions, RecoveryReport};
use crate::retain::ClockWatch;
use crate::segment::HandleCache;
use crate::settings;
use crate::sync::{ArcSwap, Mutex};

/// What opening a data directory found and did.
#[derive(Clone, Debug, Default)]
pub struct StoreReport {
    /// Whether the directory was closed cleanly.
    pub clean: bool,
    /// Whether Kafka used it last, so that its cluster metadata was taken over.
    pub taken_over_from_kafka: bool,
    /// Whether there were partitions, or metadata of topics, and no `meta.properties`: then the cluster has a new
    /// id, and node and directory have those that the metadata has for all partitions, where it has such.
    pub identity_was_missing: bool,
    /// What opening each log did, where there was anything to do.
    pub recovered: Vec<(TopicPartition, RecoveryReport)>,
    /// How many logs there are.
    pub logs: usize,
}

pub(super) fn open(path: &Path, config: StoreConfig) -> Result<(Inner, StoreReport)> {
    let environment = config.environment.clone();
    ensure_directory(&environment, path)?;
    let mut data_dir = DataDir::open(&environment.fs, path)?;
    let (image, source) = metadata::load(&*environment.fs, path)?;
    let identity = Identity::of(&environment, path, &image, config.node_id)?;
    let placement = identity.placement;
    ensure_single_node(path, &image, placement.node_id)?;
    identity.keep(&environment, path)?;
    let mut report = StoreReport {
        clean: data_dir.was_clean(),
        taken_over_from_kafka: source == Source::ClusterLog,
        ..Default::default()
    };
    let handles = Arc::new(HandleCache::new(config.open_files));
    let asked = AskedOwner::default();
    let mut found = find_partitions(&*environment.fs, path)?;
    report.identity_was_missing = identity.was_missing(path, source != Source::None || !found.is_empty());
    unfinished::finish_deletes(&*environment.fs, path, &image, &mut found)?;
    unfinished::undo_creates(&*environment.fs, path, &image, &data_dir, &mut found)?;
    let image = reconcile(path, image, found, placement.node_id)?;
    let opener = Opener {
        environment: &environment,
        data_dir: &data_dir,
        config: &config,
        handles: &handles,
        asked: &asked.0,
    };
    let (catalog, image) = opener.open_topics(image, placement, &mut report)?;
    let now_ms = environment.clock.now_ms();
    bootstrap::write(&*environment.fs, path, &image, placement, now_ms)?;
    note_what_is_sure(&mut data_dir, &catalog)?;
    metadata::set_aside(&*environment.fs, path)?;
    let next_producer_id = image.next_producer_id;
    let inner = Inner {
        path: path.to_path_buf(),
        config,
        handles,
        asked,
        cluster_id: identity.cluster_id,
        placement,
        catalog: ArcSwap::from_pointee(catalog),
        clock_watch: Mutex::new(ClockWatch::new(&*environment.clock)),
        changes: Mutex::new(Changes {
            data_dir: Some(data_dir),
            image,
            next_producer_id,
            deletions: Vec::new(),
        }),
        quarantine: Default::default(),
    };
    Ok((inner, report))
}

/// From here on a checkpoint tells what is sure of each log, and recovery need not guess.
fn note_what_is_sure(data_dir: &mut DataDir, catalog: &Catalog) -> Result<()> {
    if catalog.logs().any(|log| data_dir.marks(log.topic_partition()).recovery_point.is_none()) {
        data_dir.checkpoint(|| catalog.logs().map(Log::marks).collect())?;
    }
    Ok(())
}

/// A directory with other things in it, but nothing of Kafka's, is somebody else's.
fn ensure_directory(environment: &Environment, path: &Path) -> Result<()> {
    let not_ours = |reason: &str| Error::NotADirectoryOfOurs {
        path: path.to_path_buf(),
        expected: "data directory",
        reason: reason.to_owned(),
    };
    let fs = &environment.fs;
    match fs.metadata(path) {
        Err(e) if e.kind() == io::ErrorKind::NotFound => return Ok(()),
        Err(e) => return Err(Error::io("look at", path, e)),
        Ok(metadata) if !metadata.is_dir => return Err(not_ours("it is a file")),
        Ok(_) => {}
    }
    let entries = fs.read_dir(path).map_err(|e| Error::io("list", path, e))?;
    let named_as_ours = |name: &str| {
        ["meta.properties", ".lock", "bootstrap.checkpoint"].contains(&name)
            || name.ends_with("-offset-checkpoint")
    };
    for entry in &entries {
        let is_ours = if entry.is_dir {
            entry.name == "lost+found" || is_partition(fs.as_ref(), path, &entry.name)?
        } else {
            named_as_ours(&entry.name)
        };
        if is_ours {
            return Ok(());
        }
    }
    if entries.is_empty() {
        return Ok(());
    }
    Err(not_ours("it holds other files; name an empty directory, one that ottla or Kafka made, or a new one"))
}

/// Brings the image and the directories together: a directory that the image does not know (one that an
/// embedder made with [`Log::open`]) becomes a topic.
fn reconcile(path: &Path, mut image: MetadataImage, found: Found, node_id: i32) -> Result<MetadataImage> {
    for (partition, id) in found {
        if let Some(topic) = image.topics.get_mut(partition.topic()) {
            if let Some(id) = id.filter(|id| *id != topic.id) {
                return Err(other_topic(path, &partition, topic.id, id));
            }
            topic.partitions.entry(partition.partition()).or_default().replicas = vec![node_id];
            continue;
        }
        let id = match id {
            Some(id) => id,
            None => TopicId::random().map_err(|e| Error::io("make an id for", path, e))?,
        };
        let topic = image.topics.entry(partition.topic().to_owned()).or_default();
        topic.id = id;
        topic.partitions.entry(partition.partition()).or_default().replicas = vec![node_id];
    }
    Ok(image)
}

/// A directory of a cluster of several brokers holds a part of what the cluster agreed on, and whoever
/// wrote to it alone would break that agreement.
fn ensure_single_node(path: &Path, image: &MetadataImage, node_id: i32) -> Result<()> {
    for (name, topic) in &image.topics {
        let elsewhere = topic.partitions.iter().find(|(_, partition)| partition.replicas != [node_id]);
        if let Some((number, partition)) = elsewhere {
            let replicas = &partition.replicas;
            return Err(Error::NotADirectoryOfOurs {
                path: path.to_path_buf(),
                expected: "data directory of a single node",
                reason: format!(
                    "{name}-{number} has its replicas on nodes {replicas:?}, and this is node {node_id}; \
                     bring the partitions of a cluster here by its own tools, or mirror its topics"
                ),
            });
        }
    }
    Ok(())
}

fn other_topic(path: &Path, partition: &TopicPartition, expected: TopicId, found: TopicId) -> Error {
    Corruption {
        path: PartitionMetadata::path(&path.join(partition.dir_name())),
        position: None,
        what: "the directory belongs to another topic of the same name",
        expected: format!("topic id {expected}"),
        found: format!("topic id {found}"),
        advice: "move the directory away; it is what a deleted topic, or another cluster, has left",
    }
    .into()
}

struct Opener<'a> {
    environment: &'a Environment,
    data_dir: &'a DataDir,
    config: &'a StoreConfig,
    handles: &'a Arc<HandleCache>,
    asked: &'a Arc<Asked>,
}

impl Opener<'_> {
    fn open_topics(
        &self,
        mut image: MetadataImage,
        placement: Placement,
        report: &mut StoreReport,
    ) -> Result<(Catalog, MetadataImage)> {
        let mut catalog = Catalog::default();
        let mut largest_producer_id = -1;
        for (name, topic_image) in &mut image.topics {
            let name: Arc<str> = name.as_str().into();
            let config = settings::apply(&self.config.defaults, &topic_image.configs);
            let mut partitions = BTreeMap::new();
            for (number, partition) in &mut topic_image.partitions {
                let topic_partition = TopicPartition::new(name.clone(), *number)?;
                let (log, recovery) =
                    self.open_log(topic_partition, config.clone(), topic_image.id, partition.leader_epoch)?;
                if !recovery.is_uneventful() || !recovery.clean {
                    report.recovered.push((log.topic_partition().clone(), recovery));
                }
                largest_producer_id = largest_producer_id.max(log.largest_producer_id().unwrap_or(-1));
                *partition = partition_image(&log, placement);
                partitions.insert(*number, log);
                report.logs += 1;
            }
            let without_checkpoint = |log: &&Log| {
                let marks = self.data_dir.marks(log.topic_partition());
                marks.recovery_point.is_none()
            };
            partitions.values().filter(without_checkpoint).try_for_each(Log::flush)?;
            catalog.insert(Arc::new(Topic {
                name,
                id: topic_image.id,
                partitions,
                overrides: topic_image.configs.clone(),
            }));
        }
        image.next_producer_id = image.next_producer_id.max(largest_producer_id + 1);
        Ok((catalog, image))
    }

    fn open_log(
        &self,
        topic_partition: TopicPartition,
        config: crate::config::LogConfig,
        id: TopicId,
        least_leader_epoch: i32,
    ) -> Result<(Log, RecoveryReport)> {
        let dir = self.data_dir.path().join(topic_partition.dir_name());
        let opened = Log::open_in(OpenOptions {
            dir: dir.clone(),
            marks: self.data_dir.marks(&topic_partition),
            checkpoints: Some(self.data_dir.checkpoints().clone()),
            topic_partition,
            config,
            environment: self.environment.clone(),
            handles: self.handles.clone(),
            asked: self.asked.clone(),
            clean: self.data_dir.was_clean(),
            least_leader_epoch,
        })?;
        if PartitionMetadata::read(&*self.environment.fs, &dir)?.is_none() {
            PartitionMetadata { topic_id: id }.write(&*self.environment.fs, &dir)?;
        }
        Ok(opened)
    }
}

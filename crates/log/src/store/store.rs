use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use arc_swap::ArcSwap;

use super::catalog::{Catalog, Topic};
use super::change;
use super::config::StoreConfig;
use super::housekeep::{self, HousekeepReport};
use super::open::{self, StoreReport};
use crate::config::LogConfig;
use crate::data_dir::DataDir;
use crate::dir::TopicId;
use crate::error::{Error, Result};
use crate::log::Log;
use crate::metadata::bootstrap::{self, Placement};
use crate::metadata::{MetadataImage, PartitionImage};
use crate::segment::HandleCache;

/// Many logs in one data directory: what a service holds that needs more than one partition, and what the
/// server serves.
///
/// ```
/// use std::collections::BTreeMap;
/// use ottla::{Store, StoreConfig};
/// # use ottla_record::BatchBuilder;
///
/// let data = tempfile::tempdir()?;
/// let (store, _report) = Store::open(data.path(), StoreConfig::default())?;
/// let topic = store.create_topic("letters", 3, &BTreeMap::new())?;
///
/// # let mut batch = BatchBuilder::new();
/// # batch.push(0, None, Some(b"x"), &[])?;
/// # let batch = batch.build()?;
/// let log = topic.log(0).ok_or("there are three partitions")?;
/// log.append(&batch)?;
/// store.close()?;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
///
/// A `Store` is a handle: clones are the same store. It starts no thread; somebody must call
/// [`Store::housekeep`] now and then for retention and checkpoints, as the server does.
#[derive(Clone, Debug)]
pub struct Store {
    pub(super) inner: Arc<Inner>,
}

#[derive(Debug)]
pub(super) struct Inner {
    pub(super) path: PathBuf,
    pub(super) config: StoreConfig,
    pub(super) handles: Arc<HandleCache>,
    pub(super) cluster_id: String,
    pub(super) placement: Placement,
    pub(super) catalog: ArcSwap<Catalog>,
    /// Held by whoever changes which topics there are.
    pub(super) changes: Mutex<Changes>,
}

/// What changes with the set of topics.
#[derive(Debug)]
pub(super) struct Changes {
    /// `None` once the store is closed.
    pub(super) data_dir: Option<DataDir>,
    pub(super) image: MetadataImage,
    pub(super) next_producer_id: i64,
    /// Directories of deleted topics, and when they go, in the clock's monotonic time.
    pub(super) deletions: Vec<(Duration, PathBuf)>,
}

/// How many producer ids one write of the image makes available (as in Kafka).
const PRODUCER_ID_BLOCK: i64 = 1000;

impl Store {
    /// Opens a data directory, making it where there is none: one that Apache Kafka wrote, or this
    /// library.
    ///
    /// # Errors
    /// [`Error::Locked`] while anybody else, Kafka too, has it open; [`Error::NotADirectoryOfOurs`]
    /// where something else is there; [`Error::Corrupt`] where a file is not what it must be.
    pub fn open(path: impl AsRef<Path>, config: StoreConfig) -> Result<(Store, StoreReport)> {
        open::open(path.as_ref(), config)
    }

    /// The data directory.
    pub fn path(&self) -> &Path {
        &self.inner.path
    }

    /// The cluster's id, as in `meta.properties`.
    pub fn cluster_id(&self) -> &str {
        &self.inner.cluster_id
    }

    /// The node's id, as in `meta.properties`.
    pub fn node_id(&self) -> i32 {
        self.inner.placement.node_id
    }

    /// The settings of topics where they set nothing of their own.
    pub fn defaults(&self) -> &LogConfig {
        &self.inner.config.defaults
    }

    /// All topics, by name.
    pub fn topics(&self) -> Vec<Arc<Topic>> {
        self.inner.catalog.load().topics().cloned().collect()
    }

    /// The topic of this name.
    pub fn topic(&self, name: &str) -> Option<Arc<Topic>> {
        self.inner.catalog.load().topic(name).cloned()
    }

    /// The topic with this id.
    pub fn topic_by_id(&self, id: TopicId) -> Option<Arc<Topic>> {
        self.inner.catalog.load().topic_by_id(id).cloned()
    }

    /// The log of one partition.
    pub fn log(&self, topic: &str, partition: i32) -> Option<Log> {
        self.inner.catalog.load().topic(topic)?.log(partition).cloned()
    }

    /// Makes a topic. Once this returns, it survives a power cut.
    ///
    /// # Errors
    /// [`Error::InvalidTopic`], [`Error::AlreadyExists`], [`Error::InvalidConfig`]; [`Error::Io`] where
    /// the disk refuses, and then there is no topic.
    pub fn create_topic(
        &self,
        name: &str,
        partitions: i32,
        overrides: &BTreeMap<String, String>,
    ) -> Result<Arc<Topic>> {
        change::create(self, name, partitions, overrides)
    }

    /// Deletes a topic with all its records.
    ///
    /// # Errors
    /// [`Error::Unknown`]; [`Error::Io`] where the disk refuses.
    pub fn delete_topic(&self, name: &str) -> Result<()> {
        change::delete(self, name)
    }

    /// Adds partitions to a topic until there are `total`.
    ///
    /// # Errors
    /// [`Error::Unknown`]; [`Error::InvalidConfig`] where there are as many already.
    pub fn create_partitions(&self, name: &str, total: i32) -> Result<Arc<Topic>> {
        change::add_partitions(self, name, total)
    }

    /// A producer id that nobody has had.
    ///
    /// # Errors
    /// [`Error::Io`] where the disk refuses.
    pub fn allocate_producer_id(&self) -> Result<i64> {
        let mut changes = self.changes()?;
        let id = changes.next_producer_id;
        if id >= changes.image.next_producer_id {
            let mut image = changes.image.clone();
            image.next_producer_id = id + PRODUCER_ID_BLOCK;
            self.commit(&mut changes, image)?;
        }
        changes.next_producer_id = id + 1;
        Ok(id)
    }

    /// Does what is due: retention, removal of deleted files, expiry of idle producers, flushes, and the
    /// checkpoints. Call it every few seconds or minutes.
    ///
    /// # Errors
    /// What goes wrong with one log is in the report; an error is about the data directory as a whole.
    pub fn housekeep(&self) -> Result<HousekeepReport> {
        housekeep::run(self)
    }

    /// Flushes and closes all logs and marks the directory as closed cleanly, so that the next open, here
    /// or by Kafka, need not look at anything.
    ///
    /// # Errors
    /// [`Error::Io`] where the disk fails; the directory is then not marked, and recovery looks.
    pub fn close(&self) -> Result<()> {
        let mut changes = self.inner.changes.lock().unwrap_or_else(PoisonError::into_inner);
        let Some(data_dir) = changes.data_dir.take() else { return Ok(()) };
        let catalog = self.inner.catalog.load();
        let logs: Vec<&Log> = catalog.logs().collect();
        let mut failed = None;
        for log in &logs {
            if let Err(e) = log.close() {
                tracing::error!(partition = %log.topic_partition(), error = %e, "cannot close the log");
                failed.get_or_insert(e);
            }
        }
        let marks: Vec<_> = logs.iter().map(|log| log.marks()).collect();
        match failed {
            None => data_dir.close(&marks),
            Some(e) => Err(e),
        }
    }

    /// # Errors
    /// [`Error::Closed`] once the store is closed.
    pub(super) fn changes(&self) -> Result<MutexGuard<'_, Changes>> {
        let changes = self.inner.changes.lock().unwrap_or_else(PoisonError::into_inner);
        if changes.data_dir.is_none() {
            return Err(Error::Closed { path: self.inner.path.clone() });
        }
        Ok(changes)
    }

    /// Makes `image` the truth on disk and here.
    pub(super) fn commit(&self, changes: &mut Changes, image: MetadataImage) -> Result<()> {
        let environment = &self.inner.config.environment;
        let now_ms = environment.clock.now_ms();
        bootstrap::write(&*environment.fs, &self.inner.path, &image, self.inner.placement, now_ms)?;
        changes.image = image;
        Ok(())
    }

    pub(super) fn publish(&self, change: impl FnOnce(&mut Catalog)) {
        let mut catalog = Catalog::clone(&self.inner.catalog.load());
        change(&mut catalog);
        self.inner.catalog.store(Arc::new(catalog));
    }

    /// What the image says of a partition of this node. Kafka cuts epochs that are not below the image's
    /// from a log's history, so the image names the next one.
    pub(super) fn partition_image(log: &Log, placement: Placement) -> PartitionImage {
        PartitionImage {
            leader_epoch: log.leader_epoch().saturating_add(1),
            partition_epoch: 0,
            replicas: vec![placement.node_id],
            directories: vec![placement.directory_id],
        }
    }
}

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use super::catalog::{Catalog, Topic};
use super::config::StoreConfig;
use super::quarantine::Quarantine;
use crate::commit::AskedOwner;
use crate::data_dir::DataDir;
use crate::error::{Error, Result};
use crate::log::Log;
use crate::metadata::bootstrap::{self, Placement};
use crate::metadata::{MetadataImage, PartitionImage};
use crate::retain::ClockWatch;
use crate::segment::HandleCache;
use crate::sync::{ArcSwap, Mutex, MutexGuard, PoisonError};

/// What all handles of a store share.
#[derive(Debug)]
pub(super) struct Inner {
    pub(super) path: PathBuf,
    pub(super) config: StoreConfig,
    pub(super) handles: Arc<HandleCache>,
    /// Which logs the committers are to sync.
    pub(super) asked: AskedOwner,
    pub(super) cluster_id: String,
    pub(super) placement: Placement,
    pub(super) catalog: ArcSwap<Catalog>,
    /// For retention: whether the wall clock has jumped since house was kept.
    pub(super) clock_watch: Mutex<ClockWatch>,
    /// Held by whoever changes which topics there are.
    pub(super) changes: Mutex<Changes>,
    pub(super) quarantine: Quarantine,
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

impl Inner {
    /// The topic of this name.
    pub(super) fn topic(&self, name: &str) -> Option<Arc<Topic>> {
        self.catalog.load().topic(name).cloned()
    }

    /// # Errors
    /// [`Error::Closed`] once the store is closed.
    pub(super) fn changes(&self) -> Result<MutexGuard<'_, Changes>> {
        let changes = self.changes.lock().unwrap_or_else(PoisonError::into_inner);
        if changes.data_dir.is_none() {
            return Err(Error::Closed { path: self.path.clone() });
        }
        Ok(changes)
    }

    /// Makes `image` the truth on disk and here.
    pub(super) fn commit(&self, changes: &mut Changes, image: MetadataImage) -> Result<()> {
        let environment = &self.config.environment;
        let now_ms = environment.clock.now_ms();
        bootstrap::write(&*environment.fs, &self.path, &image, self.placement, now_ms)?;
        changes.image = image;
        Ok(())
    }

    pub(super) fn publish(&self, change: impl FnOnce(&mut Catalog)) {
        let mut catalog = Catalog::clone(&self.catalog.load());
        change(&mut catalog);
        self.catalog.store(Arc::new(catalog));
    }
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

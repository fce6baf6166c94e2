use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;

use super::alter;
use super::catalog::Topic;
use super::change;
use super::compact;
use super::config::StoreConfig;
use super::housekeep::{self, HousekeepReport};
use super::open::{self, StoreReport};
use super::quarantine::Quarantined;
use super::scrub::{self, Scrubbed, Scrubber};
use super::state::Inner;
use crate::commit::Committer;
use crate::compact::{Cleaner, Compacted};
use crate::config::LogConfig;
use crate::dir::{TopicId, TopicPartition};
use crate::error::Result;
use crate::log::Log;
use crate::settings::Change;
use crate::sync::PoisonError;

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
    inner: Arc<Inner>,
}

/// How many producer ids one write of the image makes available (as in Kafka).
const PRODUCER_ID_BLOCK: i64 = 1000;

impl Store {
    /// Opens a data directory, making it where there is none: one that Apache Kafka wrote, or this
    /// library.
    ///
    /// # Errors
    /// [`Error::Locked`](crate::Error::Locked) while anybody else, Kafka too, has it open; [`Error::NotADirectoryOfOurs`](crate::Error::NotADirectoryOfOurs)
    /// where something else is there; [`Error::Corrupt`](crate::Error::Corrupt) where a file is not what it must be.
    pub fn open(path: impl AsRef<Path>, config: StoreConfig) -> Result<(Store, StoreReport)> {
        let (inner, report) = open::open(path.as_ref(), config)?;
        Ok((Store { inner: Arc::new(inner) }, report))
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
        self.inner.topic(name)
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
    /// [`Error::InvalidTopic`](crate::Error::InvalidTopic), [`Error::AlreadyExists`](crate::Error::AlreadyExists), [`Error::InvalidConfig`](crate::Error::InvalidConfig); [`Error::Io`](crate::Error::Io) where
    /// the disk refuses, and then there is no topic.
    pub fn create_topic(
        &self,
        name: &str,
        partitions: i32,
        overrides: &BTreeMap<String, String>,
    ) -> Result<Arc<Topic>> {
        change::create(&self.inner, name, partitions, overrides)
    }

    /// Deletes a topic with all its records.
    ///
    /// # Errors
    /// [`Error::Unknown`](crate::Error::Unknown); [`Error::Io`](crate::Error::Io) where the disk refuses.
    pub fn delete_topic(&self, name: &str) -> Result<()> {
        change::delete(&self.inner, name)
    }

    /// Adds partitions to a topic until there are `total`.
    ///
    /// # Errors
    /// [`Error::Unknown`](crate::Error::Unknown); [`Error::InvalidConfig`](crate::Error::InvalidConfig) where there are as many already.
    pub fn create_partitions(&self, name: &str, total: i32) -> Result<Arc<Topic>> {
        change::add_partitions(&self.inner, name, total)
    }

    /// Changes settings of a topic; those that are not named stay. Once this returns, the change survives a
    /// power cut, and the topic's logs follow it.
    ///
    /// # Errors
    /// [`Error::Unknown`](crate::Error::Unknown), [`Error::InvalidConfig`](crate::Error::InvalidConfig); [`Error::Io`](crate::Error::Io) where the disk refuses, and then nothing has changed.
    pub fn alter_topic_config(&self, name: &str, changes: &BTreeMap<String, Change>) -> Result<Arc<Topic>> {
        alter::alter(&self.inner, name, changes)
    }

    /// Gives a topic these settings in place of all that it had.
    ///
    /// # Errors
    /// As [`Store::alter_topic_config`].
    pub fn replace_topic_config(&self, name: &str, new: &BTreeMap<String, String>) -> Result<Arc<Topic>> {
        alter::replace(&self.inner, name, new)
    }

    /// A producer id that nobody has had.
    ///
    /// # Errors
    /// [`Error::Io`](crate::Error::Io) where the disk refuses.
    pub fn allocate_producer_id(&self) -> Result<i64> {
        let mut changes = self.inner.changes()?;
        let id = changes.next_producer_id;
        if id >= changes.image.next_producer_id {
            let mut image = changes.image.clone();
            image.next_producer_id = id + PRODUCER_ID_BLOCK;
            self.inner.commit(&mut changes, image)?;
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
        housekeep::run(&self.inner)
    }

    /// Compacts the one log that needs it most, if any needs it by its settings. Call it again at once where it
    /// did something, and a while later where it did not. Appends, reads and everything else go on meanwhile.
    ///
    /// A log that cannot be compacted is set aside ([`Store::quarantined`]) and the next one is taken.
    ///
    /// # Errors
    /// [`Error::Closed`](crate::Error::Closed). What goes wrong with one log is told by [`Store::quarantined`].
    pub fn compact_filthiest(&self, cleaner: &mut Cleaner) -> Result<Option<(TopicPartition, Compacted)>> {
        compact::run(&self.inner, cleaner)
    }

    /// The logs that could not be compacted, why, and when they are tried again.
    pub fn quarantined(&self) -> Vec<Quarantined> {
        self.inner.quarantine.shown(self.inner.config.environment.clock.monotonic())
    }

    /// Reads about `max_bytes` more of what the logs hold and checks every byte: batches, their checksums, the order
    /// of their offsets. Whoever calls it decides how fast the whole store is read.
    ///
    /// Pages that the system still holds in memory are checked there, not on the disk.
    ///
    /// # Errors
    /// [`Error::Closed`](crate::Error::Closed). A log that cannot be read is told in the result.
    pub fn scrub(&self, scrubber: &mut Scrubber, max_bytes: u64) -> Result<Scrubbed> {
        scrub::run(&self.inner, scrubber, max_bytes)
    }

    /// Who syncs for those that wait for a log of this store without syncing it themselves.
    pub fn committer(&self) -> Committer {
        Committer::new(self.inner.asked.0.clone())
    }

    /// Flushes and closes all logs and marks the directory as closed cleanly, so that the next open, here
    /// or by Kafka, need not look at anything.
    ///
    /// # Errors
    /// [`Error::Io`](crate::Error::Io) where the disk fails; the directory is then not marked, and recovery looks.
    pub fn close(&self) -> Result<()> {
        let mut changes = self.inner.changes.lock().unwrap_or_else(PoisonError::into_inner);
        let Some(data_dir) = changes.data_dir.take() else { return Ok(()) };
        let catalog = self.inner.catalog.load();
        let logs: Vec<&Log> = catalog.logs().collect();
        let mut failed = None;
        for log in &logs {
            if let Err(e) = log.close_silently() {
                tracing::error!(partition = %log.topic_partition(), error = %e, "cannot close the log");
                failed.get_or_insert(e);
            }
        }
        self.inner.asked.0.end();
        let marks: Vec<_> = logs.iter().map(|log| log.marks()).collect();
        let closed = match failed {
            None => data_dir.close(marks),
            Some(e) => Err(e),
        };
        drop(changes);
        logs.iter().for_each(|log| log.tell_of_close());
        closed
    }
}

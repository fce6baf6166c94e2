//! One partition: what an embedder holds. Each method calls one level down. `opening.rs` and `closing.rs` are where it begins and
//! ends.

use std::path::Path;
use std::sync::Arc;

use crate::append::{self, AppendOptions, Appended, Appender};
use crate::batches::Batches;
use crate::commit::{AskedOwner, Commit, Committer, Keeper};
use crate::compact::Turn;
use crate::config::LogConfig;
use crate::data_dir::{DataDir, PartitionMarks};
use crate::dir::{EpochEndOffset, TopicPartition};
use crate::durability::Durability;
use crate::error::{Error, Result};
use crate::isolation::ReadLimit;
use crate::lookup;
use crate::offset::{Offset, TimestampOffset};
use crate::read::{self, Fetched};
use crate::retain::{ClockWatch, Looked};
use crate::segment::Handles;
use crate::shared::Shared;
use crate::sync::atomic::{AtomicBool, Ordering};
use crate::sync::{Mutex, MutexGuard, PoisonError, TryLockError};
use crate::tail::Tail;
use crate::truncate;
use crate::watch::{Subscription, Waiter};

/// The log of one partition: a directory `<topic>-<partition>` of segments inside a data directory.
///
/// A `Log` is a handle: clones are the same log, and any thread may use any of them. Appends are taken
/// one after the other; readers never wait for them.
///
/// ```
/// use ottla::{Log, Offset};
/// use ottla_record::BatchBuilder;
///
/// let data = tempfile::tempdir()?;
/// let (log, _report) = Log::open(data.path().join("letters-0"))?;
///
/// let mut batch = BatchBuilder::new();
/// batch.push(1_700_000_000_000, Some(b"milena"), Some(b"Dear Milena"), &[])?;
/// let appended = log.append(&batch.build()?)?;
/// assert_eq!(appended.base_offset, Offset::ZERO);
///
/// appended.durability.wait()?; // now it survives a power cut
/// log.close()?;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
///
/// Dropping the last handle without [`Log::close`] is safe and leaves the directory as a crash would: the
/// next open looks at what was written since the last flush.
#[derive(Clone, Debug)]
pub struct Log {
    pub(crate) inner: Arc<Inner>,
}

#[derive(Debug)]
pub(crate) struct Inner {
    pub(crate) shared: Arc<Shared>,
    /// Who brings to disk what was appended, and whom that was promised.
    pub(crate) keeper: Arc<Keeper>,
    /// Settled when the log is opened.
    pub(crate) leader_epoch: i32,
    /// `None` once the log is closed, and in a log that was opened to read only.
    pub(crate) appender: Mutex<Option<Appender>>,
    /// Whether anything was appended since the files were last looked at to be closed.
    pub(crate) used: AtomicBool,
    /// For retention: whether the wall clock has jumped, and what was seen of the oldest segment.
    pub(crate) clock_watch: Mutex<ClockWatch>,
    pub(crate) looked: Mutex<Option<Looked>>,
    /// Serialises what shortens the log or flushes it whole.
    pub(crate) maintenance: Mutex<()>,
    /// Who compacts. Taken before the one above.
    pub(crate) turn: Turn,
    /// The data directory, where this log was opened alone.
    pub(crate) alone: Mutex<Option<Alone>>,
}

/// What a log that was opened alone has of its own, and logs of a store share.
#[derive(Debug)]
pub(crate) struct Alone {
    pub(crate) data_dir: DataDir,
    pub(crate) _asked: AskedOwner,
}

impl Log {
    /// Appends whole batches and returns where they went. Their offsets and leader epoch are assigned
    /// here; the bytes that were passed in are not changed.
    ///
    /// The batches are published when this returns: every reader may see them. They survive the end of
    /// the process; [`Appended::durability`] tells when they survive a power cut.
    ///
    /// # Errors
    /// [`Error::InvalidBatch`], [`Error::MissingKey`], [`Error::OutOfOrderSequence`],
    /// [`Error::InvalidProducerEpoch`] and [`Error::InvalidTxnState`] refuse the batch; [`Error::Io`] is the disk's, and but for a full disk
    /// every later append gets [`Error::Poisoned`].
    pub fn append(&self, batches: &[u8]) -> Result<Appended> {
        self.append_with(batches, &AppendOptions::default())
    }

    /// As [`Log::append`], for appends that are not a client's.
    ///
    /// # Errors
    /// As [`Log::append`].
    pub fn append_with(&self, batches: &[u8], options: &AppendOptions) -> Result<Appended> {
        let shared = &self.inner.shared;
        shared.ensure_writable()?;
        let now_ms = shared.clock.now_ms();
        let checked = append::check(batches, &shared.config.load(), options.origin, now_ms)?;
        let commit = self.inner.commit();
        let info =
            self.with_appender(|appender| appender.append(shared, commit, &checked, options, now_ms))?;
        self.inner.used.store(true, Ordering::Relaxed);
        // Outside the append lock: a woken reader finds it free.
        shared.watch.notify();
        let end = info.last_offset + 1;
        if self.is_flush_due(end, commit.note_appended(info.size_bytes)) {
            self.sync_to(end)?;
        }
        Ok(info.promise(Durability::new(self.inner.keeper.clone(), end)))
    }

    /// `flush.messages` and `flush.bytes`: an append that fills the measure waits for the disk.
    fn is_flush_due(&self, end: Offset, unsynced_bytes: u64) -> bool {
        let config = self.inner.shared.config.load();
        let unsynced_records = || u64::try_from(end - self.durable_offset()).unwrap_or(0);
        config.flush_messages.is_some_and(|most| unsynced_records() >= most)
            || config.flush_bytes.is_some_and(|most| unsynced_bytes >= most)
    }

    pub(crate) fn appender(&self) -> MutexGuard<'_, Option<Appender>> {
        self.inner.appender.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn with_appender<R>(&self, work: impl FnOnce(&mut Appender) -> Result<R>) -> Result<R> {
        let mut guard = self.appender();
        self.inner.shared.ensure_writable()?;
        let Some(appender) = guard.as_mut() else { return Err(self.without_appender()) };
        let done = work(appender);
        let opened = appender.take_opened();
        // Outside the append lock: that these files are open may close those of other logs.
        drop(guard);
        if opened {
            self.note_opened();
        }
        done
    }

    /// Why there is no appender: there never was one, or a close has taken it.
    fn without_appender(&self) -> Error {
        let path = self.inner.shared.home.dir.clone();
        if self.inner.shared.checkpoints.is_none() {
            Error::ReadOnly { path }
        } else {
            Error::Closed { path }
        }
    }

    pub(crate) fn note_opened(&self) {
        /// The log and its two indexes.
        const FILES: usize = 3;
        let this = Arc::downgrade(&self.inner);
        self.inner.shared.home.handles.opened(this, FILES);
    }

    /// Waits until every record below `offset` is on disk. Calls that come together share one sync.
    ///
    /// # Errors
    /// [`Error::Io`] where the disk fails; then nothing above [`Log::durable_offset`] may be taken for
    /// stored, and the log takes no more writes.
    pub fn sync_to(&self, offset: Offset) -> Result<()> {
        self.inner.commit().sync_to(&self.inner.shared, offset.min(self.log_end_offset()))
    }

    /// Every record below this offset is on disk.
    pub fn durable_offset(&self) -> Offset {
        self.inner.shared.durable_offset()
    }

    /// Who syncs for those that do not wait themselves; serves all logs of the same store.
    pub fn committer(&self) -> Committer {
        Committer::new(self.inner.keeper.asked())
    }

    /// Reads from the batch that holds `from` on: a range of one file, without copying.
    ///
    /// At most `max_bytes`, but the first batch whole; the last may be cut. An empty slice means that
    /// there is nothing yet.
    ///
    /// # Errors
    /// [`Error::OffsetOutOfRange`] below the start of the log and above its end.
    pub fn read(&self, from: Offset, max_bytes: usize, limit: impl Into<ReadLimit>) -> Result<Fetched> {
        read::read(&self.inner.shared, from, max_bytes, limit.into())
    }

    /// Reads whole batches into memory: for readers that want records rather than bytes.
    ///
    /// # Errors
    /// As [`Log::read`].
    pub fn read_batches(
        &self,
        from: Offset,
        max_bytes: usize,
        limit: impl Into<ReadLimit>,
    ) -> Result<Batches> {
        let limit = limit.into();
        let shared = &self.inner.shared;
        let fetched = self.read(from, max_bytes, limit)?;
        match Batches::read(shared, &fetched, from, limit.isolation) {
            Err(Error::Corrupt(_)) => {
                let fetched = read::read_carefully(shared, from, max_bytes, limit)?;
                Batches::read(shared, &fetched, from, limit.isolation)
            }
            batches => batches,
        }
    }

    /// A reader that starts at `from` and waits at the end for more.
    pub fn tail(&self, from: Offset, limit: impl Into<ReadLimit>) -> Tail {
        Tail::new(self.inner.shared.clone(), from, limit.into())
    }

    /// Wakes `waiter` whenever the log changes, until the returned value is dropped.
    pub fn subscribe(&self, waiter: &Arc<Waiter>) -> Subscription {
        self.inner.shared.watch.subscribe(waiter)
    }

    /// The topic and the partition's number.
    pub fn topic_partition(&self) -> &TopicPartition {
        &self.inner.shared.topic_partition
    }

    /// The partition directory.
    pub fn path(&self) -> &Path {
        &self.inner.shared.home.dir
    }

    /// The first offset there is.
    pub fn log_start_offset(&self) -> Offset {
        self.inner.shared.log_start_offset()
    }

    /// The offset that the next record gets.
    pub fn log_end_offset(&self) -> Offset {
        self.inner.shared.log_end_offset()
    }

    /// The offset after the last record that readers see: the log end offset, or the durable offset where
    /// `flush.messages` is 1.
    pub fn high_watermark(&self) -> Offset {
        self.inner.shared.high_watermark()
    }

    /// Up to where every transaction is decided.
    pub fn last_stable_offset(&self) -> Offset {
        self.inner.shared.last_stable_offset()
    }

    /// Below this, everything is on disk, indexes too, and recovery does not look.
    pub fn recovery_point(&self) -> Offset {
        self.inner.shared.recovery_point()
    }

    /// The epoch under which this log appends.
    pub fn leader_epoch(&self) -> i32 {
        self.inner.leader_epoch
    }

    /// How far the largest epoch up to `epoch` reaches (KIP-101, KIP-320).
    pub fn end_offset_for_epoch(&self, epoch: i32) -> EpochEndOffset {
        let shared = &self.inner.shared;
        let current = self.leader_epoch();
        if epoch == current {
            return EpochEndOffset { epoch, end_offset: shared.log_end_offset() };
        }
        shared.epochs().end_offset_for(epoch, shared.log_end_offset())
    }

    /// The first record whose timestamp is at or past `timestamp_ms`.
    ///
    /// # Errors
    /// [`Error::Io`] and [`Error::Corrupt`] where a segment cannot be read.
    pub fn offset_for_timestamp(&self, timestamp_ms: i64) -> Result<Option<TimestampOffset>> {
        lookup::first_at_or_after(&self.inner.shared, timestamp_ms)
    }

    /// The first record that carries the largest timestamp of the log.
    ///
    /// # Errors
    /// As [`Log::offset_for_timestamp`].
    pub fn max_timestamp(&self) -> Result<Option<TimestampOffset>> {
        lookup::max_timestamp(&self.inner.shared)
    }

    /// The size of all segments.
    ///
    /// # Errors
    /// [`Error::Io`] where a segment cannot be looked at.
    pub fn size_bytes(&self) -> Result<u64> {
        let shared = &self.inner.shared;
        shared.look(|| shared.segments.all().iter().map(|segment| segment.size_bytes()).sum())
    }

    /// The base offsets of all segments, oldest first.
    pub fn segment_base_offsets(&self) -> Vec<Offset> {
        self.inner.shared.segments.all().iter().map(|segment| segment.base_offset()).collect()
    }

    /// The largest producer id that the log remembers.
    pub fn largest_producer_id(&self) -> Option<i64> {
        let appender = self.appender();
        appender.as_ref()?.producers.entries().iter().map(|entry| entry.producer_id).max()
    }

    /// The settings.
    pub fn config(&self) -> Arc<LogConfig> {
        self.inner.shared.config.load_full()
    }

    /// Changes the settings; appends from now on follow them.
    pub fn set_config(&self, config: LogConfig) {
        // Under the append lock: an append sees one and the same settings from its beginning to its end.
        let mut appender = self.appender();
        if let Some(appender) = appender.as_mut() {
            appender.writer.set_interval_bytes(config.index_interval_bytes);
        }
        self.inner.shared.config.store(Arc::new(config));
        drop(appender);
        if let Err(error) = self.sync_what_is_hidden() {
            // Readers wait then until the disk has it, and appends are refused.
            tracing::error!(partition = %self.topic_partition(), %error, "cannot sync what readers do not see now");
        }
    }

    /// Where readers see only what is on disk, all that was there before is brought there.
    pub(crate) fn sync_what_is_hidden(&self) -> Result<()> {
        let hides = self.inner.shared.config.load().shows_durable_only();
        if hides { self.sync_to(self.log_end_offset()) } else { Ok(()) }
    }

    /// Forgets idle producers, as `producer.id.expiration.ms` says. Returns how many.
    pub fn expire_producers(&self) -> usize {
        let shared = &self.inner.shared;
        let expiration_ms = shared.config.load().producer_id_expiration_ms;
        let now_ms = shared.clock.now_ms();
        self.appender().as_mut().map_or(0, |appender| appender.producers.expire(now_ms, expiration_ms))
    }

    /// Cuts the log so that it ends at `to`. Readers that stood past it are told.
    ///
    /// # Errors
    /// [`Error::OffsetOutOfRange`] below the start of the log; [`Error::Io`] where the disk fails.
    pub fn truncate(&self, to: Offset) -> Result<()> {
        let shared = &self.inner.shared;
        let _one_at_a_time = self.maintenance();
        if to >= shared.log_end_offset() {
            return Ok(());
        }
        if to < shared.log_start_offset() {
            return Err(Error::OffsetOutOfRange {
                requested: to,
                log_start_offset: shared.log_start_offset(),
                log_end_offset: shared.log_end_offset(),
            });
        }
        self.with_appender(|appender| truncate::truncate(shared, self.inner.commit(), appender, to))
    }

    pub(crate) fn maintenance(&self) -> MutexGuard<'_, ()> {
        self.inner.maintenance.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// What the data directory's checkpoints say about this log.
    pub(crate) fn marks(&self) -> PartitionMarks {
        let shared = &self.inner.shared;
        PartitionMarks {
            topic_partition: shared.topic_partition.clone(),
            recovery_point: shared.recovery_point(),
            log_start_offset: shared.log_start_offset(),
            high_watermark: shared.log_end_offset(),
            first_segment: shared.segments.first().map_or(Offset::ZERO, |first| first.base_offset()),
        }
    }
}

impl Inner {
    pub(crate) fn commit(&self) -> &Commit {
        &self.keeper.commit
    }
}

impl Handles for Inner {
    fn close_handles(&self) -> bool {
        let mut appender = match self.appender.try_lock() {
            Ok(appender) => appender,
            Err(TryLockError::Poisoned(e)) => e.into_inner(),
            Err(TryLockError::WouldBlock) => return false,
        };
        let Some(appender) = appender.as_mut() else { return true };
        let rested = appender.rest(&self.shared, self.commit());
        if let Err(error) = &rested {
            tracing::warn!(partition = %self.shared.topic_partition, %error, "cannot close the files of an idle log");
        }
        rested.unwrap_or(false)
    }

    fn take_used(&self) -> bool {
        self.used.swap(false, Ordering::Relaxed)
    }
}

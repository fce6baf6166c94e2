//! One partition: what an embedder holds. Each method calls one level down.

use std::io;
use std::path::Path;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use crate::append::{self, AppendOptions, Appended, Appender};
use crate::batches::Batches;
use crate::commit::Commit;
use crate::config::{Environment, LogConfig};
use crate::data_dir::{DataDir, PartitionMarks, split_path};
use crate::dir::{EpochEndOffset, TopicPartition};
use crate::error::{Error, Result};
use crate::lookup;
use crate::offset::{Offset, TimestampOffset};
use crate::read::{self, Fetched, Isolation};
use crate::recover::{self, OpenOptions, RecoveryReport};
use crate::remove;
use crate::retain;
use crate::segment::HandleCache;
use crate::shared::Shared;
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
/// log.sync_to(appended.last_offset + 1)?; // now it survives a power cut
/// log.close()?;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
///
/// Dropping the last handle without [`Log::close`] is safe and leaves the directory as a crash would: the
/// next open looks at what was written since the last flush.
#[derive(Clone, Debug)]
pub struct Log {
    inner: Arc<Inner>,
}

#[derive(Debug)]
struct Inner {
    shared: Arc<Shared>,
    commit: Commit,
    /// Settled when the log is opened.
    leader_epoch: i32,
    /// `None` once the log is closed, and in a log that was opened to read only.
    appender: Mutex<Option<Appender>>,
    /// Serialises what shortens the log or flushes it whole.
    maintenance: Mutex<()>,
    /// The data directory, where this log was opened alone.
    alone: Mutex<Option<DataDir>>,
}

impl Log {
    /// Opens the log in `dir` with default settings, making it where there is none. The parent directory
    /// is its data directory: its lock is taken and its checkpoints are honoured.
    ///
    /// # Errors
    /// [`Error::Locked`] while anybody else has the data directory open for writing (use a
    /// [`Store`](crate::Store) for many logs of one directory), [`Error::NotADirectoryOfOurs`] where the
    /// name is not `<topic>-<partition>`, [`Error::Corrupt`] where a file is not what it must be.
    pub fn open(dir: impl AsRef<Path>) -> Result<(Log, RecoveryReport)> {
        Log::open_with(dir, LogConfig::default(), Environment::default())
    }

    /// As [`Log::open`], with these settings, files and clock.
    ///
    /// # Errors
    /// As [`Log::open`].
    pub fn open_with(
        dir: impl AsRef<Path>,
        config: LogConfig,
        environment: Environment,
    ) -> Result<(Log, RecoveryReport)> {
        let (parent, topic_partition) = split_path(dir.as_ref())?;
        let mut data_dir = DataDir::open(&environment.fs, parent)?;
        if matches!(environment.fs.metadata(dir.as_ref()), Err(e) if e.kind() == io::ErrorKind::NotFound) {
            data_dir.forget(&topic_partition)?;
        }
        let options = OpenOptions {
            dir: dir.as_ref().to_path_buf(),
            marks: data_dir.marks(&topic_partition),
            checkpoints: Some(data_dir.checkpoints().clone()),
            topic_partition,
            config,
            environment,
            handles: Arc::default(),
            clean: data_dir.was_clean(),
            least_leader_epoch: 0,
        };
        let is_unknown = options.marks.recovery_point.is_none();
        let (log, report) = Log::open_in(options)?;
        *log.inner.alone.lock().unwrap_or_else(PoisonError::into_inner) = Some(data_dir);
        if is_unknown {
            // From here on a checkpoint tells what is sure, and recovery need not guess.
            log.flush()?;
        }
        Ok((log, report))
    }

    /// Opens the log in `dir` to read only: nothing is locked, made or changed, and another process may
    /// have it open for writing. What that process appends later is seen after opening anew.
    ///
    /// # Errors
    /// [`Error::NotADirectoryOfOurs`] where `dir` is no partition directory.
    pub fn open_read_only(dir: impl AsRef<Path>, environment: Environment) -> Result<Log> {
        let (parent, topic_partition) = split_path(dir.as_ref())?;
        let marks = DataDir::read_marks(&*environment.fs, parent, &topic_partition)?;
        let options = OpenOptions {
            dir: dir.as_ref().to_path_buf(),
            topic_partition,
            marks,
            checkpoints: None,
            config: LogConfig::default(),
            environment,
            handles: Arc::new(HandleCache::new(64)),
            clean: false,
            least_leader_epoch: 0,
        };
        let shared = recover::open_read_only(options)?;
        Ok(Log::assemble(shared, None))
    }

    pub(crate) fn open_in(options: OpenOptions) -> Result<(Log, RecoveryReport)> {
        let (shared, appender, report) = recover::open(options)?;
        Ok((Log::assemble(shared, Some(appender)), report))
    }

    fn assemble(shared: Shared, appender: Option<Appender>) -> Log {
        let recovery_point = shared.recovery_point();
        let commit = Commit::new(recovery_point, shared.segments.from(recovery_point));
        let newest = shared.epochs().latest().map_or(0, |latest| latest.epoch);
        let leader_epoch = appender.as_ref().map_or(newest, |appender| appender.leader_epoch);
        let (shared, appender) = (Arc::new(shared), Mutex::new(appender));
        let inner = Inner {
            shared,
            commit,
            leader_epoch,
            appender,
            maintenance: Mutex::default(),
            alone: Mutex::default(),
        };
        Log { inner: Arc::new(inner) }
    }

    /// Appends whole batches and returns where they went. Their offsets and leader epoch are assigned
    /// here; the bytes that were passed in are not changed.
    ///
    /// The batches are published when this returns: every reader may see them. They survive the end of
    /// the process; to know that they survive a power cut, call [`Log::sync_to`].
    ///
    /// # Errors
    /// [`Error::InvalidBatch`], [`Error::OutOfOrderSequence`], [`Error::InvalidProducerEpoch`] and
    /// [`Error::InvalidTxnState`] refuse the batch; [`Error::Io`] is the disk's, and but for a full disk
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
        let commit = &self.inner.commit;
        let appended =
            self.with_appender(|appender| appender.append(shared, commit, &checked, options, now_ms))?;
        // Outside the append lock: a woken reader finds it free.
        shared.watch.notify();
        self.flush_after(&appended)?;
        Ok(appended)
    }

    /// `flush.messages`: an append that fills the measure waits for the disk.
    fn flush_after(&self, appended: &Appended) -> Result<()> {
        let Some(flush_messages) = self.inner.shared.config.load().flush_messages else { return Ok(()) };
        let end = appended.last_offset + 1;
        let waiting = u64::try_from(end - self.durable_offset()).unwrap_or(0);
        if waiting >= flush_messages { self.sync_to(end) } else { Ok(()) }
    }

    fn appender(&self) -> MutexGuard<'_, Option<Appender>> {
        self.inner.appender.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn with_appender<R>(&self, work: impl FnOnce(&mut Appender) -> Result<R>) -> Result<R> {
        let mut appender = self.appender();
        self.inner.shared.ensure_writable()?;
        match appender.as_mut() {
            Some(appender) => work(appender),
            None => Err(Error::ReadOnly { path: self.inner.shared.home.dir.clone() }),
        }
    }

    /// Waits until every record below `offset` is on disk. Calls that come together share one sync.
    ///
    /// # Errors
    /// [`Error::Io`] where the disk fails; then nothing above [`Log::durable_offset`] may be taken for
    /// stored, and the log takes no more writes.
    pub fn sync_to(&self, offset: Offset) -> Result<()> {
        self.inner.commit.sync_to(&self.inner.shared, offset.min(self.log_end_offset()))
    }

    /// Every record below this offset is on disk.
    pub fn durable_offset(&self) -> Offset {
        self.inner.commit.durable()
    }

    /// Reads from the batch that holds `from` on: a range of one file, without copying.
    ///
    /// At most `max_bytes`, but the first batch whole; the last may be cut. An empty slice means that
    /// there is nothing yet.
    ///
    /// # Errors
    /// [`Error::OffsetOutOfRange`] below the start of the log and above its end.
    pub fn read(&self, from: Offset, max_bytes: usize, isolation: Isolation) -> Result<Fetched> {
        read::read(&self.inner.shared, from, max_bytes, isolation)
    }

    /// Reads whole batches into memory: for readers that want records rather than bytes.
    ///
    /// # Errors
    /// As [`Log::read`].
    pub fn read_batches(&self, from: Offset, max_bytes: usize, isolation: Isolation) -> Result<Batches> {
        let fetched = self.read(from, max_bytes, isolation)?;
        Batches::read(
            self.path(),
            &fetched,
            from,
            isolation,
            self.inner.shared.config.load().max_decompressed_bytes,
        )
    }

    /// A reader that starts at `from` and waits at the end for more.
    pub fn tail(&self, from: Offset, isolation: Isolation) -> Tail {
        Tail::new(self.inner.shared.clone(), from, isolation)
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

    /// The offset after the last record that readers may see: on one node, the log end offset.
    pub fn high_watermark(&self) -> Offset {
        self.inner.shared.log_end_offset()
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
        self.inner.shared.segments.all().iter().map(|segment| segment.size_bytes()).sum()
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
        if let Some(appender) = self.appender().as_mut() {
            appender.writer.set_interval_bytes(config.index_interval_bytes);
        }
        self.inner.shared.config.store(Arc::new(config));
    }

    /// Moves the start of the log up to `before` (Kafka's `DeleteRecords`); segments that lie wholly
    /// below it are removed. Returns the start of the log.
    ///
    /// # Errors
    /// [`Error::OffsetOutOfRange`] past the end of the log.
    pub fn delete_records(&self, before: Offset) -> Result<Offset> {
        let shared = &self.inner.shared;
        let _one_at_a_time = self.maintenance();
        if before > shared.log_end_offset() {
            return Err(Error::OffsetOutOfRange {
                requested: before,
                log_start_offset: shared.log_start_offset(),
                log_end_offset: shared.log_end_offset(),
            });
        }
        if before > shared.log_start_offset() {
            self.advance_start(before)?;
            remove::segments_below_start(shared)?;
        }
        Ok(shared.log_start_offset())
    }

    /// Removes the segments that the settings no longer keep. Returns how many.
    ///
    /// # Errors
    /// [`Error::Io`] where a file cannot be renamed or a checkpoint cannot be written.
    pub fn apply_retention(&self) -> Result<usize> {
        let shared = &self.inner.shared;
        let _one_at_a_time = self.maintenance();
        let Some(new_start) = retain::new_log_start(shared)? else {
            return remove::segments_below_start(shared);
        };
        self.with_appender(|appender| {
            if new_start >= appender.next_offset && appender.writer.size_bytes() > 0 {
                let commit = &self.inner.commit;
                appender.roll(shared, commit, &shared.config.load(), shared.clock.now_ms())?;
            }
            Ok(())
        })?;
        self.advance_start(new_start)?;
        remove::segments_below_start(shared)
    }

    /// Removes the files that were renamed to `.deleted` long enough ago. Returns how many.
    ///
    /// # Errors
    /// [`Error::Io`] where a file cannot be removed.
    pub fn remove_deleted_files(&self) -> Result<usize> {
        remove::deleted_files(&self.inner.shared)
    }

    /// Forgets idle producers, as `producer.id.expiration.ms` says. Returns how many.
    pub fn expire_producers(&self) -> usize {
        let shared = &self.inner.shared;
        let expiration_ms = shared.config.load().producer_id_expiration_ms;
        let now_ms = shared.clock.now_ms();
        self.appender().as_mut().map_or(0, |appender| appender.producers.expire(now_ms, expiration_ms))
    }

    /// Moves the start of the log up: on disk first, so that nothing below it goes, and no reader is told,
    /// before it is sure.
    fn advance_start(&self, start: Offset) -> Result<()> {
        let shared = &self.inner.shared;
        shared.ensure_writable()?;
        if let Some(checkpoints) = &shared.checkpoints {
            checkpoints.advance_start(&shared.topic_partition, start)?;
        }
        self.with_appender(|appender| {
            retain::advance_start(shared, &mut appender.producers, start);
            Ok(())
        })?;
        let epochs = shared.change_epochs(|epochs| epochs.truncate_from_start(start).then(|| epochs.clone()));
        let written = epochs.map_or(Ok(()), |epochs| epochs.write(&*shared.home.fs, &shared.home.dir));
        written.inspect_err(|e| shared.poison_by_failed_sync(e))
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
        self.with_appender(|appender| truncate::truncate(shared, &self.inner.commit, appender, to))
    }

    /// Makes everything durable, indexes and producers' state too, and moves the recovery point up.
    ///
    /// # Errors
    /// [`Error::Io`] where the disk fails; the log then takes no more writes.
    pub fn flush(&self) -> Result<()> {
        let _one_at_a_time = self.maintenance();
        self.flush_locked()?;
        if let Some(data_dir) = self.inner.alone.lock().unwrap_or_else(PoisonError::into_inner).as_mut() {
            data_dir.checkpoint(|| vec![self.marks()])?;
        }
        Ok(())
    }

    /// Flushes where the settings ask for it by now, and where segments were rolled a while ago: so
    /// recovery never has to look at more than the newest segments. Tells whether it did.
    ///
    /// # Errors
    /// As [`Log::flush`].
    pub fn flush_if_due(&self) -> Result<bool> {
        let Inner { shared, commit, .. } = &*self.inner;
        let unflushed = shared.log_end_offset() > shared.recovery_point();
        if !unflushed || !(commit.has_settled_segments(shared) || commit.is_late(shared)) {
            return Ok(false);
        }
        self.flush().map(|()| true)
    }

    fn flush_locked(&self) -> Result<()> {
        let shared = &self.inner.shared;
        let end = self.with_appender(|appender| {
            appender.writer.write_indexes()?;
            Ok(appender.next_offset)
        })?;
        self.inner.commit.flush(shared, end)?;
        shared.set_recovery_point(end);
        Ok(())
    }

    fn maintenance(&self) -> MutexGuard<'_, ()> {
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

    /// Flushes everything, writes the producers' state and closes the log: the next open need not look at
    /// anything. All handles of this log are closed with it.
    ///
    /// # Errors
    /// [`Error::Io`] where the disk fails; the next open then looks as after a crash.
    pub fn close(&self) -> Result<()> {
        let _one_at_a_time = self.maintenance();
        let closed = self.close_files();
        let data_dir = self.inner.alone.lock().unwrap_or_else(PoisonError::into_inner).take();
        match (closed, data_dir) {
            (Ok(true), Some(data_dir)) => data_dir.close(vec![self.marks()]),
            (closed, _) => closed.map(|_| ()),
        }
    }

    /// Tells whether there was anything to close.
    fn close_files(&self) -> Result<bool> {
        let shared = &self.inner.shared;
        if shared.ensure_open().is_err() || self.appender().is_none() {
            shared.close();
            return Ok(false);
        }
        let finish = || {
            self.with_appender(|appender| {
                appender.writer.close()?;
                appender.take_snapshot(shared)
            })?;
            self.flush_locked()?;
            remove::all_deleted_files(shared)?;
            remove::sync_snapshot(shared, shared.log_end_offset())
        };
        let finished = finish();
        shared.close();
        *self.appender() = None;
        finished.map(|()| true)
    }

    /// Closes the log without flushing: its topic is deleted.
    pub(crate) fn abandon(&self) {
        self.inner.shared.close();
        *self.appender() = None;
    }
}

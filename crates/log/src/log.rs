//! One partition: what an embedder holds. Each method calls one level down.

use std::io;
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, TryLockError};

use crate::append::{self, AppendOptions, Appended, Appender};
use crate::batches::Batches;
use crate::commit::Commit;
use crate::compact::Turn;
use crate::config::{Environment, LogConfig};
use crate::data_dir::{DataDir, PartitionMarks, split_path};
use crate::dir::{EpochEndOffset, FileKind, TopicPartition};
use crate::error::{Error, Result};
use crate::lookup;
use crate::offset::{Offset, TimestampOffset};
use crate::read::{self, Fetched, Isolation};
use crate::recover::{self, OpenOptions, RecoveryReport};
use crate::remove;
use crate::retain::{ClockWatch, Looked};
use crate::segment::{HandleCache, Handles};
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
    pub(crate) inner: Arc<Inner>,
}

#[derive(Debug)]
pub(crate) struct Inner {
    pub(crate) shared: Arc<Shared>,
    pub(crate) commit: Commit,
    /// Settled when the log is opened.
    leader_epoch: i32,
    /// `None` once the log is closed, and in a log that was opened to read only.
    appender: Mutex<Option<Appender>>,
    /// Whether anything was appended since the files were last looked at to be closed.
    used: AtomicBool,
    /// For retention: whether the wall clock has jumped, and what was seen of the oldest segment.
    pub(crate) clock_watch: Mutex<ClockWatch>,
    pub(crate) looked: Mutex<Option<Looked>>,
    /// Serialises what shortens the log or flushes it whole.
    pub(crate) maintenance: Mutex<()>,
    /// Who compacts. Taken before the one above.
    pub(crate) turn: Turn,
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
        let (shared, mut appender, report) = recover::open(options)?;
        let all_on_disk = shared.recovery_point() == shared.log_end_offset();
        appender.touched = !(report.clean && report.is_uneventful() && all_on_disk);
        if let Some(checkpoints) = &shared.checkpoints {
            checkpoints.settle_cleaner_point(&shared.topic_partition, shared.log_end_offset())?;
        }
        let log = Log::assemble(shared, Some(appender));
        log.note_opened();
        Ok((log, report))
    }

    fn assemble(shared: Shared, appender: Option<Appender>) -> Log {
        let recovery_point = shared.recovery_point();
        let all_on_disk = recovery_point >= shared.log_end_offset();
        let unsynced = if all_on_disk { Vec::new() } else { shared.segments.from(recovery_point) };
        let commit = Commit::new(recovery_point, unsynced);
        let newest = shared.epochs().latest().map_or(0, |latest| latest.epoch);
        let leader_epoch = appender.as_ref().map_or(newest, |appender| appender.leader_epoch);
        let clock_watch = Mutex::new(ClockWatch::new(&*shared.clock));
        let (shared, appender) = (Arc::new(shared), Mutex::new(appender));
        let inner = Inner {
            shared,
            commit,
            leader_epoch,
            appender,
            used: AtomicBool::new(false),
            clock_watch,
            looked: Mutex::default(),
            maintenance: Mutex::default(),
            turn: Turn::default(),
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
        let commit = &self.inner.commit;
        let appended =
            self.with_appender(|appender| appender.append(shared, commit, &checked, options, now_ms))?;
        self.inner.used.store(true, Ordering::Relaxed);
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

    pub(crate) fn with_appender<R>(&self, work: impl FnOnce(&mut Appender) -> Result<R>) -> Result<R> {
        let mut guard = self.appender();
        self.inner.shared.ensure_writable()?;
        let Some(appender) = guard.as_mut() else {
            return Err(Error::ReadOnly { path: self.inner.shared.home.dir.clone() });
        };
        let done = work(appender);
        let opened = appender.take_opened();
        // Outside the append lock: that these files are open may close those of other logs.
        drop(guard);
        if opened {
            self.note_opened();
        }
        done
    }

    fn note_opened(&self) {
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
        Batches::read(&self.inner.shared, &fetched, from, isolation)
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
        // Under the append lock: an append sees one and the same settings from its beginning to its end.
        let mut appender = self.appender();
        if let Some(appender) = appender.as_mut() {
            appender.writer.set_interval_bytes(config.index_interval_bytes);
        }
        self.inner.shared.config.store(Arc::new(config));
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

    /// Flushes everything, writes the producers' state and closes the log: the next open need not look at
    /// anything. All handles of this log are closed with it.
    ///
    /// # Errors
    /// [`Error::Io`] where the disk fails; the next open then looks as after a crash.
    pub fn close(&self) -> Result<()> {
        self.inner.turn.close();
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
        let finished = if self.is_as_it_was_opened() {
            remove::all_deleted_files(shared).map(|_| ())
        } else {
            self.flush_to_close()
        };
        shared.close();
        *self.appender() = None;
        shared.segments.all().iter().for_each(|segment| segment.close());
        finished.map(|()| true)
    }

    fn flush_to_close(&self) -> Result<()> {
        let shared = &self.inner.shared;
        self.with_appender(|appender| {
            appender.close_indexes(shared)?;
            appender.take_snapshot(shared)
        })?;
        self.flush_locked()?;
        remove::all_deleted_files(shared)?;
        remove::sync_snapshot(shared, shared.log_end_offset())
    }

    /// Whether all is on disk already, as a clean close left it.
    fn is_as_it_was_opened(&self) -> bool {
        let touched = self.appender().as_ref().is_none_or(|appender| appender.touched);
        let home = &self.inner.shared.home;
        let snapshot = home.path(self.log_end_offset(), FileKind::Snapshot);
        !touched && home.fs.metadata(&snapshot).is_ok()
    }

    /// Closes the log without flushing: its topic is deleted.
    pub(crate) fn abandon(&self) {
        self.inner.turn.close();
        self.inner.shared.close();
        *self.appender() = None;
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
        let rested = appender.rest(&self.shared, &self.commit);
        if let Err(error) = &rested {
            tracing::warn!(partition = %self.shared.topic_partition, %error, "cannot close the files of an idle log");
        }
        rested.unwrap_or(false)
    }

    fn take_used(&self) -> bool {
        self.used.swap(false, Ordering::Relaxed)
    }
}

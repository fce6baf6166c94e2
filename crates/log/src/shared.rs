//! What the appender and the readers of one log both see.

use std::io;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use crate::clock::Clock;
use crate::config::LogConfig;
use crate::data_dir::Checkpoints;
use crate::dir::{LeaderEpochs, TopicPartition};
use crate::doubt;
use crate::error::{Error, Result};
use crate::offset::Offset;
use crate::room::Room;
use crate::segment::{Home, SegmentSet};
use crate::sync::atomic::{AtomicBool, AtomicI64, AtomicU64, AtomicUsize, Ordering};
use crate::sync::{ArcSwap, Mutex, OnceLock, PoisonError, RwLock, RwLockReadGuard};
use crate::watch::Watch;

const NONE_UNSTABLE: i64 = i64::MAX;

/// The published state of a log. Offsets only move here after the bytes they stand for are written.
#[derive(Debug)]
pub(crate) struct Shared {
    pub topic_partition: TopicPartition,
    pub home: Arc<Home>,
    pub clock: Arc<dyn Clock>,
    pub config: ArcSwap<LogConfig>,
    pub segments: SegmentSet,
    pub watch: Arc<Watch>,
    pub room: Room,
    /// Where a moved start is made durable; `None` in a log that is only read.
    pub checkpoints: Option<Arc<Checkpoints>>,
    log_start_offset: AtomicI64,
    log_end_offset: AtomicI64,
    first_unstable_offset: AtomicI64,
    recovery_point: AtomicI64,
    /// Everything below is on disk; only changed under the lock of the commit's round.
    durable_offset: AtomicI64,
    /// Those who wait for the offset above to move.
    durable_readers: AtomicUsize,
    /// How often the end of the log was cut, and to where each time.
    truncations: AtomicU64,
    cuts: Mutex<Vec<Offset>>,
    /// How often a cut of the end has begun, and how often one was over.
    cuts_begun: AtomicU64,
    cuts_over: AtomicU64,
    epochs: RwLock<LeaderEpochs>,
    /// Files that were renamed to `.deleted`, and when they go, in the clock's monotonic time.
    deletions: Mutex<Vec<(Duration, PathBuf)>>,
    failure: OnceLock<Arc<io::Error>>,
    closed: AtomicBool,
}

/// Where a log stands when it is opened.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Bounds {
    pub log_start_offset: Offset,
    pub log_end_offset: Offset,
    pub recovery_point: Offset,
}

impl Shared {
    #[expect(clippy::too_many_arguments, reason = "one value for each thing that a log stands on")]
    pub(crate) fn new(
        topic_partition: TopicPartition,
        home: Arc<Home>,
        clock: Arc<dyn Clock>,
        config: LogConfig,
        segments: SegmentSet,
        epochs: LeaderEpochs,
        bounds: Bounds,
        checkpoints: Option<Arc<Checkpoints>>,
    ) -> Shared {
        Shared {
            topic_partition,
            home,
            clock,
            config: ArcSwap::from_pointee(config),
            segments,
            watch: Arc::default(),
            room: Room::default(),
            checkpoints,
            log_start_offset: AtomicI64::new(bounds.log_start_offset.get()),
            log_end_offset: AtomicI64::new(bounds.log_end_offset.get()),
            first_unstable_offset: AtomicI64::new(NONE_UNSTABLE),
            recovery_point: AtomicI64::new(bounds.recovery_point.get()),
            durable_offset: AtomicI64::new(bounds.recovery_point.get()),
            durable_readers: AtomicUsize::new(0),
            truncations: AtomicU64::new(0),
            cuts: Mutex::default(),
            cuts_begun: AtomicU64::new(0),
            cuts_over: AtomicU64::new(0),
            epochs: RwLock::new(epochs),
            deletions: Mutex::default(),
            failure: OnceLock::new(),
            closed: AtomicBool::new(false),
        }
    }

    pub(crate) fn log_start_offset(&self) -> Offset {
        Offset::new(self.log_start_offset.load(Ordering::Acquire))
    }

    pub(crate) fn set_log_start_offset(&self, offset: Offset) {
        self.log_start_offset.store(offset.get(), Ordering::Release);
        self.watch.notify();
    }

    /// The offset after the last published record.
    pub(crate) fn log_end_offset(&self) -> Offset {
        Offset::new(self.log_end_offset.load(Ordering::Acquire))
    }

    /// Moves the end forward; everything below `offset` can be read. The caller wakes the waiters, after
    /// it has let go of its locks.
    pub(crate) fn publish_end(&self, offset: Offset, first_unstable: Option<Offset>) {
        // First the bound of the careful readers, then the end: nobody sees an open transaction as stable.
        self.set_first_unstable(first_unstable);
        self.log_end_offset.store(offset.get(), Ordering::SeqCst);
    }

    /// Moves the end back.
    pub(crate) fn cut_end(&self, offset: Offset, first_unstable: Option<Offset>) {
        // Under the lock, so that whoever saw the new end and asks what was cut learns of this cut.
        let mut cuts = self.cuts.lock().unwrap_or_else(PoisonError::into_inner);
        self.log_end_offset.store(offset.get(), Ordering::SeqCst);
        self.set_first_unstable(first_unstable);
        cuts.push(offset);
        self.truncations.fetch_add(1, Ordering::Release);
        drop(cuts);
        self.watch.notify();
    }

    /// From here on, until the value is dropped, segments and bounds need not fit together.
    pub(crate) fn begin_cut(&self) -> Cutting<'_> {
        self.cuts_begun.fetch_add(1, Ordering::SeqCst);
        Cutting(self)
    }

    /// How many cuts there were; `None` during one. Where two looks tell the same, segments and bounds fitted together
    /// in between.
    pub(crate) fn cuts_over(&self) -> Option<u64> {
        let over = self.cuts_over.load(Ordering::SeqCst);
        (self.cuts_begun.load(Ordering::SeqCst) == over).then_some(over)
    }

    /// Looks again where the bytes went under the look, because the log was shortened at either end.
    ///
    /// # Errors
    /// Those of the look; [`Error::Closed`] where that is why they are gone.
    pub(crate) fn look<T>(&self, look: impl Fn() -> Result<T>) -> Result<T> {
        loop {
            let before = (self.log_start_offset(), self.truncations());
            match look() {
                Err(e) if e.is_of_missing_bytes() => {
                    self.ensure_open()?;
                    if (self.log_start_offset(), self.truncations()) == before {
                        return Err(e);
                    }
                }
                looked => return looked,
            }
        }
    }

    fn set_first_unstable(&self, offset: Option<Offset>) {
        self.first_unstable_offset.store(offset.map_or(NONE_UNSTABLE, Offset::get), Ordering::SeqCst);
    }

    /// The offset after the last record that readers see: the end, or what is on disk of it.
    pub(crate) fn high_watermark(&self) -> Offset {
        let end = self.log_end_offset();
        if self.config.load().shows_durable_only() { end.min(self.durable_offset()) } else { end }
    }

    /// Up to where every transaction is decided.
    pub(crate) fn last_stable_offset(&self) -> Offset {
        self.last_stable_offset_below(self.high_watermark())
    }

    /// The same, where the high watermark was looked at before.
    pub(crate) fn last_stable_offset_below(&self, high_watermark: Offset) -> Offset {
        Offset::new(self.first_unstable_offset.load(Ordering::SeqCst)).min(high_watermark)
    }

    pub(crate) fn durable_offset(&self) -> Offset {
        Offset::new(self.durable_offset.load(Ordering::SeqCst))
    }

    pub(crate) fn set_durable_offset(&self, offset: Offset) {
        self.durable_offset.store(offset.get(), Ordering::SeqCst);
    }

    /// Somebody begins, or ends, to wait for records to be on disk.
    pub(crate) fn count_durable_readers(&self) -> &AtomicUsize {
        &self.durable_readers
    }

    /// Wakes those who wait for the durable offset to move; the others have seen the records before.
    pub(crate) fn notify_durable_readers(&self) {
        if self.config.load().shows_durable_only() || self.durable_readers.load(Ordering::SeqCst) > 0 {
            self.watch.notify();
        }
    }

    pub(crate) fn recovery_point(&self) -> Offset {
        Offset::new(self.recovery_point.load(Ordering::Acquire))
    }

    pub(crate) fn set_recovery_point(&self, offset: Offset) {
        self.recovery_point.store(offset.get(), Ordering::Release);
    }

    pub(crate) fn truncations(&self) -> u64 {
        self.truncations.load(Ordering::Acquire)
    }

    /// The lowest offset that the log was cut to since its end had been cut `truncations` times.
    pub(crate) fn lowest_cut_since(&self, truncations: u64) -> Option<Offset> {
        let cuts = self.cuts.lock().unwrap_or_else(PoisonError::into_inner);
        cuts.iter().skip(usize::try_from(truncations).unwrap_or(usize::MAX)).min().copied()
    }

    pub(crate) fn epochs(&self) -> RwLockReadGuard<'_, LeaderEpochs> {
        self.epochs.read().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn change_epochs<R>(&self, change: impl FnOnce(&mut LeaderEpochs) -> R) -> R {
        change(&mut self.epochs.write().unwrap_or_else(PoisonError::into_inner))
    }

    pub(crate) fn delete_later(&self, path: PathBuf, due: Duration) {
        self.deletions.lock().unwrap_or_else(PoisonError::into_inner).push((due, path));
    }

    pub(crate) fn take_due_deletions(&self, now: Duration) -> Vec<PathBuf> {
        let mut deletions = self.deletions.lock().unwrap_or_else(PoisonError::into_inner);
        deletions.extract_if(.., |(due, _)| *due <= now).map(|(_, path)| path).collect()
    }

    /// Takes no write from now on. The first failure is the one that is told.
    pub(crate) fn poison(&self, source: Arc<io::Error>) {
        if self.failure.set(source.clone()).is_ok() {
            doubt::note(&self.home);
            tracing::error!(partition = %self.topic_partition, error = %source, "the log takes no more writes");
        }
        self.watch.notify();
    }

    /// Takes no write from now on where the error is that of a failed sync: what it was to make durable may
    /// never be, whatever a later sync says.
    pub(crate) fn poison_by_failed_sync(&self, error: &Error) {
        if let Error::Io { action: "sync" | "sync the directory", source, .. } = error {
            self.poison(source.clone());
        }
    }

    pub(crate) fn close(&self) {
        self.closed.store(true, Ordering::Release);
        self.watch.notify();
    }

    pub(crate) fn ensure_open(&self) -> Result<()> {
        if self.closed.load(Ordering::Acquire) {
            return Err(Error::Closed { path: self.home.dir.clone() });
        }
        Ok(())
    }

    pub(crate) fn ensure_writable(&self) -> Result<()> {
        self.ensure_open()?;
        match self.failure.get() {
            None => Ok(()),
            Some(source) => Err(Error::Poisoned { path: self.home.dir.clone(), source: source.clone() }),
        }
    }
}

/// A cut that is under way.
#[derive(Debug)]
pub(crate) struct Cutting<'a>(&'a Shared);

impl Drop for Cutting<'_> {
    fn drop(&mut self) {
        self.0.cuts_over.fetch_add(1, Ordering::SeqCst);
        // Who found nothing because of the cut looks again.
        self.0.watch.notify();
    }
}

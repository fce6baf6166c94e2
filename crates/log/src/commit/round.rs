//! Group commit: one `fdatasync` acknowledges everything that was appended before it began.
//!
//! Whoever needs durability first syncs for all; those who come meanwhile wait, and the next round
//! covers them together. Nothing is synced under the append lock.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use crate::dir::FileKind;
use crate::error::{Error, Result};
use crate::fs::OpenMode;
use crate::offset::Offset;
use crate::segment::Segment;
use crate::shared::Shared;
use crate::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use crate::sync::{Condvar, Mutex, MutexGuard, PoisonError};

/// What of a log is on disk.
#[derive(Debug)]
pub(crate) struct Commit {
    round: Mutex<Round>,
    round_ended: Condvar,
    /// Segments that were rolled and whose bytes no round has covered yet.
    sealed: Mutex<BTreeMap<Offset, Arc<Segment>>>,
    /// When the first of the segments was rolled that no flush has covered yet, in the clock's monotonic
    /// time.
    first_roll: Mutex<Option<Duration>>,
    /// Whether the directory has names that are not durable.
    names_dirty: AtomicBool,
    /// What was appended since the last round began.
    unsynced_bytes: AtomicU64,
}

#[derive(Debug)]
struct Round {
    running: bool,
    /// When the last round ended, in the clock's monotonic time.
    ended_at: Duration,
    /// How often the end was cut; a round that began before a cut vouches for nothing.
    cuts: u64,
}

impl Commit {
    /// Of `unsynced` segments nobody knows whether they are on disk.
    pub(crate) fn new(unsynced: Vec<Arc<Segment>>) -> Commit {
        let sealed = unsynced.into_iter().map(|segment| (segment.base_offset(), segment)).collect();
        Commit {
            round: Mutex::new(Round { running: false, ended_at: Duration::ZERO, cuts: 0 }),
            round_ended: Condvar::new(),
            sealed: Mutex::new(sealed),
            first_roll: Mutex::default(),
            names_dirty: AtomicBool::new(true),
            unsynced_bytes: AtomicU64::new(0),
        }
    }

    fn round(&self) -> MutexGuard<'_, Round> {
        self.round.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Counts what was appended; returns how much no round has covered yet.
    pub(crate) fn note_appended(&self, bytes: u64) -> u64 {
        self.unsynced_bytes.fetch_add(bytes, Ordering::Relaxed).saturating_add(bytes)
    }

    /// Whether `flush.ms` has passed since the last round.
    pub(crate) fn is_late(&self, shared: &Shared) -> bool {
        let Some(flush_ms) = shared.config.load().flush_ms.and_then(|ms| u64::try_from(ms).ok()) else {
            return false;
        };
        shared.clock.monotonic().saturating_sub(self.round().ended_at) >= Duration::from_millis(flush_ms)
    }

    /// Whether segments wait for a flush that were rolled before this log was opened, or so long ago that
    /// the system has written most of their bytes by itself. Flushing sooner would only make appends wait
    /// for the disk.
    pub(crate) fn has_settled_segments(&self, shared: &Shared) -> bool {
        const SETTLED_AFTER: Duration = Duration::from_secs(60);
        let active = shared.segments.last();
        let rolled = active.is_some_and(|active| active.base_offset() > shared.recovery_point());
        let first_roll = *self.first_roll.lock().unwrap_or_else(PoisonError::into_inner);
        let now = shared.clock.monotonic();
        rolled && first_roll.is_none_or(|rolled_at| now.saturating_sub(rolled_at) >= SETTLED_AFTER)
    }

    /// The next round must cover this segment, and the names in its directory.
    pub(crate) fn note_rolled(&self, sealed: Arc<Segment>, now: Duration) {
        sealed.note_unsynced();
        self.first_roll.lock().unwrap_or_else(PoisonError::into_inner).get_or_insert(now);
        self.sealed.lock().unwrap_or_else(PoisonError::into_inner).insert(sealed.base_offset(), sealed);
        self.note_names();
    }

    /// The next round must make the names in the directory durable.
    pub(crate) fn note_names(&self) {
        self.names_dirty.store(true, Ordering::Release);
    }

    /// The end of the log was cut to `offset`.
    pub(crate) fn cut(&self, shared: &Shared, offset: Offset) {
        let mut round = self.round();
        shared.set_durable_offset(shared.durable_offset().min(offset));
        round.cuts += 1;
    }

    /// Waits until everything below `offset` is on disk.
    ///
    /// # Errors
    /// [`Error::Poisoned`] or [`Error::Io`] where the disk failed: nothing of it may be taken for stored.
    pub(crate) fn sync_to(&self, shared: &Shared, offset: Offset) -> Result<()> {
        let mut round = self.round();
        loop {
            if shared.durable_offset() >= offset {
                return Ok(());
            }
            shared.ensure_writable()?;
            if !round.running {
                break;
            }
            round = self.round_ended.wait(round).unwrap_or_else(PoisonError::into_inner);
        }
        self.run(shared, round)
    }

    /// As [`Commit::sync_to`], but does not wait for a round that runs: tells then that it did nothing. A round
    /// opens files, which may close those of idle logs, which comes here.
    ///
    /// # Errors
    /// As [`Commit::sync_to`].
    pub(crate) fn try_sync_to(&self, shared: &Shared, offset: Offset) -> Result<bool> {
        let round = self.round();
        if shared.durable_offset() >= offset {
            return Ok(true);
        }
        if round.running {
            return Ok(false);
        }
        shared.ensure_writable()?;
        self.run(shared, round).map(|()| true)
    }

    /// Begins what a sync will wait for, so that those of several logs go on at the same time.
    pub(crate) fn begin(&self, shared: &Shared) {
        if shared.durable_offset() >= shared.log_end_offset() {
            return;
        }
        let sealed: Vec<_> = {
            let sealed = self.sealed.lock().unwrap_or_else(PoisonError::into_inner);
            sealed.values().cloned().collect()
        };
        for segment in sealed.iter().chain(shared.segments.last().as_ref()) {
            // Where it cannot be opened, the sync will say so.
            if let Ok(files) = segment.files() {
                files.log.begin_sync();
            }
        }
    }

    fn run(&self, shared: &Shared, mut round: MutexGuard<'_, Round>) -> Result<()> {
        round.running = true;
        let cuts = round.cuts;
        drop(round);
        // First the bytes, then the end: those of an append in between are counted for the next round.
        let bytes = self.unsynced_bytes.load(Ordering::Relaxed);
        let covered = shared.log_end_offset();
        let synced = self.sync_dirty(shared);
        let mut round = self.round();
        round.running = false;
        if synced.is_ok() && round.cuts == cuts {
            self.unsynced_bytes.fetch_sub(bytes, Ordering::Relaxed);
            shared.set_durable_offset(shared.durable_offset().max(covered));
            round.ended_at = shared.clock.monotonic();
        }
        drop(round);
        self.round_ended.notify_all();
        shared.notify_durable_readers();
        synced
    }

    fn sync_dirty(&self, shared: &Shared) -> Result<()> {
        // The active segment first, then the list: a roll in between puts the segment on the list or
        // finds it held here, so none is missed.
        let active = shared.segments.last();
        let sealed = std::mem::take(&mut *self.sealed.lock().unwrap_or_else(PoisonError::into_inner));
        let names = self.names_dirty.swap(false, Ordering::AcqRel);
        poison_on_failure(shared, self.sync_all(shared, sealed.values().chain(active.as_ref()), names))
    }

    fn sync_all<'a>(
        &self,
        shared: &Shared,
        segments: impl Iterator<Item = &'a Arc<Segment>>,
        names: bool,
    ) -> Result<()> {
        for segment in segments {
            let files = match segment.files() {
                // Its files were closed, and retention or a cut takes it away meanwhile, or has.
                Err(e) if e.is_not_found() && (segment.is_retired() || !shared.segments.holds(segment)) => {
                    continue;
                }
                files => files?,
            };
            segment.sync(&*files.log)?;
        }
        if names {
            shared.home.fs.sync_dir(&shared.home.dir).map_err(|e| Error::io("sync", &shared.home.dir, e))?;
        }
        Ok(())
    }

    /// Makes everything that belongs to the segments from the recovery point to `end` durable, indexes
    /// and snapshots too. The caller has written out the index tails.
    ///
    /// # Errors
    /// As [`Commit::sync_to`].
    pub(crate) fn flush(&self, shared: &Shared, end: Offset) -> Result<()> {
        self.first_roll.lock().unwrap_or_else(PoisonError::into_inner).take();
        self.sync_to(shared, end)?;
        let synced = sync_derived(shared).and_then(|()| {
            shared.home.fs.sync_dir(&shared.home.dir).map_err(|e| Error::io("sync", &shared.home.dir, e))
        });
        poison_on_failure(shared, synced)
    }
}

/// After a sync that failed nothing is written any more, unless the log was closed meanwhile: where its topic was
/// deleted, the directory has another name by now.
fn poison_on_failure(shared: &Shared, synced: Result<()>) -> Result<()> {
    let synced = match synced {
        Err(e) if e.is_not_found() => shared.ensure_open().and(Err(e)),
        synced => synced,
    };
    if let Err(Error::Io { source, .. }) = &synced {
        shared.poison(source.clone());
    }
    synced
}

/// Syncs what is derived from the log: recovery could build it anew, but below the recovery point it
/// does not look.
fn sync_derived(shared: &Shared) -> Result<()> {
    const DERIVED: [FileKind; 4] =
        [FileKind::Index, FileKind::TimeIndex, FileKind::TxnIndex, FileKind::Snapshot];
    // The segment that ends at the recovery point may have been closed since: its time index has grown.
    for segment in shared.segments.from(shared.recovery_point() - 1) {
        for kind in DERIVED {
            let path = shared.home.path(segment.base_offset(), kind);
            match shared.home.fs.open(&path, OpenMode::ReadWrite) {
                Ok(file) => file.sync().map_err(|e| Error::io("sync", &path, e))?,
                Err(e) if e.kind() == std::io::ErrorKind::NotFound => {}
                Err(e) => return Err(Error::io("open", &path, e)),
            }
        }
    }
    Ok(())
}

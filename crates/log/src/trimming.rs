//! Shortening one log at its old end: by offset, by age, by size. Durable first, then out of sight, then
//! gone.

use crate::error::{Error, Result};
use crate::log::Log;
use crate::offset::Offset;
use crate::remove;
use crate::retain::{self, Wall};
use crate::sync::PoisonError;

impl Log {
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
            self.on_a_full_disk_too(before, || {
                self.advance_start(before)?;
                remove::segments_below_start(shared)
            })?;
        }
        Ok(shared.log_start_offset())
    }

    /// Removes the segments that the settings no longer keep. Returns how many. For a few minutes after the
    /// wall clock has jumped, none goes because of its age.
    ///
    /// # Errors
    /// [`Error::Io`] where a file cannot be renamed or a checkpoint cannot be written.
    pub fn apply_retention(&self) -> Result<usize> {
        let wall = {
            let mut watch = self.inner.clock_watch.lock().unwrap_or_else(PoisonError::into_inner);
            watch.look(&*self.inner.shared.clock)
        };
        if let Wall::Jumped(by_ms) = wall {
            tracing::warn!(partition = %self.topic_partition(), by_ms, "{}", retain::JUMPED);
        }
        self.apply_retention_by(wall)
    }

    /// As [`Log::apply_retention`], where somebody else watches the clock.
    pub(crate) fn apply_retention_by(&self, wall: Wall) -> Result<usize> {
        let shared = &self.inner.shared;
        let _one_at_a_time = self.maintenance();
        let new_start = {
            let mut looked = self.inner.looked.lock().unwrap_or_else(PoisonError::into_inner);
            retain::new_log_start(shared, wall, &mut looked)?
        };
        let Some(new_start) = new_start else {
            return remove::segments_below_start(shared);
        };
        self.on_a_full_disk_too(new_start, || {
            self.with_appender(|appender| {
                if new_start >= appender.next_offset && appender.writer.size_bytes() > 0 {
                    let commit = self.inner.commit();
                    appender.roll(shared, commit, &shared.config.load(), shared.clock.now_ms())?;
                }
                Ok(())
            })?;
            self.advance_start(new_start)?;
            remove::segments_below_start(shared)
        })
    }

    /// Shortens the log. Where not even a checkpoint finds room, what is derived from the segments that go makes
    /// room for it: should they stay after all, it is built anew or done without.
    fn on_a_full_disk_too(&self, new_start: Offset, shorten: impl Fn() -> Result<usize>) -> Result<usize> {
        match shorten() {
            Err(e) if e.is_disk_full() && remove::indexes_below(&self.inner.shared, new_start)? => shorten(),
            done => done,
        }
    }

    /// Removes the files that were renamed to `.deleted` long enough ago. Returns how many.
    ///
    /// # Errors
    /// [`Error::Io`] where a file cannot be removed.
    pub fn remove_deleted_files(&self) -> Result<usize> {
        remove::deleted_files(&self.inner.shared)
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
}

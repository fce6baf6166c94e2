//! Bringing all of a log to disk, and closing it.

use std::sync::PoisonError;

use crate::dir::FileKind;
use crate::error::Result;
use crate::log::Log;
use crate::remove;

impl Log {
    /// Makes everything durable, indexes and producers' state too, and moves the recovery point up.
    ///
    /// # Errors
    /// [`Error::Io`](crate::Error::Io) where the disk fails; the log then takes no more writes.
    pub fn flush(&self) -> Result<()> {
        let _one_at_a_time = self.maintenance();
        self.flush_locked()?;
        if let Some(alone) = self.inner.alone.lock().unwrap_or_else(PoisonError::into_inner).as_mut() {
            alone.data_dir.checkpoint(|| vec![self.marks()])?;
        }
        Ok(())
    }

    /// Flushes where the settings ask for it by now, and where segments were rolled a while ago: so
    /// recovery never has to look at more than the newest segments. Tells whether it did.
    ///
    /// # Errors
    /// As [`Log::flush`].
    pub fn flush_if_due(&self) -> Result<bool> {
        let (shared, commit) = (&self.inner.shared, self.inner.commit());
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
        self.inner.commit().flush(shared, end)?;
        shared.set_recovery_point(end);
        Ok(())
    }

    /// Flushes everything, writes the producers' state and closes the log: the next open need not look at
    /// anything. All handles of this log are closed with it.
    ///
    /// # Errors
    /// [`Error::Io`](crate::Error::Io) where the disk fails; the next open then looks as after a crash.
    pub fn close(&self) -> Result<()> {
        self.inner.turn.close();
        let _one_at_a_time = self.maintenance();
        let closed = self.close_files();
        let alone = self.inner.alone.lock().unwrap_or_else(PoisonError::into_inner).take();
        match (closed, alone) {
            (Ok(true), Some(alone)) => alone.data_dir.close(vec![self.marks()]),
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

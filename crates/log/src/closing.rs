//! Bringing all of a log to disk, and closing it.

use crate::append::Appender;
use crate::dir::FileKind;
use crate::error::Result;
use crate::log::Log;
use crate::offset::Offset;
use crate::remove;
use crate::sync::PoisonError;

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
        let end = self.with_appender(|appender| {
            appender.writer.write_indexes()?;
            Ok(appender.next_offset)
        })?;
        self.flush_below(end)
    }

    fn flush_below(&self, end: Offset) -> Result<()> {
        let shared = &self.inner.shared;
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
        let closed = self.close_silently();
        self.tell_of_close();
        closed
    }

    /// Closes the log and tells nobody of those who are to be called: the caller does, once it holds no lock.
    pub(crate) fn close_silently(&self) -> Result<()> {
        self.inner.turn.close();
        let _one_at_a_time = self.maintenance();
        let closed = self.close_files();
        let alone = self.inner.alone.lock().unwrap_or_else(PoisonError::into_inner).take();
        match (closed, alone) {
            (Ok(true), Some(alone)) => alone.data_dir.close(vec![self.marks()]),
            (closed, _) => closed.map(|_| ()),
        }
    }

    /// Calls those who wait for the disk: of a closed log it is known what has become of each append.
    pub(crate) fn tell_of_close(&self) {
        self.inner.keeper.promises.settle();
    }

    /// Tells whether there was anything to close.
    fn close_files(&self) -> Result<bool> {
        let shared = &self.inner.shared;
        // From here on nothing is appended, so that what is brought to disk is all there is.
        let Some(mut appender) = self.appender().take() else {
            shared.close();
            return Ok(false);
        };
        let finished = if self.is_as_it_was_opened(&appender) {
            remove::all_deleted_files(shared).map(|_| ())
        } else {
            self.flush_to_close(&mut appender)
        };
        shared.close();
        drop(appender);
        shared.segments.all().iter().for_each(|segment| segment.close());
        finished.map(|()| true)
    }

    fn flush_to_close(&self, appender: &mut Appender) -> Result<()> {
        let shared = &self.inner.shared;
        shared.ensure_writable()?;
        appender.close_indexes(shared)?;
        appender.take_snapshot(shared)?;
        self.flush_below(appender.next_offset)?;
        remove::all_deleted_files(shared)?;
        remove::sync_snapshot(shared, appender.next_offset)
    }

    /// Whether all is on disk already, as a clean close left it.
    fn is_as_it_was_opened(&self, appender: &Appender) -> bool {
        let home = &self.inner.shared.home;
        let snapshot = home.path(appender.next_offset, FileKind::Snapshot);
        !appender.touched && home.fs.metadata(&snapshot).is_ok()
    }

    /// Closes the log without flushing: its topic is deleted.
    pub(crate) fn abandon(&self) {
        self.inner.turn.close();
        self.inner.shared.close();
        *self.appender() = None;
    }
}

//! Compacting one log: who may, and what must be on disk before.

use crate::compact::{self, Cleanable, Cleaner, Compacted, Door, LastBatches};
use crate::error::{Error, Result};
use crate::log::Log;
use crate::sync::PoisonError;

impl Log {
    /// Compacts what the settings allow to be compacted now, however little it is: everything below the
    /// active segment that is decided and old enough. Appends and reads go on meanwhile.
    ///
    /// `None` where nothing is new, where `cleanup.policy` does not say `compact`, while another cleaner is at
    /// it, and where the log was cut, closed or shortened under the pass, which is then given up.
    ///
    /// ```
    /// use ottla::{Cleaner, CleanupPolicy, Environment, Log, LogConfig};
    /// # use ottla_record::BatchBuilder;
    /// # fn letter(to: &str) -> Result<Vec<u8>, ottla_record::RecordError> {
    /// #     let mut batch = BatchBuilder::new();
    /// #     batch.push(0, Some(to.as_bytes()), Some(b"Dear"), &[])?;
    /// #     batch.build()
    /// # }
    /// let data = tempfile::tempdir()?;
    /// let config = LogConfig {
    ///     cleanup_policy: CleanupPolicy { compact: true, delete: false },
    ///     segment_bytes: 200, // two or three letters
    ///     ..LogConfig::default()
    /// };
    /// let (log, _) = Log::open_with(data.path().join("letters-0"), config, Environment::default())?;
    /// for _ in 0..10 {
    ///     log.append(&letter("felice")?)?;
    /// }
    /// let done = log.compact(&mut Cleaner::default())?.ok_or("there was something to compact")?;
    /// assert!(done.records_kept < done.records_read);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Errors
    /// [`Error::Corrupt`] where a segment holds a batch that cannot be read: the log is left as it is.
    /// [`Error::Io`] where the disk refuses: the log is left as it is, or, where that cannot be known, takes no
    /// more writes until it is opened again.
    pub fn compact(&self, cleaner: &mut Cleaner) -> Result<Option<Compacted>> {
        let Some(_turn) = self.inner.turn.take() else { return Ok(None) };
        let cleanable = self.cleanable()?;
        if !self.config().cleanup_policy.compact || !cleanable.is_dirty() {
            return Ok(None);
        }
        self.settle(&cleanable)?;
        let door = Door {
            shared: &self.inner.shared,
            maintenance: &self.inner.maintenance,
            is_closing: &|| self.inner.turn.is_closing(),
            last_batches: &|| self.last_batches(),
        };
        compact::run(&door, cleaner, &cleanable)
    }

    /// What of the log can be compacted now.
    pub(crate) fn cleanable(&self) -> Result<Cleanable> {
        let shared = &self.inner.shared;
        shared.ensure_writable()?;
        if shared.checkpoints.is_none() {
            return Err(Error::ReadOnly { path: shared.home.dir.clone() });
        }
        compact::assess(shared)
    }

    /// Recovery takes a gap between offsets for damage where nobody vouches for it, and compaction leaves
    /// gaps: so what it changes must lie below the recovery point, on disk too.
    fn settle(&self, cleanable: &Cleanable) -> Result<()> {
        let shared = &self.inner.shared;
        if shared.recovery_point() < cleanable.first_uncleanable_offset {
            self.flush()?;
        }
        let Some(checkpoints) = &shared.checkpoints else { return Ok(()) };
        let _one_at_a_time = self.inner.maintenance.lock().unwrap_or_else(PoisonError::into_inner);
        checkpoints.raise_recovery_point(&shared.topic_partition, shared.recovery_point())
    }

    fn last_batches(&self) -> Result<LastBatches> {
        self.with_appender(|appender| Ok(LastBatches::of(appender.producers.entries())))
    }
}

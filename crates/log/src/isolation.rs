//! What a reader may see.

/// Which records a reader may see.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Isolation {
    /// All that are published.
    #[default]
    ReadUncommitted,
    /// Those below the last stable offset; the reader leaves out the aborted ones.
    ReadCommitted,
}

impl Isolation {
    /// Of these only what is on disk: nothing that a power cut may take back.
    pub fn durable(self) -> ReadLimit {
        ReadLimit { isolation: self, durable: true }
    }
}

/// Up to where a reader sees, and what of it. An [`Isolation`] alone stands for all of its records that are
/// published.
///
/// ```
/// use ottla::{Isolation, Offset};
/// # use ottla_record::BatchBuilder;
/// # let data = tempfile::tempdir()?;
/// # let (log, _report) = ottla::Log::open(data.path().join("letters-0"))?;
/// # let mut batch = BatchBuilder::new();
/// # batch.push(0, None, Some(b"Dear Ottla"), &[])?;
/// # let batch = batch.build()?;
/// let appended = log.append(&batch)?;
/// let on_disk = Isolation::ReadUncommitted.durable();
/// assert!(log.read_batches(Offset::ZERO, 1024, on_disk)?.is_empty());
/// appended.durability.wait()?;
/// assert!(!log.read_batches(Offset::ZERO, 1024, on_disk)?.is_empty());
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct ReadLimit {
    /// Which records.
    pub isolation: Isolation,
    /// Whether only those that are on disk.
    pub durable: bool,
}

impl From<Isolation> for ReadLimit {
    fn from(isolation: Isolation) -> ReadLimit {
        ReadLimit { isolation, durable: false }
    }
}

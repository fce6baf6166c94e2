//! What compaction works with, and what it tells.

use std::sync::Arc;

use ottla_record::BatchFilter;

use super::offset_map::MapLimits;
use crate::offset::Offset;
use crate::sync::atomic::{AtomicBool, Ordering};

/// The memory of a [`Cleaner`]: Kafka's broker settings `log.cleaner.*`.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct CleanerConfig {
    /// The most memory for the offsets of keys (`log.cleaner.dedupe.buffer.size`). Less is used where a log
    /// has fewer new records; with more keys than fit, a log is compacted in several passes.
    pub dedupe_buffer_bytes: usize,
    /// How full that memory may get (`log.cleaner.io.buffer.load.factor`).
    pub load_factor: f64,
    /// What is read, and what is written, at once (`log.cleaner.io.buffer.size`).
    pub io_buffer_bytes: usize,
}

impl Default for CleanerConfig {
    /// 128 MiB for keys and 0.9 of it filled, as in Kafka, and 256 KiB for each direction: what is read is looked at
    /// while it is in the cache of one core.
    fn default() -> CleanerConfig {
        CleanerConfig { dedupe_buffer_bytes: 128 << 20, load_factor: 0.9, io_buffer_bytes: 256 << 10 }
    }
}

/// One compactor: settings and buffers. It compacts one log at a time.
#[derive(Debug)]
pub struct Cleaner {
    config: CleanerConfig,
    stopper: Stopper,
    pub(super) filter: BatchFilter,
}

impl Cleaner {
    /// A cleaner with these settings. Memory is taken when there is something to compact.
    pub fn new(config: CleanerConfig) -> Cleaner {
        Cleaner { config, stopper: Stopper::default(), filter: BatchFilter::default() }
    }

    /// What ends its work from another thread.
    pub fn stopper(&self) -> Stopper {
        self.stopper.clone()
    }

    pub(super) fn io_buffer_bytes(&self) -> usize {
        self.config.io_buffer_bytes.max(4096)
    }

    pub(super) fn map_limits(&self) -> MapLimits {
        MapLimits { buffer_bytes: self.config.dedupe_buffer_bytes, load_factor: self.config.load_factor }
    }
}

impl Default for Cleaner {
    fn default() -> Cleaner {
        Cleaner::new(CleanerConfig::default())
    }
}

/// Ends the work of a [`Cleaner`]: what it is doing is given up, and it begins nothing new. The log is then
/// as it was, or partly compacted; both are whole.
#[derive(Clone, Debug, Default)]
pub struct Stopper(Arc<AtomicBool>);

impl Stopper {
    /// Ends it.
    pub fn stop(&self) {
        self.0.store(true, Ordering::Release);
    }

    /// Whether it was ended.
    pub fn is_stopped(&self) -> bool {
        self.0.load(Ordering::Acquire)
    }
}

/// What compaction did to one log.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Compacted {
    /// Everything below had been compacted before.
    pub first_dirty_offset_before: Offset,
    /// Everything below is compacted now.
    pub first_dirty_offset: Offset,
    /// Bytes of batches that were read to learn where each key stands last.
    pub map_bytes_read: u64,
    /// The keys found there.
    pub keys: usize,
    /// Bytes of batches that were read to be written anew.
    pub bytes_read: u64,
    /// Bytes of batches that were written.
    pub bytes_written: u64,
    /// Records in what was read.
    pub records_read: u64,
    /// Records that are left of them.
    pub records_kept: u64,
    /// Records without a key, which compaction takes out.
    pub records_without_key: u64,
    /// Tombstones among the records that are left.
    pub tombstones_kept: u64,
    /// Transaction markers that are left.
    pub markers_kept: u64,
    /// Segments that were read.
    pub segments_read: usize,
    /// Segments that were written in their place.
    pub segments_written: usize,
}

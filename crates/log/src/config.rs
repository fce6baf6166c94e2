//! The settings of a log and of a store, under Kafka's names and with Kafka's defaults, but for
//! retention: a library deletes nothing unless told.

use std::sync::Arc;

use crate::clock::{Clock, SystemClock};
use crate::fs::{FileSystem, Os};

/// Who sets a record's timestamp (`message.timestamp.type`).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum TimestampType {
    /// The producer (`CreateTime`).
    #[default]
    CreateTime,
    /// The log, when it appends (`LogAppendTime`).
    LogAppendTime,
}

/// What may be removed from a log's old end (`cleanup.policy`).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CleanupPolicy {
    /// Whole segments go by age and size.
    pub delete: bool,
    /// Records that a later one with the same key replaces go.
    pub compact: bool,
}

/// The settings of one log. Each field is the Kafka topic setting of the same name.
///
/// ```
/// let config = ottla::LogConfig { segment_bytes: 64 << 20, ..Default::default() };
/// assert_eq!(config.index_interval_bytes, 4096);
/// assert_eq!(config.retention_ms, None); // nothing is deleted unless told
/// ```
#[derive(Clone, Debug, PartialEq)]
pub struct LogConfig {
    /// A segment that would grow past this is rolled.
    pub segment_bytes: u32,
    /// A segment older than this, by record time, is rolled.
    pub segment_ms: i64,
    /// An index entry is written once more than this many bytes were appended since the last.
    pub index_interval_bytes: u32,
    /// A full index rolls the segment.
    pub segment_index_bytes: u32,
    /// The largest batch that a client may append.
    pub max_message_bytes: u32,
    /// Who sets timestamps.
    pub timestamp_type: TimestampType,
    /// How far a record's timestamp may lie before the clock.
    pub timestamp_before_max_ms: i64,
    /// How far a record's timestamp may lie after the clock.
    pub timestamp_after_max_ms: i64,
    /// Segments whose newest record is older than this may go; `None` keeps them.
    pub retention_ms: Option<i64>,
    /// The oldest segments go while the log is larger than this; `None` keeps them.
    pub retention_bytes: Option<u64>,
    /// What may be removed.
    pub cleanup_policy: CleanupPolicy,
    /// A compacted log is compacted again once more than this part of its bytes is new.
    pub min_cleanable_dirty_ratio: f64,
    /// How long a record of a compacted log stays uncompacted.
    pub min_compaction_lag_ms: i64,
    /// How long a record of a compacted log may stay uncompacted.
    pub max_compaction_lag_ms: i64,
    /// How long tombstones and transaction markers of a compacted log outlive what they stand for.
    pub delete_retention_ms: i64,
    /// How long a deleted file keeps its `.deleted` name before it goes.
    pub file_delete_delay_ms: i64,
    /// Records appended between two flushes; `None` leaves flushing to the operating system. With 1 readers see only what
    /// is on disk.
    pub flush_messages: Option<u64>,
    /// Milliseconds between two flushes; `None` leaves flushing to the operating system.
    pub flush_ms: Option<i64>,
    /// Bytes appended between two flushes; `None` leaves flushing to the operating system. Not a setting of Kafka's.
    pub flush_bytes: Option<u64>,
    /// What a compressed batch may grow to when it is checked.
    pub max_decompressed_bytes: usize,
    /// How long an idle producer's last sequence numbers are kept (`producer.id.expiration.ms`).
    pub producer_id_expiration_ms: i64,
}

impl Default for LogConfig {
    fn default() -> Self {
        const DAY_MS: i64 = 24 * 60 * 60 * 1000;
        LogConfig {
            segment_bytes: 1 << 30,
            segment_ms: 7 * DAY_MS,
            index_interval_bytes: 4096,
            segment_index_bytes: 10 << 20,
            max_message_bytes: (1 << 20) + 12,
            timestamp_type: TimestampType::CreateTime,
            timestamp_before_max_ms: i64::MAX,
            timestamp_after_max_ms: 60 * 60 * 1000,
            retention_ms: None,
            retention_bytes: None,
            cleanup_policy: CleanupPolicy { delete: true, compact: false },
            min_cleanable_dirty_ratio: 0.5,
            min_compaction_lag_ms: 0,
            max_compaction_lag_ms: i64::MAX,
            delete_retention_ms: DAY_MS,
            file_delete_delay_ms: 60 * 1000,
            flush_messages: None,
            flush_ms: None,
            flush_bytes: None,
            max_decompressed_bytes: 16 * ((1 << 20) + 12),
            producer_id_expiration_ms: DAY_MS,
        }
    }
}

impl LogConfig {
    /// Kafka's defaults, which differ from the library's in that records go after seven days.
    pub fn kafka() -> LogConfig {
        LogConfig { retention_ms: Some(7 * 24 * 60 * 60 * 1000), ..LogConfig::default() }
    }

    /// Whether no reader sees what a power cut may take back. So it is where every record is flushed before it is
    /// acknowledged (`flush.messages=1`): Kafka, too, moves the high watermark after the flush then.
    pub(crate) fn shows_durable_only(&self) -> bool {
        self.flush_messages == Some(1)
    }

    /// The age at which a segment is rolled: compaction never touches the active one, so a record that must
    /// be compacted by some time must not stay in it longer.
    pub(crate) fn max_segment_ms(&self) -> i64 {
        if self.cleanup_policy.compact && self.max_compaction_lag_ms > 0 {
            return self.segment_ms.min(self.max_compaction_lag_ms);
        }
        self.segment_ms
    }
}

/// What a log or a store stands on: where its files are and what time it is.
#[derive(Clone, Debug)]
pub struct Environment {
    /// The file system.
    pub fs: Arc<dyn FileSystem>,
    /// The clock.
    pub clock: Arc<dyn Clock>,
}

impl Default for Environment {
    fn default() -> Self {
        Environment { fs: Arc::new(Os), clock: Arc::new(SystemClock::new()) }
    }
}

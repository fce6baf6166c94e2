use super::kind::Kind;
use crate::config::{CleanupPolicy, LogConfig, TimestampType};

/// One topic setting of Kafka 4.3.
#[derive(Debug)]
pub struct Setting {
    /// Its name as a topic setting.
    pub name: &'static str,
    /// The broker setting that gives its default, if there is one.
    pub broker_name: &'static str,
    /// What its value must be.
    pub kind: Kind,
    /// Kafka's default.
    pub default: &'static str,
    /// What it does, in one line.
    pub doc: &'static str,
    /// The field of the configuration that it is; `None` where it is kept for Kafka and does nothing here.
    pub(super) field: Option<Field>,
}

impl Setting {
    /// Its value where a topic does not set it.
    pub(super) fn default_of(&self, defaults: &LogConfig) -> String {
        self.field.as_ref().map_or_else(|| self.default.to_owned(), |field| (field.get)(defaults))
    }
}

/// The setting of this name.
pub(super) fn find(name: &str) -> Option<&'static Setting> {
    SETTINGS.iter().find(|setting| setting.name == name)
}

/// How a setting and a field of [`LogConfig`] become each other.
#[derive(Debug)]
pub(super) struct Field {
    pub get: fn(&LogConfig) -> String,
    /// The value was checked before.
    pub set: fn(&mut LogConfig, &str),
}

macro_rules! number {
    ($field:ident) => {
        Some(Field {
            get: |config| config.$field.to_string(),
            set: |config, value| {
                if let Ok(number) = value.parse() {
                    config.$field = number;
                }
            },
        })
    };
}

/// A number where −1, or Kafka's largest, means none.
macro_rules! optional {
    ($field:ident, $type:ty, $none:expr) => {
        Some(Field {
            get: |config| config.$field.map_or_else(|| $none.to_string(), |number| number.to_string()),
            set: |config, value| {
                // As a number: "-01" means none too.
                let is_none = value.parse::<i64>().ok() == $none.parse().ok();
                config.$field = if is_none { None } else { value.parse::<$type>().ok() };
            },
        })
    };
}

const NEVER: &str = "9223372036854775807";
const ANY_LONG: Kind = Kind::Long(0, i64::MAX);

const fn setting(
    name: &'static str,
    broker_name: &'static str,
    kind: Kind,
    default: &'static str,
    doc: &'static str,
    field: Option<Field>,
) -> Setting {
    Setting { name, broker_name, kind, default, doc, field }
}

/// Every topic setting that Kafka 4.3 knows, by name.
pub static SETTINGS: &[Setting] = &[
    setting(
        "cleanup.policy",
        "log.cleanup.policy",
        Kind::List(&["delete", "compact"]),
        "delete",
        "What may be removed from the old end: whole segments, or records that a later one with the same key replaces.",
        Some(Field {
            get: |config| match config.cleanup_policy {
                CleanupPolicy { delete: true, compact: true } => "compact,delete".to_owned(),
                CleanupPolicy { compact: true, .. } => "compact".to_owned(),
                CleanupPolicy { delete: true, .. } => "delete".to_owned(),
                CleanupPolicy { .. } => String::new(),
            },
            set: |config, value| {
                let has = |word| value.split(',').any(|found| found.trim() == word);
                config.cleanup_policy = CleanupPolicy { delete: has("delete"), compact: has("compact") };
            },
        }),
    ),
    setting(
        "compression.gzip.level",
        "compression.gzip.level",
        Kind::Int(-1, 9),
        "-1",
        "Level where the broker compresses; batches are stored as they came.",
        None,
    ),
    setting(
        "compression.lz4.level",
        "compression.lz4.level",
        Kind::Int(1, 17),
        "9",
        "Level where the broker compresses; batches are stored as they came.",
        None,
    ),
    setting(
        "compression.type",
        "compression.type",
        Kind::OneOf(&["producer"]),
        "producer",
        "Batches are stored as the producer compressed them.",
        None,
    ),
    setting(
        "compression.zstd.level",
        "compression.zstd.level",
        Kind::Int(-131_072, 22),
        "3",
        "Level where the broker compresses; batches are stored as they came.",
        None,
    ),
    setting(
        "delete.retention.ms",
        "log.cleaner.delete.retention.ms",
        ANY_LONG,
        "86400000",
        "How long tombstones of a compacted topic are kept.",
        number!(delete_retention_ms),
    ),
    setting(
        "file.delete.delay.ms",
        "log.segment.delete.delay.ms",
        ANY_LONG,
        "60000",
        "How long a deleted file keeps its `.deleted` name before it goes.",
        number!(file_delete_delay_ms),
    ),
    setting(
        "flush.messages",
        "log.flush.interval.messages",
        Kind::Long(1, i64::MAX),
        NEVER,
        "Records appended between two flushes.",
        optional!(flush_messages, u64, NEVER),
    ),
    setting(
        "flush.ms",
        "log.flush.interval.ms",
        ANY_LONG,
        NEVER,
        "Milliseconds between two flushes.",
        optional!(flush_ms, i64, NEVER),
    ),
    setting(
        "follower.replication.throttled.replicas",
        "",
        Kind::List(&[]),
        "",
        "Kept for Kafka; there are no followers here.",
        None,
    ),
    setting(
        "index.interval.bytes",
        "log.index.interval.bytes",
        Kind::Int(0, i32::MAX),
        "4096",
        "An index entry is written once more than this many bytes were appended since the last.",
        number!(index_interval_bytes),
    ),
    setting(
        "internal.segment.bytes",
        "internal.log.segment.bytes",
        Kind::Int(1, i32::MAX),
        "",
        "As segment.bytes, without its lower bound: for tests.",
        number!(segment_bytes),
    ),
    setting(
        "leader.replication.throttled.replicas",
        "",
        Kind::List(&[]),
        "",
        "Kept for Kafka; there are no followers here.",
        None,
    ),
    setting(
        "local.retention.bytes",
        "log.local.retention.bytes",
        Kind::Long(-2, i64::MAX),
        "-2",
        "Kept for Kafka; there is no tiered storage here.",
        None,
    ),
    setting(
        "local.retention.ms",
        "log.local.retention.ms",
        Kind::Long(-2, i64::MAX),
        "-2",
        "Kept for Kafka; there is no tiered storage here.",
        None,
    ),
    setting(
        "max.compaction.lag.ms",
        "log.cleaner.max.compaction.lag.ms",
        Kind::Long(1, i64::MAX),
        NEVER,
        "How long a record of a compacted topic may stay uncompacted.",
        number!(max_compaction_lag_ms),
    ),
    setting(
        "max.message.bytes",
        "message.max.bytes",
        Kind::Int(0, i32::MAX),
        "1048588",
        "The largest batch that a client may append.",
        number!(max_message_bytes),
    ),
    setting(
        "message.timestamp.after.max.ms",
        "log.message.timestamp.after.max.ms",
        ANY_LONG,
        "3600000",
        "How far a record's timestamp may lie after the clock.",
        number!(timestamp_after_max_ms),
    ),
    setting(
        "message.timestamp.before.max.ms",
        "log.message.timestamp.before.max.ms",
        ANY_LONG,
        NEVER,
        "How far a record's timestamp may lie before the clock.",
        number!(timestamp_before_max_ms),
    ),
    setting(
        "message.timestamp.type",
        "log.message.timestamp.type",
        Kind::OneOf(&["CreateTime", "LogAppendTime"]),
        "CreateTime",
        "Who sets a record's timestamp.",
        Some(Field {
            get: |config| format!("{:?}", config.timestamp_type),
            set: |config, value| {
                config.timestamp_type = if value == "LogAppendTime" {
                    TimestampType::LogAppendTime
                } else {
                    TimestampType::CreateTime
                };
            },
        }),
    ),
    setting(
        "min.cleanable.dirty.ratio",
        "log.cleaner.min.cleanable.ratio",
        Kind::Double(0.0, 1.0),
        "0.5",
        "How much of a compacted topic must be uncompacted before it is compacted again.",
        number!(min_cleanable_dirty_ratio),
    ),
    setting(
        "min.compaction.lag.ms",
        "log.cleaner.min.compaction.lag.ms",
        ANY_LONG,
        "0",
        "How long a record of a compacted topic stays uncompacted.",
        number!(min_compaction_lag_ms),
    ),
    setting(
        "min.insync.replicas",
        "min.insync.replicas",
        Kind::Int(1, i32::MAX),
        "1",
        "Kept for Kafka; one node is always in sync.",
        None,
    ),
    setting(
        "preallocate",
        "log.preallocate",
        Kind::Boolean,
        "false",
        "Kept for Kafka; files grow as they are written.",
        None,
    ),
    setting(
        "remote.log.copy.disable",
        "",
        Kind::Boolean,
        "false",
        "Kept for Kafka; there is no tiered storage here.",
        None,
    ),
    setting(
        "remote.log.delete.on.disable",
        "",
        Kind::Boolean,
        "false",
        "Kept for Kafka; there is no tiered storage here.",
        None,
    ),
    setting(
        "remote.storage.enable",
        "",
        Kind::OneOf(&["false"]),
        "false",
        "There is no tiered storage here.",
        None,
    ),
    setting(
        "retention.bytes",
        "log.retention.bytes",
        Kind::Long(-1, i64::MAX),
        "-1",
        "The oldest segments go while the log is larger than this.",
        optional!(retention_bytes, u64, "-1"),
    ),
    setting(
        "retention.ms",
        "log.retention.ms",
        Kind::Long(-1, i64::MAX),
        "604800000",
        "Segments whose newest record is older than this may go.",
        optional!(retention_ms, i64, "-1"),
    ),
    setting(
        "segment.bytes",
        "log.segment.bytes",
        Kind::Int(1 << 20, i32::MAX),
        "1073741824",
        "A segment that would grow past this is rolled.",
        number!(segment_bytes),
    ),
    setting(
        "segment.index.bytes",
        "log.index.size.max.bytes",
        Kind::Int(4, i32::MAX),
        "10485760",
        "A full index rolls the segment.",
        number!(segment_index_bytes),
    ),
    setting(
        "segment.jitter.ms",
        "log.roll.jitter.ms",
        ANY_LONG,
        "0",
        "Kept for Kafka; segments roll when they are due.",
        None,
    ),
    setting(
        "segment.ms",
        "log.roll.ms",
        Kind::Long(1, i64::MAX),
        "604800000",
        "A segment older than this, by record time, is rolled.",
        number!(segment_ms),
    ),
    setting(
        "unclean.leader.election.enable",
        "unclean.leader.election.enable",
        Kind::Boolean,
        "false",
        "Kept for Kafka; one node elects nobody.",
        None,
    ),
];

use std::path::Path;
use std::sync::Arc;

use ottla::Offset;
use ottla::dir::{CleanShutdown, LeaderEpochs, OffsetCheckpoint, TopicPartition};
use ottla::fs::FileSystem;

use super::pool::Pool;

/// What the data directory says about how a log will be opened the next time.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Recovery {
    /// Whether the last stop was marked as clean, so that nothing is looked at.
    pub marked_clean: bool,
    /// Everything below is said to be on disk.
    pub recovery_point: Option<Offset>,
    /// Everything below is said to be deleted.
    pub log_start_offset: Option<Offset>,
}

impl Recovery {
    /// What is known of this partition. A checkpoint that cannot be read says nothing, as for recovery.
    pub fn of(fs: &dyn FileSystem, data_dir: &Path, partition: &TopicPartition) -> Recovery {
        let offset = |checkpoint: OffsetCheckpoint| {
            checkpoint.read(fs, data_dir).ok().and_then(|offsets| offsets.get(partition).copied())
        };
        Recovery {
            marked_clean: matches!(CleanShutdown::read(fs, data_dir), Ok(Some(_))),
            recovery_point: offset(OffsetCheckpoint::RecoveryPoint),
            log_start_offset: offset(OffsetCheckpoint::LogStart),
        }
    }

    /// Whether recovery cuts off what stands behind the whole batches that end before this offset, and
    /// loses nothing that is said to be on disk.
    pub fn cuts_behind(&self, end_offset: Offset) -> bool {
        !self.marked_clean && self.recovery_point.is_none_or(|point| end_offset >= point)
    }

    /// Whether recovery makes the indexes of a segment that ends before this offset anew.
    pub fn remakes_indexes(&self, end_offset: Offset, sealed: bool) -> bool {
        let looked_at = self.recovery_point.is_none_or(|point| end_offset > point);
        !self.marked_clean && (looked_at || !sealed)
    }
}

/// What decides over findings beside the files themselves.
#[derive(Clone, Copy, Debug)]
pub struct Settings<'a> {
    /// How the log will be opened the next time.
    pub recovery: Recovery,
    /// The topic's setting.
    pub index_interval_bytes: u32,
    /// Whether another process may be writing, so that a finding is looked at twice.
    pub is_live: bool,
    /// Whether a process is known to have it open for writing.
    pub is_in_use: bool,
    /// Who checks batches.
    pub pool: &'a Pool,
}

/// One partition that is being checked.
pub struct Context<'a> {
    pub fs: &'a Arc<dyn FileSystem>,
    pub dir: &'a Path,
    pub settings: Settings<'a>,
    /// Is told how many bytes of the log were looked at.
    pub progress: &'a dyn Fn(u64),
}

impl Context<'_> {
    /// The epochs, as far as they can be read.
    pub fn read_epochs(&self) -> Option<LeaderEpochs> {
        LeaderEpochs::read(&**self.fs, self.dir).ok()
    }
}

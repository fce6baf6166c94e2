use std::path::Path;
use std::sync::Arc;

use ottla::dir::{PartitionMetadata, TopicId, TopicPartition};
use ottla::fs::FileSystem;
use ottla::metadata::MetadataImage;

use super::derived::{self, Facts};
use super::hand::Hand;
use super::leftovers;
use super::options::Options;
use super::tail::Tail;
use crate::error::Result;
use crate::partition::PartitionDir;
use crate::verify::{Pool, Recovery, Report, Settings, check_partition, check_topic};

/// One partition that is mended.
pub(super) struct Partition<'a> {
    pub(super) dir: &'a Path,
    /// The partition and its data directory, where the directory's name says so.
    pub(super) home: Option<(&'a TopicPartition, &'a Path)>,
    /// What the metadata of the data directory says, where it can be read.
    pub(super) image: Option<&'a MetadataImage>,
    pub(super) index_interval_bytes: u32,
}

impl Partition<'_> {
    /// Mends it, step by step.
    ///
    /// # Errors
    /// As the system reports it.
    pub(super) fn mend(&self, hand: &mut Hand, options: &Options, progress: &dyn Fn(u64)) -> Result<()> {
        leftovers::finish(hand, self.dir)?;
        if !PartitionDir::is_one(&*hand.fs, self.dir)? {
            return Ok(());
        }
        let log = PartitionDir::open(&*hand.fs, self.dir)?;
        let recovery = self
            .home
            .map_or_else(Recovery::default, |(partition, dir)| Recovery::of(&*hand.fs, dir, partition));
        let below_recovery_point = options.cut_below_recovery_point;
        let recovery = Tail { log: &log, home: self.home, recovery, below_recovery_point }.cut(hand)?;
        let fs = Arc::clone(&hand.fs);
        let mut report = Report::default();
        let index_interval_bytes = self.index_interval_bytes;
        let settings = Settings {
            recovery,
            index_interval_bytes,
            is_live: false,
            is_in_use: false,
            pool: &Pool::alone(),
        };
        let end_offset = check_partition(&fs, self.dir, settings, progress, &mut report)?;
        self.check_metadata(&*fs, &mut report);
        let log = PartitionDir::open(&*fs, self.dir)?;
        let metadata = self.topic_id().map(|topic_id| PartitionMetadata { topic_id });
        derived::mend(
            hand,
            &Facts { dir: self.dir, log, end_offset, index_interval_bytes, metadata },
            &report,
        )
    }

    /// What the metadata of the data directory says about this directory.
    fn check_metadata(&self, fs: &dyn FileSystem, report: &mut Report) {
        if let (Some((partition, _)), Some(image)) = (self.home, self.image) {
            check_topic(fs, self.dir, partition, image, report);
        }
    }

    fn topic_id(&self) -> Option<TopicId> {
        let (partition, _) = self.home?;
        Some(self.image?.topics.get(partition.topic())?.id)
    }
}

//! Both indexes of every segment, anew from the log, whatever stands there.

use std::path::{Path, PathBuf};

use ottla::dir::{DirLock, DirName, FileKind, TopicPartition, read_whole, write_atomically};
use ottla::fs::{FileSystem, OpenMode, Os};
use ottla::metadata::{self, MetadataImage};
use ottla::segment::{BuiltIndexes, Entry, OffsetIndexEntry, TimeIndexEntry};
use ottla::{LogConfig, settings};

use crate::error::{At, Error, Result};
use crate::owner::give_to_owner_of;
use crate::partition::{Damage, PartitionDir, SegmentFile, name_of};
use crate::progress::Progress;

/// How indexes are made.
#[derive(Clone, Copy, Debug, Default)]
pub struct Options {
    /// Bytes between two entries; the topic's own setting, or Kafka's default, where not given.
    pub index_interval_bytes: Option<u32>,
    /// Whether nothing is changed, and only told.
    pub dry_run: bool,
}

/// One index file that was, or would be, written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reindexed {
    /// The file.
    pub path: PathBuf,
    /// How many entries it has now.
    pub entries: usize,
    /// What was there before.
    pub was: String,
}

/// What came of it.
#[derive(Clone, Debug, Default)]
pub struct Outcome {
    /// How many index files there are.
    pub files: u64,
    /// How many of them were, or would be, written.
    pub written: u64,
    /// The logs that do not end with a whole batch.
    pub damaged: Vec<Damage>,
}

/// Makes the indexes of a partition, or of all in a data directory, anew. Those that are as Kafka would have
/// written them are not touched. `each` is called for every file that is written.
///
/// # Errors
/// Where the directory is locked, is no directory of a log, or the system refuses.
pub fn reindex(
    dir: &Path,
    options: &Options,
    progress: &mut dyn Progress,
    each: &mut dyn FnMut(Reindexed),
) -> Result<Outcome> {
    let (data_dir, partitions) = partitions(dir)?;
    let image = metadata::load(&Os, &data_dir).map(|(image, _)| image).ok();
    let _lock = DirLock::acquire(&Os, &data_dir)?;
    progress.begin(partitions.iter().map(|(_, log)| log.size_bytes(&Os)).sum());
    let mut job = Job { dry_run: options.dry_run, progress, each, outcome: Outcome::default() };
    for (partition, log) in &partitions {
        let interval_bytes =
            options.index_interval_bytes.unwrap_or_else(|| interval_of(image.as_ref(), partition));
        for segment in &log.segments {
            job.segment(segment, interval_bytes)?;
        }
    }
    Ok(job.outcome)
}

/// The partitions that are meant, and the data directory whose lock protects them.
fn partitions(dir: &Path) -> Result<(PathBuf, Vec<(TopicPartition, PartitionDir)>)> {
    if PartitionDir::is_one(&Os, dir)? {
        let (partition, data_dir) = name_of(dir)?;
        return Ok((data_dir, vec![(partition, PartitionDir::open(&Os, dir)?)]));
    }
    let entries = Os.read_dir(dir).at("list", dir)?;
    let mut found = Vec::new();
    for entry in entries.iter().filter(|entry| entry.is_dir) {
        let path = dir.join(&entry.name);
        if let Some(DirName::Partition(partition)) = DirName::parse(&entry.name)
            && PartitionDir::is_one(&Os, &path)?
        {
            found.push((partition, PartitionDir::open(&Os, &path)?));
        }
    }
    found.sort_by(|(a, _), (b, _)| a.cmp(b));
    if found.is_empty() {
        return Err(Error::not_wanted(dir, "holds no segment and no partition directory with one"));
    }
    Ok((dir.to_path_buf(), found))
}

/// What the topic sets, as far as the metadata of the directory can be read.
pub(crate) fn interval_of(image: Option<&MetadataImage>, partition: &TopicPartition) -> u32 {
    let topic = image.and_then(|image| image.topics.get(partition.topic()));
    let overrides = topic.map(|topic| topic.configs.clone()).unwrap_or_default();
    settings::apply(&LogConfig::default(), &overrides).index_interval_bytes
}

struct Job<'a> {
    dry_run: bool,
    progress: &'a mut dyn Progress,
    each: &'a mut dyn FnMut(Reindexed),
    outcome: Outcome,
}

impl Job<'_> {
    fn segment(&mut self, segment: &SegmentFile, interval_bytes: u32) -> Result<()> {
        let path = &segment.path;
        let file = Os.open(path, OpenMode::Read).at("read", path)?;
        let end = file.len().at("read", path)?;
        let (built, stopped) =
            BuiltIndexes::from_log(&*file, segment.base_offset, end, interval_bytes).at("read", path)?;
        self.progress.advance(end);
        self.index::<OffsetIndexEntry>(segment, FileKind::Index, &built.offset_index)?;
        self.index::<TimeIndexEntry>(segment, FileKind::TimeIndex, &built.time_index)?;
        self.outcome.damaged.extend(Damage::of(&stopped, path.clone(), end));
        Ok(())
    }

    fn index<E: Entry>(&mut self, segment: &SegmentFile, kind: FileKind, bytes: &[u8]) -> Result<()> {
        let path = segment.sibling(kind);
        let old = read_whole(&Os, &path)?;
        self.outcome.files += 1;
        if old.as_deref() == Some(bytes) {
            return Ok(());
        }
        self.outcome.written += 1;
        if !self.dry_run {
            write_atomically(&Os, &path, bytes)?;
            give_to_owner_of(&segment.path, &path)?;
        }
        let was = told(old.as_deref(), bytes, E::LEN);
        (self.each)(Reindexed { path, entries: bytes.len() / E::LEN, was });
        Ok(())
    }
}

/// What was there before, beside the new bytes.
fn told(old: Option<&[u8]>, new: &[u8], width: usize) -> String {
    let Some(old) = old else { return "it was missing".to_owned() };
    let alike = old.iter().zip(new).take_while(|(a, b)| a == b).count() / width;
    let entries = old.len() / width;
    match old.len() % width {
        0 => format!("it had {entries}, other ones from entry {alike} on"),
        odd => format!("it had {entries} and {odd} odd bytes, other ones from entry {alike} on"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_there_is_told_by_the_first_entry_that_differs() {
        assert_eq!(told(None, b"", 8), "it was missing");
        assert_eq!(told(Some(b"aaaabbbbcccc"), b"aaaabbbXcccc", 4), "it had 3, other ones from entry 1 on");
        assert_eq!(told(Some(b"aaaab"), b"aaaa", 4), "it had 1 and 1 odd bytes, other ones from entry 1 on");
    }
}

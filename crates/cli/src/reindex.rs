//! `ottla reindex`: both indexes of every segment, anew from the log.

use std::io::{self, Write};
use std::os::unix::fs::{MetadataExt, chown};
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};
use clap::Args;
use ottla::dir::{DirLock, DirName, FileKind, TopicPartition, read_whole, write_atomically};
use ottla::fs::{FileSystem, OpenMode, Os};
use ottla::segment::{BuiltIndexes, Entry, OffsetIndexEntry, TimeIndexEntry};
use ottla::{LogConfig, metadata, settings};

use crate::exit::{Outcome, say};
use crate::partition::{Damage, PartitionDir, SegmentFile, name_of};
use crate::progress;

const EXAMPLES: &str = "Examples:
  ottla reindex ottla-data/letters-0
  ottla reindex --dry-run /var/lib/kafka/data

The .index and .timeindex files become what Kafka would have written; those that are so already are not \
touched. No other process may have the data directory open. What is not a log's index is left alone.
Exit codes: 0 done; 1 done, but a log does not end with a whole batch; 2 could not run.";

/// Make the indexes of a partition, or of all in a data directory, anew from the log.
#[derive(Args, Debug)]
#[command(after_help = EXAMPLES)]
pub struct ReindexArgs {
    /// A partition directory, or a data directory
    dir: PathBuf,
    /// Bytes between two entries; the topic's own setting, or Kafka's default, where not given
    #[arg(long, value_name = "BYTES", value_parser = clap::value_parser!(u32).range(0..=i64::from(i32::MAX)))]
    index_interval_bytes: Option<u32>,
    /// Say what would change, and change nothing
    #[arg(long)]
    dry_run: bool,
}

/// Runs the command.
///
/// # Errors
/// Where the directory is locked, is no directory of a log, or the system refuses.
pub fn run(args: &ReindexArgs) -> Result<Outcome> {
    let (data_dir, partitions) = partitions(&args.dir)?;
    let _lock = DirLock::acquire(&Os, &data_dir)?;
    let total = partitions.iter().map(|(_, log)| log.size_bytes(&Os)).sum();
    let mut job = Job {
        dry_run: args.dry_run,
        bar: progress::bytes(total, "indexing"),
        out: io::stdout().lock(),
        files: 0,
        changed: 0,
        damaged: false,
    };
    for (partition, log) in &partitions {
        let interval_bytes = args.index_interval_bytes.unwrap_or_else(|| interval_of(&data_dir, partition));
        for segment in &log.segments {
            job.segment(segment, interval_bytes)?;
        }
    }
    job.bar.finish_and_clear();
    let (written, unchanged) = (job.changed, job.files - job.changed);
    let verb = if args.dry_run { "would be written" } else { "written" };
    writeln!(job.out, "{written} index files {verb}, {unchanged} were right already")?;
    Ok(if job.damaged { Outcome::Findings } else { Outcome::Clean })
}

/// The partitions that are meant, and the data directory whose lock protects them.
fn partitions(dir: &Path) -> Result<(PathBuf, Vec<(TopicPartition, PartitionDir)>)> {
    if PartitionDir::is_one(&Os, dir)? {
        let (partition, data_dir) = name_of(dir)?;
        return Ok((data_dir, vec![(partition, PartitionDir::open(&Os, dir)?)]));
    }
    let entries = Os.read_dir(dir).with_context(|| format!("cannot list {}", dir.display()))?;
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
        bail!("{} holds no segment and no partition directory with one", dir.display());
    }
    Ok((dir.to_path_buf(), found))
}

/// What the topic sets, as far as the metadata of the directory can be read.
fn interval_of(data_dir: &Path, partition: &TopicPartition) -> u32 {
    let image = metadata::load(&Os, data_dir).map(|(image, _)| image).unwrap_or_default();
    let topic = image.topics.get(partition.topic());
    let overrides = topic.map(|topic| topic.configs.clone()).unwrap_or_default();
    settings::apply(&LogConfig::default(), &overrides).index_interval_bytes
}

struct Job<W> {
    dry_run: bool,
    bar: indicatif::ProgressBar,
    out: W,
    files: u64,
    changed: u64,
    damaged: bool,
}

impl<W: Write> Job<W> {
    fn segment(&mut self, segment: &SegmentFile, interval_bytes: u32) -> Result<()> {
        let cannot_read = || format!("cannot read {}", segment.path.display());
        let file = Os.open(&segment.path, OpenMode::Read).with_context(cannot_read)?;
        let end = file.len().with_context(cannot_read)?;
        let (built, stopped) = BuiltIndexes::from_log(&*file, segment.base_offset, end, interval_bytes)
            .with_context(cannot_read)?;
        self.bar.inc(end);
        self.index::<OffsetIndexEntry>(segment, FileKind::Index, &built.offset_index)?;
        self.index::<TimeIndexEntry>(segment, FileKind::TimeIndex, &built.time_index)?;
        if let Some(damage) = Damage::of(&stopped, segment.path.clone(), end) {
            self.damaged = true;
            say(&format!(
                "ottla: {} does not end with a whole batch: {}; the indexes cover what comes before; see `ottla verify`",
                damage.path.display(),
                damage.what
            ));
        }
        Ok(())
    }

    fn index<E: Entry>(&mut self, segment: &SegmentFile, kind: FileKind, bytes: &[u8]) -> Result<()> {
        let path = segment.sibling(kind);
        let old = read_whole(&Os, &path)?;
        self.files += 1;
        if old.as_deref() == Some(bytes) {
            return Ok(());
        }
        self.changed += 1;
        if !self.dry_run {
            write_atomically(&Os, &path, bytes)?;
            give_to_owner_of(&segment.path, &path)?;
        }
        let (entries, was) = (bytes.len() / E::LEN, told(old.as_deref(), bytes, E::LEN));
        self.bar.suspend(|| writeln!(self.out, "{}: {entries} entries; {was}", path.display()))?;
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

/// The new file is for those who own the log, whoever runs this.
fn give_to_owner_of(log: &Path, index: &Path) -> Result<()> {
    let owner = std::fs::metadata(log).with_context(|| format!("cannot look at {}", log.display()))?;
    let mine = std::fs::metadata(index).with_context(|| format!("cannot look at {}", index.display()))?;
    let cannot_give = || format!("cannot give {} to the owner of the log", index.display());
    if (owner.uid(), owner.gid()) != (mine.uid(), mine.gid()) {
        chown(index, Some(owner.uid()), Some(owner.gid())).with_context(cannot_give)?;
    }
    std::fs::set_permissions(index, owner.permissions()).with_context(cannot_give)
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

use std::path::Path;
use std::sync::Arc;

use ottla::Offset;
use ottla::dir::{
    OffsetCheckpoint, Offsets, PartitionMetadata, TopicPartition, make_dir, read_whole, write_atomically,
};
use ottla::fs::FileSystem;
use ottla::metadata::{CLUSTER_METADATA_DIR, MetadataImage};

use super::merge::Merge;
use super::output::Output;
use super::report::{LostBytes, LostOffsets, Salvaged, SalvagedPartition};
use super::source::{Run, Source, sources};
use crate::error::{At, Result};
use crate::partition::{PartitionDir, name_of};
use crate::progress::Progress;
use crate::reindex::interval_of;
use crate::repair::{first_offset, known_at_start};

/// Partitions of one data directory on their way to another.
pub(super) struct Job<'a> {
    fs: &'a Arc<dyn FileSystem>,
    out: &'a Path,
    image: Option<&'a MetadataImage>,
    /// The old log starts.
    was_start: Offsets,
    starts: Offsets,
    ends: Offsets,
}

impl<'a> Job<'a> {
    /// Nothing is saved yet. A checkpoint that cannot be read says nothing.
    pub(super) fn new(
        fs: &'a Arc<dyn FileSystem>,
        data_dir: &Path,
        out: &'a Path,
        image: Option<&'a MetadataImage>,
    ) -> Job<'a> {
        let was_start = OffsetCheckpoint::LogStart.read(&**fs, data_dir).unwrap_or_default();
        Job { fs, out, image, was_start, starts: Offsets::new(), ends: Offsets::new() }
    }

    /// Saves one partition.
    ///
    /// # Errors
    /// As the system reports it.
    pub(super) fn partition(
        &mut self,
        dir: &Path,
        progress: &mut dyn Progress,
        salvaged: &mut Salvaged,
    ) -> Result<()> {
        let (partition, _) = name_of(dir)?;
        if partition.dir_name() == CLUSTER_METADATA_DIR {
            self.bring_quorum(dir)?;
        }
        let sources = sources(&**self.fs, dir)?;
        let Some(first) = sources.iter().map(|source| source.base_offset).min() else { return Ok(()) };
        let start = self.was_start.get(&partition).copied().unwrap_or(first).max(first);
        let (runs, lost) = scan(&sources, progress)?;
        let mut output = Output::create(self.fs, self.out.join(partition.dir_name()))?;
        let copied = Copied::from(&sources, runs, start, &lost, &mut output)?;
        if output.end_offset.is_none() {
            output.begin_empty(start)?;
        }
        let known = PartitionDir::open(&**self.fs, dir)
            .map(|log| known_at_start(&**self.fs, dir, &log))
            .unwrap_or_default();
        output.derive(known, interval_of(self.image, &partition))?;
        self.bring_metadata(dir, &partition, &output, salvaged)?;
        let end = output.end_offset.unwrap_or(start);
        self.note(partition.clone(), start.min(end), end, &output)?;
        salvaged.partitions.push(SalvagedPartition {
            name: partition.dir_name(),
            segments: output.segments,
            batches: output.batches,
            bytes: output.bytes,
            passed_over: copied.passed_over,
            log_start_offset: start.min(end),
            log_end_offset: end,
            lost_bytes: lost,
            lost_offsets: copied.lost_offsets,
        });
        Ok(())
    }

    /// What the checkpoints will say.
    fn note(
        &mut self,
        partition: TopicPartition,
        start: Offset,
        end: Offset,
        output: &Output<'_>,
    ) -> Result<()> {
        let log = PartitionDir::open(&**self.fs, &output.dir)?;
        if log.segments.first().is_some_and(|first| first.base_offset < start) {
            self.starts.insert(partition.clone(), start);
        }
        self.ends.insert(partition, end);
        Ok(())
    }

    /// The topic id.
    fn bring_metadata(
        &self,
        dir: &Path,
        partition: &TopicPartition,
        output: &Output<'_>,
        salvaged: &mut Salvaged,
    ) -> Result<()> {
        let fs = &**self.fs;
        let known = self.image.and_then(|image| image.topics.get(partition.topic()));
        let known = known.map(|topic| PartitionMetadata { topic_id: topic.id });
        match PartitionMetadata::read(fs, dir) {
            Ok(found) => {
                if let Some(metadata) = found.or(known) {
                    metadata.write(fs, &output.dir)?;
                }
            }
            Err(error) => match known {
                Some(metadata) => metadata.write(fs, &output.dir)?,
                None => salvaged.left_behind.push((PartitionMetadata::path(dir), error.to_string())),
            },
        }
        Ok(())
    }

    /// The snapshots of the cluster's own log, which say who may vote, also where there is no log: Kafka finds no
    /// leader without.
    fn bring_quorum(&self, dir: &Path) -> Result<()> {
        let (fs, to) = (&**self.fs, self.out.join(CLUSTER_METADATA_DIR));
        make_dir(fs, &to)?;
        for entry in fs.read_dir(dir).at("list", dir)? {
            let is_snapshot = entry.name.ends_with(".checkpoint") || entry.name == "quorum-state";
            if is_snapshot && let Some(bytes) = read_whole(fs, &dir.join(&entry.name))? {
                write_atomically(fs, &to.join(&entry.name), &bytes)?;
            }
        }
        Ok(())
    }

    /// Writes the checkpoints of the new directory: all of it is on disk.
    ///
    /// # Errors
    /// As the system reports it.
    pub(super) fn write_checkpoints(&self) -> Result<()> {
        let fs = &**self.fs;
        fs.sync_dir(self.out).at("sync", self.out)?;
        OffsetCheckpoint::RecoveryPoint.write(fs, self.out, &self.ends)?;
        OffsetCheckpoint::Replication.write(fs, self.out, &self.ends)?;
        OffsetCheckpoint::LogStart.write(fs, self.out, &self.starts)?;
        Ok(())
    }
}

fn scan(sources: &[Source], progress: &mut dyn Progress) -> Result<(Vec<Run>, Vec<LostBytes>)> {
    let (mut runs, mut lost) = (Vec::new(), Vec::new());
    for (number, source) in sources.iter().enumerate() {
        let scanned = source.scan(number, &mut |bytes| progress.advance(bytes))?;
        runs.extend(scanned.runs);
        lost.extend(scanned.lost);
    }
    Ok((runs, lost))
}

/// What came of copying batches.
#[derive(Default)]
struct Copied {
    passed_over: u64,
    lost_offsets: Vec<LostOffsets>,
}

impl Copied {
    fn from(
        sources: &[Source],
        runs: Vec<Run>,
        start: Offset,
        lost: &[LostBytes],
        output: &mut Output<'_>,
    ) -> Result<Copied> {
        let mut copied = Copied::default();
        let mut next = start;
        let mut merge = Merge::new(sources, runs);
        while let Some(batch) = merge.next()? {
            let first = first_offset(&batch.head);
            if output.end_offset.is_some_and(|end| first < end) {
                copied.passed_over += 1;
                continue;
            }
            if first > next {
                copied.note_gap(lost, next, Some(first));
            }
            output.push(&batch, sources.get(batch.source))?;
            next = next.max(batch.head.last_offset() + 1);
        }
        copied.note_gap(lost, next, None);
        output.close()?;
        copied.lost_offsets.sort_unstable();
        copied.lost_offsets.dedup();
        Ok(copied)
    }

    /// Offsets that no batch has are lost where damaged bytes may have had them.
    fn note_gap(&mut self, lost: &[LostBytes], from: Offset, to: Option<Offset>) {
        self.lost_offsets.extend(lost.iter().filter_map(|lost| lost.offsets.within(from, to)));
    }
}

//! One data directory, open for writing: its lock, its clean-shutdown mark and its checkpoints.

use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use crate::dir::{
    CleanShutdown, DirLock, DirName, FileKind, FileName, OffsetCheckpoint, Offsets, TopicPartition, make_dir,
    settle_dir,
};
use crate::error::{Error, Result};
use crate::fs::FileSystem;
use crate::metadata::CLUSTER_METADATA_DIR;
use crate::offset::Offset;
use crate::sync::{Mutex, MutexGuard, PoisonError};

/// What the checkpoints say about one log.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Marks {
    pub recovery_point: Option<Offset>,
    pub log_start_offset: Option<Offset>,
}

/// What one log has to say to the checkpoints.
#[derive(Clone, Debug)]
pub(crate) struct PartitionMarks {
    pub topic_partition: TopicPartition,
    pub recovery_point: Offset,
    pub log_start_offset: Offset,
    pub high_watermark: Offset,
    /// The base offset of the oldest segment.
    pub first_segment: Offset,
}

/// The checkpoints that any log of the directory may have to move at any time: its start, before
/// anything below is removed, and its recovery point, before anything below is cut.
#[derive(Debug)]
pub(crate) struct Checkpoints {
    fs: Arc<dyn FileSystem>,
    data_dir: PathBuf,
    offsets: Mutex<MovingOffsets>,
}

#[derive(Debug)]
struct MovingOffsets {
    log_starts: Offsets,
    recovery_points: Offsets,
    cleaner_points: Offsets,
}

impl Checkpoints {
    /// Makes the start of one log durable.
    pub(crate) fn advance_start(&self, topic_partition: &TopicPartition, start: Offset) -> Result<()> {
        let mut offsets = self.offsets();
        let before = offsets.log_starts.clone();
        if before.get(topic_partition).is_some_and(|before| *before >= start) {
            return Ok(());
        }
        offsets.log_starts.insert(topic_partition.clone(), start);
        self.write_log_starts(&offsets).inspect_err(|_| offsets.log_starts = before)
    }

    /// Makes it durable that recovery must look at one log from `offset` on. The log's own recovery point
    /// was lowered before.
    pub(crate) fn lower_recovery_point(
        &self,
        topic_partition: &TopicPartition,
        offset: Offset,
    ) -> Result<()> {
        let mut offsets = self.offsets();
        match offsets.recovery_points.get_mut(topic_partition) {
            Some(before) if *before > offset => *before = offset,
            _ => return Ok(()),
        }
        self.write_recovery_points(&offsets)
    }

    /// Makes it durable that everything of one log below `offset` is on disk.
    pub(crate) fn raise_recovery_point(
        &self,
        topic_partition: &TopicPartition,
        offset: Offset,
    ) -> Result<()> {
        let mut offsets = self.offsets();
        let before = offsets.recovery_points.get(topic_partition).copied();
        if before.is_some_and(|before| before >= offset) {
            return Ok(());
        }
        offsets.recovery_points.insert(topic_partition.clone(), offset);
        self.write_recovery_points(&offsets)
    }

    /// Up to where a log was compacted.
    pub(crate) fn cleaner_point(&self, topic_partition: &TopicPartition) -> Option<Offset> {
        self.offsets().cleaner_points.get(topic_partition).copied()
    }

    /// Makes it durable that everything of one log below `offset` was compacted.
    pub(crate) fn set_cleaner_point(&self, topic_partition: &TopicPartition, offset: Offset) -> Result<()> {
        let mut offsets = self.offsets();
        offsets.cleaner_points.insert(topic_partition.clone(), offset);
        self.write_cleaner_points(&offsets)
    }

    /// Makes it durable that nothing of one log from `offset` on was compacted.
    pub(crate) fn lower_cleaner_point(&self, topic_partition: &TopicPartition, offset: Offset) -> Result<()> {
        let mut offsets = self.offsets();
        match offsets.cleaner_points.get_mut(topic_partition) {
            Some(before) if *before > offset => *before = offset,
            _ => return Ok(()),
        }
        self.write_cleaner_points(&offsets)
    }

    /// Forgets up to where a log was compacted if that lies past its end: then what was lost may have replaced
    /// what is left, and what is appended next is new.
    pub(crate) fn settle_cleaner_point(
        &self,
        topic_partition: &TopicPartition,
        log_end_offset: Offset,
    ) -> Result<()> {
        let mut offsets = self.offsets();
        if offsets.cleaner_points.get(topic_partition).is_none_or(|point| *point <= log_end_offset) {
            return Ok(());
        }
        offsets.cleaner_points.remove(topic_partition);
        self.write_cleaner_points(&offsets)
    }

    fn offsets(&self) -> MutexGuard<'_, MovingOffsets> {
        self.offsets.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn write_log_starts(&self, offsets: &MovingOffsets) -> Result<()> {
        OffsetCheckpoint::LogStart.write(&*self.fs, &self.data_dir, &offsets.log_starts)
    }

    fn write_cleaner_points(&self, offsets: &MovingOffsets) -> Result<()> {
        OffsetCheckpoint::Cleaner.write(&*self.fs, &self.data_dir, &offsets.cleaner_points)
    }

    fn write_recovery_points(&self, offsets: &MovingOffsets) -> Result<()> {
        OffsetCheckpoint::RecoveryPoint.write(&*self.fs, &self.data_dir, &offsets.recovery_points)
    }
}

impl MovingOffsets {
    fn take(&mut self, mark: &PartitionMarks) {
        self.recovery_points.insert(mark.topic_partition.clone(), mark.recovery_point);
        let before = self.log_starts.get(&mark.topic_partition).copied();
        // A start on disk may be ahead of the log that is about to follow it.
        let start = before.map_or(mark.log_start_offset, |before| before.max(mark.log_start_offset));
        // A start that the oldest segment's name tells needs no entry (as in Kafka).
        if start > mark.first_segment {
            self.log_starts.insert(mark.topic_partition.clone(), start);
        } else {
            self.log_starts.remove(&mark.topic_partition);
        }
    }

    fn forget(&mut self, topic_partition: &TopicPartition) -> bool {
        let start = self.log_starts.remove(topic_partition);
        let recovery_point = self.recovery_points.remove(topic_partition);
        start.is_some() || recovery_point.is_some()
    }
}

/// A data directory that this value has open for writing.
#[derive(Debug)]
pub(crate) struct DataDir {
    fs: Arc<dyn FileSystem>,
    path: PathBuf,
    high_watermarks: Offsets,
    checkpoints: Arc<Checkpoints>,
    was_clean: bool,
    _lock: DirLock,
}

impl DataDir {
    /// Takes the lock, reads the checkpoints, and takes the clean-shutdown mark away: from here on only
    /// [`DataDir::close`] vouches for the files again.
    pub(crate) fn open(fs: &Arc<dyn FileSystem>, path: &Path) -> Result<DataDir> {
        make_dir(&**fs, path)?;
        let lock = DirLock::acquire(&**fs, path)?;
        let was_clean = CleanShutdown::read(&**fs, path)?.is_some();
        let offsets = Mutex::new(MovingOffsets {
            log_starts: OffsetCheckpoint::LogStart.read(&**fs, path)?,
            recovery_points: OffsetCheckpoint::RecoveryPoint.read(&**fs, path)?,
            cleaner_points: read_cleaner_points(&**fs, path)?,
        });
        let data_dir = DataDir {
            high_watermarks: OffsetCheckpoint::Replication.read(&**fs, path)?,
            checkpoints: Arc::new(Checkpoints { fs: fs.clone(), data_dir: path.to_path_buf(), offsets }),
            fs: fs.clone(),
            path: path.to_path_buf(),
            was_clean,
            _lock: lock,
        };
        if was_clean {
            CleanShutdown::remove(&**fs, path)?;
        } else {
            // The names of partitions that were made shortly before a process was killed, and the directory's own.
            settle_dir(&**fs, path)?;
            fs.sync_dir(path).map_err(|e| Error::io("sync", path, e))?;
        }
        Ok(data_dir)
    }

    /// What the checkpoints of a data directory say about one log; nothing is locked or changed.
    pub(crate) fn read_marks(
        fs: &dyn FileSystem,
        path: &Path,
        topic_partition: &TopicPartition,
    ) -> Result<Marks> {
        let look_up = |checkpoint: OffsetCheckpoint| {
            Ok::<_, Error>(checkpoint.read(fs, path)?.get(topic_partition).copied())
        };
        Ok(Marks {
            recovery_point: look_up(OffsetCheckpoint::RecoveryPoint)?,
            log_start_offset: look_up(OffsetCheckpoint::LogStart)?,
        })
    }

    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    /// Whether the directory was closed cleanly before, so that nothing needs to be looked at.
    pub(crate) fn was_clean(&self) -> bool {
        self.was_clean
    }

    pub(crate) fn marks(&self, topic_partition: &TopicPartition) -> Marks {
        let offsets = self.checkpoints.offsets();
        Marks {
            recovery_point: offsets.recovery_points.get(topic_partition).copied(),
            log_start_offset: offsets.log_starts.get(topic_partition).copied(),
        }
    }

    pub(crate) fn checkpoints(&self) -> &Arc<Checkpoints> {
        &self.checkpoints
    }

    /// Writes what the logs say into the checkpoints; the entries of others stay. The logs are asked while
    /// none of them can move its start or its recovery point on disk, so that nothing older is written
    /// over what one of them has just written.
    pub(crate) fn checkpoint(&mut self, ask: impl FnOnce() -> Vec<PartitionMarks>) -> Result<()> {
        let mut offsets = self.checkpoints.offsets();
        for mark in ask() {
            offsets.take(&mark);
            self.high_watermarks.insert(mark.topic_partition, mark.high_watermark);
        }
        self.checkpoints.write_recovery_points(&offsets)?;
        OffsetCheckpoint::Replication.write(&*self.fs, &self.path, &self.high_watermarks)?;
        self.checkpoints.write_log_starts(&offsets)
    }

    /// Forgets a log that is deleted, or that another one of its name has left: what is said of it would
    /// be taken for the next one's.
    pub(crate) fn forget(&mut self, topic_partition: &TopicPartition) -> Result<()> {
        let mut offsets = self.checkpoints.offsets();
        let known = offsets.forget(topic_partition);
        if offsets.cleaner_points.remove(topic_partition).is_some() {
            self.checkpoints.write_cleaner_points(&offsets)?;
        }
        drop(offsets);
        let known = self.high_watermarks.remove(topic_partition).is_some() || known;
        if known { self.checkpoint(Vec::new) } else { Ok(()) }
    }

    /// Writes the checkpoints and, where that is true of all logs in the directory, the mark that
    /// everything was closed cleanly; then lets go of the lock.
    pub(crate) fn close(mut self, marks: Vec<PartitionMarks>) -> Result<()> {
        let vouched_for = self.was_clean || !self.holds_others(&marks)?;
        self.checkpoint(|| marks)?;
        if vouched_for {
            CleanShutdown { broker_epoch: None }.write(&*self.fs, &self.path)?;
        }
        Ok(())
    }

    /// A log that was not opened may still need recovery; nobody vouches for it.
    fn holds_others(&self, marks: &[PartitionMarks]) -> Result<bool> {
        let entries =
            self.fs.read_dir(&self.path).map_err(|e: io::Error| Error::io("list", &self.path, e))?;
        for entry in entries.iter().filter(|entry| entry.is_dir && entry.name != CLUSTER_METADATA_DIR) {
            let Some(found) = partition_of(&entry.name) else { continue };
            let is_ours = marks.iter().any(|mark| mark.topic_partition == found);
            if !is_ours && is_partition(&*self.fs, &self.path, &entry.name)? {
                return Ok(true);
            }
        }
        Ok(false)
    }
}

/// A name like `dbus-1` does not make a directory a partition; what is in it does.
pub(crate) fn is_partition(fs: &dyn FileSystem, data_dir: &Path, name: &str) -> Result<bool> {
    if !matches!(DirName::parse(name), Some(DirName::Partition(_))) {
        return Ok(false);
    }
    let dir = data_dir.join(name);
    let entries = fs.read_dir(&dir).map_err(|e| Error::io("list", &dir, e))?;
    Ok(entries.iter().any(|entry| {
        let is_log = FileName::parse(&entry.name).is_some_and(|name| name.kind == FileKind::Log);
        is_log || entry.name == "partition.metadata"
    }))
}

/// Without this checkpoint every log is compacted from its start, which costs time and nothing else: so one
/// that cannot be read holds nobody up.
fn read_cleaner_points(fs: &dyn FileSystem, path: &Path) -> Result<Offsets> {
    match OffsetCheckpoint::Cleaner.read(fs, path) {
        Err(Error::Corrupt(corruption)) => {
            tracing::warn!(%corruption, "compaction begins at the start of each log");
            Ok(Offsets::new())
        }
        read => read,
    }
}

/// The data directory that a partition directory lies in, and the partition that its name says.
pub(crate) fn split_path(dir: &Path) -> Result<(&Path, TopicPartition)> {
    let not_ours = |reason: &str| Error::NotADirectoryOfOurs {
        path: dir.to_path_buf(),
        expected: "partition directory",
        reason: reason.to_owned(),
    };
    let name = dir.file_name().and_then(|name| name.to_str()).ok_or_else(|| not_ours("it has no name"))?;
    let topic_partition = partition_of(name)
        .ok_or_else(|| not_ours("its name is not of the form <topic>-<partition>, as in `letters-0`"))?;
    let parent = dir.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or(Path::new("."));
    Ok((parent, topic_partition))
}

fn partition_of(dir_name: &str) -> Option<TopicPartition> {
    match DirName::parse(dir_name)? {
        DirName::Partition(topic_partition) => Some(topic_partition),
        _ => None,
    }
}

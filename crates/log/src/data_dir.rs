//! One data directory, open for writing: its lock, its clean-shutdown mark and its checkpoints.

use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use crate::dir::{CleanShutdown, DirLock, DirName, OffsetCheckpoint, Offsets, TopicPartition};
use crate::error::{Error, Result};
use crate::fs::FileSystem;
use crate::offset::Offset;

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

/// The checkpoint of log starts. It is written before anything below a start is removed, by any log of
/// the directory at any time, so it is shared by all of them.
#[derive(Debug)]
pub(crate) struct LogStarts {
    fs: Arc<dyn FileSystem>,
    data_dir: PathBuf,
    offsets: Mutex<Offsets>,
}

impl LogStarts {
    /// Makes the start of one log durable.
    pub(crate) fn advance(&self, topic_partition: &TopicPartition, start: Offset) -> Result<()> {
        self.change(|offsets| {
            offsets.insert(topic_partition.clone(), start);
        })
    }

    fn change(&self, change: impl FnOnce(&mut Offsets)) -> Result<()> {
        let mut offsets = self.offsets.lock().unwrap_or_else(PoisonError::into_inner);
        change(&mut offsets);
        OffsetCheckpoint::LogStart.write(&*self.fs, &self.data_dir, &offsets)
    }

    fn get(&self, topic_partition: &TopicPartition) -> Option<Offset> {
        self.offsets.lock().unwrap_or_else(PoisonError::into_inner).get(topic_partition).copied()
    }
}

/// A data directory that this value has open for writing.
#[derive(Debug)]
pub(crate) struct DataDir {
    fs: Arc<dyn FileSystem>,
    path: PathBuf,
    recovery_points: Offsets,
    high_watermarks: Offsets,
    log_starts: Arc<LogStarts>,
    was_clean: bool,
    _lock: DirLock,
}

impl DataDir {
    /// Takes the lock, reads the checkpoints, and takes the clean-shutdown mark away: from here on only
    /// [`DataDir::close`] vouches for the files again.
    pub(crate) fn open(fs: &Arc<dyn FileSystem>, path: &Path) -> Result<DataDir> {
        fs.create_dir_all(path).map_err(|e| Error::io("make", path, e))?;
        let lock = DirLock::acquire(&**fs, path)?;
        let was_clean = CleanShutdown::read(&**fs, path)?.is_some();
        let log_starts = OffsetCheckpoint::LogStart.read(&**fs, path)?;
        let data_dir = DataDir {
            recovery_points: OffsetCheckpoint::RecoveryPoint.read(&**fs, path)?,
            high_watermarks: OffsetCheckpoint::Replication.read(&**fs, path)?,
            log_starts: Arc::new(LogStarts {
                fs: fs.clone(),
                data_dir: path.to_path_buf(),
                offsets: Mutex::new(log_starts),
            }),
            fs: fs.clone(),
            path: path.to_path_buf(),
            was_clean,
            _lock: lock,
        };
        if was_clean {
            CleanShutdown::remove(&**fs, path)?;
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
        Marks {
            recovery_point: self.recovery_points.get(topic_partition).copied(),
            log_start_offset: self.log_starts.get(topic_partition),
        }
    }

    pub(crate) fn log_starts(&self) -> &Arc<LogStarts> {
        &self.log_starts
    }

    /// Writes what these logs say into the checkpoints; the entries of others stay.
    pub(crate) fn checkpoint(&mut self, marks: &[PartitionMarks]) -> Result<()> {
        for mark in marks {
            self.recovery_points.insert(mark.topic_partition.clone(), mark.recovery_point);
            self.high_watermarks.insert(mark.topic_partition.clone(), mark.high_watermark);
        }
        OffsetCheckpoint::RecoveryPoint.write(&*self.fs, &self.path, &self.recovery_points)?;
        OffsetCheckpoint::Replication.write(&*self.fs, &self.path, &self.high_watermarks)?;
        self.log_starts.change(|offsets| {
            for mark in marks {
                // A start that the oldest segment's name tells needs no entry (as in Kafka).
                if mark.log_start_offset > mark.first_segment {
                    offsets.insert(mark.topic_partition.clone(), mark.log_start_offset);
                } else {
                    offsets.remove(&mark.topic_partition);
                }
            }
        })
    }

    /// Forgets a log that is deleted.
    pub(crate) fn forget(&mut self, topic_partition: &TopicPartition) -> Result<()> {
        self.recovery_points.remove(topic_partition);
        self.high_watermarks.remove(topic_partition);
        self.checkpoint(&[])?;
        self.log_starts.change(|offsets| {
            offsets.remove(topic_partition);
        })
    }

    /// Writes the checkpoints and, where that is true of all logs in the directory, the mark that
    /// everything was closed cleanly; then lets go of the lock.
    pub(crate) fn close(mut self, marks: &[PartitionMarks]) -> Result<()> {
        self.checkpoint(marks)?;
        if self.was_clean || !self.holds_others(marks)? {
            CleanShutdown { broker_epoch: None }.write(&*self.fs, &self.path)?;
        }
        Ok(())
    }

    /// A log that was not opened may still need recovery; nobody vouches for it.
    fn holds_others(&self, marks: &[PartitionMarks]) -> Result<bool> {
        let entries =
            self.fs.read_dir(&self.path).map_err(|e: io::Error| Error::io("list", &self.path, e))?;
        Ok(entries.iter().filter(|entry| entry.is_dir).any(|entry| match DirName::parse(&entry.name) {
            Some(DirName::Partition(found)) => !marks.iter().any(|mark| mark.topic_partition == found),
            _ => false,
        }))
    }
}

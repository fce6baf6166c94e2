use std::io;
use std::path::{Path, PathBuf};

use crate::error::{At, Error, Result};
use ottla::Offset;
use ottla::dir::{DirName, FileKind, FileName, OffsetCheckpoint, TopicPartition};
use ottla::fs::{DirEntry, FileSystem};

/// One `.log` file, by its name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SegmentFile {
    /// The offset in its name.
    pub base_offset: Offset,
    /// Where it is.
    pub path: PathBuf,
}

impl SegmentFile {
    /// The file of another kind that goes with it.
    pub fn sibling(&self, kind: FileKind) -> PathBuf {
        self.path.with_file_name(FileName::new(self.base_offset, kind).to_string())
    }

    /// The file's name.
    pub fn name(&self) -> String {
        FileName::new(self.base_offset, FileKind::Log).to_string()
    }
}

/// A directory that holds at least one segment.
#[derive(Clone, Debug)]
pub struct PartitionDir {
    /// Where it is.
    pub path: PathBuf,
    /// Its segments, by base offset.
    pub segments: Vec<SegmentFile>,
    /// The first offset that was not deleted, as far as a checkpoint beside the directory knows, else that
    /// of the first segment.
    pub log_start_offset: Offset,
}

impl PartitionDir {
    /// Looks at what the directory holds. Its name need not be `<topic>-<partition>`: the files say enough.
    ///
    /// # Errors
    /// Where there is no such directory or no segment in it, with what to give instead.
    pub fn open(fs: &dyn FileSystem, path: &Path) -> Result<PartitionDir> {
        let entries = list(fs, path)?;
        let segments = segments_among(path, &entries);
        let Some(first) = segments.first() else {
            return Err(Error::not_wanted(path, no_segments(&entries)));
        };
        let first_offset = first.base_offset;
        let log_start_offset = checkpointed_start(fs, path).unwrap_or(first_offset).max(first_offset);
        Ok(PartitionDir { path: path.to_path_buf(), segments, log_start_offset })
    }

    /// Whether the directory holds a segment.
    ///
    /// # Errors
    /// Where there is no such directory.
    pub fn is_one(fs: &dyn FileSystem, path: &Path) -> Result<bool> {
        Ok(!segments_among(path, &list(fs, path)?).is_empty())
    }

    /// The segment that may hold this offset, with its number: the last whose base offset is at or below it.
    pub fn floor(&self, offset: Offset) -> Option<(usize, &SegmentFile)> {
        let begun = self.segments.partition_point(|segment| segment.base_offset <= offset);
        let index = begun.checked_sub(1)?;
        self.segments.get(index).map(|segment| (index, segment))
    }

    /// The first segment after the one that begins at `base_offset`, looked up anew.
    ///
    /// # Errors
    /// As the system reports it.
    pub fn segment_after(
        fs: &dyn FileSystem,
        path: &Path,
        base_offset: Offset,
    ) -> Result<Option<SegmentFile>> {
        let segments = segments_among(path, &list(fs, path)?);
        Ok(segments.into_iter().find(|segment| segment.base_offset > base_offset))
    }

    /// The bytes of all segments.
    pub fn size_bytes(&self, fs: &dyn FileSystem) -> u64 {
        self.segments.iter().filter_map(|segment| fs.metadata(&segment.path).ok()).map(|m| m.len).sum()
    }
}

fn list(fs: &dyn FileSystem, path: &Path) -> Result<Vec<DirEntry>> {
    match fs.metadata(path) {
        Err(e) if e.kind() == io::ErrorKind::NotFound => {
            return Err(Error::not_wanted(path, "does not exist"));
        }
        Err(e) => return Err(e).at("look at", path),
        Ok(metadata) if !metadata.is_dir => {
            return Err(Error::not_wanted(path, file_given(path)));
        }
        Ok(_) => {}
    }
    fs.read_dir(path).at("list", path)
}

fn segments_among(dir: &Path, entries: &[DirEntry]) -> Vec<SegmentFile> {
    let log = |entry: &DirEntry| {
        let name = FileName::parse(&entry.name).filter(|name| name.kind == FileKind::Log)?;
        (name.suffix.is_none() && !entry.is_dir)
            .then(|| SegmentFile { base_offset: name.base_offset, path: name.in_dir(dir) })
    };
    let mut segments: Vec<_> = entries.iter().filter_map(log).collect();
    segments.sort_by_key(|segment| segment.base_offset);
    segments
}

/// What to tell somebody who gave a file where a directory is wanted.
fn file_given(path: &Path) -> String {
    let parent = path.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or(Path::new("."));
    format!(
        "is a file, and a directory is wanted: give {}, or show the file with `ottla dump`",
        parent.display()
    )
}

fn no_segments(entries: &[DirEntry]) -> String {
    const SHOWN: usize = 5;
    let is_partition = |entry: &&DirEntry| {
        entry.is_dir && matches!(DirName::parse(&entry.name), Some(DirName::Partition(_)))
    };
    let mut partitions: Vec<_> =
        entries.iter().filter(is_partition).map(|entry| entry.name.as_str()).collect();
    partitions.sort_unstable();
    if partitions.is_empty() {
        return "holds no segment (a file such as 00000000000000000000.log): it is no partition directory"
            .to_owned();
    }
    let more = if partitions.len() > SHOWN { ", …" } else { "" };
    partitions.truncate(SHOWN);
    format!(
        "is a data directory; give one of the partition directories in it: {}{more}",
        partitions.join(", ")
    )
}

/// What the checkpoint of the data directory says. A broken one is `ottla verify`'s to tell.
fn checkpointed_start(fs: &dyn FileSystem, dir: &Path) -> Option<Offset> {
    let absolute = std::path::absolute(dir).ok()?;
    let name = absolute.file_name()?.to_str()?;
    let Some(DirName::Partition(partition)) = DirName::parse(name) else { return None };
    OffsetCheckpoint::LogStart.read(fs, absolute.parent()?).ok()?.get(&partition).copied()
}

/// The partition whose directory this is, and the data directory that it stands in.
///
/// # Errors
/// Where the name is not `<topic>-<partition>`.
pub fn name_of(dir: &Path) -> Result<(TopicPartition, PathBuf)> {
    let absolute = std::path::absolute(dir).at("find", dir)?;
    let partition = absolute.file_name().and_then(|name| name.to_str()).and_then(DirName::parse);
    match (partition, absolute.parent()) {
        (Some(DirName::Partition(partition)), Some(parent)) => Ok((partition, parent.to_path_buf())),
        _ => Err(Error::not_wanted(
            dir,
            "is not named <topic>-<partition>, as `letters-0` is: rename it, or give another directory",
        )),
    }
}

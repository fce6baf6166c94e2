use std::path::Path;
use std::sync::Arc;

use ottla::Offset;
use ottla::fs::FileSystem;

use super::counts::Counts;
use super::distinct::Distinct;
use super::segment;
use crate::error::Result;
use crate::partition::PartitionDir;
use crate::progress::Progress;
use crate::read_only_fs::ReadOnlyFs;
use crate::verify::{is_data_dir, neither, partitions_in, size_of};

/// How is counted.
#[derive(Clone, Debug)]
pub struct Options {
    /// Where the files are: the operating system's, which cannot be changed through this, where nothing else
    /// is given.
    pub fs: Arc<dyn FileSystem>,
}

impl Default for Options {
    fn default() -> Options {
        Options { fs: Arc::new(ReadOnlyFs) }
    }
}

/// One partition.
#[derive(Clone, Debug)]
pub struct PartitionStats {
    /// Its directory's name.
    pub name: String,
    /// Its segments, by base offset.
    pub segments: Vec<SegmentStats>,
    /// All of them together.
    pub total: Counts,
    /// How many different keys there are.
    pub distinct_keys: Distinct,
}

/// One segment.
#[derive(Clone, Debug)]
pub struct SegmentStats {
    /// The offset in its name.
    pub base_offset: Offset,
    /// What is in it.
    pub counts: Counts,
}

/// Counts what is in a partition directory, or in a data directory. Nothing is changed; another process may
/// be writing. A batch is decompressed by itself, up to a limit.
///
/// # Errors
/// Where the directory cannot be read, or is neither of both.
pub fn stats(dir: &Path, options: &Options, progress: &mut dyn Progress) -> Result<Vec<PartitionStats>> {
    let fs = &*options.fs;
    if PartitionDir::is_one(fs, dir)? {
        let log = PartitionDir::open(fs, dir)?;
        progress.begin(log.size_bytes(fs));
        return Ok(vec![partition(fs, &log, progress)?]);
    }
    if !is_data_dir(fs, dir)? {
        return Err(neither(dir));
    }
    progress.begin(size_of(fs, dir));
    let mut found = Vec::new();
    for name in partitions_in(fs, dir)? {
        let path = dir.join(name.dir_name());
        // Retention, or the end of a topic, may have taken the directory away since.
        if PartitionDir::is_one(fs, &path).unwrap_or(false) {
            found.push(partition(fs, &PartitionDir::open(fs, &path)?, progress)?);
        }
    }
    Ok(found)
}

fn partition(fs: &dyn FileSystem, log: &PartitionDir, progress: &mut dyn Progress) -> Result<PartitionStats> {
    let name = log.path.file_name().map_or_else(String::new, |name| name.to_string_lossy().into_owned());
    let (mut segments, mut total) = (Vec::new(), Counts::default());
    let mut distinct_keys = Distinct::default();
    for file in &log.segments {
        let mut advance = |bytes| progress.advance(bytes);
        match segment::count(fs, file, &mut distinct_keys, &mut advance) {
            Ok(counts) => {
                total.absorb(&counts);
                segments.push(SegmentStats { base_offset: file.base_offset, counts });
            }
            // Retention took it away meanwhile.
            Err(_) if fs.metadata(&file.path).is_err_and(|e| e.kind() == std::io::ErrorKind::NotFound) => {}
            Err(error) => return Err(error),
        }
    }
    Ok(PartitionStats { name, segments, total, distinct_keys })
}

use std::path::{Path, PathBuf, absolute};
use std::sync::Arc;

use ottla::dir::{MetaProperties, make_dir, read_whole, write_atomically};
use ottla::fs::{FileSystem, Os};
use ottla::metadata::{self, bootstrap};

use super::partition::Job;
use super::report::Salvaged;
use crate::error::{At, Error, Result};
use crate::partition::{PartitionDir, name_of};
use crate::progress::Progress;
use crate::verify::{is_data_dir, neither, partitions_in};

/// How is saved.
#[derive(Clone, Debug)]
pub struct Options {
    /// Where both directories are: the operating system's files, where nothing else is given.
    pub fs: Arc<dyn FileSystem>,
}

impl Default for Options {
    fn default() -> Options {
        Options { fs: Arc::new(Os) }
    }
}

/// Copies what is whole of a partition directory, or of a data directory with all in it, into a new data
/// directory. The old one is only read. Offsets stay; where batches were lost, there is a gap.
///
/// # Errors
/// Where `dir` is no directory of a log or `out` is not empty, and as the system reports it. `out` then holds
/// a part, and is of no use.
pub fn salvage(dir: &Path, out: &Path, options: &Options, progress: &mut dyn Progress) -> Result<Salvaged> {
    let fs = &options.fs;
    let places = Places::of(&**fs, dir)?;
    check_out(&**fs, dir, out)?;
    make_dir(&**fs, out)?;
    progress.begin(places.size_bytes(&**fs));
    let image = metadata::load(&**fs, &places.data_dir).map(|(image, _)| image).ok();
    let mut salvaged = Salvaged::default();
    let mut job = Job::new(fs, &places.data_dir, out, image.as_ref());
    for dir in &places.partitions {
        job.partition(dir, progress, &mut salvaged)?;
    }
    if places.is_whole {
        bring_small_files(&**fs, dir, out, &mut salvaged)?;
    }
    job.write_checkpoints()?;
    Ok(salvaged)
}

/// What is to be saved.
struct Places {
    data_dir: PathBuf,
    partitions: Vec<PathBuf>,
    /// Whether the data directory itself was given.
    is_whole: bool,
}

impl Places {
    fn of(fs: &dyn FileSystem, dir: &Path) -> Result<Places> {
        if PartitionDir::is_one(fs, dir)? {
            let (_, data_dir) = name_of(dir)?;
            return Ok(Places { data_dir, partitions: vec![dir.to_path_buf()], is_whole: false });
        }
        if !is_data_dir(fs, dir)? {
            return Err(neither(dir));
        }
        let partitions = partitions_in(fs, dir)?;
        let partitions = partitions.iter().map(|partition| dir.join(partition.dir_name())).collect();
        Ok(Places { data_dir: dir.to_path_buf(), partitions, is_whole: true })
    }

    fn size_bytes(&self, fs: &dyn FileSystem) -> u64 {
        let size = |dir: &PathBuf| PartitionDir::open(fs, dir).map_or(0, |log| log.size_bytes(fs));
        self.partitions.iter().map(size).sum()
    }
}

/// What is there is never written over, and the damaged directory not even added to.
fn check_out(fs: &dyn FileSystem, dir: &Path, out: &Path) -> Result<()> {
    if absolute(out).at("find", out)?.starts_with(absolute(dir).at("find", dir)?) {
        let reason =
            format!("lies inside {}, which stays as it is: give a directory elsewhere", dir.display());
        return Err(Error::not_wanted(out, reason));
    }
    match fs.metadata(out) {
        Err(e) if e.kind() == std::io::ErrorKind::NotFound => Ok(()),
        Err(e) => Err(e).at("look at", out),
        Ok(there) if !there.is_dir => Err(Error::not_wanted(out, "is a file: give a directory that is new")),
        Ok(_) if fs.read_dir(out).at("list", out)?.is_empty() => Ok(()),
        Ok(_) => Err(Error::not_wanted(out, "is not empty: give a directory that is new")),
    }
}

/// Whose directory it is, and which topics there are, where that can be read.
fn bring_small_files(fs: &dyn FileSystem, dir: &Path, out: &Path, salvaged: &mut Salvaged) -> Result<()> {
    let properties = MetaProperties::read(fs, dir).map(|_| ());
    let topics = bootstrap::read(fs, dir).map(|_| ());
    for (name, is_whole) in [("meta.properties", properties), ("bootstrap.checkpoint", topics)] {
        let path = dir.join(name);
        match is_whole {
            Ok(()) => {
                if let Some(bytes) = read_whole(fs, &path)? {
                    write_atomically(fs, &out.join(name), &bytes)?;
                }
            }
            Err(error) => salvaged.left_behind.push((path, error.to_string())),
        }
    }
    Ok(())
}

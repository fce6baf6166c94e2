use std::cell::RefCell;
use std::num::NonZeroUsize;
use std::path::Path;
use std::sync::Arc;

use ottla::dir::DirLock;
use ottla::fs::FileSystem;
use ottla::{LogConfig, metadata};

use super::context::{Recovery, Settings};
use super::data_dir::{check_data_dir, is_data_dir, size_of};
use super::finding::Report;
use super::partition::check_partition;
use super::pool::Pool;
use crate::error::{Error, Result};
use crate::partition::{PartitionDir, name_of};
use crate::progress::Progress;
use crate::read_only_fs::ReadOnlyFs;
use crate::reindex::interval_of;

/// How a directory is checked.
#[derive(Clone, Debug)]
pub struct Options {
    /// Where the files are: the operating system's, which cannot be changed through this, where nothing else
    /// is given.
    pub fs: Arc<dyn FileSystem>,
    /// How many threads check batches, the calling one among them. It alone asks the file system.
    pub threads: usize,
}

impl Default for Options {
    fn default() -> Options {
        let threads = std::thread::available_parallelism().map_or(1, NonZeroUsize::get);
        Options { fs: Arc::new(ReadOnlyFs), threads }
    }
}

/// Checks everything in a partition directory, or in a data directory, against itself. Nothing is created or
/// changed, not even a lock file; another process may be writing.
///
/// ```no_run
/// use ottla_inspect::{Silent, verify};
/// let report = verify::verify("/var/lib/kafka/data".as_ref(), &verify::Options::default(), &mut Silent)?;
/// for finding in report.findings.iter().filter(|finding| !finding.harmless) {
///     println!("{}: {}", finding.file.display(), finding.what);
/// }
/// # Ok::<(), ottla_inspect::Error>(())
/// ```
///
/// # Errors
/// Where the directory cannot be read, or is neither of both.
pub fn verify(dir: &Path, options: &Options, progress: &mut dyn Progress) -> Result<Report> {
    Pool::with(options.threads, |pool| check(&options.fs, dir, pool, progress))
}

fn check(fs: &Arc<dyn FileSystem>, dir: &Path, pool: &Pool, progress: &mut dyn Progress) -> Result<Report> {
    let mut report = Report::default();
    if PartitionDir::is_one(&**fs, dir)? {
        progress.begin(PartitionDir::open(&**fs, dir)?.size_bytes(&**fs));
        let (recovery, index_interval_bytes, is_in_use) = match name_of(dir) {
            Ok((partition, data_dir)) => {
                let image = metadata::load(&**fs, &data_dir).map(|(image, _)| image).ok();
                let interval_bytes = interval_of(image.as_ref(), &partition);
                let is_in_use = DirLock::is_held(&**fs, &data_dir).unwrap_or(false);
                (Recovery::of(&**fs, &data_dir, &partition), interval_bytes, is_in_use)
            }
            // A copy under another name belongs to no data directory.
            Err(_) => (Recovery::default(), LogConfig::default().index_interval_bytes, false),
        };
        let settings = Settings { recovery, index_interval_bytes, is_live: true, is_in_use, pool };
        let progress = RefCell::new(progress);
        check_partition(fs, dir, settings, &|bytes| progress.borrow_mut().advance(bytes), &mut report)?;
    } else if is_data_dir(&**fs, dir)? {
        progress.begin(size_of(&**fs, dir));
        let progress = RefCell::new(progress);
        check_data_dir(fs, dir, pool, &|bytes| progress.borrow_mut().advance(bytes), &mut report)?;
    } else {
        return Err(neither(dir));
    }
    Ok(report)
}

/// The error for a directory that is no partition's and no data directory.
pub(crate) fn neither(dir: &Path) -> Error {
    Error::not_wanted(
        dir,
        "is no partition directory (no file such as 00000000000000000000.log in it) and no data directory (no directory such as letters-0)",
    )
}

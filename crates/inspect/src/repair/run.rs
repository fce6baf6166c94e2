use std::cell::RefCell;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use ottla::LogConfig;
use ottla::dir::{DirLock, DirName, FileName, TopicPartition};
use ottla::fs::FileSystem;
use ottla::metadata::{self, CLUSTER_METADATA_DIR, MetadataImage, Source};

use super::checkpoints;
use super::hand::{Hand, Own};
use super::options::Options;
use super::overlay::Overlay;
use super::partition::Partition;
use super::step::{Left, Repairs};
use crate::error::{At, Result};
use crate::partition::{PartitionDir, name_of};
use crate::progress::Progress;
use crate::reindex::interval_of;
use crate::verify::{
    Kind, Report, check_small_files, is_data_dir, neither, partitions_in, read_metadata, size_of,
};

/// Tells what [`apply`] would do, and changes nothing. It is done in truth, on files in memory that lie over
/// those of the directory.
///
/// # Errors
/// Where another process has the directory open, it is no directory of a log, or the system refuses.
pub fn plan(dir: &Path, options: &Options, progress: &mut dyn Progress) -> Result<Repairs> {
    let place = Place::of(&*options.fs, dir)?;
    // Without a lock file nobody has the directory open, and making one would be a change.
    let is_used = place.data_dir.as_ref().filter(|dir| options.fs.metadata(&dir.join(".lock")).is_ok());
    let _lock = is_used.map(|dir| DirLock::acquire(&*options.fs, dir)).transpose()?;
    let fs: Arc<dyn FileSystem> = Arc::new(Overlay::new(Arc::clone(&options.fs)));
    mend(Hand { fs, copies: false, own: None, done: Repairs::default() }, &place, options, progress)
}

/// Mends a partition directory, or a data directory with all in it. What is told as left needs other means.
///
/// # Errors
/// As [`plan`]. What was done before stays done, and the next call goes on.
pub fn apply(dir: &Path, options: &Options, progress: &mut dyn Progress) -> Result<Repairs> {
    let place = Place::of(&*options.fs, dir)?;
    let _lock = place.data_dir.as_ref().map(|dir| DirLock::acquire(&*options.fs, dir)).transpose()?;
    let own: Option<Own> = options.own;
    let fs = Arc::clone(&options.fs);
    mend(Hand { fs, copies: true, own, done: Repairs::default() }, &place, options, progress)
}

/// What is to be mended.
struct Place {
    /// The data directory; a partition directory that is not named as one belongs to none.
    data_dir: Option<PathBuf>,
    partitions: Vec<(PathBuf, Option<TopicPartition>)>,
    /// Whether the data directory itself was given.
    is_whole: bool,
    size_bytes: u64,
}

impl Place {
    fn of(fs: &dyn FileSystem, dir: &Path) -> Result<Place> {
        if PartitionDir::is_one(fs, dir)? || holds_leftovers(fs, dir)? {
            let named = name_of(dir).ok();
            let (partition, data_dir) = named.unzip();
            let size_bytes = PartitionDir::open(fs, dir).map_or(0, |log| log.size_bytes(fs));
            let partitions = vec![(dir.to_path_buf(), partition)];
            return Ok(Place { data_dir, partitions, is_whole: false, size_bytes });
        }
        if !is_data_dir(fs, dir)? {
            return Err(neither(dir));
        }
        let found = partitions_in(fs, dir)?.into_iter();
        let partitions = found.map(|partition| (dir.join(partition.dir_name()), Some(partition))).collect();
        let data_dir = Some(dir.to_path_buf());
        Ok(Place { data_dir, partitions, is_whole: true, size_bytes: size_of(fs, dir) })
    }
}

/// Whether a directory is a partition's by what an interrupted swap has left in it.
fn holds_leftovers(fs: &dyn FileSystem, dir: &Path) -> Result<bool> {
    let entries = fs.read_dir(dir).at("list", dir)?;
    Ok(entries.iter().any(|entry| FileName::parse(&entry.name).is_some()))
}

fn mend(mut hand: Hand, place: &Place, options: &Options, progress: &mut dyn Progress) -> Result<Repairs> {
    progress.begin(place.size_bytes);
    let image = place.data_dir.as_ref().and_then(|dir| read_image(&*hand.fs, dir));
    if let Some(data_dir) = place.data_dir.as_ref().filter(|_| place.is_whole) {
        leave_small_files(&mut hand, data_dir)?;
        remove_deleted(&mut hand, data_dir)?;
    }
    let progress = RefCell::new(progress);
    for (dir, partition) in &place.partitions {
        let home = partition.as_ref().zip(place.data_dir.as_deref());
        let image = image.as_ref().filter(|_| !dir.ends_with(CLUSTER_METADATA_DIR));
        let interval = partition.as_ref().map(|partition| interval_of(image, partition));
        let index_interval_bytes = interval.unwrap_or(LogConfig::default().index_interval_bytes);
        let partition = Partition { dir, home, image, index_interval_bytes };
        partition.mend(&mut hand, options, &|bytes| progress.borrow_mut().advance(bytes))?;
    }
    if let Some(data_dir) = place.data_dir.as_ref().filter(|_| place.is_whole) {
        checkpoints::mend(&mut hand, data_dir)?;
    }
    Ok(hand.done)
}

fn read_image(fs: &dyn FileSystem, data_dir: &Path) -> Option<MetadataImage> {
    let (image, source) = metadata::load(fs, data_dir).ok()?;
    (source != Source::None).then_some(image)
}

/// Tells of small files that only their owner can restore.
fn leave_small_files(hand: &mut Hand, data_dir: &Path) -> Result<()> {
    let fs = Arc::clone(&hand.fs);
    let mut report = Report::default();
    check_small_files(&*fs, data_dir, &mut report)?;
    read_metadata(&*fs, data_dir, &mut report)?;
    for finding in report.findings.into_iter().filter(|finding| finding.kind != Kind::CheckpointDamaged) {
        let advice = finding.kind.meaning();
        hand.leave(Left { file: finding.file, position: finding.position, what: finding.what, advice });
    }
    Ok(())
}

/// Directories of deleted partitions go, file by file.
fn remove_deleted(hand: &mut Hand, data_dir: &Path) -> Result<()> {
    let entries = hand.fs.read_dir(data_dir).at("list", data_dir)?;
    let deleted =
        entries.iter().filter(|entry| matches!(DirName::parse(&entry.name), Some(DirName::Deleted(_))));
    for dir in deleted.filter(|entry| entry.is_dir).map(|entry| data_dir.join(&entry.name)) {
        let inside = hand.fs.read_dir(&dir).at("list", &dir)?;
        // Nothing of ours has directories in it.
        if inside.iter().any(|entry| entry.is_dir) {
            continue;
        }
        for entry in inside {
            hand.remove(&dir.join(entry.name), "its partition was deleted")?;
        }
        hand.remove_dir(&dir)?;
    }
    Ok(())
}

use std::ffi::OsString;
use std::io;
use std::path::{Path, PathBuf};

use super::cluster_log::{self, FIRST_SNAPSHOT, Files};
use super::load::CLUSTER_METADATA_DIR;
use super::{bootstrap, checkpoint};
use crate::dir::{read_whole, write_atomically};
use crate::error::{Corruption, Error, Result};
use crate::fs::FileSystem;

/// The first snapshot of the next cluster log, until the old log is out of its way. Kafka takes no notice of
/// a file that it does not know.
const NEXT_FIRST_SNAPSHOT: &str = "cluster-metadata-voters.checkpoint";

/// Moves Kafka's metadata log out of the data directory, so that Kafka starts from `bootstrap.checkpoint`
/// the next time, and returns where it is now; `None` where there was none.
///
/// The new place is beside the data directory: `<data directory>.cluster-metadata`, with a number where that
/// is taken. Inside it Kafka would refuse to start. Where the log says who may vote (a directory formatted
/// with `--standalone`), a `__cluster_metadata-0` with that alone is left, as `format` leaves it.
///
/// Call this at each opening for writing, after [`bootstrap::write`] where there is a log: what a crash
/// left half done is then finished.
///
/// # Errors
/// Where there is a log and no whole `bootstrap.checkpoint` to replace it, and as the system reports it, as
/// when the place beside the data directory cannot be written or is another file system.
pub fn set_aside(fs: &dyn FileSystem, data_dir: &Path) -> Result<Option<PathBuf>> {
    let log_dir = data_dir.join(CLUSTER_METADATA_DIR);
    let next_first_snapshot = data_dir.join(NEXT_FIRST_SNAPSHOT);
    let mut moved = None;
    if Files::list(fs, &log_dir)?.hold_a_log() {
        expect_bootstrap(fs, data_dir)?;
        keep_voters(fs, &log_dir, &next_first_snapshot)?;
        moved = Some(move_out(fs, data_dir, &log_dir)?);
    }
    if let Some(bytes) = read_whole(fs, &next_first_snapshot)? {
        begin_log(fs, data_dir, &log_dir, &bytes)?;
        fs.remove_file(&next_first_snapshot).map_err(|e| Error::io("remove", &next_first_snapshot, e))?;
        sync_dir(fs, data_dir)?;
    }
    Ok(moved)
}

fn expect_bootstrap(fs: &dyn FileSystem, data_dir: &Path) -> Result<()> {
    if bootstrap::read(fs, data_dir)?.is_some_and(|image| !image.features.is_empty()) {
        return Ok(());
    }
    Err(Error::from(Corruption {
        path: data_dir.join(bootstrap::BOOTSTRAP_FILE),
        position: None,
        what: "the metadata log cannot be set aside",
        expected: "the image of the log".to_owned(),
        found: "no image".to_owned(),
        advice: "write the image of the log first",
    }))
}

fn keep_voters(fs: &dyn FileSystem, log_dir: &Path, next_first_snapshot: &Path) -> Result<()> {
    let quorum = cluster_log::read(fs, log_dir)?.quorum;
    if quorum.records().is_empty() {
        return Ok(());
    }
    let bytes = checkpoint::encode(&quorum, [], 0, next_first_snapshot)?;
    write_atomically(fs, next_first_snapshot, &bytes)
}

fn begin_log(fs: &dyn FileSystem, data_dir: &Path, log_dir: &Path, first_snapshot: &[u8]) -> Result<()> {
    fs.create_dir_all(log_dir).map_err(|e| Error::io("create", log_dir, e))?;
    write_atomically(fs, &log_dir.join(FIRST_SNAPSHOT), first_snapshot)?;
    sync_dir(fs, data_dir)
}

fn move_out(fs: &dyn FileSystem, data_dir: &Path, log_dir: &Path) -> Result<PathBuf> {
    let absolute = std::path::absolute(data_dir).map_err(|e| Error::io("find", data_dir, e))?;
    let to = free_place(fs, &absolute)?;
    fs.rename(log_dir, &to).map_err(|e| Error::io("move out of the data directory", log_dir, e))?;
    if let Some(parent) = to.parent() {
        sync_dir(fs, parent)?;
    }
    sync_dir(fs, data_dir)?;
    Ok(to)
}

fn free_place(fs: &dyn FileSystem, data_dir: &Path) -> Result<PathBuf> {
    let Some(name) = data_dir.file_name() else {
        let source = io::Error::new(io::ErrorKind::InvalidInput, "it has no place beside it");
        return Err(Error::io("move the metadata log out of", data_dir, source));
    };
    let mut number = 0u64;
    loop {
        let mut beside = OsString::from(name);
        beside.push(".cluster-metadata");
        if number > 0 {
            beside.push(format!("-{number}"));
        }
        let path = data_dir.with_file_name(beside);
        if !exists(fs, &path)? {
            return Ok(path);
        }
        number += 1;
    }
}

fn exists(fs: &dyn FileSystem, path: &Path) -> Result<bool> {
    match fs.metadata(path) {
        Ok(_) => Ok(true),
        Err(e) if e.kind() == io::ErrorKind::NotFound => Ok(false),
        Err(e) => Err(Error::io("look at", path, e)),
    }
}

fn sync_dir(fs: &dyn FileSystem, dir: &Path) -> Result<()> {
    fs.sync_dir(dir).map_err(|e| Error::io("sync", dir, e))
}

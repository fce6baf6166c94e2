//! How the power goes: what the system happened to write out before, and when.

use std::fs::{self, File};
use std::io::Write;
use std::path::{Path, PathBuf};

use crate::cut;
use crate::rng::Rng;

/// The size of a page of the page cache.
const PAGE: u64 = 4096;

/// One loss of power.
#[derive(Clone, Debug)]
pub struct Outage {
    /// Where the file system is mounted.
    pub mount: PathBuf,
    /// Whether the system has written some pages of some files out by itself, in any order, and in half of the cases the
    /// journal too.
    pub out_of_order: bool,
    /// What is random about it.
    pub seed: u64,
}

impl Outage {
    /// The power goes.
    ///
    /// # Errors
    /// Where it cannot be cut; what was written out before may fail.
    pub fn cut(&self) -> Result<(), String> {
        if self.out_of_order {
            self.write_back();
        }
        cut::power(&self.mount).map_err(|e| e.to_string())
    }

    fn write_back(&self) {
        let mut rng = Rng::new(self.seed);
        let mut files = Vec::new();
        list(&self.mount, &mut files);
        files.sort();
        for _ in 0..1 + rng.below(6) {
            let Some(file) = rng.pick(&files).and_then(|path| File::options().write(true).open(path).ok())
            else {
                continue;
            };
            let pages = file.metadata().map_or(0, |metadata| metadata.len().div_ceil(PAGE));
            let first = rng.below(pages);
            let count = 1 + rng.below(pages - first.min(pages));
            // Whatever fails is as if the system had not done it.
            let _ = cut::write_out(&file, first * PAGE, count * PAGE);
        }
        if rng.one_in(2) {
            // A sync of anything takes the journal along, with the lengths of other files and with names.
            let journal = File::create(self.mount.join("another"));
            let _ = journal.and_then(|mut other| other.write_all(b"x").and_then(|()| other.sync_all()));
        }
    }
}

/// The files of the data directories below, but for those that are empty.
fn list(dir: &Path, files: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(dir).into_iter().flatten().flatten() {
        match entry.metadata() {
            Ok(metadata) if metadata.is_dir() => list(&entry.path(), files),
            Ok(metadata) if metadata.len() > 0 => files.push(entry.path()),
            _ => {}
        }
    }
}

//! Where the logs live while they are measured: fresh directories, memory that is there, a disk that is at rest.

use std::fs::File;
use std::io::Write;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, ensure};
use nix::sys::statfs::{TMPFS_MAGIC, statfs};
use nix::sys::statvfs::statvfs;

const SMALLEST_BYTES: u64 = 64 << 20;

/// A directory of the run's own, removed at its end.
pub struct Scratch {
    root: PathBuf,
}

impl Scratch {
    pub fn new(dir: &Path) -> Result<Scratch> {
        let root = dir.join(format!("ottla-peers-{}", std::process::id()));
        std::fs::create_dir_all(&root).with_context(|| root.display().to_string())?;
        Ok(Scratch { root })
    }

    /// An empty directory; what was in it goes.
    pub fn fresh(&self, name: &str) -> Result<PathBuf> {
        let dir = self.root.join(name);
        self.remove(name)?;
        std::fs::create_dir_all(&dir)?;
        Ok(dir)
    }

    pub fn remove(&self, name: &str) -> Result<()> {
        let dir = self.root.join(name);
        if dir.exists() {
            std::fs::remove_dir_all(&dir).with_context(|| dir.display().to_string())?;
        }
        Ok(())
    }

    /// Fills a file of this size and removes it: the pages it had are free then, and a virtual machine's host has backed them.
    /// Otherwise whoever writes first pays for memory that the guest had given back. Then the disk finishes what is left.
    pub fn make_ready(&self, bytes: u64) -> Result<()> {
        let path = self.root.join("memory");
        let mut file = File::create(&path)?;
        let zeros = vec![0; 1 << 20];
        for _ in 0..bytes.div_ceil(1 << 20) {
            file.write_all(&zeros)?;
        }
        drop(file);
        std::fs::remove_file(&path)?;
        self.settle()
    }

    /// Waits until the disk has what was written to this file system.
    pub fn settle(&self) -> Result<()> {
        nix::unistd::syncfs(File::open(&self.root)?).context("syncfs")
    }

    /// As much of `wanted` as a third of the free disk holds.
    pub fn fitting(&self, wanted: u64) -> Result<u64> {
        let disk = statvfs(&self.root)?;
        let third = disk.blocks_available() * disk.fragment_size() / 3;
        ensure!(
            third >= wanted.min(SMALLEST_BYTES),
            "{} has too little room: free {} MiB, or name another --dir",
            self.root.display(),
            (3 * SMALLEST_BYTES) >> 20
        );
        Ok(wanted.min(third))
    }

    pub fn is_in_memory(&self) -> Result<bool> {
        Ok(statfs(&self.root)?.filesystem_type() == TMPFS_MAGIC)
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        if let Err(error) = std::fs::remove_dir_all(&self.root) {
            eprintln!("{} is left behind: {error}", self.root.display());
        }
    }
}

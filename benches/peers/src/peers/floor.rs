//! The floor: what is written is written once and its checksum taken once; what is read is read once.

use std::fs::File;
use std::hint::black_box;
use std::ops::ControlFlow;
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};

use anyhow::Result;

use super::{FLOOR, Log, Peer, Seen, Synced};
use crate::entry;

pub static PEER: Peer = Peer {
    name: FLOOR,
    open,
    open_synced: Some(open_synced),
    reads_many: true,
    note: "Bare system calls: pwrite and CRC-32C of each batch into files of 1 GiB, pread into one buffer; opening opens the \
           file, and after a kill reads and checks all of it. Synced: pwrite and fdatasync by each thread, into one file.",
};

/// ottla's default `segment.bytes`.
const FILE_BYTES: u64 = 1 << 30;
/// Stands beside the files after a clean close.
const CLOSED: &str = "closed";

struct Files {
    dir: PathBuf,
    files: Vec<(File, u64)>,
}

fn open(dir: &Path) -> Result<Box<dyn Log>> {
    let mut opened = Files { dir: dir.to_owned(), files: Vec::new() };
    while opened.path().exists() {
        let file = File::options().read(true).write(true).open(opened.path())?;
        let len = file.metadata()?.len();
        opened.files.push((file, len));
    }
    if !dir.join(CLOSED).exists() {
        opened.read(1 << 20, &mut |piece| {
            black_box(crc_fast::crc32_iscsi(piece));
            ControlFlow::Continue(())
        })?;
    }
    Ok(Box::new(opened))
}

impl Files {
    /// Of the next file.
    fn path(&self) -> PathBuf {
        self.dir.join(self.files.len().to_string())
    }
}

impl Log for Files {
    fn append(&mut self, entry: &[u8]) -> Result<()> {
        black_box(entry::crc(entry));
        let size = entry.len() as u64;
        if self.files.last().is_none_or(|(_, len)| len + size > FILE_BYTES) {
            let file = File::options().read(true).write(true).create_new(true).open(self.path())?;
            self.files.push((file, 0));
        }
        if let Some((file, len)) = self.files.last_mut() {
            file.write_all_at(entry, *len)?;
            *len += size;
        }
        Ok(())
    }

    fn read(&mut self, piece_bytes: usize, seen: &mut Seen<'_>) -> Result<()> {
        let mut buffer = vec![0; piece_bytes];
        for (file, len) in &self.files {
            let mut position = 0;
            while position < *len {
                let size = piece_bytes.min((len - position) as usize);
                file.read_exact_at(&mut buffer[..size], position)?;
                if seen(&buffer[..size]).is_break() {
                    return Ok(());
                }
                position += size as u64;
            }
        }
        Ok(())
    }

    fn close(self: Box<Self>) -> Result<()> {
        File::create(self.dir.join(CLOSED))?;
        Ok(())
    }
}

struct OneFile {
    file: File,
    end: AtomicU64,
}

fn open_synced(dir: &Path) -> Result<Box<dyn Synced>> {
    Ok(Box::new(OneFile { file: File::create_new(dir.join("0"))?, end: AtomicU64::new(0) }))
}

impl Synced for OneFile {
    fn append(&self, _thread: usize, entry: &[u8]) -> Result<()> {
        black_box(entry::crc(entry));
        let at = self.end.fetch_add(entry.len() as u64, Ordering::Relaxed);
        self.file.write_all_at(entry, at)?;
        Ok(self.file.sync_data()?)
    }
}

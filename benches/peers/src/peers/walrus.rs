//! walrus-rust: topics in blocks of 10 MB, read once by a cursor.

use std::path::Path;

use anyhow::Result;
use walrus_rust::{FsyncSchedule, ReadConsistency, Walrus};

use super::{Log, Peer, Seen, Synced};
use crate::entry::ENTRY_BYTES;

pub static PEER: Peer = Peer {
    name: "walrus-rust",
    open,
    open_synced: Some(open_synced),
    reads_many: true,
    note: "Takes FNV-1a of every byte of an entry, one byte after the other, on append, on read and when it opens. Reads move a cursor, whose place is not \
           written down here; one entry by read_next, many by batch_read_for_topic through io_uring. Told where its data goes by \
           a variable. Unsynced: NoFsync; synced: SyncEach, which opens its files with O_SYNC.",
};

const TOPIC: &str = "peers";
/// What it puts before each entry.
const HEADER_BYTES: usize = 64;

fn open_walrus(schedule: FsyncSchedule) -> Result<Walrus> {
    let read_anew = ReadConsistency::AtLeastOnce { persist_every: u32::MAX };
    Ok(Walrus::with_consistency_and_schedule(read_anew, schedule)?)
}

/// The directory is in its environment: see `child.rs`.
fn open(_dir: &Path) -> Result<Box<dyn Log>> {
    Ok(Box::new(open_walrus(FsyncSchedule::NoFsync)?))
}

impl Log for Walrus {
    fn append(&mut self, entry: &[u8]) -> Result<()> {
        Ok(self.append_for_topic(TOPIC, entry)?)
    }

    fn read(&mut self, piece_bytes: usize, seen: &mut Seen<'_>) -> Result<()> {
        if piece_bytes <= ENTRY_BYTES {
            while let Some(entry) = self.read_next(TOPIC, true)? {
                if seen(&entry.data).is_break() {
                    break;
                }
            }
            return Ok(());
        }
        // Room for the headers too: an entry that the plan cuts is left for the next call.
        let planned = piece_bytes + piece_bytes / ENTRY_BYTES * HEADER_BYTES;
        loop {
            let entries = self.batch_read_for_topic(TOPIC, planned, true)?;
            if entries.is_empty() || entries.iter().any(|entry| seen(&entry.data).is_break()) {
                return Ok(());
            }
        }
    }

    fn close(self: Box<Self>) -> Result<()> {
        Ok(())
    }
}

fn open_synced(_dir: &Path) -> Result<Box<dyn Synced>> {
    Ok(Box::new(open_walrus(FsyncSchedule::SyncEach)?))
}

impl Synced for Walrus {
    fn append(&self, _thread: usize, entry: &[u8]) -> Result<()> {
        Ok(self.append_for_topic(TOPIC, entry)?)
    }
}

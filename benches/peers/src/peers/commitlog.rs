//! commitlog: segments and a dense, mapped index.

use std::path::Path;

use anyhow::Result;
use commitlog::message::{MessageBuf, MessageSet};
use commitlog::{CommitLog, LogOptions, ReadLimit};

use super::{Log, Peer, Seen};

pub static PEER: Peer = Peer {
    name: "commitlog",
    open,
    open_synced: None,
    reads_many: true,
    note: "Copies each entry into a message with a CRC-32C and writes it in one call; reads allocate a buffer and check every CRC. \
           Its index holds every entry and is mapped. It never syncs its segments and checks nothing when it opens.",
};

/// What it puts before each message, and a byte more: the last message must be smaller than what is asked for.
const ROOM_BYTES: usize = 21;

struct Commit(CommitLog);

fn open(dir: &Path) -> Result<Box<dyn Log>> {
    Ok(Box::new(Commit(CommitLog::new(LogOptions::new(dir))?)))
}

impl Log for Commit {
    fn append(&mut self, entry: &[u8]) -> Result<()> {
        self.0.append_msg(entry)?;
        Ok(())
    }

    fn read(&mut self, piece_bytes: usize, seen: &mut Seen<'_>) -> Result<()> {
        let mut from = 0;
        loop {
            let found: MessageBuf = self.0.read(from, ReadLimit::max_bytes(piece_bytes + ROOM_BYTES))?;
            if found.is_empty() {
                return Ok(());
            }
            for message in found.iter() {
                from = message.offset() + 1;
                if seen(message.payload()).is_break() {
                    return Ok(());
                }
            }
        }
    }

    fn close(mut self: Box<Self>) -> Result<()> {
        Ok(self.0.flush()?)
    }
}

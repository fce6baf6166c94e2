//! raft-engine: the log of TiKV's Raft groups, entries as protobuf messages.

use std::ops::Range;
use std::path::Path;

use anyhow::{Context, Result};
use ottla_record::Head;
use protobuf::well_known_types::BytesValue;
use raft_engine::{Config, Engine, LogBatch, MessageExt, ReadableSize};

use super::{Log, Peer, Seen, Synced};
use crate::entry::ENTRY_BYTES;

pub static PEER: Peer = Peer {
    name: "raft-engine",
    open,
    open_synced: Some(open_synced),
    reads_many: true,
    note: "Each entry is a protobuf message, copied into a batch with a CRC-32 and written in one call; reads check it and copy \
           entry by entry, also where one call asks for many. Its index is in memory and built from the files when it opens. \
           LZ4 is turned off, since the others do not compress. Synced: writes that wait share one fdatasync, of a file whose \
           space is allocated 2 MiB ahead.",
};

/// The one group of the works that move many bytes.
const GROUP: u64 = 1;

struct Batches;

impl MessageExt for Batches {
    type Entry = BytesValue;

    /// Indexes that follow each other: the base offsets do so too, 63 or 1 apart.
    fn index(message: &BytesValue) -> u64 {
        index(&message.value)
    }
}

fn index(value: &[u8]) -> u64 {
    let records = if value.len() == ENTRY_BYTES { 63 } else { 1 };
    Head::parse(value).map_or(0, |head| head.base_offset().get() as u64 / records + 1)
}

struct Raft {
    engine: Engine,
    batch: LogBatch,
    message: [BytesValue; 1],
}

fn open_engine(dir: &Path) -> Result<Engine> {
    let config = Config {
        dir: dir.to_str().context("a directory whose name is not UTF-8")?.to_owned(),
        batch_compression_threshold: ReadableSize(0),
        ..Config::default()
    };
    Ok(Engine::open(config)?)
}

fn open(dir: &Path) -> Result<Box<dyn Log>> {
    let message = [BytesValue::new()];
    Ok(Box::new(Raft { engine: open_engine(dir)?, batch: LogBatch::default(), message }))
}

impl Raft {
    fn indexes(&self) -> Option<Range<u64>> {
        Some(self.engine.first_index(GROUP)?..self.engine.last_index(GROUP)? + 1)
    }
}

impl Log for Raft {
    fn append(&mut self, entry: &[u8]) -> Result<()> {
        let [message] = &mut self.message;
        message.value.clear();
        message.value.extend_from_slice(entry);
        self.batch.add_entries::<Batches>(GROUP, &self.message)?;
        self.engine.write(&mut self.batch, false)?;
        Ok(())
    }

    fn read(&mut self, piece_bytes: usize, seen: &mut Seen<'_>) -> Result<()> {
        let Some(indexes) = self.indexes() else { return Ok(()) };
        let many = (piece_bytes / ENTRY_BYTES).max(1);
        let mut found = Vec::new();
        for from in indexes.clone().step_by(many) {
            found.clear();
            let to = indexes.end.min(from + many as u64);
            self.engine.fetch_entries_to::<Batches>(GROUP, from, to, None, &mut found)?;
            for message in &found {
                if seen(&message.value).is_break() {
                    return Ok(());
                }
            }
        }
        Ok(())
    }

    fn close(self: Box<Self>) -> Result<()> {
        Ok(self.engine.sync()?)
    }
}

fn open_synced(dir: &Path) -> Result<Box<dyn Synced>> {
    Ok(Box::new(open_engine(dir)?))
}

impl Synced for Engine {
    /// A group for each thread: within one, entries must follow each other.
    fn append(&self, thread: usize, entry: &[u8]) -> Result<()> {
        let message = BytesValue { value: entry.to_vec(), ..BytesValue::new() };
        let mut batch = LogBatch::default();
        batch.add_entries::<Batches>(GROUP + thread as u64, &[message])?;
        self.write(&mut batch, true)?;
        Ok(())
    }
}

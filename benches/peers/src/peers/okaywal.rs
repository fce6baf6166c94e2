//! okaywal: a write-ahead log that is always synced.

use std::io::{self, Read};
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};

use anyhow::{Context, Result, ensure};
use okaywal::{
    Configuration, Entry, EntryId, LogManager, LogPosition, ReadChunkResult, SegmentReader, WriteAheadLog,
};

use super::{Log, Peer, Seen, Synced};
use crate::entry::ENTRY_BYTES;

pub static PEER: Peer = Peer {
    name: "okaywal",
    open,
    open_synced: Some(open_synced),
    reads_many: false,
    note: "Every commit waits for fdatasync, so its plain appends are synced too; commits that wait share one. Its file has its \
           length beforehand. It is a log to recover from: opening reads and checks everything, finding an entry later is the \
           caller's business (positions are kept in memory here), and each read opens the file. Checkpoints, which would empty \
           the log, are put off.",
};

/// Its own 1 MiB, made larger so that the file does not grow with every entry.
const PREALLOCATED_BYTES: u32 = 64 << 20;

struct Okay {
    wal: WriteAheadLog,
    positions: Vec<LogPosition>,
}

/// Where the entries are that were there when the log was opened.
#[derive(Clone, Debug, Default)]
struct Positions(Arc<Mutex<Vec<LogPosition>>>);

impl LogManager for Positions {
    fn recover(&mut self, entry: &mut Entry<'_>) -> io::Result<()> {
        let mut whole = Vec::new();
        loop {
            match entry.read_chunk()? {
                ReadChunkResult::Chunk(mut chunk) => {
                    let position = chunk.log_position();
                    chunk.read_all()?;
                    whole.extend(chunk.check_crc()?.then_some(position));
                }
                ReadChunkResult::EndOfEntry => break,
                ReadChunkResult::AbortedEntry => return Ok(()),
            }
        }
        self.0.lock().unwrap_or_else(PoisonError::into_inner).append(&mut whole);
        Ok(())
    }

    fn checkpoint_to(&mut self, _: EntryId, _: &mut SegmentReader, _: &WriteAheadLog) -> io::Result<()> {
        Ok(())
    }
}

fn open_wal(dir: &Path, positions: Positions) -> Result<WriteAheadLog> {
    let configuration = Configuration::default_for(dir)
        .preallocate_bytes(PREALLOCATED_BYTES)
        .checkpoint_after_bytes(u64::MAX);
    Ok(configuration.open(positions)?)
}

fn open(dir: &Path) -> Result<Box<dyn Log>> {
    let found = Positions::default();
    let wal = open_wal(dir, found.clone())?;
    let positions = std::mem::take(&mut *found.0.lock().unwrap_or_else(PoisonError::into_inner));
    Ok(Box::new(Okay { wal, positions }))
}

impl Log for Okay {
    fn append(&mut self, entry: &[u8]) -> Result<()> {
        let mut writer = self.wal.begin_entry()?;
        let record = writer.write_chunk(entry)?;
        writer.commit()?;
        self.positions.push(record.position);
        Ok(())
    }

    fn read(&mut self, piece_bytes: usize, seen: &mut Seen<'_>) -> Result<()> {
        let mut buffer = vec![0; piece_bytes.min(ENTRY_BYTES)];
        for position in &self.positions {
            let mut chunk = self.wal.read_at(*position)?;
            let size = chunk.chunk_length() as usize;
            let found = buffer.get_mut(..size).context("an entry larger than those appended")?;
            chunk.read_exact(found)?;
            ensure!(chunk.crc_is_valid()?, "the checksum of an entry does not hold");
            if seen(found).is_break() {
                return Ok(());
            }
        }
        Ok(())
    }

    fn close(self: Box<Self>) -> Result<()> {
        Ok(self.wal.shutdown()?)
    }
}

fn open_synced(dir: &Path) -> Result<Box<dyn Synced>> {
    Ok(Box::new(open_wal(dir, Positions::default())?))
}

impl Synced for WriteAheadLog {
    fn append(&self, _thread: usize, entry: &[u8]) -> Result<()> {
        let mut writer = self.begin_entry()?;
        writer.write_chunk(entry)?;
        writer.commit()?;
        Ok(())
    }
}

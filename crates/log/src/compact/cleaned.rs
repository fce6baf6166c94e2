//! The `.cleaned` files of one segment while they are written: the log, and the indexes that appending the
//! same batches would have made.

use std::io;
use std::sync::Arc;

use ottla_record::Head;

use crate::dir::{FileKind, FileName, Suffix};
use crate::error::{Error, Result};
use crate::fs::{File, OpenMode};
use crate::offset::{Offset, Position, TimestampOffset};
use crate::producer::{AbortedTxn, TxnIndex};
use crate::segment::{Entry, Home, IndexBuilder};

/// Kafka's positions are 32 bits with a sign.
const MOST_BYTES: u64 = i32::MAX as u64;
const INDEX_BUFFER_BYTES: usize = 64 * 1024;

/// The files of a segment that is being written.
#[derive(Debug)]
pub(super) struct CleanedSegment {
    base_offset: Offset,
    log: Output,
    index: Output,
    time_index: Output,
    txn_index: TxnIndex,
    builder: IndexBuilder,
}

/// A segment that is written, synced, and not part of the log yet.
#[derive(Clone, Copy, Debug)]
pub(super) struct Finished {
    pub base_offset: Offset,
    pub size_bytes: u64,
    pub max_timestamp: TimestampOffset,
    pub has_txn_index: bool,
}

impl Finished {
    /// The files that there are of it.
    pub(super) fn kinds(&self) -> impl Iterator<Item = FileKind> + use<> {
        let txn_index = self.has_txn_index.then_some(FileKind::TxnIndex);
        [FileKind::Log, FileKind::Index, FileKind::TimeIndex].into_iter().chain(txn_index)
    }
}

impl CleanedSegment {
    pub(super) fn create(
        home: &Arc<Home>,
        base_offset: Offset,
        interval_bytes: u32,
        buffer_bytes: usize,
    ) -> Result<CleanedSegment> {
        let name = |kind| FileName::new(base_offset, kind).with_suffix(Suffix::Cleaned);
        let output = |kind, buffer_bytes| Output::create(home, name(kind), buffer_bytes);
        Ok(CleanedSegment {
            base_offset,
            log: output(FileKind::Log, buffer_bytes)?,
            index: output(FileKind::Index, INDEX_BUFFER_BYTES)?,
            time_index: output(FileKind::TimeIndex, INDEX_BUFFER_BYTES)?,
            txn_index: TxnIndex::open(
                home.fs.clone(),
                name(FileKind::TxnIndex).in_dir(&home.dir),
                base_offset,
            )?,
            builder: IndexBuilder::new(base_offset, interval_bytes),
        })
    }

    /// Where the next batch is put together; [`CleanedSegment::take`] follows.
    pub(super) fn buffer(&mut self) -> &mut Vec<u8> {
        &mut self.log.buffer
    }

    /// Takes the batch that stands at the end of the buffer.
    pub(super) fn take(&mut self, head: &Head) -> Result<()> {
        let size_bytes = head.size_bytes();
        let end = self.log.end();
        let position = end.saturating_sub(size_bytes as u64);
        let Some(position) = u32::try_from(position).ok().filter(|_| end <= MOST_BYTES).map(Position::new)
        else {
            let reason = "compaction has made the segment larger than 2 GiB";
            return Err(self.log.fail(io::Error::new(io::ErrorKind::FileTooLarge, reason)));
        };
        let (offset_entry, time_entry) =
            self.builder.observe(head.last_offset(), head.max_timestamp_ms(), position, size_bytes);
        if let Some(entry) = offset_entry {
            self.index.push(entry)?;
        }
        if let Some(entry) = time_entry {
            self.time_index.push(entry)?;
        }
        self.log.write_if_full()
    }

    /// Notes an aborted transaction whose marker stands in this segment.
    pub(super) fn note_aborted(&mut self, txn: &AbortedTxn) -> Result<()> {
        self.txn_index.append(txn)
    }

    /// Writes what is left in memory and makes all of it durable but the names.
    pub(super) fn finish(mut self) -> Result<Finished> {
        if let Some(entry) = self.builder.close() {
            self.time_index.push(entry)?;
        }
        for output in [&mut self.log, &mut self.index, &mut self.time_index] {
            output.write()?;
            output.file.sync().map_err(|e| Error::io("sync cleaned", &output.path, e))?;
        }
        self.txn_index.sync()?;
        Ok(Finished {
            base_offset: self.base_offset,
            size_bytes: self.log.position,
            max_timestamp: self.builder.max_timestamp(),
            has_txn_index: !self.txn_index.is_empty(),
        })
    }
}

/// A file that is written from its start to its end, in large pieces.
#[derive(Debug)]
struct Output {
    path: std::path::PathBuf,
    file: Arc<dyn File>,
    buffer: Vec<u8>,
    buffer_bytes: usize,
    position: u64,
}

impl Output {
    fn create(home: &Home, name: FileName, buffer_bytes: usize) -> Result<Output> {
        let path = name.in_dir(&home.dir);
        let file = home.fs.open(&path, OpenMode::CreateNew).map_err(|e| Error::io("create", &path, e))?;
        Ok(Output { path, file, buffer: Vec::new(), buffer_bytes, position: 0 })
    }

    /// Where the file ends once all is written.
    fn end(&self) -> u64 {
        self.position + self.buffer.len() as u64
    }

    fn push(&mut self, entry: impl Entry) -> Result<()> {
        entry.encode(&mut self.buffer);
        self.write_if_full()
    }

    fn write_if_full(&mut self) -> Result<()> {
        if self.buffer.len() >= self.buffer_bytes { self.write() } else { Ok(()) }
    }

    fn write(&mut self) -> Result<()> {
        self.file.write_all_at(&self.buffer, self.position).map_err(|e| self.fail(e))?;
        self.position = self.end();
        self.buffer.clear();
        // What one huge batch has made grow goes back.
        self.buffer.shrink_to(self.buffer_bytes.saturating_mul(2));
        Ok(())
    }

    fn fail(&self, e: io::Error) -> Error {
        Error::io("write cleaned", &self.path, e)
    }
}

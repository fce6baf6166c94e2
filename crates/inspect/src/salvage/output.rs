//! The new log: segments as the batches come, and then everything that is derived from them.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use ottla::dir::{FileKind, FileName, write_atomically};
use ottla::fs::{File, FileSystem, OpenMode};
use ottla::producer::ProducerEntry;
use ottla::segment::BuiltIndexes;
use ottla::{Offset, dir::make_dir};
use ottla_record::Head;

use super::merge::Merged;
use super::source::Source;
use crate::error::{At, Result};
use crate::partition::PartitionDir;
use crate::repair::{Replay, first_offset, make_txn_index};

const BUFFER_BYTES: usize = 1 << 20;

/// A log that is being written.
pub(super) struct Output<'a> {
    pub(super) fs: &'a Arc<dyn FileSystem>,
    pub(super) dir: PathBuf,
    segment: Option<OpenSegment>,
    pub(super) segments: u64,
    pub(super) batches: u64,
    pub(super) bytes: u64,
    /// The offset after the last batch; `None` before the first.
    pub(super) end_offset: Option<Offset>,
}

struct OpenSegment {
    base_offset: Offset,
    /// The number of the file that its batches come from.
    source: usize,
    path: PathBuf,
    file: Arc<dyn File>,
    /// Bytes that are in the file.
    written: u64,
    buffer: Vec<u8>,
}

impl<'a> Output<'a> {
    /// An empty directory for a log.
    ///
    /// # Errors
    /// As the system reports it.
    pub(super) fn create(fs: &'a Arc<dyn FileSystem>, dir: PathBuf) -> Result<Output<'a>> {
        make_dir(&**fs, &dir)?;
        Ok(Output { fs, dir, segment: None, segments: 0, batches: 0, bytes: 0, end_offset: None })
    }

    /// Adds a batch. The segments are those that the batches come from, as far as that can be.
    ///
    /// # Errors
    /// As the system reports it.
    pub(super) fn push(&mut self, batch: &Merged<'_>, source: Option<&Source>) -> Result<()> {
        let fits = self.segment.as_ref().is_some_and(|segment| segment.takes(batch));
        if !fits {
            self.close()?;
            let base_offset = self.base_offset_for(&batch.head, source);
            self.segment = Some(OpenSegment::create(&**self.fs, &self.dir, base_offset, batch.source)?);
            self.segments += 1;
        }
        if let Some(segment) = &mut self.segment {
            segment.push(batch.bytes)?;
        }
        self.batches += 1;
        self.bytes += batch.bytes.len() as u64;
        self.end_offset = Some(batch.head.last_offset() + 1);
        Ok(())
    }

    /// The name of the file that the batch comes from, where it can stand under it.
    fn base_offset_for(&self, head: &Head, source: Option<&Source>) -> Offset {
        let first = first_offset(head);
        let least = self.end_offset.unwrap_or_default();
        let near = |base: &Offset| head.last_offset() - *base <= i64::from(i32::MAX);
        let named = source.map(|source| source.base_offset);
        named.filter(|base| (least..=first).contains(base) && near(base)).unwrap_or(first)
    }

    /// Ends the last segment.
    ///
    /// # Errors
    /// As the system reports it.
    pub(super) fn close(&mut self) -> Result<()> {
        let Some(mut segment) = self.segment.take() else { return Ok(()) };
        segment.write_out()?;
        segment.file.sync().at("sync", &segment.path)
    }

    /// An empty segment, for a log of which no batch was saved.
    ///
    /// # Errors
    /// As the system reports it.
    pub(super) fn begin_empty(&mut self, base_offset: Offset) -> Result<()> {
        self.segment = Some(OpenSegment::create(&**self.fs, &self.dir, base_offset, 0)?);
        self.segments += 1;
        self.end_offset = Some(base_offset);
        self.close()
    }

    /// Writes indexes, snapshots of the producers and leader epochs. `known` are the producers before the
    /// first segment.
    ///
    /// # Errors
    /// As the system reports it.
    pub(super) fn derive(&self, known: Vec<ProducerEntry>, interval_bytes: u32) -> Result<()> {
        let fs = &**self.fs;
        let log = PartitionDir::open(fs, &self.dir)?;
        for segment in &log.segments {
            let path = &segment.path;
            let file = fs.open(path, OpenMode::Read).at("open", path)?;
            let end = file.len().at("look at", path)?;
            let (built, _) =
                BuiltIndexes::from_log(&*file, segment.base_offset, end, interval_bytes).at("read", path)?;
            write_atomically(fs, &segment.sibling(FileKind::Index), &built.offset_index)?;
            write_atomically(fs, &segment.sibling(FileKind::TimeIndex), &built.time_index)?;
        }
        let skipped = usize::from(known.is_empty());
        let mut wanted: BTreeSet<Offset> =
            log.segments.iter().skip(skipped).map(|segment| segment.base_offset).collect();
        wanted.extend(self.end_offset.filter(|end| *end > Offset::ZERO));
        let replay = Replay::of(fs, &log, known, &wanted)?;
        for (offset, bytes) in &replay.snapshots {
            write_atomically(fs, &FileName::new(*offset, FileKind::Snapshot).in_dir(&self.dir), bytes)?;
        }
        for (base_offset, aborted) in replay.aborted.iter().filter(|(_, aborted)| !aborted.is_empty()) {
            let path = FileName::new(*base_offset, FileKind::TxnIndex).in_dir(&self.dir);
            make_txn_index(self.fs, &path, *base_offset, aborted)?;
        }
        replay.epochs.write(fs, &self.dir)?;
        fs.sync_dir(&self.dir).at("sync", &self.dir)
    }
}

impl OpenSegment {
    fn create(fs: &dyn FileSystem, dir: &Path, base_offset: Offset, source: usize) -> Result<OpenSegment> {
        let path = FileName::new(base_offset, FileKind::Log).in_dir(dir);
        let file = fs.open(&path, OpenMode::CreateNew).at("create", &path)?;
        let buffer = Vec::with_capacity(BUFFER_BYTES);
        Ok(OpenSegment { base_offset, source, path, file, written: 0, buffer })
    }

    /// Whether a batch from the same file has a place here: positions and relative offsets are 31 bits wide.
    fn takes(&self, batch: &Merged<'_>) -> bool {
        let size = self.written + (self.buffer.len() + batch.bytes.len()) as u64;
        batch.source == self.source
            && size <= u64::from(i32::MAX.unsigned_abs())
            && batch.head.last_offset() - self.base_offset <= i64::from(i32::MAX)
    }

    fn push(&mut self, bytes: &[u8]) -> Result<()> {
        if self.buffer.len() + bytes.len() > BUFFER_BYTES {
            self.write_out()?;
        }
        self.buffer.extend_from_slice(bytes);
        Ok(())
    }

    fn write_out(&mut self) -> Result<()> {
        self.file.write_all_at(&self.buffer, self.written).at("write", &self.path)?;
        self.written += self.buffer.len() as u64;
        self.buffer.clear();
        Ok(())
    }
}

use std::io::{self, IoSlice};
use std::sync::Arc;

use super::handles::Home;
use super::index::{Entry, GrowingIndex, IndexView};
use super::index_build::IndexBuilder;
use super::log_file::{HeadWalk, Walked};
use super::offset_index::OffsetIndexEntry;
use super::roll::ActiveState;
use super::segment::{Index, Segment, SegmentFiles};
use super::time_index::TimeIndexEntry;
use crate::dir::FileKind;
use crate::error::{Error, Result};
use crate::fs::{File, OpenMode};
use crate::offset::{Offset, Position};

/// One batch as it goes into the segment.
#[derive(Clone, Copy, Debug)]
pub(crate) struct PlacedBatch {
    pub last_offset: Offset,
    pub max_timestamp_ms: i64,
    pub size_bytes: usize,
}

/// The appender's half of the active segment: where the next byte goes, and what the indexes get.
#[derive(Debug)]
pub(crate) struct SegmentWriter {
    segment: Arc<Segment>,
    files: Arc<SegmentFiles>,
    builder: IndexBuilder,
    size_bytes: u64,
    first_timestamp_ms: i64,
    created_ms: i64,
}

impl SegmentWriter {
    /// Begins an empty segment. Files that stand under its names are emptied.
    pub(crate) fn create(
        home: &Arc<Home>,
        base_offset: Offset,
        interval_bytes: u32,
        now_ms: i64,
    ) -> Result<Self> {
        let open = |kind: FileKind| {
            let path = home.path(base_offset, kind);
            let file = home.fs.open(&path, OpenMode::Create).map_err(|e| Error::io("create", &path, e))?;
            if !file.is_empty().map_err(|e| Error::io("look at", &path, e))? {
                file.set_len(0).map_err(|e| Error::io("empty", &path, e))?;
            }
            Ok::<_, Error>(file)
        };
        let log = open(FileKind::Log)?;
        let index = open(FileKind::Index)?;
        let time_index = open(FileKind::TimeIndex)?;
        let offsets = GrowingIndex::resume(index, 0).map_err(|e| Error::io("open", &home.dir, e))?;
        let times = GrowingIndex::resume(time_index, 0).map_err(|e| Error::io("open", &home.dir, e))?;
        let files = Arc::new(SegmentFiles::new(log, Index::Growing(offsets), Some(Index::Growing(times))));
        let builder = IndexBuilder::new(base_offset, interval_bytes);
        let segment = Segment::active(base_offset, home.clone(), files.clone(), 0, false);
        segment.publish(0, builder.max_timestamp());
        Ok(SegmentWriter {
            segment: Arc::new(segment),
            files,
            builder,
            size_bytes: 0,
            first_timestamp_ms: -1,
            created_ms: now_ms,
        })
    }

    /// Goes on behind the `size_bytes` bytes of a segment whose indexes are whole.
    pub(crate) fn resume(
        home: &Arc<Home>,
        base_offset: Offset,
        size_bytes: u64,
        interval_bytes: u32,
        now_ms: i64,
        has_txn_index: bool,
    ) -> Result<Self> {
        let open = |kind: FileKind| {
            let path = home.path(base_offset, kind);
            home.fs.open(&path, OpenMode::Create).map_err(|e| Error::io("open", &path, e))
        };
        let log = open(FileKind::Log)?;
        let offsets: GrowingIndex<OffsetIndexEntry> = growing(home, base_offset, FileKind::Index)?;
        let times: GrowingIndex<TimeIndexEntry> = growing(home, base_offset, FileKind::TimeIndex)?;
        let path = home.path(base_offset, FileKind::Log);
        let last_time = times.last().map_err(|e| Error::io("read", &path, e))?;
        let first_timestamp_ms =
            first_timestamp_ms(&*log, size_bytes).map_err(|e| Error::io("read", &path, e))?;
        let builder = IndexBuilder::resume(base_offset, interval_bytes, last_time);
        let files = Arc::new(SegmentFiles::new(log, Index::Growing(offsets), Some(Index::Growing(times))));
        let segment = Segment::active(base_offset, home.clone(), files.clone(), size_bytes, has_txn_index);
        segment.publish(size_bytes, builder.max_timestamp());
        Ok(SegmentWriter {
            segment: Arc::new(segment),
            files,
            builder,
            size_bytes,
            first_timestamp_ms,
            created_ms: now_ms,
        })
    }

    pub(crate) fn segment(&self) -> &Arc<Segment> {
        &self.segment
    }

    pub(crate) fn size_bytes(&self) -> u64 {
        self.size_bytes
    }

    /// What rolling depends on.
    pub(crate) fn state(&self) -> ActiveState {
        let (index_entries, time_index_entries) =
            self.files.growing().map_or((0, 0), |(offsets, times)| (offsets.len(), times.len()));
        ActiveState {
            base_offset: self.segment.base_offset(),
            size_bytes: self.size_bytes,
            first_timestamp_ms: self.first_timestamp_ms,
            created_ms: self.created_ms,
            index_entries,
            time_index_entries,
        }
    }

    /// Index entries from now on follow this interval.
    pub(crate) fn set_interval_bytes(&mut self, interval_bytes: u32) {
        self.builder.set_interval_bytes(interval_bytes);
    }

    /// Writes whole batches behind the published end and indexes them; [`SegmentWriter::publish`] shows
    /// them to readers.
    ///
    /// A write that fails leaves nothing behind: what it left past the end is cut off again, durably, so
    /// that no crash shows it behind what is written next. The action of the error is `append to` then,
    /// and `cut back` where that failed too.
    pub(crate) fn append(&mut self, bytes: &mut [IoSlice<'_>], batches: &[PlacedBatch]) -> Result<()> {
        let path = || self.segment.home().path(self.segment.base_offset(), FileKind::Log);
        let written = match bytes {
            [whole] => self.files.log.write_all_at(whole, self.size_bytes),
            pieces => self.files.log.write_all_vectored_at(pieces, self.size_bytes),
        };
        if let Err(e) = written {
            // Above the published end nobody reads, so cutting is safe.
            let cut = self.files.log.set_len(self.size_bytes).and_then(|()| self.files.log.sync());
            let action = if cut.is_ok() { "append to" } else { "cut back" };
            return Err(Error::io(action, path(), e));
        }
        self.index(batches)
    }

    /// Shows readers everything that is written.
    pub(crate) fn publish(&self) {
        self.segment.publish(self.size_bytes, self.builder.max_timestamp());
    }

    fn index(&mut self, batches: &[PlacedBatch]) -> Result<()> {
        let files = self.files.clone();
        let Some((offsets, times)) = files.growing() else {
            return Err(Error::Closed { path: self.segment.home().dir.clone() });
        };
        for batch in batches {
            if self.size_bytes == 0 {
                self.first_timestamp_ms = batch.max_timestamp_ms;
            }
            // Rolling keeps segments below 4 GiB; `segment_bytes` is a u32.
            let position = Position::new(u32::try_from(self.size_bytes).unwrap_or(u32::MAX));
            let (offset_entry, time_entry) =
                self.builder.observe(batch.last_offset, batch.max_timestamp_ms, position, batch.size_bytes);
            self.size_bytes += batch.size_bytes as u64;
            // Entries that cannot be written now stay in memory: the batches stand, whatever happens here.
            for pushed in
                [offset_entry.map(|entry| offsets.push(entry)), time_entry.map(|entry| times.push(entry))]
            {
                if let Some(Err(error)) = pushed {
                    tracing::warn!(segment = %self.segment.base_offset(), %error, "cannot write index entries now");
                }
            }
        }
        Ok(())
    }

    fn io(&self, kind: FileKind, e: io::Error) -> Error {
        Error::io("append to", self.segment.home().path(self.segment.base_offset(), kind), e)
    }

    /// Hands the index entries that are only in memory to the operating system.
    pub(crate) fn write_indexes(&self) -> Result<()> {
        let Some((offsets, times)) = self.files.growing() else { return Ok(()) };
        offsets.write_tail().map_err(|e| self.io(FileKind::Index, e))?;
        times.write_tail().map_err(|e| self.io(FileKind::TimeIndex, e))
    }

    /// Adds the time-index entry that closes a segment and completes both index files.
    pub(crate) fn close(&mut self) -> Result<()> {
        let entry = self.builder.close();
        if let (Some(entry), Some((_, times))) = (entry, self.files.growing()) {
            times.push(entry).map_err(|e| self.io(FileKind::TimeIndex, e))?;
        }
        self.write_indexes()
    }

    /// The closed segment as readers will see it from now on.
    pub(crate) fn seal(self) -> Arc<Segment> {
        let home = self.segment.home();
        let base_offset = self.segment.base_offset();
        let sealed = Arc::new(Segment::sealed(base_offset, home.clone(), self.segment.has_txn_index()));
        sealed.publish(self.size_bytes, self.builder.max_timestamp());
        // Where the index cannot be opened now, the first reader tries again.
        if let Ok(Some(index)) = IndexView::open(&*home.fs, &home.path(base_offset, FileKind::Index)) {
            sealed.adopt(SegmentFiles::new(self.files.log.clone(), Index::Settled(index), None));
        }
        sealed
    }
}

fn growing<E: Entry>(home: &Home, base_offset: Offset, kind: FileKind) -> Result<GrowingIndex<E>> {
    let path = home.path(base_offset, kind);
    let fail = |e| Error::io("open", &path, e);
    let file = home.fs.open(&path, OpenMode::Create).map_err(fail)?;
    let len = file.len().map_err(fail)?;
    let entries = u32::try_from(len / E::LEN as u64).unwrap_or(u32::MAX);
    if len % E::LEN as u64 != 0 {
        file.set_len(u64::from(entries) * E::LEN as u64).map_err(fail)?;
    }
    GrowingIndex::resume(file, entries).map_err(fail)
}

fn first_timestamp_ms(log: &dyn File, size_bytes: u64) -> io::Result<i64> {
    match HeadWalk::new(log, Position::ZERO, size_bytes).step()? {
        Walked::Batch(_, head) => Ok(head.max_timestamp_ms()),
        Walked::End(_) => Ok(-1),
    }
}

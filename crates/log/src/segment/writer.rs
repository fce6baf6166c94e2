use std::io::{self, IoSlice};
use std::path::PathBuf;
use std::sync::Arc;

use super::growing_index::GrowingIndex;
use super::handles::Home;
use super::head_walk::{HeadWalk, Walked};
use super::index::Entry;
use super::index_build::IndexBuilder;
use super::offset_index::OffsetIndexEntry;
use super::roll::ActiveState;
use super::segment::{Segment, SegmentFiles};
use super::time_index::TimeIndexEntry;
use crate::dir::FileKind;
use crate::error::{Corruption, Error, Result};
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
    /// `None` while the segment rests.
    files: Option<Arc<SegmentFiles>>,
    builder: IndexBuilder,
    size_bytes: u64,
    /// Whether an earlier life of the file may have left bytes behind its end.
    may_hide_bytes: bool,
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
        let offsets = GrowingIndex::resume(index, 0);
        let times = GrowingIndex::resume(time_index, 0);
        let files = Arc::new(SegmentFiles::active(log, offsets, times));
        let builder = IndexBuilder::new(base_offset, interval_bytes);
        let segment = Segment::active(base_offset, home.clone(), files.clone(), 0, false);
        segment.publish(0, builder.max_timestamp());
        Ok(SegmentWriter {
            segment: Arc::new(segment),
            files: Some(files),
            builder,
            size_bytes: 0,
            may_hide_bytes: false,
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
        let (log, files) = open_files(home, base_offset)?;
        let path = home.path(base_offset, FileKind::Log);
        let last_time = files.growing().map(|(_, times)| times.last()).transpose();
        let last_time = last_time.map_err(|e| Error::io("read", &path, e))?.flatten();
        let first_timestamp_ms =
            first_timestamp_ms(&*log, size_bytes).map_err(|e| Error::io("read", &path, e))?;
        let builder = IndexBuilder::resume(base_offset, interval_bytes, last_time);
        let segment = Segment::active(base_offset, home.clone(), files.clone(), size_bytes, has_txn_index);
        segment.publish(size_bytes, builder.max_timestamp());
        Ok(SegmentWriter {
            segment: Arc::new(segment),
            files: Some(files),
            builder,
            size_bytes,
            may_hide_bytes: size_bytes > 0,
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
            self.growing().map_or((0, 0), |(offsets, times)| (offsets.len(), times.len()));
        ActiveState {
            base_offset: self.segment.base_offset(),
            size_bytes: self.size_bytes,
            first_timestamp_ms: self.first_timestamp_ms,
            created_ms: self.created_ms,
            index_entries,
            time_index_entries,
        }
    }

    fn growing(&self) -> Option<(&GrowingIndex<OffsetIndexEntry>, &GrowingIndex<TimeIndexEntry>)> {
        self.files.as_ref().and_then(|files| files.growing())
    }

    /// Whether the files are closed for now.
    pub(crate) fn is_at_rest(&self) -> bool {
        self.files.is_none()
    }

    /// Whether closing has an entry to add to the time index.
    pub(crate) fn lacks_last_entry(&self) -> bool {
        self.builder.lacks_last_entry()
    }

    fn at_rest(&self) -> Error {
        Error::Closed { path: self.segment.home().dir.clone() }
    }

    /// Closes the files until [`SegmentWriter::wake`], and returns the segment as readers see it meanwhile.
    pub(crate) fn rest(&mut self) -> Result<Arc<Segment>> {
        self.write_indexes()?;
        self.segment = Arc::new(self.segment.at_rest());
        self.files = None;
        Ok(self.segment.clone())
    }

    /// Opens the files again to append, and returns the segment as readers see it from now on.
    pub(crate) fn wake(&mut self) -> Result<Arc<Segment>> {
        let (home, base_offset) = (self.segment.home().clone(), self.segment.base_offset());
        let (log, files) = open_files(&home, base_offset)?;
        let path = home.path(base_offset, FileKind::Log);
        let found = log.len().map_err(|e| Error::io("look at", &path, e))?;
        if found != self.size_bytes {
            return Err(changed_at_rest(path, self.size_bytes, found));
        }
        let has_txn_index = self.segment.has_txn_index();
        let segment = Segment::active(base_offset, home, files.clone(), self.size_bytes, has_txn_index);
        segment.publish(self.size_bytes, self.builder.max_timestamp());
        self.segment = Arc::new(segment);
        self.files = Some(files);
        Ok(self.segment.clone())
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
        let log = self.files.as_ref().map(|files| files.log.clone()).ok_or_else(|| self.at_rest())?;
        if self.may_hide_bytes {
            clear_behind_end(&*log, self.size_bytes).map_err(|e| Error::io("append to", path(), e))?;
            self.may_hide_bytes = false;
        }
        let written = match bytes {
            [whole] => log.write_all_at(whole, self.size_bytes),
            pieces => log.write_all_vectored_at(pieces, self.size_bytes),
        };
        if let Err(e) = written {
            // Above the published end nobody reads, so cutting is safe.
            let cut = log.set_len(self.size_bytes).and_then(|()| log.sync());
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
        let Some((offsets, times)) = files.as_ref().and_then(|files| files.growing()) else {
            return Err(self.at_rest());
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
        let Some((offsets, times)) = self.growing() else { return Ok(()) };
        offsets.write_tail().map_err(|e| self.io(FileKind::Index, e))?;
        times.write_tail().map_err(|e| self.io(FileKind::TimeIndex, e))
    }

    /// Adds the time-index entry that closes a segment and completes both index files.
    pub(crate) fn close(&mut self) -> Result<()> {
        let entry = self.builder.close();
        if let (Some(entry), Some((_, times))) = (entry, self.growing()) {
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
        if let Some(files) = &self.files {
            sealed.adopt(SegmentFiles::sealed(files.log.clone()));
        }
        sealed
    }
}

/// Opens the files of a segment that exists, to go on in them.
/// Before a crash, bytes may have come to the disk without the file's new length: they stand behind its end, in its last
/// block. After the next crash a new length may be there without its bytes, and would show them: whole batches, of
/// an earlier life. Cutting the file at its end clears the block, and no later length is on disk before that.
fn clear_behind_end(log: &dyn File, size_bytes: u64) -> io::Result<()> {
    log.set_len(size_bytes)
}

fn open_files(home: &Home, base_offset: Offset) -> Result<(Arc<dyn File>, Arc<SegmentFiles>)> {
    let path = home.path(base_offset, FileKind::Log);
    let log = home.fs.open(&path, OpenMode::Create).map_err(|e| Error::io("open", &path, e))?;
    let offsets: GrowingIndex<OffsetIndexEntry> = growing(home, base_offset, FileKind::Index)?;
    let times: GrowingIndex<TimeIndexEntry> = growing(home, base_offset, FileKind::TimeIndex)?;
    let files = SegmentFiles::active(log.clone(), offsets, times);
    Ok((log, Arc::new(files)))
}

fn changed_at_rest(path: PathBuf, expected: u64, found: u64) -> Error {
    let corruption = Corruption {
        path,
        position: None,
        what: "the segment was changed by somebody else while its files were closed",
        expected: format!("{expected} bytes"),
        found: format!("{found} bytes"),
        advice: "find out who writes to this directory, then close the log and open it again",
    };
    corruption.into()
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
    Ok(GrowingIndex::resume(file, entries))
}

fn first_timestamp_ms(log: &dyn File, size_bytes: u64) -> io::Result<i64> {
    match HeadWalk::new(log, Position::ZERO, size_bytes).step()? {
        Walked::Batch(_, head) => Ok(head.max_timestamp_ms()),
        Walked::End(_) => Ok(-1),
    }
}

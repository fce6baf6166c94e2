use std::io;
use std::sync::{Arc, Weak};

use super::growing_index::GrowingIndex;
use super::handles::{Handles, Home};
use super::head_walk::{HeadWalk, Walked};
use super::index::{Around, Entry, IndexView};
use super::offset_index::OffsetIndexEntry;
use super::time_index::TimeIndexEntry;
use crate::dir::FileKind;
use crate::error::{Error, Result};
use crate::fs::{File, OpenMode};
use crate::offset::{Offset, Position, TimestampOffset};
use crate::sync::atomic::{AtomicBool, AtomicI64, AtomicU64, Ordering};
use crate::sync::{ArcSwapOption, OnceLock};

const UNKNOWN_SIZE: u64 = u64::MAX;
const UNKNOWN_TIMESTAMP: i64 = i64::MIN;

/// One segment as readers share it. A sealed one opens its files when first read and may close them
/// again; the active one keeps them while it is in use, and its published size grows.
#[derive(Debug)]
pub(crate) struct Segment {
    base_offset: Offset,
    home: Arc<Home>,
    active: bool,
    /// Whether the files stay open until the appender puts others in this one's place.
    keeps_files: bool,
    used: AtomicBool,
    /// Whether bytes may not be on disk yet.
    unsynced: AtomicBool,
    /// Whether the files are being taken away.
    retired: AtomicBool,
    /// Why they could not be synced when the files were to be closed.
    sync_failure: OnceLock<Arc<io::Error>>,
    /// Bytes that readers may see. Published after the bytes are written, never taken back.
    size_bytes: AtomicU64,
    max_timestamp_ms: AtomicI64,
    offset_of_max_timestamp: AtomicI64,
    has_txn_index: AtomicBool,
    files: ArcSwapOption<SegmentFiles>,
    /// The files of a segment whose names are being given to others; see [`Segment::pin`].
    pinned: OnceLock<Arc<SegmentFiles>>,
}

/// The open files of a segment.
#[derive(Debug)]
pub(crate) struct SegmentFiles {
    pub log: Arc<dyn File>,
    offset_index: OnceLock<Index<OffsetIndexEntry>>,
    time_index: OnceLock<Index<TimeIndexEntry>>,
}

/// An index that still grows, or no longer.
#[derive(Debug)]
pub(crate) enum Index<E> {
    Growing(GrowingIndex<E>),
    Settled(IndexView<E>),
}

impl<E: Entry> Index<E> {
    /// See [`IndexView::around`].
    pub(crate) fn around(&self, at_or_below: impl Fn(E) -> bool) -> io::Result<Around<E>> {
        match self {
            Index::Growing(index) => index.around(at_or_below),
            Index::Settled(index) => index.around(at_or_below),
        }
    }

    pub(crate) fn last(&self) -> io::Result<Option<E>> {
        match self {
            Index::Growing(index) => index.last(),
            Index::Settled(index) => index.last(),
        }
    }
}

impl SegmentFiles {
    /// Those of a sealed segment, whose indexes are opened when they are needed.
    pub(crate) fn sealed(log: Arc<dyn File>) -> SegmentFiles {
        SegmentFiles { log, offset_index: OnceLock::new(), time_index: OnceLock::new() }
    }

    pub(crate) fn active(
        log: Arc<dyn File>,
        offset_index: GrowingIndex<OffsetIndexEntry>,
        time_index: GrowingIndex<TimeIndexEntry>,
    ) -> SegmentFiles {
        let (offsets, times) = (Index::Growing(offset_index), Index::Growing(time_index));
        SegmentFiles { log, offset_index: OnceLock::from(offsets), time_index: OnceLock::from(times) }
    }

    /// The offset index, opened when first asked for: one that cannot be read is no reason not to sync the log. Without
    /// it a segment is still readable: the walk begins at the first batch.
    pub(crate) fn offset_index<'a>(&'a self, segment: &'a Segment) -> Result<&'a Index<OffsetIndexEntry>> {
        self.index(segment, FileKind::Index, |files| &files.offset_index)
    }

    /// The time index, opened when first asked for.
    pub(crate) fn time_index<'a>(&'a self, segment: &'a Segment) -> Result<&'a Index<TimeIndexEntry>> {
        self.index(segment, FileKind::TimeIndex, |files| &files.time_index)
    }

    fn index<'a, E: Entry>(
        &'a self,
        segment: &'a Segment,
        kind: FileKind,
        of: impl Fn(&'a SegmentFiles) -> &'a OnceLock<Index<E>>,
    ) -> Result<&'a Index<E>> {
        if of(self).get().is_none() {
            let path = segment.home.path(segment.base_offset, kind);
            let view = IndexView::open(&*segment.home.fs, &path).map_err(|e| Error::io("open", &path, e))?;
            // The name may have gone to another file meanwhile.
            if let Some(pinned) = segment.pinned.get().filter(|pinned| !std::ptr::eq(&***pinned, self)) {
                return pinned.index(segment, kind, of);
            }
            // Another reader may have been faster; its view is the same.
            let _ = of(self).set(Index::Settled(view.unwrap_or_else(IndexView::empty)));
        }
        of(self).get().ok_or_else(|| Error::Closed { path: segment.home.dir.clone() })
    }

    /// The growing half of both indexes; `None` once the segment is sealed.
    pub(crate) fn growing(&self) -> Option<(&GrowingIndex<OffsetIndexEntry>, &GrowingIndex<TimeIndexEntry>)> {
        match (self.offset_index.get(), self.time_index.get()) {
            (Some(Index::Growing(offsets)), Some(Index::Growing(times))) => Some((offsets, times)),
            _ => None,
        }
    }
}

impl Segment {
    /// A segment whose files are opened when they are needed.
    pub(crate) fn sealed(base_offset: Offset, home: Arc<Home>, has_txn_index: bool) -> Segment {
        Segment {
            base_offset,
            home,
            active: false,
            keeps_files: false,
            used: AtomicBool::new(false),
            unsynced: AtomicBool::new(false),
            retired: AtomicBool::new(false),
            sync_failure: OnceLock::new(),
            size_bytes: AtomicU64::new(UNKNOWN_SIZE),
            max_timestamp_ms: AtomicI64::new(UNKNOWN_TIMESTAMP),
            offset_of_max_timestamp: AtomicI64::new(base_offset.get()),
            has_txn_index: AtomicBool::new(has_txn_index),
            files: ArcSwapOption::empty(),
            pinned: OnceLock::new(),
        }
    }

    /// A segment that takes appends: open, with these bytes published.
    pub(crate) fn active(
        base_offset: Offset,
        home: Arc<Home>,
        files: Arc<SegmentFiles>,
        size_bytes: u64,
        has_txn_index: bool,
    ) -> Segment {
        let segment =
            Segment { active: true, keeps_files: true, ..Segment::sealed(base_offset, home, has_txn_index) };
        segment.size_bytes.store(size_bytes, Ordering::Release);
        segment.files.store(Some(files));
        segment
    }

    /// This active segment while nothing is appended to it: readers open its files when they need them.
    pub(crate) fn at_rest(&self) -> Segment {
        let has_txn_index = self.has_txn_index();
        let segment =
            Segment { active: true, ..Segment::sealed(self.base_offset, self.home.clone(), has_txn_index) };
        let max_timestamp_ms = self.max_timestamp_ms.load(Ordering::Acquire);
        let offset = Offset::new(self.offset_of_max_timestamp.load(Ordering::Relaxed));
        let max_timestamp = TimestampOffset { timestamp_ms: max_timestamp_ms, offset };
        segment.publish(self.size_bytes.load(Ordering::Acquire), max_timestamp);
        segment
    }

    pub(crate) fn base_offset(&self) -> Offset {
        self.base_offset
    }

    pub(crate) fn home(&self) -> &Arc<Home> {
        &self.home
    }

    pub(crate) fn is_active(&self) -> bool {
        self.active
    }

    pub(crate) fn has_txn_index(&self) -> bool {
        self.has_txn_index.load(Ordering::Acquire)
    }

    pub(crate) fn set_has_txn_index(&self) {
        self.has_txn_index.store(true, Ordering::Release);
    }

    /// Makes the first `size_bytes` bytes visible to readers; they are all written.
    pub(crate) fn publish(&self, size_bytes: u64, max_timestamp: TimestampOffset) {
        // The bytes first: who is told of a timestamp finds its record.
        self.size_bytes.store(size_bytes, Ordering::Release);
        self.offset_of_max_timestamp.store(max_timestamp.offset.get(), Ordering::Relaxed);
        self.max_timestamp_ms.store(max_timestamp.timestamp_ms, Ordering::Release);
    }

    /// Shows only the first `size_bytes` bytes of a sealed segment: what follows is not whole.
    pub(crate) fn publish_size(&self, size_bytes: u64) {
        self.size_bytes.store(size_bytes, Ordering::Release);
    }

    /// The open files, opening those of a sealed segment.
    pub(crate) fn files(self: &Arc<Self>) -> Result<Arc<SegmentFiles>> {
        if let Some(files) = self.pinned.get().cloned().or_else(|| self.files.load_full()) {
            // Looked at first: a store by every reader would have them fight for the cache line.
            if !self.used.load(Ordering::Relaxed) {
                self.used.store(true, Ordering::Relaxed);
            }
            return Ok(files);
        }
        let path = self.home.path(self.base_offset, FileKind::Log);
        let fail = |e| Error::io("open", &path, e);
        let log = self.home.fs.open(&path, OpenMode::Read).map_err(fail)?;
        if self.size_bytes.load(Ordering::Acquire) == UNKNOWN_SIZE {
            self.learn_size(log.len().map_err(fail)?);
        }
        let files = Arc::new(SegmentFiles::sealed(log));
        // Only what was opened before the names went to others is this segment's.
        if let Some(pinned) = self.pinned.get() {
            return Ok(pinned.clone());
        }
        self.files.store(Some(files.clone()));
        self.note_opened();
        Ok(files)
    }

    /// Opens all files of a sealed segment and keeps them open while anybody holds the segment: from here on
    /// their names may be given to other files, and whoever reads this segment still reads its own.
    pub(crate) fn pin(self: &Arc<Self>) -> Result<()> {
        let files = self.files()?;
        files.offset_index(self)?;
        files.time_index(self)?;
        self.max_timestamp()?;
        let _ = self.pinned.set(files);
        Ok(())
    }

    /// A size that was looked up does not replace one that is known.
    fn learn_size(&self, size: u64) {
        let _ = self.size_bytes.compare_exchange(UNKNOWN_SIZE, size, Ordering::AcqRel, Ordering::Acquire);
    }

    /// A sync has to cover this segment before its files may be closed.
    pub(crate) fn note_unsynced(&self) {
        self.unsynced.store(true, Ordering::Release);
    }

    /// Syncs the log file. One failure is for good: a sync after it proves nothing.
    pub(crate) fn sync(&self, log: &dyn File) -> Result<()> {
        let path = || self.home.path(self.base_offset, FileKind::Log);
        let failed =
            |source: &Arc<io::Error>| Error::Io { action: "sync", path: path(), source: source.clone() };
        if let Some(source) = self.sync_failure.get() {
            return Err(failed(source));
        }
        match log.sync() {
            Ok(()) => {
                self.unsynced.store(false, Ordering::Release);
                Ok(())
            }
            Err(e) => Err(failed(self.sync_failure.get_or_init(|| Arc::new(e)))),
        }
    }

    /// Notes that the names of the files go, because nothing of the segment is part of the log any more.
    pub(crate) fn retire(&self) {
        self.retired.store(true, Ordering::Release);
        self.release();
    }

    /// Whether files that are missing are so because the segment is gone.
    pub(crate) fn is_retired(&self) -> bool {
        self.retired.load(Ordering::Acquire)
    }

    /// Lets go of the files, so that their space is free once they have no name.
    pub(crate) fn release(&self) {
        if !self.keeps_files {
            self.files.store(None);
        }
    }

    /// Lets go of the files of a segment whose log is closed.
    pub(crate) fn close(&self) {
        self.files.store(None);
    }

    fn note_opened(self: &Arc<Self>) {
        /// The log and its two indexes, though they are opened when they are needed.
        const FILES: usize = 3;
        let this: Weak<Segment> = Arc::downgrade(self);
        self.home.handles.opened(this, FILES);
    }

    /// Puts files into a sealed segment that are open already.
    pub(crate) fn adopt(self: &Arc<Self>, files: SegmentFiles) {
        self.files.store(Some(Arc::new(files)));
        self.note_opened();
    }

    /// How many bytes readers may see.
    pub(crate) fn size_bytes(&self) -> Result<u64> {
        match self.size_bytes.load(Ordering::Acquire) {
            UNKNOWN_SIZE => {
                let path = self.home.path(self.base_offset, FileKind::Log);
                let size = self.home.fs.metadata(&path).map_err(|e| Error::io("look at", &path, e))?.len;
                self.learn_size(size);
                match self.size_bytes.load(Ordering::Acquire) {
                    UNKNOWN_SIZE => Ok(size),
                    known => Ok(known),
                }
            }
            known => Ok(known),
        }
    }

    /// The largest timestamp of the segment, and the last offset of a batch that carries it; −1 where
    /// no record carries any.
    pub(crate) fn max_timestamp(self: &Arc<Self>) -> Result<TimestampOffset> {
        let timestamp_ms = self.max_timestamp_ms.load(Ordering::Acquire);
        if timestamp_ms != UNKNOWN_TIMESTAMP {
            let offset = Offset::new(self.offset_of_max_timestamp.load(Ordering::Relaxed));
            return Ok(TimestampOffset { timestamp_ms, offset });
        }
        let path = self.home.path(self.base_offset, FileKind::TimeIndex);
        let files = self.files()?;
        let last = files.time_index(self)?.last().map_err(|e| Error::io("read", &path, e))?;
        let max = match last {
            Some(entry) if self.bears_out(&files, entry)? => self.max_timestamp_from(&files, entry)?,
            _ => self.max_timestamp_by_walk(&files, Position::ZERO)?,
        };
        self.offset_of_max_timestamp.store(max.offset.get(), Ordering::Relaxed);
        self.max_timestamp_ms.store(max.timestamp_ms, Ordering::Release);
        Ok(max)
    }

    /// Whether the batch that an entry of the time index stands for carries its timestamp. An entry is a hint, as
    /// those of the offset index are: padding, and an index of another segment, are not believed.
    pub(crate) fn bears_out(self: &Arc<Self>, files: &SegmentFiles, entry: TimeIndexEntry) -> Result<bool> {
        let offset = entry.offset(self.base_offset);
        match self.find(files, offset, self.size_bytes()?) {
            Ok(Some((_, head))) => Ok((head.base_offset()..=head.last_offset()).contains(&offset)
                && head.max_timestamp_ms() == entry.timestamp_ms),
            Ok(None) | Err(Error::Corrupt(_)) => Ok(false),
            Err(e) => Err(e),
        }
    }

    /// The last entry of the time index, or what is newer behind the last entry of the offset index: up to there,
    /// an index that is whole has told of everything.
    fn max_timestamp_from(&self, files: &SegmentFiles, last: TimeIndexEntry) -> Result<TimestampOffset> {
        let indexed =
            TimestampOffset { timestamp_ms: last.timestamp_ms, offset: last.offset(self.base_offset) };
        let start = self.floor_position(files, Offset::new(i64::MAX), self.size_bytes()?)?;
        let behind = self.max_timestamp_by_walk(files, start)?;
        Ok(if behind.timestamp_ms > indexed.timestamp_ms { behind } else { indexed })
    }

    /// A time index may be missing, empty or wrong; then the batches themselves tell.
    fn max_timestamp_by_walk(&self, files: &SegmentFiles, start: Position) -> Result<TimestampOffset> {
        let path = self.home.path(self.base_offset, FileKind::Log);
        let mut max = TimestampOffset { timestamp_ms: -1, offset: self.base_offset };
        let mut walk = HeadWalk::new(&*files.log, start, self.size_bytes()?);
        while let Walked::Batch(_, head) = walk.step().map_err(|e| Error::io("read", &path, e))? {
            if head.max_timestamp_ms() > max.timestamp_ms {
                max = TimestampOffset { timestamp_ms: head.max_timestamp_ms(), offset: head.last_offset() };
            }
        }
        Ok(max)
    }
}

impl Handles for Segment {
    fn close_handles(&self) -> bool {
        if self.keeps_files {
            return false;
        }
        // An error of the disk is told to those who have the file open while it happens, so bytes that are not
        // on disk yet are synced first.
        let files = self.files.load_full().filter(|_| self.unsynced.load(Ordering::Acquire));
        if let Some(Err(_)) = files.map(|files| self.sync(&*files.log)) {
            return false;
        }
        self.files.store(None);
        true
    }

    fn take_used(&self) -> bool {
        self.used.swap(false, Ordering::Relaxed)
    }
}

use std::io;
use std::sync::atomic::{AtomicBool, AtomicI64, AtomicU64, Ordering};
use std::sync::{Arc, OnceLock, Weak};

use arc_swap::ArcSwapOption;
use ottla_record::{HEAD_PEEK_LEN, Head};

use super::handles::{Handles, Home};
use super::index::{Around, Entry, GrowingIndex, IndexView};
use super::log_file::{HeadWalk, Walked};
use super::offset_index::OffsetIndexEntry;
use super::time_index::TimeIndexEntry;
use crate::dir::FileKind;
use crate::error::{Corruption, Error, Result};
use crate::fs::{File, OpenMode};
use crate::offset::{Offset, Position, TimestampOffset};

const UNKNOWN_SIZE: u64 = u64::MAX;
const UNKNOWN_TIMESTAMP: i64 = i64::MIN;

/// One segment as readers share it. A sealed one opens its files when first read and may close them
/// again; the active one keeps them, and its published size grows.
#[derive(Debug)]
pub(crate) struct Segment {
    base_offset: Offset,
    home: Arc<Home>,
    active: bool,
    /// Bytes that readers may see. Published after the bytes are written, never taken back.
    size_bytes: AtomicU64,
    max_timestamp_ms: AtomicI64,
    offset_of_max_timestamp: AtomicI64,
    has_txn_index: AtomicBool,
    files: ArcSwapOption<SegmentFiles>,
}

/// The open files of a segment.
#[derive(Debug)]
pub(crate) struct SegmentFiles {
    pub log: Arc<dyn File>,
    pub offset_index: Index<OffsetIndexEntry>,
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
    pub(crate) fn new(
        log: Arc<dyn File>,
        offset_index: Index<OffsetIndexEntry>,
        time_index: Option<Index<TimeIndexEntry>>,
    ) -> SegmentFiles {
        SegmentFiles { log, offset_index, time_index: time_index.map_or_else(OnceLock::new, OnceLock::from) }
    }

    /// The time index, opened when first asked for.
    pub(crate) fn time_index(&self, segment: &Segment) -> Result<&Index<TimeIndexEntry>> {
        if self.time_index.get().is_none() {
            let path = segment.home.path(segment.base_offset, FileKind::TimeIndex);
            let view = IndexView::open(&*segment.home.fs, &path).map_err(|e| Error::io("open", &path, e))?;
            // Another reader may have been faster; its view is the same.
            let _ = self.time_index.set(Index::Settled(view.unwrap_or_else(IndexView::empty)));
        }
        self.time_index.get().ok_or_else(|| Error::Closed { path: segment.home.dir.clone() })
    }

    /// The growing half of both indexes; `None` once the segment is sealed.
    pub(crate) fn growing(&self) -> Option<(&GrowingIndex<OffsetIndexEntry>, &GrowingIndex<TimeIndexEntry>)> {
        match (&self.offset_index, self.time_index.get()) {
            (Index::Growing(offsets), Some(Index::Growing(times))) => Some((offsets, times)),
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
            size_bytes: AtomicU64::new(UNKNOWN_SIZE),
            max_timestamp_ms: AtomicI64::new(UNKNOWN_TIMESTAMP),
            offset_of_max_timestamp: AtomicI64::new(base_offset.get()),
            has_txn_index: AtomicBool::new(has_txn_index),
            files: ArcSwapOption::empty(),
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
        let segment = Segment { active: true, ..Segment::sealed(base_offset, home, has_txn_index) };
        segment.size_bytes.store(size_bytes, Ordering::Release);
        segment.files.store(Some(files));
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
        self.offset_of_max_timestamp.store(max_timestamp.offset.get(), Ordering::Relaxed);
        self.max_timestamp_ms.store(max_timestamp.timestamp_ms, Ordering::Release);
        self.size_bytes.store(size_bytes, Ordering::Release);
    }

    /// Shows only the first `size_bytes` bytes of a sealed segment: what follows is not whole.
    pub(crate) fn publish_size(&self, size_bytes: u64) {
        self.size_bytes.store(size_bytes, Ordering::Release);
    }

    /// The open files, opening those of a sealed segment.
    pub(crate) fn files(self: &Arc<Self>) -> Result<Arc<SegmentFiles>> {
        if let Some(files) = self.files.load_full() {
            return Ok(files);
        }
        let path = self.home.path(self.base_offset, FileKind::Log);
        let fail = |e| Error::io("open", &path, e);
        let log = self.home.fs.open(&path, OpenMode::Read).map_err(fail)?;
        if self.size_bytes.load(Ordering::Acquire) == UNKNOWN_SIZE {
            self.size_bytes.store(log.len().map_err(fail)?, Ordering::Release);
        }
        let index_path = self.home.path(self.base_offset, FileKind::Index);
        // Without its index a segment is still readable: the walk begins at the first batch.
        let index = IndexView::open(&*self.home.fs, &index_path)
            .map_err(|e| Error::io("open", &index_path, e))?
            .unwrap_or_else(IndexView::empty);
        let files = Arc::new(SegmentFiles::new(log, Index::Settled(index), None));
        self.files.store(Some(files.clone()));
        self.note_opened();
        Ok(files)
    }

    fn note_opened(self: &Arc<Self>) {
        let this: Weak<Segment> = Arc::downgrade(self);
        self.home.handles.opened(this);
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
                self.size_bytes.store(size, Ordering::Release);
                Ok(size)
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
            Some(entry) => {
                TimestampOffset { timestamp_ms: entry.timestamp_ms, offset: entry.offset(self.base_offset) }
            }
            None => self.max_timestamp_by_walk(&files)?,
        };
        self.offset_of_max_timestamp.store(max.offset.get(), Ordering::Relaxed);
        self.max_timestamp_ms.store(max.timestamp_ms, Ordering::Release);
        Ok(max)
    }

    /// A time index may be missing or empty; then the batches themselves tell.
    fn max_timestamp_by_walk(&self, files: &SegmentFiles) -> Result<TimestampOffset> {
        let path = self.home.path(self.base_offset, FileKind::Log);
        let mut max = TimestampOffset { timestamp_ms: -1, offset: self.base_offset };
        let mut walk = HeadWalk::new(&*files.log, Position::ZERO, self.size_bytes()?);
        while let Walked::Batch(_, head) = walk.step().map_err(|e| Error::io("read", &path, e))? {
            if head.max_timestamp_ms() > max.timestamp_ms {
                max = TimestampOffset { timestamp_ms: head.max_timestamp_ms(), offset: head.last_offset() };
            }
        }
        Ok(max)
    }

    /// The first batch whose last offset is at or past `offset`, by index and then by walking heads;
    /// `None` where the segment's `end` bytes hold none.
    pub(crate) fn find(
        self: &Arc<Self>,
        files: &SegmentFiles,
        offset: Offset,
        end: u64,
    ) -> Result<Option<(Position, Head)>> {
        let path = || self.home.path(self.base_offset, FileKind::Log);
        let around = self.around(files, offset)?;
        if let Some(found) = self.find_at_entry_above(files, &around, offset, end)? {
            return Ok(Some(found));
        }
        let (mut walk, mut walked) = self.walk_from_floor(files, &around, end)?;
        while let Walked::Batch(_, head) = &walked
            && head.last_offset() < offset
        {
            walked = walk.step().map_err(|e| Error::io("read", path(), e))?;
        }
        match walked {
            Walked::Batch(position, head) => Ok(Some((position, head))),
            Walked::End(super::WalkEnd::Clean) => Ok(None),
            Walked::End(end) => Err(Corruption {
                path: path(),
                position: Some(walk.position()),
                what: "a batch head behind this byte is damaged",
                expected: format!("whole batches up to offset {offset}"),
                found: format!("{end:?}"),
                advice: "run `ottla verify` on the partition to see all that is wrong",
            }
            .into()),
        }
    }

    /// Where to begin walking for `offset`: the position of the nearest index entry at or below it.
    pub(crate) fn floor_position(&self, files: &SegmentFiles, offset: Offset, end: u64) -> Result<Position> {
        match self.walk_from_floor(files, &self.around(files, offset)?, end)?.1 {
            Walked::Batch(position, _) => Ok(position),
            Walked::End(_) => Ok(Position::ZERO),
        }
    }

    fn around(&self, files: &SegmentFiles, offset: Offset) -> Result<Around<OffsetIndexEntry>> {
        let relative = offset - self.base_offset;
        let around = files.offset_index.around(|entry| i64::from(entry.relative_offset) <= relative);
        around.map_err(|e| Error::io("read", self.home.path(self.base_offset, FileKind::Index), e))
    }

    /// Large batches all have an entry, and then the wanted one is mostly that of the entry above: one
    /// read tells, and what it tells is the batch's own word, not the index's.
    fn find_at_entry_above(
        &self,
        files: &SegmentFiles,
        around: &Around<OffsetIndexEntry>,
        offset: Offset,
        end: u64,
    ) -> Result<Option<(Position, Head)>> {
        let Some(above) = around.above.filter(|above| u64::from(above.position.get()) < end) else {
            return Ok(None);
        };
        if gap_bytes(around) <= HeadWalk::CHUNK
            || around.floor.is_some_and(|floor| floor.offset(self.base_offset) == offset)
        {
            return Ok(None);
        }
        let mut head = [0; HEAD_PEEK_LEN];
        let position = u64::from(above.position.get());
        let read = files.log.read_at(&mut head, position).map_err(|e| self.log_error(e))?;
        let parsed = head.get(..read).and_then(|head| Head::parse(head).ok());
        Ok(parsed
            .filter(|head| head.base_offset() <= offset && offset <= head.last_offset())
            .filter(|head| position + head.size_bytes() as u64 <= end)
            .map(|head| (above.position, head)))
    }

    fn log_error(&self, e: io::Error) -> Error {
        Error::io("read", self.home.path(self.base_offset, FileKind::Log), e)
    }

    /// A walk that has taken its first step, to the batch of the nearest index entry at or below what was
    /// looked up. An entry is a hint; one that the log does not bear out is passed over.
    fn walk_from_floor<'a>(
        &self,
        files: &'a SegmentFiles,
        around: &Around<OffsetIndexEntry>,
        end: u64,
    ) -> Result<(HeadWalk<'a>, Walked)> {
        if let Some(entry) = around.floor.filter(|entry| u64::from(entry.position.get()) < end) {
            let mut walk = HeadWalk::new(&*files.log, entry.position, end).read_at_first(gap_bytes(around));
            let walked = walk.step().map_err(|e| self.log_error(e))?;
            if matches!(&walked, Walked::Batch(_, head) if entry.is_borne_out_by(head, self.base_offset)) {
                return Ok((walk, walked));
            }
            let index = self.home.path(self.base_offset, FileKind::Index);
            tracing::warn!(index = %index.display(), ?entry, "index entry does not match the log; walking from the first batch");
        }
        let mut walk = HeadWalk::new(&*files.log, Position::ZERO, end);
        let walked = walk.step().map_err(|e| self.log_error(e))?;
        Ok((walk, walked))
    }
}

impl Handles for Segment {
    fn close_handles(&self) {
        if !self.active {
            self.files.store(None);
        }
    }
}

/// How many bytes of the log lie between the two entries.
fn gap_bytes(around: &Around<OffsetIndexEntry>) -> usize {
    let floor = around.floor.map_or(0, |floor| floor.position.get());
    around.above.map_or(0, |above| above.position.get().saturating_sub(floor) as usize)
}

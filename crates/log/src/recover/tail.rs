//! Step 3: where the log ends. After a crash every batch past the recovery point is read and checked, and
//! the log is cut at the first that is not whole. Below the recovery point nothing is cut: what is damaged
//! there is told, and passed over.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use ottla_record::{Head, Magic};

use super::producers::{Replaying, marker_in};
use super::report::{Damage, Truncation};
use crate::dir::{CutFile, FileKind, FileName, LeaderEpochs, Suffix, copy_aside};
use crate::error::{Error, Result};
use crate::fs::{File, OpenMode};
use crate::offset::{Offset, Position};
use crate::segment::{
    BatchScan, BuiltIndexes, Entry, HeadWalk, Home, IndexBuilder, IndexView, OffsetIndexEntry, ScanEnd,
    ScannedBatch, Segment, TimeIndexEntry, WalkEnd, Walked, lies_behind_gap, next_whole_batch,
};

/// Recovery reads through one buffer of this size.
const SCAN_BUFFER_BYTES: usize = 1 << 20;

/// The end of the segment that begins at `base_offset`, by the last index entry and the heads behind it:
/// for a log that was closed cleanly.
pub(crate) fn end_by_index(home: &Home, base_offset: Offset) -> Result<(Offset, u64, WalkEnd)> {
    let path = home.path(base_offset, FileKind::Log);
    let fail = |e| Error::io("read", &path, e);
    let file = home.fs.open(&path, OpenMode::Read).map_err(fail)?;
    let size = file.len().map_err(fail)?;
    let start = last_indexed(home, base_offset, &*file, size)?;
    let mut walk = HeadWalk::new(&*file, start, size);
    let (mut end_offset, mut end_position) = (base_offset, u64::from(start.get()));
    loop {
        match walk.step().map_err(fail)? {
            Walked::Batch(position, head) => {
                end_offset = head.last_offset() + 1;
                end_position = u64::from(position.get()) + head.size_bytes() as u64;
            }
            Walked::End(end) => return Ok((end_offset, end_position, end)),
        }
    }
}

/// The position of the last index entry that the log bears out; the first byte without one.
fn last_indexed(home: &Home, base_offset: Offset, log: &dyn File, size: u64) -> Result<Position> {
    let path = home.path(base_offset, FileKind::Index);
    let fail = |e| Error::io("read", &path, e);
    let index = IndexView::<OffsetIndexEntry>::open(&*home.fs, &path).map_err(fail)?;
    let Some(last) = index.map(|index| index.last()).transpose().map_err(fail)?.flatten() else {
        return Ok(Position::ZERO);
    };
    if u64::from(last.position.get()) >= size {
        return Ok(Position::ZERO);
    }
    match HeadWalk::new(log, last.position, size).step().map_err(fail)? {
        Walked::Batch(position, head) if last.is_borne_out_by(&head, base_offset) => Ok(position),
        _ => Ok(Position::ZERO),
    }
}

/// What checking one segment found. Nothing is changed yet.
pub(crate) struct CheckedSegment {
    /// The offset after its last whole batch.
    pub end_offset: Offset,
    /// Bytes that were read.
    pub scanned_bytes: u64,
    /// What is damaged below the recovery point.
    pub damaged: Vec<Damage>,
    /// Whether entries were made in its transaction index.
    pub has_aborted: bool,
    base_offset: Offset,
    file: Arc<dyn File>,
    position: u64,
    size: u64,
    stop: Stop,
    built: BuiltIndexes,
}

/// Checks a segment from the recovery point on. Epochs that the batches show are taken in, and so are producers.
pub(crate) fn check_segment(
    segment: &Arc<Segment>,
    recovery_point: Offset,
    gapless: bool,
    interval_bytes: u32,
    epochs: &mut LeaderEpochs,
    replaying: &mut Replaying<'_>,
) -> Result<CheckedSegment> {
    let (home, base_offset) = (segment.home(), segment.base_offset());
    let path = home.path(base_offset, FileKind::Log);
    let fail = |e| Error::io("read", &path, e);
    let file = home.fs.open(&path, OpenMode::ReadWrite).map_err(fail)?;
    let size = file.len().map_err(fail)?;
    let resumed = Resumed::at(segment, recovery_point, interval_bytes, &*file, size)?;
    if resumed.position > Position::ZERO {
        replaying.take_segment(segment, Some(resumed.position))?;
    }
    let start = u64::from(resumed.position.get());
    let mut scan = BatchScan::new(&*file, resumed.position, size, SCAN_BUFFER_BYTES);
    let mut taking = Taking {
        order: Order { file: &*file, size, base_offset, gapless, is_sure: start == 0 },
        recovery_point,
        end_offset: base_offset,
        epochs,
        resumed,
        replaying,
        has_aborted: false,
    };
    let mut damaged = Vec::new();
    let (position, stop) = taking.take_all(&mut scan, &path, &mut damaged)?;
    let Taking { end_offset, resumed, has_aborted, .. } = taking;
    Ok(CheckedSegment {
        end_offset,
        scanned_bytes: size - start,
        damaged,
        has_aborted,
        base_offset,
        built: resumed.finish(),
        file,
        position,
        size,
        stop,
    })
}

/// What takes in the whole batches of a segment, one after the other.
struct Taking<'a, 'h> {
    order: Order<'a>,
    recovery_point: Offset,
    end_offset: Offset,
    epochs: &'a mut LeaderEpochs,
    resumed: Resumed,
    replaying: &'a mut Replaying<'h>,
    has_aborted: bool,
}

impl Taking<'_, '_> {
    /// Takes all that is whole, and passes over damage below the recovery point. Returns where the log is to be cut, and
    /// why.
    fn take_all(
        &mut self,
        scan: &mut BatchScan<'_>,
        path: &Path,
        damaged: &mut Vec<Damage>,
    ) -> Result<(u64, Stop)> {
        let size = self.order.size;
        loop {
            let (position, stop) = self.take_whole(scan, path)?;
            let next_offset = self.end_offset;
            // Where batches stand in the wrong places, no offset tells what was on disk.
            let is_mixed_up = matches!(stop, Stop::Damage(_)) && !damaged.is_empty();
            if matches!(stop, Stop::Clean) || (next_offset >= self.recovery_point && !is_mixed_up) {
                return Ok((position, stop));
            }
            // What was there was on disk once, so no crash explains it, and nobody asked to give it up.
            let next = scan.skip_damage(position, next_offset).map_err(|e| Error::io("read", path, e))?;
            let bytes = next.map_or(size, |next| u64::from(next.get())) - position;
            let (path, reason) = (path.to_path_buf(), stop.reason());
            damaged.push(Damage { path, position, bytes, next_offset, reason });
            self.pass_over(bytes);
            if next.is_none() {
                return Ok((size, Stop::Clean));
            }
        }
    }

    /// Takes batches as long as they are whole and in order; returns where that ends, and why.
    fn take_whole(&mut self, scan: &mut BatchScan<'_>, path: &Path) -> Result<(u64, Stop)> {
        let fail = |e| Error::io("read", path, e);
        loop {
            match scan.step().map_err(fail)? {
                Ok(batch) if self.order.admits(&batch, self.end_offset).map_err(fail)? => {
                    self.take(&batch)?;
                }
                Ok(batch) => {
                    let (first, end) = (batch.head.base_offset(), self.end_offset);
                    let misplaced = format!("a batch with offset {first} after {end}");
                    return Ok((u64::from(batch.position.get()), Stop::Damage(misplaced)));
                }
                Err(ScanEnd { position, end }) => return Ok((position, Stop::from(end))),
            }
        }
    }

    fn take(&mut self, batch: &ScannedBatch<'_>) -> Result<()> {
        let head = &batch.head;
        self.order.is_sure = true;
        self.end_offset = head.last_offset() + 1;
        // The history below the recovery point is on disk, and begins before the first batch looked at.
        if head.base_offset() >= self.recovery_point {
            self.epochs.assign(head.leader_epoch(), head.base_offset());
        }
        self.resumed.observe(head, batch.position);
        let marker = batch.bytes.filter(|_| head.is_control()).and_then(marker_in);
        self.has_aborted |= self.replaying.take(self.order.base_offset, head, marker)?;
        Ok(())
    }

    /// Bytes that are no whole batch stay in the log.
    fn pass_over(&mut self, bytes: u64) {
        self.resumed.builder.pass_over(bytes);
        self.order.is_sure = false;
    }
}

impl CheckedSegment {
    /// Whether nothing of it is to be cut.
    pub(crate) fn is_kept_whole(&self) -> bool {
        matches!(self.stop, Stop::Clean)
    }

    /// Whether its last bytes are damaged and stay, so that nothing can be appended behind them.
    pub(crate) fn ends_in_damage(&self) -> bool {
        self.damaged.last().is_some_and(|damage| damage.position + damage.bytes == self.size)
    }

    /// Cuts what is not whole, and writes both indexes anew. Returns what was cut.
    pub(crate) fn settle(self, home: &Home) -> Result<Option<Truncation>> {
        super::write_indexes(home, self.base_offset, &self.built)?;
        let keep = match &self.stop {
            Stop::Clean => return Ok(None),
            Stop::Torn(_) => next_whole_batch(&*self.file, self.position, self.size, self.end_offset)
                .map(|next| next.is_some()),
            Stop::Damage(_) => Ok(true),
        };
        let path = home.path(self.base_offset, FileKind::Log);
        let keep = keep.map_err(|e| Error::io("read", &path, e))?;
        let kept_aside = if keep { vec![self.keep_aside(home)?] } else { Vec::new() };
        // Durably, or a crash could show what is cut behind what is appended next.
        let cut = self.file.set_len(self.position).and_then(|()| self.file.sync());
        cut.map_err(|e| Error::io("cut", &path, e))?;
        Ok(Some(Truncation {
            path,
            position: self.position,
            cut_bytes: self.size - self.position,
            log_end_offset: self.end_offset,
            reason: self.stop.reason(),
            kept_aside,
        }))
    }

    /// Copies the bytes that are to be cut to a file of their own: there may be valid batches among them.
    fn keep_aside(&self, home: &Home) -> Result<PathBuf> {
        let (cut, segment) =
            (self.position..self.size, CutFile { dir: &home.dir, base_offset: self.base_offset });
        let path = segment
            .place(&*home.fs, &*self.file, &cut)
            .map_err(|e| Error::io("look for a place to keep what is cut in", &home.dir, e))?;
        copy_aside(&*home.fs, &*self.file, &cut, &path).map_err(|e| Error::io("write", &path, e))?;
        home.fs.sync_dir(&home.dir).map_err(|e| Error::io("sync", &home.dir, e))?;
        Ok(path)
    }
}

/// Offsets lie outside a batch's checksum, so they are held against those of its neighbours.
struct Order<'a> {
    file: &'a dyn File,
    size: u64,
    base_offset: Offset,
    /// Whether each batch of the segment begins where the one before it ends.
    gapless: bool,
    /// Whether it is known where the batch before ends.
    is_sure: bool,
}

impl Order<'_> {
    /// Whether a batch may have these offsets behind `end_offset`: they only grow, and stay within reach of the
    /// segment's base. Of two batches that overlap, the one that leaves a gap before it lies.
    fn admits(&self, batch: &ScannedBatch<'_>, end_offset: Offset) -> std::io::Result<bool> {
        let (first, last) = (batch.head.base_offset(), batch.head.last_offset());
        let grows = first >= end_offset && last >= first && last - self.base_offset <= i64::from(i32::MAX);
        // A message of magic 0 or 1 only tells its last offset.
        let leaves_gap = first > end_offset && self.is_sure && batch.head.magic() == Magic::V2;
        if !grows || !leaves_gap {
            return Ok(grows);
        }
        if self.gapless {
            return Ok(false);
        }
        let behind = u64::from(batch.position.get()) + batch.head.size_bytes() as u64;
        let Ok(behind) = u32::try_from(behind).map(Position::new) else { return Ok(true) };
        Ok(match HeadWalk::new(self.file, behind, self.size).step()? {
            Walked::Batch(_, next) => !lies_behind_gap(&batch.head, end_offset, next.base_offset()),
            Walked::End(_) => true,
        })
    }
}

/// Why a scan stopped before the end of the file.
enum Stop {
    Clean,
    /// What a crash leaves behind the last whole write.
    Torn(String),
    /// Bytes that no crash of an appender explains.
    Damage(String),
}

impl Stop {
    fn reason(&self) -> String {
        match self {
            Stop::Clean => String::new(),
            Stop::Torn(reason) | Stop::Damage(reason) => reason.clone(),
        }
    }
}

impl From<WalkEnd> for Stop {
    fn from(end: WalkEnd) -> Stop {
        match end {
            WalkEnd::Clean => Stop::Clean,
            WalkEnd::Torn { needed, found } => {
                Stop::Torn(format!("a batch of {needed} bytes, of which {found} were written"))
            }
            WalkEnd::Zeros { bytes } => Stop::Torn(format!("{bytes} zero bytes")),
            WalkEnd::Invalid(e) => Stop::Damage(e.to_string()),
        }
    }
}

/// Takes a segment that lies behind a cut out of the log, keeping its bytes where there are any.
pub(crate) fn set_aside(home: &Home, base_offset: Offset) -> Result<(u64, Option<PathBuf>)> {
    // A snapshot at its base may be that of the end of the log; one that is not goes as a stray.
    for kind in [FileKind::Index, FileKind::TimeIndex, FileKind::TxnIndex] {
        let name = FileName::new(base_offset, kind);
        let (from, to) = (name.in_dir(&home.dir), name.with_suffix(Suffix::Deleted).in_dir(&home.dir));
        match home.fs.rename(&from, &to) {
            Err(e) if e.kind() != std::io::ErrorKind::NotFound => return Err(Error::io("rename", from, e)),
            _ => {}
        }
    }
    let log = home.path(base_offset, FileKind::Log);
    let size = home.fs.metadata(&log).map_err(|e| Error::io("look at", &log, e))?.len;
    if size == 0 {
        home.fs.remove_file(&log).map_err(|e| Error::io("remove", &log, e))?;
        return Ok((0, None));
    }
    let aside = CutFile { dir: &home.dir, base_offset }
        .free(&*home.fs)
        .map_err(|e| Error::io("look for a place to keep a segment in", &home.dir, e))?;
    home.fs.rename(&log, &aside).map_err(|e| Error::io("rename", &log, e))?;
    Ok((size, Some(aside)))
}

/// Index building that goes on behind the entries below the recovery point, which are on disk.
struct Resumed {
    builder: IndexBuilder,
    built: BuiltIndexes,
    position: Position,
}

impl Resumed {
    fn at(
        segment: &Arc<Segment>,
        recovery_point: Offset,
        interval_bytes: u32,
        log: &dyn File,
        size: u64,
    ) -> Result<Resumed> {
        let (home, base_offset) = (segment.home(), segment.base_offset());
        let from_start = Resumed {
            builder: IndexBuilder::new(base_offset, interval_bytes),
            built: BuiltIndexes::default(),
            position: Position::ZERO,
        };
        if recovery_point <= base_offset {
            return Ok(from_start);
        }
        let below = |offset: Offset| offset < recovery_point;
        let offsets = entries::<OffsetIndexEntry>(home, base_offset, FileKind::Index)?;
        let mut before = OffsetIndexEntry { relative_offset: 0, position: Position::ZERO };
        let in_order = |entry: &OffsetIndexEntry| {
            // What a crash left behind the last flush may be anything: zeros too, and the first batch of a
            // segment never has an entry.
            let follows = entry.position > before.position && entry.relative_offset >= before.relative_offset;
            before = *entry;
            follows && below(entry.offset(base_offset))
        };
        let offsets: Vec<_> = offsets.into_iter().take_while(in_order).collect();
        let Some(last) = offsets.last().copied() else { return Ok(from_start) };
        if u64::from(last.position.get()) >= size || !bears_out(home, log, base_offset, last, size)? {
            return Ok(from_start);
        }
        let times = entries::<TimeIndexEntry>(home, base_offset, FileKind::TimeIndex)?;
        // The entry of the last indexed batch stays: it was written together with the offset entry.
        let last_offset = last.offset(base_offset);
        let mut before_ms = -1;
        let in_order = |entry: &TimeIndexEntry| {
            let follows = entry.timestamp_ms > before_ms && entry.offset(base_offset) <= last_offset;
            before_ms = entry.timestamp_ms;
            follows
        };
        let times: Vec<_> = times.into_iter().take_while(in_order).collect();
        // A later time than any batch has would keep all that follow out of the index.
        if let Some(last) = times.last().copied()
            && !segment.bears_out(&*segment.files()?, last)?
        {
            return Ok(from_start);
        }
        let mut built = BuiltIndexes::default();
        offsets.iter().for_each(|entry| entry.encode(&mut built.offset_index));
        times.iter().for_each(|entry| entry.encode(&mut built.time_index));
        let builder = IndexBuilder::resume(base_offset, interval_bytes, times.last().copied());
        Ok(Resumed { builder, built, position: last.position })
    }

    fn observe(&mut self, head: &Head, position: Position) {
        let (offset, time) =
            self.builder.observe(head.last_offset(), head.max_timestamp_ms(), position, head.size_bytes());
        if let Some(entry) = offset {
            entry.encode(&mut self.built.offset_index);
        }
        if let Some(entry) = time {
            entry.encode(&mut self.built.time_index);
        }
    }

    fn finish(mut self) -> BuiltIndexes {
        if let Some(entry) = self.builder.close() {
            entry.encode(&mut self.built.time_index);
        }
        self.built
    }
}

fn bears_out(
    home: &Home,
    log: &dyn File,
    base_offset: Offset,
    entry: OffsetIndexEntry,
    size: u64,
) -> Result<bool> {
    let step = HeadWalk::new(log, entry.position, size).step();
    match step.map_err(|e| Error::io("read", home.path(base_offset, FileKind::Log), e))? {
        Walked::Batch(_, head) => Ok(entry.is_borne_out_by(&head, base_offset)),
        Walked::End(_) => Ok(false),
    }
}

fn entries<E: Entry>(home: &Home, base_offset: Offset, kind: FileKind) -> Result<Vec<E>> {
    let path = home.path(base_offset, kind);
    let fail = |e| Error::io("read", &path, e);
    let Some(index) = IndexView::<E>::open(&*home.fs, &path).map_err(fail)? else { return Ok(Vec::new()) };
    index.iter().collect::<std::io::Result<_>>().map_err(fail)
}

//! Step 5: what the log knows of its producers: the newest usable snapshot, and the batches behind it. Those that step 3
//! reads and checks after a crash it takes in meanwhile, so that they are read once.

use std::sync::Arc;

use ottla_record::Head;

use super::survey::Survey;
use crate::append::marker_of;
use crate::config::LogConfig;
use crate::dir::FileKind;
use crate::error::{Error, Result};
use crate::offset::{Offset, Position};
use crate::producer::{BatchStamp, CompletedTxn, Marker, ProducerState, TxnIndex, snapshot};
use crate::segment::{HeadWalk, Home, Segment, SegmentFiles, SegmentSet, Walked};

/// Which snapshot may be taken, and how far the log goes.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Replay {
    /// The end of the log, or where its batches are going to be read again. Snapshots past it are not taken.
    pub end_offset: Offset,
    /// Whether a log without any snapshot is read from its first batch on.
    pub without_snapshot: bool,
    /// Aborted transactions that end here or later are written to the transaction indexes.
    pub index_from: Option<Offset>,
}

/// The state at the end of the log.
pub(crate) fn load(
    home: &Home,
    survey: &Survey,
    segments: &SegmentSet,
    replay: &Replay,
    config: &LogConfig,
    now_ms: i64,
) -> Result<ProducerState> {
    let has_snapshot = survey.snapshots.range(..=replay.end_offset).next().is_some();
    if !has_snapshot && !replay.without_snapshot {
        return Ok(ProducerState::new(replay.end_offset));
    }
    Ok(Replaying::of(home, survey, segments, replay, config, now_ms)?.finish(replay.end_offset))
}

/// A state on its way to the end of the log: it takes in one batch after the other.
pub(crate) struct Replaying<'a> {
    home: &'a Home,
    state: ProducerState,
    /// As in [`Replay`].
    index_from: Option<Offset>,
}

impl<'a> Replaying<'a> {
    /// What the newest usable snapshot says, and the batches of `segments` behind it.
    pub(crate) fn of(
        home: &'a Home,
        survey: &Survey,
        segments: &SegmentSet,
        replay: &Replay,
        config: &LogConfig,
        now_ms: i64,
    ) -> Result<Replaying<'a>> {
        let state = match newest_snapshot(home, survey, replay.end_offset, config, now_ms)? {
            Some(state) => state,
            None => ProducerState::new(segments.first().map_or(Offset::ZERO, |first| first.base_offset())),
        };
        let mut replaying = Replaying { home, state, index_from: replay.index_from };
        for segment in segments.from(replaying.state.map_end_offset()) {
            replaying.take_segment(&segment, None)?;
        }
        Ok(replaying)
    }

    /// Takes in the batches of a segment, by their heads, up to a position if one is given.
    pub(crate) fn take_segment(&mut self, segment: &Arc<Segment>, end: Option<Position>) -> Result<()> {
        let from = self.state.map_end_offset();
        let path = self.home.path(segment.base_offset(), FileKind::Log);
        let files = segment.files()?;
        let size = segment.size_bytes()?;
        let end = end.map_or(size, |end| size.min(u64::from(end.get())));
        let start = segment.floor_position(&files, from, size)?;
        let mut walk = HeadWalk::new(&*files.log, start, end);
        let mut next_offset = segment.base_offset();
        while let Some((position, head)) =
            walk.step_over_damage(next_offset).map_err(|e| Error::io("read", &path, e))?
        {
            next_offset = head.last_offset() + 1;
            let marker = if head.is_control() { marker_at(&files, position, &head) } else { None };
            if self.take(segment.base_offset(), &head, marker)? {
                segment.set_has_txn_index();
            }
        }
        Ok(())
    }

    /// Takes in the next batch, of the segment with this base offset, unless the state knows it already. Tells
    /// whether it made an entry in the segment's transaction index.
    pub(crate) fn take(&mut self, segment: Offset, head: &Head, marker: Option<Marker>) -> Result<bool> {
        if head.last_offset() < self.state.map_end_offset() {
            return Ok(false);
        }
        let ended = BatchStamp::of(head, marker).and_then(|stamp| self.state.apply(&stamp));
        self.state.advance_to(head.last_offset() + 1);
        match ended.filter(|ended| self.index_from.is_some_and(|from| ended.last_offset >= from)) {
            Some(ended) => note_aborted(self.home, segment, &ended),
            None => Ok(false),
        }
    }

    /// The state at the end of the log.
    pub(crate) fn finish(mut self, log_end_offset: Offset) -> ProducerState {
        self.state.advance_to(log_end_offset);
        self.state.on_high_watermark(log_end_offset);
        self.state
    }
}

/// As [`load`], for a log that is open and was cut.
pub(crate) fn reload(
    home: &Home,
    segments: &SegmentSet,
    log_end_offset: Offset,
    config: &LogConfig,
    now_ms: i64,
) -> Result<ProducerState> {
    let survey = Survey::of(&*home.fs, &home.dir)?;
    let replay = Replay { end_offset: log_end_offset, without_snapshot: true, index_from: None };
    load(home, &survey, segments, &replay, config, now_ms)
}

/// Writes the transaction index of a segment that was swapped in without one, where there are records of aborted
/// transactions that end in it: without the index they would pass for committed. Returns whether there are.
///
/// A segment that compaction made holds none; one that was split off from another may.
pub(crate) fn index_swapped_in(
    home: &Home,
    segments: &SegmentSet,
    swapped_in: &Arc<Segment>,
    config: &LogConfig,
    now_ms: i64,
) -> Result<bool> {
    if !holds_abort(swapped_in)? {
        return Ok(false);
    }
    let survey = Survey::of(&*home.fs, &home.dir)?;
    let base_offset = swapped_in.base_offset();
    let replay = Replay { end_offset: base_offset, without_snapshot: true, index_from: Some(base_offset) };
    load(home, &survey, segments, &replay, config, now_ms)?;
    if swapped_in.has_txn_index() {
        let path = home.path(base_offset, FileKind::TxnIndex);
        TxnIndex::open(home.fs.clone(), path, base_offset)?.sync()?;
    }
    Ok(swapped_in.has_txn_index())
}

fn holds_abort(segment: &Arc<Segment>) -> Result<bool> {
    let files = segment.files()?;
    let path = segment.home().path(segment.base_offset(), FileKind::Log);
    let mut walk = HeadWalk::new(&*files.log, Position::ZERO, segment.size_bytes()?);
    loop {
        match walk.step().map_err(|e| Error::io("read", &path, e))? {
            Walked::Batch(position, head) if head.is_control() => {
                if marker_at(&files, position, &head).is_some_and(|marker| !marker.commit) {
                    return Ok(true);
                }
            }
            Walked::Batch(..) => {}
            Walked::End(_) => return Ok(false),
        }
    }
}

/// A snapshot that does not pass its checks is passed over: an older one and more batches do as well.
fn newest_snapshot(
    home: &Home,
    survey: &Survey,
    at_most: Offset,
    config: &LogConfig,
    now_ms: i64,
) -> Result<Option<ProducerState>> {
    for offset in survey.snapshots.range(..=at_most).rev() {
        let path = home.path(*offset, FileKind::Snapshot);
        match snapshot::read(&*home.fs, &path) {
            Ok(entries) => {
                let expiration_ms = config.producer_id_expiration_ms;
                return Ok(Some(ProducerState::from_entries(entries, *offset, now_ms, expiration_ms)));
            }
            Err(Error::Corrupt(corruption)) => {
                tracing::warn!(%corruption, "passing over a damaged snapshot of the producers");
            }
            Err(e) => return Err(e),
        }
    }
    Ok(None)
}

/// The snapshots from `from` on that do not pass their checks. They are written in place and not synced.
pub(crate) fn torn_snapshots(home: &Home, survey: &Survey, from: Offset) -> Result<Vec<Offset>> {
    let mut torn = Vec::new();
    for offset in survey.snapshots.range(from..) {
        match snapshot::read(&*home.fs, &home.path(*offset, FileKind::Snapshot)) {
            Ok(_) => {}
            Err(Error::Corrupt(_)) => torn.push(*offset),
            Err(e) => return Err(e),
        }
    }
    Ok(torn)
}

/// Control batches hold one tiny record.
const MAX_CONTROL_BATCH: usize = 64 * 1024;

fn marker_at(files: &SegmentFiles, position: Position, head: &Head) -> Option<Marker> {
    let size = Some(head.size_bytes()).filter(|size| *size <= MAX_CONTROL_BATCH)?;
    let mut batch = vec![0; size];
    files.log.read_exact_at(&mut batch, u64::from(position.get())).ok()?;
    marker_in(&batch)
}

/// A marker whose record is gone or unreadable ends nothing; verification tells about it.
pub(super) fn marker_in(batch: &[u8]) -> Option<Marker> {
    marker_of(batch).ok().flatten().filter(|_| batch.len() <= MAX_CONTROL_BATCH)
}

/// Whether there was anything to note.
fn note_aborted(home: &Home, segment: Offset, ended: &CompletedTxn) -> Result<bool> {
    let Some(aborted) = ended.index_entry() else { return Ok(false) };
    let path = home.path(segment, FileKind::TxnIndex);
    TxnIndex::open(home.fs.clone(), path, segment)?.append(&aborted)?;
    Ok(true)
}

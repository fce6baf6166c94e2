//! The append path, the single writer's half: from the bytes of whole batches to a published end.

use std::io::{self, IoSlice};
use std::sync::Arc;

use ottla_record::{Assignment, BatchHeader, ControlRecord, Head, Limits, RecordError};

use crate::commit::Commit;
use crate::config::{LogConfig, TimestampType};
use crate::dir::{FileKind, read_whole, write_atomically};
use crate::durability::Durability;
use crate::error::{Error, Result};
use crate::fs::OpenMode;
use crate::offset::Offset;
use crate::producer::{BatchStamp, CompletedTxn, Marker, Origin, ProducerState, TxnIndex, Verdict, snapshot};
use crate::segment::{Incoming, PlacedBatch, SegmentWriter, should_roll};
use crate::shared::Shared;

/// Below this, header and records are put together in one buffer and written with one plain call;
/// above, the records are written from where they lie.
const COPY_BELOW_BYTES: usize = 8 * 1024;

/// Who appends, and under which leader epoch.
#[derive(Clone, Copy, Debug, Default)]
pub struct AppendOptions {
    /// Who appends.
    pub origin: Origin,
    /// The leader epoch of the batches; the log's own where none is given.
    pub leader_epoch: Option<i32>,
}

/// What became of an append.
#[derive(Clone, Debug)]
pub struct Appended {
    /// The offset of the first record.
    pub base_offset: Offset,
    /// The offset of the last record.
    pub last_offset: Offset,
    /// The timestamp that the log gave the records, where it gives them one.
    pub append_time_ms: Option<i64>,
    /// The first offset of the log at this moment.
    pub log_start_offset: Offset,
    /// Whether the batch had been appended before; then nothing was, and the offsets are the old ones.
    pub duplicate: bool,
    /// Tells when the records are on disk.
    pub durability: Durability,
}

/// What became of an append, as the appender knows it (Kafka's `LogAppendInfo`).
#[derive(Clone, Copy, Debug)]
pub(crate) struct AppendInfo {
    pub base_offset: Offset,
    pub last_offset: Offset,
    pub append_time_ms: Option<i64>,
    pub log_start_offset: Offset,
    pub duplicate: bool,
    pub size_bytes: u64,
}

impl AppendInfo {
    pub(crate) fn promise(self, durability: Durability) -> Appended {
        let AppendInfo { base_offset, last_offset, append_time_ms, log_start_offset, duplicate, .. } = self;
        Appended { base_offset, last_offset, append_time_ms, log_start_offset, duplicate, durability }
    }
}

/// A batch that passed all checks which need no state.
pub(crate) struct CheckedBatch<'a> {
    header: BatchHeader,
    header_bytes: [u8; BatchHeader::LEN],
    records: &'a [u8],
    max_timestamp_ms: i64,
    marker: Option<Marker>,
}

/// Checks that `bytes` are whole valid batches. Needs no lock, and costs the most.
pub(crate) fn check<'a>(
    bytes: &'a [u8],
    config: &LogConfig,
    origin: Origin,
    now_ms: i64,
) -> Result<Vec<CheckedBatch<'a>>> {
    let limits = limits(config, origin, now_ms);
    let mut batches = Vec::with_capacity(1);
    let mut rest = bytes;
    loop {
        let size = Head::parse(rest)?.size_bytes();
        let Some((batch, after)) = rest.split_at_checked(size) else {
            return Err(RecordError::TooShort { needed: size, found: rest.len() }.into());
        };
        let index = batches.len();
        batches.push(check_one(batch, &limits, origin).map_err(|error| name_batch(error, index))?);
        if after.is_empty() {
            return Ok(batches);
        }
        rest = after;
    }
}

/// A record is known by its batch and its place in there.
fn name_batch(error: Error, batch: usize) -> Error {
    match error {
        Error::InvalidBatch(RecordError::MissingKey { index }) => Error::MissingKey { batch, record: index },
        other => other,
    }
}

fn limits(config: &LogConfig, origin: Origin, now_ms: i64) -> Limits {
    let from_client = origin == Origin::Client;
    let earliest = now_ms.saturating_sub(config.timestamp_before_max_ms);
    let latest = now_ms.saturating_add(config.timestamp_after_max_ms);
    Limits {
        max_batch_bytes: if from_client { config.max_message_bytes as usize } else { i32::MAX as usize },
        max_decompressed_bytes: config.max_decompressed_bytes,
        timestamps: (from_client && config.timestamp_type == TimestampType::CreateTime)
            .then_some(earliest..=latest),
        require_keys: from_client && config.cleanup_policy.compact,
    }
}

fn check_one<'a>(batch: &'a [u8], limits: &Limits, origin: Origin) -> Result<CheckedBatch<'a>> {
    let (header, max_timestamp_ms) = if origin == Origin::Replica {
        // Checked when it was first appended; what may have happened since is damage.
        match ottla_record::verify_crc(batch)? {
            Head::V2(header) => (header, header.max_timestamp_ms),
            Head::Legacy(old) => return Err(RecordError::OldMagic { magic: old.magic }.into()),
        }
    } else {
        let checked = ottla_record::check(batch, limits)?;
        (checked.header, checked.max_timestamp_ms)
    };
    let control = header.attributes.is_control();
    if control && origin == Origin::Client {
        return Err(Error::ControlBatchFromClient);
    }
    let says_append_time = header.attributes.timestamp_type() == ottla_record::TimestampType::LogAppendTime;
    if says_append_time && limits.timestamps.is_some() {
        return Err(Error::AppendTimeFromClient);
    }
    let too_short = RecordError::TooShort { needed: BatchHeader::LEN, found: batch.len() };
    let (header_bytes, records) = batch.split_first_chunk::<{ BatchHeader::LEN }>().ok_or(too_short)?;
    let marker = if control { marker_of(batch)? } else { None };
    Ok(CheckedBatch { header, header_bytes: *header_bytes, records, max_timestamp_ms, marker })
}

/// The end of a transaction that a control batch holds.
pub(crate) fn marker_of(batch: &[u8]) -> Result<Option<Marker>, RecordError> {
    /// A control record is tiny and never compressed.
    const MAX_CONTROL_BYTES: usize = 64 * 1024;
    let decoded = ottla_record::decode(batch, MAX_CONTROL_BYTES)?;
    let Some(record) = decoded.records().next().transpose()? else { return Ok(None) };
    Ok(Marker::of(&ControlRecord::parse(record.key, record.value)?))
}

/// The state that only the one appender changes.
#[derive(Debug)]
pub(crate) struct Appender {
    pub writer: SegmentWriter,
    pub producers: ProducerState,
    pub next_offset: Offset,
    /// The epoch under which this log appends.
    pub leader_epoch: i32,
    /// Whether anything was written since a clean open.
    pub touched: bool,
    /// Whether the files were opened and the handle cache was not told yet.
    opened: bool,
    scratch: Vec<u8>,
}

struct Placed {
    header: [u8; BatchHeader::LEN],
    batch: PlacedBatch,
    stamp: Option<BatchStamp>,
}

impl Appender {
    pub(crate) fn new(
        writer: SegmentWriter,
        producers: ProducerState,
        next_offset: Offset,
        leader_epoch: i32,
    ) -> Appender {
        Appender {
            writer,
            producers,
            next_offset,
            leader_epoch,
            touched: true,
            opened: false,
            scratch: Vec::new(),
        }
    }

    /// Assigns offsets to checked batches, writes them behind the end and publishes them.
    pub(crate) fn append(
        &mut self,
        shared: &Shared,
        commit: &Commit,
        batches: &[CheckedBatch<'_>],
        options: &AppendOptions,
        now_ms: i64,
    ) -> Result<AppendInfo> {
        let config = shared.config.load();
        let leader_epoch = options.leader_epoch.unwrap_or(self.leader_epoch);
        let placed = self.place(batches, options.origin, leader_epoch, &config, now_ms)?;
        if let Some(duplicate) = self.find_duplicate(shared, &placed, options.origin)? {
            return Ok(duplicate);
        }
        let incoming = incoming(&placed, now_ms);
        if incoming.size_bytes > u64::from(config.segment_bytes) {
            return Err(Error::AppendTooLarge {
                size_bytes: incoming.size_bytes,
                segment_bytes: config.segment_bytes,
            });
        }
        let first_offset = first_offset(batches, &placed, options.origin, self.next_offset);
        shared.room.check(&shared.home, incoming.size_bytes)?;
        self.make_way(shared, commit, &config, &incoming)
            .and_then(|()| self.enter_epoch(shared, leader_epoch, first_offset))
            .and_then(|()| self.write(shared, batches, &placed))
            .map_err(|e| shared.room.explain(&shared.home, e, incoming.size_bytes))?;
        shared.room.found(&shared.home);
        self.apply(shared, &placed)?;
        self.next_offset = incoming.last_offset + 1;
        // The bytes last: who sees them sees the bound of the careful readers that belongs to them.
        shared.publish_end(self.next_offset, self.producers.first_unstable_offset());
        self.writer.publish();
        Ok(AppendInfo {
            base_offset: first_offset,
            last_offset: incoming.last_offset,
            append_time_ms: (config.timestamp_type == TimestampType::LogAppendTime).then_some(now_ms),
            log_start_offset: shared.log_start_offset(),
            duplicate: false,
            size_bytes: incoming.size_bytes,
        })
    }

    /// Opens the active segment, or begins another one.
    fn make_way(
        &mut self,
        shared: &Shared,
        commit: &Commit,
        config: &LogConfig,
        incoming: &Incoming,
    ) -> Result<()> {
        self.wake(shared)?;
        if should_roll(&self.writer.state(), incoming, config) {
            self.roll(shared, commit, config, incoming.now_ms)?;
        }
        Ok(())
    }

    /// Gives each batch its offset and its final header. Nothing of the log changes.
    fn place(
        &self,
        batches: &[CheckedBatch<'_>],
        origin: Origin,
        leader_epoch: i32,
        config: &LogConfig,
        now_ms: i64,
    ) -> Result<Vec<Placed>> {
        let mut next_offset = self.next_offset;
        let append_time = config.timestamp_type == TimestampType::LogAppendTime && origin != Origin::Replica;
        let mut placed = Vec::with_capacity(batches.len());
        for checked in batches {
            let mut header = checked.header_bytes;
            let base_offset = if origin == Origin::Replica {
                let base_offset = checked.header.base_offset;
                if base_offset < next_offset {
                    return Err(Error::OffsetNotNext { expected: next_offset, found: base_offset });
                }
                base_offset
            } else {
                let corrected = (checked.max_timestamp_ms != checked.header.max_timestamp_ms)
                    .then_some(checked.max_timestamp_ms);
                let assignment = Assignment {
                    base_offset: next_offset,
                    leader_epoch,
                    append_time_ms: append_time.then_some(now_ms),
                    max_timestamp_ms: corrected,
                };
                ottla_record::patch_header(&mut header, assignment, checked.records);
                next_offset
            };
            let last_offset = base_offset + i64::from(checked.header.last_offset_delta);
            let max_timestamp_ms = if append_time { now_ms } else { checked.max_timestamp_ms };
            next_offset = last_offset + 1;
            placed.push(Placed {
                header,
                batch: PlacedBatch {
                    last_offset,
                    max_timestamp_ms,
                    size_bytes: BatchHeader::LEN + checked.records.len(),
                },
                stamp: BatchStamp::of(&Head::V2(checked.header), checked.marker).map(|stamp| BatchStamp {
                    base_offset,
                    last_offset,
                    max_timestamp_ms,
                    ..stamp
                }),
            });
        }
        Ok(placed)
    }

    /// Asks the producers' state about every batch; the first that was appended before answers for all.
    fn find_duplicate(
        &self,
        shared: &Shared,
        placed: &[Placed],
        origin: Origin,
    ) -> Result<Option<AppendInfo>> {
        let mut earlier: Vec<BatchStamp> = Vec::new();
        for stamp in placed.iter().filter_map(|placed| placed.stamp) {
            let verdict = if earlier.is_empty() {
                self.producers.check(&stamp, origin)?
            } else {
                self.producers.check_after(&earlier, &stamp, origin)?
            };
            if let Verdict::Duplicate { base_offset, last_offset, timestamp_ms } = verdict {
                let append_time = shared.config.load().timestamp_type == TimestampType::LogAppendTime;
                return Ok(Some(AppendInfo {
                    base_offset,
                    last_offset,
                    append_time_ms: append_time.then_some(timestamp_ms),
                    log_start_offset: shared.log_start_offset(),
                    duplicate: true,
                    size_bytes: 0,
                }));
            }
            if placed.len() > 1 {
                earlier.push(stamp);
            }
        }
        Ok(None)
    }

    fn write(&mut self, shared: &Shared, batches: &[CheckedBatch<'_>], placed: &[Placed]) -> Result<()> {
        self.write_behind_end(batches, placed).inspect_err(|e| poison_unless_rolled_back(shared, e))
    }

    fn write_behind_end(&mut self, batches: &[CheckedBatch<'_>], placed: &[Placed]) -> Result<()> {
        let size: usize = placed.iter().map(|placed| placed.batch.size_bytes).sum();
        let sizes: Vec<PlacedBatch> = placed.iter().map(|placed| placed.batch).collect();
        let pairs = placed.iter().zip(batches);
        if size <= COPY_BELOW_BYTES {
            self.scratch.clear();
            for (placed, checked) in pairs {
                self.scratch.extend_from_slice(&placed.header);
                self.scratch.extend_from_slice(checked.records);
            }
            return self.writer.append(&mut [IoSlice::new(&self.scratch)], &sizes);
        }
        let mut slices: Vec<IoSlice<'_>> =
            pairs.flat_map(|(p, c)| [IoSlice::new(&p.header), IoSlice::new(c.records)]).collect();
        self.writer.append(&mut slices, &sizes)
    }

    /// Takes written batches into the producers' state; an aborted transaction goes to the index of the
    /// segment that holds its marker.
    fn apply(&mut self, shared: &Shared, placed: &[Placed]) -> Result<()> {
        for placed in placed {
            let ended = placed.stamp.as_ref().and_then(|stamp| self.producers.apply(stamp));
            self.producers.advance_to(placed.batch.last_offset + 1);
            if let Some(ended) = ended {
                self.note_ended(shared, &ended).inspect_err(|e| poison(shared, e))?;
            }
        }
        // Nothing waits for other nodes; what waits for the disk is bounded by the high watermark as well.
        self.producers.on_high_watermark(self.producers.map_end_offset());
        Ok(())
    }

    fn note_ended(&mut self, shared: &Shared, ended: &CompletedTxn) -> Result<()> {
        let Some(aborted) = ended.index_entry() else { return Ok(()) };
        let segment = self.writer.segment();
        let path = shared.home.path(segment.base_offset(), FileKind::TxnIndex);
        TxnIndex::open(shared.home.fs.clone(), path, segment.base_offset())?.append(&aborted)?;
        segment.set_has_txn_index();
        Ok(())
    }

    /// Records where a new leader epoch begins, before its first batch can be read.
    fn enter_epoch(&mut self, shared: &Shared, epoch: i32, first_offset: Offset) -> Result<()> {
        if shared.epochs().latest().is_some_and(|latest| latest.epoch >= epoch) {
            return Ok(());
        }
        let mut epochs = shared.epochs().clone();
        epochs.assign(epoch, first_offset);
        let written = epochs.write(&*shared.home.fs, &shared.home.dir);
        written.inspect_err(|e| shared.poison_by_failed_sync(e))?;
        shared.change_epochs(|current| *current = epochs);
        Ok(())
    }

    /// Before the log changes: opens the files of the active segment where they were closed for the sake of
    /// others.
    fn wake(&mut self, shared: &Shared) -> Result<()> {
        if self.writer.is_at_rest() {
            let segment = self.writer.wake()?;
            shared.segments.replace_from(segment.base_offset(), vec![segment]);
            self.opened = true;
        }
        self.touched = true;
        Ok(())
    }

    /// Goes on in another segment.
    pub(crate) fn go_on_in(&mut self, writer: SegmentWriter) {
        self.opened |= self.writer.is_at_rest();
        self.touched = true;
        self.writer = writer;
    }

    /// Closes the files of the active segment until the next append. Everything is on disk before, so that no
    /// error of the disk comes to light while nobody holds the file that it would be told to.
    /// Tells whether they are closed now: the log may be busy.
    pub(crate) fn rest(&mut self, shared: &Shared, commit: &Commit) -> Result<bool> {
        if self.writer.is_at_rest() {
            return Ok(true);
        }
        // A log that takes no more writes promises nothing that a sync could still make true.
        if shared.ensure_writable().is_ok() && !commit.try_sync_to(shared, self.next_offset)? {
            return Ok(false);
        }
        let segment = self.writer.rest()?;
        shared.segments.replace_from(segment.base_offset(), vec![segment]);
        Ok(true)
    }

    /// Adds the last entry of the time index, where one is due, before the log is closed.
    pub(crate) fn close_indexes(&mut self, shared: &Shared) -> Result<()> {
        if self.writer.lacks_last_entry() {
            self.wake(shared)?;
        }
        self.writer.close()
    }

    /// Whether the files were opened again since this was last asked.
    pub(crate) fn take_opened(&mut self) -> bool {
        std::mem::take(&mut self.opened)
    }

    /// Closes the active segment and begins the next at the end of the log. Nothing is synced here: a
    /// sync under the append lock would stall every producer.
    pub(crate) fn roll(
        &mut self,
        shared: &Shared,
        commit: &Commit,
        config: &LogConfig,
        now_ms: i64,
    ) -> Result<()> {
        // What may fail comes first; nothing that readers see has changed then.
        self.wake(shared)?;
        self.writer.close()?;
        let next = SegmentWriter::create(&shared.home, self.next_offset, config.index_interval_bytes, now_ms)
            .inspect_err(|_| self.take_back_roll(shared))?;
        let active = next.segment().clone();
        let sealed = std::mem::replace(&mut self.writer, next).seal();
        // Before the first record of the next segment is published: a sync that covers it covers this one.
        commit.note_rolled(sealed.clone(), shared.clock.monotonic());
        shared.segments.roll(sealed, active);
        if let Err(error) = self.take_snapshot(shared) {
            // An older one and more batches do as well.
            tracing::warn!(partition = %shared.topic_partition, %error, "no snapshot of the producers at this roll");
        }
        Ok(())
    }

    /// Appending may go on in the segment before, and then an empty one that begins in its midst would be
    /// taken for the end of the log.
    fn take_back_roll(&self, shared: &Shared) {
        let path = shared.home.path(self.next_offset, FileKind::Log);
        match shared.home.fs.remove_file(&path) {
            Err(e) if e.kind() != io::ErrorKind::NotFound => shared.poison(Arc::new(e)),
            _ => {}
        }
    }

    /// Writes the producers' state at the end of the log.
    pub(crate) fn take_snapshot(&self, shared: &Shared) -> Result<()> {
        let path = shared.home.path(self.next_offset, FileKind::Snapshot);
        let bytes = snapshot::encode(self.producers.entries());
        // Written in place: a snapshot that a crash tears fails its checksum and is passed over. One that
        // is there already may be all that is known of the producers, and is never torn.
        match shared.home.fs.open(&path, OpenMode::CreateNew) {
            Ok(file) => file.write_all_at(&bytes, 0).map_err(|e| Error::io("write", &path, e)),
            Err(e) if e.kind() == io::ErrorKind::AlreadyExists => {
                let same =
                    read_whole(&*shared.home.fs, &path).is_ok_and(|found| found.as_ref() == Some(&bytes));
                if same { Ok(()) } else { write_atomically(&*shared.home.fs, &path, &bytes) }
            }
            Err(e) => Err(Error::io("write", &path, e)),
        }
    }
}

fn incoming(placed: &[Placed], now_ms: i64) -> Incoming {
    Incoming {
        size_bytes: placed.iter().map(|placed| placed.batch.size_bytes as u64).sum(),
        last_offset: placed.last().map_or(Offset::ZERO, |placed| placed.batch.last_offset),
        max_timestamp_ms: placed.iter().map(|placed| placed.batch.max_timestamp_ms).max().unwrap_or(-1),
        now_ms,
    }
}

fn first_offset(
    batches: &[CheckedBatch<'_>],
    placed: &[Placed],
    origin: Origin,
    next_offset: Offset,
) -> Offset {
    match (origin, batches.first(), placed.first()) {
        (Origin::Replica, Some(first), Some(_)) => first.header.base_offset,
        _ => next_offset,
    }
}

/// A write that failed whole and was cut off again (a full disk) leaves the log usable; any other
/// failure leaves doubt about what the files hold.
fn poison_unless_rolled_back(shared: &Shared, error: &Error) {
    let harmless = matches!(error, Error::Io { action: "append to", .. }) && error.is_disk_full();
    if !harmless {
        poison(shared, error);
    }
}

fn poison(shared: &Shared, error: &Error) {
    if let Error::Io { source, .. } = error {
        shared.poison(source.clone());
    }
}

//! Step 2: where each key of the new part stands last (Kafka's `Cleaner.buildOffsetMap`).

use std::ops::ControlFlow;
use std::sync::Arc;

use ottla_record::{Head, each_key};

use super::choose::Cleanable;
use super::cleaner::Cleaner;
use super::halt::{Pass, unreadable};
use super::marks::Marks;
use super::offset_map::{KeyHash, MapLimits, OffsetMap, Put};
use super::round::Round;
use super::scan::{self, Batch, Next};
use super::transactions::Transactions;
use crate::append::marker_of;
use crate::error::Error;
use crate::offset::{Offset, Position};
use crate::read::aborted_between;
use crate::segment::Segment;

/// Keys that are hashed before the first of them is searched for.
const KEYS_AT_ONCE: usize = 256;
/// The part of the memory for keys that marks may take: each key has some records.
const MARKS_PART: usize = 16;

/// The newest offsets of the keys below `end_offset`.
#[derive(Debug)]
pub(super) struct KeyOffsets {
    pub map: OffsetMap,
    pub marks: Marks,
    /// Up to here every key was noted.
    pub end_offset: Offset,
    pub bytes_read: u64,
}

/// Reads the new part of the log until it ends or the map is full. Records of aborted transactions and
/// markers stand for no key.
pub(super) fn build(round: &Round<'_>, cleaner: &Cleaner, cleanable: &Cleanable) -> Pass<KeyOffsets> {
    let Cleanable { first_dirty_offset: start, first_uncleanable_offset: end, .. } = *cleanable;
    let keys = u64::try_from(end - start).unwrap_or(0);
    let MapLimits { buffer_bytes, load_factor } = cleaner.map_limits();
    let marks = Marks::new(start, keys, buffer_bytes / MARKS_PART);
    let limits = MapLimits { buffer_bytes: buffer_bytes - marks.size_bytes(), load_factor };
    let map = OffsetMap::new(limits, start, keys)
        .map_err(|e| Error::io("make a key for", &round.shared.home.dir, e))?;
    let mut transactions = Transactions::default();
    transactions.add(aborted_between(round.shared, start, end)?);
    let offsets = KeyOffsets { map, marks, end_offset: start, bytes_read: 0 };
    let mut reading =
        Reading { start, transactions, offsets, keys: Vec::with_capacity(KEYS_AT_ONCE), is_full: false };
    let segments = round.sealed_between(start, end);
    for (number, segment) in segments.iter().enumerate() {
        reading.take_segment(round, cleaner, segment)?;
        if reading.is_full {
            break;
        }
        // Offsets that no batch holds any more are done with too.
        let next = segments.get(number + 1).map_or(end, |next| next.base_offset());
        reading.offsets.end_offset = reading.offsets.end_offset.max(next.min(end));
    }
    Ok(reading.offsets)
}

struct Reading {
    start: Offset,
    transactions: Transactions,
    offsets: KeyOffsets,
    /// Keys that are not put into the map yet.
    keys: Vec<(KeyHash, Offset)>,
    is_full: bool,
}

impl Reading {
    fn take_segment(&mut self, round: &Round<'_>, cleaner: &Cleaner, segment: &Arc<Segment>) -> Pass<()> {
        let files = segment.files()?;
        let position = if segment.base_offset() < self.start {
            segment.floor_position(&files, self.start, segment.size_bytes()?)?
        } else {
            Position::ZERO
        };
        let limit = round.shared.config.load().max_decompressed_bytes;
        scan::each_batch(segment, position, cleaner.io_buffer_bytes(), |batch| {
            round.ensure_undisturbed()?;
            self.take_batch(&batch, limit).map_err(|e| unreadable(segment, batch.position, &e))?;
            self.offsets.bytes_read += batch.bytes.len() as u64;
            Ok(if self.is_full { Next::Nowhere } else { Next::Batch })
        })
    }

    fn take_batch(&mut self, batch: &Batch<'_>, limit: usize) -> Result<(), ottla_record::RecordError> {
        if let Head::V2(header) = &batch.head {
            if header.attributes.is_control() {
                self.transactions.on_control(header, marker_of(&batch.bytes)?);
                self.advance(batch.head.last_offset());
                return Ok(());
            }
            if self.transactions.on_records(header) {
                self.advance(batch.head.last_offset());
                return Ok(());
            }
            self.offsets.marks.begin_batch(header.base_offset);
            if header.attributes.is_transactional() {
                // Its marker stays for as long as some pass has met it.
                self.offsets.marks.must_be_met(header.base_offset);
            }
        }
        each_key(&batch.bytes, limit, |at| {
            if at.offset < self.start {
                return ControlFlow::Continue(());
            }
            self.offsets.marks.see(at.offset, at.key.is_none() || !at.has_value);
            let Some(key) = at.key else { return ControlFlow::Continue(()) };
            self.keys.push((self.offsets.map.hash(key), at.offset));
            if self.keys.len() < KEYS_AT_ONCE { ControlFlow::Continue(()) } else { self.put_keys() }
        })?;
        if self.put_keys().is_continue() && !self.is_full {
            self.offsets.marks.end_batch(batch.head.last_offset());
            self.advance(batch.head.last_offset());
        }
        Ok(())
    }

    /// Puts the keys that were gathered into the map, until it is full.
    fn put_keys(&mut self) -> ControlFlow<()> {
        let KeyOffsets { map, marks, .. } = &mut self.offsets;
        map.fetch(self.keys.iter().map(|(hash, _)| *hash));
        let mut no_room_for = None;
        for (hash, offset) in self.keys.drain(..) {
            match map.put(hash, offset) {
                Put::New => {}
                // Two records at one offset replace each other as little as one does itself.
                Put::Moved(before) if before < offset => marks.replace(before),
                Put::Moved(_) => {}
                Put::Full => {
                    no_room_for = Some(offset);
                    break;
                }
            }
        }
        let Some(offset) = no_room_for else { return ControlFlow::Continue(()) };
        self.fill_up(offset);
        ControlFlow::Break(())
    }

    /// There is no room for the key of the record at `offset`. The pass ends with the batch before, or, where
    /// that would be no progress at all, in the midst of this one.
    fn fill_up(&mut self, offset: Offset) {
        self.is_full = true;
        if self.offsets.end_offset <= self.start {
            self.offsets.end_offset = offset;
        }
    }

    fn advance(&mut self, last_offset: Offset) {
        if last_offset >= self.start {
            self.offsets.end_offset = self.offsets.end_offset.max(last_offset + 1);
        }
    }
}

use std::sync::Arc;

use ottla::Position;
use ottla::dir::{FileKind, read_whole};
use ottla::fs::{File, FileSystem, OpenMode};
use ottla::segment::{
    BatchScan, Entry, OffsetIndexEntry, ScanEnd, TimeIndexEntry, WalkEnd, next_whole_batch_of_any_magic,
};
use ottla_record::{Head, RecordError, decode};

use super::counts::Counts;
use super::distinct::Distinct;
use crate::error::{At, Result};
use crate::partition::{MAX_DECOMPRESSED_BYTES, SegmentFile, marker_of};
use crate::verify::IndexFile;

const BUFFER_BYTES: usize = 1 << 20;

/// Counts what is in one segment; keys go to `keys`.
///
/// # Errors
/// As the system reports it.
pub(super) fn count(
    fs: &dyn FileSystem,
    segment: &SegmentFile,
    keys: &mut Distinct,
    progress: &mut dyn FnMut(u64),
) -> Result<Counts> {
    let file = fs.open(&segment.path, OpenMode::Read).at("open", &segment.path)?;
    let size = file.len().at("look at", &segment.path)?;
    let counts = Counts { size_bytes: size, ..Counts::default() };
    let mut counting = Counting { segment, file, size, keys, counts, progress };
    counting.log()?;
    let mut counts = counting.counts;
    counts.index_entries = entries::<OffsetIndexEntry>(fs, segment, FileKind::Index);
    counts.time_index_entries = entries::<TimeIndexEntry>(fs, segment, FileKind::TimeIndex);
    Ok(counts)
}

/// The entries of an index; one that cannot be read has none, and `verify` tells of it.
fn entries<E: Entry>(fs: &dyn FileSystem, segment: &SegmentFile, kind: FileKind) -> u64 {
    let bytes = read_whole(fs, &segment.sibling(kind)).ok().flatten().unwrap_or_default();
    IndexFile::<E>::of(&bytes).entries.len() as u64
}

struct Counting<'a> {
    segment: &'a SegmentFile,
    file: Arc<dyn File>,
    size: u64,
    keys: &'a mut Distinct,
    counts: Counts,
    progress: &'a mut dyn FnMut(u64),
}

impl Counting<'_> {
    /// All whole batches, also behind damage.
    fn log(&mut self) -> Result<()> {
        let mut position = 0;
        loop {
            let stopped = self.batches_from(position)?;
            if stopped.end == WalkEnd::Clean {
                return Ok(());
            }
            let next = match stopped.end {
                WalkEnd::Zeros { .. } => None,
                _ => {
                    let base_offset = self.segment.base_offset;
                    next_whole_batch_of_any_magic(&*self.file, stopped.position, self.size, base_offset)
                        .at("read", &self.segment.path)?
                        .map(|next| u64::from(next.get()))
                }
            };
            let end = next.unwrap_or(self.size);
            self.counts.damaged_bytes += end - stopped.position;
            (self.progress)(end - stopped.position);
            match next {
                Some(next) => position = next,
                None => return Ok(()),
            }
        }
    }

    fn batches_from(&mut self, position: u64) -> Result<ScanEnd> {
        let path = &self.segment.path;
        let Ok(start) = u32::try_from(position).map(Position::new) else {
            return Ok(ScanEnd { position, end: WalkEnd::Zeros { bytes: self.size - position } });
        };
        let file = Arc::clone(&self.file);
        let mut scan = BatchScan::new(&*file, start, self.size, BUFFER_BYTES);
        let mut large = Vec::new();
        loop {
            let batch = match scan.step().at("read", path)? {
                Err(stopped) => return Ok(stopped),
                Ok(batch) => batch,
            };
            match batch.bytes {
                Some(bytes) => self.batch(&batch.head, bytes),
                None => {
                    // The scan has found the whole batch in the file, so its size is no mere claim.
                    large.resize(batch.head.size_bytes(), 0);
                    file.read_exact_at(&mut large, u64::from(batch.position.get())).at("read", path)?;
                    self.batch(&batch.head, &large);
                }
            }
        }
    }

    fn batch(&mut self, head: &Head, bytes: &[u8]) {
        let counts = &mut self.counts;
        counts.batches += 1;
        counts.sizes.add(bytes.len() as u64);
        let codec = head.compression().map_or("unknown", ottla_record::Compression::name);
        *counts.codecs.entry(codec).or_default() += 1;
        if let Some(producer) = head.producer() {
            counts.producers.add(&producer.producer_id.to_be_bytes());
        }
        if head.is_control() {
            counts.control_batches += 1;
            match marker_of(head, bytes) {
                Ok(Some(marker)) if marker.commit => counts.commits += 1,
                Ok(Some(_)) => counts.aborts += 1,
                Ok(None) => {}
                Err(_) => counts.unreadable_batches += 1,
            }
        } else {
            counts.transactional_batches += u64::from(head.is_transactional());
            if self.records(bytes).is_err() {
                self.counts.unreadable_batches += 1;
            }
        }
        (self.progress)(bytes.len() as u64);
    }

    fn records(&mut self, bytes: &[u8]) -> Result<(), RecordError> {
        let counts = &mut self.counts;
        for record in decode(bytes, MAX_DECOMPRESSED_BYTES)?.records() {
            let record = record?;
            counts.records += 1;
            counts.value_bytes += record.value.map_or(0, <[u8]>::len) as u64;
            match record.key {
                None => counts.null_keys += 1,
                Some(key) => {
                    counts.key_bytes += key.len() as u64;
                    counts.tombstones += u64::from(record.value.is_none());
                    self.keys.add(key);
                }
            }
            // Messages of magic 0 have no time.
            if record.timestamp_ms >= 0 {
                counts.note_time(record.timestamp_ms);
            }
        }
        Ok(())
    }
}

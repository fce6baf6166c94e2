//! What follows from the batches of a whole log: producers, aborted transactions, leader epochs.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use ottla::dir::{FileKind, FileName, LeaderEpochs};
use ottla::fs::{File, FileSystem, OpenMode};
use ottla::producer::{AbortedTxn, BatchStamp, Marker, ProducerEntry, ProducerState, snapshot};
use ottla::segment::{HeadWalk, Walked};
use ottla::{Offset, Position};
use ottla_record::Head;

use super::tail::first_offset;
use crate::error::{At, Result};
use crate::partition::{PartitionDir, SegmentFile, marker_of};
use crate::verify::may_be_of;

/// Control batches hold one tiny record.
const MAX_CONTROL_BATCH_BYTES: usize = 64 * 1024;

/// What a log says about itself.
#[derive(Debug, Default)]
pub(crate) struct Replay {
    /// The bytes of the snapshots that were asked for, by offset.
    pub(crate) snapshots: BTreeMap<Offset, Vec<u8>>,
    /// The entries of each segment's `.txnindex`, by base offset.
    pub(crate) aborted: BTreeMap<Offset, Vec<AbortedTxn>>,
    /// Where each epoch begins.
    pub(crate) epochs: LeaderEpochs,
}

impl Replay {
    /// Reads the heads of all batches. `known` are the producers at the first segment; `wanted` the offsets
    /// at which a snapshot is to be made.
    ///
    /// # Errors
    /// As the system reports it.
    pub(crate) fn of(
        fs: &dyn FileSystem,
        log: &PartitionDir,
        known: Vec<ProducerEntry>,
        wanted: &BTreeSet<Offset>,
    ) -> Result<Replay> {
        let start = log.segments.first().map_or(Offset::ZERO, |first| first.base_offset);
        let mut wanted = wanted.iter().copied().collect::<Vec<_>>();
        wanted.reverse();
        let state = ProducerState::from_entries(known, start, 0, i64::MAX);
        let log_start_offset = log.log_start_offset;
        let mut replaying = Replaying { state, wanted, log_start_offset, found: Replay::default() };
        for segment in &log.segments {
            replaying.segment(fs, segment)?;
        }
        replaying.take_snapshots_up_to(Offset::MAX);
        replaying.found.epochs.truncate_from_start(log.log_start_offset);
        Ok(replaying.found)
    }
}

struct Replaying {
    state: ProducerState,
    /// The last is the next.
    wanted: Vec<Offset>,
    log_start_offset: Offset,
    found: Replay,
}

impl Replaying {
    fn segment(&mut self, fs: &dyn FileSystem, segment: &SegmentFile) -> Result<()> {
        let path = &segment.path;
        let file = fs.open(path, OpenMode::Read).at("open", path)?;
        let size = file.len().at("look at", path)?;
        let mut walk = HeadWalk::new(&*file, Position::ZERO, size);
        while let Walked::Batch(position, head) = walk.step().at("read", path)? {
            self.batch(&*file, segment.base_offset, position, &head);
        }
        Ok(())
    }

    fn batch(&mut self, file: &dyn File, base_offset: Offset, position: Position, head: &Head) {
        self.take_snapshots_up_to(head.base_offset());
        // The first epoch that is left begins with the log, also where compaction took its first batches.
        let is_first = self.found.epochs.entries().is_empty();
        let first = first_offset(head);
        let start = if is_first { first.min(self.log_start_offset) } else { first };
        self.found.epochs.assign(head.leader_epoch(), start);
        let marker = if head.is_control() { marker_at(file, position, head) } else { None };
        let ended = BatchStamp::of(head, marker).and_then(|stamp| self.state.apply(&stamp));
        self.found
            .aborted
            .entry(base_offset)
            .or_default()
            .extend(ended.and_then(|ended| ended.index_entry()));
        self.state.advance_to(head.last_offset() + 1);
        self.state.on_high_watermark(head.last_offset() + 1);
    }

    fn take_snapshots_up_to(&mut self, offset: Offset) {
        while let Some(at) = self.wanted.pop_if(|at| *at <= offset) {
            self.found.snapshots.insert(at, snapshot::encode(&in_kafkas_order(self.state.entries())));
        }
    }
}

/// A marker that cannot be read ends nothing; verification tells about it.
fn marker_at(file: &dyn File, position: Position, head: &Head) -> Option<Marker> {
    let size = Some(head.size_bytes()).filter(|size| *size <= MAX_CONTROL_BATCH_BYTES)?;
    let mut batch = vec![0; size];
    file.read_exact_at(&mut batch, u64::from(position.get())).ok()?;
    marker_of(head, &batch).ok().flatten()
}

/// Kafka writes producers as its hash map of their ids gives them out: by bucket, and in a bucket as they
/// came. The map has sixteen buckets, and twice as many whenever three quarters of them would be exceeded.
fn in_kafkas_order(entries: &[ProducerEntry]) -> Vec<ProducerEntry> {
    let mut buckets: u32 = 16;
    while entries.len() as u64 * 4 > u64::from(buckets) * 3 && buckets < 1 << 30 {
        buckets *= 2;
    }
    let bucket = |entry: &ProducerEntry| {
        let id = entry.producer_id as u64;
        let hash = (id ^ (id >> 32)) as u32;
        (hash ^ (hash >> 16)) & (buckets - 1)
    };
    let mut ordered = entries.to_vec();
    ordered.sort_by_key(bucket);
    ordered
}

/// The producers that a snapshot at the first segment knew, where there is one that can be read and believed.
pub(crate) fn known_at_start(fs: &dyn FileSystem, dir: &Path, log: &PartitionDir) -> Vec<ProducerEntry> {
    let Some(first) = log.segments.first() else { return Vec::new() };
    let path = FileName::new(first.base_offset, FileKind::Snapshot).in_dir(dir);
    let known = snapshot::read(fs, &path).ok().filter(|known| may_be_of(first.base_offset, known));
    known.unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn producers_come_in_the_order_of_kafkas_hash_map() {
        let order = |ids: &[i64]| -> Vec<i64> {
            let entries: Vec<_> = ids.iter().map(|id| ProducerEntry::new(*id)).collect();
            in_kafkas_order(&entries).iter().map(|entry| entry.producer_id).collect()
        };
        assert_eq!(order(&[1002, 1000, 1001]), [1000, 1001, 1002]);
        assert_eq!(order(&[17, 1, 16]), [16, 17, 1]);
        // Thirteen make the map grow to thirty-two buckets.
        let many: Vec<i64> = (10..23).rev().collect();
        assert_eq!(order(&many), (10..23).collect::<Vec<_>>());
    }
}

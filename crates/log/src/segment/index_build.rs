use std::io;

use ottla_record::Head;

use super::careful::lies_behind_gap;
use super::head_walk::{HeadWalk, Walked};
use super::index::Entry;
use super::offset_index::OffsetIndexEntry;
use super::time_index::TimeIndexEntry;
use super::walk_end::WalkEnd;
use crate::fs::File;
use crate::offset::{Offset, Position, TimestampOffset};

/// Decides which batches get an index entry. Appending and rebuilding both ask it, so an index that is
/// rebuilt from the log is the index that appending wrote (Kafka's `LogSegment.append` and `recover`).
///
/// The rule: a batch gets an entry once more than `index.interval.bytes` were appended since the last
/// batch that got one, itself not counted; with it goes a time-index entry where the largest timestamp
/// has grown since the last one.
#[derive(Clone, Debug)]
pub(crate) struct IndexBuilder {
    base_offset: Offset,
    interval_bytes: u64,
    bytes_since_entry: u64,
    max_timestamp: TimestampOffset,
    last_time_entry_ms: i64,
}

impl IndexBuilder {
    /// A builder for a segment without entries.
    pub(crate) fn new(base_offset: Offset, interval_bytes: u32) -> IndexBuilder {
        IndexBuilder {
            base_offset,
            interval_bytes: u64::from(interval_bytes),
            bytes_since_entry: 0,
            max_timestamp: TimestampOffset { timestamp_ms: -1, offset: base_offset },
            last_time_entry_ms: -1,
        }
    }

    /// A builder that goes on behind the last time-index entry there is.
    pub(crate) fn resume(
        base_offset: Offset,
        interval_bytes: u32,
        last: Option<TimeIndexEntry>,
    ) -> IndexBuilder {
        let mut builder = IndexBuilder::new(base_offset, interval_bytes);
        if let Some(last) = last {
            builder.max_timestamp =
                TimestampOffset { timestamp_ms: last.timestamp_ms, offset: last.offset(base_offset) };
            builder.last_time_entry_ms = last.timestamp_ms;
        }
        builder
    }

    /// The largest timestamp so far, and the last offset of the first batch that carries it.
    pub(crate) fn max_timestamp(&self) -> TimestampOffset {
        self.max_timestamp
    }

    pub(crate) fn set_interval_bytes(&mut self, interval_bytes: u32) {
        self.interval_bytes = u64::from(interval_bytes);
    }

    /// Takes one batch, in the order of the file, and tells which entries it gets.
    pub(crate) fn observe(
        &mut self,
        last_offset: Offset,
        max_timestamp_ms: i64,
        position: Position,
        size_bytes: usize,
    ) -> (Option<OffsetIndexEntry>, Option<TimeIndexEntry>) {
        if max_timestamp_ms > self.max_timestamp.timestamp_ms {
            self.max_timestamp = TimestampOffset { timestamp_ms: max_timestamp_ms, offset: last_offset };
        }
        let mut entries = (None, None);
        if self.bytes_since_entry > self.interval_bytes {
            entries = (Some(self.offset_entry(last_offset, position)), self.time_entry());
            self.bytes_since_entry = 0;
        }
        self.bytes_since_entry += size_bytes as u64;
        entries
    }

    /// Takes bytes that no batch stands for any more: what was there counted towards the interval.
    pub(crate) fn pass_over(&mut self, bytes: u64) {
        self.bytes_since_entry += bytes;
    }

    /// Whether [`IndexBuilder::close`] has an entry to give.
    pub(crate) fn lacks_last_entry(&self) -> bool {
        self.max_timestamp.timestamp_ms > self.last_time_entry_ms
    }

    /// The last time-index entry, due when the segment is closed.
    pub(crate) fn close(&mut self) -> Option<TimeIndexEntry> {
        self.time_entry()
    }

    fn offset_entry(&self, last_offset: Offset, position: Position) -> OffsetIndexEntry {
        OffsetIndexEntry { relative_offset: self.relative(last_offset), position }
    }

    fn time_entry(&mut self) -> Option<TimeIndexEntry> {
        let TimestampOffset { timestamp_ms, offset } = self.max_timestamp;
        if timestamp_ms <= self.last_time_entry_ms {
            return None;
        }
        self.last_time_entry_ms = timestamp_ms;
        Some(TimeIndexEntry { timestamp_ms, relative_offset: self.relative(offset) })
    }

    fn relative(&self, offset: Offset) -> u32 {
        // Rolling keeps offsets within i32 of the base.
        u32::try_from(offset - self.base_offset).unwrap_or(u32::MAX)
    }
}

/// Both indexes of a segment, built from its `.log` file alone.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct BuiltIndexes {
    /// The bytes of the `.index` file.
    pub offset_index: Vec<u8>,
    /// The bytes of the `.timeindex` file.
    pub time_index: Vec<u8>,
}

impl BuiltIndexes {
    /// Builds the indexes that Kafka would have for the whole batches in the first `end` bytes of a
    /// closed segment, and tells how they end: [`WalkEnd::Clean`], or what the first bytes are that are no
    /// batch. Batches behind those get their entries all the same. Only heads are read.
    ///
    /// # Errors
    /// As the file system reports it.
    pub fn from_log(
        file: &dyn File,
        base_offset: Offset,
        end: u64,
        index_interval_bytes: u32,
    ) -> io::Result<(BuiltIndexes, WalkEnd)> {
        let mut built = BuiltIndexes::default();
        let mut builder = IndexBuilder::new(base_offset, index_interval_bytes);
        let mut walk = HeadWalk::new(file, Position::ZERO, end);
        let (mut next_offset, mut stopped) = (base_offset, None);
        let mut last = None;
        loop {
            let walked = walk.step()?;
            let behind = if let Walked::Batch(_, head) = &walked { Some(head.base_offset()) } else { None };
            if let Some((position, head)) = last.take() {
                built.take_in_order(&mut builder, position, &head, &mut next_offset, behind);
            }
            match walked {
                Walked::Batch(position, head) => last = Some((position, head)),
                Walked::End(WalkEnd::Clean) => break,
                Walked::End(damage) => {
                    stopped.get_or_insert(damage);
                    let damaged_from = walk.position();
                    if !walk.skip_damage(next_offset)? {
                        break;
                    }
                    builder.pass_over(walk.position() - damaged_from);
                }
            }
        }
        let stopped = stopped.unwrap_or(WalkEnd::Clean);
        if let Some(entry) = builder.close() {
            entry.encode(&mut built.time_index);
        }
        Ok((built, stopped))
    }

    /// Takes a batch in whose offsets fit between those of its neighbours: an entry would bear out one that lies.
    fn take_in_order(
        &mut self,
        builder: &mut IndexBuilder,
        position: Position,
        head: &Head,
        next_offset: &mut Offset,
        behind: Option<Offset>,
    ) {
        let lies = behind.is_some_and(|behind| lies_behind_gap(head, *next_offset, behind));
        if head.base_offset() < *next_offset || lies {
            builder.pass_over(head.size_bytes() as u64);
        } else {
            *next_offset = head.last_offset() + 1;
            self.take(builder, position, head);
        }
    }

    fn take(&mut self, builder: &mut IndexBuilder, position: Position, head: &Head) {
        let (offset_entry, time_entry) =
            builder.observe(head.last_offset(), head.max_timestamp_ms(), position, head.size_bytes());
        if let Some(entry) = offset_entry {
            entry.encode(&mut self.offset_index);
        }
        if let Some(entry) = time_entry {
            entry.encode(&mut self.time_index);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const BASE: Offset = Offset::new(100);

    /// Takes a batch of ten bytes with this last offset and timestamp; tells the entries that it gets.
    fn take(builder: &mut IndexBuilder, last: i64, time: i64) -> (Option<u32>, Option<(i64, u32)>) {
        let (offset, time) = builder.observe(BASE + last, time, Position::new(last as u32), 10);
        assert!(offset.is_none_or(|entry| entry.position == Position::new(last as u32)));
        let time = time.map(|entry| (entry.timestamp_ms, entry.relative_offset));
        (offset.map(|entry| entry.relative_offset), time)
    }

    #[test]
    fn an_entry_comes_once_more_than_the_interval_was_appended() {
        let mut builder = IndexBuilder::new(BASE, 20);
        let entries: Vec<_> = (0..9).filter(|last| take(&mut builder, *last, -1).0.is_some()).collect();
        assert_eq!(entries, [3, 6], "thirty bytes are the first that are more than twenty");
        builder.set_interval_bytes(9);
        let entries: Vec<_> = (9..12).filter(|last| take(&mut builder, *last, -1).0.is_some()).collect();
        assert_eq!(entries, [9, 10, 11]);
    }

    #[test]
    fn bytes_that_are_no_batch_count_too() {
        let mut builder = IndexBuilder::new(BASE, 20);
        assert_eq!(take(&mut builder, 0, -1), (None, None));
        builder.pass_over(11);
        assert_eq!(take(&mut builder, 1, -1), (Some(1), None));
        builder.pass_over(10);
        assert_eq!(take(&mut builder, 2, -1), (None, None), "ten and ten are not more");
        assert_eq!(take(&mut builder, 3, -1), (Some(3), None));
    }

    #[test]
    fn a_time_entry_names_the_first_batch_with_the_largest_timestamp_and_comes_once() {
        let mut builder = IndexBuilder::new(BASE, 0);
        assert!(!builder.lacks_last_entry() && builder.close().is_none());
        for (last, time, entry) in [
            (0, 5, None),
            (1, 5, Some((5, 0))),
            (2, 5, None),
            (3, 4, None),
            (4, 9, Some((9, 4))),
            (5, 9, None),
        ] {
            assert_eq!(take(&mut builder, last, time).1, entry, "{last}");
            assert_eq!(builder.lacks_last_entry(), last == 0, "{last}");
        }
        assert_eq!(builder.max_timestamp(), TimestampOffset { timestamp_ms: 9, offset: BASE + 4 });
        assert!(builder.close().is_none());
        let resumed =
            IndexBuilder::resume(BASE, 0, Some(TimeIndexEntry { timestamp_ms: 9, relative_offset: 4 }));
        assert!(!resumed.lacks_last_entry() && resumed.max_timestamp() == builder.max_timestamp());
    }
}

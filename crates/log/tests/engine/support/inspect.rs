use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use ottla::dir::{FileKind, FileName};
use ottla::fs::{FileSystem, OpenMode};
use ottla::segment::{BatchScan, Entry, IndexView, OffsetIndexEntry, TimeIndexEntry, WalkEnd};
use ottla::{Error, Isolation, Log, Offset, Position};
use ottla_record::{BatchBuilder, Head};
use ottla_testkit::SimFs;

use super::{DIR, History, Reference, batch};

/// What a log holds, read in every way there is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Found {
    pub start: Offset,
    pub end: Offset,
    /// `None` stands for a control record.
    pub records: Vec<(Offset, Option<String>)>,
}

/// Reads a log from start to end and checks that everything about it agrees.
pub(crate) fn inspect(fs: &SimFs, log: &Log) -> Found {
    let (start, end) = (log.log_start_offset(), log.log_end_offset());
    assert!(start <= end && log.high_watermark() == end);
    assert!(log.recovery_point() <= end && log.durable_offset() <= end);
    let mut reference = Reference::default();
    let mut records = Vec::new();
    let mut next = start;
    while next < end {
        let batches = log.read_batches(next, 700, Isolation::ReadUncommitted).unwrap();
        assert!(!batches.is_empty(), "nothing at {next} of {end}");
        for decoded in batches.decoded() {
            let decoded = decoded.unwrap();
            assert_eq!(
                decoded.head().last_offset() + 1,
                decoded.head().base_offset() + decoded.records().count() as i64
            );
            let control = decoded.head().is_control();
            for record in decoded.records().map(Result::unwrap).filter(|record| record.offset >= next) {
                let value = record.value.map(|value| String::from_utf8_lossy(value).into_owned());
                records.push((record.offset, value.filter(|_| !control)));
            }
            reference.take(&decoded);
        }
        assert!(batches.next_offset() > next);
        next = batches.next_offset();
    }
    assert_eq!(next, end);
    let offsets: Vec<i64> = records.iter().map(|(offset, _)| offset.get()).collect();
    assert_eq!(offsets, (start.get()..end.get()).collect::<Vec<_>>(), "a hole or a repetition");
    if start == Offset::ZERO {
        assert_eq!(log.last_stable_offset(), reference.last_stable_offset().unwrap_or(end));
        assert_eq!(committed(log), reference.committed(), "committed reads");
        check_txn_indexes(fs, log, &reference);
    }
    check_lookups(log, &records);
    check_segments(fs, log);
    Found { start, end, records }
}

fn committed(log: &Log) -> Vec<(Offset, String)> {
    values_between(log, log.log_start_offset(), log.last_stable_offset(), Isolation::ReadCommitted)
}

pub(crate) fn values_between(
    log: &Log,
    start: Offset,
    end: Offset,
    isolation: Isolation,
) -> Vec<(Offset, String)> {
    let mut values = Vec::new();
    let mut next = start;
    while next < end {
        let batches = log.read_batches(next, 500, isolation).unwrap();
        assert!(batches.next_offset() > next, "stuck at {next} of {end}");
        batches
            .for_each_record(|record| {
                let value = record.value.unwrap_or_default();
                values.push((record.offset, String::from_utf8_lossy(value).into_owned()));
                Ok(())
            })
            .unwrap();
        next = batches.next_offset();
    }
    values
}

/// The values of these tests are their timestamps' order.
fn check_lookups(log: &Log, records: &[(Offset, Option<String>)]) {
    let data = || records.iter().filter_map(|(offset, value)| Some((*offset, value.as_ref()?)));
    for (offset, value) in data().step_by(7) {
        let timestamp_ms = super::NOW_MS + value.parse::<i64>().unwrap();
        let found = log.offset_for_timestamp(timestamp_ms).unwrap().expect("a record of that time");
        assert_eq!((found.offset, found.timestamp_ms), (offset, timestamp_ms));
    }
    let last = data().next_back().map(|(offset, _)| offset);
    let found = log.max_timestamp().unwrap().map(|found| found.offset);
    assert!(last.is_none() || found == last, "the largest timestamp is at {last:?}, not at {found:?}");
}

/// Every byte of every segment belongs to a whole batch, and every index entry points at one.
fn check_segments(fs: &SimFs, log: &Log) {
    let bases = log.segment_base_offsets();
    let mut size = 0;
    for (number, base) in bases.iter().enumerate() {
        let batches = scan(fs, *base);
        let last = number + 1 == bases.len();
        let end = if last { log.log_end_offset() } else { bases[number + 1] };
        let found_end = batches.last().map_or(*base, |(_, head)| head.last_offset() + 1);
        assert!(
            found_end == end || found_end < log.log_start_offset(),
            "segment {base} ends at {found_end}, not {end}"
        );
        size += fs.metadata(&path(*base, FileKind::Log)).unwrap().len;
        check_offset_index(fs, *base, &batches);
        check_time_index(fs, *base, &batches);
    }
    assert_eq!(log.size_bytes().unwrap(), size);
}

fn scan(fs: &SimFs, base: Offset) -> Vec<(Position, Head)> {
    let file = fs.open(&path(base, FileKind::Log), OpenMode::Read).unwrap();
    let mut scan = BatchScan::new(&*file, Position::ZERO, file.len().unwrap(), 1 << 16);
    let mut batches = Vec::new();
    loop {
        match scan.step().unwrap() {
            Ok(batch) => batches.push((batch.position, batch.head)),
            Err(stopped) => {
                assert_eq!(stopped.end, WalkEnd::Clean, "segment {base} at {}", stopped.position);
                return batches;
            }
        }
    }
}

fn entries<E: Entry>(fs: &SimFs, base: Offset, kind: FileKind) -> Vec<E> {
    let index = IndexView::<E>::open(fs, &path(base, kind)).unwrap().expect("both indexes are there");
    index.iter().map(Result::unwrap).collect()
}

fn check_offset_index(fs: &SimFs, base: Offset, batches: &[(Position, Head)]) {
    let by_position: BTreeMap<_, _> = batches.iter().map(|(p, head)| (*p, head.last_offset())).collect();
    for entry in entries::<OffsetIndexEntry>(fs, base, FileKind::Index) {
        assert_eq!(by_position.get(&entry.position), Some(&entry.offset(base)), "index of {base}: {entry:?}");
    }
}

fn check_time_index(fs: &SimFs, base: Offset, batches: &[(Position, Head)]) {
    let mut before = -1;
    for entry in entries::<TimeIndexEntry>(fs, base, FileKind::TimeIndex) {
        let up_to = batches.iter().filter(|(_, head)| head.last_offset() <= entry.offset(base));
        let newest = up_to.map(|(_, head)| head.max_timestamp_ms()).max();
        assert_eq!(newest, Some(entry.timestamp_ms), "time index of {base}: {entry:?}");
        assert!(entry.timestamp_ms > before, "time index of {base} is not in order");
        before = entry.timestamp_ms;
    }
}

fn check_txn_indexes(fs: &SimFs, log: &Log, reference: &Reference) {
    let bases = log.segment_base_offsets();
    for (number, base) in bases.iter().enumerate() {
        let end = bases.get(number + 1).copied().unwrap_or(log.log_end_offset());
        let path = path(*base, FileKind::TxnIndex);
        let found = fs.image().read(&path).unwrap_or_default().to_vec();
        assert_eq!(found, reference.txn_index(*base, end), "{}", path.display());
    }
}

pub(crate) fn path(base: Offset, kind: FileKind) -> PathBuf {
    FileName::new(base, kind).in_dir(Path::new(DIR))
}

pub(crate) fn log_path(base: Offset) -> PathBuf {
    path(base, FileKind::Log)
}

/// The last batch of each producer is known again, and a gap is still a gap.
pub(crate) fn check_producers(log: &Log, history: &History) {
    let ids: BTreeSet<i64> = history.sent.iter().map(|sent| sent.producer_id).collect();
    for id in ids {
        let last = history.sent.iter().rfind(|sent| sent.producer_id == id).unwrap();
        let repeated = log.append(&last.bytes).unwrap();
        assert!(repeated.duplicate, "producer {id} repeats a batch and it is taken for new");
        assert_eq!((repeated.base_offset, repeated.last_offset), (last.base_offset, last.last_offset));
        let gap = BatchBuilder::new().producer(id, last.producer_epoch, last.next_sequence + 50);
        let refused = log.append(&batch(gap, &["1"], 0));
        assert!(matches!(refused, Err(Error::OutOfOrderSequence { .. })), "{refused:?}");
    }
}

//! Records of aborted transactions go, and a marker goes once nothing of its transaction is left.

use std::path::Path;

use ottla::dir::{FileKind, FileName, Suffix};
use ottla::{Isolation, LogConfig};
use ottla_record::BatchBuilder;
use ottla_testkit::SimFs;

use crate::support::{DIR, Partition, Seen, check_files, config, open, path, records, seen};

fn large() -> LogConfig {
    LogConfig { segment_bytes: 4_000, ..config() }
}

fn put_in_transaction(
    partition: &Partition,
    producer_id: i64,
    sequence: i32,
    key: &str,
    value: &'static str,
) -> i64 {
    let builder = BatchBuilder::new().producer(producer_id, 0, sequence).transactional(true);
    partition.put_all(builder, &[(key, Some(value))]).base_offset.get()
}

fn control_batches(partition: &Partition) -> usize {
    partition.heads().iter().filter(|head| head.is_control()).count()
}

/// Another producer's record, so that the last batch of this one is not the last of anybody.
fn forget_producers(partition: &Partition) {
    partition.advance(LogConfig::default().producer_id_expiration_ms as u64 + 1);
    partition.log.expire_producers();
}

#[test]
fn records_of_a_committed_transaction_are_compacted_as_any_other() {
    let partition = Partition::with(large());
    put_in_transaction(&partition, 1, 0, "felice", "one");
    partition.end_transaction(1, true);
    put_in_transaction(&partition, 1, 1, "felice", "two");
    partition.end_transaction(1, true);
    partition.roll();
    partition.compact().unwrap();
    assert_eq!(partition.records(), [seen(2, "felice", "two")]);
    assert_eq!(partition.committed(), [seen(2, "felice", "two")]);
    check_files(&partition.fs, &partition.log);
}

#[test]
fn records_of_an_aborted_transaction_go_and_replace_nothing() {
    let partition = Partition::with(large());
    partition.put("felice", "kept");
    put_in_transaction(&partition, 1, 0, "felice", "aborted");
    put_in_transaction(&partition, 1, 1, "milena", "aborted");
    partition.end_transaction(1, false);
    partition.roll();
    let done = partition.compact().unwrap();
    assert_eq!(partition.records(), [seen(0, "felice", "kept")]);
    assert_eq!(done.markers_kept, 1, "who reads the old segment still needs it");
    check_files(&partition.fs, &partition.log);
}

#[test]
fn a_marker_goes_once_nothing_of_its_transaction_is_left_and_its_time_has_come() {
    for commit in [true, false] {
        let partition = Partition::with(large());
        put_in_transaction(&partition, 1, 0, "felice", "one");
        partition.end_transaction(1, commit);
        partition.put("felice", "two");
        partition.roll();
        forget_producers(&partition);
        partition.compact().unwrap();
        assert_eq!(control_batches(&partition), 1, "its records went in this pass");
        partition.roll();
        partition.compact().unwrap();
        assert_eq!(control_batches(&partition), 1, "it gets its time with this pass");
        partition.advance(999);
        partition.roll();
        partition.compact().unwrap();
        assert_eq!(control_batches(&partition), 1, "its time has not come");
        partition.advance(1);
        partition.roll();
        partition.compact().unwrap();
        assert_eq!(control_batches(&partition), 0);
        assert_eq!(partition.committed(), [seen(2, "felice", "two")]);
        check_files(&partition.fs, &partition.log);
    }
}

#[test]
fn a_marker_stays_while_a_record_of_its_transaction_does() {
    let partition = Partition::with(large());
    put_in_transaction(&partition, 1, 0, "felice", "one");
    put_in_transaction(&partition, 1, 1, "milena", "one");
    partition.end_transaction(1, true);
    partition.put("felice", "two");
    partition.roll();
    forget_producers(&partition);
    for _ in 0..4 {
        partition.compact();
        partition.advance(5_000);
        partition.roll();
    }
    assert_eq!(control_batches(&partition), 1);
    assert_eq!(partition.committed(), [seen(1, "milena", "one"), seen(3, "felice", "two")]);
}

#[test]
fn nothing_behind_an_open_transaction_is_touched() {
    let partition = Partition::new();
    partition.put("felice", "one");
    partition.put("felice", "two");
    partition.roll();
    put_in_transaction(&partition, 1, 0, "julie", "open");
    partition.put("felice", "three");
    partition.roll();
    let done = partition.compact().unwrap();
    assert_eq!(done.first_dirty_offset.get(), 2);
    let offsets: Vec<i64> = partition.records().iter().map(|(offset, ..)| *offset).collect();
    assert_eq!(offsets, [1, 3, 4]);
    partition.end_transaction(1, true);
    partition.roll();
    partition.compact().unwrap();
    assert_eq!(partition.records(), [seen(3, "julie", "open"), seen(4, "felice", "three")]);
    check_files(&partition.fs, &partition.log);
}

#[test]
fn a_transaction_may_span_segments() {
    for commit in [true, false] {
        let mut partition = Partition::new();
        for sequence in 0..8 {
            put_in_transaction(&partition, 1, sequence, ["felice", "milena"][sequence as usize % 2], "in");
            partition.put("ottla", "out");
        }
        partition.end_transaction(1, commit);
        partition.roll();
        assert!(partition.log.segment_base_offsets().len() > 4);
        partition.compact().unwrap();
        let aborted = [seen(15, "ottla", "out")];
        let committed = [seen(12, "felice", "in"), seen(14, "milena", "in"), seen(15, "ottla", "out")];
        let left: &[Seen] = if commit { &committed } else { &aborted };
        assert_eq!(partition.committed(), left);
        check_files(&partition.fs, &partition.log);
        partition.kill();
        assert_eq!(partition.committed(), left);
        assert_eq!(partition.log.last_stable_offset(), partition.log.log_end_offset());
    }
}

#[test]
fn a_committed_reader_sees_no_aborted_record_while_only_a_part_is_compacted() {
    let partition = Partition::new();
    put_in_transaction(&partition, 1, 0, "felice", "aborted");
    partition.put("milena", "one");
    partition.roll();
    put_in_transaction(&partition, 1, 1, "felice", "aborted");
    partition.end_transaction(1, false);
    partition.put("milena", "two");
    // The marker stands in the active segment.
    partition.compact().unwrap();
    let committed = partition.committed();
    assert!(committed.iter().all(|(_, _, value)| value.as_deref() != Some("aborted")), "{committed:?}");
    check_files(&partition.fs, &partition.log);
}

/// A segment that was split, or written by another cleaner, may be swapped in with records of aborted
/// transactions. Where its `.txnindex.swap` was lost they would pass for committed.
#[test]
fn a_segment_that_is_swapped_in_without_its_transaction_index_gets_one() {
    for clean in [true, false] {
        let partition = Partition::new();
        put_in_transaction(&partition, 4, 0, "hidden", "x");
        partition.put("felice", "one");
        partition.end_transaction(4, false);
        partition.roll();
        let before = partition.committed();
        let base = partition.log.segment_base_offsets()[0];
        if clean {
            partition.log.close().unwrap()
        } else {
            partition.log.flush().unwrap()
        }
        let mut image = partition.fs.image();
        let index = image.read(path(base, FileKind::TxnIndex)).unwrap().to_vec();
        for kind in [FileKind::Log, FileKind::Index, FileKind::TimeIndex] {
            let bytes = image.read(path(base, kind)).unwrap().to_vec();
            assert!(image.remove(path(base, kind)));
            let name = FileName::new(base, kind).with_suffix(Some(Suffix::Swap));
            image.put(name.in_dir(Path::new(DIR)), bytes);
        }
        assert!(image.remove(path(base, FileKind::TxnIndex)));
        let fs = SimFs::from_image(&image);
        let (log, report) = open(&fs, &partition.clock, &config()).unwrap();
        assert_eq!(records(&log, Isolation::ReadCommitted), before, "clean {clean}");
        assert_eq!(fs.image().read(path(base, FileKind::TxnIndex)), Some(&index[..]), "clean {clean}");
        assert_eq!(report.rebuilt_indexes, [path(base, FileKind::TxnIndex)], "clean {clean}");
    }
}

//! The disk cannot read an index any more.
//!
//! **Fault model.** Every read of one index file fails, of a sealed segment or of the active one, in the process that wrote
//! it and after opening. **What must hold**: a look-up answers right, or tells that this file cannot be read; the log is not
//! poisoned by that: it takes records, rolls and syncs; once the file can be read again, every look-up answers.
//!
//! Indexes were mapped once: then the first look at such a page ended the process.

use std::path::Path;

use ottla::dir::{FileKind, FileName};
use ottla::{Error, Isolation, Log, LogConfig, Offset, Result};
use ottla_record::BatchBuilder;
use ottla_testkit::{Call, Fault, Repeat, SimFs};

use crate::support::{DIR, NOW_MS, batch, open};

/// Each batch has an entry, and each segment more than one block of them.
fn config() -> LogConfig {
    LogConfig { segment_bytes: 90_000, index_interval_bytes: 1, ..LogConfig::default() }
}

/// Record number `n` has offset `n` and a time of its own.
fn append(log: &Log, count: i64) {
    for _ in 0..count {
        let number = log.log_end_offset().get();
        let bytes = batch(BatchBuilder::new(), &[format!("{number:060}")], number);
        assert_eq!(log.append(&bytes).unwrap().base_offset, Offset::new(number));
    }
}

/// Leaves the active segment with so many entries that a block of them is in its files.
fn fill_active_segment(log: &Log) {
    let segments = log.segment_base_offsets().len();
    while log.segment_base_offsets().len() == segments {
        append(log, 1);
    }
    append(log, 600);
}

/// Looks for records by offset and by time. How many look-ups told that `unreadable` cannot be read; the others
/// answered right.
fn look_everywhere(log: &Log, unreadable: Option<&Path>) -> usize {
    let mut told = 0;
    let mut check = |found: Result<Offset>, expected: Offset| match found {
        Ok(found) => assert_eq!(found, expected),
        Err(Error::Io { path, source, .. }) if Some(&*path) == unreadable => {
            assert_eq!(source.raw_os_error(), Fault::EIO.raw_os_error());
            told += 1;
        }
        Err(e) => panic!("{e}, where {unreadable:?} cannot be read"),
    };
    for number in (0..log.log_end_offset().get()).step_by(101) {
        let offset = Offset::new(number);
        let read = log.read_batches(offset, 1, Isolation::ReadUncommitted);
        check(read.map(|batches| batches.next_offset()), offset + 1);
        let at = log.offset_for_timestamp(NOW_MS + number);
        check(at.map(|found| found.unwrap().offset), offset);
    }
    check(log.max_timestamp().map(|found| found.unwrap().offset), log.log_end_offset() - 1);
    told
}

fn lose_index(fs: &SimFs, log: &Log, base: Offset, kind: FileKind) {
    let path = FileName::new(base, kind).in_dir(Path::new(DIR));
    fs.fail_only_under(&path);
    fs.fail_nth(Call::Read, 1, Fault::EIO, Repeat::Always);
    assert!(look_everywhere(log, Some(&path)) > 0, "{}", path.display());
    fill_active_segment(log);
    log.sync_to(log.log_end_offset()).unwrap();
    log.flush().unwrap();
    fs.clear_faults();
    assert_eq!(look_everywhere(log, None), 0);
}

fn lose_first_and_last(fs: &SimFs, log: &Log, kind: FileKind) {
    let (first, last) = (log.log_start_offset(), *log.segment_base_offsets().last().unwrap());
    // The last one first: it is rolled meanwhile.
    lose_index(fs, log, last, kind);
    lose_index(fs, log, first, kind);
}

#[test]
fn an_index_that_cannot_be_read_is_an_error_of_the_look_up_and_of_nothing_else() {
    for kind in [FileKind::Index, FileKind::TimeIndex] {
        let fs = SimFs::new();
        let (log, _) = open(&fs, &config()).unwrap();
        fill_active_segment(&log);
        lose_first_and_last(&fs, &log, kind);
        log.close().unwrap();
        let (log, report) = open(&fs, &config()).unwrap();
        assert!(report.is_uneventful(), "{report:?}");
        lose_first_and_last(&fs, &log, kind);
        log.close().unwrap();
    }
}

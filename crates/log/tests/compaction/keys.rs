//! The newest record of each key stays, at its offset.

use std::collections::BTreeMap;

use ottla::{Cleaner, CleanerConfig, Error, Isolation, LogConfig, Offset};
use ottla_record::{BatchBuilder, Compression};

use crate::support::{Partition, check_built_indexes, check_files, cleaner, config, latest, records, seen};

#[test]
fn the_newest_record_of_each_key_stays_at_its_offset() {
    let partition = Partition::new();
    partition.put("felice", "one");
    partition.put("milena", "two");
    partition.put("felice", "three");
    partition.put("milena", "four");
    partition.put("ottla", "five");
    partition.roll();
    let done = partition.compact().expect("there was something to compact");
    assert_eq!(
        partition.records(),
        [seen(2, "felice", "three"), seen(3, "milena", "four"), seen(4, "ottla", "five")]
    );
    assert_eq!((done.records_read, done.records_kept, done.keys), (5, 3, 3));
    assert_eq!((done.first_dirty_offset_before.get(), done.first_dirty_offset.get()), (0, 5));
    assert_eq!(partition.cleaner_point(), Some(5));
    check_files(&partition.fs, &partition.log);
}

#[test]
fn a_log_without_anything_new_is_not_compacted_again() {
    let partition = Partition::new();
    partition.put("felice", "one");
    assert!(partition.compact().is_none(), "the active segment is never touched");
    partition.roll();
    assert!(partition.compact().is_some());
    let changes = partition.fs.mutations();
    assert!(partition.compact().is_none());
    assert_eq!(partition.fs.mutations(), changes);
}

#[test]
fn records_of_many_segments_are_merged_into_few() {
    let partition = Partition::new();
    for round in 0..20 {
        for key in ["felice", "milena", "julie"] {
            partition.put(key, ["a", "b", "c", "d"][round % 4]);
        }
    }
    partition.roll();
    let before = partition.log.segment_base_offsets().len();
    let expected = latest(&partition.records());
    let done = partition.compact().unwrap();
    // As many as fit by the sizes they had, so that no segment can get too large.
    assert!(partition.log.segment_base_offsets().len() <= before);
    assert_eq!(done.segments_read, before - 1);
    assert_eq!(partition.records().len(), 3);
    assert_eq!(latest(&partition.records()), expected);
    check_files(&partition.fs, &partition.log);
    // The next pass finds them small and puts them together.
    partition.put("felice", "e");
    partition.roll();
    let done = partition.compact().unwrap();
    assert!(done.segments_read > 10 && done.segments_written <= 2, "{done:?}");
    let bases = partition.log.segment_base_offsets();
    assert!(bases.len() <= 3);
    bases.iter().rev().skip(1).for_each(|base| check_built_indexes(&partition.fs, *base));
    assert_eq!(partition.records().len(), 3);
    check_files(&partition.fs, &partition.log);
}

#[test]
fn a_second_pass_reads_only_what_is_new_for_its_keys() {
    let partition = Partition::new();
    for _ in 0..10 {
        partition.put("felice", "one");
    }
    partition.roll();
    partition.compact().unwrap();
    partition.put("milena", "two");
    partition.roll();
    let done = partition.compact().unwrap();
    // milena, and the record of the first roll.
    assert_eq!((done.keys, done.first_dirty_offset_before.get()), (2, 10));
    assert_eq!(partition.records(), [seen(9, "felice", "one"), seen(11, "milena", "two")]);
}

#[test]
fn every_codec_is_read_and_written_again() {
    for compression in Compression::ALL {
        let partition = Partition::with(LogConfig { segment_bytes: 4000, ..config() });
        let builder = || BatchBuilder::new().compression(compression);
        partition.put_all(
            builder(),
            &[("felice", Some("one")), ("milena", Some("two")), ("julie", Some("three"))],
        );
        partition.put_all(builder(), &[("milena", Some("four"))]);
        partition.roll();
        partition.compact().unwrap();
        let left = [seen(0, "felice", "one"), seen(2, "julie", "three"), seen(3, "milena", "four")];
        assert_eq!(partition.records(), left, "{compression}");
        let heads = partition.heads();
        assert_eq!(heads[0].compression(), Ok(compression));
        assert_eq!((heads[0].base_offset().get(), heads[0].last_offset().get()), (0, 2));
        check_files(&partition.fs, &partition.log);
    }
}

#[test]
fn a_batch_of_which_all_stays_is_copied_byte_for_byte() {
    let partition = Partition::with(LogConfig { segment_bytes: 4000, ..config() });
    let fields = [("felice", Some("one")), ("milena", Some("two"))];
    partition.put_all(BatchBuilder::new().compression(Compression::Gzip), &fields);
    partition.put("julie", "three");
    partition.roll();
    let read =
        || partition.log.read(Offset::ZERO, 1, Isolation::ReadUncommitted).unwrap().slice.read_all().unwrap();
    let before = read();
    partition.compact().unwrap();
    assert_eq!(read(), before);
}

#[test]
fn a_batch_that_is_larger_than_the_buffers_is_compacted_like_any_other() {
    let partition = Partition::with(LogConfig { segment_bytes: 1 << 20, ..config() });
    let value = "x".repeat(100);
    let keys: Vec<String> = (0..500).map(|key| format!("key {key}")).collect();
    let fields: Vec<(&str, Option<&str>)> =
        keys.iter().map(|key| (key.as_str(), Some(value.as_str()))).collect();
    partition.put_all(BatchBuilder::new(), &fields);
    partition.put("key 0", "new");
    partition.roll();
    let done = partition.compact().unwrap();
    assert_eq!((done.records_read, done.records_kept), (501, 500));
    assert_eq!(latest(&partition.records())["key 0"], "new");
    check_files(&partition.fs, &partition.log);
}

#[test]
fn more_keys_than_fit_take_several_passes() {
    let partition = Partition::with(LogConfig { segment_bytes: 2000, ..config() });
    let keys: Vec<String> = (0..40).map(|key| format!("key {key}")).collect();
    for value in ["old", "new"] {
        for chunk in keys.chunks(7) {
            let fields: Vec<(&str, Option<&str>)> =
                chunk.iter().map(|key| (key.as_str(), Some(value))).collect();
            partition.put_all(BatchBuilder::new(), &fields);
        }
    }
    partition.roll();
    let small =
        || CleanerConfig { dedupe_buffer_bytes: 16 * 12, io_buffer_bytes: 4096, ..Default::default() };
    let mut passes = Vec::new();
    while let Some(done) = partition.log.compact(&mut Cleaner::new(small())).unwrap() {
        assert!(done.first_dirty_offset > done.first_dirty_offset_before, "no progress: {done:?}");
        passes.push(done.keys);
        check_files(&partition.fs, &partition.log);
    }
    assert!(passes.len() > 4 && passes.iter().all(|keys| *keys <= 12), "{passes:?}");
    assert!(partition.records().iter().all(|(_, _, value)| value.as_deref() == Some("new")));
    assert_eq!(partition.records().len(), 40);
}

#[test]
fn a_batch_with_more_keys_than_fit_is_no_dead_end() {
    let partition = Partition::with(LogConfig { segment_bytes: 2000, ..config() });
    let keys: Vec<String> = (0..20).map(|key| format!("key {key}")).collect();
    for value in ["old", "new"] {
        let fields: Vec<(&str, Option<&str>)> = keys.iter().map(|key| (key.as_str(), Some(value))).collect();
        partition.put_all(BatchBuilder::new(), &fields);
    }
    partition.roll();
    let tiny = CleanerConfig { dedupe_buffer_bytes: 0, io_buffer_bytes: 4096, ..Default::default() };
    let mut cleaner = Cleaner::new(tiny);
    let mut passes = 0;
    while partition.log.compact(&mut cleaner).unwrap().is_some() {
        passes += 1;
        assert!(passes <= 40);
    }
    assert_eq!(partition.records().len(), 20);
    assert!(partition.records().iter().all(|(_, _, value)| value.as_deref() == Some("new")));
}

#[test]
fn records_without_a_key_go() {
    let partition =
        Partition::with(LogConfig { cleanup_policy: LogConfig::default().cleanup_policy, ..config() });
    let mut builder = BatchBuilder::new();
    builder.push(partition.now_ms(), None, Some(b"nobody"), &[]).unwrap();
    builder.push(partition.now_ms(), Some(b"felice"), Some(b"one"), &[]).unwrap();
    partition.append(&builder.build().unwrap());
    partition.log.set_config(config());
    partition.put("milena", "two");
    partition.log.set_config(LogConfig { segment_bytes: 90, ..config() });
    partition.put("~", "~");
    partition.log.set_config(config());
    let done = partition.compact().unwrap();
    assert_eq!(done.records_without_key, 1);
    assert_eq!(partition.records(), [seen(1, "felice", "one"), seen(2, "milena", "two")]);
}

#[test]
fn a_log_that_is_only_deleted_from_is_never_compacted() {
    let partition =
        Partition::with(LogConfig { cleanup_policy: LogConfig::default().cleanup_policy, ..config() });
    partition.put("felice", "one");
    partition.put("felice", "two");
    partition.roll();
    assert!(partition.compact().is_none());
    assert_eq!(partition.records().len(), 2);
}

#[test]
fn a_log_that_was_opened_to_read_only_is_never_compacted() {
    let mut partition = Partition::new();
    partition.put("felice", "one");
    partition.roll();
    partition.log.close().unwrap();
    let environment =
        ottla::Environment { fs: std::sync::Arc::new(partition.fs.clone()), clock: partition.clock.clone() };
    partition.log = ottla::Log::open_read_only(crate::support::DIR, environment).unwrap();
    assert!(matches!(partition.log.compact(&mut cleaner()), Err(Error::ReadOnly { .. })));
}

#[test]
fn offsets_that_no_batch_holds_any_more_are_read_over() {
    let partition = Partition::new();
    for _ in 0..12 {
        partition.put("felice", "one");
    }
    partition.put("milena", "two");
    partition.roll();
    partition.compact().unwrap();
    for from in 0..12 {
        let batches = partition.log.read_batches(Offset::new(from), 1, Isolation::ReadUncommitted).unwrap();
        let mut offsets = Vec::new();
        batches
            .for_each_record(|record| {
                offsets.push(record.offset.get());
                Ok(())
            })
            .unwrap();
        assert_eq!(offsets, [11], "from {from}");
    }
}

#[test]
fn a_compacted_log_opens_and_goes_on() {
    let mut partition = Partition::new();
    for value in ["one", "two", "three", "four", "five", "six"] {
        partition.put("felice", value);
        partition.put("milena", value);
    }
    partition.roll();
    partition.compact().unwrap();
    let left = partition.records();
    partition.reopen();
    assert_eq!(partition.records(), left);
    assert_eq!(partition.cleaner_point(), Some(12));
    partition.kill();
    assert_eq!(partition.records(), left);
    let before: BTreeMap<_, _> = latest(&left);
    assert_eq!(before.len(), 2);
    partition.put("felice", "seven");
    partition.roll();
    let done = partition.compact().unwrap();
    assert_eq!(done.first_dirty_offset_before.get(), 12);
    assert_eq!(latest(&records(&partition.log, Isolation::ReadUncommitted))["felice"], "seven");
}

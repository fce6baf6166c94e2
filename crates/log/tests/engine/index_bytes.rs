//! The indexes that appending leaves are those that are built from the log, byte for byte.

use std::path::Path;

use ottla::dir::{FileKind, FileName};
use ottla::fs::{FileSystem, OpenMode};
use ottla::segment::{BuiltIndexes, WalkEnd};
use ottla::{Log, LogConfig};
use ottla_testkit::{SimFs, generate};
use proptest::prelude::*;

use crate::support::{DIR, environment, setting};

/// What stands in both index files of every segment, and what building them anew gives.
fn check_indexes(fs: &SimFs, log: &Log, interval_bytes: u32) {
    for base in log.segment_base_offsets() {
        let path = |kind| FileName::new(base, kind).in_dir(Path::new(DIR));
        let file = fs.open(&path(FileKind::Log), OpenMode::Read).unwrap();
        let size = file.len().unwrap();
        let (built, end) = BuiltIndexes::from_log(&*file, base, size, interval_bytes).unwrap();
        assert_eq!(end, WalkEnd::Clean);
        let image = fs.image();
        assert_eq!(image.read(path(FileKind::Index)), Some(&built.offset_index[..]), "index of {base}");
        assert_eq!(
            image.read(path(FileKind::TimeIndex)),
            Some(&built.time_index[..]),
            "time index of {base}"
        );
    }
}

proptest! {
    #![proptest_config(ProptestConfig {
        cases: u32::try_from(setting("OTTLA_CASES", 100)).unwrap(),
        failure_persistence: None,
        ..ProptestConfig::default()
    })]

    #[test]
    fn appended_indexes_are_the_ones_that_are_built_from_the_log(
        batches in prop::collection::vec(generate::batch(), 1..40),
        interval_bytes in 0..3_000_u32,
        segment_bytes in 8_000..30_000_u32,
    ) {
        let fs = SimFs::new();
        let config = LogConfig {
            segment_bytes,
            index_interval_bytes: interval_bytes,
            timestamp_after_max_ms: i64::MAX,
            ..LogConfig::default()
        };
        let (log, _) = Log::open_with(DIR, config.clone(), environment(&fs)).unwrap();
        for batch in &batches {
            log.append(&batch.bytes()).unwrap();
        }
        log.close().unwrap();
        let (log, report) = Log::open_with(DIR, config, environment(&fs)).unwrap();
        prop_assert!(report.is_uneventful());
        check_indexes(&fs, &log, interval_bytes);
    }
}

#[test]
fn an_index_of_more_than_one_block_is_written_whole() {
    let fs = SimFs::new();
    let config = LogConfig { index_interval_bytes: 0, ..LogConfig::default() };
    let (log, _) = Log::open_with(DIR, config.clone(), environment(&fs)).unwrap();
    for number in 0..1_500 {
        let record = generate::OwnedRecord {
            timestamp_ms: 1_700_000_000_000 + number,
            ..generate::OwnedRecord::of_value(number.to_string())
        };
        let batch =
            generate::OwnedBatch { compression: ottla_record::Compression::None, records: vec![record] };
        log.append(&batch.bytes()).unwrap();
    }
    log.close().unwrap();
    let (log, _) = Log::open_with(DIR, config, environment(&fs)).unwrap();
    check_indexes(&fs, &log, 0);
    assert_eq!(log.offset_for_timestamp(1_700_000_001_234).unwrap().unwrap().offset.get(), 1_234);
}

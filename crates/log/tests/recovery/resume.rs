//! How appending goes on in the last segment.

use ottla::dir::FileKind;
use ottla::fs::{FileSystem, OpenMode};
use ottla::{Log, LogConfig, Offset};
use ottla_record::BatchBuilder;

use crate::made::{Made, NOW_MS, batch, config, path};

fn append(log: &Log, timestamp_ms: i64) {
    let mut builder = BatchBuilder::new();
    builder.push(timestamp_ms, None, Some(b"v"), &[]).unwrap();
    log.append(&builder.build().unwrap()).unwrap();
}

fn bases(log: &Log) -> Vec<i64> {
    log.segment_base_offsets().iter().map(|base| base.get()).collect()
}

/// It is as old as the first batch that was ever appended to it.
#[test]
fn a_segment_has_its_age_from_its_first_batch() {
    let config = LogConfig { segment_ms: 1_000, ..config() };
    for (after_ms, expected) in [(1_000, &[0][..]), (1_001, &[0, 4])] {
        let opened = Made::of([(0, &[batch(0, 0), batch(1, 3)])]).config(config.clone()).flushed_to(4).open();
        append(&opened.log, NOW_MS + after_ms);
        assert_eq!(bases(&opened.log), expected, "{after_ms} ms");
    }
}

#[test]
fn a_segment_whose_first_batch_is_damaged_has_its_age_from_the_clock() {
    let rotten: Vec<u8> =
        batch(0, 1).iter().enumerate().map(|(at, byte)| byte ^ u8::from(at == 16)).collect();
    let config = LogConfig { segment_ms: 1_000, ..config() };
    let opened = Made::of([(0, &[rotten, batch(2, 3)])]).with(path(0, FileKind::Index), b"").config(config);
    let opened = opened.flushed_to(4).open();
    assert_eq!(opened.report.damaged.len(), 1);
    append(&opened.log, NOW_MS + 5_000);
    assert_eq!(bases(&opened.log), [0]);
}

/// Somebody else has made files of the next segment's names meanwhile.
#[test]
fn a_new_segment_begins_empty_whatever_stands_under_its_names() {
    let opened = Made::of([(0, &[batch(0, 3)])]).config(LogConfig { segment_bytes: 150, ..config() }).open();
    for kind in [FileKind::Log, FileKind::Index, FileKind::TimeIndex] {
        let file = opened.fs.open(&path(4, kind), OpenMode::Create).unwrap();
        file.write_all_at(&[9; 1_000], 0).unwrap();
    }
    append(&opened.log, NOW_MS + 9);
    assert_eq!((bases(&opened.log), opened.offsets()), (vec![0, 4], vec![0, 1, 2, 3, 4]));
    opened.log.close().unwrap();
    assert_eq!(opened.batches(4), [(4, 4)]);
    assert_eq!(opened.bytes(path(4, FileKind::Index)), Some(Vec::new()));
    assert_eq!(opened.bytes(path(4, FileKind::TimeIndex)).map(|bytes| bytes.len()), Some(12));
    assert_eq!(opened.log.log_end_offset(), Offset::new(5));
}

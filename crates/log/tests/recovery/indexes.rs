//! Which indexes opening takes as they are, from where it goes on in them, and which it builds anew.

use ottla::Offset;
use ottla::dir::FileKind;
use ottla::fs::{FileSystem, OpenMode};
use ottla::segment::BuiltIndexes;
use ottla_record::BatchBuilder;

use crate::made::{Made, NOW_MS, Opened, batch, path};

/// A segment of eight batches of one record each, and an empty one behind it.
fn eight() -> Made {
    let batches: Vec<Vec<u8>> = (0..8).map(|offset| batch(offset, offset)).collect();
    Made::of([(0, &batches), (8, &[])])
}

/// A segment of four such batches that nobody has to read again, and one more.
fn below(times: [i64; 4]) -> Made {
    let timed = |(offset, time): (i64, i64)| {
        let mut builder = BatchBuilder::new().base_offset(Offset::new(offset));
        builder.push(time, None, Some(b"v"), &[]).unwrap();
        builder.build().unwrap()
    };
    let batches: Vec<Vec<u8>> = (0..).zip(times).map(timed).collect();
    Made::of([(0, &batches), (4, &[batch(4, 5)]), (6, &[batch(6, 7)])]).flushed_to(7)
}

const TIMES: [i64; 4] = [NOW_MS, NOW_MS + 1, NOW_MS + 2, NOW_MS + 3];

fn offset_entry(relative_offset: u32, position: u32) -> Vec<u8> {
    [relative_offset.to_be_bytes(), position.to_be_bytes()].concat()
}

fn time_entry(timestamp_ms: i64, relative_offset: u32) -> Vec<u8> {
    [&timestamp_ms.to_be_bytes()[..], &relative_offset.to_be_bytes()].concat()
}

/// The bytes of an index of the first segment.
fn bytes(made: &Made, kind: FileKind) -> Vec<u8> {
    made.fs.image().read(path(0, kind)).unwrap().to_vec()
}

/// Both indexes of the first segment are what its batches make them.
fn assert_built(opened: &Opened, context: &str) {
    let file = opened.fs.open(&path(0, FileKind::Log), OpenMode::Read).unwrap();
    let (built, _) = BuiltIndexes::from_log(&*file, Offset::ZERO, file.len().unwrap(), 0).unwrap();
    assert_eq!(opened.bytes(path(0, FileKind::Index)), Some(built.offset_index), "{context}");
    assert_eq!(opened.bytes(path(0, FileKind::TimeIndex)), Some(built.time_index), "{context}");
}

#[test]
fn reading_again_begins_at_the_last_entry_below_the_recovery_point() {
    let size = batch(0, 0).len() as u64;
    for point in 0..=8 {
        let opened = eight().flushed_to(point).open();
        let batches = 8 - (point as u64).saturating_sub(1);
        assert_eq!(opened.report.scanned_bytes, batches * size, "flushed to {point}");
        assert_built(&opened, &format!("flushed to {point}"));
    }
}

/// What lies behind the entries of what was on disk may be anything, and what is built then is what appending makes.
#[test]
fn nothing_that_a_crash_left_in_an_index_gets_into_the_new_one() {
    let size = batch(0, 0).len() as u32;
    let (offsets, times) = (bytes(&eight(), FileKind::Index), bytes(&eight(), FileKind::TimeIndex));
    assert_eq!((offsets.len(), times.len()), (7 * 8, 7 * 12 + 12 - 12));
    for point in 2..=8_u32 {
        let kept = (point - 1) as usize;
        let (at, time) = (kept as u32 * size, NOW_MS + i64::from(kept as u32));
        for junk in [
            offset_entry(0, 0),
            offset_entry(point - 1, at),
            offset_entry(point - 1, at + 1),
            offset_entry(point - 1, at + size),
            offset_entry(point - 2, at + size),
            offset_entry(0, at + size),
            offset_entry(point, at),
            offset_entry(point - 1, at - 1),
            offset_entry(point, 8 * size),
            offset_entry(point - 1, 8 * size),
            offset_entry(u32::MAX, u32::MAX),
            vec![9; 5],
        ] {
            let index = [&offsets[..kept * 8], &junk].concat();
            let opened = eight().with(path(0, FileKind::Index), index).flushed_to(point.into()).open();
            assert_built(&opened, &format!("{junk:?} behind {kept} offsets"));
        }
        for junk in [
            time_entry(0, 0),
            time_entry(-1, point),
            time_entry(time, point - 1),
            time_entry(time, point),
            time_entry(time + 1, point),
            time_entry(time + 1, point + 1),
            time_entry(i64::MAX, u32::MAX),
            vec![9; 5],
        ] {
            let index = [&times[..kept * 12], &junk].concat();
            let opened = eight().with(path(0, FileKind::TimeIndex), index).flushed_to(point.into()).open();
            assert_built(&opened, &format!("{junk:?} behind {kept} times"));
        }
    }
}

/// It would have kept all later times out of the index for good.
#[test]
fn a_time_that_no_batch_bears_out_is_not_gone_on_from() {
    let times = bytes(&eight(), FileKind::TimeIndex);
    for point in 2..=8_u32 {
        let kept = (point - 1) as usize;
        let time = NOW_MS + i64::from(point - 1);
        for offset in [0, point - 2, point - 1] {
            let index = [&times[..kept * 12], &time_entry(time + 9, offset)].concat();
            let opened = eight().with(path(0, FileKind::TimeIndex), index).flushed_to(point.into()).open();
            assert_built(&opened, &format!("{offset} behind {kept} times"));
            let found = opened.log.offset_for_timestamp(NOW_MS + 7).unwrap().unwrap();
            assert_eq!(found.offset, Offset::new(7));
        }
    }
}

/// A record may be as old as the epoch of Unix.
#[test]
fn the_first_times_there_are_stay_in_the_index() {
    for times in [[-1, -1, 0, 1], [0, 1, 2, 3], [1, 2, 3, 4]] {
        for point in 0..=4 {
            let opened = below(times).flushed_to(point).open();
            assert_built(&opened, &format!("{times:?}, flushed to {point}"));
        }
    }
}

#[test]
fn an_index_below_the_recovery_point_that_agrees_with_its_log_stays() {
    let made = below(TIMES);
    let opened = made.open();
    assert!(opened.report.rebuilt_indexes.is_empty(), "{:?}", opened.report);
    assert_built(&opened, "as it was");
    // Nothing tells that entries are missing at the end of an offset index.
    for entries in 0..3 {
        let short = bytes(&made, FileKind::Index)[..entries * 8].to_vec();
        let opened = made.clone().with(path(0, FileKind::Index), &short[..]).open();
        assert!(opened.report.rebuilt_indexes.is_empty(), "{entries}");
        assert_eq!(opened.bytes(path(0, FileKind::Index)), Some(short));
    }
    // Nor that they are missing before the last two of a time index.
    let last_two = bytes(&made, FileKind::TimeIndex).split_off(12);
    let opened = made.with(path(0, FileKind::TimeIndex), &last_two[..]).open();
    assert!(opened.report.rebuilt_indexes.is_empty() && last_two.len() == 24);
    for times in [[NOW_MS; 4], [-1; 4], [-1, 0, 0, 0], [NOW_MS, -1, -1, -1]] {
        let opened = below(times).open();
        assert!(opened.report.rebuilt_indexes.is_empty(), "{times:?}: {:?}", opened.report);
    }
}

#[test]
fn an_index_below_the_recovery_point_that_disagrees_with_its_log_is_built_anew() {
    let size = below(TIMES).open().bytes(path(0, FileKind::Log)).unwrap().len() as u32;
    let made = below(TIMES);
    let (offsets, times) = (bytes(&made, FileKind::Index), bytes(&made, FileKind::TimeIndex));
    let mut bad = vec![
        (FileKind::Index, [&offsets[..], &[0]].concat()),
        (FileKind::Index, offsets[..23].to_vec()),
        (FileKind::Index, [&offsets[..], &offset_entry(3, size)].concat()),
        (FileKind::Index, [&offsets[..], &offset_entry(9, size + 9)].concat()),
        (FileKind::Index, [&offsets[..], &offset_entry(3, 1)].concat()),
        (FileKind::Index, [&offsets[..8], &offset_entry(2, size / 4 * 3)].concat()),
        (FileKind::TimeIndex, Vec::new()),
        (FileKind::TimeIndex, [&times[..], &[0]].concat()),
        (FileKind::TimeIndex, times[..times.len() - 1].to_vec()),
        (FileKind::TimeIndex, [&times[..], &times[times.len() - 12..]].concat()),
        (FileKind::TimeIndex, time_entry(NOW_MS + 2, 3)),
        (FileKind::TimeIndex, time_entry(NOW_MS + 3, 4)),
        (FileKind::TimeIndex, [time_entry(NOW_MS + 9, 2), time_entry(NOW_MS + 3, 3)].concat()),
        (FileKind::TimeIndex, [time_entry(NOW_MS + 3, 2), time_entry(NOW_MS + 3, 3)].concat()),
    ];
    bad.push((FileKind::TimeIndex, vec![0; 12]));
    for (kind, index) in bad {
        let opened = made.clone().with(path(0, kind), &index[..]).open();
        let rebuilt = [FileKind::Index, FileKind::TimeIndex].map(|kind| path(0, kind));
        assert_eq!(opened.report.rebuilt_indexes, rebuilt, "{kind:?} {index:?}");
        assert_built(&opened, &format!("{kind:?} {index:?}"));
    }
    for kind in [FileKind::Index, FileKind::TimeIndex] {
        assert_built(&made.clone().without(path(0, kind)).open(), "one is missing");
    }
    let early = below([0, -1, -1, -1]).with(path(0, FileKind::TimeIndex), b"").open();
    assert_eq!(early.report.rebuilt_indexes.len(), 2, "a time of 0 is a time");
}

/// After a clean stop all was on disk, so names are enough, but for the indexes that appending goes on in.
#[test]
fn after_a_clean_stop_only_the_last_indexes_are_looked_at() {
    let opened = eight().flushed_to(8).open();
    opened.log.append(&batch(0, 0)).unwrap();
    opened.log.append(&batch(0, 0)).unwrap();
    opened.log.close().unwrap();
    drop(opened.log);
    let closed = Made { fs: opened.fs, ..eight() };
    assert!(closed.open().report.clean);
    for (base, kind, bytes, is_rebuilt) in [
        (0, FileKind::Index, Some(&[9; 5][..]), false),
        (0, FileKind::TimeIndex, Some(&[9; 5]), false),
        (0, FileKind::Index, None, true),
        (0, FileKind::TimeIndex, None, true),
        (8, FileKind::Index, Some(&[9; 5]), true),
        (8, FileKind::TimeIndex, Some(&[9; 5]), true),
        (8, FileKind::Index, None, true),
        (8, FileKind::TimeIndex, None, true),
    ] {
        let opened = match bytes {
            Some(bytes) => closed.clone().with(path(base, kind), bytes).open(),
            None => closed.clone().without(path(base, kind)).open(),
        };
        let expected: Vec<_> = match is_rebuilt {
            true => [FileKind::Index, FileKind::TimeIndex].map(|kind| path(base, kind)).to_vec(),
            false => Vec::new(),
        };
        assert_eq!(opened.report.rebuilt_indexes, expected, "{kind:?} of {base}: {bytes:?}");
        assert!(opened.report.clean && opened.end() == 10);
    }
}

//! Where a log ends after a crash, and from where it goes on.

use std::path::Path;

use ottla::dir::{FileKind, OffsetCheckpoint, Suffix, TopicPartition};
use ottla::{Error, Offset};
use ottla_testkit::{Call, Fault, Repeat, SimFs};

use crate::made::{DATA, DIR, Made, Opened, batch, leftover, path};

/// More offsets than this are not lost with the end of a segment.
const MOST: i64 = i32::MAX as i64;

fn recovery_point(opened: &Opened) -> i64 {
    let points = OffsetCheckpoint::RecoveryPoint.read(&opened.fs, Path::new(DATA)).unwrap();
    points[&TopicPartition::new("letters", 0).unwrap()].get()
}

#[test]
fn offsets_that_were_on_disk_are_not_given_out_again() {
    let made = || Made::of([(0, &[batch(0, 1), batch(2, 3)])]);
    for (point, end) in [(0, 4), (3, 4), (4, 4), (5, 5), (4 + MOST, 4 + MOST)] {
        let opened = made().flushed_to(point).open();
        assert_eq!(opened.end(), end, "flushed to {point}: {:?}", opened.report);
        assert!(!opened.is_cut() && opened.offsets() == [0, 1, 2, 3], "flushed to {point}");
        // What is appended next does not stand behind bytes that others may be missing from.
        let bases = opened.log.segment_base_offsets();
        assert_eq!(bases.len(), if end > 4 { 2 } else { 1 }, "{bases:?}");
        let told =
            opened.report.damaged.iter().map(|damage| (damage.position, damage.bytes, damage.next_offset));
        let size = opened.bytes(path(0, FileKind::Log)).unwrap().len() as u64;
        let expected = (end > 4).then_some((size, 0, Offset::new(4)));
        assert_eq!(told.collect::<Vec<_>>(), Vec::from_iter(expected), "flushed to {point}");
        assert_eq!(recovery_point(&opened), point, "it is as good as it was");
        assert_eq!(opened.report.recovery_point, Offset::new(point));
    }
}

#[test]
fn a_recovery_point_that_no_loss_explains_is_wrong_and_lowered() {
    let opened = Made::of([(0, &[batch(0, 1), batch(2, 3)])]).flushed_to(5 + MOST).open();
    assert_eq!((opened.end(), opened.offsets()), (4, vec![0, 1, 2, 3]));
    assert!(opened.report.damaged.is_empty() && opened.log.segment_base_offsets().len() == 1);
    assert_eq!(recovery_point(&opened), 4);
}

/// Any offset is better than that of the damage: what is lost there may have had all offsets up to the recovery point.
#[test]
fn behind_damage_at_the_end_the_log_goes_on_at_the_recovery_point() {
    let damaged = [batch(0, 1), b"no batch, and longer than a head".to_vec()];
    for point in [3, 2 + MOST, 3 + MOST, 9 + MOST] {
        let opened = Made::of([(0, &damaged)]).flushed_to(point).open();
        assert_eq!((opened.end(), opened.batches(0)), (point, vec![(0, 1)]), "{:?}", opened.report);
        assert_eq!(opened.report.damaged.len(), 1, "told once");
        assert_eq!(opened.log.segment_base_offsets(), [0, point].map(Offset::new));
    }
}

/// Its start is where it ends: nothing lies past the end, and the last segment stays in place.
#[test]
fn a_log_whose_records_are_all_deleted_keeps_its_last_segment() {
    let made = || Made::of([(0, &[batch(0, 3)]), (4, &[batch(4, 5)])]).flushed_to(6);
    let opened = made().marked(OffsetCheckpoint::LogStart, 6).open();
    assert_eq!((opened.log.log_start_offset().get(), opened.end()), (6, 6));
    assert_eq!(opened.log.segment_base_offsets(), [Offset::new(4)]);
    assert_eq!(opened.batches(4), [(4, 5)]);
    // One further, and nothing of it is part of the log.
    let opened = made().marked(OffsetCheckpoint::LogStart, 7).open();
    assert_eq!((opened.log.log_start_offset().get(), opened.end()), (7, 7));
    assert_eq!(opened.log.segment_base_offsets(), [Offset::new(7)]);
    assert_eq!(opened.bytes(Path::new(DIR).join("00000000000000000004.0.cut")), Some(batch(4, 5)));
}

/// The segment that ends at the recovery point is read again, for its time index; the one before is not.
#[test]
fn reading_again_begins_in_the_segment_that_ends_at_the_recovery_point() {
    let sizes = [batch(0, 3), batch(4, 5), batch(6, 7)].map(|batch| batch.len() as u64);
    for (point, scanned) in [
        (0, sizes.iter().sum::<u64>()),
        (4, sizes.iter().sum()),
        (5, sizes[1] + sizes[2]),
        (6, sizes[1] + sizes[2]),
        (7, sizes[2]),
        (8, sizes[2]),
    ] {
        let segments = [(0, &[batch(0, 3)][..]), (4, &[batch(4, 5)]), (6, &[batch(6, 7)])];
        let opened = Made::of(segments).flushed_to(point).open();
        assert_eq!(opened.report.scanned_bytes, scanned, "flushed to {point}");
        assert_eq!((opened.end(), opened.is_cut()), (8, false));
    }
}

#[test]
fn segments_above_the_recovery_point_that_overlap_are_set_aside() {
    let made = |point| {
        let segments = [(0, &[batch(0, 3)][..]), (3, &[batch(3, 4)]), (5, &[batch(5, 6)])];
        Made::of(segments).flushed_to(point).open()
    };
    for point in [0, 3] {
        let opened = made(point);
        let cut = opened.report.truncated.as_ref().unwrap();
        assert_eq!((opened.end(), opened.offsets()), (4, vec![0, 1, 2, 3]), "flushed to {point}");
        assert_eq!(cut.cut_bytes, (batch(3, 4).len() + batch(5, 6).len()) as u64);
        assert_eq!((cut.position, cut.log_end_offset, cut.kept_aside.len()), (0, Offset::new(4), 2));
        assert_eq!(cut.path, path(3, FileKind::Log));
        for (file, bytes) in [("3", batch(3, 4)), ("5", batch(5, 6))] {
            let aside = Path::new(DIR).join(format!("{file:0>20}.0.cut"));
            assert!(cut.kept_aside.contains(&aside) && opened.bytes(&aside) == Some(bytes), "{file}");
        }
    }
    // Below it nothing is cut, whatever the names say.
    assert!(!made(4).is_cut());
}

/// The bytes of a batch that is damaged, and all that is whole behind it.
#[test]
fn what_is_cut_is_told_and_kept_aside_with_the_segments_behind_it() {
    let rotten: Vec<u8> =
        batch(2, 3).iter().enumerate().map(|(at, byte)| byte ^ u8::from(at == 70)).collect();
    let first = [batch(0, 1), rotten.clone(), batch(4, 5)];
    let segments = [(0, &first[..]), (6, &[batch(6, 6)]), (7, &[]), (8, &[batch(8, 8)])];
    let opened = Made::of(segments).flushed_to(0).open();
    assert_eq!((opened.end(), opened.offsets()), (2, vec![0, 1]));
    let (position, at_cut) = (batch(0, 1).len(), [rotten, batch(4, 5)].concat());
    let cut = opened.report.truncated.as_ref().unwrap();
    assert_eq!((&cut.path, cut.position), (&path(0, FileKind::Log), position as u64));
    assert!(cut.reason.contains("checksum"), "{}", cut.reason);
    let behind = batch(6, 6).len() + batch(8, 8).len();
    assert_eq!(cut.cut_bytes, (at_cut.len() + behind) as u64);
    let aside = |name: &str| opened.bytes(Path::new(DIR).join(name));
    assert_eq!(cut.kept_aside.len(), 3, "nothing is kept of an empty segment: {:?}", cut.kept_aside);
    assert_eq!(aside(&format!("{:020}.{position}.cut", 0)), Some(at_cut));
    assert_eq!(aside("00000000000000000006.0.cut"), Some(batch(6, 6)));
    assert_eq!(aside("00000000000000000008.0.cut"), Some(batch(8, 8)));
    assert_eq!(opened.bytes(path(0, FileKind::Log)), Some(batch(0, 1)));
}

/// More than one buffer of recovery is kept aside byte for byte, and an odd number of bytes behind it.
#[test]
fn a_long_end_is_kept_aside_to_its_last_byte() {
    let noise: Vec<u8> =
        (0_u32..2_500_001).map(|n| (n.wrapping_mul(2_654_435_761) >> 11) as u8 | 1).collect();
    let opened = Made::of([(0, &[batch(0, 1), noise.clone()])]).flushed_to(0).open();
    let cut = opened.report.truncated.as_ref().unwrap();
    assert_eq!(cut.cut_bytes, noise.len() as u64);
    assert!(opened.bytes(&cut.kept_aside[0]).unwrap() == noise, "the same bytes");
}

/// An index that is gone already is no reason to stop, one that cannot be moved is: it would be that of the next segment
/// with this name.
#[test]
fn the_indexes_of_a_segment_that_is_set_aside_go() {
    let made = || Made::of([(0, &[batch(0, 3)]), (3, &[batch(3, 5)])]).flushed_to(0);
    for made in
        [made(), made().without(path(3, FileKind::Index)), made().without(path(3, FileKind::TimeIndex))]
    {
        let opened = made.open();
        assert!(opened.is_cut());
        for kind in [FileKind::Index, FileKind::TimeIndex] {
            assert_eq!(opened.bytes(path(3, kind)), None, "{kind:?}");
        }
    }
    for kind in [FileKind::Index, FileKind::TimeIndex] {
        let fs = SimFs::from_image(&made().fs.image());
        fs.fail_only_under(path(3, kind));
        fs.fail_nth(Call::Rename, 1, Fault::EIO, Repeat::Once);
        let Err(Error::Io { path: failed, .. }) = made().open_on(fs.clone()) else { panic!("it opened") };
        assert_eq!(failed, path(3, kind));
        fs.clear_faults();
        let opened = made().open_on(fs).unwrap();
        assert!(opened.is_cut() && opened.bytes(leftover(3, kind, Suffix::Deleted)).is_some());
    }
}

/// A log of two segments that was closed.
fn closed() -> Made {
    let made = Made::of([(0, &[batch(0, 1), batch(2, 3)]), (4, &[batch(4, 5), batch(6, 7)])]).flushed_to(0);
    let opened = made.open();
    opened.log.close().unwrap();
    Made { fs: opened.fs, ..made }
}

#[test]
fn a_clean_stop_is_believed_where_the_log_ends_as_it_says() {
    let opened = closed().open();
    assert!(opened.report.clean && opened.report.is_uneventful(), "{:?}", opened.report);
    assert_eq!((opened.report.scanned_bytes, opened.end()), (0, 8));
}

#[test]
fn a_clean_stop_is_not_believed_where_the_log_ends_elsewhere() {
    let last = path(4, FileKind::Log);
    let bytes = closed().open().bytes(&last).unwrap();
    let torn = closed().with(&last, &bytes[..bytes.len() - 1]).open();
    assert!(!torn.report.clean && torn.batches(4) == [(4, 5)]);
    assert_eq!(torn.end(), 8, "no offset is given out again");
    let short = closed().with(&last, batch(4, 5)).open();
    assert!(!short.report.clean && short.end() == 8, "{:?}", short.report);
    let more = closed().with(&last, [bytes.clone(), batch(8, 8)].concat()).open();
    assert!(!more.report.clean && more.end() == 9, "{:?}", more.report);
    let zeros = closed().with(&last, [bytes, vec![0; 100]].concat()).open();
    assert!(!zeros.report.clean && zeros.is_cut() && zeros.end() == 8, "{:?}", zeros.report);
    for point in [7, 9] {
        let opened = closed().flushed_to(point).open();
        assert!(!opened.report.clean, "{point}");
        assert_eq!(opened.end(), point.max(8), "{point}");
    }
}

#[test]
fn opening_is_eventful_where_anything_was_done() {
    let made = || Made::of([(0, &[batch(0, 3)]), (4, &[batch(4, 5)]), (6, &[batch(6, 7)])]).flushed_to(8);
    assert!(made().open().report.is_uneventful());
    for (what, opened) in [
        ("cut", made().flushed_to(6).with(path(6, FileKind::Log), &batch(6, 7)[..70]).open()),
        ("damaged", made().with(path(6, FileKind::Log), &batch(6, 7)[..70]).open()),
        ("an index built anew", made().without(path(0, FileKind::Index)).open()),
        ("a leftover removed", made().with(leftover(0, FileKind::Log, Suffix::Deleted), b"").open()),
    ] {
        assert!(!opened.report.is_uneventful(), "{what}: {:?}", opened.report);
    }
}

/// Nothing is cut there, so a tail that a crash has torn is still in the file.
#[test]
fn a_log_that_is_opened_to_read_ends_with_its_last_whole_batch() {
    let whole = [batch(0, 0), batch(1, 2), batch(3, 3)];
    for torn in [0, 5, 65] {
        let segments =
            [(0, &[batch(0, 0)][..]), (1, &[batch(1, 2), batch(3, 3), batch(4, 4)[..torn].to_vec()])];
        let log = Made::of(segments).flushed_to(0).open_to_read();
        assert_eq!(log.log_end_offset(), Offset::new(4), "{torn}");
        assert_eq!(log.size_bytes().unwrap(), whole.concat().len() as u64, "{torn}");
    }
}

//! What the batches that are read again tell of producers and their transactions.

use ottla::Offset;
use ottla::dir::{FileKind, FileName};
use ottla::fs::FileSystem;
use ottla_record::BatchBuilder;
use ottla_testkit::{Call, SimFs};

use crate::made::{DIR, Made, NOW_MS, batch, filled, path, transaction};

fn of_producer(id: i64, first: i64, last: i64) -> Vec<u8> {
    filled(BatchBuilder::new().producer(id, 0, 0), first, first..=last, last)
}

#[test]
fn every_batch_tells_of_its_producer_however_small() {
    let batches: Vec<Vec<u8>> = (0..4).map(|offset| of_producer(offset, offset, offset)).collect();
    for point in 0..=5 {
        let opened = Made::of([(0, &batches), (4, &[of_producer(4, 4, 4)])]).flushed_to(point).open();
        for id in 0..5 {
            assert!(opened.log.append(&of_producer(id, 0, 0)).unwrap().duplicate, "{id}, flushed to {point}");
        }
        assert_eq!(opened.end(), 5);
    }
}

/// What damage has laid bare may be of another place.
#[test]
fn a_batch_behind_damage_with_offsets_of_before_tells_of_no_producer() {
    let damage = b"no batch, and longer than a head".to_vec();
    let batches = [of_producer(1, 0, 5), damage, of_producer(2, 5, 7), of_producer(3, 8, 9)];
    let opened = Made::of([(0, &batches), (10, &[batch(10, 11)]), (12, &[])]).flushed_to(12).open();
    let is_known = |id, last| opened.log.append(&of_producer(id, 0, last)).unwrap().duplicate;
    assert!(is_known(1, 5) && is_known(3, 1) && !is_known(2, 2));
}

#[test]
fn aborted_records_past_the_recovery_point_stay_hidden() {
    let batches = [transaction(0, false), batch(3, 3)];
    for (point, behind) in [(0, 4), (0, 9), (2, 4), (3, 4), (4, 4)] {
        let made = Made::of([(0, &batches), (4, &[batch(4, 4)])]).flushed_to(point);
        let opened = if behind == 4 { made } else { Made::of([(0, &batches)]).flushed_to(point) }.open();
        let visible: &[i64] = if behind == 4 { &[3, 4] } else { &[3] };
        let is_read_again = point <= 2;
        if is_read_again {
            assert_eq!(opened.committed(), visible, "flushed to {point}");
        }
        let index = |opened: &crate::made::Opened| opened.bytes(path(0, FileKind::TxnIndex));
        let entries = index(&opened).map_or(0, |bytes| bytes.len() / 34);
        assert_eq!(entries, usize::from(is_read_again), "flushed to {point}");
        // The next crash does not make it two entries.
        let again = Made { fs: opened.fs, ..Made::of([]) }.flushed_to(point).open();
        assert_eq!(index(&again).map_or(0, |bytes| bytes.len() / 34), entries, "flushed to {point}");
    }
}

/// Closing leaves a snapshot, so where there is none there were no producers.
#[test]
fn after_a_clean_stop_no_batch_is_read_for_want_of_a_snapshot() {
    let reads = |batches: i64| {
        // So large that the head of each is read on its own.
        let large = |offset| {
            let mut builder = BatchBuilder::new().base_offset(Offset::new(offset));
            builder.push(NOW_MS, None, Some(&[7; 2_000]), &[]).unwrap();
            builder.build().unwrap()
        };
        let batches: Vec<Vec<u8>> = (0..batches).map(large).collect();
        let opened = Made::of([(0, &batches)]).flushed_to(0).open();
        opened.log.close().unwrap();
        let mut closed = Made { fs: opened.fs, ..Made::of([]) };
        for entry in closed.fs.read_dir(DIR.as_ref()).unwrap() {
            if FileName::parse(&entry.name).is_some_and(|name| name.kind == FileKind::Snapshot) {
                closed = closed.without(std::path::Path::new(DIR).join(&entry.name));
            }
        }
        let fs = SimFs::from_image(&closed.fs.image());
        let before = fs.calls(Call::Read);
        assert!(closed.open_on(fs.clone()).unwrap().report.clean);
        fs.calls(Call::Read) - before
    };
    let (few, many) = (reads(10), reads(300));
    assert!(many < few + 20, "{few}, {many}");
}

/// Those past the end, the older ones that stand at no segment, and those that a crash has torn.
#[test]
fn snapshots_that_nothing_needs_do_not_stay() {
    let segments =
        [(0, &[of_producer(1, 0, 3)][..]), (4, &[of_producer(2, 4, 5)]), (6, &[of_producer(3, 6, 7)])];
    let made = || Made::of(segments).flushed_to(4);
    let whole = Made::of(segments).flushed_to(8).open();
    whole.log.close().unwrap();
    let whole = whole.bytes(path(8, FileKind::Snapshot)).unwrap();
    for (offset, bytes, stays) in [
        (4, &whole[..], true),
        (6, &whole, true),
        (8, &whole, true),
        (9, &whole, false),
        (6, &whole[..whole.len() - 1], false),
        (6, &[], false),
        (4, &[], false),
        (8, &[], false),
    ] {
        let opened = made().with(path(offset, FileKind::Snapshot), bytes).open();
        assert_eq!(
            opened.bytes(path(offset, FileKind::Snapshot)).is_some(),
            stays,
            "{offset}, {}",
            bytes.len()
        );
    }
    let two =
        made().with(path(3, FileKind::Snapshot), &whole[..]).with(path(7, FileKind::Snapshot), &whole[..]);
    let opened = two.open();
    assert_eq!(opened.bytes(path(3, FileKind::Snapshot)), None, "7 is newer");
    assert!(opened.bytes(path(7, FileKind::Snapshot)).is_some());
}

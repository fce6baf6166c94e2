//! A delete moves the start of the log first, then takes the segments below it. A crash may come between, and then the
//! segments that go may be the only ones that know of their producers.

use ottla::dir::{FileKind, OffsetCheckpoint};
use ottla::{Error, Log, Offset};
use ottla_record::BatchBuilder;
use ottla_testkit::{Call, Fault, Repeat, SimFs};

use crate::made::{Made, Opened, filled, path};

/// Four records of a producer, its first.
fn of_producer(id: i64, first: i64) -> Vec<u8> {
    filled(BatchBuilder::new().producer(id, 0, 0), first, first..=first + 3, first + 3)
}

/// Three segments of one batch each, by one producer each, of which the first two are deleted.
fn interrupted(start: i64) -> Made {
    let segments = [(0, &[of_producer(7, 0)][..]), (4, &[of_producer(8, 4)]), (8, &[of_producer(9, 8)])];
    Made::of(segments).flushed_to(12).marked(OffsetCheckpoint::LogStart, start)
}

/// Whether the first batch of a producer is known when it comes again.
fn is_known(log: &Log, id: i64) -> bool {
    log.append(&of_producer(id, 0)).unwrap().duplicate
}

fn assert_knows_all(opened: &Opened) {
    assert!((7..=9).all(|id| is_known(&opened.log, id)));
    assert_eq!(opened.end(), 12, "nothing was appended");
}

#[test]
fn a_delete_is_finished_and_its_producers_are_remembered() {
    let opened = interrupted(8).open();
    assert_eq!((opened.log.log_start_offset().get(), opened.end()), (8, 12));
    assert_eq!(opened.log.segment_base_offsets(), [Offset::new(8)]);
    for (base, kind) in [0, 4].into_iter().flat_map(|base| FileKind::ALL.map(|kind| (base, kind))) {
        assert_eq!(opened.bytes(path(base, kind)), None, "{kind:?} of {base}");
        assert!(opened.report.removed_leftovers.contains(&path(base, kind)), "{kind:?} of {base}");
    }
    assert_knows_all(&opened);
}

#[test]
fn only_segments_that_end_at_the_start_or_below_go() {
    for (start, bases) in [(3, &[0, 4, 8][..]), (4, &[4, 8]), (7, &[4, 8]), (8, &[8]), (11, &[8])] {
        let opened = interrupted(start).open();
        let left: Vec<i64> = opened.log.segment_base_offsets().iter().map(|base| base.get()).collect();
        assert_eq!(left, bases, "start {start}");
        assert_eq!(opened.log.log_start_offset().get(), start);
        assert_eq!(opened.report.removed_leftovers.is_empty(), start < 4);
        assert_knows_all(&opened);
    }
}

/// The delete may have come so far: then the snapshot is the better witness.
#[test]
fn a_whole_snapshot_at_the_first_segment_that_stays_is_believed() {
    let opened = interrupted(8).open();
    let snapshot = opened.bytes(path(8, FileKind::Snapshot)).unwrap();
    // The segments that go have lost their batches, the snapshot knows of them.
    let made = interrupted(8).with(path(8, FileKind::Snapshot), &snapshot[..]);
    let opened = made.with(path(0, FileKind::Log), b"").with(path(4, FileKind::Log), b"").open();
    assert_eq!(opened.bytes(path(8, FileKind::Snapshot)), Some(snapshot));
    assert_knows_all(&opened);
}

#[test]
fn a_torn_snapshot_at_the_first_segment_that_stays_is_written_anew() {
    let whole = interrupted(8).open().bytes(path(8, FileKind::Snapshot)).unwrap();
    for len in [0, 5, whole.len() - 1] {
        let opened = interrupted(8).with(path(8, FileKind::Snapshot), &whole[..len]).open();
        assert_eq!(opened.bytes(path(8, FileKind::Snapshot)).as_ref(), Some(&whole), "cut to {len}");
        assert_knows_all(&opened);
    }
}

/// Nothing goes as long as it is not known whether its producers are remembered elsewhere.
#[test]
fn a_snapshot_that_cannot_be_read_now_keeps_the_segments() {
    let whole = interrupted(8).open().bytes(path(8, FileKind::Snapshot)).unwrap();
    let made = interrupted(8).with(path(8, FileKind::Snapshot), &whole[..]);
    let fs = SimFs::from_image(&made.fs.image());
    fs.fail_only_under(path(8, FileKind::Snapshot));
    fs.fail_nth(Call::Open, 1, Fault::EIO, Repeat::Once);
    match made.open_on(fs.clone()) {
        Err(Error::Io { path: failed, .. }) => assert_eq!(failed, path(8, FileKind::Snapshot)),
        Err(e) => panic!("{e}"),
        Ok(_) => panic!("it opened"),
    }
    for base in [0, 4] {
        assert!(fs.image().read(path(base, FileKind::Log)).is_some(), "{base}");
    }
    fs.clear_faults();
    assert_knows_all(&made.open_on(fs).unwrap());
}

/// Of a file that is gone already, and of one that cannot be removed.
#[test]
fn a_file_of_a_deleted_segment_may_be_missing_and_must_not_stay() {
    assert_knows_all(&interrupted(8).without(path(0, FileKind::TimeIndex)).open());
    let made = interrupted(8);
    let fs = SimFs::from_image(&made.fs.image());
    fs.fail_only_under(path(4, FileKind::Index));
    fs.fail_nth(Call::Remove, 1, Fault::EIO, Repeat::Once);
    let Err(Error::Io { path: failed, action, .. }) = made.open_on(fs.clone()) else { panic!("it opened") };
    assert_eq!((failed, action), (path(4, FileKind::Index), "remove"));
    fs.clear_faults();
    assert_knows_all(&made.open_on(fs).unwrap());
}

/// The start lies past everything that is there: the log goes on from it, and its producers are remembered.
#[test]
fn a_log_that_begins_past_its_end_remembers_its_producers() {
    let opened = interrupted(20).open();
    assert_eq!((opened.log.log_start_offset().get(), opened.end()), (20, 20));
    assert!((7..=9).all(|id| is_known(&opened.log, id)));
    opened.log.close().unwrap();
    drop(opened.log);
    let again = interrupted(20).open_on(SimFs::from_image(&opened.fs.image())).unwrap();
    assert!((7..=9).all(|id| is_known(&again.log, id)), "after a clean stop");
    assert_eq!(again.end(), 20);
}

//! Where `leader-epoch-checkpoint` is gone, the batches tell of the epochs; and where the end of the log went, so did its
//! epochs.

use std::path::Path;

use ottla::Offset;
use ottla::dir::{FileKind, LeaderEpochs, OffsetCheckpoint};
use ottla_record::BatchBuilder;

use crate::made::{DIR, Made, compacted, filled, message, path};

fn of_epoch(epoch: i32, first: i64, last: i64) -> Vec<u8> {
    filled(BatchBuilder::new().leader_epoch(epoch), first, first..=last, last)
}

/// The epochs on disk after opening, each with its first offset.
fn epochs(made: &Made) -> Vec<(i32, i64)> {
    let opened = made.open();
    let epochs = LeaderEpochs::read(&opened.fs, Path::new(DIR)).unwrap();
    epochs.entries().iter().map(|entry| (entry.epoch, entry.start_offset.get())).collect()
}

fn with_checkpoint(made: Made, entries: &[(i32, i64)]) -> Made {
    let mut epochs = LeaderEpochs::default();
    for (epoch, start) in entries {
        assert!(epochs.assign(*epoch, Offset::new(*start)));
    }
    epochs.write(&made.fs, Path::new(DIR)).unwrap();
    made
}

#[test]
fn the_batches_tell_the_epochs_where_no_file_does() {
    let segments =
        [(0, &[of_epoch(0, 0, 1), of_epoch(0, 2, 2)][..]), (3, &[of_epoch(2, 3, 4), of_epoch(3, 5, 5)])];
    for point in [0, 3, 6] {
        let made = Made::of(segments).flushed_to(point);
        assert_eq!(epochs(&made), [(0, 0), (2, 3), (3, 5)], "flushed to {point}");
        assert_eq!(made.open().log.leader_epoch(), 4, "an unclean start begins a new one");
    }
}

/// Compaction may have taken the first batch of the segment, which was of the same epoch or an earlier one.
#[test]
fn the_first_epoch_begins_with_the_first_segment() {
    let made = Made::of([(5, &[of_epoch(1, 7, 8), of_epoch(2, 10, 10)])]).config(compacted()).flushed_to(11);
    assert_eq!(epochs(&made), [(1, 5), (2, 10)]);
}

#[test]
fn an_epoch_that_falls_was_changed_and_is_not_believed() {
    let made = Made::of([(0, &[of_epoch(3, 0, 1), of_epoch(1, 2, 3), of_epoch(4, 4, 5)])]).flushed_to(6);
    assert_eq!(epochs(&made), [(3, 0), (4, 4)]);
}

/// What damage has laid bare may be of another place.
#[test]
fn a_batch_behind_damage_with_offsets_of_before_tells_no_epoch() {
    let damage = b"no batch, and longer than a head".to_vec();
    let batches = [of_epoch(0, 0, 5), damage, of_epoch(3, 5, 5), of_epoch(1, 6, 7)];
    assert_eq!(epochs(&Made::of([(0, &batches)]).flushed_to(8)), [(0, 0), (1, 6)]);
}

/// They are not read to their end for that.
#[test]
fn a_log_of_before_the_epochs_has_none() {
    let segments = [(0, &[message(0), message(1)][..]), (2, &[of_epoch(5, 2, 3)])];
    assert_eq!(epochs(&Made::of(segments).flushed_to(4)), []);
    assert_eq!(epochs(&Made::of([(0, &[][..])]).flushed_to(0)), []);
}

#[test]
fn the_file_is_believed_where_there_is_one() {
    let made = with_checkpoint(
        Made::of([(0, &[of_epoch(2, 0, 1), of_epoch(2, 2, 3)])]).flushed_to(4),
        &[(1, 0), (2, 1)],
    );
    assert_eq!(epochs(&made), [(1, 0), (2, 1)]);
}

/// An epoch whose first record was cut is not in the file any more, or it would be told to those who ask where it ends.
#[test]
fn an_epoch_goes_with_its_records() {
    let torn = of_epoch(5, 4, 5);
    let made = Made::of([(0, &[of_epoch(0, 0, 3), torn[..torn.len() - 1].to_vec()])]);
    let made = with_checkpoint(made.flushed_to(4), &[(0, 0), (5, 4)]);
    assert_eq!(epochs(&made), [(0, 0)]);
    assert_eq!(made.open().end(), 4);
    assert!(made.open().bytes(path(0, FileKind::Log)).is_some());
}

#[test]
fn epochs_below_the_start_of_the_log_go() {
    let batches = [of_epoch(0, 0, 1), of_epoch(1, 2, 3), of_epoch(2, 4, 5)];
    let made = with_checkpoint(Made::of([(0, &batches)]).flushed_to(6), &[(0, 0), (1, 2), (2, 4)]);
    assert_eq!(epochs(&made.clone().marked(OffsetCheckpoint::LogStart, 3)), [(1, 3), (2, 4)]);
    assert_eq!(epochs(&made), [(0, 0), (1, 2), (2, 4)]);
}

#[test]
fn only_a_start_after_a_crash_begins_an_epoch() {
    let made = Made::of([(0, &[of_epoch(4, 0, 3)])]).flushed_to(4);
    let killed = made.open();
    assert_eq!(killed.log.leader_epoch(), 5);
    killed.log.close().unwrap();
    let closed = Made { fs: killed.fs, ..made }.open();
    assert!(closed.report.clean);
    // Nothing was appended under the epoch that the crash began.
    assert_eq!(closed.log.leader_epoch(), 4);
}

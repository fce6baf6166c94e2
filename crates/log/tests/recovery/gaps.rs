//! Offsets that are missing between two segments above the recovery point: lost with the power, or compacted.

use ottla::dir::{FileKind, OffsetCheckpoint, Suffix};

use crate::made::{Made, batch, compacted, leftover, message, thinned, with_horizon};

/// Where a log ends that has these batches in its first segment, lacks offsets behind them, and has two more in a segment
/// at 10: at the gap where it is told as a hole, else behind it.
fn end(first: &[Vec<u8>], cleaner_point: Option<i64>) -> i64 {
    let made = Made::of([(0, first), (10, &[batch(10, 11)])]).config(compacted()).flushed_to(0);
    let made = match cleaner_point {
        Some(point) => made.marked(OffsetCheckpoint::Cleaner, point),
        None => made,
    };
    let opened = made.open();
    assert_eq!(opened.is_cut(), opened.end() < 10, "{:?}", opened.report);
    opened.end()
}

#[test]
fn where_no_record_is_missing_before_a_gap_it_is_a_hole() {
    assert_eq!(end(&[batch(0, 3)], None), 4);
    assert_eq!(end(&[batch(0, 1), batch(2, 2), batch(3, 6)], None), 7);
    assert_eq!(end(&[batch(0, 1), batch(2, 3)], Some(0)), 4);
}

#[test]
fn where_a_record_is_missing_before_a_gap_a_pass_was_there() {
    assert_eq!(end(&[batch(0, 1), batch(3, 4)], None), 12, "between two batches");
    assert_eq!(end(&[batch(1, 4)], None), 12, "before the first");
    assert_eq!(end(&[thinned(0, 1), batch(2, 3)], None), 12, "in the first batch");
    assert_eq!(end(&[batch(0, 1), thinned(2, 3)], None), 12, "in the last batch");
    assert_eq!(end(&[], None), 12, "all of them");
}

/// A cleaner gives a batch with tombstones a delete horizon and takes no record out of it.
#[test]
fn a_delete_horizon_tells_of_a_pass_too() {
    assert_eq!(end(&[with_horizon(0, 1), batch(2, 3)], None), 12);
    assert_eq!(end(&[batch(0, 1), with_horizon(2, 3)], None), 12);
}

/// After a cut the cleaner's checkpoint may lie within a segment, and within a gap.
#[test]
fn what_is_missing_below_the_cleaners_checkpoint_says_nothing() {
    assert_eq!(end(&[batch(0, 0), batch(3, 3), batch(4, 4)], Some(3)), 5);
    assert_eq!(end(&[thinned(0, 2), batch(3, 4)], Some(3)), 5);
    assert_eq!(end(&[thinned(0, 2), batch(3, 4)], Some(1)), 5, "a batch that begins below it");
    assert_eq!(end(&[batch(0, 2), thinned(3, 4)], Some(3)), 12, "but at it does");
    assert_eq!(end(&[batch(0, 2), batch(4, 5)], Some(3)), 12, "and behind it");
    assert_eq!(end(&[batch(0, 2), with_horizon(3, 5)], Some(3)), 12);
}

#[test]
fn without_a_record_from_the_cleaners_checkpoint_on_nothing_is_known() {
    assert_eq!(end(&[batch(0, 3)], Some(4)), 12);
    assert_eq!(end(&[batch(0, 3)], Some(3)), 4);
}

#[test]
fn below_the_cleaners_checkpoint_every_gap_was_compacted() {
    assert_eq!(end(&[batch(0, 3)], Some(10)), 12);
    assert_eq!(end(&[batch(0, 3)], Some(11)), 12);
}

#[test]
fn messages_of_old_tell_gaps_by_their_last_offsets() {
    assert_eq!(end(&[message(0), message(1), message(2)], None), 3);
    assert_eq!(end(&[message(0), message(2), message(3)], None), 12);
}

/// The one below the recovery point may be an older hole, that nobody could tell.
#[test]
fn a_gap_between_segments_does_not_hide_the_next_one() {
    for first in [batch(0, 0), batch(0, 1)] {
        let segments = [(0, &[first][..]), (2, &[batch(2, 3)]), (10, &[batch(10, 11)])];
        let opened = Made::of(segments).config(compacted()).flushed_to(2).open();
        assert!(opened.is_cut() && opened.end() == 4, "{:?}", opened.report);
    }
    let segments = [(0, &[batch(0, 0)][..]), (2, &[batch(3, 3)]), (10, &[batch(10, 11)])];
    let opened = Made::of(segments).config(compacted()).flushed_to(2).open();
    assert!(!opened.is_cut() && opened.end() == 12, "one inside of a segment does: {:?}", opened.report);
}

#[test]
fn without_a_recovery_point_no_gap_is_a_hole() {
    let segments = [(0, &[batch(0, 3)][..]), (10, &[batch(10, 11)])];
    for config in [crate::made::config(), compacted()] {
        let opened = Made::of(segments).config(config).open();
        assert!(!opened.is_cut() && opened.end() == 12, "{:?}", opened.report);
    }
}

/// In a log that is not compacted the settings once may have been others: what was compacted keeps its gaps.
#[test]
fn a_log_that_is_not_compacted_has_holes_behind_the_cleaners_checkpoint_only() {
    let made = Made::of([(0, &[batch(0, 1), batch(3, 4)]), (10, &[batch(10, 11)])]).flushed_to(5);
    for (cleaner_point, end) in [(None, 5), (Some(5), 5), (Some(9), 5), (Some(10), 12), (Some(11), 12)] {
        let made = match cleaner_point {
            Some(point) => made.clone().marked(OffsetCheckpoint::Cleaner, point),
            None => made.clone(),
        };
        let opened = made.open();
        assert_eq!(
            (opened.is_cut(), opened.end()),
            (end == 5, end),
            "{cleaner_point:?}: {:?}",
            opened.report
        );
    }
}

#[test]
fn only_the_files_of_a_pass_at_or_above_a_gap_explain_it() {
    let made = || {
        let segments = [(0, &[batch(0, 1)][..]), (2, &[batch(2, 3)]), (10, &[batch(10, 11)])];
        Made::of(segments).config(compacted()).flushed_to(0)
    };
    for (base, kind, suffix, end) in [
        (0, FileKind::Log, Suffix::Deleted, 4),
        (2, FileKind::Log, Suffix::Deleted, 12),
        (3, FileKind::Log, Suffix::Deleted, 12),
        (2, FileKind::Log, Suffix::Cleaned, 12),
        (10, FileKind::Log, Suffix::Cleaned, 12),
        // Recovery leaves such indexes too, of what it has set aside.
        (2, FileKind::Index, Suffix::Deleted, 4),
        (2, FileKind::TimeIndex, Suffix::Deleted, 4),
        // And a log that it was writing anew, after a sync that failed.
        (2, FileKind::Log, Suffix::Rebuilt, 4),
    ] {
        let opened = made().with(leftover(base, kind, suffix), b"").open();
        assert_eq!(opened.end(), end, "{kind:?} of {base}, {suffix:?}: {:?}", opened.report);
    }
}

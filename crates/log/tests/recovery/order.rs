//! Offsets lie outside a batch's checksum. What is read past the recovery point is taken only where it may follow.

use ottla::LogConfig;
use ottla::dir::FileKind;

use crate::made::{Made, Opened, batch, compacted, config, message, path};

/// Where a log of one segment ends whose batches are these, and whether anything was cut.
fn end(config: LogConfig, base: i64, batches: &[Vec<u8>]) -> (i64, bool) {
    let opened = Made::of([(base, batches)]).config(config).flushed_to(base).open();
    (opened.end(), opened.is_cut())
}

#[test]
fn a_batch_that_leaves_a_gap_lies_where_nothing_was_compacted() {
    assert_eq!(end(config(), 0, &[batch(0, 1), batch(2, 3)]), (4, false));
    assert_eq!(end(config(), 0, &[batch(0, 1), batch(3, 4)]), (2, true));
    assert_eq!(end(config(), 0, &[batch(1, 2)]), (0, true), "the first one of a segment too");
}

#[test]
fn a_batch_that_leaves_a_gap_lies_in_a_compacted_log_where_the_next_one_says_so() {
    assert_eq!(end(compacted(), 0, &[batch(0, 1), batch(3, 4)]), (5, false));
    assert_eq!(end(compacted(), 0, &[batch(1, 2), batch(4, 4)]), (5, false));
    assert_eq!(end(compacted(), 0, &[batch(0, 1), batch(7, 8), batch(9, 9)]), (10, false));
    assert_eq!(end(compacted(), 0, &[batch(0, 1), batch(7, 8), batch(2, 3)]), (2, true));
    assert_eq!(end(compacted(), 0, &[batch(0, 1), batch(7, 8), batch(8, 8)]), (2, true));
    // The next one lies itself, or is none.
    assert_eq!(end(compacted(), 0, &[batch(0, 1), batch(7, 8), batch(1, 1)]), (9, true));
    assert_eq!(
        end(compacted(), 0, &[batch(0, 1), batch(7, 8), b"none, and longer than a head".to_vec()]),
        (9, true)
    );
}

#[test]
fn a_batch_that_overlaps_the_one_before_lies() {
    for config in [config(), compacted()] {
        assert_eq!(end(config.clone(), 0, &[batch(0, 3), batch(3, 5)]), (4, true));
        assert_eq!(end(config.clone(), 0, &[batch(0, 3), batch(0, 3)]), (4, true));
        assert_eq!(end(config, 5, &[batch(4, 6)]), (5, true), "or the base of its segment");
    }
}

#[test]
fn an_offset_beyond_the_reach_of_its_segment_lies() {
    let most = i64::from(i32::MAX);
    for base in [0, 5] {
        assert_eq!(end(compacted(), base, &[batch(base + most, base + most)]), (base + most + 1, false));
        assert_eq!(end(compacted(), base, &[batch(base + most + 1, base + most + 1)]), (base, true));
    }
}

/// A wrapper of magic 0 or 1 tells only the last of its offsets.
#[test]
fn an_old_message_leaves_no_gap_that_is_known() {
    assert_eq!(end(config(), 0, &[message(0), message(4)]), (5, false));
    assert_eq!(end(config(), 0, &[message(0), message(0)]), (1, true));
}

/// A log of one segment that is read from its first byte on, though all below 6 was on disk.
fn read_again(batches: &[Vec<u8>]) -> Opened {
    Made::of([(0, batches)]).with(path(0, FileKind::Index), b"").flushed_to(6).open()
}

#[test]
fn behind_damage_no_gap_is_known_either() {
    let rotten: Vec<u8> =
        batch(2, 3).iter().enumerate().map(|(at, byte)| byte ^ u8::from(at == 70)).collect();
    let opened = read_again(&[batch(0, 1), rotten.clone(), batch(4, 5), batch(6, 7)]);
    assert_eq!((opened.end(), opened.is_cut(), opened.report.damaged.len()), (8, false, 1));
    let (damage, size) = (&opened.report.damaged[0], batch(0, 1).len() as u64);
    assert_eq!((damage.position, damage.bytes, damage.next_offset.get()), (size, size, 2));
    opened.log.append(&batch(0, 0)).unwrap();
    assert_eq!(opened.log.segment_base_offsets().len(), 1, "whole batches stand behind it");
    // But behind a whole batch it is.
    let opened = read_again(&[batch(0, 1), rotten, batch(4, 5), batch(7, 8)]);
    assert_eq!((opened.end(), opened.report.damaged.len()), (6, 2), "{:?}", opened.report);
    assert!(!opened.is_cut(), "where batches stand in the wrong places nothing is cut");
}

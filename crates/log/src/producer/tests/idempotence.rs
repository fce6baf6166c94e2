use super::*;
use crate::error::Error;
use crate::producer::ProducerEntry;

fn out_of_order(result: Result<Option<CompletedTxn>>) -> (i32, i32) {
    match result {
        Err(Error::OutOfOrderSequence { expected, found, .. }) => (expected, found),
        other => panic!("{other:?}"),
    }
}

#[test]
fn sequences_of_one_epoch_follow_each_other() {
    let mut state = empty();
    client(&mut state, &data(0, 0, 0)).unwrap();
    client(&mut state, &data(0, 1, 1)).unwrap();
    assert_eq!(out_of_order(client(&mut state, &data(0, 5, 2))), (2, 5));
    client(&mut state, &data(0, 2, 2)).unwrap();
}

#[test]
fn a_new_epoch_starts_at_zero_and_fences_the_old() {
    let mut state = empty();
    client(&mut state, &data(0, 0, 0)).unwrap();
    assert_eq!(out_of_order(client(&mut state, &data(1, 1, 1))), (0, 1));
    client(&mut state, &data(1, 0, 1)).unwrap();
    let fenced = client(&mut state, &data(0, 1, 2));
    assert!(
        matches!(fenced, Err(Error::InvalidProducerEpoch { producer_id: 1, current: 1, found: 0 })),
        "{fenced:?}"
    );
}

#[test]
fn an_unknown_producer_may_start_anywhere() {
    client(&mut empty(), &data(5, 16, 0)).unwrap();
}

/// A snapshot may tell of a producer of which there is only a marker, or nothing.
#[test]
fn a_producer_without_an_epoch_may_start_anywhere() {
    let entry = ProducerEntry::new(1);
    assert_eq!(entry.producer_epoch, -1);
    let mut state = ProducerState::from_entries([entry], offset(0), 0, 1_000);
    assert_eq!(state.entries().len(), 1);
    client(&mut state, &data(5, 16, 0)).unwrap();
}

#[test]
fn a_refused_batch_changes_nothing() {
    let mut state = empty();
    client(&mut state, &data(0, 0, 0)).unwrap();
    let before = *state.entry(1).unwrap();
    client(&mut state, &data(0, 9, 1)).unwrap_err();
    client(&mut state, &data(3, 9, 1)).unwrap_err();
    assert_eq!(*state.entry(1).unwrap(), before);
    assert_eq!(state.map_end_offset(), offset(1));
}

#[test]
fn after_the_largest_sequence_comes_zero() {
    let mut state = empty();
    client(&mut state, &data(15, i32::MAX, 735)).unwrap();
    client(&mut state, &data(15, 0, 736)).unwrap();
    assert_eq!(state.entry(1).unwrap().last_sequence(), 0);
}

#[test]
fn only_zero_comes_after_the_largest_sequence() {
    let mut state = empty();
    client(&mut state, &data(15, i32::MAX, 735)).unwrap();
    assert_eq!(out_of_order(client(&mut state, &data(15, 1, 736))), (0, 1));
}

#[test]
fn one_batch_may_hold_the_wrap_around() {
    let mut state = empty();
    let wrapped = range(15, (i32::MAX - 10, 9), (2_000, 2_020));
    append(&mut state, Origin::Replica, &wrapped).unwrap();
    let batch = *state.entry(1).unwrap().last_batch().unwrap();
    assert_eq!((batch.base_sequence(), batch.base_offset()), (i32::MAX - 10, offset(2_000)));
    client(&mut state, &data(15, 10, 2_021)).unwrap();
    assert!(matches!(state.check(&wrapped, Origin::Client), Ok(Verdict::Duplicate { .. })));
}

#[test]
fn any_of_the_last_five_batches_is_recognised_and_answered_as_before() {
    let mut state = empty();
    for n in 0..6 {
        let first = 10 * n;
        let batch = range(0, (first, first + 9), (i64::from(first), i64::from(first) + 9));
        client(&mut state, &at_ms(i64::from(n), batch)).unwrap();
    }
    for n in 1..6 {
        let first = 10 * n;
        let again = range(0, (first, first + 9), (60, 69));
        let (base_offset, last_offset) = (offset(i64::from(first)), offset(i64::from(first) + 9));
        let expected = Verdict::Duplicate { base_offset, last_offset, timestamp_ms: i64::from(n) };
        assert_eq!(state.check(&again, Origin::Client).unwrap(), expected);
    }
    assert_eq!(out_of_order(client(&mut state, &range(0, (0, 9), (60, 69)))), (60, 0));
}

#[test]
fn part_of_a_batch_is_no_duplicate() {
    let mut state = empty();
    client(&mut state, &range(0, (0, 9), (0, 9))).unwrap();
    assert_eq!(out_of_order(client(&mut state, &range(0, (0, 4), (10, 14)))), (10, 0));
    assert_eq!(out_of_order(client(&mut state, &range(0, (5, 9), (10, 14)))), (10, 5));
}

#[test]
fn the_same_sequences_in_a_newer_epoch_are_no_duplicate() {
    let mut state = empty();
    client(&mut state, &data(0, 0, 0)).unwrap();
    assert_eq!(state.check(&data(1, 0, 1), Origin::Client).unwrap(), Verdict::Next);
}

#[test]
fn nothing_is_refused_of_a_replica() {
    let mut state = empty();
    for stamp in [data(5, 3, 0), data(5, 9, 1), data(4, 2, 2), in_txn(data(4, 2, 3)), data(4, 3, 4)] {
        append(&mut state, Origin::Replica, &stamp).unwrap();
    }
    assert_eq!(state.entry(1).unwrap().producer_epoch, 4);
}

#[test]
fn a_coordinator_sends_no_sequences_but_its_epochs_count() {
    let mut state = empty();
    let commit_of_offsets = |epoch| BatchStamp { base_sequence: -1, last_sequence: -1, ..data(epoch, 0, 0) };
    coordinator(&mut state, &in_txn(commit_of_offsets(3))).unwrap();
    coordinator(&mut state, &in_txn(commit_of_offsets(3))).unwrap();
    let fenced = coordinator(&mut state, &in_txn(commit_of_offsets(2)));
    assert!(matches!(fenced, Err(Error::InvalidProducerEpoch { .. })), "{fenced:?}");
}

#[test]
fn batches_of_one_append_follow_each_other_too() {
    let state = empty();
    let first = data(0, 7, 0);
    let check =
        |earlier: &[BatchStamp], stamp: BatchStamp| state.check_after(earlier, &stamp, Origin::Client);
    assert_eq!(check(&[first], data(0, 8, 1)).unwrap(), Verdict::Next);
    assert_eq!(check(&[first], of(2, data(0, 3, 1))).unwrap(), Verdict::Next);
    assert!(matches!(check(&[first], data(0, 9, 1)), Err(Error::OutOfOrderSequence { expected: 8, .. })));
    assert!(state.entries().is_empty());
}

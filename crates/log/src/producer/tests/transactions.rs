use super::*;
use crate::error::Error;

#[test]
fn a_marker_of_an_unknown_producer_ends_nothing_and_keeps_its_epochs() {
    let mut state = empty();
    assert_eq!(coordinator(&mut state, &marker(2, true, 27, 0)).unwrap(), None);
    let entry = *state.entry(1).unwrap();
    assert_eq!((entry.producer_epoch, entry.coordinator_epoch, entry.last_sequence()), (2, 27, -1));
    let fenced = client(&mut state, &data(0, 0, 1));
    assert!(matches!(fenced, Err(Error::InvalidProducerEpoch { .. })), "{fenced:?}");
    let gap = client(&mut state, &data(2, 17, 1));
    assert!(matches!(gap, Err(Error::OutOfOrderSequence { expected: 0, .. })), "{gap:?}");
    client(&mut state, &data(2, 0, 1)).unwrap();
}

/// Since KIP-890 every marker carries the next epoch, in which the next transaction then starts at 0.
#[test]
fn a_marker_with_the_next_epoch_starts_sequences_anew() {
    let mut state = empty();
    for n in 0..3 {
        let at = 10 * i64::from(n);
        client(&mut state, &in_txn(range(n, (0, 4), (at, at + 4)))).unwrap();
        let ended = coordinator(&mut state, &marker(n + 1, n == 1, 0, at + 5)).unwrap().unwrap();
        assert_eq!((ended.first_offset, ended.last_offset), (offset(at), offset(at + 5)));
        assert_eq!(state.entry(1).unwrap().batches(), []);
    }
    let old_epoch = client(&mut state, &in_txn(range(2, (5, 9), (30, 34))));
    assert!(matches!(old_epoch, Err(Error::InvalidProducerEpoch { .. })), "{old_epoch:?}");
    let gap = client(&mut state, &in_txn(range(3, (5, 9), (30, 34))));
    assert!(matches!(gap, Err(Error::OutOfOrderSequence { expected: 0, .. })), "{gap:?}");
    client(&mut state, &in_txn(range(3, (0, 4), (30, 34)))).unwrap();
}

/// As before KIP-890.
#[test]
fn a_marker_with_the_same_epoch_lets_sequences_go_on() {
    let mut state = empty();
    client(&mut state, &in_txn(range(0, (0, 4), (0, 4)))).unwrap();
    coordinator(&mut state, &marker(0, true, 0, 5)).unwrap();
    client(&mut state, &in_txn(range(0, (5, 5), (6, 6)))).unwrap();
}

#[test]
fn a_late_marker_with_an_older_epoch_is_refused() {
    let mut state = empty();
    client(&mut state, &in_txn(data(5, 0, 0))).unwrap();
    let late = coordinator(&mut state, &marker(4, true, 0, 1));
    assert!(matches!(late, Err(Error::InvalidProducerEpoch { current: 5, found: 4, .. })), "{late:?}");
}

#[test]
fn a_marker_of_a_replaced_coordinator_is_refused() {
    let mut state = empty();
    client(&mut state, &in_txn(data(0, 0, 0))).unwrap();
    coordinator(&mut state, &marker(0, false, 5, 1)).unwrap();
    client(&mut state, &in_txn(data(0, 1, 2))).unwrap();
    let zombie = coordinator(&mut state, &marker(0, true, 4, 3));
    assert!(matches!(zombie, Err(Error::InvalidTxnState { .. })), "{zombie:?}");
    coordinator(&mut state, &marker(0, true, 5, 3)).unwrap();
    append(&mut state, Origin::Replica, &marker(0, true, 4, 4)).unwrap();
}

#[test]
fn a_batch_beside_the_open_transaction_is_refused() {
    let mut state = empty();
    client(&mut state, &in_txn(data(0, 0, 0))).unwrap();
    let beside = client(&mut state, &data(0, 1, 1));
    assert!(matches!(beside, Err(Error::InvalidTxnState { .. })), "{beside:?}");
}

#[test]
fn an_aborting_marker_with_a_new_epoch_fences_the_old_instance() {
    let mut state = empty();
    client(&mut state, &in_txn(data(0, 0, 0))).unwrap();
    let ended = coordinator(&mut state, &marker(1, false, 0, 1)).unwrap().unwrap();
    assert!(ended.aborted);
    let old = client(&mut state, &in_txn(data(0, 1, 2)));
    assert!(matches!(old, Err(Error::InvalidProducerEpoch { .. })), "{old:?}");
}

#[test]
fn an_empty_transaction_is_not_completed() {
    let mut state = empty();
    client(&mut state, &in_txn(data(0, 0, 0))).unwrap();
    assert!(coordinator(&mut state, &marker(0, false, 0, 1)).unwrap().is_some());
    assert_eq!(coordinator(&mut state, &marker(0, false, 0, 2)).unwrap(), None);
}

#[test]
fn the_transaction_begins_at_its_first_batch() {
    let mut state = empty();
    client(&mut state, &data(0, 0, 0)).unwrap();
    client(&mut state, &in_txn(data(0, 1, 1))).unwrap();
    client(&mut state, &in_txn(data(0, 2, 2))).unwrap();
    assert_eq!(state.entry(1).unwrap().current_txn_first_offset, Some(offset(1)));
    let ended = coordinator(&mut state, &marker(0, true, 0, 3)).unwrap().unwrap();
    assert_eq!((ended.first_offset, ended.last_offset, ended.aborted), (offset(1), offset(3), false));
    assert_eq!(ended.index_entry(), None);
}

#[test]
fn offsets_are_unstable_until_the_marker_is_below_the_high_watermark() {
    let mut state = empty();
    assert_eq!(state.first_unstable_offset(), None);
    client(&mut state, &in_txn(data(0, 0, 99))).unwrap();
    assert_eq!(state.first_unstable_offset(), Some(offset(99)));
    client(&mut state, &of(2, in_txn(data(0, 0, 105)))).unwrap();
    coordinator(&mut state, &marker(0, true, 0, 112)).unwrap();
    assert_eq!(state.first_unstable_offset(), Some(offset(99)));
    assert_eq!(state.last_stable_offset(offset(112)), offset(99));
    assert_eq!(state.last_stable_offset(offset(113)), offset(105));
    state.on_high_watermark(offset(112));
    assert_eq!(state.first_unstable_offset(), Some(offset(99)));
    state.on_high_watermark(offset(113));
    assert_eq!(state.first_unstable_offset(), Some(offset(105)));
    coordinator(&mut state, &of(2, marker(0, false, 0, 115))).unwrap();
    state.on_high_watermark(offset(116));
    assert_eq!(state.first_unstable_offset(), None);
    assert_eq!(state.last_stable_offset(offset(116)), offset(116));
}

#[test]
fn the_last_stable_offset_never_passes_the_high_watermark() {
    let mut state = empty();
    client(&mut state, &in_txn(data(0, 0, 50))).unwrap();
    assert_eq!(state.last_stable_offset(offset(40)), offset(40));
}

#[test]
fn a_completed_transaction_tells_where_the_next_open_one_begins() {
    let mut state = empty();
    for (producer_id, at) in [(1, 0), (2, 1), (3, 2)] {
        client(&mut state, &of(producer_id, in_txn(data(0, 0, at)))).unwrap();
    }
    let stable_after = |state: &mut ProducerState, producer_id, at| {
        let ended = coordinator(state, &of(producer_id, marker(0, false, 0, at))).unwrap().unwrap();
        assert_eq!(ended.index_entry().unwrap().last_stable_offset, ended.last_stable_offset);
        ended.last_stable_offset
    };
    assert_eq!(stable_after(&mut state, 2, 3), offset(0));
    assert_eq!(stable_after(&mut state, 1, 4), offset(2));
    assert_eq!(stable_after(&mut state, 3, 5), offset(6));
}

#[test]
fn an_open_transaction_whose_start_was_deleted_holds_readers_at_the_log_start() {
    let mut state = empty();
    client(&mut state, &in_txn(range(0, (0, 9), (0, 9)))).unwrap();
    state.truncate_head(offset(5));
    assert_eq!(state.first_unstable_offset(), Some(offset(5)));
    assert_eq!(state.last_stable_offset(offset(10)), offset(5));
    let ended = coordinator(&mut state, &marker(0, false, 0, 10)).unwrap().unwrap();
    assert_eq!(ended.first_offset, offset(0));
}

#[test]
fn deleting_records_keeps_their_producers() {
    let mut state = empty();
    client(&mut state, &data(0, 0, 0)).unwrap();
    client(&mut state, &in_txn(of(2, data(0, 0, 1)))).unwrap();
    coordinator(&mut state, &of(2, marker(0, true, 0, 2))).unwrap();
    state.truncate_head(offset(20));
    assert_eq!(state.first_unstable_offset(), None);
    assert_eq!((state.entries().len(), state.map_end_offset()), (2, offset(20)));
    assert!(matches!(state.check(&data(0, 0, 20), Origin::Client), Ok(Verdict::Duplicate { .. })));
}

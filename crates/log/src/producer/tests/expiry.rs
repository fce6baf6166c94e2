use super::*;

const DAY_MS: i64 = 86_400_000;

#[test]
fn a_silent_producer_is_forgotten() {
    let mut state = empty();
    client(&mut state, &at_ms(10, data(0, 0, 0))).unwrap();
    client(&mut state, &of(2, at_ms(20, data(0, 0, 1)))).unwrap();
    client(&mut state, &of(3, at_ms(10, data(0, 0, 2)))).unwrap();
    assert_eq!(state.expire(DAY_MS + 9, DAY_MS), 0);
    assert_eq!(state.expire(DAY_MS + 10, DAY_MS), 2);
    assert_eq!(state.entry(1), None);
    assert_eq!(state.entry(2).unwrap().last_sequence(), 0);
    client(&mut state, &of(2, data(0, 1, 3))).unwrap();
    // Whoever comes back may go on with any sequence.
    client(&mut state, &data(0, 1, 4)).unwrap();
    assert_eq!(state.entry(1).unwrap().last_sequence(), 1);
}

#[test]
fn a_producer_in_a_transaction_is_kept() {
    let mut state = empty();
    client(&mut state, &in_txn(data(0, 0, 0))).unwrap();
    assert_eq!(state.expire(2 * DAY_MS, DAY_MS), 0);
    coordinator(&mut state, &at_ms(DAY_MS, marker(0, true, 0, 1))).unwrap();
    assert_eq!(state.expire(2 * DAY_MS - 1, DAY_MS), 0);
    assert_eq!(state.expire(2 * DAY_MS, DAY_MS), 1);
}

#[test]
fn expired_producers_of_a_snapshot_are_left_out() {
    let mut state = empty();
    client(&mut state, &at_ms(1, data(0, 0, 0))).unwrap();
    client(&mut state, &of(2, at_ms(70_000, data(0, 0, 1)))).unwrap();
    client(&mut state, &of(3, at_ms(1, in_txn(data(0, 0, 2))))).unwrap();
    let entries = state.entries().iter().copied();
    let loaded = ProducerState::from_entries(entries, state.map_end_offset(), 70_000, 60_000);
    assert_eq!(loaded.entries().iter().map(|entry| entry.producer_id).collect::<Vec<_>>(), [2, 3]);
    assert_eq!(loaded.first_unstable_offset(), Some(offset(2)));
    assert_eq!(loaded.map_end_offset(), offset(3));
}

#[test]
fn no_clock_makes_expiry_overflow() {
    let mut state = empty();
    client(&mut state, &at_ms(i64::MAX, data(0, 0, 0))).unwrap();
    client(&mut state, &of(2, at_ms(i64::MIN, data(0, 0, 1)))).unwrap();
    assert_eq!(state.expire(i64::MIN, DAY_MS), 0);
    assert_eq!(state.expire(i64::MAX, DAY_MS), 1);
}

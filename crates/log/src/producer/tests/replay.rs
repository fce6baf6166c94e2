//! The log that Kafka wrote, replayed: what follows from it must be what Kafka kept beside it.

use ottla_record::{ControlRecord, Head, decode};

use super::*;
use crate::producer::{AbortedTxn, snapshot};

macro_rules! fixture {
    ($path:literal) => {
        include_bytes!(concat!("../../../../testkit/fixtures/kafka-4.3/", $path)).as_slice()
    };
}

fn marker_of(batch: &[u8]) -> Option<Marker> {
    let decoded = decode(batch, 1 << 20).unwrap();
    let record = decoded.records().next()?.unwrap();
    Marker::of(&ControlRecord::parse(record.key, record.value).unwrap())
}

fn replay(state: &mut ProducerState, mut log: &[u8]) -> Vec<AbortedTxn> {
    let mut aborted = Vec::new();
    while !log.is_empty() {
        let head = Head::parse(log).unwrap();
        let (batch, rest) = log.split_at(head.size_bytes());
        log = rest;
        let marker = if head.is_control() { marker_of(batch) } else { None };
        match BatchStamp::of(&head, marker) {
            Some(stamp) => {
                let origin = if stamp.control.is_some() { Origin::Coordinator } else { Origin::Client };
                let ended = append(state, origin, &stamp).unwrap();
                aborted.extend(ended.and_then(|txn| txn.index_entry()));
            }
            None => state.advance_to(head.last_offset() + 1),
        }
        state.on_high_watermark(state.map_end_offset());
    }
    aborted
}

#[test]
fn kafkas_transactional_log_gives_kafkas_snapshots_and_transaction_index() {
    let mut state = empty();
    assert_eq!(replay(&mut state, fixture!("txn-0/00000000000000000000.log")), []);
    assert_eq!(state.map_end_offset(), offset(53));
    assert_eq!(snapshot::encode(state.entries()), fixture!("txn-0/00000000000000000053.snapshot"));

    let aborted = replay(&mut state, fixture!("txn-0/00000000000000000053.log"));
    let index: Vec<u8> = aborted.iter().flat_map(|txn| txn.encode()).collect();
    assert_eq!(index, fixture!("txn-0/00000000000000000053.txnindex"));
    assert_eq!(state.map_end_offset(), offset(18_331));
    assert_eq!((state.first_unstable_offset(), state.open_transactions()), (None, &[][..]));
    let mut entries = state.entries().to_vec();
    entries.sort_unstable_by_key(|entry| entry.producer_id);
    assert_eq!(snapshot::encode(&entries), fixture!("txn-0/00000000000000018331.snapshot"));
}

#[test]
fn a_snapshot_and_the_batches_after_it_give_what_the_whole_log_gives() {
    let mut whole = empty();
    replay(&mut whole, fixture!("txn-0/00000000000000000000.log"));
    let mut aborted = replay(&mut whole, fixture!("txn-0/00000000000000000053.log"));
    let entries = snapshot::decode(fixture!("txn-0/00000000000000000053.snapshot"), "s".as_ref()).unwrap();
    let mut resumed = ProducerState::from_entries(entries, offset(53), 0, i64::MAX);
    let resumed_aborted = replay(&mut resumed, fixture!("txn-0/00000000000000000053.log"));
    assert_eq!(aborted.split_off(0), resumed_aborted);
    assert_eq!(whole.entries(), resumed.entries());
}

#[test]
fn an_idempotent_producers_log_gives_kafkas_snapshot() {
    let mut state = empty();
    replay(&mut state, fixture!("lz4-0/00000000000000000000.log"));
    assert_eq!(snapshot::encode(state.entries()), fixture!("lz4-0/00000000000000008000.snapshot"));
}

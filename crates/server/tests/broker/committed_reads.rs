//! Transactions are not taken from clients yet, but a directory that Kafka wrote may hold them.

use ottla::{AppendOptions, Origin};
use ottla_protocol::api::IsolationLevel;
use ottla_record::{BatchBuilder, EndTransactionMarker};

use crate::support::{Broker, FetchOptions, NOW_MS, batch, batch_from, broker};

const COMMITTED: IsolationLevel = IsolationLevel::ReadCommitted;

fn append(broker: &Broker, batch: &[u8]) {
    let options = AppendOptions { origin: Origin::Coordinator, ..Default::default() };
    broker.server.store().log("letters", 0).unwrap().append_with(batch, &options).unwrap();
}

fn transactional(producer_id: i64, value: &str) -> Vec<u8> {
    batch_from(BatchBuilder::new().producer(producer_id, 0, 0).transactional(true), &[value])
}

fn marker(producer_id: i64, commit: bool) -> Vec<u8> {
    EndTransactionMarker {
        commit,
        producer_id,
        producer_epoch: 0,
        coordinator_epoch: 0,
        timestamp_ms: NOW_MS,
    }
    .to_batch()
    .unwrap()
}

#[test]
fn a_careful_reader_stops_at_an_open_transaction_and_learns_of_aborted_ones() {
    let broker = broker();
    broker.topic("letters", 1);
    append(&broker, &batch(&["plain"]));
    append(&broker, &transactional(7, "aborted"));
    append(&broker, &marker(7, false));
    append(&broker, &transactional(8, "open"));
    append(&broker, &batch(&["after"]));

    let mut client = broker.connect();
    let fetch = FetchOptions { topic: "letters", isolation_level: COMMITTED, ..Default::default() };
    let fetched = client.fetch_with(fetch);
    assert_eq!((fetched.high_watermark, fetched.last_stable_offset, fetched.log_start_offset), (5, 3, 0));
    assert_eq!(fetched.batches().len(), 3, "up to the open transaction");
    assert_eq!(fetched.aborted, Some(vec![(7, 1)]));

    let all = client.fetch("letters", 0, 0);
    assert_eq!((all.batches().len(), all.aborted), (5, None));
    assert_eq!(client.list_offset("letters", 0, -1).offset, 5);

    append(&broker, &marker(8, true));
    let fetched = client.fetch_with(FetchOptions { offset: 3, ..fetch });
    assert_eq!((fetched.last_stable_offset, fetched.batches().len()), (6, 3));
    assert_eq!(fetched.aborted, Some(vec![]));
}

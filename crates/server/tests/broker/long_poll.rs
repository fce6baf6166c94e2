use std::io::ErrorKind;
use std::io::Read;
use std::time::Duration;

use crate::support::{FetchOptions, Fetched, batch, broker};

/// Long enough that a test which really waits for it has failed.
const FOR_EVER_MS: i32 = 120_000;

#[test]
fn a_fetch_at_the_end_waits_for_the_next_batch() {
    let broker = broker();
    broker.topic("letters", 1);
    let mut consumer = broker.connect();
    let fetch = FetchOptions { topic: "letters", max_wait_ms: FOR_EVER_MS, ..Default::default() };
    fetch.with(|request| consumer.send(12, request));
    assert_nothing_comes(&mut consumer.stream);
    broker.connect().produce("letters", 0, 1, &batch(&["a"]));
    assert_eq!(Fetched::decode(&consumer.receive(), 12).records(), [(0, "a".to_owned())]);
}

fn assert_nothing_comes(stream: &mut std::net::TcpStream) {
    stream.set_read_timeout(Some(Duration::from_millis(50))).unwrap();
    assert_eq!(stream.read(&mut [0]).unwrap_err().kind(), ErrorKind::WouldBlock);
    stream.set_read_timeout(Some(crate::support::TOO_LONG)).unwrap();
}

#[test]
fn a_fetch_waits_for_its_least_number_of_bytes_over_many_batches() {
    let broker = broker();
    broker.topic("letters", 1);
    let one = batch(&["0123456789"]);
    let min_bytes = one.len() as i32 * 3;
    let mut consumer = broker.connect();
    let fetch = FetchOptions { topic: "letters", min_bytes, max_wait_ms: FOR_EVER_MS, ..Default::default() };
    fetch.with(|request| consumer.send(12, request));
    let mut producer = broker.connect();
    for _ in 0..3 {
        producer.produce("letters", 0, 1, &one);
    }
    assert_eq!(Fetched::decode(&consumer.receive(), 12).records().len(), 3);
}

#[test]
fn a_fetch_that_waited_in_vain_is_answered_with_what_there_is() {
    let broker = broker();
    broker.topic("letters", 1);
    let mut client = broker.connect();
    client.produce("letters", 0, 1, &batch(&["a"]));
    let fetch = FetchOptions { topic: "letters", min_bytes: 1 << 20, max_wait_ms: 10, ..Default::default() };
    assert_eq!(client.fetch_with(fetch).records().len(), 1);
    let at_the_end = FetchOptions { offset: 1, ..fetch };
    let fetched = client.fetch_with(at_the_end);
    assert_eq!((fetched.records().len(), fetched.high_watermark), (0, 1));
}

#[test]
fn a_fetch_of_many_partitions_is_woken_by_any_of_them() {
    let broker = broker();
    broker.topic("letters", 3);
    for partition in 0..3 {
        let mut consumer = broker.connect();
        let fetch =
            FetchOptions { topic: "letters", partition, max_wait_ms: FOR_EVER_MS, ..Default::default() };
        fetch.with(|request| consumer.send(12, request));
        broker.connect().produce("letters", partition, 1, &batch(&["a"]));
        assert_eq!(Fetched::decode(&consumer.receive(), 12).records().len(), 1);
    }
}

#[test]
fn an_error_is_told_without_waiting() {
    let broker = broker();
    let mut client = broker.connect();
    let fetch = FetchOptions { topic: "nowhere", max_wait_ms: FOR_EVER_MS, ..Default::default() };
    assert!(client.fetch_with(fetch).error.is_error());
}

#[test]
fn a_waiting_fetch_does_not_hold_up_the_shutdown() {
    let broker = broker();
    broker.topic("letters", 1);
    let mut consumer = broker.connect();
    let fetch = FetchOptions { topic: "letters", max_wait_ms: FOR_EVER_MS, ..Default::default() };
    fetch.with(|request| consumer.send(12, request));
    broker.server.shutdown().unwrap();
    consumer.wait_for_close();
}

#[test]
fn deleting_the_topic_ends_the_wait() {
    let broker = broker();
    broker.topic("letters", 1);
    let mut consumer = broker.connect();
    let fetch = FetchOptions { topic: "letters", max_wait_ms: FOR_EVER_MS, ..Default::default() };
    fetch.with(|request| consumer.send(12, request));
    assert_nothing_comes(&mut consumer.stream);
    broker.server.store().delete_topic("letters").unwrap();
    assert!(Fetched::decode(&consumer.receive(), 12).error.is_error());
}

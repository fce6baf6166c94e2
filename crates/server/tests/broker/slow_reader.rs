use std::io::Read;
use std::time::Duration;

use crate::support::{Broker, Client, FetchOptions, batch, broker_with, wait_until};

/// A partition that holds far more than any socket buffer takes.
fn fill(broker: &Broker) {
    broker.topic("letters", 1);
    let mut client = broker.connect();
    let megabyte = "x".repeat(1_000_000);
    for _ in 0..40 {
        client.produce("letters", 0, 1, &batch(&[&megabyte]));
    }
}

fn fetch_and_read_nothing(broker: &Broker) -> Client {
    let mut client = broker.connect();
    let fetch = FetchOptions { topic: "letters", ..Default::default() };
    fetch.with(|request| client.send(12, request));
    client
}

#[test]
fn a_client_that_does_not_read_its_answer_holds_up_nobody_else() {
    let broker = broker_with(|_| {});
    fill(&broker);
    let mut slow: Vec<_> = (0..8).map(|_| fetch_and_read_nothing(&broker)).collect();
    let mut client = broker.connect();
    for round in 0..10 {
        assert_eq!(client.fetch("letters", 0, 0).batches().len(), 40 + round);
        client.produce("letters", 0, 1, &batch(&["a"]));
    }
    // It gets all of it once it reads.
    assert!(crate::support::Fetched::decode(&slow[0].receive(), 12).batches().len() >= 40);
}

#[test]
fn a_client_that_takes_nothing_for_too_long_is_cut_off() {
    let broker = broker_with(|config| config.limits.write_stall_time = Duration::from_millis(50));
    fill(&broker);
    let mut slow = fetch_and_read_nothing(&broker);
    wait_until(|| broker.server.metrics().slow_readers == 1);
    let mut taken = Vec::new();
    let _ = slow.stream.read_to_end(&mut taken);
    assert!(taken.len() < 40_000_000, "the rest was not sent");
}

#[test]
fn a_client_that_goes_in_the_middle_of_its_answer_is_no_error_of_the_disk() {
    let broker = broker_with(|_| {});
    fill(&broker);
    drop(fetch_and_read_nothing(&broker));
    wait_until(|| broker.server.metrics().connections == 0);
    assert_eq!(broker.server.metrics().storage_errors, 0);
}

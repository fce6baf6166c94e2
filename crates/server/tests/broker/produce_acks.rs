use ottla_protocol::ErrorCode;

use crate::support::{batch, broker, with_produce};

#[test]
fn what_was_produced_with_any_acks_is_fetched() {
    let broker = broker();
    broker.topic("letters", 2);
    let mut client = broker.connect();

    let produced = client.produce("letters", 1, 1, &batch(&["a", "b"]));
    assert_eq!((produced.error, produced.base_offset), (ErrorCode::None, 0));
    let produced = client.produce("letters", 1, -1, &batch(&["c"]));
    assert_eq!((produced.error, produced.base_offset), (ErrorCode::None, 2));
    with_produce("letters", 1, 0, &batch(&["d"]), |request| client.send(9, request));

    // No answer comes for acks 0: the next one is the fetch's.
    let fetched = client.fetch("letters", 1, 0);
    assert_eq!(fetched.high_watermark, 4);
    let expected = ["a", "b", "c", "d"].map(str::to_owned);
    assert_eq!(fetched.records(), (0..).zip(expected).collect::<Vec<_>>());
    assert_eq!(client.fetch("letters", 0, 0).records(), []);
}

#[test]
fn acks_all_says_that_the_records_are_on_disk() {
    let broker = broker();
    broker.topic("letters", 1);
    let log = broker.server.store().log("letters", 0).unwrap();
    broker.connect().produce("letters", 0, -1, &batch(&["a", "b"]));
    assert_eq!(log.durable_offset(), log.log_end_offset());
    assert_eq!(log.log_end_offset().get(), 2);
}

#[test]
fn with_flush_messages_of_one_consumers_see_what_is_on_disk_whatever_the_acks() {
    let broker = broker();
    broker.topic_with("safe", 1, &[("flush.messages", "1")]);
    let log = broker.server.store().log("safe", 0).unwrap();
    let mut client = broker.connect();
    assert_eq!(client.produce("safe", 0, 1, &batch(&["a", "b"])).error, ErrorCode::None);
    assert_eq!(log.durable_offset().get(), 2);
    let fetched = client.fetch("safe", 0, 0);
    assert_eq!((fetched.high_watermark, fetched.records().len()), (2, 2));
}

#[test]
fn acks_that_do_not_exist_are_refused_and_nothing_is_stored() {
    let broker = broker();
    broker.topic("letters", 1);
    let mut client = broker.connect();
    for acks in [-2, 2, 7] {
        assert_eq!(client.produce("letters", 0, acks, &batch(&["a"])).error, ErrorCode::InvalidRequiredAcks);
    }
    assert_eq!(client.fetch("letters", 0, 0).high_watermark, 0);
}

#[test]
fn a_refused_batch_with_acks_0_closes_the_connection_and_earlier_ones_are_kept() {
    let broker = broker();
    broker.topic("letters", 1);
    let mut client = broker.connect();
    with_produce("letters", 0, 0, &batch(&["a"]), |request| client.send(9, request));
    with_produce("elsewhere", 0, 0, &batch(&["b"]), |request| client.send(9, request));
    assert_eq!(client.wait_for_close(), []);
    assert_eq!(broker.connect().fetch("letters", 0, 0).records(), [(0, "a".to_owned())]);
}

#[test]
fn log_append_time_is_told_to_the_producer() {
    let broker = broker();
    broker.topic_with("stamped", 1, &[("message.timestamp.type", "LogAppendTime")]);
    broker.topic("plain", 1);
    let mut client = broker.connect();
    assert!(client.produce("stamped", 0, 1, &batch(&["a"])).log_append_time_ms > 0);
    assert_eq!(client.produce("plain", 0, 1, &batch(&["a"])).log_append_time_ms, -1);
}

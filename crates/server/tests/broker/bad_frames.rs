use std::io::Write;
use std::time::Duration;

use ottla_protocol::api::metadata;

use crate::support::{Broker, broker, broker_with, wait_until};

/// Sends these bytes and waits for the end of the connection. The server must live, and count it.
fn assert_closed(broker: &Broker, bytes: &[u8]) {
    let before = broker.server.metrics().frames_rejected;
    let mut client = broker.connect();
    // The server may close before it has read everything.
    let _ = client.stream.write_all(bytes);
    assert_eq!(client.wait_for_close(), [], "no answer");
    broker.connect().ask(12, &metadata::Request::default());
    wait_until(|| broker.server.metrics().frames_rejected == before + 1);
}

#[test]
fn a_length_of_2_gib_or_below_zero_is_refused_before_anything_is_read() {
    let broker = broker();
    for length in [i32::MAX, i32::MIN, -1, (100 << 20) + 1] {
        assert_closed(&broker, &length.to_be_bytes());
    }
}

#[test]
fn only_a_request_that_brings_records_may_be_large() {
    let broker = broker();
    let length = (5_i32 << 20).to_be_bytes();
    assert_closed(&broker, &[&length[..], &[0, 3, 0, 12]].concat());
    let mut client = broker.connect();
    client.stream.write_all(&[&length[..], &[0, 0, 0, 9]].concat()).unwrap();
    drop(client);
    wait_until(|| broker.server.metrics().frames_rejected == 2);
}

#[test]
fn a_topic_that_is_named_many_times_is_described_once() {
    let broker = broker();
    broker.topic("letters", 100);
    let named = [metadata::MetadataRequestTopic { name: Some("letters"), ..Default::default() }; 1_000];
    let topics = Some(ottla_protocol::wire::List::from(&named));
    let frame = broker.connect().ask(12, &metadata::Request { topics, ..Default::default() });
    let response: metadata::Response<'_> = crate::support::answer(&frame, 12);
    assert_eq!(response.topics.len(), 1);
}

#[test]
fn other_protocols_are_refused() {
    let broker = broker();
    assert_closed(&broker, b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n");
    assert_closed(&broker, &[0x16, 3, 1, 2, 0, 1, 0, 1, 0xfc, 3, 3]);
    assert_closed(&broker, b"SSH-2.0-OpenSSH_9.2\r\n");
}

#[test]
fn frames_that_are_no_requests_are_refused() {
    let broker = broker();
    let frame = |body: &[u8]| [&(body.len() as u32).to_be_bytes()[..], body].concat();
    assert_closed(&broker, &frame(&[]));
    assert_closed(&broker, &frame(&[0]));
    assert_closed(&broker, &frame(&[0xff; 200]));
    // An API that is not there, and a version that is not: Metadata 99.
    assert_closed(&broker, &frame(&[0x7f, 0xff, 0, 0, 0, 0, 0, 1, 0xff, 0xff]));
    assert_closed(&broker, &frame(&[0, 3, 0, 99, 0, 0, 0, 1, 0xff, 0xff]));
    // Produce 2, which is advertised for the sake of old clients and not spoken.
    assert_closed(&broker, &frame(&[0, 0, 0, 2, 0, 0, 0, 1, 0xff, 0xff, 0, 1, 0, 0, 0, 1, 0, 0, 0, 0]));
    // Metadata 0 with 2^31 - 1 topics.
    assert_closed(&broker, &frame(&[0, 3, 0, 0, 0, 0, 0, 1, 0xff, 0xff, 0x7f, 0xff, 0xff, 0xff]));
    // Metadata 12 with 2^32 - 1 tagged fields in the header.
    assert_closed(&broker, &frame(&[0, 3, 0, 12, 0, 0, 0, 1, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x0f]));
}

#[test]
fn half_a_request_is_counted_when_the_client_goes() {
    let broker = broker();
    let mut client = broker.connect();
    let (bytes, _) = client.encode(12, &metadata::Request::default());
    client.stream.write_all(&bytes[..bytes.len() - 1]).unwrap();
    drop(client);
    wait_until(|| broker.server.metrics().frames_rejected == 1);
}

#[test]
fn what_was_asked_before_the_rubbish_is_answered() {
    let broker = broker();
    let mut client = broker.connect();
    let (mut bytes, correlation_id) = client.encode(12, &metadata::Request::default());
    bytes.extend_from_slice(&[0xff; 8]);
    client.stream.write_all(&bytes).unwrap();
    let rest = client.wait_for_close();
    assert_eq!(rest[4..8], correlation_id.to_be_bytes());
}

#[test]
fn a_request_that_does_not_arrive_in_time_ends_its_connection() {
    let broker = broker_with(|config| config.limits.frame_time = Duration::from_millis(50));
    let mut client = broker.connect();
    client.stream.write_all(&[0, 0, 1]).unwrap();
    assert_eq!(client.wait_for_close(), []);
    wait_until(|| broker.server.metrics().slow_requests == 1);
}

#[test]
fn a_silent_connection_is_closed() {
    let broker = broker_with(|config| config.limits.idle_time = Duration::from_millis(50));
    let mut client = broker.connect();
    assert_eq!(client.wait_for_close(), []);
    wait_until(|| broker.server.metrics().idle_closed == 1);
}

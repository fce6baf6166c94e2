use std::io::Write;
use std::thread;

use ottla_protocol::api::metadata;

use crate::support::{batch, broker, broker_with, wait_until, with_produce};

#[test]
fn connections_above_the_limit_are_closed_at_once_and_the_others_go_on() {
    for total in [true, false] {
        let broker = broker_with(|config| {
            if total {
                config.limits.connections = Some(2);
            } else {
                config.limits.connections_per_ip = 2;
            }
        });
        let mut kept = [broker.connect(), broker.connect()];
        for client in &mut kept {
            client.ask(12, &metadata::Request::default());
        }
        assert_eq!(broker.connect().wait_for_close(), []);
        wait_until(|| broker.server.metrics().connections_refused == 1);
        for client in &mut kept {
            client.ask(12, &metadata::Request::default());
        }
        // A place that was left can be taken.
        let [first, _second] = kept;
        drop(first);
        wait_until(|| broker.server.metrics().connections == 1);
        broker.connect().ask(12, &metadata::Request::default());
    }
}

#[test]
fn large_requests_share_a_small_budget() {
    let broker = broker_with(|config| config.limits.in_flight_bytes = 1 << 20);
    broker.topic_with("letters", 4, &[("max.message.bytes", "10000000")]);
    let value = "x".repeat(3 << 20);
    thread::scope(|scope| {
        for partition in 0..4 {
            let (broker, value) = (&broker, &value);
            scope.spawn(move || {
                let mut client = broker.connect();
                for offset in 0..3 {
                    let produced = client.produce("letters", partition, 1, &batch(&[value]));
                    assert_eq!(produced.base_offset, offset);
                }
            });
        }
    });
}

#[test]
fn half_of_a_large_request_does_not_stop_small_ones() {
    let broker = broker_with(|config| config.limits.in_flight_bytes = 1 << 20);
    broker.topic_with("letters", 1, &[("max.message.bytes", "10000000")]);
    let mut large = broker.connect();
    let value = "x".repeat(3 << 20);
    let (bytes, _) = with_produce("letters", 0, 1, &batch(&[&value]), |request| large.encode(9, request));
    large.stream.write_all(&bytes[..bytes.len() - 1]).unwrap();
    // The budget is used up; requests that fit into what everybody has are served.
    for offset in 0..3 {
        assert_eq!(broker.connect().produce("letters", 0, 1, &batch(&["small"])).base_offset, offset);
    }
    large.stream.write_all(&bytes[bytes.len() - 1..]).unwrap();
    assert_eq!(crate::support::Produced::decode(&large.receive(), 9).base_offset, 3);
}

#[test]
fn other_machines_are_let_in_only_when_that_was_said() {
    let dir = tempfile::tempdir().unwrap();
    let config =
        ottla_server::ServerConfig { listen: "0.0.0.0:0".to_owned(), ..crate::support::config(dir.path()) };
    let refused = ottla_server::Server::start(config.clone()).unwrap_err();
    assert!(matches!(refused, ottla_server::ServerError::RemoteNotAllowed { .. }), "{refused}");
    ottla_server::Server::start(ottla_server::ServerConfig { allow_remote: true, ..config }).unwrap();
}

#[test]
fn bytes_and_requests_are_counted() {
    let broker = broker();
    let mut client = broker.connect();
    client.ask(12, &metadata::Request::default());
    client.ask(12, &metadata::Request::default());
    let metrics = broker.server.metrics();
    assert_eq!(metrics.requests_of(ottla_protocol::ApiKey::Metadata), 2);
    assert_eq!((metrics.connections, metrics.connections_accepted), (1, 1));
    assert!(metrics.bytes_in > 0 && metrics.panics == 0);
}

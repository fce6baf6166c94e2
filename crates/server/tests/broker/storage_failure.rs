//! The disk fails under the broker: nothing is acknowledged that may be lost, and what can be read is
//! still read.

use std::path::Path;
use std::sync::Arc;

use ottla::fs::FileSystem;
use ottla::{Environment, SystemClock};
use ottla_protocol::ErrorCode;
use ottla_server::{Server, ServerConfig};
use ottla_testkit::{Call, Crash, Fault, Repeat, SimFs};

use crate::support::{Client, FetchOptions, batch, broker, config, wait_until};

/// A disk with an empty data directory that survives a crash.
fn new_disk() -> SimFs {
    let disk = SimFs::new();
    disk.create_dir_all(Path::new("/data")).unwrap();
    disk.sync_dir(Path::new("/")).unwrap();
    disk
}

fn start_on(disk: &SimFs) -> Server {
    let environment = Environment { fs: Arc::new(disk.clone()), clock: Arc::new(SystemClock::new()) };
    Server::start(ServerConfig { environment, ..config(Path::new("/data")) }).unwrap()
}

fn letters_on(disk: &SimFs) -> (Server, Client) {
    let server = start_on(disk);
    server.store().create_topic("letters", 1, &Default::default()).unwrap();
    let client = Client::connect(server.local_addr());
    (server, client)
}

#[test]
fn what_acks_all_acknowledged_survives_a_loss_of_power() {
    let disk = new_disk();
    let (_server, mut client) = letters_on(&disk);
    client.produce("letters", 0, 1, &batch(&["page cache"]));
    assert_eq!(client.produce("letters", 0, -1, &batch(&["disk"])).error, ErrorCode::None);
    client.produce("letters", 0, 1, &batch(&["lost"]));

    let server = start_on(&disk.crash(&mut Crash::LoseAll));
    let fetched = Client::connect(server.local_addr()).fetch("letters", 0, 0);
    assert_eq!(fetched.error, ErrorCode::None);
    let values: Vec<_> = fetched.records().into_iter().map(|(_, value)| value).collect();
    assert_eq!(values, ["page cache", "disk"]);
}

#[test]
fn a_failed_sync_is_no_acknowledgement_and_ends_all_writing() {
    let disk = new_disk();
    let (server, mut client) = letters_on(&disk);
    assert_eq!(client.produce("letters", 0, -1, &batch(&["a"])).error, ErrorCode::None);
    disk.fail_nth(Call::Sync, 1, Fault::EIO, Repeat::Once);
    let refused = client.produce("letters", 0, -1, &batch(&["b"]));
    assert_eq!((refused.error, refused.base_offset), (ErrorCode::KafkaStorageError, -1));
    // A second sync would succeed and prove nothing.
    for acks in [-1, 1] {
        assert_eq!(client.produce("letters", 0, acks, &batch(&["c"])).error, ErrorCode::KafkaStorageError);
    }
    assert_eq!(client.fetch("letters", 0, 0).records()[0], (0, "a".to_owned()));
    assert!(server.metrics().storage_errors >= 3);
}

#[test]
fn one_failed_sync_fails_every_request_that_waited_for_it() {
    let disk = new_disk();
    let (_server, mut client) = letters_on(&disk);
    client.produce("letters", 0, -1, &batch(&["a"]));
    disk.fail_nth(Call::Sync, 1, Fault::EIO, Repeat::Once);
    let mut bytes = Vec::new();
    for _ in 0..5 {
        let (encoded, _) = crate::support::with_produce("letters", 0, -1, &batch(&["a"]), |request| {
            client.encode(9, request)
        });
        bytes.extend_from_slice(&encoded);
    }
    std::io::Write::write_all(&mut client.stream, &bytes).unwrap();
    for _ in 0..5 {
        let frame = client.receive();
        let produced = crate::support::Produced::decode(&frame, 9);
        assert_eq!(produced.error, ErrorCode::KafkaStorageError);
    }
}

#[test]
fn a_full_disk_refuses_batches_until_there_is_room() {
    let disk = new_disk();
    let (_server, mut client) = letters_on(&disk);
    client.produce("letters", 0, 1, &batch(&["a"]));
    disk.set_capacity(Some(0));
    assert_eq!(client.produce("letters", 0, 1, &batch(&["b"])).error, ErrorCode::KafkaStorageError);
    disk.set_capacity(None);
    assert_eq!(client.produce("letters", 0, 1, &batch(&["c"])).base_offset, 1);
    let values: Vec<_> =
        client.fetch("letters", 0, 0).records().into_iter().map(|(_, value)| value).collect();
    assert_eq!(values, ["a", "c"]);
}

#[test]
fn files_that_have_no_descriptor_are_copied() {
    let disk = new_disk();
    let (_server, mut client) = letters_on(&disk);
    let values = [10, 70_000, 500_000].map(|size| "x".repeat(size));
    for value in &values {
        client.produce("letters", 0, 1, &batch(&[value]));
    }
    let fetched = client.fetch("letters", 0, 0).records();
    assert_eq!(fetched.into_iter().map(|(_, value)| value).collect::<Vec<_>>(), values);
}

#[test]
fn a_file_that_somebody_cut_is_an_error_of_the_disk_and_never_a_short_answer() {
    let broker = broker();
    broker.topic("letters", 1);
    let mut client = broker.connect();
    client.produce("letters", 0, 1, &batch(&[&"x".repeat(500_000)]));
    client.produce("letters", 0, 1, &batch(&[&"y".repeat(500_000)]));
    let path = broker.dir.path().join("letters-0/00000000000000000000.log");
    std::fs::OpenOptions::new().write(true).open(path).unwrap().set_len(700_000).unwrap();

    FetchOptions { topic: "letters", ..Default::default() }.with(|request| client.send(12, request));
    let sent = client.wait_for_close();
    assert!(sent.len() < 1_000_000, "the frame was promised longer");
    wait_until(|| broker.server.metrics().storage_errors == 1);
    broker.connect().produce("letters", 0, 1, &batch(&["the broker lives"]));
}

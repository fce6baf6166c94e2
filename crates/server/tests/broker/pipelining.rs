use std::io::Write;

use ottla_protocol::api::metadata;

use crate::support::{FetchOptions, Fetched, Produced, batch, broker, with_produce};

#[test]
fn requests_that_arrive_together_are_answered_in_order() {
    let broker = broker();
    broker.topic("letters", 1);
    let mut client = broker.connect();
    let mut bytes = Vec::new();
    let mut ids = Vec::new();
    let mut push = |(encoded, id): (Vec<u8>, i32)| {
        bytes.extend_from_slice(&encoded);
        ids.push(id);
    };
    // Every kind of answer: after the disk, at once, none, and records.
    for round in 0..150 {
        let acks = [-1, 1, -1][round % 3];
        push(with_produce("letters", 0, acks, &batch(&["a"]), |request| client.encode(9, request)));
        if round % 10 == 0 {
            let fetch = FetchOptions { topic: "letters", offset: round as i64, ..Default::default() };
            push(fetch.with(|request| client.encode(12, request)));
        }
    }
    push(client.encode(12, &metadata::Request::default()));
    client.stream.write_all(&bytes).unwrap();

    let mut offsets = 0..;
    let mut round = 0;
    for id in &ids[..ids.len() - 1] {
        let frame = client.receive();
        assert_eq!(frame[..4], id.to_be_bytes());
        // A fetch follows each tenth batch; it comes after the batch with its offset.
        if offsets.start % 10 == 1 && round != offsets.start {
            round = offsets.start;
            let fetched = Fetched::decode(&frame, 12);
            assert_eq!(fetched.records()[0].0, offsets.start - 1);
        } else {
            assert_eq!(Produced::decode(&frame, 9).base_offset, offsets.next().unwrap());
        }
    }
    assert_eq!(client.receive()[..4], ids[ids.len() - 1].to_be_bytes());
    assert_eq!(offsets.start, 150);
}

#[test]
fn requests_that_arrive_in_small_pieces_are_put_together() {
    let broker = broker();
    broker.topic("letters", 1);
    let mut client = broker.connect();
    let (first, _) = with_produce("letters", 0, 1, &batch(&["a"]), |request| client.encode(9, request));
    let (second, _) = with_produce("letters", 0, 1, &batch(&["b"]), |request| client.encode(9, request));
    let bytes = [first, second].concat();
    for piece in bytes.chunks(7) {
        client.stream.write_all(piece).unwrap();
        client.stream.flush().unwrap();
    }
    for offset in 0..2 {
        assert_eq!(Produced::decode(&client.receive(), 9).base_offset, offset);
    }
}

#[test]
fn answers_before_a_waiting_fetch_do_not_wait_with_it() {
    let broker = broker();
    broker.topic("letters", 1);
    let mut client = broker.connect();
    let (produce, _) = with_produce("letters", 0, -1, &batch(&["a"]), |request| client.encode(9, request));
    let fetch = FetchOptions { topic: "letters", offset: 1, max_wait_ms: 120_000, ..Default::default() };
    let (fetch, _) = fetch.with(|request| client.encode(12, request));
    client.stream.write_all(&[produce, fetch].concat()).unwrap();
    // The fetch finds nothing and waits; the batch is acknowledged all the same.
    assert_eq!(Produced::decode(&client.receive(), 9).base_offset, 0);
    broker.connect().produce("letters", 0, 1, &batch(&["b"]));
    assert_eq!(Fetched::decode(&client.receive(), 12).records(), [(1, "b".to_owned())]);
}

//! Frames that are nearly right: whatever becomes of their connection, the broker lives.

use std::io::{Read, Write};
use std::net::Shutdown;

use ottla_protocol::api::*;
use ottla_protocol::wire::List;

use crate::support::{Client, FetchOptions, batch, broker, with_produce};

/// A generator whose numbers are the same in every run.
struct Numbers(u64);

impl Numbers {
    fn below(&mut self, limit: usize) -> usize {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) as usize % limit
    }
}

/// Whole frames of every API that does something with its content.
fn frames(client: &mut Client) -> Vec<Vec<u8>> {
    let named = [metadata::MetadataRequestTopic { name: Some("letters"), ..Default::default() }];
    let configs = [create_topics::CreatableTopicConfig { name: "segment.bytes", value: Some("2000000") }];
    let created = [create_topics::CreatableTopic {
        name: "new",
        num_partitions: 2,
        replication_factor: 1,
        configs: List::from(&configs),
        ..Default::default()
    }];
    let deleted = [delete_topics::DeleteTopicState { name: Some("new"), ..Default::default() }];
    let places = [list_offsets::ListOffsetsPartition { timestamp: -3, ..Default::default() }];
    let listed = [list_offsets::ListOffsetsTopic { name: "letters", partitions: List::from(&places) }];
    let described = [describe_configs::DescribeConfigsResource {
        resource_type: 2,
        resource_name: "letters",
        configuration_keys: None,
    }];
    let fetch = FetchOptions { topic: "letters", ..Default::default() };
    let records = batch(&["a", "b"]);
    let frames = [
        with_produce("letters", 0, -1, &records, |request| client.encode(9, request)),
        with_produce("letters", 0, 1, &records, |request| client.encode(3, request)),
        fetch.with(|request| client.encode(12, request)),
        fetch.with(|request| client.encode(4, request)),
        client.encode(12, &metadata::Request { topics: Some(List::from(&named)), ..Default::default() }),
        client.encode(1, &metadata::Request { topics: Some(List::from(&named)), ..Default::default() }),
        client.encode(5, &create_topics::Request { topics: List::from(&created), ..Default::default() }),
        client.encode(6, &delete_topics::Request { topics: List::from(&deleted), ..Default::default() }),
        client.encode(9, &list_offsets::Request { topics: List::from(&listed), ..Default::default() }),
        client.encode(
            4,
            &describe_configs::Request {
                resources: List::from(&described),
                include_synonyms: true,
                include_documentation: true,
            },
        ),
        client.encode(4, &init_producer_id::Request::default()),
    ];
    frames.into_iter().map(|(bytes, _)| bytes).collect()
}

/// Changes some bytes, and sometimes cuts the frame, which then has the right length again.
fn mutate(numbers: &mut Numbers, frame: &[u8]) -> Vec<u8> {
    let mut frame = frame.to_vec();
    if numbers.below(4) == 0 {
        let length = 4 + numbers.below(frame.len() - 4);
        frame.truncate(length);
    }
    for _ in 0..numbers.below(4) {
        let at = 4 + numbers.below(frame.len().saturating_sub(4).max(1));
        if let Some(byte) = frame.get_mut(at) {
            *byte = [0, 1, 0x7f, 0x80, 0xff, numbers.below(256) as u8][numbers.below(6)];
        }
    }
    let length = (frame.len() - 4) as u32;
    frame[..4].copy_from_slice(&length.to_be_bytes());
    frame
}

#[test]
fn no_frame_that_is_nearly_right_harms_the_broker() {
    let broker = broker();
    broker.topic("letters", 1);
    let frames = frames(&mut broker.connect());
    let mut numbers = Numbers(1912);
    for _ in 0..400 {
        let mut client = broker.connect();
        for _ in 0..10 {
            let frame = &frames[numbers.below(frames.len())];
            // The broker may have closed the connection before.
            let _ = client.stream.write_all(&mutate(&mut numbers, frame));
        }
        let _ = client.stream.shutdown(Shutdown::Write);
        let _ = client.stream.read_to_end(&mut Vec::new());
    }
    let metrics = broker.server.metrics();
    assert_eq!((metrics.panics, metrics.storage_errors), (0, 0));
    assert_eq!(broker.connect().produce("letters", 0, -1, &batch(&["a"])).message, None);
}

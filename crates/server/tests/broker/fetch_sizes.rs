//! How much one fetch brings, and that nothing is lost between two of them.

use ottla_protocol::api::fetch::{self, FetchPartition, FetchTopic};
use ottla_protocol::wire::List;

use crate::support::{Broker, FetchOptions, Fetched, answer, batch, broker, broker_with};

/// Produces batches of one record with these values, all of one size.
fn fill(broker: &Broker, partition: i32, count: usize) -> usize {
    let mut client = broker.connect();
    for n in 0..count {
        client.produce("letters", partition, 1, &batch(&[&value(n)]));
    }
    batch(&[&value(0)]).len()
}

fn value(n: usize) -> String {
    format!("{n:040}")
}

#[test]
fn the_first_batch_comes_whole_however_small_the_bound() {
    let broker = broker();
    broker.topic("letters", 1);
    let size = fill(&broker, 0, 3);
    let mut client = broker.connect();
    for (max_bytes, partition_max_bytes) in [(0, 0), (1, 1), (1, 1 << 20), (1 << 20, 1), (-1, -1)] {
        let fetch = FetchOptions { topic: "letters", max_bytes, partition_max_bytes, ..Default::default() };
        assert_eq!(client.fetch_with(fetch).bytes.len(), size);
    }
}

#[test]
fn a_partition_gives_no_more_than_its_bound() {
    let broker = broker();
    broker.topic("letters", 1);
    let size = fill(&broker, 0, 10);
    let mut client = broker.connect();
    let bound = (size * 3 + size / 2) as i32;
    for (max_bytes, partition_max_bytes) in [(bound, 1 << 20), (1 << 20, bound)] {
        let fetch = FetchOptions { topic: "letters", max_bytes, partition_max_bytes, ..Default::default() };
        let fetched = client.fetch_with(fetch);
        assert_eq!((fetched.bytes.len(), fetched.batches().len()), (bound as usize, 3), "the last is cut");
    }
}

fn fetch_partitions(broker: &Broker, count: i32, max_bytes: i32) -> Vec<Fetched> {
    let partitions: Vec<_> = (0..count)
        .map(|partition| FetchPartition { partition, partition_max_bytes: 1 << 20, ..Default::default() })
        .collect();
    let topics = [FetchTopic { topic: "letters", partitions: List::from(&partitions), ..Default::default() }];
    let request = fetch::Request { max_bytes, topics: List::from(&topics), ..Default::default() };
    let frame = broker.connect().ask(12, &request);
    answer::<fetch::Response<'_>>(&frame, 12).responses[0].partitions.iter().map(Fetched::of).collect()
}

#[test]
fn the_bound_of_the_whole_answer_is_shared_and_one_batch_comes_at_least() {
    let broker = broker();
    broker.topic("letters", 3);
    let sizes = [4, 4, 4].map(|count| count * batch(&[&value(0)]).len());
    for partition in 0..3 {
        fill(&broker, partition, 4);
    }
    let lengths = |max_bytes| -> Vec<usize> {
        fetch_partitions(&broker, 3, max_bytes).iter().map(|fetched| fetched.bytes.len()).collect()
    };
    let one = sizes[0] / 4;
    assert_eq!(lengths(1 << 20), sizes);
    assert_eq!(lengths(1), [one, 0, 0]);
    assert_eq!(lengths((sizes[0] + one * 2) as i32), [sizes[0], one * 2, 0]);
    // What is left would hold half a batch: it is left out, since it brings no client on.
    assert_eq!(lengths((sizes[0] + one / 2) as i32), [sizes[0], 0, 0]);
    let fetched = fetch_partitions(&broker, 3, 1);
    assert!(fetched.iter().all(|fetched| fetched.high_watermark == 4), "all are told where they end");
}

#[test]
fn the_servers_own_bound_holds() {
    let broker = broker_with(|config| config.fetch_max_bytes = 1);
    broker.topic("letters", 1);
    let size = fill(&broker, 0, 3);
    assert_eq!(broker.connect().fetch("letters", 0, 0).bytes.len(), size);
}

/// Reads on from what came last, as a consumer does, and checks every offset and value.
fn read_all(broker: &Broker, count: usize, max_bytes: i32) {
    let mut client = broker.connect();
    let mut next = 0;
    while next < count {
        let fetched = client.fetch_with(FetchOptions {
            topic: "letters",
            offset: next as i64,
            max_bytes,
            partition_max_bytes: max_bytes,
            ..Default::default()
        });
        let records = fetched.records();
        assert!(!records.is_empty(), "the first batch is always whole");
        for (offset, found) in records {
            if offset < next as i64 {
                continue; // the batch began before
            }
            assert_eq!((offset, found), (next as i64, value(next)));
            next += 1;
        }
    }
}

#[test]
fn no_offset_is_lost_over_many_segments_and_small_answers() {
    let broker = broker();
    broker.topic_with("letters", 1, &[("internal.segment.bytes", "2000"), ("index.interval.bytes", "1")]);
    let size = fill(&broker, 0, 400);
    let log = broker.server.store().log("letters", 0).unwrap();
    assert!(log.segment_base_offsets().len() > 10);
    for max_bytes in [1, size as i32, size as i32 * 2 - 1, 1000, 2000, 5000, 1 << 20] {
        read_all(&broker, 400, max_bytes);
    }
}

#[test]
fn batches_of_many_records_are_read_from_their_middle() {
    let broker = broker();
    broker.topic("letters", 1);
    let mut client = broker.connect();
    let values: Vec<String> = (0..100).map(value).collect();
    for chunk in values.chunks(10) {
        let chunk: Vec<&str> = chunk.iter().map(String::as_str).collect();
        client.produce("letters", 0, 1, &batch(&chunk));
    }
    for offset in 0..100 {
        let fetched = client.fetch("letters", 0, offset);
        let first = fetched.records()[0].0;
        assert_eq!(first, offset / 10 * 10, "the batch that holds the offset comes first");
    }
}

#[test]
fn large_and_small_ranges_of_one_answer_arrive_in_their_places() {
    let broker = broker();
    broker.topic("letters", 4);
    let mut client = broker.connect();
    // Below and above what is copied, and what is put together before it is sent.
    let values = [10, 40_000, 200_000, 70].map(|size| "x".repeat(size));
    for (partition, value) in (0..).zip(&values) {
        client.produce("letters", partition, 1, &batch(&[value]));
    }
    let fetched = fetch_partitions(&broker, 4, 10 << 20);
    for (fetched, value) in fetched.iter().zip(&values) {
        assert_eq!(fetched.records(), [(0, value.clone())]);
    }
}

//! Memory: requests take none at all, responses a stated multiple of their frame, writers none once they are warm.

use std::alloc::{GlobalAlloc, Layout, System};
use std::cell::Cell;

use ottla_protocol::api::{describe_configs, fetch, metadata, produce};
use ottla_protocol::wire::{List, Writer};
use ottla_protocol::{ProtocolError, RequestErrorReason, decode_request, decode_response, encode_response};

thread_local! {
    static ALLOCATED: Cell<usize> = const { Cell::new(0) };
}

/// Counts what the current thread takes; giving back does not count.
struct Counting;

// SAFETY: every call goes to the system allocator unchanged.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        ALLOCATED.set(ALLOCATED.get().saturating_add(layout.size()));
        // SAFETY: the caller's own promise.
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, pointer: *mut u8, layout: Layout) {
        // SAFETY: the caller's own promise.
        unsafe { System.dealloc(pointer, layout) }
    }
}

#[global_allocator]
static COUNTING: Counting = Counting;

/// What `action` returns, and how many bytes were allocated for it in total.
pub fn allocated_bytes<T>(action: impl FnOnce() -> T) -> (T, usize) {
    let before = ALLOCATED.get();
    let result = action();
    (result, ALLOCATED.get() - before)
}

#[test]
fn the_counter_counts() {
    let (vec, allocated) = allocated_bytes(|| Vec::<u8>::with_capacity(1_000));
    assert_eq!((vec.len(), allocated), (0, 1_000));
}

fn header(api_key: i16, version: i16) -> Vec<u8> {
    let mut frame = [api_key.to_be_bytes(), version.to_be_bytes()].concat();
    frame.extend([0, 0, 0, 1, 0xff, 0xff]);
    frame
}

fn varint(value: u32) -> Vec<u8> {
    let mut writer = Writer::new();
    writer.unsigned_varint(value);
    writer.bytes().to_vec()
}

/// CVE-2026-111115: a header of twenty million tagged fields took brokers down before authentication.
#[test]
fn twenty_million_tagged_fields_in_a_header_cost_nothing() {
    let count = 20_000_000;
    let mut frame = header(18, 3);
    frame.extend(varint(count));
    frame.resize(frame.len() + 2 * count as usize, 0);
    let (decoded, allocated) = allocated_bytes(|| decode_request(&frame).map(|_| ()));
    let too_many = ProtocolError::TooManyTaggedFields { position: 10, found: count };
    assert_eq!(decoded.map_err(|error| error.reason), Err(RequestErrorReason::Header(too_many)));
    assert_eq!(allocated, 0);
}

/// CVE-2026-111108: a list of the smallest elements took many times its frame in memory.
#[test]
fn a_list_of_five_million_empty_names_costs_nothing() {
    let count = 5_000_000;
    let mut frame = header(3, 9);
    frame.push(0);
    frame.extend(varint(count + 1));
    frame.extend([1, 0].repeat(count as usize));
    frame.extend([1, 0, 0, 0]);
    let (decoded, allocated) = allocated_bytes(|| decode_request(&frame));
    let Ok((_, ottla_protocol::Request::Metadata(request))) = decoded else { panic!("{decoded:?}") };
    assert_eq!(allocated, 0);
    let topics = request.topics.unwrap();
    let (read, allocated) = allocated_bytes(|| topics.iter().filter(|topic| topic.name == Some("")).count());
    assert_eq!((read, allocated), (count as usize, 0));
}

#[test]
fn a_response_of_the_smallest_elements_is_refused_before_the_memory_is_taken() {
    let count = 1_000_000;
    let mut frame = vec![0, 0, 0, 1, 0];
    // Throttle time, error code, session id.
    frame.extend([0; 4 + 2 + 4]);
    frame.extend(varint(count + 1));
    // Topics without a name and without partitions.
    frame.extend([1, 1, 0].repeat(count as usize));
    frame.push(0);
    let (decoded, allocated) = allocated_bytes(|| decode_response::<fetch::Response<'_>>(&frame, 12));
    assert!(allocated <= 16 * frame.len() + 64 * 1_024, "{allocated}");
    let error = decoded.expect_err("a million topics");
    let too_many = ProtocolError::TooManyElements { field: "responses", position: 15, count: count as usize };
    assert_eq!(error, too_many);
}

#[test]
fn the_responses_of_large_clusters_are_far_within_the_memory_allowed() {
    let names: Vec<String> = (0..20_000).map(|number| format!("t{number}")).collect();
    let partition = metadata::MetadataResponsePartition {
        replica_nodes: vec![1].into(),
        isr_nodes: vec![1].into(),
        ..Default::default()
    };
    let topic = |name: &'static str| metadata::MetadataResponseTopic {
        name: Some(name.into()),
        partitions: vec![partition.clone()],
        ..Default::default()
    };
    let names: &'static [String] = names.leak();
    let response =
        metadata::Response { topics: names.iter().map(|name| topic(name)).collect(), ..Default::default() };
    for version in [1, 9, 12] {
        let mut writer = Writer::new();
        encode_response(&mut writer, 1, version, &response).unwrap();
        let frame = &writer.bytes()[4..];
        let (decoded, allocated) =
            allocated_bytes(|| decode_response::<metadata::Response<'_>>(frame, version));
        assert_eq!(decoded.unwrap().1.topics.len(), names.len());
        assert!(allocated <= 10 * frame.len(), "{allocated} for {}", frame.len());
    }
}

/// Settings with their synonyms are the densest of all lists.
#[test]
fn the_settings_of_a_thousand_topics_are_within_the_memory_allowed() {
    let synonym = describe_configs::DescribeConfigsSynonym { name: "a.b".into(), value: None, source: 5 };
    let config = describe_configs::DescribeConfigsResourceResult {
        name: "a.b".into(),
        synonyms: vec![synonym; 3],
        ..Default::default()
    };
    let result = describe_configs::DescribeConfigsResult { configs: vec![config; 30], ..Default::default() };
    let response = describe_configs::Response { results: vec![result; 1_000], ..Default::default() };
    let mut writer = Writer::new();
    encode_response(&mut writer, 1, 4, &response).unwrap();
    let decoded = decode_response::<describe_configs::Response<'_>>(&writer.bytes()[4..], 4);
    assert_eq!(decoded.unwrap().1, response);
}

#[test]
fn a_warm_writer_allocates_nothing() {
    let aborted = vec![fetch::AbortedTransaction::default(); 3];
    let partition = fetch::PartitionData {
        records: fetch::Records::External(1_000),
        aborted_transactions: Some(aborted),
        ..Default::default()
    };
    let topic = fetch::FetchableTopicResponse { partitions: vec![partition; 10], ..Default::default() };
    let response = fetch::Response { responses: vec![topic; 3], ..Default::default() };
    let mut writer = Writer::new();
    encode_response(&mut writer, 1, 12, &response).unwrap();
    writer.clear();
    let (encoded, allocated) = allocated_bytes(|| encode_response(&mut writer, 1, 12, &response));
    assert_eq!((encoded, allocated), (Ok(()), 0));
    let (parts, allocated) = allocated_bytes(|| writer.parts().count());
    assert_eq!((parts, allocated), (61, 0));
}

#[test]
fn a_large_writer_gives_its_memory_back_when_told() {
    let mut writer = Writer::new();
    let records = vec![0; 1 << 20];
    let partitions = [produce::PartitionProduceData { index: 0, records: Some(&records) }];
    let topics =
        [produce::TopicProduceData { partition_data: List::from(&partitions), ..Default::default() }];
    let request = produce::Request { topic_data: List::from(&topics), ..Default::default() };
    ottla_protocol::encode_request(&mut writer, 1, None, 9, &request).unwrap();
    writer.clear();
    writer.shrink_to(4_096);
    let (_, allocated) =
        allocated_bytes(|| ottla_protocol::encode_request(&mut writer, 1, None, 9, &request));
    assert!(allocated >= records.len(), "it had to be allocated again: {allocated}");
}

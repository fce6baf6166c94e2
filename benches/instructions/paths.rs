//! What is counted: each path again and again, on input that is made once.

use std::hint::black_box;

use ottla::{Isolation, Log, LogConfig, Offset};
use ottla_benches::{batch, fill, log};
use ottla_protocol::api::{fetch, produce};
use ottla_protocol::wire::Writer;
use ottla_protocol::{decode_request, encode_request, encode_response};
use ottla_record::Limits;

const KIB: usize = 1 << 10;
const MIB: u64 = 1 << 20;

/// One path.
pub struct Path {
    /// What it does, as the table says it.
    pub name: &'static str,
    /// How often it is run at least.
    pub times: u64,
    run: fn(u64),
}

/// All of them.
pub const PATHS: [Path; 15] = [
    Path { name: "check a batch: 64 KiB of 1 KiB records", times: 50, run: |n| check(1_024, n) },
    Path { name: "check a batch: 64 KiB of 100 B records", times: 20, run: |n| check(100, n) },
    Path { name: "build a batch: 64 KiB of 1 KiB records", times: 50, run: build },
    Path { name: "decode a batch: 64 KiB of 100 B records", times: 20, run: decode },
    Path { name: "append: 64 KiB of 1 KiB records", times: 100, run: |n| append(64 * KIB, 1_024, n) },
    Path { name: "append: 64 KiB of 100 B records", times: 50, run: |n| append(64 * KIB, 100, n) },
    Path { name: "append: one record of 100 B", times: 500, run: |n| append(100, 100, n) },
    Path { name: "find an offset: 32 MiB in batches of 4 KiB", times: 500, run: |n| find(4 * KIB, n) },
    Path { name: "find an offset: 32 MiB in batches of 64 KiB", times: 500, run: |n| find(64 * KIB, n) },
    Path { name: "find a time: 32 MiB in batches of 4 KiB", times: 200, run: find_time },
    Path { name: "open and close a log of 8 MiB that was closed", times: 5, run: open_clean },
    Path { name: "open a log of 8 MiB that was not closed", times: 2, run: recover },
    Path { name: "decode a produce request: 64 KiB", times: 500, run: decode_produce },
    Path { name: "encode a produce response", times: 500, run: encode_produce },
    Path { name: "encode a fetch response: 1 MiB", times: 500, run: encode_fetch },
];

/// Runs the path of that name so many times.
pub fn run(name: &str, times: u64) {
    let path = PATHS.iter().find(|path| path.name == name).unwrap();
    (path.run)(times);
}

fn again(times: u64, mut what: impl FnMut()) {
    (0..times).for_each(|_| what());
}

fn check(record_bytes: usize, times: u64) {
    let batch = batch(64 * KIB, record_bytes);
    again(times, || _ = black_box(ottla_record::check(black_box(&batch), &Limits::default()).unwrap()));
}

fn build(times: u64) {
    again(times, || _ = black_box(batch(64 * KIB, 1_024)));
}

fn decode(times: u64) {
    let batch = batch(64 * KIB, 100);
    again(times, || {
        let decoded = ottla_record::decode(black_box(&batch), 1 << 20).unwrap();
        let read = decoded.records().inspect(|record| _ = black_box(record.as_ref().unwrap()));
        assert!(read.count() > 600);
    });
}

fn append(batch_bytes: usize, record_bytes: usize, times: u64) {
    let batch = batch(batch_bytes, record_bytes);
    let (_dir, log) = log(LogConfig::default());
    again(times, || _ = black_box(log.append(&batch).unwrap()));
}

fn log_of(size_bytes: u64, batch_bytes: usize) -> (tempfile::TempDir, Log) {
    let (dir, log) = log(LogConfig::default());
    fill(&log, &batch(batch_bytes, 1_024), size_bytes);
    (dir, log)
}

fn find(batch_bytes: usize, times: u64) {
    let (_dir, log) = log_of(32 * MIB, batch_bytes);
    let (end, mut offset) = (log.log_end_offset().get(), 1);
    again(times, || {
        offset = (offset * 1_103_515_245 + 12_345) % end;
        black_box(log.read(Offset::new(offset), 1, Isolation::ReadUncommitted).unwrap());
    });
}

fn find_time(times: u64) {
    let (_dir, log) = log_of(32 * MIB, 4 * KIB);
    again(times, || _ = black_box(log.offset_for_timestamp(1_700_000_000_000).unwrap().unwrap()));
}

fn open_clean(times: u64) {
    let (dir, log) = log_of(8 * MIB, 64 * KIB);
    log.close().unwrap();
    again(times, || Log::open(dir.path().join("bench-0")).unwrap().0.close().unwrap());
}

fn recover(times: u64) {
    let (dir, log) = log_of(8 * MIB, 64 * KIB);
    drop(log);
    again(times, || drop(Log::open(dir.path().join("bench-0")).unwrap()));
}

fn produce_frame() -> Vec<u8> {
    let records = batch(64 * KIB, 1_024);
    let partitions = [produce::PartitionProduceData { index: 0, records: Some(&records) }];
    let topics = [produce::TopicProduceData {
        name: "letters",
        partition_data: (&partitions).into(),
        ..Default::default()
    }];
    let request =
        produce::Request { acks: 1, timeout_ms: 30_000, topic_data: (&topics).into(), ..Default::default() };
    let mut writer = Writer::new();
    encode_request(&mut writer, 7, Some("bench"), 9, &request).unwrap();
    writer.bytes()[4..].to_vec()
}

fn decode_produce(times: u64) {
    let frame = produce_frame();
    again(times, || _ = black_box(decode_request(black_box(&frame)).unwrap()));
}

fn encode_produce(times: u64) {
    again(times, || {
        let partition = produce::PartitionProduceResponse { base_offset: 7, ..Default::default() };
        let topic = produce::TopicProduceResponse {
            name: "letters".into(),
            partition_responses: vec![partition],
            ..Default::default()
        };
        let response = produce::Response { responses: vec![topic], ..Default::default() };
        let mut writer = Writer::new();
        encode_response(&mut writer, 7, 9, &response).unwrap();
        black_box(writer);
    });
}

fn encode_fetch(times: u64) {
    again(times, || {
        let records = fetch::Records::External(1 << 20);
        let topic = fetch::FetchableTopicResponse {
            topic: "letters".into(),
            partitions: vec![fetch::PartitionData { high_watermark: 7, records, ..Default::default() }],
            ..Default::default()
        };
        let response = fetch::Response { responses: vec![topic], ..Default::default() };
        let mut writer = Writer::new();
        encode_response(&mut writer, 7, 12, &response).unwrap();
        black_box(writer);
    });
}

//! Writes `fuzz/seeds/<target>/`: small inputs from which the fuzzer starts, cut from the fixtures and built.
//!
//! `cargo run -p ottla-testkit --example fuzz_seeds` gives the same files each time. What the fuzzer finds is
//! added beside them by hand, under the name of what was wrong.
#![allow(
    clippy::disallowed_methods,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::unwrap_used,
    reason = "a program of the developers; where it cannot go on it should stop"
)]

use std::fs;
use std::path::{Path, PathBuf};

use ottla::dir::{FileKind, Suffix};
use ottla::producer::snapshot;
use ottla_protocol::api::*;
use ottla_protocol::wire::{List, Writer};
use ottla_protocol::{API_TABLE, ApiKey, encode_message, encode_request};
use ottla_record::{BatchBuilder, Compression, Head, Header, Offset};
use ottla_testkit::fixtures;
use ottla_testkit::fuzz::{DataDirFile, encode_data_dir};

/// Larger seeds only slow the fuzzer down.
const MAX_SEED_BYTES: usize = 4096;

fn main() {
    let mut seeds = Seeds { root: fixtures().join("../../../fuzz/seeds"), written: 0 };
    batches(&mut seeds);
    compressed(&mut seeds);
    small_files(&mut seeds);
    metadata(&mut seeds);
    requests(&mut seeds);
    responses(&mut seeds);
    directories(&mut seeds);
    assert!(seeds.written > 100, "{} seeds", seeds.written);
}

struct Seeds {
    root: PathBuf,
    written: usize,
}

impl Seeds {
    fn put(&mut self, target: &str, name: &str, bytes: &[u8]) {
        assert!(bytes.len() <= MAX_SEED_BYTES, "{target}/{name} has {} bytes", bytes.len());
        let dir = self.root.join(target);
        fs::create_dir_all(&dir).unwrap();
        fs::write(dir.join(name), bytes).unwrap();
        self.written += 1;
    }
}

/// The files under the fixtures with this extension, and a name for each.
fn files(extension: &str) -> Vec<(String, Vec<u8>)> {
    let mut found = Vec::new();
    for version in ["kafka-2.8", "kafka-4.3"] {
        for partition in sorted(&fixtures().join(version)) {
            for file in
                sorted(&partition).into_iter().filter(|f| f.extension().is_some_and(|e| e == extension))
            {
                let of = partition.file_name().unwrap().to_str().unwrap();
                let base: i64 = file.file_stem().unwrap().to_str().unwrap().parse().unwrap();
                found.push((format!("{version}-{of}-{base}"), fs::read(&file).unwrap()));
            }
        }
    }
    found
}

fn sorted(dir: &Path) -> Vec<PathBuf> {
    let mut paths: Vec<_> = fs::read_dir(dir).unwrap().map(|entry| entry.unwrap().path()).collect();
    paths.sort();
    paths
}

/// The smallest batch of each log.
fn batches(seeds: &mut Seeds) {
    for (name, log) in files("log") {
        let mut batches = split(&log);
        batches.sort_by_key(|batch| batch.len());
        let Some(batch) = batches.first().filter(|batch| batch.len() <= MAX_SEED_BYTES) else { continue };
        let target = if batch[16] == 2 { "batch" } else { "message_set_legacy" };
        seeds.put(target, &name, batch);
    }
    seeds.put("batch", "built", &built(Compression::None, 0));
    seeds.put("batch", "transactional", &transactional(0));
    seeds.put("message_set_legacy", "plain-v0", &legacy(0, b"a letter"));
    seeds.put("message_set_legacy", "plain-v1", &legacy(1, b"a letter"));
}

fn split(mut log: &[u8]) -> Vec<&[u8]> {
    let mut batches = Vec::new();
    while let Ok(head) = Head::parse(log) {
        let Some((batch, after)) = log.split_at_checked(head.size_bytes()) else { break };
        batches.push(batch);
        log = after;
    }
    batches
}

fn built(compression: Compression, base_offset: i64) -> Vec<u8> {
    let mut builder = BatchBuilder::new().compression(compression).base_offset(Offset::new(base_offset));
    let headers = [Header::new("from", Some(b"prague")), Header::new("read", None)];
    builder
        .push(1_700_000_000_000, Some(b"felice"), Some(b"a letter, a letter, a letter"), &headers)
        .unwrap();
    builder.push(1_700_000_000_001, None, None, &[]).unwrap();
    builder.build().unwrap()
}

fn transactional(base_offset: i64) -> Vec<u8> {
    let builder = BatchBuilder::new().base_offset(Offset::new(base_offset)).producer(7, 0, 0);
    let mut builder = builder.transactional(true);
    builder.push(1_700_000_000_000, None, Some(b"undecided"), &[]).unwrap();
    builder.build().unwrap()
}

/// A message of magic 0 or 1, whose checksum the target puts right.
fn legacy(magic: u8, value: &[u8]) -> Vec<u8> {
    let mut message = vec![0; 16];
    message.extend_from_slice(&[magic, 0]);
    message.extend_from_slice(if magic == 1 { &[0, 0, 1, 0x8b, 0xcf, 0xe5, 0x68, 0] } else { &[] });
    message.extend_from_slice(&(-1_i32).to_be_bytes());
    message.extend_from_slice(&(value.len() as i32).to_be_bytes());
    message.extend_from_slice(value);
    message
}

/// The payload of the smallest batch of each codec, behind the codec's number.
fn compressed(seeds: &mut Seeds) {
    for compression in Compression::ALL {
        let batch = built(compression, 0);
        let mut seed = vec![compression.id()];
        seed.extend_from_slice(&batch[61..]);
        seeds.put("compression", compression.name(), &seed);
    }
}

fn small_files(seeds: &mut Seeds) {
    for (extension, target, entry) in
        [("index", "offset_index", 8), ("timeindex", "time_index", 12), ("txnindex", "txn_index", 34)]
    {
        for (name, bytes) in files(extension).into_iter().filter(|(_, bytes)| !bytes.is_empty()) {
            let whole = bytes.len().min(1024) / entry * entry;
            seeds.put(target, &name, &bytes[..whole]);
        }
        seeds.put(target, "zero-padded", &[&[0; 7], &[1; 5][..], &[0; 96]].concat());
    }
    for (name, bytes) in files("snapshot") {
        if bytes.len() <= 1024 {
            seeds.put("snapshot", &name, &bytes);
        }
    }
    seeds.put("snapshot", "empty", &snapshot::encode(&[]));
    let checkpoints: [(&str, &str); 5] = [
        ("offsets", "0\n2\nletters 0 1234\nletters 1 5678\n"),
        ("epochs", "0\n2\n0 0\n3 17\n"),
        ("partition-metadata", "version: 0\ntopic_id: rIo0x0-NQjSB5Xy4oyjHaw\n"),
        (
            "meta-properties",
            "#\n#Fri Nov 20 10:00:00 UTC 2026\nnode.id=1\ndirectory.id=rIo0x0-NQjSB5Xy4oyjHaw\nversion=1\ncluster.id=q1Sh-9_ISia_zwGINzRvyQ\n",
        ),
        ("clean-shutdown", "{\"version\":0,\"brokerEpoch\":11}"),
    ];
    for (name, text) in checkpoints {
        seeds.put("checkpoint", name, text.as_bytes());
    }
}

fn metadata(seeds: &mut Seeds) {
    let dir = fixtures().join("metadata");
    for name in ["bootstrap.checkpoint", "handed-over.bootstrap.checkpoint"] {
        let bytes = fs::read(dir.join(name)).unwrap();
        let mut kept = Vec::new();
        for batch in split(&bytes) {
            if kept.len() + batch.len() <= MAX_SEED_BYTES {
                kept.extend_from_slice(batch);
            }
        }
        seeds.put("metadata_log", name, &kept);
    }
    for file in sorted(&dir.join("__cluster_metadata-0"))
        .into_iter()
        .filter(|f| f.extension().is_some_and(|e| e == "log"))
    {
        let bytes = fs::read(&file).unwrap();
        let taken: Vec<u8> = split(&bytes)
            .into_iter()
            .take_while({
                let mut total = 0;
                move |batch| {
                    total += batch.len();
                    total <= MAX_SEED_BYTES
                }
            })
            .flatten()
            .copied()
            .collect();
        seeds.put("metadata_log", "cluster-log", &taken);
    }
}

macro_rules! request {
    ($seeds:expr, $name:literal, $request:expr, $($version:expr),+) => {
        $({
            let mut writer = Writer::new();
            encode_request(&mut writer, 7, Some("seed"), $version, &$request).unwrap();
            $seeds.put("request_frame", &format!("{}-v{}", $name, $version), &writer.bytes()[4..]);
        })+
    };
}

fn requests(seeds: &mut Seeds) {
    let batch = built(Compression::None, 0);
    let data = [produce::PartitionProduceData { index: 0, records: Some(&batch) }];
    let topics = [produce::TopicProduceData {
        name: "letters",
        partition_data: List::from(&data),
        ..Default::default()
    }];
    let produce = produce::Request {
        acks: -1,
        timeout_ms: 1000,
        topic_data: List::from(&topics),
        ..Default::default()
    };
    request!(seeds, "produce", produce, 3, 9, 13);
    let partitions = [fetch::FetchPartition { partition_max_bytes: 1 << 20, ..Default::default() }];
    let topics =
        [fetch::FetchTopic { topic: "letters", partitions: List::from(&partitions), ..Default::default() }];
    let fetch = fetch::Request { max_bytes: 1 << 20, topics: List::from(&topics), ..Default::default() };
    request!(seeds, "fetch", fetch, 4, 12, 18);
    let names = [metadata::MetadataRequestTopic { name: Some("letters"), ..Default::default() }];
    let metadata = metadata::Request { topics: Some(List::from(&names)), ..Default::default() };
    request!(seeds, "metadata", metadata, 1, 9, 13);
    request!(seeds, "api-versions", api_versions::Request::default(), 0, 3, 5);
    request!(seeds, "list-offsets", list_offsets::Request::default(), 1, 6, 11);
    request!(seeds, "create-topics", create_topics::Request::default(), 2, 5, 7);
    request!(seeds, "delete-topics", delete_topics::Request::default(), 1, 4, 6);
    request!(seeds, "delete-records", delete_records::Request::default(), 0, 2);
    request!(seeds, "init-producer-id", init_producer_id::Request::default(), 0, 2, 5);
    request!(seeds, "offset-for-leader-epoch", offset_for_leader_epoch::Request::default(), 2, 4);
    request!(seeds, "describe-configs", describe_configs::Request::default(), 1, 4);
    request!(seeds, "create-partitions", create_partitions::Request::default(), 0, 2);
    request!(seeds, "describe-cluster", describe_cluster::Request::default(), 0, 2);
    // As librdkafka's first words: a version of ApiVersions that nobody knows.
    seeds.put("request_frame", "api-versions-v99", &[0, 18, 0, 99, 0, 0, 0, 1, 255, 255, 0, 0]);
}

macro_rules! response {
    ($seeds:expr, $key:expr, $response:ty) => {
        for version in [$key.api().min_version, $key.api().max_version] {
            let mut writer = Writer::new();
            encode_message(&mut writer, version, &<$response>::default()).unwrap();
            let number = API_TABLE.iter().position(|api| api.key == $key).unwrap();
            let mut seed = vec![number as u8, (version - $key.api().min_version) as u8];
            seed.extend_from_slice(writer.bytes());
            $seeds.put("response", &format!("{}-v{version}", $key.name()), &seed);
        }
    };
}

fn responses(seeds: &mut Seeds) {
    response!(seeds, ApiKey::Produce, produce::Response<'_>);
    response!(seeds, ApiKey::Fetch, fetch::Response<'_>);
    response!(seeds, ApiKey::ListOffsets, list_offsets::Response<'_>);
    response!(seeds, ApiKey::Metadata, metadata::Response<'_>);
    response!(seeds, ApiKey::ApiVersions, api_versions::Response<'_>);
    response!(seeds, ApiKey::CreateTopics, create_topics::Response<'_>);
    response!(seeds, ApiKey::DeleteTopics, delete_topics::Response<'_>);
    response!(seeds, ApiKey::DeleteRecords, delete_records::Response<'_>);
    response!(seeds, ApiKey::InitProducerId, init_producer_id::Response);
    response!(seeds, ApiKey::OffsetForLeaderEpoch, offset_for_leader_epoch::Response<'_>);
    response!(seeds, ApiKey::DescribeConfigs, describe_configs::Response<'_>);
    response!(seeds, ApiKey::CreatePartitions, create_partitions::Response<'_>);
    response!(seeds, ApiKey::DescribeCluster, describe_cluster::Response<'_>);
}

fn directories(seeds: &mut Seeds) {
    use DataDirFile::{CleanShutdown, LeaderEpochs, LogStarts, RecoveryPoints, Segment, Suffixed};
    let log = |base| Segment(FileKind::Log, base);
    let (first, second) = (built(Compression::None, 0), built(Compression::Gzip, 2));
    let both = [first.clone(), second.clone()].concat();
    let index = [0, 0, 0, 3, 0, 0, 0, first.len() as u8];
    let offset = |offset| format!("0\n1\nletters 0 {offset}\n");
    let mut put = |name: &str, files: &[(DataDirFile, &[u8])]| {
        seeds.put("recovery", name, &encode_data_dir(files));
    };
    put("empty", &[]);
    put("one-segment", &[(log(0), &both), (Segment(FileKind::Index, 0), &index)]);
    put("closed-cleanly", &[(log(0), &both), (Segment(FileKind::Index, 0), &index), (CleanShutdown, b"")]);
    put("torn", &[(log(0), &both[..both.len() - 5])]);
    put("zero-tail", &[(log(0), &[&both[..], &[0; 100]].concat())]);
    put("zero-gap", &[(log(0), &[&first[..], &[0; 64], &second].concat())]);
    put("two-segments", &[(log(0), &first), (log(2), &second), (LeaderEpochs, b"0\n1\n0 0\n")]);
    put("overlap", &[(log(0), &both), (log(2), &second)]);
    put("recovery-point", &[(log(0), &both), (RecoveryPoints, offset(2).as_bytes())]);
    put("start-inside", &[(log(0), &both), (LogStarts, offset(1).as_bytes())]);
    put("start-past-the-end", &[(log(0), &both), (LogStarts, offset(9).as_bytes())]);
    put("orphan-index", &[(log(0), &first), (Segment(FileKind::TimeIndex, 7), &[0; 24])]);
    put("swap", &[(log(0), &first), (Suffixed(FileKind::Log, Suffix::Swap, 0), &both)]);
    put("cleaned", &[(log(0), &both), (Suffixed(FileKind::Log, Suffix::Cleaned, 0), &first)]);
    put("open-transaction", &[(log(0), &transactional(0))]);
    put("snapshot", &[(log(0), &transactional(0)), (Segment(FileKind::Snapshot, 1), &snapshot::encode(&[]))]);
}

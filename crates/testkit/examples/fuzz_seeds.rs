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
use ottla_record::{BatchBuilder, Compression, EndTransactionMarker, Head, Header, Offset};
use ottla_testkit::fixtures;
use ottla_testkit::fuzz::{DataDirFile, encode_data_dir};

/// Larger seeds only slow the fuzzer down.
const MAX_SEED_BYTES: usize = 4096;

fn main() {
    let mut seeds = Seeds { root: fixtures().join("../../../fuzz/seeds"), written: 0 };
    batches(&mut seeds);
    compressed(&mut seeds);
    filtered(&mut seeds);
    small_files(&mut seeds);
    names_and_settings(&mut seeds);
    metadata(&mut seeds);
    requests(&mut seeds);
    nested_requests(&mut seeds);
    responses(&mut seeds);
    directories(&mut seeds);
    stores(&mut seeds);
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

/// A batch of every kind, behind a byte for the rules and one for the records that stay.
fn filtered(seeds: &mut Seeds) {
    let mut put = |name: &str, rules: u8, stays: u8, batch: &[u8]| {
        seeds.put("filter", name, &[&[rules, stays], batch].concat());
    };
    for compression in Compression::ALL {
        put(&format!("half-of-{}", compression.name()), 0, 0b0101_0101, &built(compression, 0));
    }
    put("all-of-it", 0, 0xff, &built(Compression::None, 0));
    put("nothing-but-its-header", 1, 0, &transactional(0));
    put("discarded", 3, 0xff, &built(Compression::None, 0));
    put("tombstone-with-a-horizon", 4, 0xff, &built(Compression::Gzip, 0));
    let marker = EndTransactionMarker {
        producer_id: 7,
        producer_epoch: 0,
        coordinator_epoch: 1,
        commit: false,
        timestamp_ms: 1_700_000_000_000,
    };
    put("spent-marker", 12, 0xff, &marker.to_batch().unwrap());
    put("legacy-v0", 4, 0xff, &legacy(0, b"a letter"));
    put("legacy-v1", 0, 0, &legacy(1, b"a letter"));
    let wrapped =
        files("log").into_iter().filter(|(name, _)| name.contains("v1-gzip")).find_map(|(_, log)| {
            split(&log).into_iter().find(|batch| batch.len() < MAX_SEED_BYTES).map(<[u8]>::to_vec)
        });
    put("wrapped-v1", 0, 0b0011_0011, &wrapped.expect("the fixtures have some"));
}

fn names_and_settings(seeds: &mut Seeds) {
    for (name, text) in [
        ("segment", "00000000000001560140.timeindex.deleted"),
        ("rebuilt", "00000000000000000000.log.rebuilt"),
        ("partition", "__consumer_offsets-49"),
        ("deleted", "letters-3.0123456789abcdef0123456789abcdef-delete"),
        ("stray", "let.ters-0-12.0123456789ABCDEF0123456789abcdef-stray"),
        ("id", "zHCIxbTgTFqd7XoBtnZJqA"),
    ] {
        seeds.put("names", name, text.as_bytes());
    }
    for (name, text) in [
        ("numbers", "retention.ms=-1\nflush.messages=9223372036854775807\nmin.cleanable.dirty.ratio=0.01\n"),
        ("lists", "cleanup.policy=compact,delete\nleader.replication.throttled.replicas=0:1,1:1\n"),
        ("words", "message.timestamp.type=LogAppendTime\ncompression.type=zstd\npreallocate=true\n"),
        ("broker", "log.retention.hours=168\nlog.roll.hours=1\nlog.segment.bytes=1048576\n"),
        (
            "small",
            "internal.segment.bytes=100\nindex.interval.bytes=0\nsegment.index.bytes=4\nsegment.ms=1\n",
        ),
        ("exclusive", "min.compaction.lag.ms=10\nmax.compaction.lag.ms=5\n"),
    ] {
        seeds.put("settings", name, text.as_bytes());
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
    request!(seeds, "metadata", metadata, 0, 1, 9, 13);
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
    request!(seeds, "alter-configs", alter_configs::Request::default(), 0, 2);
    request!(seeds, "incremental-alter-configs", incremental_alter_configs::Request::default(), 0, 1);
    // As librdkafka's first words: a version of ApiVersions that nobody knows.
    seeds.put("request_frame", "api-versions-v99", &[0, 18, 0, 99, 0, 0, 0, 1, 255, 255, 0, 0]);
}

/// One element in every list.
fn nested_requests(seeds: &mut Seeds) {
    let partitions = [list_offsets::ListOffsetsPartition { timestamp: -1, ..Default::default() }];
    let topics = [list_offsets::ListOffsetsTopic { name: "letters", partitions: List::from(&partitions) }];
    let listed = list_offsets::Request { topics: List::from(&topics), ..Default::default() };
    request!(seeds, "list-offsets-nested", listed, 1, 11);
    let assignments =
        [create_topics::CreatableReplicaAssignment { partition_index: 0, broker_ids: List::from(&[1]) }];
    let configs = [create_topics::CreatableTopicConfig { name: "retention.ms", value: Some("-1") }];
    let topics = [create_topics::CreatableTopic {
        name: "letters",
        num_partitions: 1,
        replication_factor: 1,
        assignments: List::from(&assignments),
        configs: List::from(&configs),
    }];
    let created = create_topics::Request { topics: List::from(&topics), ..Default::default() };
    request!(seeds, "create-topics-nested", created, 2, 7);
    let topics = [delete_topics::DeleteTopicState { name: Some("letters"), ..Default::default() }];
    let deleted = delete_topics::Request { topics: List::from(&topics), ..Default::default() };
    request!(seeds, "delete-topics-nested", deleted, 1, 6);
    let partitions = [delete_records::DeleteRecordsPartition { partition_index: 0, offset: 7 }];
    let topics =
        [delete_records::DeleteRecordsTopic { name: "letters", partitions: List::from(&partitions) }];
    let records = delete_records::Request { topics: List::from(&topics), ..Default::default() };
    request!(seeds, "delete-records-nested", records, 0, 2);
    let partitions = [offset_for_leader_epoch::OffsetForLeaderPartition::default()];
    let topics = [offset_for_leader_epoch::OffsetForLeaderTopic {
        topic: "letters",
        partitions: List::from(&partitions),
    }];
    let epochs = offset_for_leader_epoch::Request { topics: List::from(&topics), ..Default::default() };
    request!(seeds, "offset-for-leader-epoch-nested", epochs, 2, 4);
    let assignments = [create_partitions::CreatePartitionsAssignment { broker_ids: List::from(&[1]) }];
    let topics = [create_partitions::CreatePartitionsTopic {
        name: "letters",
        count: 2,
        assignments: Some(List::from(&assignments)),
    }];
    let grown = create_partitions::Request { topics: List::from(&topics), ..Default::default() };
    request!(seeds, "create-partitions-nested", grown, 0, 3);
    nested_config_requests(seeds);
}

fn nested_config_requests(seeds: &mut Seeds) {
    let resources = [describe_configs::DescribeConfigsResource {
        resource_type: 2,
        resource_name: "letters",
        configuration_keys: Some(List::from(&["retention.ms"])),
    }];
    let described = describe_configs::Request { resources: List::from(&resources), ..Default::default() };
    request!(seeds, "describe-configs-nested", described, 1, 4);
    let configs = [alter_configs::AlterableConfig { name: "retention.ms", value: Some("-1") }];
    let resources = [alter_configs::AlterConfigsResource {
        resource_type: 2,
        resource_name: "letters",
        configs: List::from(&configs),
    }];
    let altered = alter_configs::Request { resources: List::from(&resources), ..Default::default() };
    request!(seeds, "alter-configs-nested", altered, 0, 2);
    let configs = [incremental_alter_configs::AlterableConfig {
        name: "cleanup.policy",
        config_operation: 2,
        value: Some("compact"),
    }];
    let resources = [incremental_alter_configs::AlterConfigsResource {
        resource_type: 2,
        resource_name: "letters",
        configs: List::from(&configs),
    }];
    let altered =
        incremental_alter_configs::Request { resources: List::from(&resources), ..Default::default() };
    request!(seeds, "incremental-alter-configs-nested", altered, 0, 1);
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
    response!(seeds, ApiKey::AlterConfigs, alter_configs::Response<'_>);
    response!(seeds, ApiKey::IncrementalAlterConfigs, incremental_alter_configs::Response<'_>);
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
    put("failed-sync", &[(log(0), &both), (DataDirFile::FailedSync, b"")]);
    put("rebuilt", &[(log(0), &both), (Suffixed(FileKind::Index, Suffix::Rebuilt, 0), &index)]);
    put("cut-before", &[(log(0), &both[..both.len() - 5]), (DataDirFile::Cut(0), b"kept aside")]);
    put("high-watermark", &[(log(0), &both), (DataDirFile::HighWatermarks, offset(1).as_bytes())]);
    put("compacted", &[(log(0), &second), (DataDirFile::CleanerOffsets, offset(4).as_bytes())]);
}

/// Whole data directories: who they are, which topics they have, and their partitions.
fn stores(seeds: &mut Seeds) {
    use DataDirFile::{
        Bootstrap, ClusterLog, ClusterSnapshot, DeletedLog, MetaProperties, OtherLog, PartitionMetadata,
        Segment,
    };
    let log = |base| Segment(FileKind::Log, base);
    let first = built(Compression::None, 0);
    let dir = fixtures().join("metadata");
    let [bootstrap, handed_over, snapshot] = [
        "bootstrap.checkpoint",
        "handed-over.bootstrap.checkpoint",
        "__cluster_metadata-0/00000000000000000277-0000000003.checkpoint",
    ]
    .map(|name| fs::read(dir.join(name)).unwrap());
    let cluster = fs::read(dir.join("__cluster_metadata-0/00000000000000000000.log")).unwrap();
    let cluster = split(&cluster)[..20].concat();
    let metadata = b"version: 0\ntopic_id: rIo0x0-NQjSB5Xy4oyjHaw\n";
    let mut put = |name: &str, files: &[(DataDirFile, &[u8])]| {
        seeds.put("store", name, &encode_data_dir(files));
    };
    put("empty", &[]);
    put("foreign-partition", &[(log(0), &first)]);
    put("with-an-id", &[(log(0), &first), (PartitionMetadata, metadata)]);
    put("two-partitions", &[(log(0), &first), (OtherLog(0), &first)]);
    put("deleted", &[(log(0), &first), (DeletedLog(0), &first)]);
    put("bootstrap", &[(Bootstrap, &bootstrap), (log(0), &first)]);
    put("handed-over", &[(Bootstrap, &handed_over), (log(0), &first)]);
    put("cluster-log", &[(ClusterLog(0), &cluster), (Bootstrap, &bootstrap)]);
    put("cluster-snapshot", &[(ClusterSnapshot(5), &snapshot), (ClusterLog(5), &[])]);
    put("no-identity", &[(MetaProperties, b""), (log(0), &first), (PartitionMetadata, metadata)]);
}

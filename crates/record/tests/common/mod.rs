//! The partition directories that Apache Kafka wrote, and what a consumer read from them.

#![allow(dead_code, reason = "each test file takes what it needs")]
#![allow(clippy::disallowed_methods, reason = "tests read the fixtures with std")]

pub mod counting;
pub mod hand_made;

use std::io::Read;
use std::path::{Path, PathBuf};

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use ottla_record::{Head, Record, TimestampType};

/// Partitions of Kafka 4.3 by topic, which hold batches of magic 2.
pub const KAFKA_4_3: [&str; 8] = ["none", "gzip", "snappy", "lz4", "zstd", "appendtime", "compact", "txn"];
/// Partitions of Kafka 2.8 by topic, which hold messages of magic 0 and 1.
pub const KAFKA_2_8: [&str; 8] =
    ["v0-none", "v0-gzip", "v0-snappy", "v0-lz4", "v1-none", "v1-gzip", "v1-snappy", "v1-lz4"];

pub const MAX_DECOMPRESSED_BYTES: usize = 16 << 20;

fn fixtures() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../testkit/fixtures")
}

/// The log files of a partition, in the order of their offsets.
pub fn log_files(version: &str, topic: &str) -> Vec<Vec<u8>> {
    let dir = fixtures().join(version).join(format!("{topic}-0"));
    let mut paths: Vec<PathBuf> = std::fs::read_dir(&dir)
        .unwrap_or_else(|error| panic!("{}: {error}", dir.display()))
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.extension().is_some_and(|extension| extension == "log"))
        .collect();
    paths.sort();
    assert!(!paths.is_empty(), "no log files in {}", dir.display());
    paths.iter().map(|path| std::fs::read(path).unwrap()).collect()
}

/// The batches or messages of a partition.
pub fn batches(version: &str, topic: &str) -> Vec<Vec<u8>> {
    log_files(version, topic).iter().flat_map(|file| split_batches(file)).collect()
}

fn split_batches(file: &[u8]) -> Vec<Vec<u8>> {
    let mut found = Vec::new();
    let mut left = file;
    while !left.is_empty() {
        let size = Head::parse(left).unwrap().size_bytes();
        let (batch, rest) = left.split_at(size);
        found.push(batch.to_vec());
        left = rest;
    }
    found
}

/// A record as a consumer sees it.
#[derive(Clone, Debug, PartialEq)]
pub struct Seen {
    pub offset: i64,
    pub timestamp_type: &'static str,
    pub timestamp_ms: i64,
    pub key: Option<Vec<u8>>,
    pub value: Option<Vec<u8>>,
    pub headers: Vec<(Vec<u8>, Option<Vec<u8>>)>,
}

impl Seen {
    pub fn of(record: &Record<'_>, timestamp_type: Option<TimestampType>) -> Seen {
        Seen {
            offset: record.offset.get(),
            timestamp_type: match timestamp_type {
                None => "none",
                Some(TimestampType::CreateTime) => "create",
                Some(TimestampType::LogAppendTime) => "append",
            },
            timestamp_ms: record.timestamp_ms,
            key: record.key.map(<[u8]>::to_vec),
            value: record.value.map(<[u8]>::to_vec),
            headers: record
                .headers
                .clone()
                .map(|header| (header.name.to_vec(), header.value.map(<[u8]>::to_vec)))
                .collect(),
        }
    }

    fn of_json(line: &serde_json::Value) -> Seen {
        let bytes = |value: &serde_json::Value| value.as_str().map(|text| STANDARD.decode(text).unwrap());
        Seen {
            offset: line["offset"].as_i64().unwrap(),
            timestamp_type: match line["ts_type"].as_str().unwrap() {
                "none" => "none",
                "create" => "create",
                "append" => "append",
                other => panic!("{other}"),
            },
            timestamp_ms: line["ts"].as_i64().unwrap(),
            key: bytes(&line["key"]),
            value: bytes(&line["value"]),
            headers: line["headers"]
                .as_array()
                .unwrap()
                .iter()
                .map(|header| (header[0].as_str().unwrap().as_bytes().to_vec(), bytes(&header[1])))
                .collect(),
        }
    }
}

/// What librdkafka's consumer returned: `name` is that of the file without its extension.
pub fn expected(name: &str) -> Vec<Seen> {
    let path = fixtures().join("expected").join(format!("{name}.jsonl.gz"));
    let packed = std::fs::read(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    let mut text = String::new();
    flate2::read::MultiGzDecoder::new(packed.as_slice()).read_to_string(&mut text).unwrap();
    text.lines().map(|line| Seen::of_json(&serde_json::from_str(line).unwrap())).collect()
}

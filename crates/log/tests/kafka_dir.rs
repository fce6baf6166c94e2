//! Directories that Apache Kafka wrote: read as Kafka's own consumers read them, opened for writing without a
//! byte of them changed, and appended to.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::disallowed_methods,
    reason = "tests"
)]

use std::collections::{BTreeMap, BTreeSet};
use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use ottla::dir::{CleanShutdown, FileKind, FileName, OffsetCheckpoint, TopicPartition};
use ottla::fs::{FileSystem, OpenMode, Os};
use ottla::segment::{BuiltIndexes, WalkEnd};
use ottla::{Environment, Isolation, Log, LogConfig, Offset, RecoveryReport};
use ottla_record::{BatchBuilder, Record};
use ottla_testkit::{Image, SimClock, SimFs, fixtures};
use serde_json::Value;

const DATA: &str = "/data";
const INDEX_INTERVAL_BYTES: u32 = 4096;
const NOW_MS: i64 = 1_795_206_200_000;

/// One partition that Kafka left behind.
#[derive(Clone, Debug)]
struct Partition {
    kafka: &'static str,
    topic: String,
}

#[derive(Debug, PartialEq, Eq)]
struct Seen {
    offset: i64,
    timestamp_ms: i64,
    key: Option<Vec<u8>>,
    value: Option<Vec<u8>>,
    headers: Vec<(String, Option<Vec<u8>>)>,
}

impl Seen {
    fn from_record(record: &Record<'_>) -> Seen {
        let header = |header: ottla_record::Header<'_>| {
            (header.name_lossy().into_owned(), header.value.map(<[u8]>::to_vec))
        };
        Seen {
            offset: record.offset.get(),
            timestamp_ms: record.timestamp_ms,
            key: record.key.map(<[u8]>::to_vec),
            value: record.value.map(<[u8]>::to_vec),
            headers: record.headers.clone().map(header).collect(),
        }
    }

    fn from_json(json: &Value) -> Seen {
        let bytes = |value: &Value| value.as_str().map(|text| STANDARD.decode(text).unwrap());
        let header = |header: &Value| (header[0].as_str().unwrap().to_owned(), bytes(&header[1]));
        Seen {
            offset: json["offset"].as_i64().unwrap(),
            timestamp_ms: json["ts"].as_i64().unwrap(),
            key: bytes(&json["key"]),
            value: bytes(&json["value"]),
            headers: json["headers"].as_array().unwrap().iter().map(header).collect(),
        }
    }
}

impl Partition {
    fn all() -> Vec<Partition> {
        ["kafka-4.3", "kafka-2.8"].into_iter().flat_map(Partition::of).collect()
    }

    fn of(kafka: &'static str) -> Vec<Partition> {
        let entries = std::fs::read_dir(fixtures().join(kafka)).unwrap();
        let names: BTreeSet<String> =
            entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
        assert_eq!(names.len(), 8, "{kafka}");
        let topic = |name: String| name.strip_suffix("-0").unwrap().to_owned();
        names.into_iter().map(|name| Partition { kafka, topic: topic(name) }).collect()
    }

    fn dir_name(&self) -> String {
        format!("{}-0", self.topic)
    }

    fn real_dir(&self) -> PathBuf {
        fixtures().join(self.kafka).join(self.dir_name())
    }

    fn sim_dir(&self) -> PathBuf {
        Path::new(DATA).join(self.dir_name())
    }

    /// What librdkafka's consumer returned.
    fn expected(&self, isolation: Isolation) -> Vec<Seen> {
        let isolation = match (self.topic.as_str(), isolation) {
            ("txn", Isolation::ReadCommitted) => ".committed",
            ("txn", Isolation::ReadUncommitted) => ".uncommitted",
            _ => "",
        };
        let path = fixtures().join(format!("expected/{}-{}{isolation}.jsonl.gz", self.kafka, self.topic));
        let file = std::fs::File::open(&path).unwrap_or_else(|e| panic!("{}: {e}", path.display()));
        let lines = BufReader::new(flate2::read::GzDecoder::new(file)).lines();
        lines.map(|line| Seen::from_json(&serde_json::from_str(&line.unwrap()).unwrap())).collect()
    }

    /// Kafka names a snapshot of its producers by the end of the log when it stops.
    fn end_offset(&self) -> Offset {
        self.files(FileKind::Snapshot).last().unwrap().base_offset
    }

    fn files(&self, kind: FileKind) -> Vec<FileName> {
        let entries = std::fs::read_dir(self.real_dir()).unwrap();
        let names = entries.filter_map(|e| FileName::parse(e.unwrap().file_name().to_str()?));
        let mut names: Vec<FileName> = names.filter(|name| name.kind == kind).collect();
        names.sort_by_key(|name| name.base_offset);
        names
    }

    fn open_to_read(&self) -> Log {
        Log::open_read_only(self.real_dir(), Environment::default()).unwrap()
    }

    /// A data directory as Kafka leaves it when it is killed: no checkpoint, no mark.
    fn killed(&self) -> SimFs {
        SimFs::from_image(&Image::read_from(&self.real_dir(), self.sim_dir()).unwrap())
    }

    /// A data directory as Kafka leaves it when it is stopped.
    fn stopped(&self) -> SimFs {
        let fs = self.killed();
        let data_dir = Path::new(DATA);
        let partition = TopicPartition::new(self.topic.as_str(), 0).unwrap();
        let points = BTreeMap::from([(partition, self.end_offset())]);
        OffsetCheckpoint::RecoveryPoint.write(&fs, data_dir, &points).unwrap();
        CleanShutdown { broker_epoch: None }.write(&fs, data_dir).unwrap();
        fs
    }

    fn open(&self, fs: &SimFs) -> (Log, RecoveryReport) {
        let clock = Arc::new(SimClock::at_ms(NOW_MS));
        let environment = Environment { fs: Arc::new(fs.clone()), clock };
        Log::open_with(self.sim_dir(), LogConfig::default(), environment).unwrap()
    }

    /// Every file of a segment is what Kafka wrote, and there is no other segment.
    fn assert_unchanged(&self, fs: &SimFs) {
        let image = fs.image();
        for kind in [FileKind::Log, FileKind::Index, FileKind::TimeIndex, FileKind::TxnIndex] {
            let mut left: BTreeMap<PathBuf, Vec<u8>> = BTreeMap::new();
            for (path, _) in image.entries().filter(|(path, _)| path.starts_with(self.sim_dir())) {
                let name = path.file_name().and_then(|name| name.to_str()).unwrap_or_default();
                if FileName::parse(name).is_some_and(|name| name.kind == kind) {
                    left.insert(path.to_path_buf(), image.read(path).unwrap().to_vec());
                }
            }
            for name in self.files(kind) {
                let wrote = std::fs::read(name.in_dir(&self.real_dir())).unwrap();
                let found = left.remove(&name.in_dir(&self.sim_dir()));
                assert!(found.as_deref() == Some(&wrote[..]), "{self:?}: {name:?} is no longer what it was");
            }
            assert!(left.is_empty(), "{self:?}: {:?} are new", left.keys());
        }
    }
}

/// All records from the start of the log on, and where reading ended.
fn read_all(log: &Log, max_bytes: usize, isolation: Isolation) -> (Vec<Seen>, Offset) {
    let mut seen = Vec::new();
    let mut next = log.log_start_offset();
    loop {
        let batches = log.read_batches(next, max_bytes, isolation).unwrap();
        if batches.is_empty() {
            return (seen, next);
        }
        batches
            .for_each_record(|record| {
                seen.push(Seen::from_record(record));
                Ok(())
            })
            .unwrap();
        assert!(batches.next_offset() > next, "a read must make progress");
        next = batches.next_offset();
    }
}

fn assert_reads(partition: &Partition, log: &Log, max_bytes: usize, isolation: Isolation) {
    let (found, _) = read_all(log, max_bytes, isolation);
    let expected = partition.expected(isolation);
    let first = found.iter().zip(&expected).find(|(found, expected)| found != expected);
    assert_eq!(first, None, "{partition:?}, budget {max_bytes}, {isolation:?}: the first that differs");
    assert_eq!(found.len(), expected.len(), "{partition:?}, budget {max_bytes}, {isolation:?}");
}

fn one_record() -> Vec<u8> {
    let mut builder = BatchBuilder::new();
    builder.push(NOW_MS, Some(b"new"), Some(b"record"), &[]).unwrap();
    builder.build().unwrap()
}

#[test]
fn every_record_is_read_as_kafkas_consumer_reads_it_whatever_the_budget() {
    for partition in Partition::all() {
        let log = partition.open_to_read();
        for max_bytes in [1, 10_000, 1 << 20] {
            assert_reads(&partition, &log, max_bytes, Isolation::ReadUncommitted);
        }
        assert_eq!(log.log_end_offset(), partition.end_offset(), "{partition:?}");
    }
}

#[test]
fn records_of_aborted_transactions_are_hidden_from_careful_readers() {
    let partition = Partition { kafka: "kafka-4.3", topic: "txn".to_owned() };
    for log in [
        partition.open_to_read(),
        partition.open(&partition.killed()).0,
        partition.open(&partition.stopped()).0,
    ] {
        assert_eq!(log.last_stable_offset(), partition.end_offset(), "Kafka ended every transaction");
        for max_bytes in [1, 3_000, 1 << 20] {
            assert_reads(&partition, &log, max_bytes, Isolation::ReadCommitted);
        }
    }
}

#[test]
fn opening_for_writing_after_a_clean_stop_changes_no_byte_of_a_segment() {
    for partition in Partition::all() {
        let fs = partition.stopped();
        let (log, report) = partition.open(&fs);
        assert!(
            report.clean && report.is_uneventful() && report.scanned_bytes == 0,
            "{partition:?}: {report}"
        );
        assert_eq!(log.log_end_offset(), partition.end_offset(), "{partition:?}");
        log.close().unwrap();
        partition.assert_unchanged(&fs);
    }
}

#[test]
fn recovering_what_a_killed_kafka_left_changes_no_byte_of_a_segment() {
    for partition in Partition::of("kafka-4.3") {
        let fs = partition.killed();
        let (log, report) = partition.open(&fs);
        assert!(!report.clean && report.truncated.is_none(), "{partition:?}: {report}");
        assert_eq!(log.log_end_offset(), partition.end_offset(), "{partition:?}");
        log.close().unwrap();
        partition.assert_unchanged(&fs);
    }
}

#[test]
fn appending_goes_on_where_kafka_ended() {
    for partition in Partition::all() {
        for fs in [partition.killed(), partition.stopped()] {
            let (log, _) = partition.open(&fs);
            let appended = log.append(&one_record()).unwrap();
            assert_eq!(appended.base_offset, partition.end_offset(), "{partition:?}");
            log.close().unwrap();

            let (log, report) = partition.open(&fs);
            assert!(report.clean, "{partition:?}: {report}");
            let (mut found, end) = read_all(&log, 1 << 20, Isolation::ReadUncommitted);
            assert_eq!(end, partition.end_offset() + 1, "{partition:?}");
            let last = found.pop().unwrap();
            assert_eq!((last.offset, last.value.as_deref()), (end.get() - 1, Some(&b"record"[..])));
            assert!(found == partition.expected(Isolation::ReadUncommitted), "{partition:?}");
        }
    }
}

#[test]
fn indexes_built_from_the_log_alone_are_the_ones_that_kafka_wrote() {
    for partition in Partition::of("kafka-4.3") {
        for name in partition.files(FileKind::Log) {
            let file = Os.open(&name.in_dir(&partition.real_dir()), OpenMode::Read).unwrap();
            let size = file.len().unwrap();
            let (built, end) =
                BuiltIndexes::from_log(&*file, name.base_offset, size, INDEX_INTERVAL_BYTES).unwrap();
            assert!(matches!(end, WalkEnd::Clean), "{partition:?}: {end:?}");
            for (kind, built) in
                [(FileKind::Index, &built.offset_index), (FileKind::TimeIndex, &built.time_index)]
            {
                let path = FileName::new(name.base_offset, kind).in_dir(&partition.real_dir());
                assert!(std::fs::read(&path).unwrap() == *built, "{}", path.display());
            }
        }
    }
}

#[test]
fn offsets_are_found_by_time_as_a_scan_finds_them() {
    // Kafka counts the markers of transactions too, and a consumer does not show them.
    for partition in Partition::all().into_iter().filter(|partition| partition.topic != "txn") {
        let log = partition.open_to_read();
        let records = partition.expected(Isolation::ReadUncommitted);
        let stamps = || records.iter().map(|record| record.timestamp_ms).filter(|ms| *ms >= 0);
        let mut asked = vec![0, i64::MAX];
        for ms in stamps().step_by(97).chain(stamps().min()).chain(stamps().max()) {
            asked.extend([ms - 1, ms, ms + 1]);
        }
        for timestamp_ms in asked {
            let scanned = records.iter().find(|record| record.timestamp_ms >= timestamp_ms);
            let found = log.offset_for_timestamp(timestamp_ms).unwrap();
            assert_eq!(
                found.map(|found| (found.offset.get(), found.timestamp_ms)),
                scanned.map(|record| (record.offset, record.timestamp_ms)),
                "{partition:?} at {timestamp_ms}"
            );
        }
    }
}

//! What the tests of this crate share: Kafka's directories on a simulated disk.

#![allow(
    dead_code,
    clippy::disallowed_methods,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::unwrap_used,
    reason = "tests, of which each uses a part"
)]

use std::path::{Path, PathBuf};
use std::sync::Arc;

use ottla::Offset;
use ottla::dir::{CleanShutdown, OffsetCheckpoint, Offsets, TopicPartition};
use ottla::fs::{FileSystem, OpenMode};
use ottla::segment::{BatchScan, WalkEnd};
use ottla::{Position, dir::read_whole};
use ottla_inspect::{Silent, repair, verify};
use ottla_record::Head;
use ottla_testkit::{SimFs, fixtures};

/// The data directory on the simulated disk.
pub const DATA: &str = "/data";

/// The partitions that Apache Kafka 4.3 wrote, with transactions, compaction, and every codec.
pub const PARTITIONS: [&str; 8] = [
    "kafka-4.3/none-0",
    "kafka-4.3/txn-0",
    "kafka-4.3/compact-0",
    "kafka-4.3/lz4-0",
    "kafka-4.3/zstd-0",
    "kafka-4.3/gzip-0",
    "kafka-4.3/snappy-0",
    "kafka-4.3/appendtime-0",
];

/// The name of a fixture's directory.
pub fn name_of(fixture: &str) -> &str {
    fixture.rsplit('/').next().unwrap()
}

/// Where a fixture's partition stands on the disk.
pub fn partition_dir(fixture: &str) -> PathBuf {
    Path::new(DATA).join(name_of(fixture))
}

/// A disk with a data directory that holds this partition and was closed cleanly.
pub fn disk_with(fixture: &str) -> SimFs {
    let fs = SimFs::new();
    put(&fs, &fixtures().join(fixture), &partition_dir(fixture));
    let end = segments(&fs, &partition_dir(fixture)).last().map(|path| end_of(&fs, path)).unwrap();
    let (topic, number) = name_of(fixture).rsplit_once('-').unwrap();
    let partition = TopicPartition::new(topic, number.parse().unwrap()).unwrap();
    let offsets: Offsets = [(partition, end)].into_iter().collect();
    for checkpoint in [OffsetCheckpoint::RecoveryPoint, OffsetCheckpoint::Replication] {
        checkpoint.write(&fs, Path::new(DATA), &offsets).unwrap();
    }
    CleanShutdown { broker_epoch: None }.write(&fs, Path::new(DATA)).unwrap();
    SimFs::from_image(&fs.image())
}

/// Copies a directory of this machine to the disk.
pub fn put(fs: &SimFs, from: &Path, to: &Path) {
    fs.create_dir_all(to).unwrap();
    for entry in std::fs::read_dir(from).unwrap() {
        let entry = entry.unwrap();
        let target = to.join(entry.file_name());
        if entry.path().is_dir() {
            put(fs, &entry.path(), &target);
        } else {
            set(fs, &target, &std::fs::read(entry.path()).unwrap());
        }
    }
}

/// Gives a file these bytes.
pub fn set(fs: &dyn FileSystem, path: &Path, bytes: &[u8]) {
    let file = fs.open(path, OpenMode::Create).unwrap();
    file.set_len(0).unwrap();
    file.write_all_at(bytes, 0).unwrap();
    file.sync().unwrap();
    fs.sync_dir(path.parent().unwrap()).unwrap();
}

/// The bytes of a file.
pub fn get(fs: &dyn FileSystem, path: &Path) -> Vec<u8> {
    read_whole(fs, path).unwrap().unwrap_or_else(|| panic!("no {}", path.display()))
}

/// The files of a directory with their bytes, by name.
pub fn files(fs: &dyn FileSystem, dir: &Path) -> Vec<(String, Vec<u8>)> {
    let entries = fs.read_dir(dir).unwrap();
    let mut names: Vec<_> = entries.into_iter().filter(|e| !e.is_dir).map(|entry| entry.name).collect();
    names.sort();
    names.into_iter().map(|name| (name.clone(), get(fs, &dir.join(name)))).collect()
}

/// The `.log` files of a partition.
pub fn segments(fs: &dyn FileSystem, dir: &Path) -> Vec<PathBuf> {
    let mut logs: Vec<_> = fs.read_dir(dir).unwrap().into_iter().map(|entry| entry.name).collect();
    logs.retain(|name| name.ends_with(".log"));
    logs.sort();
    logs.iter().map(|name| dir.join(name)).collect()
}

/// Whole batches of a file up to the first byte that is none: where, and their heads.
pub fn batches(fs: &dyn FileSystem, path: &Path) -> Vec<(u64, Head)> {
    let file = fs.open(path, OpenMode::Read).unwrap();
    let mut scan = BatchScan::new(&*file, Position::ZERO, file.len().unwrap(), 1 << 20);
    let mut found = Vec::new();
    loop {
        match scan.step().unwrap() {
            Ok(batch) => found.push((u64::from(batch.position.get()), batch.head)),
            Err(end) => {
                assert!(!matches!(end.end, WalkEnd::Invalid(_)), "{end:?}");
                return found;
            }
        }
    }
}

fn end_of(fs: &dyn FileSystem, path: &Path) -> Offset {
    batches(fs, path).last().unwrap().1.last_offset() + 1
}

/// What `verify` finds, with any number of threads.
pub fn findings(fs: &SimFs, dir: &Path) -> Vec<(String, &'static str, bool)> {
    let report = |threads| {
        let options = verify::Options { fs: Arc::new(fs.clone()), threads };
        verify::verify(dir, &options, &mut Silent).unwrap()
    };
    let (report, with_many) = (report(1), report(3));
    assert_eq!((&report.findings, report.summary), (&with_many.findings, with_many.summary));
    assert_eq!(report.not_kept(), with_many.not_kept());
    let name = |path: &Path| path.file_name().unwrap().to_str().unwrap().to_owned();
    report.findings.iter().map(|found| (name(&found.file), found.kind.name(), found.harmless)).collect()
}

/// How repair is done here.
pub fn options(fs: &SimFs) -> repair::Options {
    repair::Options { fs: Arc::new(fs.clone()), own: None, ..Default::default() }
}

/// Plans.
pub fn plan(fs: &SimFs, dir: &Path) -> repair::Repairs {
    repair::plan(dir, &options(fs), &mut Silent).unwrap()
}

/// Repairs.
pub fn apply(fs: &SimFs, dir: &Path) -> repair::Repairs {
    repair::apply(dir, &options(fs), &mut Silent).unwrap()
}

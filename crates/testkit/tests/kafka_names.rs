//! Every name and small file that Apache Kafka left in the fixtures is understood, and written back the
//! same.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing, reason = "tests")]

use std::path::{Path, PathBuf};

use ottla::dir::{DirName, FileKind, FileName, LeaderEpochs, PartitionMetadata, read_whole};
use ottla::fs::{FileSystem, Os};
use ottla_testkit::fixtures;

fn partitions() -> Vec<PathBuf> {
    let mut found = Vec::new();
    for version in ["kafka-2.8", "kafka-4.3"] {
        let dir = fixtures().join(version);
        found.extend(Os.read_dir(&dir).unwrap().into_iter().map(|entry| dir.join(entry.name)));
    }
    assert!(found.len() >= 16, "{} partitions", found.len());
    found
}

fn files(partition: &Path) -> Vec<String> {
    Os.read_dir(partition).unwrap().into_iter().map(|entry| entry.name).collect()
}

#[test]
fn every_directory_is_a_partition() {
    for dir in partitions() {
        let name = dir.file_name().unwrap().to_str().unwrap();
        assert!(matches!(DirName::parse(name), Some(DirName::Partition(_))), "{name}");
    }
}

#[test]
fn every_file_is_a_segments_or_a_small_one() {
    for dir in partitions() {
        let mut logs = 0;
        for name in files(&dir) {
            match FileName::parse(&name) {
                Some(parsed) => {
                    assert_eq!(parsed.to_string(), name);
                    logs += usize::from(parsed.kind == FileKind::Log);
                }
                None => assert!(["leader-epoch-checkpoint", "partition.metadata"].contains(&name.as_str())),
            }
        }
        assert!(logs > 0, "{}", dir.display());
    }
}

#[test]
fn every_small_file_is_written_back_the_same() {
    let copy = tempfile::tempdir().unwrap();
    let mut compared = 0;
    for dir in partitions() {
        let same = |path: PathBuf| {
            let name = path.file_name().unwrap();
            let (kafkas, ours) = (read_whole(&Os, &path), read_whole(&Os, &copy.path().join(name)));
            assert_eq!(ours.unwrap().unwrap(), kafkas.unwrap().unwrap(), "{}", path.display());
        };
        if let Some(metadata) = PartitionMetadata::read(&Os, &dir).unwrap() {
            metadata.write(&Os, copy.path()).unwrap();
            same(PartitionMetadata::path(&dir));
            compared += 1;
        }
        let epochs = LeaderEpochs::read(&Os, &dir).unwrap();
        if !epochs.entries().is_empty() {
            epochs.write(&Os, copy.path()).unwrap();
            same(LeaderEpochs::path(&dir));
            compared += 1;
        }
    }
    assert!(compared >= 16, "{compared} files");
}

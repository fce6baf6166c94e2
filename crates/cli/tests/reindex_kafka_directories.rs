//! Indexes made anew from Kafka's logs are Kafka's indexes, byte for byte.

#![allow(
    clippy::disallowed_methods,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::unwrap_used,
    reason = "tests"
)]

mod common;

use std::fs;
use std::path::{Path, PathBuf};

use common::{Copied, arg, kafka_partitions, run};

fn index_files(dir: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(dir).unwrap().map(|entry| entry.unwrap().path());
    let mut files: Vec<_> =
        entries.filter(|path| path.extension().is_some_and(|e| e == "index" || e == "timeindex")).collect();
    files.sort();
    files
}

#[test]
fn missing_and_wrong_indexes_become_kafkas_again() {
    for (_, topic, fixture) in kafka_partitions().iter().filter(|(version, _, _)| version == "kafka-4.3") {
        let copied = Copied::of(&format!("kafka-4.3/{topic}-0"));
        let files = index_files(&copied.dir);
        for (number, file) in files.iter().enumerate() {
            match number % 3 {
                0 => fs::remove_file(file).unwrap(),
                1 => fs::write(file, b"no index at all").unwrap(),
                _ => fs::write(file, vec![0; 4096]).unwrap(),
            }
        }
        let (code, _, errors) = run(&["reindex", arg(&copied.dir)]);
        assert_eq!((code, errors.as_str()), (0, ""), "{topic}");
        for file in files {
            let kafkas = fs::read(fixture.join(file.file_name().unwrap())).unwrap();
            assert_eq!(fs::read(&file).unwrap(), kafkas, "{}", file.display());
        }
    }
}

#[test]
fn indexes_that_are_right_are_not_touched() {
    let copied = Copied::of("kafka-4.3/none-0");
    let before = common::image(&copied.dir);
    let (code, found, _) = run(&["reindex", arg(&copied.dir)]);
    assert_eq!((code, found.as_str()), (0, "0 index files written, 4 were right already\n"));
    assert_eq!(common::image(&copied.dir), before);
}

#[test]
fn a_dry_run_says_what_would_change_and_changes_nothing() {
    let copied = Copied::of("kafka-4.3/none-0");
    copied.edit("00000000000000006620.index", |bytes| bytes[13] ^= 1);
    fs::remove_file(copied.file("00000000000000000000.timeindex")).unwrap();
    let before = common::image(&copied.dir);
    let (code, found, _) = run(&["reindex", "--dry-run", arg(copied.data_dir())]);
    assert_eq!(code, 0);
    assert!(
        found.contains("00000000000000006620.index: 29 entries; it had 29, other ones from entry 1 on"),
        "{found}"
    );
    assert!(found.contains("00000000000000000000.timeindex: 139 entries; it was missing"), "{found}");
    assert!(found.ends_with("2 index files would be written, 2 were right already\n"), "{found}");
    assert_eq!(common::image(&copied.dir), before);
}

#[test]
fn what_is_made_anew_passes_verification() {
    for (version, topic, _) in kafka_partitions() {
        let copied = Copied::of(&format!("{version}/{topic}-0"));
        index_files(&copied.dir).iter().for_each(|file| fs::remove_file(file).unwrap());
        assert_eq!(run(&["verify", arg(&copied.dir)]).0, 1);
        assert_eq!(run(&["reindex", arg(copied.data_dir())]).0, 0);
        let (code, found, _) = run(&["verify", arg(&copied.dir)]);
        assert_eq!(code, 0, "{version} {topic}: {found}");
    }
}

#[test]
fn a_log_that_does_not_end_cleanly_is_indexed_as_far_as_it_is_whole_and_told() {
    let copied = Copied::of("kafka-4.3/none-0");
    copied.edit("00000000000000006620.log", |bytes| bytes.truncate(bytes.len() - 5));
    let (code, _, errors) = run(&["reindex", arg(&copied.dir)]);
    assert_eq!(code, 1);
    assert!(errors.contains("are no whole batch"), "{errors}");
}

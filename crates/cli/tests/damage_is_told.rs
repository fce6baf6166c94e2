//! Damaged files: what is whole is printed, the damage is told with its place, and the exit code says so.

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

use common::{Copied, arg, run};

const SEGMENT: &str = "00000000000000006620.log";

fn last_batch_position(copied: &Copied, name: &str) -> usize {
    let (_, dump, _) = run(&["dump", arg(&copied.file(name))]);
    let line = dump.lines().last().unwrap().to_owned();
    let position = line.split(" position: ").nth(1).unwrap().split(' ').next().unwrap();
    position.parse().unwrap()
}

fn findings(copied: &Copied) -> (i32, Vec<(String, bool)>) {
    let (code, found, errors) = run(&["verify", "--json", arg(&copied.dir)]);
    assert_eq!(errors, "");
    let report: serde_json::Value = serde_json::from_str(&found).unwrap();
    let finding = |finding: &serde_json::Value| {
        (finding["kind"].as_str().unwrap().to_owned(), finding["harmless"].as_bool().unwrap())
    };
    (code, report["findings"].as_array().unwrap().iter().map(finding).collect())
}

fn found(kind: &str, harmless: bool) -> (i32, Vec<(String, bool)>) {
    (1, vec![(kind.to_owned(), harmless)])
}

fn offsets(text: &str) -> Vec<i64> {
    text.lines().map(|line| line.split('\t').next().unwrap().parse().unwrap()).collect()
}

#[test]
fn a_torn_tail_ends_reading_after_the_last_whole_batch_and_is_harmless() {
    let copied = Copied::of("kafka-4.3/none-0");
    let position = last_batch_position(&copied, SEGMENT);
    copied.edit(SEGMENT, |bytes| bytes.truncate(bytes.len() - 1));
    let (code, text, errors) = run(&["read", arg(&copied.dir)]);
    assert_eq!(code, 1);
    assert_eq!(offsets(&text), (0..7991).collect::<Vec<_>>());
    assert!(errors.contains(&format!("{SEGMENT} at byte {position}: a batch of ")), "{errors}");
    let (code, kinds) = findings(&copied);
    assert_eq!((code, &kinds[0]), (1, &("torn-tail".to_owned(), true)));
    // The entries that lead into the tail go with it.
    assert!(kinds.iter().all(|(_, harmless)| *harmless), "{kinds:?}");
}

#[test]
fn zeros_at_the_end_are_harmless_and_told() {
    let copied = Copied::of("kafka-4.3/none-0");
    copied.edit(SEGMENT, |bytes| bytes.extend([0; 5000]));
    let (code, text, errors) = run(&["read", arg(&copied.dir)]);
    assert_eq!((code, offsets(&text).len()), (1, 8000));
    assert!(errors.contains("5000 zero bytes follow"), "{errors}");
    assert_eq!(findings(&copied), found("zero-tail", true));
}

#[test]
fn padding_behind_index_entries_is_harmless_and_told() {
    let copied = Copied::of("kafka-4.3/none-0");
    copied.edit("00000000000000006620.index", |bytes| bytes.resize(10 << 20, 0));
    assert_eq!(findings(&copied), found("index-padded", true));
    assert_eq!(run(&["read", arg(&copied.dir)]).0, 0);
    copied.edit("00000000000000006620.index", |bytes| bytes.truncate(29 * 8 + 3));
    assert_eq!(findings(&copied), found("index-length", true));
}

#[test]
fn what_a_clean_stop_vouches_for_is_not_harmless() {
    let copied = Copied::of("kafka-4.3/none-0");
    fs::write(copied.data_dir().join(".kafka_cleanshutdown"), "{\"version\":0,\"brokerEpoch\":1}").unwrap();
    copied.edit(SEGMENT, |bytes| bytes.extend([0; 5000]));
    assert_eq!(findings(&copied), found("zero-tail", false));
}

#[test]
fn records_missing_below_the_recovery_point_are_not_harmless() {
    let copied = Copied::of("kafka-4.3/none-0");
    let checkpoint = copied.data_dir().join("recovery-point-offset-checkpoint");
    fs::write(checkpoint, "0\n1\nnone 0 8000\n").unwrap();
    assert_eq!(findings(&copied), (0, vec![]));
    let position = last_batch_position(&copied, SEGMENT);
    copied.edit(SEGMENT, |bytes| bytes.truncate(position));
    let (code, kinds) = findings(&copied);
    assert_eq!(code, 1);
    assert!(kinds.contains(&("checkpoint-beyond-end".to_owned(), false)), "{kinds:?}");
}

#[test]
fn a_flipped_bit_in_the_middle_is_found_and_what_follows_is_still_checked() {
    let copied = Copied::of("kafka-4.3/none-0");
    copied.edit(SEGMENT, |bytes| bytes[60_000] ^= 1);
    let (code, text, errors) = run(&["read", arg(&copied.dir)]);
    let read = offsets(&text);
    assert_eq!((code, read.clone()), (1, (0..read.len() as i64).collect()));
    assert!(read.len() > 6620 && errors.contains("checksum"), "{errors}");
    assert_eq!(findings(&copied), found("damaged-batch", false));
    let (_, found, _) = run(&["verify", "--json", arg(&copied.dir)]);
    let report: serde_json::Value = serde_json::from_str(&found).unwrap();
    assert_eq!(report["summary"]["batches"], 339);
    let (code, dump, errors) = run(&["dump", arg(&copied.file(SEGMENT))]);
    assert_eq!((code, dump.matches("isvalid: false").count()), (1, 1));
    assert!(errors.contains("checksum"), "{errors}");
}

#[test]
fn a_wrong_length_in_the_middle_is_not_taken_for_a_torn_tail() {
    let copied = Copied::of("kafka-4.3/none-0");
    copied.edit(SEGMENT, |bytes| bytes[8] = 0x7f);
    let (code, kinds) = findings(&copied);
    assert_eq!((code, &kinds[0]), (1, &("damaged-batch".to_owned(), false)));
}

#[test]
fn a_hole_of_zeros_before_whole_batches_is_not_taken_for_the_end() {
    let copied = Copied::of("kafka-4.3/none-0");
    copied.edit(SEGMENT, |bytes| bytes[..8192].fill(0));
    let (code, kinds) = findings(&copied);
    assert_eq!((code, &kinds[0]), (1, &("damaged-batch".to_owned(), false)));
    assert_eq!(run(&["read", arg(&copied.dir)]).0, 1);
}

#[test]
fn damage_in_an_earlier_segment_is_never_harmless() {
    let copied = Copied::of("kafka-4.3/none-0");
    copied.edit("00000000000000000000.log", |bytes| bytes.truncate(bytes.len() - 1));
    let (code, kinds) = findings(&copied);
    assert_eq!((code, &kinds[0]), (1, &("torn-tail".to_owned(), false)));
    let (code, text, _) = run(&["read", arg(&copied.dir)]);
    assert!(code == 1 && offsets(&text).len() < 6620);
}

#[test]
fn wrong_entries_of_either_index_are_found() {
    for (name, at, bit) in [
        ("00000000000000006620.index", 5 * 8 + 7, 1),
        ("00000000000000006620.index", 5 * 8 + 3, 1),
        ("00000000000000006620.timeindex", 5 * 12 + 7, 1),
        ("00000000000000000000.timeindex", 5 * 12 + 11, 0x20),
    ] {
        let copied = Copied::of("kafka-4.3/none-0");
        copied.edit(name, |bytes| bytes[at] ^= bit);
        assert_eq!(findings(&copied), found("index-entry", false), "{name} {at}");
        // Lookups do not rely on them.
        let (code, text, _) = run(&["read", arg(&copied.dir), "--from", "7000", "--max", "1"]);
        assert_eq!((code, offsets(&text)), (0, vec![7000]));
    }
}

#[test]
fn a_time_index_that_says_too_little_about_a_sealed_segment_is_found() {
    let copied = Copied::of("kafka-4.3/none-0");
    copied.edit("00000000000000000000.timeindex", |bytes| bytes.truncate(bytes.len() - 12));
    assert_eq!(findings(&copied), found("time-index-short", false));
}

#[test]
fn what_is_derived_from_transactions_is_compared_with_them() {
    let copied = Copied::of("kafka-4.3/txn-0");
    copied.edit("00000000000000000053.txnindex", |bytes| bytes.truncate(bytes.len() - 34));
    assert_eq!(findings(&copied), found("txn-index-lacks", false));
    copied.edit("00000000000000000053.txnindex", |bytes| bytes.truncate(bytes.len() - 1));
    assert_eq!(findings(&copied), found("txn-index-damaged", false));
    // Reading what was committed does not rely on it.
    let (code, text, _) = run(&["read", arg(&copied.dir), "--isolation", "committed"]);
    assert_eq!((code, text.lines().count()), (0, 11_549));

    let copied = Copied::of("kafka-4.3/txn-0");
    copied.edit("00000000000000000053.txnindex", |bytes| bytes[2 + 8 + 7] += 1);
    assert_eq!(findings(&copied), found("txn-index-entry", false));

    let copied = Copied::of("kafka-4.3/txn-0");
    copied.edit("00000000000000018331.snapshot", |bytes| bytes[20] ^= 1);
    assert_eq!(findings(&copied), found("snapshot-damaged", false));
}

#[test]
fn a_snapshot_that_contradicts_the_log_is_found() {
    let copied = Copied::of("kafka-4.3/lz4-0");
    // As if another log's snapshot had been put here: the same producer, elsewhere in its sequence.
    let other = Copied::of("kafka-4.3/txn-0");
    fs::copy(other.file("00000000000000000053.snapshot"), copied.file("00000000000000000056.snapshot"))
        .unwrap();
    assert_eq!(findings(&copied), found("snapshot-disagrees", false));
    fs::rename(copied.file("00000000000000000056.snapshot"), copied.file("00000000000000000050.snapshot"))
        .unwrap();
    // It also speaks of offsets past its own.
    let (code, kinds) = findings(&copied);
    assert_eq!((code, kinds), (1, vec![("snapshot-disagrees".to_owned(), false); 2]));
}

#[test]
fn epochs_small_files_and_names_are_looked_at() {
    let copied = Copied::of("kafka-4.3/none-0");
    fs::write(copied.file("leader-epoch-checkpoint"), "0\n1\n3 0\n").unwrap();
    let (code, kinds) = findings(&copied);
    assert_eq!((code, &kinds[0], kinds.len()), (1, &("epochs-disagree".to_owned(), false), 10));
    fs::write(copied.file("leader-epoch-checkpoint"), "0\n2\n0 0\n").unwrap();
    assert_eq!(findings(&copied), found("epochs-damaged", false));
    fs::remove_file(copied.file("leader-epoch-checkpoint")).unwrap();
    assert_eq!(findings(&copied), found("epochs-missing", true));
    fs::write(copied.file("leader-epoch-checkpoint"), "0\n1\n0 0\n").unwrap();
    fs::write(copied.file("partition.metadata"), "version: 0\n").unwrap();
    assert_eq!(findings(&copied), found("partition-metadata-damaged", false));
    fs::remove_file(copied.file("partition.metadata")).unwrap();
    fs::write(copied.file(".DS_Store"), "").unwrap();
    assert_eq!(findings(&copied), found("unknown-name", true));
    fs::rename(copied.file(".DS_Store"), copied.file("00000000000000009000.index")).unwrap();
    assert_eq!(findings(&copied), found("orphan-file", true));
}

#[test]
fn checkpoints_and_names_of_a_data_directory_are_looked_at() {
    let copied = Copied::of("kafka-4.3/none-0");
    fs::write(copied.data_dir().join("replication-offset-checkpoint"), "0\n2\nnone 0 8000\n").unwrap();
    fs::write(copied.data_dir().join("meta.properties"), "version=1\n").unwrap();
    fs::create_dir(copied.data_dir().join("not a topic")).unwrap();
    fs::write(copied.data_dir().join("not a topic/x"), "").unwrap();
    let (code, text, _) = run(&["verify", arg(copied.data_dir())]);
    assert_eq!(code, 1);
    for kind in ["checkpoint-damaged", "meta-properties-damaged", "unknown-name"] {
        assert!(text.contains(kind), "{kind}: {text}");
    }
    assert!(text.contains("1 partition, 2 segments"), "{text}");
}

#[test]
fn batches_in_the_wrong_place_are_found() {
    let copied = Copied::of("kafka-4.3/none-0");
    let other = fs::read(copied.file("00000000000000000000.log")).unwrap();
    copied.edit(SEGMENT, |bytes| bytes.extend(&other[..3000.min(other.len())]));
    let (code, kinds) = findings(&copied);
    assert_eq!(code, 1);
    assert!(
        kinds.contains(&("offset-outside-segment".to_owned(), false))
            || kinds.iter().any(|(kind, _)| kind == "torn-tail"),
        "{kinds:?}"
    );

    let copied = Copied::of("kafka-4.3/lz4-0");
    let name = "00000000000000000000.log";
    let first = 1696;
    copied.edit(name, |bytes| {
        let batch = bytes[..first].to_vec();
        bytes.extend(batch);
    });
    let (code, kinds) = findings(&copied);
    assert_eq!((code, &kinds[0]), (1, &("offsets-fall".to_owned(), false)));
    let (code, text, errors) = run(&["read", arg(&copied.dir)]);
    assert_eq!((code, text.lines().count()), (1, 8000));
    assert!(errors.contains("the batch begins at offset 0, and 8000 comes next"), "{errors}");
}

#[test]
fn random_bytes_are_told_by_every_command_and_panic_in_none() {
    let copied = Copied::of("kafka-4.3/none-0");
    let mut seed = 0x9e37_79b9_7f4a_7c15_u64;
    let mut random = || {
        seed ^= seed << 13;
        seed ^= seed >> 7;
        seed ^= seed << 17;
        seed
    };
    let names: Vec<_> = fs::read_dir(&copied.dir).unwrap().map(|e| e.unwrap().file_name()).collect();
    for name in &names {
        let bytes: Vec<u8> = (0..3000).map(|_| random().to_be_bytes()[0]).collect();
        fs::write(copied.dir.join(name), bytes).unwrap();
    }
    assert_eq!(run(&["read", arg(&copied.dir)]).0, 1);
    assert_eq!(run(&["verify", arg(&copied.dir)]).0, 1);
    assert_eq!(run(&["verify", arg(copied.data_dir())]).0, 1);
    for name in names {
        let code = run(&["dump", "--print-data", arg(&copied.dir.join(name))]).0;
        assert!(code == 1 || code == 0, "{code}");
    }
    assert!([1, 2].contains(&run(&["explain", arg(&copied.dir), "7000"]).0));
}

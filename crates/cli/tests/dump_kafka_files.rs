//! Each file that Apache Kafka wrote is dumped as Kafka's own DumpLogSegments prints it.

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

use common::{arg, run, unpacked};
use ottla_testkit::fixtures;

/// The fixture file that a dump is of, and the path that Kafka printed.
fn dumped_file(name: &str) -> std::path::PathBuf {
    let (topic, file) = name.strip_prefix("kafka-4.3-").unwrap().split_once('-').unwrap();
    fixtures().join("kafka-4.3").join(format!("{topic}-0")).join(file)
}

/// Field for field: names end with a colon, and the path, which is not the same, is left out.
fn facts(dump: &str) -> Vec<Vec<String>> {
    let fields = |line: &str| {
        let line = line.split(' ').filter(|field| !field.contains("-0/0000")).map(str::to_owned);
        line.filter(|field| !field.is_empty()).collect()
    };
    dump.lines().map(fields).collect()
}

#[test]
fn every_dump_agrees_with_kafkas() {
    let mut count = 0;
    for entry in fs::read_dir(fixtures().join("dump")).unwrap() {
        let path = entry.unwrap().path();
        let name = path.file_name().unwrap().to_str().unwrap().strip_suffix(".txt.gz").unwrap().to_owned();
        let file = dumped_file(&name);
        let (code, found, errors) = run(&["dump", arg(&file)]);
        assert_eq!((code, errors.as_str()), (0, ""), "{name}");
        let (found, expected) = (facts(&found), facts(&unpacked(&path)));
        for (number, (found, expected)) in found.iter().zip(&expected).enumerate() {
            assert_eq!(found, expected, "{name}, line {number}");
        }
        assert_eq!(found.len(), expected.len(), "{name}");
        count += 1;
    }
    assert_eq!(count, 49);
}

#[test]
fn json_says_the_same_as_text() {
    let dir = fixtures().join("kafka-4.3/txn-0");
    for (file, line) in [
        (
            "00000000000000000053.txnindex",
            r#"{"version":0,"producerId":1002,"firstOffset":61,"lastOffset":83,"lastStableOffset":84}"#,
        ),
        ("00000000000000000053.index", r#"{"offset":151,"position":4145,"relativeOffset":98}"#),
        ("00000000000000000053.timeindex", r#"{"timestamp":1795206304442,"offset":151,"relativeOffset":98}"#),
        ("leader-epoch-checkpoint", r#"{"epoch":0,"startOffset":0}"#),
        ("partition.metadata", r#"{"topicId":"oBiWQOA4TKG0y7SGcIq5yA"}"#),
    ] {
        let (code, found, _) = run(&["dump", "--json", arg(&dir.join(file))]);
        assert_eq!((code, found.lines().next()), (0, Some(line)), "{file}");
    }
    let (_, found, _) = run(&["dump", "--json", arg(&dir.join("00000000000000000053.log"))]);
    let first = found.lines().next().unwrap();
    assert!(
        first.contains(r#""baseOffset":53,"lastOffset":53"#) && first.contains(r#""crc":1162973329"#),
        "{first}"
    );
}

#[test]
fn records_are_shown_with_their_data_or_without() {
    let log = fixtures().join("kafka-4.3/txn-0/00000000000000000000.log");
    let line = |args: &[&str]| {
        let (_, found, _) = run(&[args, &[arg(&log)]].concat());
        found.lines().nth(3).unwrap().to_owned()
    };
    let head = "| offset: 0 CreateTime: 1700000000000 keySize: 2 valueSize: 26 sequence: 0 headerKeys: []";
    assert_eq!(line(&["dump", "--records"]), head);
    assert_eq!(
        line(&["dump", "--print-data"]),
        format!("{head} key: t0 payload: producer 2 step 0 record 0")
    );
    let markers = fixtures().join("kafka-4.3/txn-0/00000000000000000053.log");
    let (_, found, _) = run(&["dump", "--print-data", arg(&markers)]);
    assert!(found.contains(" endTxnMarker: COMMIT coordinatorEpoch: 2"), "{}", &found[..600]);
}

//! Nothing is found in what Apache Kafka wrote.

#![allow(
    clippy::disallowed_methods,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::unwrap_used,
    reason = "tests"
)]

mod common;

use common::{arg, kafka_partitions, run};
use ottla_testkit::fixtures;

#[test]
fn every_directory_is_clean() {
    for (_, _, dir) in kafka_partitions() {
        let (code, found, errors) = run(&["verify", arg(&dir)]);
        assert_eq!((code, errors.as_str()), (0, ""), "{}: {found}", dir.display());
        assert!(found.starts_with("Checked 1 partition, ") && found.ends_with(": clean\n"), "{found}");
    }
}

#[test]
fn a_whole_data_directory_is_checked_at_once() {
    let (code, found, _) = run(&["verify", "--json", arg(&fixtures().join("kafka-4.3"))]);
    let report: serde_json::Value = serde_json::from_str(&found).unwrap();
    assert_eq!((code, &report["total"]), (0, &serde_json::json!(0)));
    assert_eq!(report["summary"]["partitions"], 8);
    assert_eq!(report["summary"]["segments"], 12);
    assert_eq!(report["summary"]["batches"], 2756);
}

//! Every record that Apache Kafka wrote is read as Kafka's own clients read it.

#![allow(
    clippy::disallowed_methods,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::unwrap_used,
    reason = "tests"
)]

mod common;

use common::{arg, kafka_partitions, run, unpacked};
use ottla_testkit::fixtures;

fn expected(name: &str) -> String {
    unpacked(&fixtures().join("expected").join(format!("{name}.jsonl.gz")))
}

fn assert_same(found: &str, expected: &str, what: &str) {
    for (number, (found, expected)) in found.lines().zip(expected.lines()).enumerate() {
        assert_eq!(found, expected, "{what}, line {number}");
    }
    assert_eq!(found.lines().count(), expected.lines().count(), "{what}");
}

#[test]
fn every_directory_reads_as_librdkafka_reads_it() {
    for (version, topic, dir) in kafka_partitions().iter().filter(|(_, topic, _)| topic != "txn") {
        let (code, found, errors) = run(&["read", arg(dir), "--format", "jsonl"]);
        assert_eq!((code, errors.as_str()), (0, ""), "{}", dir.display());
        assert_same(&found, &expected(&format!("{version}-{topic}")), topic);
    }
}

#[test]
fn transactions_read_as_librdkafka_reads_them_at_both_isolation_levels() {
    let dir = fixtures().join("kafka-4.3/txn-0");
    for (isolation, name) in [
        ("committed", "committed"),
        ("read_committed", "committed"),
        ("uncommitted", "uncommitted"),
        ("read_uncommitted", "uncommitted"),
    ] {
        let (code, found, errors) = run(&["read", arg(&dir), "--format", "jsonl", "--isolation", isolation]);
        assert_eq!((code, errors.as_str()), (0, ""));
        assert_same(&found, &expected(&format!("kafka-4.3-txn.{name}")), isolation);
    }
}

#[test]
fn uncommitted_is_the_default() {
    let dir = fixtures().join("kafka-4.3/txn-0");
    let (_, found, _) = run(&["read", arg(&dir), "--format", "jsonl"]);
    assert_same(&found, &expected("kafka-4.3-txn.uncommitted"), "default");
}

#[test]
fn reading_may_begin_at_any_offset_of_a_transactional_log() {
    let dir = fixtures().join("kafka-4.3/txn-0");
    let all = expected("kafka-4.3-txn.committed");
    let offset_of = |line: &str| {
        let digits = line.strip_prefix("{\"offset\":").unwrap().split(',').next().unwrap();
        digits.parse::<i64>().unwrap()
    };
    for from in [1, 53, 60, 62, 85, 300, 480, 511, 1000, 9999, 18_000, 18_330, 18_331] {
        let args =
            ["read", arg(&dir), "--format", "jsonl", "--isolation", "committed", "--from", &from.to_string()];
        let (code, found, _) = run(&args);
        assert_eq!(code, 0);
        let rest: Vec<_> = all.lines().filter(|line| offset_of(line) >= from).collect();
        assert_eq!(found.lines().collect::<Vec<_>>(), rest, "from {from}");
    }
}

#[test]
fn reading_may_begin_at_any_offset_of_every_format() {
    for (version, topic, dir) in kafka_partitions().iter().filter(|(_, topic, _)| topic != "txn") {
        let all = expected(&format!("{version}-{topic}"));
        for from in [1, 777, 1299, 1300, 1999] {
            let args = ["read", arg(dir), "--format", "jsonl", "--max", "3", "--from", &from.to_string()];
            let (code, found, _) = run(&args);
            let number = |line: &str| {
                line.strip_prefix("{\"offset\":").unwrap().split(',').next().unwrap().parse::<i64>().unwrap()
            };
            let wanted: Vec<_> = all.lines().filter(|line| number(line) >= from).take(3).collect();
            assert_eq!(
                (code, found.lines().collect::<Vec<_>>()),
                (0, wanted),
                "{} from {from}",
                dir.display()
            );
        }
    }
}

//! What is appended is read back.

#![allow(
    clippy::disallowed_methods,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::unwrap_used,
    reason = "tests"
)]

mod common;

use std::collections::BTreeMap;
use std::fs;

use common::{arg, run, run_with};
use ottla::{Store, StoreConfig};

#[test]
fn lines_come_back_byte_for_byte_with_every_codec() {
    let mut lines: Vec<u8> = Vec::new();
    for n in 0..3000 {
        lines.extend(format!("line {n} hello kitty 零拷贝 {}\n", "x".repeat(n % 300)).bytes());
    }
    lines.extend(b"\n\xff\xfe not text\rat all\n\nlast\n");
    for codec in ["none", "gzip", "snappy", "lz4", "zstd"] {
        let data = tempfile::tempdir().unwrap();
        let dir = data.path().join("letters-0");
        let (code, told, errors) = run_with(&["append", arg(&dir), "--compression", codec], lines.clone());
        assert_eq!((code, errors.as_str()), (0, ""));
        assert!(
            told.starts_with("Appended 3,004 records in ")
                && told.ends_with("letters-0, offsets 0 to 3003\n"),
            "{told}"
        );
        let output = common::ottla(&["read", arg(&dir), "--format", "raw"]).output().unwrap();
        assert!(output.stdout == lines, "{codec}");
        assert_eq!(run(&["verify", arg(data.path())]).0, 0, "{codec}");
        let (_, dump, _) = run(&["dump", arg(&dir.join("00000000000000000000.log"))]);
        assert!(
            dump.lines().skip(2).all(|line| line.contains(&format!("compresscodec: {codec} "))),
            "{codec}"
        );
    }
}

#[test]
fn appending_goes_on_where_it_ended() {
    let data = tempfile::tempdir().unwrap();
    let dir = data.path().join("letters-0");
    for n in 0..5 {
        let (code, told, _) = run_with(&["append", arg(&dir), "--sync", "--json"], format!("{n}\n{n}\n"));
        let report: serde_json::Value = serde_json::from_str(&told).unwrap();
        assert_eq!(
            (code, &report["first_offset"], &report["last_offset"]),
            (0, &(2 * n).into(), &(2 * n + 1).into())
        );
    }
    let (_, text, _) = run(&["read", arg(&dir), "--format", "raw"]);
    assert_eq!(text, "0\n0\n1\n1\n2\n2\n3\n3\n4\n4\n");
    let (code, told, _) = run_with(&["append", arg(&dir)], "");
    assert_eq!((code, told.as_str()), (0, "Appended nothing to letters-0\n"));
    assert_eq!(run(&["verify", arg(data.path())]).0, 0);
}

#[test]
fn a_separator_makes_keys_and_a_line_without_one_ends_appending_with_what_came_before() {
    let data = tempfile::tempdir().unwrap();
    let dir = data.path().join("letters-0");
    let (code, _, _) =
        run_with(&["append", arg(&dir), "--key-separator", " => "], "k => v\n => \na => b => c\n");
    assert_eq!(code, 0);
    let fields = |text: &str| -> Vec<String> {
        text.lines().map(|line| line.splitn(3, '\t').nth(2).unwrap().to_owned()).collect()
    };
    let (_, text, _) = run(&["read", arg(&dir)]);
    assert_eq!(fields(&text), ["k\tv", "\t", "a\tb => c"]);

    let (code, told, errors) = run_with(&["append", arg(&dir), "--key-separator", ":"], "x:y\nnone\nz:z\n");
    assert_eq!((code, told.as_str()), (1, "Appended 1 record in 1 batch to letters-0, offsets 3 to 3\n"));
    assert!(errors.contains("line 2: there is no key separator in it"), "{errors}");
    let (code, _, _) = run_with(&["append", arg(&dir), "--key-separator", ":"], "none\nz:z\n");
    assert_eq!(code, 2);
    let (_, text, _) = run(&["read", arg(&dir)]);
    assert_eq!(text.lines().count(), 4);
}

#[test]
fn the_topics_own_settings_are_followed() {
    let data = tempfile::tempdir().unwrap();
    let (store, _) = Store::open(data.path(), StoreConfig::default()).unwrap();
    let overrides = BTreeMap::from([("segment.bytes".to_owned(), "1048576".to_owned())]);
    store.create_topic("letters", 1, &overrides).unwrap();
    store.close().unwrap();
    let dir = data.path().join("letters-0");
    let line = "x".repeat(100) + "\n";
    assert_eq!(run_with(&["append", arg(&dir)], line.repeat(30_000)).0, 0);
    let segments = fs::read_dir(&dir).unwrap().map(|entry| entry.unwrap().path());
    assert_eq!(segments.filter(|path| path.extension().is_some_and(|e| e == "log")).count(), 4);
    assert_eq!(run(&["read", arg(&dir)]).1.lines().count(), 30_000);
    let (code, found, _) = run(&["verify", arg(data.path())]);
    assert_eq!(code, 0, "{found}");
}

#[test]
fn a_line_that_is_larger_than_a_batch_may_be_is_refused_and_nothing_is_lost() {
    let data = tempfile::tempdir().unwrap();
    let dir = data.path().join("letters-0");
    let input = format!("before\n{}\nafter\n", "x".repeat(2 << 20));
    let (code, told, errors) = run_with(&["append", arg(&dir)], input);
    assert_eq!((code, told.as_str()), (1, "Appended 1 record in 1 batch to letters-0, offsets 0 to 0\n"));
    assert!(errors.contains("is the limit"), "{errors}");
    assert_eq!(run(&["read", arg(&dir), "--format", "raw"]).1, "before\n");
}

#[test]
fn records_are_found_by_their_time() {
    let data = tempfile::tempdir().unwrap();
    let dir = data.path().join("letters-0");
    run_with(&["append", arg(&dir)], "one\n");
    std::thread::sleep(std::time::Duration::from_millis(20));
    run_with(&["append", arg(&dir)], "two\n");
    let (_, text, _) = run(&["read", arg(&dir)]);
    let time = text.lines().nth(1).unwrap().split('\t').nth(1).unwrap();
    assert_eq!(run(&["read", arg(&dir), "--from", time, "--format", "raw"]).1, "two\n");
    assert_eq!(run(&["read", arg(&dir), "--from", "@0", "--format", "raw"]).1, "one\ntwo\n");
    assert_eq!(
        run(&["read", arg(&dir), "--from", "2100-01-01T00:00:00Z"]),
        (0, String::new(), String::new())
    );
    assert_eq!(run(&["read", arg(&dir), "--from", "latest"]), (0, String::new(), String::new()));
}

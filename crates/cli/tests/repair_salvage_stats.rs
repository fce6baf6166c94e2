//! `repair`, `salvage` and `stats` as people and scripts call them.

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
use std::os::unix::fs::{MetadataExt, PermissionsExt};

use common::{Copied, arg, copy, image, run};
use ottla_testkit::fixtures;
use serde_json::Value;

fn json(args: &[&str]) -> (i32, Value) {
    let (code, out, errors) = run(args);
    assert_eq!(errors, "");
    (code, serde_json::from_str(&out).unwrap())
}

/// A copy with a wrong index, a missing one, and a snapshot that cannot be read.
fn harmed() -> Copied {
    let copied = Copied::of("kafka-4.3/none-0");
    copied.edit("00000000000000006620.index", |bytes| bytes[13] ^= 1);
    fs::remove_file(copied.file("00000000000000000000.timeindex")).unwrap();
    copied.edit("00000000000000006620.snapshot", |bytes| bytes[7] ^= 1);
    copied
}

#[test]
fn a_plan_is_told_and_nothing_is_changed_until_it_is_asked_for() {
    let copied = harmed();
    let before = image(copied.data_dir());
    let (code, told, errors) = run(&["repair", arg(copied.data_dir())]);
    assert_eq!((code, errors.as_str()), (1, ""));
    assert_eq!(told.matches("write   ").count(), 3, "{told}");
    assert!(told.ends_with("3 steps to take; nothing was changed: --apply does it\n"), "{told}");
    assert_eq!(image(copied.data_dir()), before);

    let (code, told, _) = run(&["repair", "--apply", arg(copied.data_dir())]);
    assert!(code == 0 && told.ends_with("Done: 3 steps\n"), "{told}");
    for entry in fs::read_dir(fixtures().join("kafka-4.3/none-0")).unwrap() {
        let path = entry.unwrap().path();
        let name = path.file_name().unwrap().to_str().unwrap();
        assert_eq!(fs::read(copied.file(name)).unwrap(), fs::read(&path).unwrap(), "{name}");
    }
    assert_eq!(run(&["verify", arg(copied.data_dir())]).0, 0);
    assert_eq!(run(&["repair", arg(&copied.dir)]), (0, "Nothing to do\n".to_owned(), String::new()));
}

#[test]
fn what_is_written_belongs_to_whom_the_directory_belongs_to() {
    let copied = harmed();
    assert_eq!(run(&["repair", "--apply", arg(&copied.dir)]).0, 0);
    let owner = |path| fs::metadata(path).map(|found| (found.uid(), found.gid())).unwrap();
    assert_eq!(owner(copied.file("00000000000000006620.index")), owner(copied.dir.clone()));
    let mode = fs::metadata(copied.file("00000000000000006620.index")).unwrap().permissions().mode();
    assert_eq!(mode & 0o111, 0);
}

#[test]
fn machines_get_steps_and_what_is_left() {
    let copied = harmed();
    copied.edit("00000000000000000000.log", |bytes| bytes[60_000] ^= 1);
    let (code, report) = json(&["repair", "--json", arg(&copied.dir)]);
    assert_eq!((code, &report["applied"]), (1, &Value::Bool(false)));
    assert!(report["steps"].as_array().unwrap().iter().any(|step| step["change"] == "write"), "{report}");
    let left = report["left"].as_array().unwrap();
    assert!(left.iter().any(|left| left["advice"].as_str().unwrap().contains("ottla salvage")), "{report}");
    let (code, report) = json(&["repair", "--json", "--apply", arg(&copied.dir)]);
    assert_eq!((code, &report["applied"]), (1, &Value::Bool(true)));
}

#[test]
fn a_salvaged_directory_is_a_data_directory_and_tells_what_it_lacks() {
    let copied = Copied::of("kafka-4.3/none-0");
    copied.edit("00000000000000000000.log", |bytes| bytes[60_000] ^= 1);
    let before = image(copied.data_dir());
    let target = tempfile::tempdir().unwrap();
    let out = target.path().join("saved");
    let (code, report) = json(&["salvage", "--json", arg(&copied.dir), arg(&out)]);
    let partition = &report["partitions"][0];
    assert_eq!((code, &partition["batches"]), (1, &Value::from(339)));
    assert_eq!(partition["lost_bytes"].as_array().unwrap().len(), 1);
    let lost = &partition["lost_offsets"][0];
    let count = lost["below"].as_i64().unwrap() - lost["from"].as_i64().unwrap();
    assert_eq!(image(copied.data_dir()), before);
    let (code, told, _) = run(&["verify", arg(&out)]);
    assert!(code == 0 && told.contains("339 batches"), "{told}");
    let (code, text, _) = run(&["read", arg(&out.join("none-0"))]);
    assert_eq!((code, text.lines().count() as i64), (0, 8000 - count));

    let (code, _, errors) = run(&["salvage", arg(&copied.dir), arg(&out)]);
    assert!(code == 2 && errors.contains("is not empty"), "{errors}");
    let (code, told, _) = run(&["salvage", arg(copied.data_dir()), arg(&target.path().join("again"))]);
    // People are told the last one that is lost; it once was the first that is not.
    let (first, last) = (lost["from"].as_i64().unwrap(), lost["below"].as_i64().unwrap() - 1);
    assert!(code == 1 && told.contains(&format!("  lost offsets {first} to {last}, or")), "{told}");
    assert!(told.contains("00000000000000000000.log at byte "), "{told}");
}

#[test]
fn counts_are_those_of_the_records() {
    let (code, report) = json(&["stats", "--json", arg(&fixtures().join("kafka-4.3"))]);
    assert_eq!(code, 0);
    let found = report.as_array().unwrap();
    assert_eq!(found.len(), 8);
    let of = |name: &str| found.iter().find(|partition| partition["partition"] == name).unwrap();
    let txn = of("txn-0");
    let (code, read, _) = run(&["read", arg(&fixtures().join("kafka-4.3/txn-0")), "--format", "jsonl"]);
    assert_eq!(code, 0);
    let records: Vec<Value> = read.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert_eq!(txn["total"]["records"], records.len());
    let keys: std::collections::BTreeSet<_> =
        records.iter().filter_map(|record| record["key"].as_str()).collect();
    assert_eq!((&txn["distinct_keys"], &txn["distinct_keys_exact"]), (&keys.len().into(), &true.into()));
    assert_eq!(
        txn["total"]["oldest_ms"],
        *records.iter().map(|r| r["ts"].as_i64().unwrap()).min().as_ref().unwrap()
    );
    assert_eq!(txn["segments"][1]["base_offset"], 53);
    assert_eq!(txn["total"]["control_batches"], 425);
    let none = of("none-0");
    assert_eq!(none["total"]["codecs"], serde_json::json!({ "none": 340 }));
    assert_eq!(none["total"]["index_entries"], 167);
}

#[test]
fn people_get_a_table() {
    let (code, told, _) = run(&["stats", arg(&fixtures().join("kafka-4.3/txn-0"))]);
    assert_eq!(code, 0);
    let lines: Vec<_> = told.lines().collect();
    assert!(
        lines[0].contains("batches") && lines[1].starts_with("0 ") && lines[2].starts_with("53 "),
        "{told}"
    );
    assert!(lines[3].starts_with("total") && told.contains("287 commits, 138 aborts"), "{told}");
    let (_, told, _) = run(&["stats", arg(&fixtures().join("kafka-4.3"))]);
    assert!(told.contains("snappy-0") && told.contains("total"), "{told}");
}

#[test]
fn what_is_no_directory_of_a_log_is_refused() {
    let copied = Copied::of("kafka-4.3/none-0");
    let (nowhere, file) = (copied.data_dir().join("nowhere"), copied.file("00000000000000000000.log"));
    let empty = tempfile::tempdir().unwrap();
    let out = empty.path().join("out");
    for (command, more) in [("repair", None), ("stats", None), ("salvage", Some(arg(&out)))] {
        for (dir, says) in
            [(&nowhere, "does not exist"), (&file, "is a file"), (&empty.path().to_path_buf(), "is no ")]
        {
            let args: Vec<_> = [command, arg(dir)].into_iter().chain(more).collect();
            let (code, told, errors) = run(&args);
            assert_eq!((code, told.as_str()), (2, ""), "{args:?}: {errors}");
            assert!(errors.contains(says), "{args:?}: {errors}");
        }
    }
    assert!(!out.exists());
}

#[test]
fn the_directory_of_an_older_kafka_needs_no_repair() {
    let data = tempfile::tempdir().unwrap();
    copy(&fixtures().join("kafka-2.8"), data.path());
    assert_eq!(run(&["repair", arg(data.path())]), (0, "Nothing to do\n".to_owned(), String::new()));
    assert_eq!(run(&["stats", arg(data.path())]).0, 0);
}

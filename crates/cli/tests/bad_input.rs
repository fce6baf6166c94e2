//! Wrong input gets exit code 2 and an error that says what to do.

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

use common::{Copied, arg, run, run_with};

fn refused(args: &[&str], says: &str) {
    let (code, out, errors) = run_with(args, "x\n");
    assert_eq!((code, out.as_str()), (2, ""), "{args:?}: {errors}");
    assert!(errors.contains(says), "{args:?}: {errors}");
    assert!(!errors.contains("panicked"), "{errors}");
}

#[test]
fn every_command_says_what_it_wants() {
    let copied = Copied::of("kafka-4.3/none-0");
    let (data, log) = (copied.data_dir(), copied.file("00000000000000000000.log"));
    let nowhere = data.join("nowhere-0");
    for command in ["read", "verify", "reindex"] {
        refused(&[command, arg(&nowhere)], "does not exist");
        refused(&[command, arg(&log)], "is a file, and a directory is wanted: give ");
    }
    refused(&["explain", arg(&nowhere), "1"], "does not exist");
    refused(
        &["explain", arg(data), "1"],
        "is a data directory; give one of the partition directories in it: none-0",
    );
    refused(&["read", arg(data)], "is a data directory; give one of the partition directories in it: none-0");
    refused(&["dump", arg(&copied.dir)], "is a directory: give files in it");
    refused(&["dump", arg(&data.join("no.log"))], "cannot look at");
    fs::write(data.join("README.md"), "").unwrap();
    refused(&["dump", arg(&data.join("README.md"))], "has a name that says nothing about what it holds");
}

#[test]
fn empty_directories_are_told_from_logs() {
    let data = tempfile::tempdir().unwrap();
    let dir = data.path().join("letters-0");
    fs::create_dir(&dir).unwrap();
    refused(&["read", arg(&dir)], "holds no segment");
    refused(&["verify", arg(&dir)], "is no partition directory");
    refused(&["reindex", arg(&dir)], "holds no segment");
    refused(&["explain", arg(&dir), "0"], "holds no segment");
}

/// `/etc` holds a directory `dbus-1`, and once passed for a data directory because of that name.
#[test]
fn a_directory_of_other_things_is_no_data_directory() {
    let other = tempfile::tempdir().unwrap();
    fs::create_dir(other.path().join("dbus-1")).unwrap();
    fs::write(other.path().join("dbus-1").join("session.conf"), "x").unwrap();
    let out = other.path().join("saved");
    for command in ["verify", "repair", "stats"] {
        refused(&[command, arg(other.path())], "is no partition directory");
    }
    refused(&["salvage", arg(other.path()), arg(&out)], "is no partition directory");
    assert!(!out.exists());
}

#[test]
fn names_that_are_no_partitions_are_refused_for_writing() {
    let data = tempfile::tempdir().unwrap();
    for name in ["letters", "letters-x", "letters-01", "let ters-0", "-0"] {
        refused(&["append", arg(&data.path().join(name))], "is not named <topic>-<partition>");
    }
    assert_eq!(fs::read_dir(data.path()).unwrap().count(), 0);
    let copied = Copied::of("kafka-4.3/none-0");
    let renamed = copied.data_dir().join("backup");
    fs::rename(&copied.dir, &renamed).unwrap();
    refused(&["reindex", arg(&renamed)], "is not named <topic>-<partition>");
    // What only looks takes a copy of any name.
    assert_eq!(run(&["verify", arg(&renamed)]).0, 0);
    assert_eq!(run(&["read", arg(&renamed), "--max", "1"]).0, 0);
}

#[test]
fn a_parent_that_is_a_file_cannot_be_appended_to() {
    let copied = Copied::of("kafka-4.3/none-0");
    let below_a_file = copied.file("00000000000000000000.log").join("letters-0");
    refused(&["append", arg(&below_a_file)], "Not a directory");
}

#[test]
fn offsets_and_times_that_are_none_are_refused() {
    let copied = Copied::of("kafka-4.3/none-0");
    refused(
        &["read", arg(&copied.dir), "--from", "8001"],
        "holds the offsets 0 to 8000 (exclusive), not 8001",
    );
    refused(
        &["read", arg(&copied.dir), "--from", "yesterday"],
        "give an offset, `earliest`, `latest`, a time",
    );
    refused(&["read", arg(&copied.dir), "--from=-1"], "an offset is never negative");
    refused(&["explain", arg(&copied.dir), "many"], "an offset is a whole number");
    refused(&["append", arg(&copied.dir), "--compression", "brotli"], "brotli");
    assert_eq!(run(&["read", arg(&copied.dir), "--from", "8000"]), (0, String::new(), String::new()));
}

#[test]
fn an_unknown_magic_is_told_where_it_stands() {
    let copied = Copied::of("kafka-4.3/none-0");
    copied.edit("00000000000000000000.log", |bytes| bytes[16] = 9);
    let (code, out, errors) = run(&["read", arg(&copied.dir)]);
    assert_eq!((code, out.as_str()), (1, ""));
    assert!(
        errors.contains("00000000000000000000.log at byte 0: no whole batch stands here: unknown magic 9"),
        "{errors}"
    );
}

#[test]
fn a_server_that_is_not_there_is_told() {
    refused(&["append", "--server", "127.0.0.1:1", "letters"], "cannot reach a broker at 127.0.0.1:1");
    refused(&["append", "--server", "nonsense", "letters"], "cannot reach a broker at nonsense");
}

#[test]
fn a_directory_that_may_not_be_read_is_told() {
    use std::os::unix::fs::PermissionsExt;
    let copied = Copied::of("kafka-4.3/none-0");
    fs::set_permissions(&copied.dir, fs::Permissions::from_mode(0o000)).unwrap();
    let readable = fs::read_dir(&copied.dir).is_ok();
    let (code, _, errors) = run(&["read", arg(&copied.dir), "--max", "1"]);
    fs::set_permissions(&copied.dir, fs::Permissions::from_mode(0o700)).unwrap();
    if readable {
        eprintln!("not tested: this user may read everything");
        return;
    }
    assert!(code == 2 && errors.contains("Permission denied"), "{errors}");
}

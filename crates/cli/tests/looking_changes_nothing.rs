//! The commands that only look leave a directory as it was: every byte, every time of change, no new file.

#![allow(
    clippy::disallowed_methods,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::unwrap_used,
    reason = "tests"
)]

mod common;

use common::{Copied, arg, copy, image, run};
use ottla_testkit::fixtures;

#[test]
fn reading_dumping_verifying_and_explaining_leave_everything_as_it_was() {
    let data = tempfile::tempdir().unwrap();
    copy(&fixtures().join("kafka-4.3"), data.path());
    let before = image(data.path());
    let dir = data.path().join("txn-0");
    let log = dir.join("00000000000000000053.log");
    let index = dir.join("00000000000000000053.txnindex");
    for args in [
        &["read", arg(&dir)][..],
        &["read", arg(&dir), "--isolation", "committed", "--from", "latest"],
        &["read", arg(&dir), "--from", "@1700000001000", "--max", "1"],
        &["dump", "--print-data", arg(&log), arg(&index)],
        &["verify", arg(&dir)],
        &["verify", arg(data.path())],
        &["explain", arg(&dir), "5000"],
    ] {
        assert_eq!(run(args).0, 0, "{args:?}");
        assert_eq!(image(data.path()), before, "{args:?}");
    }
}

#[test]
fn not_even_damage_makes_them_write() {
    let copied = Copied::of("kafka-4.3/none-0");
    copied.edit("00000000000000006620.log", |bytes| bytes.truncate(bytes.len() - 5));
    copied.edit("00000000000000006620.index", |bytes| bytes.extend([0; 80]));
    let before = image(copied.data_dir());
    for command in ["read", "verify"] {
        assert_eq!(run(&[command, arg(&copied.dir)]).0, 1, "{command}");
    }
    run(&["explain", arg(&copied.dir), "7000"]);
    assert_eq!(image(copied.data_dir()), before);
}

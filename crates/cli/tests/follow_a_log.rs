//! A followed log is read across rolls while another process appends, and a closed pipe ends it quietly.

#![allow(
    clippy::disallowed_methods,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::unwrap_used,
    reason = "tests"
)]

mod common;

use std::io::{BufRead, BufReader};
use std::process::Stdio;

use common::{arg, run, run_with, spawn};
use ottla::{Environment, Log, LogConfig};
use ottla_record::BatchBuilder;

#[test]
fn everything_that_is_appended_later_is_read_across_rolls() {
    let data = tempfile::tempdir().unwrap();
    let dir = data.path().join("letters-0");
    run_with(&["append", arg(&dir)], "first\n");
    let mut child = spawn(&["read", arg(&dir), "--follow", "--format", "raw", "--max", "301"]);
    let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
    assert_eq!(lines.next().unwrap().unwrap(), "first");

    let config = LogConfig { segment_bytes: 4096, ..LogConfig::default() };
    let (log, _) = Log::open_with(&dir, config, Environment::default()).unwrap();
    for n in 0..300 {
        let mut batch = BatchBuilder::new();
        batch.push(0, None, Some(format!("letter {n}").as_bytes()), &[]).unwrap();
        log.append(&batch.build().unwrap()).unwrap();
        if n % 50 == 0 {
            assert_eq!(lines.next().unwrap().unwrap(), format!("letter {n}"));
        } else if n % 50 == 49 {
            for read in n - 48..=n {
                assert_eq!(lines.next().unwrap().unwrap(), format!("letter {read}"));
            }
        }
    }
    assert!(log.segment_base_offsets().len() > 3);
    assert_eq!(child.wait().unwrap().code(), Some(0));
    log.close().unwrap();
}

#[test]
fn a_reader_that_has_enough_ends_the_command_quietly() {
    let data = tempfile::tempdir().unwrap();
    let dir = data.path().join("letters-0");
    run_with(&["append", arg(&dir)], "0123456789\n".repeat(200_000));
    for format in ["text", "jsonl", "raw"] {
        let mut child = spawn(&["read", arg(&dir), "--format", format]);
        let mut out = BufReader::new(child.stdout.take().unwrap());
        let mut line = String::new();
        out.read_line(&mut line).unwrap();
        drop(out);
        let output = child.wait_with_output().unwrap();
        assert_eq!((output.status.code(), output.stderr), (Some(0), vec![]), "{format}");
    }
}

#[test]
fn a_tail_that_is_being_written_is_waited_for() {
    let data = tempfile::tempdir().unwrap();
    let dir = data.path().join("letters-0");
    run_with(&["append", arg(&dir)], "first\n");
    run_with(&["append", arg(&dir)], "second\n");
    let log = dir.join("00000000000000000000.log");
    let whole = std::fs::read(&log).unwrap();
    std::fs::write(&log, &whole[..whole.len() - 10]).unwrap();
    let mut child = spawn(&["read", arg(&dir), "--follow", "--format", "raw", "--max", "2"]);
    let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
    assert_eq!(lines.next().unwrap().unwrap(), "first");
    std::thread::sleep(std::time::Duration::from_millis(300));
    assert!(child.try_wait().unwrap().is_none());
    let mut appending = std::fs::OpenOptions::new().append(true).open(&log).unwrap();
    std::io::Write::write_all(&mut appending, &whole[whole.len() - 10..]).unwrap();
    assert_eq!(lines.next().unwrap().unwrap(), "second");
    assert_eq!(child.wait().unwrap().code(), Some(0));
}

#[test]
fn a_log_that_is_cut_under_the_reader_is_told() {
    let data = tempfile::tempdir().unwrap();
    let dir = data.path().join("letters-0");
    run_with(&["append", arg(&dir)], "first\n");
    let mut child = spawn(&["read", arg(&dir), "--follow", "--format", "raw"]);
    let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
    assert_eq!(lines.next().unwrap().unwrap(), "first");
    std::fs::write(dir.join("00000000000000000000.log"), "").unwrap();
    let output = child.wait_with_output().unwrap();
    let errors = String::from_utf8_lossy(&output.stderr).into_owned();
    assert_eq!(output.status.code(), Some(1));
    assert!(errors.contains("the file was cut to 0 bytes while it was read"), "{errors}");
}

#[test]
fn lines_that_trickle_in_are_appended_as_they_come() {
    let data = tempfile::tempdir().unwrap();
    let dir = data.path().join("letters-0");
    let mut child = spawn(&["append", arg(&dir)]);
    let mut input = child.stdin.take().unwrap();
    for n in 0..3 {
        std::io::Write::write_all(&mut input, format!("{n}\n").as_bytes()).unwrap();
        let arrived = || dir.exists() && run(&["read", arg(&dir), "--format", "raw"]).1.lines().count() > n;
        let deadline = std::time::Instant::now() + std::time::Duration::from_secs(20);
        while !arrived() {
            assert!(std::time::Instant::now() < deadline, "line {n} did not arrive");
            std::thread::sleep(std::time::Duration::from_millis(20));
        }
    }
    // Ctrl-C: what came is kept, and the log is closed cleanly.
    let killed = std::process::Command::new("kill")
        .args(["-INT", &child.id().to_string()])
        .stdin(Stdio::null())
        .status();
    assert!(killed.unwrap().success());
    assert_eq!(child.wait().unwrap().code(), Some(0));
    assert!(data.path().join(".kafka_cleanshutdown").exists());
    drop(input);
}

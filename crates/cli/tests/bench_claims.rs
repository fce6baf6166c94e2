//! `ottla bench claims`: what it prints and writes, and that nothing is left where it is killed.

#![allow(clippy::disallowed_methods, reason = "tests")]

use std::fs;
use std::path::Path;
use std::process::{Child, Command, Stdio};

fn claims(dir: &Path, rounds: &str) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_ottla"));
    command.args(["bench", "claims", "--quick", "--rounds", rounds, "--file-size", "1", "--dir"]).arg(dir);
    command
}

/// Whether the process has a file open that was made in this directory.
fn has_a_file_in(child: &Child, dir: &Path) -> bool {
    let Ok(open) = fs::read_dir(format!("/proc/{}/fd", child.id())) else { return false };
    open.flatten().filter_map(|entry| fs::read_link(entry.path()).ok()).any(|target| target.starts_with(dir))
}

#[test]
fn a_run_prints_its_claims_and_writes_both_reports() {
    let dir = tempfile::tempdir().unwrap();
    let reports = tempfile::tempdir().unwrap();
    let (page, json) = (reports.path().join("c.html"), reports.path().join("c.json"));
    let mut command = claims(dir.path(), "1");
    command.args(["--only", "batching,sendfile-cpu", "--series"]);
    command.arg("--html").arg(&page).arg("--json").arg(&json);
    let output = command.output().unwrap();
    let text = String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success(), "{text}{}", String::from_utf8_lossy(&output.stderr));
    assert!(text.contains("batching:") && text.contains("2 claims:"), "{text}");
    let parsed: serde_json::Value = serde_json::from_slice(&fs::read(&json).unwrap()).unwrap();
    assert_eq!(parsed["claims"].as_array().map(Vec::len), Some(2));
    assert!(fs::read_to_string(&page).unwrap().contains("</html>"));
}

#[test]
fn a_run_that_is_killed_leaves_no_file_behind() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().canonicalize().unwrap();
    // So many rounds that it does not end by itself.
    let mut command = claims(&path, "1000");
    let mut child = command.stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
    while !has_a_file_in(&child, &path) {
        assert!(child.try_wait().unwrap().is_none(), "it ended by itself");
        std::thread::yield_now();
    }
    child.kill().unwrap();
    child.wait().unwrap();
    assert_eq!(fs::read_dir(&path).unwrap().count(), 0);
}

#[test]
fn a_report_that_cannot_be_written_is_told_before_anything_is_measured() {
    let dir = tempfile::tempdir().unwrap();
    let output = claims(dir.path(), "1").args(["--html", "/nonexistent/claims.html"]).output().unwrap();
    assert_eq!(output.status.code(), Some(2));
    assert!(String::from_utf8_lossy(&output.stderr).contains("/nonexistent/claims.html"));
}

#[test]
fn the_list_measures_nothing() {
    let output =
        Command::new(env!("CARGO_BIN_EXE_ottla")).args(["bench", "claims", "--list"]).output().unwrap();
    let text = String::from_utf8_lossy(&output.stdout);
    assert!(text.lines().count() > 10 && text.contains("sendfile-cpu"), "{text}");
}

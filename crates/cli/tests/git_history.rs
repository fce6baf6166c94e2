//! The main job on real input: a git history piped through append, and read back.

#![allow(
    clippy::disallowed_methods,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::unwrap_used,
    reason = "tests"
)]

mod common;

use std::path::Path;
use std::process::Command;

use common::{arg, run, run_with};

fn git(dir: &Path, args: &[&str]) -> Vec<u8> {
    let output = Command::new("git")
        .current_dir(dir)
        .args(["-c", "user.name=Ottla", "-c", "user.email=ottla@example.org", "-c", "commit.gpgsign=false"])
        .args(args)
        .output()
        .unwrap();
    assert!(output.status.success(), "{args:?}: {}", String::from_utf8_lossy(&output.stderr));
    output.stdout
}

#[test]
fn every_commit_becomes_a_record() {
    if Command::new("git").arg("--version").output().is_err() {
        eprintln!("not tested: there is no git here");
        return;
    }
    let repository = tempfile::tempdir().unwrap();
    git(repository.path(), &["init", "--quiet"]);
    for n in 0..40 {
        git(
            repository.path(),
            &["commit", "--quiet", "--allow-empty", "-m", &format!("letter {n}: Milý Maxi č. {n}")],
        );
    }
    let history = git(repository.path(), &["log", "--format=%H %s"]);

    let data = tempfile::tempdir().unwrap();
    let dir = data.path().join("commits-0");
    let (code, told, _) = run_with(&["append", arg(&dir), "--key-separator", " "], history.clone());
    assert_eq!((code, told.as_str()), (0, "Appended 40 records in 1 batch to commits-0, offsets 0 to 39\n"));

    let (code, text, _) = run(&["read", arg(&dir)]);
    assert_eq!(code, 0);
    let expected = String::from_utf8(history).unwrap();
    for (found, expected) in text.lines().zip(expected.lines()) {
        let mut fields = found.split('\t').skip(2);
        let (key, value) = (fields.next().unwrap(), fields.next().unwrap());
        assert_eq!(format!("{key} {value}"), expected);
    }
    assert_eq!(run(&["verify", arg(data.path())]).0, 0);
}

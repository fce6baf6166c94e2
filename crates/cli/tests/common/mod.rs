//! What the tests of the command line share.

#![allow(
    dead_code,
    clippy::disallowed_methods,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::unwrap_used,
    reason = "tests, of which each uses a part"
)]

use std::collections::BTreeMap;
use std::fs;
use std::io::Read;
use std::path::{Path, PathBuf};
use std::process::{Command as Process, Output, Stdio};
use std::time::SystemTime;

use assert_cmd::Command;
use ottla_testkit::fixtures;

/// The binary.
pub fn ottla(args: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_ottla"));
    command.args(args).env_remove("OTTLA_LOG");
    command
}

/// The binary as a process that the test talks to.
pub fn spawn(args: &[&str]) -> std::process::Child {
    Process::new(env!("CARGO_BIN_EXE_ottla"))
        .args(args)
        .env_remove("OTTLA_LOG")
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap()
}

/// Exit code, standard output and standard error.
pub fn run(args: &[&str]) -> (i32, String, String) {
    parts(ottla(args).output().unwrap())
}

/// As [`run`], with this standard input.
pub fn run_with(args: &[&str], input: impl Into<Vec<u8>>) -> (i32, String, String) {
    parts(ottla(args).write_stdin(input).output().unwrap())
}

fn parts(output: Output) -> (i32, String, String) {
    let text = |bytes: Vec<u8>| String::from_utf8_lossy(&bytes).into_owned();
    (output.status.code().unwrap_or(-1), text(output.stdout), text(output.stderr))
}

/// A path as an argument.
pub fn arg(path: &Path) -> &str {
    path.to_str().unwrap()
}

/// Every partition directory that Apache Kafka wrote, with the version of Kafka and the topic.
pub fn kafka_partitions() -> Vec<(String, String, PathBuf)> {
    let mut found = Vec::new();
    for version in ["kafka-2.8", "kafka-4.3"] {
        for entry in fs::read_dir(fixtures().join(version)).unwrap() {
            let path = entry.unwrap().path();
            let name = path.file_name().unwrap().to_str().unwrap();
            found.push((version.to_owned(), name.strip_suffix("-0").unwrap().to_owned(), path.clone()));
        }
    }
    found.sort();
    assert_eq!(found.len(), 16);
    found
}

/// The text of a packed file among the fixtures.
pub fn unpacked(path: &Path) -> String {
    let mut text = String::new();
    flate2::read::GzDecoder::new(fs::File::open(path).unwrap()).read_to_string(&mut text).unwrap();
    text
}

/// A copy of a partition that Apache Kafka wrote, in a data directory of its own.
pub struct Copied {
    data: tempfile::TempDir,
    pub dir: PathBuf,
}

impl Copied {
    pub fn of(fixture: &str) -> Copied {
        let data = tempfile::tempdir().unwrap();
        let from = fixtures().join(fixture);
        let dir = data.path().join(from.file_name().unwrap());
        copy(&from, &dir);
        Copied { data, dir }
    }

    pub fn data_dir(&self) -> &Path {
        self.data.path()
    }

    pub fn file(&self, name: &str) -> PathBuf {
        self.dir.join(name)
    }

    /// Changes the bytes of a file.
    pub fn edit(&self, name: &str, change: impl FnOnce(&mut Vec<u8>)) {
        let path = self.file(name);
        let mut bytes = fs::read(&path).unwrap();
        change(&mut bytes);
        fs::write(path, bytes).unwrap();
    }
}

pub fn copy(from: &Path, to: &Path) {
    fs::create_dir_all(to).unwrap();
    for entry in fs::read_dir(from).unwrap() {
        let entry = entry.unwrap();
        let target = to.join(entry.file_name());
        if entry.path().is_dir() {
            copy(&entry.path(), &target);
        } else {
            fs::copy(entry.path(), target).unwrap();
        }
    }
}

/// Everything below a directory: names, bytes, and when each was changed.
pub fn image(dir: &Path) -> BTreeMap<PathBuf, (Option<Vec<u8>>, SystemTime)> {
    let mut image = BTreeMap::new();
    let metadata = fs::metadata(dir).unwrap();
    image.insert(dir.to_path_buf(), (None, metadata.modified().unwrap()));
    for entry in fs::read_dir(dir).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            image.extend(self::image(&path));
        } else {
            let modified = fs::metadata(&path).unwrap().modified().unwrap();
            image.insert(path.clone(), (Some(fs::read(&path).unwrap()), modified));
        }
    }
    image
}

//! A served directory takes lines over the network, and is closed cleanly.

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
use std::path::Path;
use std::process::{Child, Command};

use common::{arg, ottla, run, run_with, spawn};

/// A running broker; its process ends with the value.
struct Broker {
    process: Child,
    address: String,
    screen: Vec<String>,
}

impl Broker {
    fn start(data: &Path, more: &[&str]) -> Broker {
        let args = [&["serve", "--data", arg(data), "--listen", "127.0.0.1:0"][..], more].concat();
        let mut process = spawn(&args);
        let lines = BufReader::new(process.stdout.take().unwrap()).lines();
        let screen: Vec<String> = lines.map(Result::unwrap).take(6).collect();
        let address = screen[0].rsplit(' ').next().unwrap().to_owned();
        Broker { process, address, screen }
    }

    fn stop(mut self, signal: &str) -> (Option<i32>, String) {
        let killed = Command::new("kill").args([signal, &self.process.id().to_string()]).status();
        assert!(killed.unwrap().success());
        let status = self.process.wait().unwrap();
        let mut errors = String::new();
        std::io::Read::read_to_string(&mut self.process.stderr.take().unwrap(), &mut errors).unwrap();
        (status.code(), errors)
    }
}

impl Drop for Broker {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

#[test]
fn lines_that_are_sent_to_the_server_are_in_its_directory() {
    let data = tempfile::tempdir().unwrap();
    let data = data.path().join("data");
    let broker = Broker::start(&data, &["--log-level", "warn"]);
    assert!(
        broker.screen[0].starts_with("ottla ") && broker.screen[0].contains(" serves "),
        "{:?}",
        broker.screen
    );
    assert!(
        broker.screen[2].contains(&format!("ottla append --server {}", broker.address)),
        "{:?}",
        broker.screen
    );

    let lines: String = (0..2500).map(|n| format!("letter {n}\n")).collect();
    for codec in ["none", "lz4", "zstd"] {
        let (code, told, errors) = run_with(
            &["append", "--server", &broker.address, "letters", "--compression", codec],
            lines.clone(),
        );
        assert_eq!((code, errors.as_str()), (0, ""), "{told}");
        assert!(
            told.starts_with("Appended 2,500 records in ") && told.contains(" to letters-0, offsets "),
            "{told}"
        );
    }
    let dir = data.join("letters-0");
    assert_eq!(run(&["read", arg(&dir), "--format", "raw"]).1, lines.repeat(3));
    let (code, found, _) = run(&["verify", arg(&data)]);
    assert_eq!(code, 0, "{found}");
    let (code, _, errors) = run_with(&["append", arg(&dir)], "x\n");
    assert!(code == 2 && errors.contains("is open elsewhere"), "{errors}");

    let (code, errors) = broker.stop("-TERM");
    assert_eq!((code, errors.as_str()), (Some(0), "Stopping; again to stop at once.\n"));
    assert!(data.join(".kafka_cleanshutdown").exists());
    let (code, found, _) = run(&["verify", arg(&data)]);
    assert_eq!(code, 0, "{found}");

    let broker = Broker::start(&data, &["--log-level", "warn"]);
    assert!(broker.screen[1].contains("1 partition; stopped cleanly before"), "{:?}", broker.screen);
    let (_, told, _) = run_with(&["append", "--server", &broker.address, "letters"], "one more\n");
    assert_eq!(told, "Appended 1 record in 1 batch to letters-0, offsets 7500 to 7500\n");
    assert_eq!(broker.stop("-INT").0, Some(0));
}

#[test]
fn settings_by_kafkas_names_are_in_force() {
    let data = tempfile::tempdir().unwrap();
    let more = ["--log-level", "warn", "--set", "num.partitions=3", "--set", "log.index.interval.bytes=0"];
    let broker = Broker::start(data.path(), &more);
    let (code, _, errors) =
        run_with(&["append", "--server", &broker.address, "letters", "--partition", "2"], "x\n");
    assert_eq!(code, 0, "{errors}");
    let (code, _, errors) =
        run_with(&["append", "--server", &broker.address, "letters", "--partition", "3"], "x\n");
    assert!(
        code == 2 && errors.contains("topic letters has 3 partitions, numbered from 0: there is no 3"),
        "{errors}"
    );
    let (code, _, errors) = run_with(&["append", "--server", &broker.address, "no such name"], "x\n");
    assert!(code == 2 && errors.contains("INVALID_TOPIC_EXCEPTION"), "{errors}");
    assert_eq!(broker.stop("-TERM").0, Some(0));
    let more = ["--log-level", "warn", "--set", "auto.create.topics.enable=false"];
    let broker = Broker::start(data.path(), &more);
    assert_eq!(run_with(&["append", "--server", &broker.address, "letters"], "y\n").0, 0);
    assert_eq!(broker.stop("-TERM").0, Some(0));
}

#[test]
fn an_address_that_others_reach_needs_to_be_allowed() {
    let data = tempfile::tempdir().unwrap();
    let args = ["serve", "--data", arg(data.path()), "--listen", "0.0.0.0:0"];
    let output = ottla(&args).output().unwrap();
    let errors = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(2));
    assert!(errors.contains("--allow-remote"), "{errors}");
    let mut child = spawn(&[&args[..], &["--allow-remote"]].concat());
    let mut out = BufReader::new(child.stdout.take().unwrap());
    let mut line = String::new();
    out.read_line(&mut line).unwrap();
    let mut warned = BufReader::new(child.stderr.take().unwrap()).lines().map(Result::unwrap);
    assert!(warned.any(|line| line.contains("WARN") && line.contains("other machines can connect")));
    child.kill().unwrap();
    child.wait().unwrap();
}

#[test]
fn what_cannot_be_served_is_told() {
    let data = tempfile::tempdir().unwrap();
    let refused = |args: &[&str], says: &str| {
        let (code, _, errors) = run(&[&["serve", "--data", arg(data.path())], args].concat());
        assert!(code == 2 && errors.contains(says), "{args:?}: {errors}");
    };
    let taken = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let taken = taken.local_addr().unwrap().to_string();
    refused(&["--listen", &taken], "cannot listen on 127.0.0.1:");
    refused(&["--listen", "127.0.0.1:0", "--set", "num.partitions=0"], "num.partitions does not take");
    refused(&["--listen", "127.0.0.1:0", "--set", "num.wheels=4"], "there is no broker setting");
    refused(&["--listen", "127.0.0.1:0", "--set", "nonsense"], "give NAME=VALUE");
    refused(&["--listen", "127.0.0.1:0", "--log-level", "!!"], "is no log level");
    let (log, _) = ottla::Log::open(data.path().join("letters-0")).unwrap();
    refused(&["--listen", "127.0.0.1:0"], "is open elsewhere");
    log.close().unwrap();
}

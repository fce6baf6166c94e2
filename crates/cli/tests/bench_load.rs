//! `ottla bench load` from outside: what it prints, and how it ends.

#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, reason = "tests")]

use assert_cmd::Command;
use ottla_server::{Server, ServerConfig};
use tempfile::TempDir;

fn broker() -> (Server, TempDir) {
    let dir = tempfile::tempdir().unwrap();
    let config =
        ServerConfig { listen: "127.0.0.1:0".to_owned(), ..ServerConfig::new(dir.path().join("data")) };
    (Server::start(config).unwrap(), dir)
}

fn load(address: &str, args: &[&str]) -> Command {
    let mut command = Command::cargo_bin("ottla").unwrap();
    command.args(["bench", "load", "--bootstrap", address, "--topic", "bench", "--batch-bytes", "4k"]);
    command.args(["--record-bytes", "100", "--bytes", "100k", "--warm-up", "0s"]).args(args);
    command
}

#[test]
fn a_load_ends_with_its_figures_for_people_or_machines() {
    let (server, dir) = broker();
    let address = server.local_addr().to_string();
    let hgrm = dir.path().join("latency.hgrm");
    let table =
        load(&address, &["--create", "--partitions", "3", "--rate", "1000", "--hgrm"]).arg(&hgrm).assert();
    let table = String::from_utf8(table.success().get_output().stdout.clone()).unwrap();
    assert!(
        table.contains("1 producer, 1 consumer, 3 partitions") && table.contains("due to consumed"),
        "{table}"
    );
    assert!(table.contains("p99.99"), "{table}");
    for name in ["latency.hgrm", "latency.end-to-end.hgrm", "latency.late.hgrm"] {
        assert!(dir.path().join(name).exists(), "{name}");
    }
    let json = load(&address, &["--create", "--json", "-"]).assert().success();
    let json: serde_json::Value = serde_json::from_slice(&json.get_output().stdout).unwrap();
    assert_eq!(json["produced"]["batches"], 25);
    assert_eq!(json["consumed"]["batches"], 25);
    server.shutdown().unwrap();
}

#[test]
fn the_exit_code_tells_a_broker_that_refuses_from_one_that_is_not_there() {
    let (server, _dir) = broker();
    let address = server.local_addr().to_string();
    let refused = load(&address, &["--create", "--config", "max.message.bytes=1000"]).assert().code(1);
    let said = String::from_utf8(refused.get_output().stderr.clone()).unwrap();
    assert!(said.contains("bench-0: the broker refuses a batch with MESSAGE_TOO_LARGE"), "{said}");
    let missing = load(&address, &[]).assert().code(2);
    assert!(String::from_utf8_lossy(&missing.get_output().stderr).contains("--create makes it"));
    server.shutdown().unwrap();
    let gone = load(&address, &[]).assert().code(2);
    assert!(String::from_utf8_lossy(&gone.get_output().stderr).contains("cannot reach a broker"));
}

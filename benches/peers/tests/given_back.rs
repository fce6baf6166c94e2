//! Every log gives back what was appended, also after its process was killed.

use std::process::Command;

use serde_json::Value;

/// Logs that do not, and what they lose, so that it is noticed when they do.
const LOSERS: &[&str] = &[];

#[test]
fn every_log_gives_back_what_was_appended() {
    let json = std::path::Path::new(env!("CARGO_TARGET_TMPDIR")).join("samples.json");
    let run = Command::new(env!("CARGO_BIN_EXE_ottla-peers"))
        .args([
            "--mib",
            "24",
            "--rounds",
            "1",
            "--synced",
            "32",
            "--dir",
            env!("CARGO_TARGET_TMPDIR"),
            "--json",
        ])
        .arg(&json)
        .output()
        .unwrap();
    assert!(run.status.success(), "{}", String::from_utf8_lossy(&run.stderr));
    let document: Value = serde_json::from_slice(&std::fs::read(&json).unwrap()).unwrap();
    assert_eq!(document["failures"], Value::Array(Vec::new()));

    for log in document["logs"].as_array().unwrap() {
        for work in ["check", "check after kill"] {
            let of = |sample: &&Value| sample["peer"] == log["name"] && sample["work"] == work;
            let samples: Vec<_> = document["samples"].as_array().unwrap().iter().filter(of).collect();
            assert_eq!(samples.len(), 2, "{log} {work}");
            for metrics in samples.iter().map(|sample| &sample["metrics"]) {
                let whole = metrics["right"] == metrics["appended"] && metrics["wrong"] == 0.0;
                let loses = LOSERS.iter().any(|name| log["name"] == *name);
                assert_eq!(whole, !loses, "{} {work}: {metrics}", log["name"]);
            }
        }
    }
}

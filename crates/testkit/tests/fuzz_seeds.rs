//! Every seed of the fuzz targets runs through its target: the corpus is replayed wherever tests run.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::disallowed_methods,
    reason = "tests"
)]

use std::fs;
use std::path::{Path, PathBuf};

use ottla_protocol::{API_TABLE, ApiKey};
use ottla_testkit::fuzz::TARGETS;

fn seeds() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../fuzz/seeds")
}

#[test]
fn every_seed_passes_its_target() {
    for (name, target) in TARGETS {
        let dir = seeds().join(name);
        let mut replayed = 0;
        for seed in fs::read_dir(&dir).unwrap_or_else(|e| panic!("{}: {e}", dir.display())) {
            let path = seed.unwrap().path();
            let data = fs::read(&path).unwrap();
            println!("{}", path.display());
            target(&data);
            replayed += 1;
        }
        assert!(
            replayed >= 2,
            "{replayed} seeds of {name}; `cargo run -p ottla-testkit --example fuzz_seeds`"
        );
    }
}

#[test]
fn every_directory_of_seeds_has_a_target() {
    for entry in fs::read_dir(seeds()).unwrap() {
        let name = entry.unwrap().file_name();
        assert!(TARGETS.iter().any(|(target, _)| *target == name.to_str().unwrap()), "{name:?}");
    }
}

/// Random bytes seldom come upon another API by themselves.
#[test]
fn the_seeds_hold_the_first_and_the_last_version_of_every_request_and_response() {
    let read = |name: &str| -> Vec<Vec<u8>> {
        let entries = fs::read_dir(seeds().join(name)).unwrap();
        entries.map(|entry| fs::read(entry.unwrap().path()).unwrap()).collect()
    };
    let (requests, responses) = (read("request_frame"), read("response"));
    for api in API_TABLE {
        for version in [api.min_version, api.max_version] {
            let head = [api.key.code().to_be_bytes(), version.to_be_bytes()].concat();
            let name = api.key.name();
            assert!(requests.iter().any(|seed| seed.starts_with(&head)), "a request {name} v{version}");
            let number = ApiKey::ALL.iter().position(|key| *key == api.key).unwrap();
            let head = [number as u8, (version - api.min_version) as u8];
            assert!(responses.iter().any(|seed| seed.starts_with(&head)), "a response {name} v{version}");
        }
    }
}

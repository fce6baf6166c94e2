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

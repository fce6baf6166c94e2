use std::path::Path;

use ottla_tidy::Repo;

use crate::report;

/// Whoever clones the repository carries these for ever.
const MAX_FILE_BYTES: u64 = 1_300_000;
const MAX_FIXTURE_BYTES: u64 = 8_000_000;
const MAX_SEED_BYTES: u64 = 4096;

#[test]
fn fixtures_stay_small() {
    let mut files = Vec::new();
    collect(&Repo::here().path("crates/testkit/fixtures"), &mut files);
    let mut problems: Vec<String> = files
        .iter()
        .filter(|(_, size)| *size > MAX_FILE_BYTES)
        .map(|(path, size)| {
            format!("{path}: {size} bytes, {MAX_FILE_BYTES} is the most; a smaller one shows the same")
        })
        .collect();
    let total: u64 = files.iter().map(|(_, size)| size).sum();
    if total > MAX_FIXTURE_BYTES {
        problems.push(format!(
            "the fixtures hold {total} bytes, {MAX_FIXTURE_BYTES} is the most; remove what no test reads"
        ));
    }
    report(problems);
}

#[test]
fn seeds_stay_small() {
    let mut files = Vec::new();
    collect(&Repo::here().path("fuzz/seeds"), &mut files);
    assert!(
        !files.is_empty(),
        "fuzz/seeds is empty; `cargo run -p ottla-testkit --example fuzz_seeds` fills it"
    );
    let large = files.iter().filter(|(_, size)| *size > MAX_SEED_BYTES);
    report(
        large.map(|(path, size)| format!("{path}: {size} bytes; minimise it (`cargo fuzz tmin`)")).collect(),
    );
}

fn collect(dir: &Path, files: &mut Vec<(String, u64)>) {
    for entry in std::fs::read_dir(dir).into_iter().flatten() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            collect(&path, files);
        } else {
            files.push((path.display().to_string(), path.metadata().unwrap().len()));
        }
    }
}

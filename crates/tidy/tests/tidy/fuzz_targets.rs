use std::collections::BTreeSet;

use ottla_testkit::fuzz::TARGETS;
use ottla_tidy::Repo;

use crate::report;

fn names_in(repo: &Repo, dir: &str) -> BTreeSet<String> {
    let files = repo.rust(dir).into_iter().map(|file| file.path);
    let here = files.filter(|path| path.rsplit_once('/').is_some_and(|(parent, _)| parent == dir));
    here.map(|path| path.rsplit('/').next().unwrap().trim_end_matches(".rs").to_owned()).collect()
}

#[test]
fn every_fuzz_target_has_a_body_a_driver_seeds_and_a_line_in_the_docs() {
    let repo = Repo::here();
    let bodies: BTreeSet<String> = TARGETS.iter().map(|(name, _)| (*name).to_owned()).collect();
    let drivers = names_in(&repo, "fuzz/fuzz_targets");
    let manifest = repo.read("fuzz/Cargo.toml");
    let docs = repo.read("docs/TESTING.md");
    let mut problems = Vec::new();
    for name in bodies.union(&drivers) {
        let steps = [
            (bodies.contains(name), "add it to TARGETS in crates/testkit/src/fuzz/mod.rs"),
            (drivers.contains(name), "add fuzz/fuzz_targets/<name>.rs, as its neighbours are"),
            (manifest.contains(&format!("name = \"{name}\"")), "add a [[bin]] to fuzz/Cargo.toml"),
            (
                repo.path(&format!("fuzz/seeds/{name}")).is_dir(),
                "add seeds to crates/testkit/examples/fuzz_seeds.rs",
            ),
            (docs.contains(&format!("`{name}`")), "name it in docs/TESTING.md"),
        ];
        let missing = steps.into_iter().filter(|(done, _)| !done);
        problems.extend(missing.map(|(_, step)| format!("fuzz target {name}: {step}")));
    }
    report(problems);
}

#[test]
fn every_bench_is_built_and_has_a_line_in_the_docs() {
    let repo = Repo::here();
    let manifest = repo.read("benches/Cargo.toml");
    let docs = repo.read("docs/BENCHMARKS.md");
    let mut problems = Vec::new();
    for name in names_in(&repo, "benches").into_iter().filter(|name| name != "lib") {
        if !manifest.contains(&format!("name = \"{name}\"")) {
            problems.push(format!("benches/{name}.rs: add a [[bench]] to benches/Cargo.toml"));
        }
        if !docs.contains(&format!("`{name}`")) {
            problems.push(format!("benches/{name}.rs: name what it measures in docs/BENCHMARKS.md"));
        }
    }
    report(problems);
}

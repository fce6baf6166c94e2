use std::collections::BTreeMap;

use ottla_tidy::{Block, Repo, blocks, code_of, imports, reexports, without_tests};

use crate::report;

/// The fenced blocks ```` ```layers <crate> ```` of ARCHITECTURE.md are the rule: a module imports from
/// lines below its own, never from its own line or above.
#[test]
fn a_module_imports_only_from_below() {
    let repo = Repo::here();
    let layers = blocks(&repo.read("docs/ARCHITECTURE.md"), "layers");
    assert!(layers.len() >= 2, "docs/ARCHITECTURE.md must have the layers of crates/log and crates/server");
    report(layers.iter().flat_map(|block| check(&repo, block)).collect());
}

fn check(repo: &Repo, block: &Block) -> Vec<String> {
    let krate = block.info.trim_start_matches("layers").trim();
    let depth: BTreeMap<&str, usize> = block
        .lines
        .iter()
        .enumerate()
        .flat_map(|(depth, line)| line.split_whitespace().map(move |module| (module, depth)))
        .collect();
    let names = reexports(&code_of(&repo.read(&format!("{krate}/src/lib.rs"))));
    let mut problems = Vec::new();
    for file in repo.rust(&format!("{krate}/src")).iter().filter(|file| !file.path.contains("/tests/")) {
        let module = top_module(&file.path, krate);
        if module == "lib" {
            continue;
        }
        let Some(own) = depth.get(module) else {
            problems.push(format!(
                "{}: give `{module}` a place in `layers {krate}` of docs/ARCHITECTURE.md",
                file.path
            ));
            continue;
        };
        for import in imports(&without_tests(&code_of(&file.text)), &names) {
            match depth.get(import.as_str()) {
                _ if import == module => {}
                None => problems.push(format!("{}: `crate::{import}` is no module of `layers {krate}`", file.path)),
                Some(other) if other > own => {}
                Some(_) => problems.push(format!(
                    "{}: `{module}` must not import `{import}`, which stands beside or above it in docs/ARCHITECTURE.md; \
                     move what both need below them, or hand it in",
                    file.path
                )),
            }
        }
    }
    problems
}

fn top_module<'p>(path: &'p str, krate: &str) -> &'p str {
    let inside = path.trim_start_matches(krate).trim_start_matches("/src/");
    inside.split('/').next().unwrap_or(inside).trim_end_matches(".rs")
}

#[test]
fn crates_depend_only_as_the_design_says() {
    let allowed = [
        ("record", &[][..]),
        ("protocol", &[]),
        ("log", &["ottla-record"]),
        ("server", &["ottla", "ottla-protocol", "ottla-record"]),
        ("inspect", &["ottla", "ottla-record"]),
        ("bench", &["ottla-protocol", "ottla-record"]),
        ("cli", &["ottla", "ottla-bench", "ottla-inspect", "ottla-protocol", "ottla-record", "ottla-server"]),
    ];
    let repo = Repo::here();
    let mut problems = Vec::new();
    for (krate, allowed) in allowed {
        let manifest = repo.read(&format!("crates/{krate}/Cargo.toml"));
        for dependency in
            dependencies(&manifest).filter(|name| name.starts_with("ottla") && !allowed.contains(name))
        {
            problems.push(format!(
                "crates/{krate}/Cargo.toml: {dependency} is not among what {krate} may use: {allowed:?}"
            ));
        }
    }
    report(problems);
}

/// The names under `[dependencies]`.
fn dependencies(manifest: &str) -> impl Iterator<Item = &str> {
    let section = manifest.split("\n[dependencies]").nth(1).unwrap_or_default();
    let section = section.split("\n[").next().unwrap_or_default();
    section.lines().filter_map(|line| line.split(['.', ' ', '=']).next()).filter(|name| !name.is_empty())
}

use std::collections::BTreeSet;
use std::path::PathBuf;

use ottla_tidy::{Repo, reachable};

use crate::report;

#[test]
fn every_rust_file_belongs_to_a_crate() {
    let repo = Repo::here();
    let files = repo.rust("");
    let alive: BTreeSet<PathBuf> = files
        .iter()
        .filter(|file| is_root(&repo, &file.path))
        .flat_map(|file| reachable(&repo.path(&file.path)))
        .collect();
    let dead = files.iter().filter(|file| !alive.contains(&repo.path(&file.path)));
    report(
        dead.map(|file| format!("{}: no `mod` line leads here; add one, or delete the file", file.path))
            .collect(),
    );
}

/// Whether cargo builds this file by its place or by a `path` in the manifest.
fn is_root(repo: &Repo, path: &str) -> bool {
    let (dir, name) = path.rsplit_once('/').unwrap_or(("", path));
    let dir_name = dir.rsplit('/').next().unwrap_or(dir);
    let above = dir.rsplit_once('/').map_or("", |(above, _)| above.rsplit('/').next().unwrap_or(above));
    let by_place = match dir_name {
        "src" => name == "lib.rs" || name == "main.rs",
        "tests" | "examples" => true,
        _ => name == "main.rs" && above == "tests",
    };
    by_place || is_named_in_a_manifest(repo, dir, name)
}

fn is_named_in_a_manifest(repo: &Repo, dir: &str, name: &str) -> bool {
    [
        ("Cargo.toml", name.to_owned()),
        ("../Cargo.toml", format!("{}/{name}", dir.rsplit('/').next().unwrap_or(dir))),
    ]
    .into_iter()
    .any(|(manifest, path)| {
        let manifest = std::fs::read_to_string(repo.path(dir).join(manifest)).unwrap_or_default();
        manifest.contains(&format!("path = \"{path}\""))
    })
}

use std::collections::BTreeSet;

use ottla_tidy::{Block, PRODUCT, Repo, blocks};

use crate::report;

/// The blocks ```` ```tree <folder> ```` of ARCHITECTURE.md name every file, so that a newcomer finds any line.
#[test]
fn the_tree_in_the_docs_is_the_tree_on_disk() {
    let repo = Repo::here();
    let trees = blocks(&repo.read("docs/ARCHITECTURE.md"), "tree");
    let mut problems = Vec::new();
    for krate in PRODUCT {
        let folder = format!("{krate}/src");
        let Some(tree) = trees.iter().find(|tree| tree.info == format!("tree {folder}")) else {
            problems.push(format!("docs/ARCHITECTURE.md: add a block `tree {folder}`"));
            continue;
        };
        let documented = files_of(tree, &folder);
        let product = repo.product().into_iter().map(|file| file.path);
        let on_disk: BTreeSet<String> = product.filter(|path| path.starts_with(&folder)).collect();
        let missing = on_disk.difference(&documented);
        problems.extend(
            missing.map(|path| format!("{path}: give it a line in `tree {folder}` of docs/ARCHITECTURE.md")),
        );
        let stale = documented.difference(&on_disk);
        problems.extend(stale.map(|path| format!("docs/ARCHITECTURE.md: {path} is not there any more")));
    }
    report(problems);
}

/// Two spaces a level; a folder ends with `/`; what follows a name is its description.
fn files_of(tree: &Block, folder: &str) -> BTreeSet<String> {
    let mut found = BTreeSet::new();
    let mut open: Vec<&str> = Vec::new();
    for line in tree.lines.iter().filter(|line| !line.trim().is_empty()) {
        let level = (line.len() - line.trim_start().len()) / 2;
        let Some(name) = line.split_whitespace().next() else { continue };
        if name.ends_with('/') {
            open.truncate(level);
            open.push(name.trim_end_matches('/'));
        } else if name.ends_with(".rs") {
            let path: Vec<&str> =
                [folder].into_iter().chain(open.iter().take(level).copied()).chain([name]).collect();
            found.insert(path.join("/"));
        }
    }
    found
}

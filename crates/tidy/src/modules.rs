use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use crate::code::code_of;

/// The files that `root` reaches by its `mod` lines, itself included.
pub fn reachable(root: &Path) -> BTreeSet<PathBuf> {
    let mut found = BTreeSet::new();
    visit(root, true, &mut found);
    found
}

fn visit(file: &Path, is_root: bool, found: &mut BTreeSet<PathBuf>) {
    let Ok(text) = std::fs::read_to_string(file) else { return };
    if !found.insert(file.to_path_buf()) {
        return;
    }
    let dir = file.parent().expect("a file is in a directory");
    let owns_dir = is_root || file.ends_with("mod.rs");
    let stem = file.file_stem().expect("a file has a name");
    let children = if owns_dir { dir.to_path_buf() } else { dir.join(stem) };
    for name in mod_lines(&code_of(&text)) {
        visit(&children.join(format!("{name}.rs")), false, found);
        visit(&children.join(&name).join("mod.rs"), false, found);
    }
}

fn mod_lines(code: &str) -> Vec<String> {
    let mut names = Vec::new();
    for line in code.lines() {
        let line = line.trim();
        let line = line.strip_prefix("pub").map_or(line, |rest| {
            rest.trim_start_matches("(crate)").trim_start_matches("(super)").trim_start()
        });
        if let Some(name) = line.strip_prefix("mod ").and_then(|rest| rest.strip_suffix(';')) {
            names.push(name.trim().trim_start_matches("r#").to_owned());
        }
    }
    names
}

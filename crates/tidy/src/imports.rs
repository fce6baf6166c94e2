use std::collections::{BTreeMap, BTreeSet};

/// The top modules of its own crate that a file names after `crate::`, by their real names: a name that
/// `lib.rs` re-exports counts as the module it comes from.
pub fn imports(code: &str, reexports: &BTreeMap<String, String>) -> BTreeSet<String> {
    let mut found = BTreeSet::new();
    for (at, path) in code.match_indices("crate::") {
        if code[..at].ends_with(|c: char| c.is_alphanumeric() || c == '_' || c == '$') {
            continue;
        }
        for name in heads(&code[at + path.len()..]) {
            found.insert(reexports.get(&name).cloned().unwrap_or(name));
        }
    }
    found
}

/// The first names of a path or of a list of paths.
fn heads(after: &str) -> Vec<String> {
    let word = |text: &str| -> String {
        text.trim().chars().take_while(|c| c.is_alphanumeric() || *c == '_').collect()
    };
    let Some(list) = after.strip_prefix('{') else { return vec![word(after)] };
    let (mut names, mut depth, mut start) = (Vec::new(), 0, 0);
    for (at, c) in list.char_indices() {
        match c {
            '{' => depth += 1,
            '}' if depth > 0 => depth -= 1,
            ',' | '}' if depth == 0 => {
                names.push(word(&list[start..at]));
                start = at + 1;
                if c == '}' {
                    break;
                }
            }
            _ => {}
        }
    }
    names.retain(|name| !name.is_empty());
    names
}

/// What a `lib.rs` re-exports: each name and the module it comes from.
pub fn reexports(lib: &str) -> BTreeMap<String, String> {
    let mut found = BTreeMap::new();
    for (at, _) in lib.match_indices("pub use ") {
        let Some(path) = lib[at + 8..].split(';').next() else { continue };
        let Some((module, names)) = path.split_once("::") else { continue };
        for name in names.trim_matches(['{', '}']).split(',') {
            let name = name.rsplit("::").next().unwrap_or(name).trim();
            found.insert(name.to_owned(), module.trim().to_owned());
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_followed_through_lists_and_reexports() {
        let lib = reexports("pub use error::{Error, Result};\npub use a::b::C;");
        let code =
            "use crate::fs::{File, Os};\nuse crate::{Error, dir::{X, Y}, C};\ncrate::log::go(); $crate::no";
        let found: Vec<String> = imports(code, &lib).into_iter().collect();
        assert_eq!(found, ["a", "dir", "error", "fs", "log"]);
    }
}

use ottla_tidy::Repo;

use crate::report;

const DOCUMENT: &str = "docs/RECOVERY.md";

/// A claim about a crash is worth the test that shows it.
#[test]
fn every_row_about_recovery_names_tests_that_exist() {
    let repo = Repo::here();
    let document = repo.read(DOCUMENT);
    let mut problems = Vec::new();
    let mut in_a_table = false;
    for (number, line) in document.lines().enumerate() {
        let named: Vec<&str> =
            line.split('`').skip(1).step_by(2).filter(|name| name.contains(".rs::")).collect();
        let missing = named.iter().filter(|name| !exists(&repo, name));
        problems.extend(missing.map(|name| format!("{DOCUMENT}:{}: there is no test {name}", number + 1)));
        let is_rule = line.starts_with("| ---");
        if in_a_table && !is_rule && line.starts_with('|') && named.is_empty() {
            problems.push(format!("{DOCUMENT}:{}: name the test that shows it", number + 1));
        }
        in_a_table = line.starts_with('|') && (in_a_table || line.ends_with("| test |"));
    }
    assert!(document.contains("| test |"), "{DOCUMENT} has its tables");
    report(problems);
}

/// Whether `file.rs::test` names a test, below `crates/log/tests` or the repository.
fn exists(repo: &Repo, name: &str) -> bool {
    let Some((file, test)) = name.split_once("::") else { return false };
    let path = if file.starts_with("crates/") { file.to_owned() } else { format!("crates/log/tests/{file}") };
    let text = std::fs::read_to_string(repo.path(&path)).unwrap_or_default();
    let mut is_test = false;
    for line in text.lines().map(str::trim) {
        if line.starts_with(&format!("fn {test}(")) {
            return is_test;
        }
        // Attributes and comments may stand between.
        is_test = line == "#[test]" || (is_test && (line.starts_with('#') || line.starts_with("//")));
    }
    false
}

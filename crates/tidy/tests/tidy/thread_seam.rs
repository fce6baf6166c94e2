use ottla_tidy::{Repo, code_of, without_tests};

use crate::report;

/// What threads share in the engine comes from `crate::sync`, so that a test can choose the schedule. `Arc` and `Weak` may
/// come from anywhere.
#[test]
fn the_engine_takes_its_locks_and_atomics_from_the_seam() {
    const SEAM: &str = "crates/log/src/sync.rs";
    let mut problems = Vec::new();
    let files = Repo::here().rust("crates/log/src");
    for file in files.iter().filter(|file| file.path != SEAM && !file.path.contains("/tests/")) {
        let code = without_tests(&code_of(&file.text));
        let of_others = |line: &str| {
            let counted = ["Arc;", "Weak;", "{Arc, Weak};"]
                .iter()
                .any(|which| line == format!("use std::sync::{which}"));
            (line.contains("std::sync") && !counted)
                || line.contains("arc_swap")
                || line.contains("std::thread")
        };
        let lines = code.lines().enumerate().filter(|(_, line)| of_others(line.trim()));
        problems.extend(lines.map(|(number, line)| {
            format!(
                "{}:{}: {}: take it from `crate::sync`, which {SEAM} explains",
                file.path,
                number + 1,
                line.trim()
            )
        }));
    }
    report(problems);
}

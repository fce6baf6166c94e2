use ottla_tidy::{Repo, code_of, functions, without_tests};

use crate::report;

/// Ratchets: each is just above what there is today. Lower them when the longest gets shorter.
const LONGEST_FUNCTION_LINES: usize = 55;
const LONGEST_FILE_LINES: usize = 570;
/// Tables that happen to be functions: they are read down, not through.
const TABLES: &[(&str, &str)] =
    &[("crates/inspect/src/verify/kind.rs", "texts"), ("crates/server/src/handle/broker_configs.rs", "own")];

#[test]
fn no_function_is_longer_than_the_longest_was() {
    let mut problems = Vec::new();
    for file in Repo::here().product() {
        let code = without_tests(&code_of(&file.text));
        let is_table = |name: &str| TABLES.contains(&(file.path.as_str(), name));
        let long = functions(&code)
            .into_iter()
            .filter(|function| function.lines > LONGEST_FUNCTION_LINES && !is_table(&function.name));
        problems.extend(long.map(|function| {
            format!(
                "{}:{}: {} has {} lines, {LONGEST_FUNCTION_LINES} is the most; give its steps names of their own",
                file.path, function.line, function.name, function.lines
            )
        }));
    }
    report(problems);
}

#[test]
fn no_file_is_longer_than_the_longest_was() {
    let files = Repo::here().product();
    let long = files.iter().filter(|file| file.text.lines().count() > LONGEST_FILE_LINES);
    report(
        long.map(|file| {
            let lines = file.text.lines().count();
            format!(
                "{}: {lines} lines, {LONGEST_FILE_LINES} is the most; a file holds one idea, split it",
                file.path
            )
        })
        .collect(),
    );
}

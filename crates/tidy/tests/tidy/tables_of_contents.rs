use ottla_tidy::{Repo, code_of, functions};

use crate::report;

/// Files that hold logic although they should list modules. The list only gets shorter.
const NOT_YET: &[&str] = &[];

#[test]
fn lib_and_mod_files_list_modules_and_hold_no_logic() {
    let mut problems = Vec::new();
    for file in Repo::here().product() {
        if !(file.path.ends_with("/lib.rs") || file.path.ends_with("/mod.rs")) {
            continue;
        }
        let code = code_of(&file.text);
        let bodies = functions(&code).into_iter().filter(|function| !in_trait(&code, function.line)).count();
        let has_logic = bodies > 0 || code.lines().any(|line| line.starts_with("impl"));
        match (has_logic, NOT_YET.contains(&file.path.as_str())) {
            (true, false) => {
                problems.push(format!("{}: move the logic to a file that is named after it", file.path))
            }
            (false, true) => problems.push(format!("{}: take it off the list in {}", file.path, file!())),
            _ => {}
        }
    }
    report(problems);
}

/// Default methods belong to the contract that a trait states.
fn in_trait(code: &str, line: usize) -> bool {
    let before: Vec<&str> = code.lines().take(line - 1).collect();
    let opened =
        before.iter().rev().find(|line| !line.starts_with([' ', '}', ')']) && !line.trim().is_empty());
    opened.is_some_and(|line| line.contains("trait "))
}

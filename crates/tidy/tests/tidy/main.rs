//! The taste of this repository, one rule a file. A failure says what to do.
#![allow(
    clippy::disallowed_methods,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::unwrap_used,
    reason = "tests"
)]

mod changelog;
mod dead_files;
mod directions;
mod fixtures;
mod format_examples;
mod fuzz_targets;
mod limits_table;
mod long_functions;
mod protocol_table;
mod recovery_tests;
mod tables_of_contents;
mod thread_seam;
mod tree;
mod words;

/// Fails with everything that was found, one line each.
fn report(problems: Vec<String>) {
    assert!(problems.is_empty(), "\n\n{}\n", problems.join("\n"));
}

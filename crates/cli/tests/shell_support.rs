//! Completions and manual pages come from the commands themselves.

#![allow(
    clippy::disallowed_methods,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::unwrap_used,
    reason = "tests"
)]

mod common;

use common::run;

#[test]
fn every_shell_gets_completions_of_every_command() {
    for shell in ["bash", "zsh", "fish", "elvish", "powershell"] {
        let (code, script, _) = run(&["completions", shell]);
        assert_eq!(code, 0);
        for command in ["serve", "append", "read", "dump", "verify", "reindex", "explain"] {
            assert!(script.contains(command), "{shell} {command}");
        }
    }
}

#[test]
fn every_command_has_a_manual_page() {
    let (code, page, _) = run(&["man"]);
    assert!(code == 0 && page.contains(".TH ottla 1"), "{page}");
    for command in ["serve", "append", "read", "dump", "verify", "reindex", "explain"] {
        let (code, page, _) = run(&["man", command]);
        assert!(code == 0 && page.contains("Exit codes"), "{command}: {page}");
    }
    let (code, _, errors) = run(&["man", "nothing"]);
    assert!(code == 2 && errors.contains("there is no command \"nothing\""), "{errors}");
}

#[test]
fn the_exit_codes_stand_in_the_help() {
    let (code, help, _) = run(&["--help"]);
    assert!(code == 0 && help.contains("Exit codes:"), "{help}");
    assert!(run(&["--version"]).1.starts_with("ottla "));
    assert_eq!(run(&[]).0, 2);
    assert_eq!(run(&["read"]).0, 2);
}

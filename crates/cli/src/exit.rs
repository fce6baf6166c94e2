//! How a command ends: what the process returns, and how an error is told.

use std::io::{self, Write};
use std::process::ExitCode;

/// What the exit codes mean, as `--help` prints it.
pub const HELP: &str = "Exit codes:\n  0  done; nothing is wrong\n  1  the files hold damage, or not all was done: it was printed\n  2  nothing was done: wrong arguments, or the system refused";

/// What a command that ran to its end found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// Nothing wrong.
    Clean,
    /// Damage, which was printed.
    Findings,
}

/// The process's exit code for a command that ended so; an error is printed.
pub fn code(result: anyhow::Result<Outcome>) -> ExitCode {
    match result {
        Ok(Outcome::Clean) => ExitCode::SUCCESS,
        Ok(Outcome::Findings) => ExitCode::from(1),
        // Whoever read the output has enough, as in `ottla read … | head`.
        Err(error) if is_closed_pipe(&error) => ExitCode::SUCCESS,
        Err(error) => {
            say(&format!("ottla: {}", text_of(&error)));
            ExitCode::from(2)
        }
    }
}

/// Writes a line to standard error. Where that is closed, nobody wants to know.
pub fn say(line: &str) {
    let _ = writeln!(io::stderr(), "{line}");
}

/// The error with its causes, each said once: the engine's errors tell their cause themselves.
fn text_of(error: &anyhow::Error) -> String {
    let mut text = error.to_string();
    for cause in error.chain().skip(1).map(ToString::to_string) {
        if !text.contains(&cause) {
            text.push_str(": ");
            text.push_str(&cause);
        }
    }
    text
}

fn is_closed_pipe(error: &anyhow::Error) -> bool {
    let broken = |e: &io::Error| e.kind() == io::ErrorKind::BrokenPipe;
    error.chain().any(|cause| {
        cause.downcast_ref::<io::Error>().is_some_and(broken)
            || cause
                .downcast_ref::<serde_json::Error>()
                .is_some_and(|e| e.io_error_kind() == Some(io::ErrorKind::BrokenPipe))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cause_that_the_error_tells_itself_is_not_told_twice() {
        let source = io::Error::new(io::ErrorKind::NotFound, "gone");
        let error = anyhow::Error::from(ottla::Error::io("open", "f", source)).context("cannot read");
        assert_eq!(text_of(&error), "cannot read: open f: gone");
    }

    #[test]
    fn a_closed_pipe_is_no_failure() {
        let closed = anyhow::Error::from(io::Error::from(io::ErrorKind::BrokenPipe)).context("write");
        assert!(is_closed_pipe(&closed));
        assert!(!is_closed_pipe(&anyhow::Error::from(io::Error::from(io::ErrorKind::NotFound))));
    }
}

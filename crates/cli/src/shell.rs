//! `ottla completions` and `ottla man`: what a packager installs beside the binary.

use std::io::{self, Write};

use anyhow::Result;
use clap::{Args, Command};
use clap_complete::Shell;

use crate::exit::Outcome;

/// Print completions for a shell.
#[derive(Args, Debug)]
#[command(
    after_help = "Example:\n  ottla completions bash > ~/.local/share/bash-completion/completions/ottla"
)]
pub struct CompletionsArgs {
    /// The shell
    shell: Shell,
}

/// Print the manual page, of one command or of all.
#[derive(Args, Debug)]
#[command(after_help = "Examples:\n  ottla man | man -l -\n  ottla man read > ottla-read.1")]
pub struct ManArgs {
    /// The command; the page of `ottla` itself where not given
    command: Option<String>,
}

/// Prints completions of `ottla`.
///
/// # Errors
/// Where standard output takes nothing.
pub fn completions(args: &CompletionsArgs, mut ottla: Command) -> Result<Outcome> {
    let mut script = Vec::new();
    clap_complete::generate(args.shell, &mut ottla, "ottla", &mut script);
    io::stdout().lock().write_all(&script)?;
    Ok(Outcome::Clean)
}

/// Prints a manual page of `ottla`.
///
/// # Errors
/// Where there is no such command, or standard output takes nothing.
pub fn man(args: &ManArgs, mut ottla: Command) -> Result<Outcome> {
    ottla.build();
    let page = match &args.command {
        None => ottla,
        Some(name) => {
            let found = ottla.find_subcommand(name).cloned();
            let names = ottla.get_subcommands().map(Command::get_name).collect::<Vec<_>>().join(", ");
            found.ok_or_else(|| anyhow::anyhow!("there is no command {name:?}; there are {names}"))?
        }
    };
    clap_mangen::Man::new(page).render(&mut io::stdout().lock())?;
    Ok(Outcome::Clean)
}

//! `ottla`: the command line.
//!
//! `args` says what there is; each command is a module of its name, which reads its arguments, does its work
//! with what the crates below know, and prints. Two modules print nothing: `partition` is how the commands
//! that only look at a log see it, `verify` is the checking that `verify_command` prints.

mod args;
mod exit;

mod append;
mod dump;
mod explain;
mod read;
mod reindex;
mod serve;
mod shell;
mod verify_command;

mod partition;
mod verify;

mod progress;
mod read_only_fs;
mod text;
mod timestamp;

use std::process::ExitCode;

use clap::Parser;

use args::{Cli, Command};

fn main() -> ExitCode {
    let cli = Cli::parse();
    exit::code(match &cli.command {
        Command::Serve(args) => serve::run(args),
        Command::Append(args) => append::run(args),
        Command::Read(args) => read::run(args),
        Command::Dump(args) => dump::run(args),
        Command::Verify(args) => verify_command::run(args),
        Command::Reindex(args) => reindex::run(args),
        Command::Explain(args) => explain::run(args),
        Command::Completions(args) => shell::completions(args),
        Command::Man(args) => shell::man(args),
    })
}

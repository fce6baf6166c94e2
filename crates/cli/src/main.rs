//! `ottla`: the command line.

mod args;
mod dump;
mod exit;
mod explain;
mod partition;
mod progress;
mod read;
mod read_only_fs;
mod text;
mod timestamp;
mod verify;
mod verify_command;

use std::process::ExitCode;

use clap::Parser;

use args::{Cli, Command};

fn main() -> ExitCode {
    let cli = Cli::parse();
    exit::code(match &cli.command {
        Command::Read(args) => read::run(args),
        Command::Dump(args) => dump::run(args),
        Command::Verify(args) => verify_command::run(args),
        Command::Explain(args) => explain::run(args),
    })
}

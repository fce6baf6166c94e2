//! `ottla`: the command line.
//!
//! `args` says what there is; each command is a module of its name, which reads its arguments, does its work
//! with what the crates below know, and prints.

mod args;
mod exit;

mod append;
mod bench;
mod dump;
mod explain;
mod read;
mod reindex;
mod repair;
mod salvage;
mod serve;
mod shell;
mod stats;
mod verify;

mod progress;
mod text;
mod timestamp;

use std::process::ExitCode;

use clap::{CommandFactory, Parser};
use ottla_inspect::{partition, read_only_fs};

use args::{Cli, Command};

fn main() -> ExitCode {
    let cli = Cli::parse();
    exit::code(match &cli.command {
        Command::Serve(args) => serve::run(args),
        Command::Append(args) => append::run(args),
        Command::Read(args) => read::run(args),
        Command::Dump(args) => dump::run(args),
        Command::Verify(args) => verify::run(args),
        Command::Repair(args) => repair::run(args),
        Command::Salvage(args) => salvage::run(args),
        Command::Stats(args) => stats::run(args),
        Command::Reindex(args) => reindex::run(args),
        Command::Explain(args) => explain::run(args),
        Command::Bench(args) => bench::run(args),
        Command::Completions(args) => shell::completions(args, Cli::command()),
        Command::Man(args) => shell::man(args, Cli::command()),
    })
}

//! The commands and what they take.

use clap::{Parser, Subcommand};

use crate::{dump, exit, explain, read, verify_command};

/// The Kafka log as one small binary: serve it, write it, read it, check it.
#[derive(Debug, Parser)]
#[command(name = "ottla", version, after_help = exit::HELP, propagate_version = true)]
pub struct Cli {
    /// What to do
    #[command(subcommand)]
    pub command: Command,
}

/// What to do.
#[derive(Debug, Subcommand)]
pub enum Command {
    Read(read::ReadArgs),
    Dump(dump::DumpArgs),
    Verify(verify_command::VerifyArgs),
    Explain(explain::ExplainArgs),
}

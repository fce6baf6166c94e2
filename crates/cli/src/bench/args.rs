//! The two benches, and which of them runs.

use anyhow::Result;
use clap::{Args, Subcommand};

use super::{claims, load};
use crate::exit::Outcome;

const EXAMPLES: &str = "Examples:
  ottla bench claims --quick
  ottla bench load --bootstrap 127.0.0.1:9092 --topic bench --create --rate 1000

`ottla bench load --help` and `ottla bench claims --help` have more.";

/// Measure this machine, or a broker under load.
#[derive(Args, Debug)]
#[command(after_help = EXAMPLES)]
pub struct BenchArgs {
    #[command(subcommand)]
    command: BenchCommand,
}

#[derive(Debug, Subcommand)]
enum BenchCommand {
    Claims(claims::ClaimsArgs),
    Load(load::LoadArgs),
}

/// Runs the bench that was asked for.
///
/// # Errors
/// Where it cannot run to its end.
pub fn run(args: &BenchArgs) -> Result<Outcome> {
    match &args.command {
        BenchCommand::Claims(args) => claims::run(args),
        BenchCommand::Load(args) => load::run(args),
    }
}

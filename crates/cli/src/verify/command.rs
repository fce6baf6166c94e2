//! What `verify` takes, and its run.

use std::io::{self, BufWriter, Write};
use std::path::PathBuf;

use anyhow::Result;
use clap::Args;
use ottla_inspect::verify::{Options, verify};

use super::print;
use crate::exit::Outcome;
use crate::progress::Bar;

const EXAMPLES: &str = "Examples:
  ottla verify ottla-data
  ottla verify /var/lib/kafka/data/orders-3
  ottla verify ottla-data --json | jq '.findings[] | select(.harmless | not)'

Checks every batch (structure, checksum, offsets, records), and against the batches both indexes, the \
transaction index, producer snapshots, leader epochs and checkpoints. Nothing is created or changed, not \
even a lock file; the directory may be in use.
Exit codes: 0 clean; 1 there are findings; 2 could not run.";

/// Check everything in a partition directory or a data directory.
#[derive(Args, Debug)]
#[command(after_help = EXAMPLES)]
pub struct VerifyArgs {
    /// A partition directory, or a data directory with all in it
    dir: PathBuf,
    /// One JSON object: findings and a summary
    #[arg(long)]
    json: bool,
}

/// Runs the command.
///
/// # Errors
/// Where the directory cannot be read, or is neither of both.
pub fn run(args: &VerifyArgs) -> Result<Outcome> {
    let report = verify(&args.dir, &Options::default(), &mut Bar::new("checking"))?;
    let mut out = BufWriter::new(io::stdout().lock());
    if args.json {
        print::json(&mut out, &report)?
    } else {
        print::text(&mut out, &report)?
    }
    out.flush()?;
    Ok(if report.is_clean() { Outcome::Clean } else { Outcome::Findings })
}

//! What `stats` takes, and its run.

use std::io::{self, BufWriter, Write};
use std::path::PathBuf;

use anyhow::Result;
use clap::Args;
use ottla_inspect::stats::{Options, stats};

use super::{json, table};
use crate::exit::Outcome;
use crate::progress::Bar;

const EXAMPLES: &str = "Examples:
  ottla stats ottla-data/letters-0
  ottla stats /var/lib/kafka/data
  ottla stats ottla-data --json | jq '.[] | {partition, tombstones: .total.tombstones}'

Of a partition directory each segment is shown, of a data directory each partition; --json has both. Every record is \
read. Nothing is changed, and the directory may be in use.
Exit codes: 0 counted; 1 counted, but some bytes are damaged: see `ottla verify`; 2 could not run.";

/// Count what is in a partition directory or a data directory.
#[derive(Args, Debug)]
#[command(after_help = EXAMPLES)]
pub struct StatsArgs {
    /// A partition directory, or a data directory with all in it
    dir: PathBuf,
    /// One JSON array: partitions with their segments
    #[arg(long)]
    json: bool,
}

/// Runs the command.
///
/// # Errors
/// Where the directory cannot be read, or is none of a log.
pub fn run(args: &StatsArgs) -> Result<Outcome> {
    let found = stats(&args.dir, &Options::default(), &mut Bar::new("counting"))?;
    let mut out = BufWriter::new(io::stdout().lock());
    if args.json {
        writeln!(out, "{}", json::of(&found))?;
    } else {
        table::print(&mut out, &found)?;
    }
    out.flush()?;
    let is_damaged = found
        .iter()
        .any(|partition| partition.total.damaged_bytes > 0 || partition.total.unreadable_batches > 0);
    Ok(if is_damaged { Outcome::Findings } else { Outcome::Clean })
}

//! What `dump` takes, and its run over the files.

use std::io::{self, BufWriter};
use std::path::PathBuf;

use anyhow::Result;
use clap::Args;

use super::file::dump;
use super::printer::{Depth, Printer};
use crate::exit::{Outcome, say};
use crate::read_only_fs::ReadOnlyFs;

const EXAMPLES: &str = "Examples:
  ottla dump ottla-data/letters-0/00000000000000000000.log
  ottla dump --print-data ottla-data/letters-0/*.log | less
  ottla dump ottla-data/letters-0/*.index ottla-data/*-checkpoint ottla-data/meta.properties
  ottla dump --json ottla-data/letters-0/00000000000000000000.timeindex | jq .offset

Knows .log .index .timeindex .txnindex .snapshot .checkpoint, the checkpoints of a data directory, \
leader-epoch-checkpoint, partition.metadata, meta.properties, .kafka_cleanshutdown, quorum-state; also \
with the suffixes .deleted .cleaned .swap.
Exit codes: 0 all of it was shown; 1 a file is damaged: what can be read of it was shown; 2 could not read.";

/// Show what files hold.
#[derive(Args, Debug)]
#[command(after_help = EXAMPLES)]
pub struct DumpArgs {
    /// The files
    #[arg(required = true, value_name = "FILE")]
    files: Vec<PathBuf>,
    /// Of a .log file, show the records too, without keys and values
    #[arg(long)]
    records: bool,
    /// Of a .log file, show the records with keys and values
    #[arg(long)]
    print_data: bool,
    /// One JSON object a line
    #[arg(long)]
    json: bool,
}

/// Runs the command.
///
/// # Errors
/// Where a file cannot be read, or is of no kind that is known.
pub fn run(args: &DumpArgs) -> Result<Outcome> {
    let depth = match (args.print_data, args.records) {
        (true, _) => Depth::Data,
        (false, true) => Depth::Records,
        (false, false) => Depth::Batches,
    };
    let mut out = BufWriter::with_capacity(64 << 10, io::stdout().lock());
    let mut printer = Printer { out: &mut out, json: args.json };
    let mut damaged = false;
    for file in &args.files {
        let found = dump(&ReadOnlyFs, file, depth, &mut printer)?;
        printer.out.flush()?;
        if let Some(damage) = found {
            say(&format!("ottla: {damage}"));
            damaged = true;
        }
    }
    Ok(if damaged { Outcome::Findings } else { Outcome::Clean })
}

//! What `explain` takes, and its run.

use std::io::{self, BufWriter, Write};
use std::path::PathBuf;

use anyhow::Result;
use clap::Args;
use ottla::Offset;

use super::{story, trace};
use crate::exit::{Outcome, say};
use crate::partition::PartitionDir;
use crate::read_only_fs::ReadOnlyFs;

const EXAMPLES: &str = "Examples:
  ottla explain ottla-data/letters-0 1560140922

The steps are those of every read: the segment by its file name, the offset relative to it, the binary \
search in the sparse index, and the walk over batch headers from there. Nothing is changed.
Exit codes: 0 the record was found, or was compacted away; 1 damage stands in the way; 2 could not read.";

/// Show step by step how an offset is found.
#[derive(Args, Debug)]
#[command(after_help = EXAMPLES)]
pub struct ExplainArgs {
    /// The partition directory, such as ottla-data/letters-0
    dir: PathBuf,
    /// The offset to look for
    #[arg(value_parser = parse_offset)]
    offset: Offset,
}

fn parse_offset(text: &str) -> Result<Offset, String> {
    match text.parse() {
        Ok(offset @ 0..) => Ok(Offset::new(offset)),
        Ok(_) => Err("an offset is never negative".to_owned()),
        Err(_) => Err("an offset is a whole number".to_owned()),
    }
}

/// Runs the command.
///
/// # Errors
/// Where the directory cannot be read, or does not reach to the offset.
pub fn run(args: &ExplainArgs) -> Result<Outcome> {
    let fs = ReadOnlyFs;
    let dir = PartitionDir::open(&fs, &args.dir)?;
    let trace = trace::trace(&fs, &dir, args.offset)?;
    let mut out = BufWriter::new(io::stdout().lock());
    story::write(&mut out, &dir, &trace)?;
    out.flush()?;
    Ok(match trace.damage {
        None => Outcome::Clean,
        Some(damage) => {
            say(&format!("ottla: {damage}"));
            Outcome::Findings
        }
    })
}

//! What `read` takes, and where it begins.

use std::io::{self, BufWriter, Write};
use std::path::PathBuf;

use anyhow::Result;
use clap::{Args, ValueEnum};
use ottla::Offset;

use super::format::Format;
use super::print::{Printer, SETTLING_LOOKS, copy};
use super::reader::Reader;
use super::start::{self, From};
use crate::exit::{Outcome, say};
use crate::partition::PartitionDir;
use crate::read_only_fs::ReadOnlyFs;

const EXAMPLES: &str = "Examples:
  ottla read ottla-data/letters-0
  ottla read ottla-data/letters-0 --from 2026-11-21T06:00:00Z --max 10
  ottla read ottla-data/letters-0 --from latest --follow --format raw
  ottla read ottla-data/orders-3 --isolation committed --format jsonl | jq .offset

Nothing is created or changed, not even a lock file; the directory may be in use.
Exit codes: 0 read to a clean end; 1 what is whole was printed, then damage met; 2 could not read.";

/// Print the records of a partition.
#[derive(Args, Debug)]
#[command(after_help = EXAMPLES)]
pub struct ReadArgs {
    /// The partition directory, such as ottla-data/letters-0
    dir: PathBuf,
    /// Where to begin: an offset, `earliest`, `latest`, or a time (RFC 3339, or @ and milliseconds since 1970)
    #[arg(long, default_value = "earliest", value_name = "OFFSET|TIME|earliest|latest")]
    from: From,
    /// Wait for more at the end of the log
    #[arg(long, short)]
    follow: bool,
    /// Stop after this many records
    #[arg(long, value_name = "N")]
    max: Option<u64>,
    /// Whether records of transactions that are open or aborted are shown
    #[arg(long, default_value = "uncommitted", value_enum)]
    isolation: Isolation,
    /// text: offset, time, key, value, headers; jsonl: one JSON object a record, base64; raw: the value alone
    #[arg(long, default_value = "text", value_enum)]
    format: Format,
}

/// Which records are shown, by Kafka's names or their short forms.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Isolation {
    /// Only those of no transaction, or of a committed one
    #[value(alias = "read_committed")]
    Committed,
    /// All
    #[value(alias = "read_uncommitted")]
    Uncommitted,
}

/// Runs the command.
///
/// # Errors
/// Where the directory cannot be read, or does not hold the offset.
pub fn run(args: &ReadArgs) -> Result<Outcome> {
    let fs = ReadOnlyFs;
    let (mut reader, from) = begin(&fs, args)?;
    let mut printer = Printer {
        out: BufWriter::with_capacity(64 << 10, io::stdout().lock()),
        format: args.format,
        from,
        left: args.max.unwrap_or(u64::MAX),
    };
    let damage = copy(&mut reader, &mut printer, args.follow)?;
    printer.out.flush()?;
    Ok(match damage {
        None => Outcome::Clean,
        Some(damage) => {
            say(&format!("ottla: {damage}"));
            Outcome::Findings
        }
    })
}

/// Finds the place. Retention may take a segment away between the look at the directory and at the segment;
/// then the directory is looked at again.
fn begin<'f>(fs: &'f ReadOnlyFs, args: &ReadArgs) -> Result<(Reader<'f>, Offset)> {
    let mut looks = 0;
    loop {
        let dir = PartitionDir::open(fs, &args.dir)?;
        let committed = args.isolation == Isolation::Committed;
        let begun = start::resolve(fs, &dir, args.from, committed).and_then(|from| {
            let reader = match args.isolation {
                Isolation::Uncommitted => Reader::uncommitted(fs, &dir, from)?,
                Isolation::Committed => Reader::committed(fs, &dir, from)?,
            };
            Ok((reader, from))
        });
        if begun.is_ok()
            || looks == SETTLING_LOOKS
            || PartitionDir::open(fs, &args.dir)?.segments == dir.segments
        {
            return begun;
        }
        looks += 1;
    }
}

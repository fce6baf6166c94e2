//! `ottla dump`: what a file holds, in the lines of Kafka's `DumpLogSegments`.

mod batches;
mod files;
mod indexes;
mod kind;
mod metadata;
mod producers;
mod record;

use std::io::{self, BufWriter, Write};
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};
use clap::Args;
use ottla::fs::FileSystem;
use serde::Serialize;

use crate::exit::{Outcome, say};
use crate::read_only_fs::ReadOnlyFs;
use kind::Kind;

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

/// How much of the records is shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Depth {
    Batches,
    Records,
    Data,
}

/// Where entries are printed, and in which form.
struct Printer<'w> {
    out: &'w mut dyn Write,
    json: bool,
}

impl Printer<'_> {
    /// Prints one entry: the object to machines, the text to people.
    fn entry(&mut self, json: &impl Serialize, text: impl FnOnce() -> String) -> Result<()> {
        if self.json {
            serde_json::to_writer(&mut *self.out, json)?;
            self.out.write_all(b"\n")?;
            return Ok(());
        }
        self.title(&text())
    }

    /// Prints a line that only people need.
    fn title(&mut self, text: &str) -> Result<()> {
        if !self.json {
            writeln!(self.out, "{text}")?;
        }
        Ok(())
    }
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

/// Shows one file, and tells what is wrong with it.
fn dump(fs: &dyn FileSystem, path: &Path, depth: Depth, printer: &mut Printer<'_>) -> Result<Option<String>> {
    let name = path.file_name().and_then(|name| name.to_str()).unwrap_or_default();
    let metadata = fs.metadata(path).with_context(|| format!("cannot look at {}", path.display()))?;
    if metadata.is_dir {
        bail!(
            "{0} is a directory: give files in it, as in `ottla dump {0}/*.log`, or use `ottla verify`",
            path.display()
        );
    }
    let Some(kind) = Kind::of(name) else {
        bail!(
            "{} has a name that says nothing about what it holds; `ottla dump --help` lists the kinds",
            path.display()
        );
    };
    printer.title(&format!("Dumping {}", path.display()))?;
    match kind {
        Kind::Log(base_offset) => {
            printer.title(&format!("Log starting offset: {base_offset}"))?;
            batches::dump(fs, path, depth, printer)
        }
        Kind::Snapshot { end_offset, epoch } => {
            printer.title(&format!("Snapshot end offset: {end_offset}, epoch: {epoch}"))?;
            batches::dump(fs, path, depth, printer)
        }
        Kind::Bootstrap => {
            printer.title("KRaft bootstrap snapshot")?;
            let damage = batches::dump(fs, path, depth, printer)?;
            Ok(damage.or(metadata::dump(fs, path, printer)?))
        }
        Kind::Index(base_offset) => indexes::dump_offsets(fs, path, base_offset, printer),
        Kind::TimeIndex(base_offset) => indexes::dump_times(fs, path, base_offset, printer),
        Kind::TxnIndex(base_offset) => producers::dump_txn_index(path, base_offset, printer),
        Kind::Producers => producers::dump_snapshot(fs, path, printer),
        Kind::Small(file) => files::dump(fs, path, file, printer),
    }
}

/// An error that says what is wrong with a file is shown as damage; others end the command.
fn damage_in<T>(result: ottla::Result<T>) -> Result<std::result::Result<T, String>> {
    match result {
        Ok(value) => Ok(Ok(value)),
        Err(ottla::Error::Corrupt(corruption)) => Ok(Err(corruption.to_string())),
        Err(error) => Err(error.into()),
    }
}

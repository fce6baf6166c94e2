//! `ottla verify`: everything in a partition or data directory, checked against itself.

mod print;

use std::io::{self, BufWriter, Write};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use anyhow::{Result, bail};
use clap::Args;
use ottla::fs::FileSystem;

use crate::exit::Outcome;
use crate::partition::{PartitionDir, name_of};
use crate::progress;
use crate::read_only_fs::ReadOnlyFs;
use crate::verify::{self, Recovery, Report};

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
    let fs: Arc<dyn FileSystem> = Arc::new(ReadOnlyFs);
    let report = check(&fs, &args.dir)?;
    let mut out = BufWriter::new(io::stdout().lock());
    if args.json {
        print::json(&mut out, &report)?
    } else {
        print::text(&mut out, &report)?
    }
    out.flush()?;
    Ok(if report.findings.is_empty() { Outcome::Clean } else { Outcome::Findings })
}

fn check(fs: &Arc<dyn FileSystem>, dir: &Path) -> Result<Report> {
    let mut report = Report::default();
    if PartitionDir::is_one(&**fs, dir)? {
        let bar = progress::bytes(PartitionDir::open(&**fs, dir)?.size_bytes(&**fs), "checking");
        let recovery = match name_of(dir) {
            Ok((partition, data_dir)) => Recovery::of(&**fs, &data_dir, &partition),
            // A copy under another name belongs to no data directory.
            Err(_) => Recovery::default(),
        };
        verify::check_partition(fs, dir, recovery, &|bytes| bar.inc(bytes), &mut report)?;
        bar.finish_and_clear();
    } else if verify::is_data_dir(&**fs, dir)? {
        let bar = progress::bytes(verify::size_of(&**fs, dir), "checking");
        verify::check_data_dir(fs, dir, &|bytes| bar.inc(bytes), &mut report)?;
        bar.finish_and_clear();
    } else {
        bail!(
            "{} is no partition directory (no file such as 00000000000000000000.log in it) and no data directory (no directory such as letters-0)",
            dir.display()
        );
    }
    Ok(report)
}

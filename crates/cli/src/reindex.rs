//! `ottla reindex`: both indexes of every segment, anew from the log.

use std::io::{self, Write};
use std::path::PathBuf;

use anyhow::Result;
use clap::Args;
use ottla_inspect::reindex::{Options, reindex};

use crate::exit::{Outcome, say};
use crate::progress::Bar;

const EXAMPLES: &str = "Examples:
  ottla reindex ottla-data/letters-0
  ottla reindex --dry-run /var/lib/kafka/data

The .index and .timeindex files become what Kafka would have written; those that are so already are not \
touched. No other process may have the data directory open. What is not a log's index is left alone.
Exit codes: 0 done; 1 done, but a log holds bytes that are no whole batch; 2 could not run.";

/// Make the indexes of a partition, or of all in a data directory, anew from the log.
#[derive(Args, Debug)]
#[command(after_help = EXAMPLES)]
pub struct ReindexArgs {
    /// A partition directory, or a data directory
    dir: PathBuf,
    /// Bytes between two entries; the topic's own setting, or Kafka's default, where not given
    #[arg(long, value_name = "BYTES", value_parser = clap::value_parser!(u32).range(0..=i64::from(i32::MAX)))]
    index_interval_bytes: Option<u32>,
    /// Say what would change, and change nothing
    #[arg(long)]
    dry_run: bool,
}

/// Runs the command.
///
/// # Errors
/// Where the directory is locked, is no directory of a log, or the system refuses.
pub fn run(args: &ReindexArgs) -> Result<Outcome> {
    let options = Options { index_interval_bytes: args.index_interval_bytes, dry_run: args.dry_run };
    let mut changed = Vec::new();
    let done = reindex(&args.dir, &options, &mut Bar::new("indexing"), &mut |written| changed.push(written));
    let mut out = io::stdout().lock();
    for file in &changed {
        writeln!(out, "{}: {} entries; {}", file.path.display(), file.entries, file.was)?;
    }
    let done = done?;
    for damage in &done.damaged {
        say(&format!(
            "ottla: {} holds bytes that are no whole batch: {}; the indexes pass over them; see `ottla verify`",
            damage.path.display(),
            damage.what
        ));
    }
    let (written, unchanged) = (done.written, done.files - done.written);
    let verb = if args.dry_run { "would be written" } else { "written" };
    writeln!(out, "{written} index files {verb}, {unchanged} were right already")?;
    Ok(if done.damaged.is_empty() { Outcome::Clean } else { Outcome::Findings })
}

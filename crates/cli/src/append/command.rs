//! What `append` takes, and its run from the first line to the last.

use std::io::{self, IsTerminal};
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use anyhow::{Context, Result};
use clap::Args;
use ottla_record::Compression;
use signal_hook::consts::{SIGINT, SIGTERM};

use super::deliver::append_all;
use super::local::Local;
use super::remote::Remote;
use super::sink::Sink;
use super::tally::Tally;
use crate::exit::{Outcome, say};

const EXAMPLES: &str = "Examples:
  git log --oneline | ottla append ottla-data/commits-0
  ottla append ottla-data/letters-0 --key-separator : --compression zstd --sync < letters.txt
  tail -f app.log | ottla append --server 127.0.0.1:9092 logs

Lines are bytes: they need not be text. The directory is made where there is none, and is closed when the \
input ends, or at Ctrl-C. With --server the topic is made where the broker makes topics by itself.
Exit codes: 0 all was appended; 1 some was, and it was said how much; 2 nothing was.";

/// Append lines from standard input to a partition, or send them to a broker.
#[derive(Args, Debug)]
#[command(after_help = EXAMPLES)]
pub struct AppendArgs {
    /// A partition directory, such as ottla-data/letters-0; with --server, a topic
    #[arg(value_name = "DIR|TOPIC")]
    target: String,
    /// Send to this broker in place of a directory
    #[arg(long, value_name = "HOST:PORT")]
    server: Option<String>,
    /// The partition of the topic
    #[arg(long, requires = "server", default_value_t = 0, value_name = "N", value_parser = clap::value_parser!(i32).range(0..))]
    partition: i32,
    /// Each line is a key, this text, and a value
    #[arg(long, value_name = "TEXT", value_parser = clap::builder::NonEmptyStringValueParser::new())]
    pub(super) key_separator: Option<String>,
    /// How batches are compressed: none, gzip, snappy, lz4 or zstd
    #[arg(long, default_value = "none", value_name = "CODEC")]
    pub(super) compression: Compression,
    /// Wait after each batch until it is on disk; else the disk has it once all is appended
    #[arg(long, conflicts_with = "server")]
    sync: bool,
    /// A batch is full at this many bytes, before compression
    #[arg(long, default_value_t = 16384, value_name = "BYTES")]
    pub(super) batch_bytes: usize,
    /// A batch that is not full waits so long for more lines
    #[arg(long, default_value_t = 50, value_name = "MS")]
    pub(super) linger_ms: u64,
    /// Print the outcome as a JSON object
    #[arg(long)]
    json: bool,
}

/// Runs the command.
///
/// # Errors
/// Where nothing was appended.
pub fn run(args: &AppendArgs) -> Result<Outcome> {
    let mut sink: Box<dyn Sink> = match &args.server {
        None => Box::new(Local::open(Path::new(&args.target), args.sync)?),
        Some(server) => Box::new(Remote::connect(server, &args.target, args.partition)?),
    };
    let name = sink.name();
    let stop = stop_flag().context("cannot listen to signals")?;
    if io::stdin().is_terminal() {
        say("Type lines; Ctrl-D ends them.");
    }
    let mut tally = Tally::default();
    let appended = append_all(args, &mut *sink, &stop, &mut tally);
    let finished = appended.and_then(|()| sink.finish());
    tally.print(args.json, &name)?;
    match finished {
        Ok(()) => Ok(Outcome::Clean),
        Err(error) if tally.records == 0 => Err(error),
        Err(error) => {
            say(&format!("ottla: {error:#}"));
            Ok(Outcome::Findings)
        }
    }
}

/// Is set by the first Ctrl-C or request to end; the second ends the process at once.
fn stop_flag() -> io::Result<Arc<AtomicBool>> {
    let stop = Arc::new(AtomicBool::new(false));
    for signal in [SIGINT, SIGTERM] {
        signal_hook::flag::register_conditional_shutdown(signal, 1, Arc::clone(&stop))?;
        signal_hook::flag::register(signal, Arc::clone(&stop))?;
    }
    Ok(stop)
}

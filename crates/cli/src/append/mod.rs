//! `ottla append`: lines from standard input become records.

mod batcher;
mod input;
mod local;
mod remote;

use std::io::{self, IsTerminal, Write};
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::RecvTimeoutError;
use std::time::Duration;

use anyhow::{Context, Result};
use clap::Args;
use indicatif::ProgressBar;
use ottla::{Clock, Offset, SystemClock};
use ottla_record::Compression;
use signal_hook::consts::{SIGINT, SIGTERM};

use crate::exit::{Outcome, say};
use crate::progress;
use crate::text::counted;
use batcher::{Batch, Batcher};
use input::{Input, Line};

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
    key_separator: Option<String>,
    /// How batches are compressed: none, gzip, snappy, lz4 or zstd
    #[arg(long, default_value = "none", value_name = "CODEC")]
    compression: Compression,
    /// Wait after each batch until it is on disk; else the disk has it once all is appended
    #[arg(long, conflicts_with = "server")]
    sync: bool,
    /// A batch is full at this many bytes, before compression
    #[arg(long, default_value_t = 16384, value_name = "BYTES")]
    batch_bytes: usize,
    /// A batch that is not full waits so long for more lines
    #[arg(long, default_value_t = 50, value_name = "MS")]
    linger_ms: u64,
    /// Print the outcome as a JSON object
    #[arg(long)]
    json: bool,
}

/// How often the wish to stop is looked at while no line comes.
const STOP_INTERVAL: Duration = Duration::from_millis(100);

/// Where batches go.
trait Sink {
    /// Appends one batch; returns its first and last offset.
    fn append(&mut self, batch: Batch) -> Result<(Offset, Offset)>;

    /// Everything was appended.
    fn finish(self: Box<Self>) -> Result<()>;

    /// What was appended to.
    fn name(&self) -> String;
}

/// What was appended.
#[derive(Clone, Copy, Debug, Default)]
struct Tally {
    records: u64,
    batches: u64,
    offsets: Option<(Offset, Offset)>,
}

/// Runs the command.
///
/// # Errors
/// Where nothing was appended.
pub fn run(args: &AppendArgs) -> Result<Outcome> {
    let mut sink: Box<dyn Sink> = match &args.server {
        None => Box::new(local::Local::open(Path::new(&args.target), args.sync)?),
        Some(server) => Box::new(remote::Remote::connect(server, &args.target, args.partition)?),
    };
    let name = sink.name();
    let stop = stop_flag().context("cannot listen to signals")?;
    if io::stdin().is_terminal() {
        say("Type lines; Ctrl-D ends them.");
    }
    let mut tally = Tally::default();
    let appended = append_all(args, &mut *sink, &stop, &mut tally);
    let finished = appended.and_then(|()| sink.finish());
    print(args.json, &name, &tally)?;
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

fn append_all(args: &AppendArgs, sink: &mut dyn Sink, stop: &AtomicBool, tally: &mut Tally) -> Result<()> {
    let mut work = Work {
        args,
        sink,
        tally,
        clock: SystemClock::new(),
        batcher: Batcher::new(args.compression, args.batch_bytes),
        batch_since: None,
        lines: 0,
        bar: progress::records("appending"),
    };
    let outcome = work.take_lines(&Input::start(io::stdin())?, stop);
    // What came before a line that cannot be taken is appended.
    let rest = work.deliver();
    work.bar.finish_and_clear();
    outcome.and(rest)
}

/// Lines on their way into batches, and batches on their way out.
struct Work<'a> {
    args: &'a AppendArgs,
    sink: &'a mut dyn Sink,
    tally: &'a mut Tally,
    clock: SystemClock,
    batcher: Batcher,
    /// When the first record of the batch came; `None` while there is none.
    batch_since: Option<Duration>,
    lines: u64,
    bar: ProgressBar,
}

impl Work<'_> {
    /// Takes lines until there are no more, or until it is told to stop.
    fn take_lines(&mut self, input: &Input, stop: &AtomicBool) -> Result<()> {
        while !stop.load(Ordering::Relaxed) {
            match input.next(self.time_left()) {
                Ok(Line::Line(line)) => {
                    self.lines += 1;
                    self.take(&line)?;
                }
                Ok(Line::Failed(error)) => return Err(error).context("cannot read standard input"),
                Err(RecvTimeoutError::Timeout) => {}
                Err(RecvTimeoutError::Disconnected) => return Ok(()),
            }
            if self.time_left().is_zero() {
                self.deliver()?;
            }
        }
        Ok(())
    }

    /// How long the batch may still wait for lines; without one, how long until somebody may want to stop.
    fn time_left(&self) -> Duration {
        match self.batch_since {
            None => STOP_INTERVAL,
            Some(since) => {
                let linger = Duration::from_millis(self.args.linger_ms);
                linger.saturating_sub(self.clock.monotonic().saturating_sub(since)).min(STOP_INTERVAL)
            }
        }
    }

    fn take(&mut self, line: &[u8]) -> Result<()> {
        let (key, value) = split(line, self.args.key_separator.as_deref())
            .with_context(|| format!("line {}", self.lines))?;
        if !self.batcher.has_room_for(key, value) {
            self.deliver()?;
        }
        self.batcher.push(self.clock.now_ms(), key, value)?;
        self.batch_since.get_or_insert_with(|| self.clock.monotonic());
        Ok(())
    }

    /// Appends the batch so far.
    fn deliver(&mut self) -> Result<()> {
        self.batch_since = None;
        let Some(batch) = self.batcher.take()? else { return Ok(()) };
        let records = batch.records;
        let (first, last) = self.sink.append(batch)?;
        self.tally.records += records;
        self.tally.batches += 1;
        self.tally.offsets = Some((self.tally.offsets.map_or(first, |(earliest, _)| earliest), last));
        self.bar.set_position(self.tally.records);
        Ok(())
    }
}

fn split<'a>(line: &'a [u8], separator: Option<&str>) -> Result<(Option<&'a [u8]>, &'a [u8])> {
    let Some(separator) = separator.map(str::as_bytes) else { return Ok((None, line)) };
    let at = line.windows(separator.len()).position(|window| window == separator);
    let at = at.context("there is no key separator in it, so it and what follows was not appended")?;
    let (key, rest) = line.split_at(at);
    Ok((Some(key), rest.get(separator.len()..).unwrap_or_default()))
}

fn print(as_json: bool, name: &str, tally: &Tally) -> Result<()> {
    let mut out = io::stdout().lock();
    if as_json {
        let json = serde_json::json!({
            "records": tally.records,
            "batches": tally.batches,
            "first_offset": tally.offsets.map(|(first, _)| first.get()),
            "last_offset": tally.offsets.map(|(_, last)| last.get()),
        });
        return Ok(writeln!(out, "{json}")?);
    }
    match tally.offsets {
        None => writeln!(out, "Appended nothing to {name}")?,
        Some((first, last)) => writeln!(
            out,
            "Appended {} in {} to {name}, offsets {first} to {last}",
            counted(tally.records, "record", "records"),
            counted(tally.batches, "batch", "batches")
        )?,
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_is_split_at_the_first_separator() {
        assert_eq!(split(b"a:b:c", None).unwrap(), (None, &b"a:b:c"[..]));
        assert_eq!(split(b"a:b:c", Some(":")).unwrap(), (Some(&b"a"[..]), &b"b:c"[..]));
        assert_eq!(split(b"a => ", Some(" => ")).unwrap(), (Some(&b"a"[..]), &b""[..]));
        assert_eq!(split(b":", Some(":")).unwrap(), (Some(&b""[..]), &b""[..]));
        assert!(split(b"abc", Some(":")).is_err());
    }
}

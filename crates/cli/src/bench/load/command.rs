//! What `bench load` takes; its run.

use std::fs::File;
use std::io::{self, BufWriter, Write};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::time::Duration;

use anyhow::{Context, Result};
use clap::{Args, ValueEnum};
use ottla_bench::batch::BatchShape;
use ottla_bench::load::{self, Acks, LoadError, Outcome as Figures, Pace, Settings, Span, Timestamps, Topic};
use ottla_record::Compression;
use signal_hook::consts::{SIGINT, SIGTERM};

use super::progress::Line;
use super::table;
use super::units::{parse_bytes, parse_time};
use crate::exit::{Outcome, say};

const EXAMPLES: &str = "Examples:
  ottla bench load --topic bench --create --rate 1000
  ottla bench load --topic bench --create --flat-out --producers 4 --acks all --pid \"$(pgrep -x ottla)\"
  ottla bench load --bootstrap kafka:9092 --topic bench --create --partitions 1000 --producers 50 --consumers 50 --rate 5000 --batch-bytes 4k
  ottla bench load --topic bench --create --rate 1000 --json - --hgrm latency.hgrm
  ottla bench load --topic letters --producers 0 --consumers 1

At a rate, batches leave by a schedule that nothing moves, and latencies count from when a batch was due: a broker that \
stalls cannot hide what it kept waiting. Flat out, they count from when it was sent. Every answer is checked, and every batch \
that a consumer gets: its offset, checksum and time. Without producers, what is in the topic is read once. Nobody else may write to the \
topic meanwhile. Ctrl-C ends the load and prints what it found.
Exit codes: 0 all was as it must be; 1 the broker lost, doubled, changed or refused something: it was printed; 2 could not run.";

/// Load any broker that speaks Kafka's protocol, and check every answer.
#[derive(Args, Debug)]
#[command(after_help = EXAMPLES)]
pub struct LoadArgs {
    /// A broker; the leaders of the partitions are asked for
    #[arg(long, default_value = "127.0.0.1:9092", value_name = "HOST:PORT")]
    bootstrap: String,
    /// The topic
    #[arg(long)]
    topic: String,
    /// Make the topic, and remove it afterwards
    #[arg(long)]
    create: bool,
    /// How many partitions a topic that is made has
    #[arg(long, default_value_t = 1, requires = "create", value_parser = clap::value_parser!(i32).range(1..))]
    partitions: i32,
    /// A setting of the topic that is made, such as segment.bytes=8388608; may be repeated
    #[arg(long = "config", value_name = "NAME=VALUE", requires = "create", value_parser = parse_config)]
    configs: Vec<(String, String)>,
    /// Keep the topic that was made
    #[arg(long, requires = "create")]
    keep: bool,
    /// How many producers, each with a connection of its own
    #[arg(long, default_value_t = 1)]
    producers: usize,
    /// How many consumers; with more of them than partitions, several read the same one
    #[arg(long, default_value_t = 1)]
    consumers: usize,
    /// So many batches a second, all producers together
    #[arg(long, value_name = "BATCHES", conflicts_with = "flat_out")]
    rate: Option<f64>,
    /// As fast as the broker answers; so it is without --rate
    #[arg(long)]
    flat_out: bool,
    /// The size of a batch before compression; 0 for one record each
    #[arg(long, default_value = "64k", value_name = "BYTES", value_parser = parse_bytes)]
    batch_bytes: u64,
    /// The size of a record's value
    #[arg(long, default_value = "1k", value_name = "BYTES", value_parser = parse_bytes)]
    record_bytes: u64,
    /// The codec: none, gzip, snappy, lz4, zstd. The text in the records shrinks to about half
    #[arg(long, default_value = "none", value_name = "CODEC")]
    compression: Compression,
    /// When the broker answers: never, once it has the batch, or once all replicas have it
    #[arg(long, value_enum, default_value = "1")]
    acks: AcksArg,
    /// How many requests of a connection may be unanswered [default: 5 flat out, no limit at a rate]
    #[arg(long, value_name = "REQUESTS")]
    in_flight: Option<usize>,
    /// For how long, after the warm-up
    #[arg(long, default_value = "30s", value_name = "TIME", value_parser = parse_time)]
    duration: Duration,
    /// In place of a time: until so many bytes of batches were sent after the warm-up
    #[arg(long, value_name = "BYTES", value_parser = parse_bytes, conflicts_with = "duration")]
    bytes: Option<u64>,
    /// How long is sent before anything counts
    #[arg(long, default_value = "2s", value_name = "TIME", value_parser = parse_time)]
    warm_up: Duration,
    /// The most that a consumer asks for at once
    #[arg(long, default_value = "1m", value_name = "BYTES", value_parser = parse_bytes)]
    fetch_max_bytes: u64,
    /// The broker's process on this machine: its CPU time and memory are shown too
    #[arg(long)]
    pid: Option<i32>,
    /// A broker that says nothing for so long is taken for stuck
    #[arg(long, default_value = "30s", value_name = "TIME", value_parser = parse_time)]
    patience: Duration,
    /// All figures as JSON, into a file, or with - in place of the table
    #[arg(long, value_name = "FILE")]
    json: Option<PathBuf>,
    /// The latencies as HdrHistogram's tools plot them: to the acknowledgement into this file, the others beside it
    #[arg(long, value_name = "FILE")]
    hgrm: Option<PathBuf>,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
enum AcksArg {
    #[value(name = "0")]
    None,
    #[value(name = "1")]
    Leader,
    #[value(name = "all", alias = "-1")]
    All,
}

/// Runs the load.
///
/// # Errors
/// Where it could not run to its end, for any other reason than that the broker broke its word.
pub fn run(args: &LoadArgs) -> Result<Outcome> {
    let settings = settings_of(args)?;
    let enough = Arc::new(AtomicBool::new(false));
    for signal in [SIGINT, SIGTERM] {
        // The second signal ends the process at once.
        signal_hook::flag::register_conditional_shutdown(signal, 2, Arc::clone(&enough))
            .and_then(|_| signal_hook::flag::register(signal, Arc::clone(&enough)))
            .context("cannot listen to signals")?;
    }
    let line = Line::new();
    let found = load::run(&settings, &enough, &mut |so_far| line.show(so_far));
    drop(line);
    match found {
        Ok(figures) => tell(args, &figures).map(|()| Outcome::Clean),
        Err(error) if error.is_wrong_answer() => {
            say(&format!("ottla: {error}"));
            Ok(Outcome::Findings)
        }
        Err(error) => Err(error.into()),
    }
}

fn settings_of(args: &LoadArgs) -> Result<Settings> {
    let size = |bytes: u64, what: &str| {
        i32::try_from(bytes)
            .map_err(|_| LoadError::Settings(format!("{what} of {bytes} bytes: 2 GiB is the most")))
    };
    let shape = BatchShape {
        batch_bytes: usize::try_from(size(args.batch_bytes, "a batch")?)?,
        record_bytes: usize::try_from(size(args.record_bytes, "a record")?)?,
        compression: args.compression,
    };
    Ok(Settings {
        client_id: "ottla-bench".to_owned(),
        topic: Topic {
            name: args.topic.clone(),
            create: args.create.then(|| (args.partitions, args.configs.clone())),
            keep: args.keep,
        },
        producers: args.producers,
        consumers: args.consumers,
        pace: args.rate.map_or(Pace::FlatOut, Pace::Rate),
        in_flight: args.in_flight,
        acks: match args.acks {
            AcksArg::None => Acks::None,
            AcksArg::Leader => Acks::Leader,
            AcksArg::All => Acks::All,
        },
        span: args.bytes.map_or(Span::Time(args.duration), Span::Bytes),
        warm_up: args.warm_up,
        fetch_max_bytes: size(args.fetch_max_bytes, "a fetch")?,
        timestamps: Timestamps::Due,
        pid: args.pid,
        patience: args.patience,
        ..Settings::new(&args.bootstrap, &args.topic, shape)
    })
}

fn tell(args: &LoadArgs, figures: &Figures) -> Result<()> {
    let mut out = BufWriter::new(io::stdout().lock());
    let json = || serde_json::to_string_pretty(&load::json_of(figures));
    match args.json.as_deref() {
        Some(path) if path == Path::new("-") => writeln!(out, "{}", json()?)?,
        Some(path) => {
            table::print(&mut out, figures)?;
            writeln!(create(path)?, "{}", json()?)?;
        }
        None => table::print(&mut out, figures)?,
    }
    out.flush()?;
    args.hgrm.as_deref().map_or(Ok(()), |path| write_hgrms(path, figures))
}

/// One file for each latency that was measured.
fn write_hgrms(path: &Path, figures: &Figures) -> Result<()> {
    let beside = |what: &str| path.with_extension(format!("{what}.hgrm"));
    let files = [
        (path.to_owned(), &figures.acknowledged),
        (beside("end-to-end"), &figures.end_to_end),
        (beside("late"), &figures.late),
    ];
    for (path, latency) in files.iter().filter(|(_, latency)| latency.count() > 0) {
        let mut out = BufWriter::new(create(path)?);
        load::write_hgrm(&mut out, latency)
            .and_then(|()| out.flush())
            .with_context(|| path.display().to_string())?;
    }
    Ok(())
}

#[expect(clippy::disallowed_methods, reason = "a report for whoever asked for it, no file of a log")]
fn create(path: &Path) -> Result<File> {
    File::create(path).with_context(|| format!("cannot write {}", path.display()))
}

fn parse_config(text: &str) -> Result<(String, String), String> {
    let (name, value) = text.split_once('=').ok_or_else(|| format!("{text:?} is not NAME=VALUE"))?;
    Ok((name.to_owned(), value.to_owned()))
}

//! What `append` takes.

use clap::Args;
use ottla_record::Compression;

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
    pub(super) target: String,
    /// Send to this broker in place of a directory
    #[arg(long, value_name = "HOST:PORT")]
    pub(super) server: Option<String>,
    /// The partition of the topic
    #[arg(long, requires = "server", default_value_t = 0, value_name = "N", value_parser = clap::value_parser!(i32).range(0..))]
    pub(super) partition: i32,
    /// Each line is a key, this text, and a value
    #[arg(long, value_name = "TEXT", value_parser = clap::builder::NonEmptyStringValueParser::new())]
    pub(super) key_separator: Option<String>,
    /// How batches are compressed: none, gzip, snappy, lz4 or zstd
    #[arg(long, default_value = "none", value_name = "CODEC")]
    pub(super) compression: Compression,
    /// Wait after each batch until it is on disk; else the disk has it once all is appended
    #[arg(long, conflicts_with = "server")]
    pub(super) sync: bool,
    /// A batch is full at this many bytes, before compression
    #[arg(long, default_value_t = 16384, value_name = "BYTES")]
    pub(super) batch_bytes: usize,
    /// A batch that is not full waits so long for more lines
    #[arg(long, default_value_t = 50, value_name = "MS")]
    pub(super) linger_ms: u64,
    /// Print the outcome as a JSON object
    #[arg(long)]
    pub(super) json: bool,
}

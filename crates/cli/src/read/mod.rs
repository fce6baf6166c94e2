//! `ottla read`: the records of a partition, from a place on.

mod committed;
mod format;
mod reader;
mod start;

use std::io::{self, BufWriter, Write};
use std::path::PathBuf;
use std::thread::sleep;
use std::time::Duration;

use anyhow::Result;
use clap::{Args, ValueEnum};
use ottla::Offset;

use crate::exit::{Outcome, say};
use crate::partition::{Damage, MAX_DECOMPRESSED_BYTES, PartitionDir, StoredBatch};
use crate::read_only_fs::ReadOnlyFs;
use format::Format;
use reader::{Next, Reader};
use start::From;

/// How often a followed log is looked at.
const POLL_INTERVAL: Duration = Duration::from_millis(100);
/// How often a tail that is not whole is looked at again, in case it is just being written.
const SETTLING_LOOKS: u32 = 4;
const SETTLING_TIME: Duration = Duration::from_millis(50);

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

/// Prints until the end, or until there is damage.
fn copy(reader: &mut Reader<'_>, printer: &mut Printer<impl Write>, follow: bool) -> Result<Option<Damage>> {
    let mut looks = 0;
    while printer.left > 0 {
        let wait = match reader.next()? {
            Next::Batch(batch) => {
                looks = 0;
                if let Some(damage) = printer.batch(&batch)? {
                    return Ok(Some(damage));
                }
                reader.pass();
                continue;
            }
            Next::End if follow => POLL_INTERVAL,
            Next::End => return Ok(None),
            Next::Unfinished(damage) if follow && damage.may_grow => POLL_INTERVAL,
            Next::Unfinished(damage) if looks == SETTLING_LOOKS => return Ok(Some(damage)),
            Next::Unfinished(_) => SETTLING_TIME,
            Next::Damage(damage) => return Ok(Some(damage)),
        };
        looks += 1;
        printer.out.flush()?;
        sleep(wait);
    }
    Ok(None)
}

struct Printer<W> {
    out: W,
    format: Format,
    from: Offset,
    left: u64,
}

impl<W: Write> Printer<W> {
    /// Prints the records of one batch; tells where they cannot be read.
    fn batch(&mut self, batch: &StoredBatch<'_>) -> Result<Option<Damage>> {
        let damaged = |error: ottla_record::RecordError| {
            let what = format!("the records of the batch cannot be read: {error}");
            Ok(Some(Damage::new(batch.segment.path.clone(), batch.position, what)))
        };
        if batch.head.is_control() || batch.head.last_offset() < self.from {
            return Ok(None);
        }
        let decoded = match ottla_record::decode(batch.bytes, MAX_DECOMPRESSED_BYTES) {
            Ok(decoded) => decoded,
            Err(error) => return damaged(error),
        };
        let timestamp_type = decoded.timestamp_type();
        for record in decoded.records() {
            let record = match record {
                Ok(record) => record,
                Err(error) => return damaged(error),
            };
            if self.left == 0 {
                break;
            }
            if record.offset >= self.from {
                self.format.write(&mut self.out, &record, timestamp_type)?;
                self.left -= 1;
            }
        }
        Ok(None)
    }
}

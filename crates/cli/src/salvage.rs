//! `ottla salvage`: every whole batch of a damaged directory, in a new one.

use std::io::{self, BufWriter, Write};
use std::path::PathBuf;

use anyhow::Result;
use clap::Args;
use indicatif::HumanBytes;
use ottla_inspect::salvage::{LostBytes, LostOffsets, Options, Salvaged, SalvagedPartition, salvage};
use serde_json::{Value, json};

use crate::exit::Outcome;
use crate::progress::Bar;
use crate::text::counted;

const EXAMPLES: &str = "Examples:
  ottla salvage /var/lib/kafka/data/orders-3 saved
  ottla salvage /mnt/broken/kafka-data saved --json > lost.json

OUT becomes a data directory that Apache Kafka and ottla open, with every batch that passes its checksum at the \
offset that it has; where batches were lost there is a gap, which is listed. DIR is only read, and may be in use.
Exit codes: 0 everything was saved; 1 something was lost: it was printed; 2 could not run.";

/// Copy every whole batch past damage into a new directory, and list what was lost.
#[derive(Args, Debug)]
#[command(after_help = EXAMPLES)]
pub struct SalvageArgs {
    /// A partition directory, or a data directory with all in it
    dir: PathBuf,
    /// A directory that does not exist, or is empty
    out: PathBuf,
    /// One JSON object: partitions, and what each has lost
    #[arg(long)]
    json: bool,
}

/// Runs the command.
///
/// # Errors
/// Where `OUT` is not empty, `DIR` is none of a log, or the system refuses.
pub fn run(args: &SalvageArgs) -> Result<Outcome> {
    let salvaged = salvage(&args.dir, &args.out, &Options::default(), &mut Bar::new("saving"))?;
    let mut out = BufWriter::new(io::stdout().lock());
    if args.json {
        writeln!(out, "{}", report(&salvaged))?;
    } else {
        print(&mut out, &salvaged)?;
    }
    out.flush()?;
    Ok(if salvaged.is_whole() { Outcome::Clean } else { Outcome::Findings })
}

fn print(out: &mut impl Write, salvaged: &Salvaged) -> io::Result<()> {
    for partition in &salvaged.partitions {
        let SalvagedPartition { name, log_start_offset, log_end_offset, .. } = partition;
        writeln!(
            out,
            "{name}: {} in {} ({}), from offset {log_start_offset}, and goes on at {log_end_offset}",
            counted(partition.batches, "batch", "batches"),
            counted(partition.segments, "segment", "segments"),
            HumanBytes(partition.bytes)
        )?;
        for LostBytes { file, position, bytes, what, .. } in &partition.lost_bytes {
            writeln!(out, "  lost {} at byte {position}: {bytes} bytes", file.display())?;
            writeln!(out, "       {what}")?;
        }
        for LostOffsets { from, to } in &partition.lost_offsets {
            match to {
                // The last of them, as everywhere where people read.
                Some(to) => {
                    writeln!(out, "  lost offsets {from} to {}, or those of them that were there", *to - 1)?;
                }
                None => writeln!(out, "  lost offsets from {from} on, if there were any")?,
            }
        }
        if partition.passed_over > 0 {
            let batches = counted(partition.passed_over, "batch", "batches");
            writeln!(out, "  passed over {batches} with offsets that stood elsewhere already")?;
        }
    }
    for (file, why) in &salvaged.left_behind {
        writeln!(out, "left behind {}: {why}", file.display())?;
    }
    Ok(())
}

fn report(salvaged: &Salvaged) -> Value {
    let offsets =
        |lost: &LostOffsets| json!({ "from": lost.from.get(), "below": lost.to.map(|to| to.get()) });
    let bytes = |lost: &LostBytes| {
        json!({
            "file": lost.file.to_string_lossy(),
            "position": lost.position,
            "bytes": lost.bytes,
            "offsets": offsets(&lost.offsets),
            "what": lost.what,
        })
    };
    let partition = |partition: &SalvagedPartition| {
        json!({
            "partition": partition.name,
            "segments": partition.segments,
            "batches": partition.batches,
            "bytes": partition.bytes,
            "passed_over": partition.passed_over,
            "log_start_offset": partition.log_start_offset.get(),
            "log_end_offset": partition.log_end_offset.get(),
            "lost_bytes": partition.lost_bytes.iter().map(bytes).collect::<Vec<_>>(),
            "lost_offsets": partition.lost_offsets.iter().map(offsets).collect::<Vec<_>>(),
        })
    };
    let left_behind = |(file, why): &(PathBuf, String)| json!({ "file": file.to_string_lossy(), "why": why });
    json!({
        "partitions": salvaged.partitions.iter().map(partition).collect::<Vec<_>>(),
        "left_behind": salvaged.left_behind.iter().map(left_behind).collect::<Vec<_>>(),
    })
}

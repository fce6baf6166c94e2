//! For people: a table, and below it what has no place in one.

use std::io::{self, Write};

use indicatif::{HumanBytes, HumanCount};
use ottla_inspect::stats::{Counts, Distinct, PartitionStats};

use crate::timestamp::rfc3339;

const COLUMNS: [&str; 10] = [
    "",
    "size",
    "batches",
    "records",
    "tombstones",
    "codec",
    "batch p50",
    "p99",
    "index every",
    "oldest … newest",
];

/// Prints the segments of one partition, or a line for each of several.
pub fn print(out: &mut impl Write, found: &[PartitionStats]) -> io::Result<()> {
    let mut rows = vec![COLUMNS.map(str::to_owned)];
    if let [partition] = found {
        let name = |offset: ottla::Offset| offset.to_string();
        rows.extend(partition.segments.iter().map(|segment| row(name(segment.base_offset), &segment.counts)));
        rows.push(row("total".to_owned(), &partition.total));
        table(out, &rows)?;
        return details(out, &partition.total, &partition.distinct_keys);
    }
    let (mut total, mut keys) = (Counts::default(), Distinct::default());
    for partition in found {
        rows.push(row(partition.name.clone(), &partition.total));
        total.absorb(&partition.total);
        keys.absorb(&partition.distinct_keys);
    }
    rows.push(row("total".to_owned(), &total));
    table(out, &rows)?;
    details(out, &total, &keys)
}

fn row(name: String, counts: &Counts) -> [String; 10] {
    let bytes =
        |bytes: Option<u64>| bytes.map_or_else(|| "-".to_owned(), |bytes| HumanBytes(bytes).to_string());
    let span = match (counts.oldest_ms, counts.newest_ms) {
        (Some(oldest), Some(newest)) => format!("{} … {}", rfc3339(oldest), rfc3339(newest)),
        _ => "-".to_owned(),
    };
    [
        name,
        HumanBytes(counts.size_bytes).to_string(),
        HumanCount(counts.batches).to_string(),
        HumanCount(counts.records).to_string(),
        HumanCount(counts.tombstones).to_string(),
        codecs(counts),
        bytes(counts.sizes.quantile(500)),
        bytes(counts.sizes.quantile(990)),
        bytes(counts.bytes_per_index_entry()),
        span,
    ]
}

/// The codec of all batches, or the share of each.
fn codecs(counts: &Counts) -> String {
    let share = |(name, count): (&&str, &u64)| match *count == counts.batches {
        true => (*name).to_owned(),
        false => format!("{name} {}%", (count * 200 + counts.batches) / (2 * counts.batches.max(1))),
    };
    let shares: Vec<_> = counts.codecs.iter().map(share).collect();
    if shares.is_empty() { "-".to_owned() } else { shares.join(" ") }
}

/// The first and the last column stand at the left, numbers at the right.
fn table(out: &mut impl Write, rows: &[[String; 10]]) -> io::Result<()> {
    let mut widths = [0; 10];
    for row in rows {
        for (width, cell) in widths.iter_mut().zip(row) {
            *width = cell.chars().count().max(*width);
        }
    }
    for row in rows {
        let mut line = String::new();
        for (number, (cell, width)) in row.iter().zip(widths).enumerate() {
            let gap = if number == 0 { "" } else { "  " };
            line += &match number {
                0 | 5 | 9 => format!("{gap}{cell:<width$}"),
                _ => format!("{gap}{cell:>width$}"),
            };
        }
        writeln!(out, "{}", line.trim_end())?;
    }
    Ok(())
}

fn details(out: &mut impl Write, total: &Counts, keys: &Distinct) -> io::Result<()> {
    let about = if keys.is_exact() { "" } else { "about " };
    let keyed = total.records - total.null_keys;
    writeln!(out)?;
    writeln!(
        out,
        "keys          {about}{} different in {} records; {} records without a key",
        HumanCount(keys.count()),
        HumanCount(keyed),
        HumanCount(total.null_keys)
    )?;
    writeln!(
        out,
        "content       {} of keys, {} of values, before compression",
        HumanBytes(total.key_bytes),
        HumanBytes(total.value_bytes)
    )?;
    writeln!(
        out,
        "producers     {}; {} batches in transactions, {} control batches: {} commits, {} aborts",
        HumanCount(total.producers.count()),
        HumanCount(total.transactional_batches),
        HumanCount(total.control_batches),
        HumanCount(total.commits),
        HumanCount(total.aborts)
    )?;
    let batches = |(below, count): (u64, u64)| format!("< {}: {}", HumanBytes(below), HumanCount(count));
    let sizes: Vec<_> = total.sizes.buckets().into_iter().map(batches).collect();
    writeln!(out, "batch sizes   {}", sizes.join("  "))?;
    if total.damaged_bytes > 0 || total.unreadable_batches > 0 {
        let damaged = HumanBytes(total.damaged_bytes);
        let unreadable = HumanCount(total.unreadable_batches);
        writeln!(
            out,
            "damage        {damaged} are no whole batches, {unreadable} batches cannot be read: see `ottla verify`"
        )?;
    }
    Ok(())
}

//! The samples as one table, and as JSON.

use std::fmt::Write as _;

use anyhow::Result;
use comfy_table::presets::ASCII_MARKDOWN;
use comfy_table::{CellAlignment, ContentArrangement, Table};
use serde_json::{Value, json};

use crate::machine::Machine;
use crate::options::Sizes;
use crate::peers::{FLOOR, OTTLA, Peer, left_out};
use crate::samples::{Samples, Summary, summary};

/// One figure of one work.
struct Row {
    label: &'static str,
    work: &'static str,
    metric: &'static str,
    scale: f64,
    lower_is_better: bool,
}

const fn rate(label: &'static str, work: &'static str, metric: &'static str) -> Row {
    Row { label, work, metric, scale: 1.0, lower_is_better: false }
}

const fn cost(label: &'static str, work: &'static str, metric: &'static str, scale: f64) -> Row {
    Row { label, work, metric, scale, lower_is_better: true }
}

static ROWS: &[Row] = &[
    rate("append 64 KiB, MB/s", "append", "mb_per_s"),
    cost("append 64 KiB, CPU s/GB", "append", "cpu_s_per_gb", 1.0),
    cost("append 64 KiB, peak RSS MB", "append", "peak_mb", 1.0),
    rate("read 64 KiB, MB/s", "read 64 KiB", "mb_per_s"),
    cost("read 64 KiB, CPU s/GB", "read 64 KiB", "cpu_s_per_gb", 1.0),
    cost("read 64 KiB, peak RSS MB", "read 64 KiB", "peak_mb", 1.0),
    rate("read 1 MiB, MB/s", "read 1 MiB", "mb_per_s"),
    cost("read 1 MiB, CPU s/GB", "read 1 MiB", "cpu_s_per_gb", 1.0),
    cost("open after close, ms", "open", "seconds", 1e3),
    cost("open after kill, ms", "open after kill", "seconds", 1e3),
    rate("given back, %", "check", "percent"),
    rate("given back after kill, %", "check after kill", "percent"),
    rate("synced, 1 thread, 1/s", "synced by 1", "per_s"),
    cost("synced, 1 thread, p99 ms", "synced by 1", "p99_ms", 1.0),
    rate("synced, 16 threads, 1/s", "synced by 16", "per_s"),
    cost("synced, 16 threads, p99 ms", "synced by 16", "p99_ms", 1.0),
];

impl Row {
    fn of(&self, samples: &Samples, peer: &str) -> Option<Summary> {
        let values = samples.values(peer, self.work, self.metric);
        summary(values.into_iter().map(|value| value * self.scale).collect(), self.lower_is_better)
    }

    /// How many times as dear as `other`: above 1 is worse, whatever the unit.
    fn times(&self, of: Summary, other: Option<Summary>) -> String {
        let Some(other) = other else { return String::new() };
        let times = if self.lower_is_better { of.best / other.best } else { other.best / of.best };
        if times.is_finite() { number(times) } else { String::new() }
    }
}

/// The table, what went wrong, who was left out, and what each does differently.
pub fn text(peers: &[&'static Peer], samples: &Samples) -> String {
    let mut out = format!("{}\n\n", table(peers, samples));
    out += "Best round, and the median. × floor, × ottla: how many times as dear, by the best rounds; above 1 is worse.\n";
    for failure in &samples.failed {
        let _ =
            writeln!(out, "\n{}, {}, round {}: {}", failure.peer, failure.work, failure.round, failure.why);
    }
    for (name, why) in left_out() {
        let _ = writeln!(out, "\n{name} is left out: {why}.");
    }
    for peer in peers {
        let version = peer.version().map(|version| format!(" {version}")).unwrap_or_default();
        let _ = writeln!(out, "\n{}{version}: {}", peer.name, peer.note);
    }
    out
}

fn table(peers: &[&'static Peer], samples: &Samples) -> Table {
    let mut table = Table::new();
    table.load_style(ASCII_MARKDOWN).set_content_arrangement(ContentArrangement::Disabled);
    table.set_header(["", "log", "best", "median", "× floor", "× ottla"]);
    for row in ROWS {
        let (floor, ottla) = (row.of(samples, FLOOR), row.of(samples, OTTLA));
        let mut label = row.label;
        for peer in peers {
            let Some(found) = row.of(samples, peer.name) else { continue };
            let ratios = [row.times(found, floor), row.times(found, ottla)];
            let [to_floor, to_ottla] = ratios;
            table.add_row([
                label,
                peer.name,
                &number(found.best),
                &number(found.median),
                &to_floor,
                &to_ottla,
            ]);
            label = "";
        }
    }
    for column in table.column_iter_mut().skip(2) {
        column.set_cell_alignment(CellAlignment::Right);
    }
    table
}

/// Three digits, or all of those before the point.
fn number(value: f64) -> String {
    match value.abs() {
        size if size >= 100.0 => format!("{value:.0}"),
        size if size >= 10.0 => format!("{value:.1}"),
        size if size >= 0.1 => format!("{value:.2}"),
        _ => format!("{value:.3}"),
    }
}

pub fn json(sizes: &Sizes, machine: &Machine, peers: &[&'static Peer], samples: &Samples) -> Result<String> {
    let logs =
        peers.iter().map(|peer| json!({ "name": peer.name, "version": peer.version(), "note": peer.note }));
    let measured = samples.measured.iter().map(|sample| {
        json!({ "round": sample.round, "peer": sample.peer, "work": sample.work, "metrics": sample.metrics })
    });
    let failed = samples.failed.iter().map(|failure| {
        json!({ "round": failure.round, "peer": failure.peer, "work": failure.work, "why": failure.why })
    });
    let document = json!({
        "version": 1,
        "bytes": sizes.bytes,
        "killed_bytes": sizes.killed_bytes,
        "synced": sizes.synced,
        "machine": machine.to_json(),
        "logs": logs.collect::<Value>(),
        "left_out": left_out().into_iter().map(|(name, why)| json!({ "name": name, "why": why })).collect::<Value>(),
        "samples": measured.collect::<Value>(),
        "failures": failed.collect::<Value>(),
    });
    Ok(serde_json::to_string_pretty(&document)?)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::peers::ALL;
    use crate::samples::Sample;

    #[test]
    fn a_ratio_above_one_is_worse_whatever_the_unit() {
        let figures = [(FLOOR, 2000.0, 0.5), (OTTLA, 1000.0, 1.0)];
        let sample = |(peer, rate, cost)| Sample {
            round: 1,
            peer,
            work: "append",
            metrics: [("mb_per_s".to_owned(), rate), ("cpu_s_per_gb".to_owned(), cost)].into(),
        };
        let samples = Samples { measured: figures.map(sample).into(), failed: Vec::new() };
        let table = table(ALL, &samples).to_string();
        let of_ottla: Vec<_> = table.lines().filter(|line| line.contains("| ottla")).collect();
        assert_eq!(of_ottla.len(), 2, "{table}");
        assert!(of_ottla.iter().all(|line| line.contains("2.00 |") && line.contains("1.00 |")), "{table}");
    }
}

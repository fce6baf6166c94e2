//! The figures of a load, for people.

use std::io::{self, Write};

use indicatif::{HumanBytes, HumanCount};
use ottla_bench::load::{Acks, Latency, Outcome, Pace, Throughput};

use super::units::number;

const LABEL_WIDTH: usize = 26;

/// Prints everything.
pub fn print(out: &mut impl Write, outcome: &Outcome) -> io::Result<()> {
    writeln!(out, "{}\n", what(outcome))?;
    let is_silent = outcome.settings.acks == Acks::None;
    throughput(out, if is_silent { "sent" } else { "produced" }, &outcome.produced)?;
    throughput(out, "consumed", &outcome.consumed)?;
    latencies(out, outcome)?;
    processes(out, outcome)?;
    for note in outcome.notes() {
        writeln!(out, "\n{note}")?;
    }
    Ok(())
}

/// The load in a sentence.
fn what(outcome: &Outcome) -> String {
    let settings = &outcome.settings;
    let count = |count: usize, what: &str| match count {
        1 => format!("1 {what}"),
        _ => format!("{} {what}s", HumanCount(count as u64)),
    };
    let pace = match settings.pace {
        Pace::Rate(rate) => format!("{} batches a second", number(rate)),
        Pace::FlatOut => format!("flat out with {} in flight", settings.window().unwrap_or(0)),
    };
    format!(
        "{}, {}, {} on {}; {pace}; batches of {} bytes ({}, records of {} bytes), acks={}",
        count(settings.producers, "producer"),
        count(settings.consumers, "consumer"),
        count(outcome.partitions, "partition"),
        settings.bootstrap,
        HumanCount(outcome.batch_bytes as u64),
        settings.shape.compression,
        settings.shape.record_bytes,
        settings.acks.name(),
    )
}

fn throughput(out: &mut impl Write, name: &str, found: &Throughput) -> io::Result<()> {
    if found.batches == 0 {
        return Ok(());
    }
    let rates = [
        format!("{} MB/s", number(found.mb_per_s())),
        format!("{} batches/s", number(found.batches_per_s())),
        format!("{} records/s", number(found.records_per_s())),
    ];
    let whole = format!("{} in {} s", HumanBytes(found.bytes), number(found.elapsed.as_secs_f64()));
    writeln!(out, "{name:<LABEL_WIDTH$}{:>14}{:>20}{:>22}   {whole}", rates[0], rates[1], rates[2])
}

fn latencies(out: &mut impl Write, outcome: &Outcome) -> io::Result<()> {
    let due = matches!(outcome.settings.pace, Pace::Rate(_));
    let since = if due { "due" } else { "sent" };
    let rows = [
        (format!("{since} to acknowledged"), &outcome.acknowledged),
        (format!("{since} to consumed"), &outcome.end_to_end),
        ("due to sent (the client)".to_owned(), &outcome.late),
    ];
    let mut has_head = false;
    for (name, latency) in rows.iter().filter(|(_, latency)| latency.count() > 0) {
        if !has_head {
            writeln!(out)?;
            row(out, "latency, ms", latency, |quantile| quantile.name.to_owned())?;
            has_head = true;
        }
        row(out, name, latency, |quantile| number(quantile.ms))?;
    }
    Ok(())
}

fn row(
    out: &mut impl Write,
    name: &str,
    latency: &Latency,
    cell: impl Fn(&ottla_bench::load::Quantile) -> String,
) -> io::Result<()> {
    write!(out, "{name:<LABEL_WIDTH$}")?;
    for quantile in latency.quantiles() {
        write!(out, "{:>10}", cell(&quantile))?;
    }
    writeln!(out)
}

fn processes(out: &mut impl Write, outcome: &Outcome) -> io::Result<()> {
    writeln!(out)?;
    if let Some(server) = outcome.server {
        let per_gb =
            outcome.server_cpu_s_per_gb().map_or_else(String::new, |cpu| format!(", {} s/GB", number(cpu)));
        let resident = server.resident;
        let name = format!("server (process {})", server.pid);
        writeln!(
            out,
            "{name:<LABEL_WIDTH$}CPU {} s{per_gb}; memory {}, at most {}",
            number(server.cpu.as_secs_f64()),
            HumanBytes(resident.now_bytes),
            HumanBytes(resident.peak_bytes),
        )?;
    }
    let client = &outcome.client;
    writeln!(
        out,
        "{:<LABEL_WIDTH$}CPU {} s in {} s, {} cores; its busiest thread used {:.0} % of one",
        "client",
        number(client.cpu.as_secs_f64()),
        number(client.elapsed.as_secs_f64()),
        client.processors,
        client.busiest_share * 100.0,
    )
}

//! The rows of the table, and what ottla is to reach in them.

use crate::servers::Kind;

/// Which round counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Best {
    Lowest,
    Highest,
}

pub struct Row {
    pub label: &'static str,
    pub scenario: &'static str,
    pub metric: &'static str,
    pub best: Best,
    pub targets: &'static [Target],
}

#[derive(Debug, Clone, Copy)]
pub enum Target {
    AtMostTimes(f64, Kind),
    AtLeastTimes(f64, Kind),
    Below(f64),
    /// Against another metric of ottla's own in the same scenario.
    BelowTimesOwn(f64, &'static str),
}

impl Target {
    /// `best_of` knows the best figure of a server, and ottla's best of another metric.
    pub fn holds(
        self,
        ottla: f64,
        best_of: impl Fn(Kind) -> Option<f64>,
        own: impl Fn(&str) -> Option<f64>,
    ) -> Option<bool> {
        Some(match self {
            Self::AtMostTimes(factor, kind) => ottla <= factor * best_of(kind)?,
            Self::AtLeastTimes(factor, kind) => ottla >= factor * best_of(kind)?,
            Self::Below(limit) => ottla < limit,
            Self::BelowTimesOwn(factor, metric) => ottla < factor * own(metric)?,
        })
    }
}

impl std::fmt::Display for Target {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::AtMostTimes(factor, kind) => write!(f, "≤ {factor} × {}", kind.name()),
            Self::AtLeastTimes(factor, kind) => write!(f, "≥ {factor} × {}", kind.name()),
            Self::Below(limit) => write!(f, "< {limit}"),
            Self::BelowTimesOwn(factor, _) => write!(f, "< {factor} × without rolls"),
        }
    }
}

use Best::{Highest, Lowest};
use Kind::{Floor, Kafka};
use Target::{AtLeastTimes, AtMostTimes, Below, BelowTimesOwn};

const fn row(
    label: &'static str,
    (scenario, metric): (&'static str, &'static str),
    best: Best,
    targets: &'static [Target],
) -> Row {
    Row { label, scenario, metric, best, targets }
}

pub const ROWS: [Row; 32] = [
    row(
        "produce 64 KiB batches, CPU s/GB",
        ("produce-64k", "cpu_s_per_gb"),
        Lowest,
        &[AtMostTimes(1.15, Floor), AtMostTimes(0.25, Kafka)],
    ),
    row("  MB/s", ("produce-64k", "mb_per_s"), Highest, &[]),
    row(
        "  over 4 connections, CPU s/GB",
        ("produce-64k-4", "cpu_s_per_gb"),
        Lowest,
        &[AtMostTimes(1.15, Floor), AtMostTimes(0.25, Kafka)],
    ),
    row(
        "  in records of 100 B, CPU s/GB",
        ("produce-100b", "cpu_s_per_gb"),
        Lowest,
        &[AtMostTimes(1.2, Floor), AtMostTimes(0.3, Kafka)],
    ),
    row(
        "produce single records, 5 in flight, 1/s",
        ("produce-single", "requests_per_s"),
        Highest,
        &[AtLeastTimes(0.9, Floor), AtLeastTimes(5.0, Kafka)],
    ),
    row("  CPU µs/request", ("produce-single", "cpu_us_per_request"), Lowest, &[]),
    row(
        "fetch 1 MiB, CPU s/GB",
        ("fetch-1m", "cpu_s_per_gb"),
        Lowest,
        &[AtMostTimes(1.1, Floor), AtMostTimes(0.4, Kafka)],
    ),
    row("  MB/s", ("fetch-1m", "mb_per_s"), Highest, &[]),
    row(
        "fetch 64 KiB, CPU s/GB",
        ("fetch-64k", "cpu_s_per_gb"),
        Lowest,
        &[AtMostTimes(1.1, Floor), AtMostTimes(0.5, Kafka)],
    ),
    row("  MB/s", ("fetch-64k", "mb_per_s"), Highest, &[]),
    row(
        "fetch single-record batches, CPU s/GB",
        ("fetch-single", "cpu_s_per_gb"),
        Lowest,
        &[AtMostTimes(1.1, Floor), AtMostTimes(0.5, Kafka)],
    ),
    row("  MB/s", ("fetch-single", "mb_per_s"), Highest, &[]),
    row(
        "64 KiB batches at 1,000/s and a tail, CPU s/GB",
        ("tail", "cpu_s_per_gb"),
        Lowest,
        &[AtMostTimes(1.1, Floor), AtMostTimes(0.4, Kafka)],
    ),
    row("ack at 1,000/s, p99 ms", ("latency", "ack_p99_ms"), Lowest, &[]),
    row("  p50 ms", ("latency", "ack_p50_ms"), Lowest, &[]),
    row(
        "end to end at 1,000/s, p99 ms",
        ("latency", "end_to_end_p99_ms"),
        Lowest,
        &[AtMostTimes(2.0, Floor), AtMostTimes(0.15, Kafka)],
    ),
    row("  p50 ms", ("latency", "end_to_end_p50_ms"), Lowest, &[]),
    row("ack at 5,000/s, p99 ms", ("latency-5k", "ack_p99_ms"), Lowest, &[]),
    row(
        "end to end at 5,000/s, p99 ms",
        ("latency-5k", "end_to_end_p99_ms"),
        Lowest,
        &[AtMostTimes(2.0, Floor), AtMostTimes(0.15, Kafka)],
    ),
    row("  p50 ms", ("latency-5k", "end_to_end_p50_ms"), Lowest, &[]),
    row(
        "1,000 partitions, 100 connections, CPU share",
        ("many", "cpu_share"),
        Lowest,
        &[AtMostTimes(0.4, Kafka)],
    ),
    row("  end to end, p99 ms", ("many", "end_to_end_p99_ms"), Lowest, &[]),
    row("  resident, MB", ("many", "rss_mb"), Lowest, &[AtMostTimes(0.05, Kafka)]),
    row("longest produce without rolls, ms", ("rolls", "steady_max_ms"), Lowest, &[]),
    row(
        "longest produce with rolls, ms",
        ("rolls", "rolling_max_ms"),
        Lowest,
        &[BelowTimesOwn(2.0, "steady_max_ms")],
    ),
    row("exec to first fetch, 1,000 segments, ms", ("start", "first_fetch_ms"), Lowest, &[Below(20.0)]),
    row("  resident then, MB", ("start", "rss_mb"), Lowest, &[]),
    row(
        "exec to first produce, empty, ms",
        ("start-empty", "first_produce_ms"),
        Lowest,
        &[AtMostTimes(0.01, Kafka)],
    ),
    row("  10,000 partitions, ms", ("start-10000", "first_produce_ms"), Lowest, &[AtMostTimes(0.05, Kafka)]),
    row(
        "  killed with 1 GiB unsynced, ms",
        ("start-killed", "first_produce_ms"),
        Lowest,
        &[AtMostTimes(0.2, Kafka)],
    ),
    row("resident idle, MB", ("idle", "rss_mb"), Lowest, &[Below(10.0)]),
    row("resident at most under load, MB", ("loaded", "peak_rss_mb"), Lowest, &[Below(30.0)]),
];

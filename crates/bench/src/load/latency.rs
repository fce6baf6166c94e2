//! Latencies: a histogram while they come, quantiles at the end.

use std::io::{self, Write};

use hdrhistogram::Histogram;
use serde::Serialize;

/// Longer than anything waits; what is longer still counts as this.
const LONGEST_NS: u64 = 3_600_000_000_000;
const QUANTILES: [(&str, f64); 6] =
    [("p50", 0.5), ("p90", 0.9), ("p99", 0.99), ("p99.9", 0.999), ("p99.99", 0.9999), ("max", 1.0)];
/// How many steps a printed distribution takes each time the distance to 100 % is halved.
const STEPS_PER_HALF: u32 = 5;

/// How long something took, each time. Three digits are kept, of up to an hour.
#[derive(Clone, Debug, Default)]
pub struct Latency {
    /// Made by the first: most threads of a large load record one kind of latency only.
    histogram: Option<Histogram<u64>>,
}

/// One point of a distribution.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Quantile {
    /// Such as `p99`.
    pub name: &'static str,
    /// How long, at most, that share of all took.
    pub ms: f64,
}

impl Latency {
    /// One more.
    pub fn record(&mut self, ns: u64) {
        if self.histogram.is_none() {
            self.histogram = empty();
        }
        if let Some(histogram) = &mut self.histogram {
            // It grows to whatever comes, and what comes is bounded.
            let _ = histogram.record(ns.clamp(1, LONGEST_NS));
        }
    }

    /// All of another's too.
    pub fn absorb(&mut self, other: &Latency) {
        let Some(other) = &other.histogram else { return };
        match &mut self.histogram {
            // It grows to hold the other's values.
            Some(histogram) => drop(histogram.add(other)),
            None => self.histogram = Some(other.clone()),
        }
    }

    /// How many there were.
    pub fn count(&self) -> u64 {
        self.histogram.as_ref().map_or(0, Histogram::len)
    }

    /// The quantiles that are shown; none without a latency.
    pub fn quantiles(&self) -> Vec<Quantile> {
        let Some(histogram) = self.histogram.as_ref().filter(|histogram| !histogram.is_empty()) else {
            return Vec::new();
        };
        let ms = |quantile| histogram.value_at_quantile(quantile) as f64 / 1e6;
        QUANTILES.iter().map(|(name, quantile)| Quantile { name, ms: ms(*quantile) }).collect()
    }

    /// One quantile, in milliseconds.
    pub fn quantile_ms(&self, quantile: f64) -> f64 {
        self.histogram.as_ref().map_or(0.0, |histogram| histogram.value_at_quantile(quantile) as f64 / 1e6)
    }
}

fn empty() -> Option<Histogram<u64>> {
    let mut histogram = Histogram::new(3).ok()?;
    histogram.auto(true);
    Some(histogram)
}

/// Writes the distribution as text, in milliseconds, as HdrHistogram's own tools print and plot it.
///
/// # Errors
/// Those of `out`.
pub fn write_hgrm(out: &mut impl Write, latency: &Latency) -> io::Result<()> {
    writeln!(out, "{:>12} {:>14} {:>10} {:>14}\n", "Value", "Percentile", "TotalCount", "1/(1-Percentile)")?;
    let Some(histogram) = &latency.histogram else { return Ok(()) };
    let mut total = 0;
    for step in histogram.iter_quantiles(STEPS_PER_HALF) {
        total += step.count_since_last_iteration();
        let (value, share) = (step.value_iterated_to() as f64 / 1e6, step.quantile_iterated_to());
        write!(out, "{value:12.3} {share:2.12} {total:10}")?;
        match share < 1.0 {
            true => writeln!(out, " {:14.2}", 1.0 / (1.0 - share))?,
            false => writeln!(out)?,
        }
    }
    let (mean, deviation) = (histogram.mean() / 1e6, histogram.stdev() / 1e6);
    writeln!(out, "#[Mean    = {mean:12.3}, StdDeviation   = {deviation:12.3}]")?;
    let (max, count) = (histogram.max() as f64 / 1e6, histogram.len());
    writeln!(out, "#[Max     = {max:12.3}, Total count    = {count:12}]")?;
    let (buckets, sub_buckets) = (histogram.buckets(), histogram.distinct_values());
    writeln!(out, "#[Buckets = {buckets:12}, SubBuckets     = {sub_buckets:12}]")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(values: impl Iterator<Item = u64>) -> Latency {
        let mut latency = Latency::default();
        values.for_each(|value| latency.record(value));
        latency
    }

    #[test]
    fn quantiles_are_in_milliseconds_and_the_longest_is_kept() {
        let mut latency = of((1..=999).map(|ms| ms * 1_000_000));
        latency.absorb(&of(std::iter::once(60_000_000_000)));
        let shown: Vec<_> = latency.quantiles().iter().map(|q| (q.name, q.ms.round())).collect();
        assert_eq!(shown[..2], [("p50", 500.0), ("p90", 900.0)]);
        assert_eq!(latency.count(), 1_000);
        assert!((59_900.0..60_100.0).contains(&shown[5].1), "{shown:?}");
    }

    #[test]
    fn a_distribution_ends_at_its_longest_with_all_counted() {
        let mut text = Vec::new();
        write_hgrm(&mut text, &of(1_000_000..1_000_100)).unwrap();
        let text = String::from_utf8(text).unwrap();
        assert!(text.contains("1.000000000000        100\n"), "{text}");
        assert!(text.contains("Total count    =          100"), "{text}");
    }

    #[test]
    fn without_a_latency_there_is_no_quantile() {
        assert!(Latency::default().quantiles().is_empty());
    }
}

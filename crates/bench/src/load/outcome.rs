//! What came of a load.

use std::time::Duration;

use super::latency::Latency;
use super::part::{Amount, Part};
use super::settings::{Pace, Settings};
use crate::process::Resident;

/// From this share of a processor on, a thread of the client is taken for what limits a load.
const BUSY_SHARE: f64 = 0.9;
/// A sender that is later than this share of what it measures has measured itself.
const LATE_SHARE: f64 = 0.2;

/// The figures of a load that ran to its end, every answer of which was right.
#[derive(Clone, Debug)]
pub struct Outcome {
    /// What was asked for.
    pub settings: Settings,
    /// How many partitions the topic has.
    pub partitions: usize,
    /// The size of a batch as it was sent.
    pub batch_bytes: usize,
    /// What was acknowledged; with acks=0, what was sent.
    pub produced: Throughput,
    /// What consumers read.
    pub consumed: Throughput,
    /// From when a batch was due until it was acknowledged.
    pub acknowledged: Latency,
    /// From when it was due until a consumer had it.
    pub end_to_end: Latency,
    /// From when it was due until it left.
    pub late: Latency,
    /// The broker's process, where its number was given.
    pub server: Option<ServerFigures>,
    /// This process.
    pub client: ClientFigures,
    /// Whether it was told to end before its time.
    pub ended_early: bool,
}

/// How much, in which time.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Throughput {
    /// Batches.
    pub batches: u64,
    /// Records in them.
    pub records: u64,
    /// Their size, as it was sent.
    pub bytes: u64,
    /// From when it began to count until the last one.
    pub elapsed: Duration,
}

/// What the broker's process used while it counted.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct ServerFigures {
    /// Its number.
    pub pid: i32,
    /// User and system time.
    pub cpu: Duration,
    /// Its memory, at the end.
    pub resident: Resident,
}

/// What this process used while it counted.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct ClientFigures {
    /// User and system time.
    pub cpu: Duration,
    /// For how long.
    pub elapsed: Duration,
    /// The share of a processor that the busiest of its threads used.
    pub busiest_share: f64,
    /// How many processors there are.
    pub processors: usize,
}

impl Throughput {
    pub(super) fn of(amount: Amount, counted_from_ns: u64) -> Throughput {
        Throughput {
            batches: amount.batches,
            records: amount.records,
            bytes: amount.bytes,
            elapsed: Duration::from_nanos(amount.last_ns.saturating_sub(counted_from_ns)),
        }
    }

    /// 10⁶ bytes a second.
    pub fn mb_per_s(&self) -> f64 {
        self.per_second(self.bytes) / 1e6
    }

    /// Batches a second.
    pub fn batches_per_s(&self) -> f64 {
        self.per_second(self.batches)
    }

    /// Records a second.
    pub fn records_per_s(&self) -> f64 {
        self.per_second(self.records)
    }

    fn per_second(&self, count: u64) -> f64 {
        let seconds = self.elapsed.as_secs_f64();
        if seconds > 0.0 { count as f64 / seconds } else { 0.0 }
    }
}

impl Outcome {
    pub(super) fn figures(
        settings: &Settings,
        partitions: usize,
        batch_bytes: usize,
        part: Part,
        counted_from_ns: u64,
    ) -> Outcome {
        Outcome {
            settings: settings.clone(),
            partitions,
            batch_bytes,
            produced: Throughput::of(part.produced, counted_from_ns),
            consumed: Throughput::of(part.consumed, counted_from_ns),
            acknowledged: part.acknowledged,
            end_to_end: part.end_to_end,
            late: part.late,
            server: None,
            client: ClientFigures {
                cpu: Duration::ZERO,
                elapsed: Duration::ZERO,
                busiest_share: part.busiest_share,
                processors: std::thread::available_parallelism().map_or(1, usize::from),
            },
            ended_early: false,
        }
    }

    /// The broker's processor seconds for 10⁹ bytes of what was produced, or consumed where nothing was.
    pub fn server_cpu_s_per_gb(&self) -> Option<f64> {
        let bytes = if self.produced.bytes > 0 { self.produced.bytes } else { self.consumed.bytes };
        let server = self.server.filter(|_| bytes > 0)?;
        Some(server.cpu.as_secs_f64() / (bytes as f64 / 1e9))
    }

    /// What a reader of the figures must know about them.
    pub fn notes(&self) -> Vec<String> {
        let mut notes = Vec::new();
        let client = &self.client;
        let share = client.cpu.as_secs_f64() / client.elapsed.as_secs_f64().max(1e-9);
        let percent = |share: f64| (share * 100.0).round();
        if client.busiest_share >= BUSY_SHARE {
            notes.push(format!(
                "A thread of the client used {} % of a core: it, not the server, set this figure. More --producers or --consumers, \
                 or larger batches, take it further.",
                percent(client.busiest_share)
            ));
        } else if share >= BUSY_SHARE * client.processors as f64 {
            notes.push(format!(
                "The client used {} % of {} cores: it, not the server, set this figure. Run it on another machine.",
                percent(share), client.processors
            ));
        }
        let (late, whole) = (self.late.quantile_ms(0.99), self.acknowledged.quantile_ms(0.99));
        if matches!(self.settings.pace, Pace::Rate(_)) && whole > 0.0 && late >= LATE_SHARE * whole {
            notes.push(format!(
                "Batches left up to {late:.3} ms late (p99), which the latencies include: the broker took them too slowly, or this \
                 machine was busy."
            ));
        }
        if self.ended_early {
            notes.push("It was told to end early: the figures are of what was sent until then.".to_owned());
        }
        notes
    }
}

#[cfg(test)]
mod tests {
    use ottla_record::Compression;

    use super::*;
    use crate::batch::BatchShape;

    fn outcome(busiest_share: f64, cpu_s: f64) -> Outcome {
        let shape = BatchShape { batch_bytes: 1_000, record_bytes: 100, compression: Compression::None };
        let mut settings = Settings::new("localhost:9092", "t", shape);
        settings.pace = Pace::Rate(1.0);
        let mut outcome = Outcome::figures(&settings, 1, 1_000, Part { busiest_share, ..Part::default() }, 0);
        outcome.client.cpu = Duration::from_secs_f64(cpu_s);
        outcome.client.elapsed = Duration::from_secs(1);
        outcome.client.processors = 2;
        outcome
    }

    #[test]
    fn a_client_that_set_the_figure_says_so() {
        assert!(outcome(0.98, 0.98).notes()[0].contains("used 98 % of a core: it, not the server"));
        assert!(outcome(0.5, 1.9).notes()[0].contains("190 % of 2 cores"));
        assert_eq!(outcome(0.5, 0.5).notes(), Vec::<String>::new());
    }

    #[test]
    fn a_sender_that_was_late_says_so() {
        let mut outcome = outcome(0.0, 0.0);
        outcome.acknowledged.record(10_000_000);
        outcome.late.record(1_000_000);
        assert!(outcome.notes().is_empty());
        outcome.late.record(9_000_000);
        assert!(outcome.notes()[0].contains("9.0"), "{:?}", outcome.notes());
    }

    #[test]
    fn a_rate_is_over_the_time_that_counts() {
        let amount = Amount { batches: 10, records: 100, bytes: 4_000_000, last_ns: 3_000_000_000 };
        let throughput = Throughput::of(amount, 1_000_000_000);
        assert_eq!(
            (throughput.mb_per_s(), throughput.batches_per_s(), throughput.records_per_s()),
            (2.0, 5.0, 50.0)
        );
    }
}

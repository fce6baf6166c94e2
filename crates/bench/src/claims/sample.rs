//! What one measurement of one case found, and the figures that follow from it.

use serde::Serialize;

/// One measurement.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Sample {
    /// In which round; rounds of different cases with the same number ran close to each other.
    pub round: u32,
    /// From the first call until all was done.
    pub seconds: f64,
    /// Bytes that were written, read or sent.
    pub bytes: u64,
    /// Blocks, records or chunks.
    pub operations: u64,
    /// User and system time of this process, without the receiver's.
    pub cpu_seconds: f64,
    /// User and system time of the receiving thread.
    pub receiver_cpu_seconds: Option<f64>,
    /// Counted by the code that made them.
    pub system_calls: u64,
    /// How large the pieces are in which the page cache holds the file, where root may look.
    pub pages_per_folio: Option<f64>,
}

/// A figure of a sample.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Metric {
    /// Bytes a second, in units of 10⁶.
    MegabytesPerSecond,
    /// Operations a second.
    OperationsPerSecond,
    /// CPU seconds of the sender for 10⁹ bytes.
    CpuSecondsPerGigabyte,
    /// CPU seconds of the receiver for 10⁹ bytes.
    ReceiverCpuSecondsPerGigabyte,
    /// Both together.
    BothCpuSecondsPerGigabyte,
    /// System calls of the sender for 2²⁰ bytes.
    SystemCallsPerMebibyte,
}

impl Metric {
    /// The figure, where the sample has it.
    pub fn of(self, sample: &Sample) -> Option<f64> {
        let (bytes, operations) = (sample.bytes as f64, sample.operations as f64);
        let figure = match self {
            Self::MegabytesPerSecond => bytes / 1e6 / sample.seconds,
            Self::OperationsPerSecond => operations / sample.seconds,
            Self::CpuSecondsPerGigabyte => sample.cpu_seconds / (bytes / 1e9),
            Self::ReceiverCpuSecondsPerGigabyte => sample.receiver_cpu_seconds? / (bytes / 1e9),
            Self::BothCpuSecondsPerGigabyte => {
                (sample.cpu_seconds + sample.receiver_cpu_seconds?) / (bytes / 1e9)
            }
            Self::SystemCallsPerMebibyte => sample.system_calls as f64 / (bytes / 1_048_576.0),
        };
        figure.is_finite().then_some(figure)
    }

    /// What stands behind a figure.
    pub fn unit(self) -> &'static str {
        match self {
            Self::MegabytesPerSecond => "MB/s",
            Self::OperationsPerSecond => "a second",
            Self::CpuSecondsPerGigabyte => "CPU s/GB",
            Self::ReceiverCpuSecondsPerGigabyte => "receiver CPU s/GB",
            Self::BothCpuSecondsPerGigabyte => "CPU s/GB of both ends",
            Self::SystemCallsPerMebibyte => "system calls/MiB",
        }
    }

    /// Whether the larger figure is the better one.
    pub fn more_is_better(self) -> bool {
        matches!(self, Self::MegabytesPerSecond | Self::OperationsPerSecond)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sample() -> Sample {
        Sample {
            round: 0,
            seconds: 2.0,
            bytes: 4_000_000_000,
            operations: 1000,
            cpu_seconds: 1.0,
            receiver_cpu_seconds: None,
            system_calls: 8,
            pages_per_folio: None,
        }
    }

    #[test]
    fn figures_are_rates_of_what_was_measured() {
        assert_eq!(Metric::MegabytesPerSecond.of(&sample()), Some(2000.0));
        assert_eq!(Metric::OperationsPerSecond.of(&sample()), Some(500.0));
        assert_eq!(Metric::CpuSecondsPerGigabyte.of(&sample()), Some(0.25));
        assert_eq!(Metric::ReceiverCpuSecondsPerGigabyte.of(&sample()), None);
        let received = Sample { receiver_cpu_seconds: Some(3.0), ..sample() };
        assert_eq!(Metric::BothCpuSecondsPerGigabyte.of(&received), Some(1.0));
    }

    #[test]
    fn nothing_sent_has_no_figure() {
        let nothing = Sample { bytes: 0, ..sample() };
        assert_eq!(Metric::CpuSecondsPerGigabyte.of(&nothing), None);
    }
}

//! Time, CPU time and memory of this process.

use std::time::Instant;

use anyhow::{Context, Result};
use nix::sys::resource::{Usage, UsageWho, getrusage};
use nix::sys::time::{TimeVal, TimeValLike};

use crate::samples::Metrics;

/// Begins to measure.
pub struct Meter {
    cpu: TimeVal,
    at: Instant,
}

impl Meter {
    pub fn start() -> Result<Meter> {
        Ok(Meter { cpu: cpu(&getrusage(UsageWho::RUSAGE_SELF)?), at: Instant::now() })
    }

    /// Seconds and CPU seconds since the start, of all threads.
    pub fn stop(self) -> Result<Metrics> {
        let seconds = self.at.elapsed().as_secs_f64();
        let cpu = cpu(&getrusage(UsageWho::RUSAGE_SELF)?) - self.cpu;
        let cpu_s = cpu.num_microseconds() as f64 / 1e6;
        Ok([("seconds".to_owned(), seconds), ("cpu_s".to_owned(), cpu_s)].into())
    }
}

/// What the work took for each of so many bytes.
pub fn per_bytes(metrics: &mut Metrics, bytes: u64) {
    let (bytes, get) = (bytes as f64, |name: &str| metrics.get(name).copied().unwrap_or_default());
    let (rate, cost) = (bytes / 1e6 / get("seconds"), get("cpu_s") / (bytes / 1e9));
    metrics.extend([("mb_per_s".to_owned(), rate), ("cpu_s_per_gb".to_owned(), cost)]);
}

fn cpu(usage: &Usage) -> TimeVal {
    usage.user_time() + usage.system_time()
}

/// The largest resident size of this process so far.
pub fn peak_mb() -> Result<f64> {
    let status = std::fs::read_to_string("/proc/self/status")?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).context("no VmHWM")?;
    let kib: f64 = line.trim().trim_end_matches(" kB").parse()?;
    Ok(kib * 1024.0 / 1e6)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn spinning_costs_cpu_time() {
        let before = cpu(&getrusage(UsageWho::RUSAGE_SELF).unwrap());
        let mut sum = 0_u64;
        while (cpu(&getrusage(UsageWho::RUSAGE_SELF).unwrap()) - before).num_microseconds() < 5_000 {
            sum = std::hint::black_box(sum + 1);
        }
        assert!(sum > 0 && peak_mb().unwrap() > 0.1);
    }
}

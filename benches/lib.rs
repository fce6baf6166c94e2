//! What the benches share: ready-made batches and logs.
#![allow(
    clippy::unwrap_used,
    clippy::missing_panics_doc,
    reason = "a bench that cannot set up its input has nothing to measure"
)]

use ottla::{Environment, Log, LogConfig};
use ottla_record::BatchBuilder;

/// A batch of about `batch_bytes` in records of `record_bytes`.
pub fn batch(batch_bytes: usize, record_bytes: usize) -> Vec<u8> {
    let value = vec![b'k'; record_bytes];
    let mut builder = BatchBuilder::new();
    for _ in 0..(batch_bytes / record_bytes).max(1) {
        builder.push(1_700_000_000_000, None, Some(&value), &[]).unwrap();
    }
    builder.build().unwrap()
}

/// A log in a directory that lives as long as the returned value.
pub fn log(config: LogConfig) -> (tempfile::TempDir, Log) {
    let dir = tempfile::tempdir().unwrap();
    let (log, _) = Log::open_with(dir.path().join("bench-0"), config, Environment::default()).unwrap();
    (dir, log)
}

/// Appends `batch` until the log holds `size_bytes`.
pub fn fill(log: &Log, batch: &[u8], size_bytes: u64) {
    for _ in 0..size_bytes / batch.len() as u64 {
        log.append(batch).unwrap();
    }
}

/// The largest resident size of this process so far, in MB.
#[allow(clippy::disallowed_methods, reason = "it is about the process, not about a log")]
pub fn most_resident_mb() -> f64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap();
    let peak_kb: u64 = status
        .lines()
        .find_map(|line| line.strip_prefix("VmHWM:"))
        .and_then(|rest| rest.trim().trim_end_matches(" kB").parse().ok())
        .unwrap();
    peak_kb as f64 / 1024.0
}

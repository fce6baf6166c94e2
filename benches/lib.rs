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

//! What the tests of the engine share, those of `power_loss` too.

mod driver;
mod history;
mod inspect;
mod reference;

pub(crate) use driver::{Driver, Stopped};
pub(crate) use history::{History, SentBatch};
pub(crate) use inspect::{check_producers, inspect, log_path, values_between};
pub(crate) use reference::Reference;

use std::path::Path;
use std::sync::Arc;

use ottla::{Environment, Log, LogConfig, RecoveryReport, Result};
use ottla_record::BatchBuilder;
use ottla_testkit::{SimClock, SimFs};

pub(crate) const DATA: &str = "/data";
pub(crate) const DIR: &str = "/data/letters-0";
pub(crate) const NOW_MS: i64 = 1_700_000_000_000;

/// Segments of a few batches, and an index entry for nearly each.
pub(crate) fn small() -> LogConfig {
    LogConfig { segment_bytes: 1200, index_interval_bytes: 200, ..LogConfig::default() }
}

pub(crate) fn environment(fs: &SimFs) -> Environment {
    environment_at(fs, &Arc::new(SimClock::at_ms(NOW_MS)))
}

pub(crate) fn environment_at(fs: &SimFs, clock: &Arc<SimClock>) -> Environment {
    Environment { fs: Arc::new(fs.clone()), clock: clock.clone() }
}

pub(crate) fn open(fs: &SimFs, config: &LogConfig) -> Result<(Log, RecoveryReport)> {
    Log::open_with(Path::new(DIR), config.clone(), environment(fs))
}

/// A batch with one record for each value; `first` orders the timestamps.
pub(crate) fn batch<V: AsRef<[u8]>>(builder: BatchBuilder, values: &[V], first: i64) -> Vec<u8> {
    let mut builder = builder;
    for (value, number) in values.iter().zip(first..) {
        builder.push(NOW_MS + number, Some(b"k"), Some(value.as_ref()), &[]).unwrap();
    }
    builder.build().unwrap()
}

/// A number that whoever runs the tests may set.
pub(crate) fn setting(name: &str, default: usize) -> usize {
    std::env::var(name).ok().and_then(|value| value.parse().ok()).unwrap_or(default)
}

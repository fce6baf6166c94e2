//! Batches are appended to a new file, and synced after each, after some, by time, or never.

use std::os::unix::fs::FileExt;
use std::time::{Duration, Instant};

use crate::claims::bench::Bench;
use crate::claims::error::{Unmeasured, doing};
use crate::claims::meter::{Budget, Done, Meter};
use crate::claims::sample::Sample;
use crate::claims::work::{Policy, Sync};

const BATCH_BYTES: usize = 4096;

/// Measures one case. Where the policy syncs at all, everything that is counted is on the disk at the end.
///
/// # Errors
/// A reason to skip it, or to end the run.
pub fn measure(work: &Sync, bench: &mut Bench) -> Result<Sample, Unmeasured> {
    bench.scratch.expect_a_disk()?;
    let file = bench.scratch.empty_file(bench.scale.file_bytes, BATCH_BYTES)?;
    let batch = [fastrand::Rng::with_seed(u64::from(bench.round)).u8(..); BATCH_BYTES];
    let mut done = Done::default();
    let mut unsynced = 0;
    let mut budget = Budget::new(bench.scale.at_most_ms);
    let meter = Meter::start()?;
    let mut synced_at = Instant::now();
    while done.bytes < bench.scale.file_bytes && !budget.is_spent() {
        file.write_all_at(&batch, done.bytes).map_err(doing("appending"))?;
        done.bytes += BATCH_BYTES as u64;
        done.operations += 1;
        done.system_calls += 1;
        unsynced += 1;
        if is_due(work.policy, unsynced, || synced_at.elapsed()) {
            file.sync_data().map_err(doing("fdatasync"))?;
            done.system_calls += 1;
            unsynced = 0;
            synced_at = Instant::now();
        }
    }
    if work.policy != Policy::Never && unsynced > 0 {
        file.sync_data().map_err(doing("fdatasync"))?;
        done.system_calls += 1;
    }
    Ok(meter.stop(done, bench.round)?)
}

/// Whether what was appended since the last sync is to be synced now.
fn is_due(policy: Policy, unsynced: u32, since_the_last: impl FnOnce() -> Duration) -> bool {
    match policy {
        Policy::Each => true,
        Policy::Every(appends) => unsynced >= appends,
        Policy::IntervalMs(ms) => since_the_last() >= Duration::from_millis(u64::from(ms)),
        Policy::Never => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_policy_says_when_a_sync_is_due() {
        let at = |ms| move || Duration::from_millis(ms);
        assert!(is_due(Policy::Each, 1, at(0)));
        assert!(!is_due(Policy::Every(8), 7, at(99)) && is_due(Policy::Every(8), 8, at(0)));
        assert!(!is_due(Policy::IntervalMs(20), 99, at(19)) && is_due(Policy::IntervalMs(20), 1, at(20)));
        assert!(!is_due(Policy::Never, 99, at(99)));
    }
}

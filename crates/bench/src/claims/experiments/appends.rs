//! Records are appended one by one or in batches, and left to the page cache.

use std::os::unix::fs::FileExt;

use crate::claims::bench::Bench;
use crate::claims::error::{Unmeasured, doing};
use crate::claims::meter::{Budget, Done, Meter};
use crate::claims::sample::Sample;
use crate::claims::work::Append;

const RECORD_BYTES: usize = 1024;

/// Measures one case. Collecting the records of a batch belongs to it.
///
/// # Errors
/// A reason to end the run.
pub fn measure(work: &Append, bench: &mut Bench) -> Result<Sample, Unmeasured> {
    let batch_bytes = RECORD_BYTES * work.records_per_write;
    let file = bench.scratch.empty_file(bench.scale.file_bytes, batch_bytes)?;
    let record = [fastrand::Rng::with_seed(u64::from(bench.round)).u8(..); RECORD_BYTES];
    let mut batch = Vec::with_capacity(batch_bytes);
    let mut done = Done::default();
    let mut budget = Budget::new(bench.scale.at_most_ms);
    let meter = Meter::start()?;
    while done.bytes < bench.scale.file_bytes && !budget.is_spent() {
        batch.clear();
        for _ in 0..work.records_per_write {
            batch.extend_from_slice(&record);
        }
        file.write_all_at(&batch, done.bytes).map_err(doing("appending"))?;
        done.bytes += batch.len() as u64;
        done.operations += work.records_per_write as u64;
        done.system_calls += 1;
    }
    Ok(meter.stop(done, bench.round)?)
}

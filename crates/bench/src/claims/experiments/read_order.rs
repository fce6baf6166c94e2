//! Blocks of a file are read, in order or at random, from the disk or from the page cache.

use std::os::unix::fs::FileExt;

use super::places::places;
use crate::claims::bench::Bench;
use crate::claims::cache::{advise, evict, warm};
use crate::claims::error::{Unmeasured, doing};
use crate::claims::meter::{Budget, Done, Meter};
use crate::claims::sample::Sample;
use crate::claims::work::{Advice, Cache, Read};

/// Measures one case.
///
/// # Errors
/// A reason to skip it, or to end the run.
pub fn measure(work: &Read, bench: &mut Bench) -> Result<Sample, Unmeasured> {
    if work.cache == Cache::Cold {
        bench.scratch.expect_a_disk()?;
    }
    let file = bench.file_to_read()?;
    match work.cache {
        Cache::Cold => evict(&file)?,
        Cache::Warm => warm(&file)?,
    }
    advise(&file, work.advice)?;
    let places = places(bench.scale.file_bytes, work.block_bytes, work.order, bench.round);
    let mut block = vec![0; work.block_bytes];
    let mut done = Done::default();
    let mut budget = Budget::new(bench.scale.at_most_ms);
    let meter = Meter::start()?;
    for place in places {
        if budget.is_spent() {
            break;
        }
        file.read_exact_at(&mut block, place).map_err(doing("reading a block"))?;
        done.bytes += work.block_bytes as u64;
        done.operations += 1;
    }
    done.system_calls = done.operations;
    let sample = meter.stop(done, bench.round)?;
    advise(&file, Advice::Default)?;
    Ok(sample)
}

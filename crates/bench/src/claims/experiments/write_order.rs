//! Blocks are written over those of a file, in order or at random, around the page cache or through it.

use std::os::unix::fs::FileExt;

use memmap2::MmapMut;

use super::places::places;
use crate::claims::bench::Bench;
use crate::claims::error::{Unmeasured, doing};
use crate::claims::meter::{Budget, Done, Meter};
use crate::claims::sample::Sample;
use crate::claims::scratch::direct;
use crate::claims::work::{Through, Write};

/// Measures one case. The sync at the end belongs to it.
///
/// # Errors
/// A reason to skip it, or to end the run.
pub fn measure(work: &Write, bench: &mut Bench) -> Result<Sample, Unmeasured> {
    bench.scratch.expect_a_disk()?;
    let file = bench.file_to_write()?;
    let around = match work.through {
        Through::Direct => Some(direct(&file)?),
        Through::PageCache => None,
    };
    let target = around.as_ref().unwrap_or(&file);
    // O_DIRECT takes only memory that begins where a page does.
    let mut block = MmapMut::map_anon(work.block_bytes).map_err(doing("memory for a block"))?;
    fastrand::Rng::with_seed(u64::from(bench.round)).fill(&mut block);
    let places = places(bench.scale.file_bytes, work.block_bytes, work.order, bench.round);
    let mut done = Done::default();
    let mut budget = Budget::new(bench.scale.at_most_ms);
    let meter = Meter::start()?;
    for place in places {
        if budget.is_spent() {
            break;
        }
        target.write_all_at(&block, place).map_err(doing("writing a block"))?;
        done.bytes += work.block_bytes as u64;
        done.operations += 1;
    }
    target.sync_data().map_err(doing("fdatasync"))?;
    done.system_calls = done.operations + 1;
    Ok(meter.stop(done, bench.round)?)
}

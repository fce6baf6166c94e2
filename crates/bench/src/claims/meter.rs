//! What a stretch of work took.

use std::time::{Duration, Instant};

use nix::time::{ClockId, clock_gettime};

use super::error::{Error, doing};
use super::sample::Sample;

/// Runs from its start to its stop.
pub struct Meter {
    began: Instant,
    cpu: Duration,
}

/// What was done meanwhile.
#[derive(Clone, Copy, Debug, Default)]
pub struct Done {
    /// Bytes that were written, read or sent.
    pub bytes: u64,
    /// Blocks, records or chunks.
    pub operations: u64,
    /// Counted where they were made.
    pub system_calls: u64,
}

impl Meter {
    /// Begins.
    ///
    /// # Errors
    /// Those of the CPU clock.
    pub fn start() -> Result<Self, Error> {
        let cpu = cpu(ClockId::CLOCK_PROCESS_CPUTIME_ID)?;
        Ok(Self { began: Instant::now(), cpu })
    }

    /// Ends.
    ///
    /// # Errors
    /// Those of the CPU clock.
    pub fn stop(self, done: Done, round: u32) -> Result<Sample, Error> {
        let seconds = self.began.elapsed().as_secs_f64();
        let cpu = cpu(ClockId::CLOCK_PROCESS_CPUTIME_ID)?.saturating_sub(self.cpu);
        Ok(Sample {
            round,
            seconds,
            bytes: done.bytes,
            operations: done.operations,
            cpu_seconds: cpu.as_secs_f64(),
            receiver_cpu_seconds: None,
            system_calls: done.system_calls,
            pages_per_folio: None,
        })
    }
}

/// User and system time of the calling thread.
///
/// # Errors
/// Those of the CPU clock.
pub fn thread_cpu() -> Result<Duration, Error> {
    cpu(ClockId::CLOCK_THREAD_CPUTIME_ID)
}

fn cpu(clock: ClockId) -> Result<Duration, Error> {
    Ok(clock_gettime(clock).map_err(doing("the CPU clock"))?.into())
}

/// The longest that a loop goes on.
pub struct Budget {
    until: Instant,
    calls: u32,
}

impl Budget {
    /// From now on.
    pub fn new(at_most_ms: u64) -> Self {
        Self { until: Instant::now() + Duration::from_millis(at_most_ms), calls: 0 }
    }

    /// Whether it is time to stop. Looks at the clock once in a while, since a look costs as much as a small read.
    pub fn is_spent(&mut self) -> bool {
        const CALLS_A_LOOK: u32 = 16;
        self.calls += 1;
        self.calls.is_multiple_of(CALLS_A_LOOK) && Instant::now() >= self.until
    }
}

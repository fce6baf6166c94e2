//! The time of a load: nanoseconds since its start, and what the records say it is.

use std::thread::sleep;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use super::settings::Timestamps;

/// Where a load's time begins.
#[derive(Clone, Copy, Debug)]
pub struct Timeline {
    start: Instant,
    start_unix_ms: i64,
}

impl Timeline {
    /// A start that lies ahead, so that all threads are there when it comes.
    pub fn starting_in(lead: Duration) -> Timeline {
        let unix = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default() + lead;
        let start_unix_ms = i64::try_from(unix.as_millis()).unwrap_or(i64::MAX);
        Timeline { start: Instant::now() + lead, start_unix_ms }
    }

    /// Nanoseconds since the start; 0 before it.
    pub fn now_ns(self) -> u64 {
        let since = Instant::now().saturating_duration_since(self.start);
        u64::try_from(since.as_nanos()).unwrap_or(u64::MAX)
    }

    /// Sleeps until then.
    pub fn wait_until(self, ns: u64) {
        let left = (self.start + Duration::from_nanos(ns)).saturating_duration_since(Instant::now());
        if !left.is_zero() {
            sleep(left);
        }
    }

    /// The timestamp of a batch that is due then.
    pub fn timestamp_ms(self, timestamps: Timestamps, due_ns: u64) -> i64 {
        match timestamps {
            Timestamps::Fixed(timestamp_ms) => timestamp_ms,
            Timestamps::Due => {
                self.start_unix_ms.saturating_add(i64::try_from(due_ns / 1_000_000).unwrap_or(i64::MAX))
            }
        }
    }
}

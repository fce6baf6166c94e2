//! Time that stands still until a test moves it.

use std::sync::atomic::{AtomicI64, AtomicU64, Ordering};
use std::time::Duration;

use ottla::clock::Clock;

/// A clock that a test owns. Wall time may be set anywhere; monotonic time only goes on.
///
/// ```
/// use std::time::Duration;
/// use ottla::clock::Clock;
/// use ottla_testkit::SimClock;
/// let clock = SimClock::at_ms(1_000);
/// clock.advance(Duration::from_millis(5));
/// clock.set_ms(-7); // the wall clock was set back
/// assert_eq!((clock.now_ms(), clock.monotonic()), (-7, Duration::from_millis(5)));
/// ```
#[derive(Debug, Default)]
pub struct SimClock {
    now_ms: AtomicI64,
    monotonic_ns: AtomicU64,
}

impl SimClock {
    /// A clock that shows this many milliseconds since 1970.
    pub fn at_ms(now_ms: i64) -> SimClock {
        SimClock { now_ms: AtomicI64::new(now_ms), monotonic_ns: AtomicU64::new(0) }
    }

    /// Time goes by: both clocks go on.
    pub fn advance(&self, by: Duration) {
        let ms = i64::try_from(by.as_millis()).unwrap_or(i64::MAX);
        let ns = u64::try_from(by.as_nanos()).unwrap_or(u64::MAX);
        self.now_ms.update(Ordering::SeqCst, Ordering::SeqCst, |now| now.saturating_add(ms));
        self.monotonic_ns.update(Ordering::SeqCst, Ordering::SeqCst, |now| now.saturating_add(ns));
    }

    /// Somebody sets the wall clock; monotonic time does not notice.
    pub fn set_ms(&self, now_ms: i64) {
        self.now_ms.store(now_ms, Ordering::SeqCst);
    }
}

impl Clock for SimClock {
    fn now_ms(&self) -> i64 {
        self.now_ms.load(Ordering::SeqCst)
    }

    fn monotonic(&self) -> Duration {
        Duration::from_nanos(self.monotonic_ns.load(Ordering::SeqCst))
    }
}

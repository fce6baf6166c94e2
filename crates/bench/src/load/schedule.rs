//! When each batch is due. Fixed before the first is sent: nothing that a broker does moves it.

use std::time::Duration;

use super::settings::Span;

const SECOND_NS: u128 = 1_000_000_000;
/// Rates are counted in batches in a thousand seconds, so that less than one a second can be asked for.
const MILLI: f64 = 1_000.0;

/// A due time for each batch, by its number.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Schedule {
    millirate: u128,
    uncounted: u64,
    total: u64,
}

impl Schedule {
    /// So many batches a second, through the warm-up and then for the span.
    pub fn new(rate: f64, warm_up: Duration, span: Span, batch_bytes: usize) -> Schedule {
        let millirate = ((rate * MILLI) as u128).max(1);
        let within = |time: Duration| {
            u64::try_from(time.as_nanos() * millirate / 1_000 / SECOND_NS).unwrap_or(u64::MAX)
        };
        let uncounted = within(warm_up);
        let total = match span {
            Span::Time(time) => within(warm_up + time),
            Span::Bytes(bytes) => uncounted.saturating_add(bytes / batch_bytes.max(1) as u64),
        };
        Schedule { millirate, uncounted, total: total.max(uncounted + 1) }
    }

    /// When the batch of this number is due, in nanoseconds from the start.
    pub fn due_ns(self, number: u64) -> u64 {
        u64::try_from(u128::from(number) * SECOND_NS * 1_000 / self.millirate).unwrap_or(u64::MAX)
    }

    /// Whether it counts, rather than belongs to the warm-up.
    pub fn counts(self, number: u64) -> bool {
        number >= self.uncounted
    }

    /// When the first that counts is due.
    pub fn counted_from_ns(self) -> u64 {
        self.due_ns(self.uncounted)
    }

    /// How many batches there are.
    pub fn total(self) -> u64 {
        self.total
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECOND: Duration = Duration::from_secs(1);

    #[test]
    fn batches_are_spread_evenly_and_the_last_due_time_does_not_drift() {
        let schedule = Schedule::new(3_000.0, SECOND, Span::Time(10 * SECOND), 1);
        assert_eq!((schedule.total(), schedule.counted_from_ns()), (33_000, 1_000_000_000));
        assert_eq!([0, 1, 2, 3].map(|n| schedule.due_ns(n)), [0, 333_333, 666_666, 1_000_000]);
        assert_eq!(schedule.due_ns(3_000_000_000), 1_000_000_000_000_000);
        assert!(!schedule.counts(2_999) && schedule.counts(3_000));
    }

    #[test]
    fn a_span_of_bytes_is_a_number_of_batches_after_the_warm_up() {
        let schedule = Schedule::new(10.0, SECOND, Span::Bytes(1_000), 100);
        assert_eq!(schedule.total(), 20);
    }

    #[test]
    fn less_than_one_a_second_works_and_something_is_always_sent() {
        let slow = Schedule::new(0.5, Duration::ZERO, Span::Time(SECOND), 1);
        assert_eq!((slow.total(), slow.due_ns(1)), (1, 2_000_000_000));
    }
}

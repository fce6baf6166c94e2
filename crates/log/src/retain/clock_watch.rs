//! Has the wall clock jumped? Ages are differences of wall times, so a clock that is set to a wrong time
//! would have everything deleted. Monotonic time tells how far the wall clock should have come.

use std::time::Duration;

use crate::clock::Clock;

/// Two clocks drift apart by this much without a jump: the slewing that keeps a clock right comes to 0.05 %.
const DRIFT: u32 = 1_000;
/// Leap seconds, rounding, and small corrections are no jumps.
const TOLERANCE: Duration = Duration::from_secs(60);
/// After a jump nothing goes by age for so long: one of Kafka's rounds (`log.retention.check.interval.ms`), in
/// which a clock that was set wrong by mistake can be set right.
const GRACE: Duration = Duration::from_secs(300);

/// What a jump is told with.
pub(crate) const JUMPED: &str =
    "the wall clock has jumped; for a few minutes no segment is removed because of its age";

/// What the wall clock is worth.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Wall {
    /// It went on with the time that passed.
    Steady,
    /// It jumped since it was last looked at, by so many milliseconds.
    Jumped(i64),
    /// It jumped a short while ago.
    Settling,
}

/// Remembers what the clocks said when they were last looked at.
#[derive(Debug)]
pub(crate) struct ClockWatch {
    wall_ms: i64,
    monotonic: Duration,
    /// Until then nothing goes by age.
    settled_at: Duration,
}

impl ClockWatch {
    pub(crate) fn new(clock: &dyn Clock) -> ClockWatch {
        ClockWatch { wall_ms: clock.now_ms(), monotonic: clock.monotonic(), settled_at: Duration::ZERO }
    }

    /// Looks at the clocks again.
    pub(crate) fn look(&mut self, clock: &dyn Clock) -> Wall {
        let (wall_ms, monotonic) = (clock.now_ms(), clock.monotonic());
        let passed = monotonic.saturating_sub(self.monotonic);
        let jump = jump_ms(wall_ms.saturating_sub(self.wall_ms), passed);
        (self.wall_ms, self.monotonic) = (wall_ms, monotonic);
        match jump {
            Some(by_ms) => {
                self.settled_at = monotonic.saturating_add(GRACE);
                Wall::Jumped(by_ms)
            }
            None if monotonic < self.settled_at => Wall::Settling,
            None => Wall::Steady,
        }
    }
}

/// By how much the wall clock jumped while `passed` went by; `None` where it did not.
fn jump_ms(wall_passed_ms: i64, passed: Duration) -> Option<i64> {
    let passed_ms = i64::try_from(passed.as_millis()).unwrap_or(i64::MAX);
    let by_ms = wall_passed_ms.saturating_sub(passed_ms);
    let tolerated = TOLERANCE.saturating_add(passed / DRIFT);
    (u128::from(by_ms.unsigned_abs()) > tolerated.as_millis()).then_some(by_ms)
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECOND: i64 = 1_000;
    const DAY: i64 = 86_400 * SECOND;

    fn passed(ms: i64) -> Duration {
        Duration::from_millis(ms.unsigned_abs())
    }

    #[test]
    fn what_is_a_jump_and_what_is_not() {
        for (wall_passed_ms, passed_ms, jump) in [
            (0, 0, None),
            (10 * SECOND, 10 * SECOND, None),
            (70 * SECOND, 10 * SECOND, None),
            (70 * SECOND + 1, 10 * SECOND, None),
            (71 * SECOND, 10 * SECOND, Some(61 * SECOND)),
            (-60 * SECOND, 0, None),
            (-61 * SECOND, 0, Some(-61 * SECOND)),
            (0, DAY, Some(-DAY)),
            (DAY + 100 * SECOND, DAY, None),
            (DAY + 200 * SECOND, DAY, Some(200 * SECOND)),
            (i64::MAX, 0, Some(i64::MAX)),
            (i64::MIN, i64::MAX, Some(i64::MIN)),
        ] {
            assert_eq!(jump_ms(wall_passed_ms, passed(passed_ms)), jump, "{wall_passed_ms} in {passed_ms}");
        }
    }
}

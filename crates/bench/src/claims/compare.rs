//! From samples to a decision. Nothing here measures.

use serde::Serialize;

/// Where the samples of one case lie.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Spread {
    /// Half of them lie below.
    pub median: f64,
    /// The lowest.
    pub min: f64,
    /// The highest.
    pub max: f64,
}

/// What rounds decide about one comparison.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Decision {
    /// What was said holds.
    Holds,
    /// It does not.
    DoesNotHold,
    /// The rounds contradict each other, or there are too few.
    NotDecided,
}

/// Fewer rounds decide nothing.
pub const FEWEST_ROUNDS: usize = 3;
/// Of so many rounds one may say the opposite.
const ROUNDS_FOR_A_DISSENTER: usize = 5;

/// The spread of these values; none of nothing.
pub fn spread(values: &[f64]) -> Option<Spread> {
    let mut sorted = values.to_vec();
    sorted.sort_by(f64::total_cmp);
    let middle = sorted.len() / 2;
    let upper = *sorted.get(middle)?;
    let median = match (sorted.len() % 2, middle.checked_sub(1).and_then(|below| sorted.get(below))) {
        (0, Some(lower)) => f64::midpoint(*lower, upper),
        _ => upper,
    };
    Some(Spread { median, min: *sorted.first()?, max: *sorted.last()? })
}

/// Whether the ratios, one a round, reach `at_least`: all rounds must agree, of five one may dissent, of ten two.
///
/// ```
/// use ottla_bench::claims::{Decision, decide};
/// assert_eq!(decide(&[2.1, 2.0, 2.3], 2.0), Decision::Holds);
/// assert_eq!(decide(&[2.1, 1.9, 2.3], 2.0), Decision::NotDecided);
/// ```
pub fn decide(ratios: &[f64], at_least: f64) -> Decision {
    let rounds = ratios.len();
    let agreeing = ratios.iter().filter(|ratio| **ratio >= at_least).count();
    let dissenters = rounds / ROUNDS_FOR_A_DISSENTER;
    match agreeing {
        _ if rounds < FEWEST_ROUNDS => Decision::NotDecided,
        agreeing if rounds - agreeing <= dissenters => Decision::Holds,
        agreeing if agreeing <= dissenters => Decision::DoesNotHold,
        _ => Decision::NotDecided,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_median_is_the_middle_or_between_the_two_middles() {
        assert_eq!(spread(&[3.0, 1.0, 2.0]), Some(Spread { median: 2.0, min: 1.0, max: 3.0 }));
        assert_eq!(spread(&[4.0, 1.0, 2.0, 3.0]), Some(Spread { median: 2.5, min: 1.0, max: 4.0 }));
        assert_eq!(spread(&[]), None);
    }

    #[test]
    fn two_rounds_decide_nothing() {
        assert_eq!(decide(&[9.0, 9.0], 1.0), Decision::NotDecided);
        assert_eq!(decide(&[], 1.0), Decision::NotDecided);
    }

    #[test]
    fn of_three_rounds_all_must_agree() {
        assert_eq!(decide(&[2.0, 2.0, 2.0], 2.0), Decision::Holds);
        assert_eq!(decide(&[1.0, 1.9, 1.9], 2.0), Decision::DoesNotHold);
        assert_eq!(decide(&[9.0, 9.0, 1.9], 2.0), Decision::NotDecided);
    }

    #[test]
    fn of_five_rounds_one_may_dissent_but_not_two() {
        assert_eq!(decide(&[3.0, 3.0, 3.0, 3.0, 1.0], 2.0), Decision::Holds);
        assert_eq!(decide(&[1.0, 1.0, 1.0, 1.0, 3.0], 2.0), Decision::DoesNotHold);
        assert_eq!(decide(&[3.0, 3.0, 3.0, 1.0, 1.0], 2.0), Decision::NotDecided);
    }
}

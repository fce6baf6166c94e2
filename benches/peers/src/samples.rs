//! What was measured.

use std::collections::BTreeMap;

/// Figures by name.
pub type Metrics = BTreeMap<String, f64>;

/// The figures of one log in one round of one work.
pub struct Sample {
    pub round: usize,
    pub peer: &'static str,
    pub work: &'static str,
    pub metrics: Metrics,
}

/// A measurement that a log did not get through.
pub struct Failure {
    pub round: usize,
    pub peer: &'static str,
    pub work: &'static str,
    pub why: String,
}

#[derive(Default)]
pub struct Samples {
    pub measured: Vec<Sample>,
    pub failed: Vec<Failure>,
}

/// Best and median over the rounds.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Summary {
    pub best: f64,
    pub median: f64,
}

impl Samples {
    pub fn values(&self, peer: &str, work: &str, metric: &str) -> Vec<f64> {
        let of = self.measured.iter().filter(|sample| sample.peer == peer && sample.work == work);
        of.filter_map(|sample| sample.metrics.get(metric).copied()).collect()
    }
}

/// `None` where nothing was measured.
pub fn summary(mut values: Vec<f64>, lower_is_better: bool) -> Option<Summary> {
    values.sort_by(f64::total_cmp);
    let best = *if lower_is_better { values.first() } else { values.last() }?;
    let middle = values.len() / 2;
    let median =
        if values.len() % 2 == 1 { values[middle] } else { (values[middle - 1] + values[middle]) / 2.0 };
    Some(Summary { best, median })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_best_is_the_lowest_of_costs_and_the_highest_of_rates() {
        assert_eq!(summary(vec![3.0, 1.0, 2.0], true), Some(Summary { best: 1.0, median: 2.0 }));
        assert_eq!(summary(vec![3.0, 1.0], false), Some(Summary { best: 3.0, median: 2.0 }));
        assert_eq!(summary(Vec::new(), true), None);
    }
}

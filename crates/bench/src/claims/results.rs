//! What was measured, by case.

use std::collections::BTreeMap;

use serde::Serialize;

use super::sample::{Metric, Sample};
use super::work::Work;

/// What is known of one case.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Outcome {
    /// One sample a round.
    Samples(Vec<Sample>),
    /// Why this machine cannot do it.
    Skipped(String),
}

/// All cases that were tried.
#[derive(Clone, Debug, Default)]
pub struct Results {
    by_work: BTreeMap<Work, Outcome>,
}

impl Results {
    /// Adds a sample; a case that was skipped stays so.
    pub fn add(&mut self, work: Work, sample: Sample) {
        let outcome = self.by_work.entry(work).or_insert_with(|| Outcome::Samples(Vec::new()));
        if let Outcome::Samples(samples) = outcome {
            samples.push(sample);
        }
    }

    /// Takes a case out. What was measured of it is no longer believed.
    pub fn skip(&mut self, work: Work, reason: String) {
        self.by_work.insert(work, Outcome::Skipped(reason));
    }

    /// What is known of a case; none where it was not tried.
    pub fn get(&self, work: &Work) -> Option<&Outcome> {
        self.by_work.get(work)
    }

    /// Whether it was taken out.
    pub fn is_skipped(&self, work: &Work) -> bool {
        matches!(self.get(work), Some(Outcome::Skipped(_)))
    }

    /// All of them, experiment by experiment.
    pub fn iter(&self) -> impl Iterator<Item = (&Work, &Outcome)> {
        self.by_work.iter()
    }

    /// One figure of each sample of a case, and of which round it is.
    pub fn figures(&self, work: &Work, metric: Metric) -> Vec<(u32, f64)> {
        let Some(Outcome::Samples(samples)) = self.get(work) else { return Vec::new() };
        samples.iter().filter_map(|sample| Some((sample.round, metric.of(sample)?))).collect()
    }
}

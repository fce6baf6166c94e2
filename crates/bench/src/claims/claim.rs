//! A claim, the comparisons it stands on, and what samples make of it. Nothing here measures.

use serde::Serialize;

use super::compare::{Decision, FEWEST_ROUNDS, Spread, decide, spread};
use super::plan::Scale;
use super::results::{Outcome, Results};
use super::sample::Metric;
use super::work::Work;

/// Something that is said about logs.
#[derive(Clone, Copy, Debug)]
pub struct Claim {
    /// What `--only` takes.
    pub name: &'static str,
    /// What is said, in one sentence.
    pub sentence: &'static str,
    /// The figure that decides.
    pub metric: Metric,
    /// The comparisons that decide.
    pub asks: fn(&Scale) -> Vec<Comparison>,
    /// What is measured and drawn besides.
    pub shows: fn(&Scale) -> Vec<Work>,
    /// Why it holds where it does.
    pub where_it_holds: &'static str,
    /// Why it does not where it does not.
    pub where_it_does_not: &'static str,
}

const UNDECIDED: &str = "The rounds contradict each other, or there are fewer than three. Run it again with nothing else at work, or with more \
                         --rounds; a difference that small may be none.";

/// `left` is at least so many times as good as `right`.
#[derive(Clone, Debug, PartialEq)]
pub struct Comparison {
    /// Under which circumstances, in a few words.
    pub setting: String,
    /// The side of which something is claimed.
    pub left: Work,
    /// What it is compared with.
    pub right: Work,
    /// How many times as good; below one where it only must not be much worse.
    pub at_least: f64,
}

/// What came of a claim.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Verdict {
    /// In every setting that was decided.
    Holds,
    /// In some settings and not in others.
    Depends,
    /// In none.
    DoesNotHold,
    /// The spread allows no word.
    NotDecided,
    /// Nothing could be measured here.
    Skipped,
}

/// What came of one comparison.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Finding {
    /// Under which circumstances.
    pub setting: String,
    /// The side of which something is claimed.
    pub left: String,
    /// What it is compared with.
    pub right: String,
    /// Figures of the left side.
    pub left_figures: Option<Spread>,
    /// Figures of the right side.
    pub right_figures: Option<Spread>,
    /// How many times as good the left is, round by round.
    pub ratios: Vec<f64>,
    /// Where those lie.
    pub ratio: Option<Spread>,
    /// What was asked.
    pub at_least: f64,
    /// What the rounds say; none where a side could not be measured.
    pub decision: Option<Decision>,
    /// Why a side could not be measured.
    pub skipped: Option<String>,
}

/// A claim with everything that was found about it.
#[derive(Clone, Debug, Serialize)]
pub struct Judged {
    /// Its name.
    pub name: &'static str,
    /// What is said.
    pub sentence: &'static str,
    /// The figure that decides.
    pub metric: Metric,
    /// Whether it holds here.
    pub verdict: Verdict,
    /// Why, for each way it came out.
    pub why: Vec<&'static str>,
    /// One for each comparison.
    pub findings: Vec<Finding>,
    /// The rows of its plot.
    #[serde(skip)]
    pub rows: Vec<Work>,
}

impl Claim {
    /// Every case that it compares or shows, each once, in the order of its plot.
    pub fn works(&self, scale: &Scale) -> Vec<Work> {
        let sides = (self.asks)(scale).into_iter().flat_map(|asked| [asked.left, asked.right]);
        let mut works: Vec<Work> = Vec::new();
        for work in sides.chain((self.shows)(scale)) {
            if !works.contains(&work) {
                works.push(work);
            }
        }
        works
    }

    /// What the samples say.
    pub fn judge(&self, scale: &Scale, results: &Results) -> Judged {
        let findings: Vec<Finding> =
            (self.asks)(scale).iter().map(|asked| asked.find(self.metric, results)).collect();
        let verdict = verdict(&findings);
        let why = match verdict {
            Verdict::Holds => vec![self.where_it_holds],
            Verdict::DoesNotHold => vec![self.where_it_does_not],
            Verdict::Depends => vec![self.where_it_holds, self.where_it_does_not],
            Verdict::NotDecided => vec![UNDECIDED],
            Verdict::Skipped => Vec::new(),
        };
        Judged {
            name: self.name,
            sentence: self.sentence,
            metric: self.metric,
            verdict,
            why,
            findings,
            rows: self.works(scale),
        }
    }
}

impl Comparison {
    /// What the samples of both sides say; samples of one round stand against each other.
    fn find(&self, metric: Metric, results: &Results) -> Finding {
        let (left, right) = (results.figures(&self.left, metric), results.figures(&self.right, metric));
        let ratios: Vec<f64> = left
            .iter()
            .filter_map(|(round, left)| {
                let (_, right) = right.iter().find(|(other, _)| other == round)?;
                Some(if metric.more_is_better() { left / right } else { right / left })
            })
            .filter(|ratio| ratio.is_finite())
            .collect();
        let skipped = [&self.left, &self.right].into_iter().find_map(|side| match results.get(side) {
            Some(Outcome::Skipped(reason)) => Some(reason.clone()),
            _ => None,
        });
        let values =
            |figures: &[(u32, f64)]| spread(&figures.iter().map(|(_, figure)| *figure).collect::<Vec<_>>());
        Finding {
            setting: self.setting.clone(),
            left: self.left.label(),
            right: self.right.label(),
            left_figures: values(&left),
            right_figures: values(&right),
            ratio: spread(&ratios),
            at_least: self.at_least,
            decision: skipped.is_none().then(|| decide(&ratios, self.at_least)),
            skipped,
            ratios,
        }
    }
}

/// What all comparisons together say: what is not decided in one setting takes nothing from what is in another.
pub fn verdict(findings: &[Finding]) -> Verdict {
    let has = |decision| findings.iter().any(|finding| finding.decision == Some(decision));
    match (has(Decision::Holds), has(Decision::DoesNotHold), has(Decision::NotDecided)) {
        (true, true, _) => Verdict::Depends,
        (true, false, _) => Verdict::Holds,
        (false, true, _) => Verdict::DoesNotHold,
        (false, false, true) => Verdict::NotDecided,
        (false, false, false) => Verdict::Skipped,
    }
}

impl Verdict {
    /// In words.
    pub fn words(self) -> &'static str {
        match self {
            Self::Holds => "holds here",
            Self::Depends => "depends",
            Self::DoesNotHold => "does not hold here",
            Self::NotDecided => "not decided here",
            Self::Skipped => "SKIPPED",
        }
    }
}

impl Judged {
    /// The verdict in words, and in how many settings it was reached where that was not in all.
    pub fn words(&self) -> String {
        let measured = self.findings.iter().filter(|finding| finding.skipped.is_none());
        let is_decided = |finding: &&Finding| finding.decision != Some(Decision::NotDecided);
        let (decided, all) = (measured.clone().filter(is_decided).count(), measured.count());
        match self.verdict {
            Verdict::NotDecided | Verdict::Skipped => self.verdict.words().to_owned(),
            _ if decided == all => self.verdict.words().to_owned(),
            _ => format!("{} (decided in {decided} of {all} settings)", self.verdict.words()),
        }
    }
}

impl Finding {
    /// The decision in words.
    pub fn words(&self) -> &'static str {
        match self.decision {
            Some(Decision::Holds) => "holds",
            Some(Decision::DoesNotHold) => "does not",
            Some(Decision::NotDecided) if self.ratios.len() < FEWEST_ROUNDS => "too few rounds",
            Some(Decision::NotDecided) => "not decided",
            None => "SKIPPED",
        }
    }
}

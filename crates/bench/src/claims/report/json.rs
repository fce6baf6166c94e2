//! For a program: everything, with every sample. The layout has a number, which changes with it.

use serde::Serialize;

use crate::claims::claim::Judged;
use crate::claims::machine::Machine;
use crate::claims::plan::Scale;
use crate::claims::results::Outcome;
use crate::claims::run::Report;
use crate::claims::work::Work;

/// The number of the layout.
pub const SCHEMA_VERSION: u32 = 1;

#[derive(Serialize)]
struct Document<'a> {
    schema: &'static str,
    schema_version: u32,
    began: &'a str,
    seconds: f64,
    rounds: u32,
    scale: &'a Scale,
    machine: &'a Machine,
    claims: &'a [Judged],
    series: Vec<Series<'a>>,
}

/// One case, and its samples or why it has none.
#[derive(Serialize)]
struct Series<'a> {
    label: String,
    case: &'a Work,
    copies_by_the_sender: Option<u32>,
    #[serde(flatten)]
    outcome: &'a Outcome,
}

/// The report as one JSON object.
///
/// # Errors
/// Where it cannot be put into words, which no report should bring about.
pub fn json(report: &Report) -> Result<String, serde_json::Error> {
    let series = report.results.iter().map(|(work, outcome)| Series {
        label: work.label(),
        case: work,
        copies_by_the_sender: match work {
            Work::Transfer(transfer) => Some(transfer.path.copies_by_the_sender()),
            _ => None,
        },
        outcome,
    });
    serde_json::to_string_pretty(&Document {
        schema: "ottla bench claims",
        schema_version: SCHEMA_VERSION,
        began: &report.began,
        seconds: report.seconds,
        rounds: report.rounds,
        scale: &report.scale,
        machine: &report.machine,
        claims: &report.claims,
        series: series.collect(),
    })
}

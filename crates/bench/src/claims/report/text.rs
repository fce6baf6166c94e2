//! For a terminal: the claims, then every series.

use comfy_table::presets::NOTHING;
use comfy_table::{CellAlignment, ContentArrangement, Table};

use super::figures::{median, number, range, ratio};
use crate::claims::claim::{Judged, Verdict};
use crate::claims::compare::spread;
use crate::claims::results::Outcome;
use crate::claims::run::Report;
use crate::claims::sample::{Metric, Sample};
use crate::claims::work::Work;

/// The claims: what is said, whether it holds here, and why.
pub fn claims(report: &Report, width: u16) -> String {
    let mut text = String::new();
    for claim in &report.claims {
        text.push_str(&claim_text(claim, width));
        text.push('\n');
    }
    text.push_str(&summary(report));
    for caution in report.machine.cautions() {
        text.push_str(&format!("{}\n", wrapped(&format!("CAUTION: {caution}"), "", width)));
    }
    text
}

fn claim_text(claim: &Judged, width: u16) -> String {
    let mut text = format!("{}\n", wrapped(&format!("{}: {}", claim.name, claim.sentence), "", width));
    let reasons = claim.findings.iter().filter_map(|finding| finding.skipped.as_deref());
    let mut reasons: Vec<&str> = reasons.collect();
    reasons.sort_unstable();
    reasons.dedup();
    text.push_str(&format!("  {}\n", loud(&claim.words())));
    if claim.verdict != Verdict::Skipped {
        text.push_str(&findings(claim));
    }
    for why in &claim.why {
        text.push_str(&format!("{}\n", wrapped(why, "  ", width)));
    }
    for reason in reasons {
        text.push_str(&format!("{}\n", wrapped(&format!("SKIPPED: {reason}"), "  ", width)));
    }
    text
}

/// The verdict in capitals; what stands in brackets behind it as it is.
fn loud(words: &str) -> String {
    match words.split_once(" (") {
        Some((verdict, rest)) => format!("{} ({rest}", verdict.to_uppercase()),
        None => words.to_uppercase(),
    }
}

fn findings(claim: &Judged) -> String {
    let mut table = plain();
    for finding in claim.findings.iter().filter(|finding| finding.skipped.is_none()) {
        table.add_row([
            format!(" {}", finding.setting),
            median(finding.left_figures, claim.metric),
            format!("against {}", median(finding.right_figures, claim.metric)),
            ratio(finding),
            finding.words().to_owned(),
        ]);
    }
    right(&mut table, &[1]);
    format!("{table}\n")
}

/// Every series: its median, lowest and highest figure.
pub fn series(report: &Report) -> String {
    let mut text = String::new();
    let mut shown = "";
    let mut table = plain();
    for (work, outcome) in report.results.iter() {
        if work.experiment() != shown {
            finish(&mut text, &mut table, shown);
            shown = work.experiment();
            table = with_header(work);
        }
        table.add_row(row(work, outcome));
    }
    finish(&mut text, &mut table, shown);
    text
}

fn finish(text: &mut String, table: &mut Table, experiment: &str) {
    if !experiment.is_empty() {
        right(table, &[2, 3, 4, 5]);
        text.push_str(&format!("{experiment}\n{table}\n\n"));
    }
}

const TRANSFER_METRICS: [Metric; 3] =
    [Metric::CpuSecondsPerGigabyte, Metric::ReceiverCpuSecondsPerGigabyte, Metric::SystemCallsPerMebibyte];
const FILE_METRICS: [Metric; 3] =
    [Metric::OperationsPerSecond, Metric::CpuSecondsPerGigabyte, Metric::SystemCallsPerMebibyte];

fn metrics(work: &Work) -> [Metric; 3] {
    if matches!(work, Work::Transfer(_)) { TRANSFER_METRICS } else { FILE_METRICS }
}

fn with_header(work: &Work) -> Table {
    let mut table = plain();
    let mut header = vec![String::new(), "MB/s (lowest to highest)".to_owned()];
    header.extend(metrics(work).map(|metric| metric.unit().to_owned()));
    if matches!(work, Work::Transfer(_)) {
        header.push("copies".to_owned());
    }
    table.set_header(header);
    table
}

fn row(work: &Work, outcome: &Outcome) -> Vec<String> {
    let mut row = vec![format!(" {}", work.label())];
    match outcome {
        Outcome::Skipped(_) => row.push("SKIPPED".to_owned()),
        Outcome::Samples(samples) => {
            row.push(spread(&all(samples, Metric::MegabytesPerSecond)).map(range).unwrap_or_default());
            row.extend(metrics(work).map(|metric| {
                spread(&all(samples, metric)).map(|spread| number(spread.median)).unwrap_or_default()
            }));
            if let Work::Transfer(transfer) = work {
                row.push(transfer.path.copies_by_the_sender().to_string());
            }
        }
    }
    row
}

fn all(samples: &[Sample], metric: Metric) -> Vec<f64> {
    samples.iter().filter_map(|sample| metric.of(sample)).collect()
}

/// What the run was, in one line.
pub fn summary(report: &Report) -> String {
    let count = |verdict| report.claims.iter().filter(|claim| claim.verdict == verdict).count();
    let rounds = match report.rounds {
        rounds if rounds < report.scale.rounds => {
            format!("{rounds} of {} rounds, then the time was up", report.scale.rounds)
        }
        rounds => format!("{rounds} rounds"),
    };
    format!(
        "{} claims: {} hold here, {} depend, {} do not hold, {} not decided, {} skipped. {rounds} in {:.0} s, files of {} MiB.\n",
        report.claims.len(),
        count(Verdict::Holds),
        count(Verdict::Depends),
        count(Verdict::DoesNotHold),
        count(Verdict::NotDecided),
        count(Verdict::Skipped),
        report.seconds,
        report.scale.file_bytes >> 20,
    )
}

fn plain() -> Table {
    let mut table = Table::new();
    table.load_style(NOTHING).set_content_arrangement(ContentArrangement::Disabled);
    table
}

fn right(table: &mut Table, columns: &[usize]) {
    for column in columns {
        if let Some(column) = table.column_mut(*column) {
            column.set_cell_alignment(CellAlignment::Right);
        }
    }
}

/// The text in lines of at most this width.
fn wrapped(text: &str, indent: &str, width: u16) -> String {
    let mut lines = vec![indent.to_owned()];
    for word in text.split_whitespace() {
        let room = usize::from(width.max(40));
        let is_full = lines
            .last()
            .is_some_and(|line| line.trim() != "" && line.chars().count() + 1 + word.chars().count() > room);
        if is_full {
            lines.push(indent.to_owned());
        }
        if let Some(line) = lines.last_mut() {
            if line.trim() != "" {
                line.push(' ');
            }
            line.push_str(word);
        }
    }
    lines.join("\n")
}

#[cfg(test)]
mod tests {
    use super::wrapped;

    #[test]
    fn a_long_text_is_wrapped_between_words() {
        let text = "one two three four five six seven eight nine ten eleven";
        assert_eq!(wrapped(text, "  ", 40), "  one two three four five six seven\n  eight nine ten eleven");
    }
}

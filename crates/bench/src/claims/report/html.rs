//! A page that needs nothing but itself: no script, no other file.

use maud::{DOCTYPE, Markup, PreEscaped, html};

use super::figures::{median, number, range, ratio};
use super::plot::{Row, plot};
use super::text::summary;
use crate::claims::claim::{Finding, Judged, Verdict};
use crate::claims::compare::spread;
use crate::claims::results::Outcome;
use crate::claims::run::Report;
use crate::claims::sample::{Metric, Sample};
use crate::claims::work::Work;

const STYLE: &str = include_str!("page.css");

/// What a reader must not conclude.
const NOT_SHOWN: &[&str] = &[
    "A network card. Loopback and a pair of virtual cards copy in memory: a real card fetches bytes by itself, computes checksums, \
     and may split large sends. What is said of sendfile here may be otherwise there.",
    "The disk itself where the machine is virtual: what is evicted from this machine's memory may be in its host's.",
    "Many connections, many readers, or writers beside readers: each experiment has one of each.",
    "Work that the kernel does later or elsewhere: writing back dirty pages, and interrupts, are in no CPU figure.",
    "Time beyond a few minutes: a disk that throttles, ages or collects garbage does so later.",
];

/// The report as a page.
pub fn html(report: &Report) -> String {
    let page = html! {
        (DOCTYPE)
        html lang="en" {
            head {
                meta charset="utf-8";
                meta name="viewport" content="width=device-width, initial-scale=1";
                title { "What holds on this machine – ottla bench claims" }
                style { (PreEscaped(STYLE)) }
            }
            body {
                main {
                    h1 { "What holds on this machine" }
                    p { "Claims about logs, measured by " code { "ottla bench claims" } " on " (report.began) ". " (summary(report)) }
                    p { "A verdict needs rounds that agree: all of three, or all but one of five. Each round measured every case once, in \
                         another order, on fresh files." }
                    @for caution in report.machine.cautions() { p { strong { "Caution: " } (caution) } }
                    (overview(report))
                    @for claim in &report.claims { (section(claim, report)) }
                    (everything(report))
                    (machine(report))
                    h2 id="not-shown" { "What this does not show" }
                    ul { @for text in NOT_SHOWN { li { (text) } } }
                }
            }
        }
    };
    page.into_string()
}

fn class(verdict: Verdict) -> &'static str {
    match verdict {
        Verdict::Holds => "badge holds",
        Verdict::DoesNotHold => "badge fails",
        Verdict::Depends => "badge depends",
        Verdict::NotDecided | Verdict::Skipped => "badge open",
    }
}

fn overview(report: &Report) -> Markup {
    html! {
        table class="overview" {
            @for claim in &report.claims {
                tr {
                    td { span class=(class(claim.verdict)) { (claim.verdict.words()) } }
                    td { a href=(format!("#{}", claim.name)) { (claim.sentence) } }
                }
            }
        }
    }
}

fn section(claim: &Judged, report: &Report) -> Markup {
    html! {
        section id=(claim.name) {
            h2 { (claim.sentence) }
            p { span class=(class(claim.verdict)) { (claim.words()) } " " (headline(claim)) }
            @for why in whys(claim) { p { (why) } }
            @for reason in reasons(claim) { p class="skipped" { "SKIPPED: " (reason) } }
            (plot(claim.sentence, claim.metric.unit(), &rows(claim, report)))
            details {
                summary { "Comparisons" }
                (findings(claim))
            }
            details {
                summary { "All samples" }
                (samples(&claim.rows, claim.metric, report))
            }
        }
    }
}

/// The widest and the narrowest ratio in one line.
fn headline(claim: &Judged) -> String {
    let mut measured: Vec<(&Finding, f64)> = claim
        .findings
        .iter()
        .filter(|finding| finding.skipped.is_none())
        .filter_map(|finding| Some((finding, finding.ratio?.median)))
        .collect();
    measured.sort_by(|(_, left), (_, right)| left.total_cmp(right));
    let told = |(finding, ratio): &(&Finding, f64)| format!("{} × at {}", number(*ratio), finding.setting);
    match (measured.first(), measured.last()) {
        (Some(only), Some(_)) if measured.len() == 1 => {
            format!("{}; at least {} × was asked.", told(only), only.0.at_least)
        }
        (Some(least), Some(most)) => {
            format!("From {} to {}; at least {} × was asked.", told(least), told(most), least.0.at_least)
        }
        _ => String::new(),
    }
}

/// Why it came out so; where it depends, which side each reason is for.
fn whys(claim: &Judged) -> Vec<String> {
    match (claim.verdict, claim.why.as_slice()) {
        (Verdict::Depends, [holds, does_not]) => {
            vec![format!("Where it holds: {holds}"), format!("Where it does not: {does_not}")]
        }
        (_, whys) => whys.iter().map(|why| (*why).to_owned()).collect(),
    }
}

fn reasons(claim: &Judged) -> Vec<&str> {
    let mut reasons: Vec<&str> =
        claim.findings.iter().filter_map(|finding| finding.skipped.as_deref()).collect();
    reasons.sort_unstable();
    reasons.dedup();
    reasons
}

fn rows(claim: &Judged, report: &Report) -> Vec<Row> {
    let values =
        |work| report.results.figures(work, claim.metric).into_iter().map(|(_, figure)| figure).collect();
    claim.rows.iter().map(|work| Row { label: work.label(), values: values(work) }).collect()
}

fn findings(claim: &Judged) -> Markup {
    html! {
        table {
            tr { th { "where" } th { "left" } th { "right" } th { "left against right" } th { "asked" } th { } }
            @for finding in &claim.findings {
                tr {
                    td { (finding.setting) }
                    td { (finding.left) ": " (median(finding.left_figures, claim.metric)) }
                    td { (finding.right) ": " (median(finding.right_figures, claim.metric)) }
                    td { (ratio(finding)) }
                    td { (finding.at_least) " ×" }
                    td { (finding.words()) }
                }
            }
        }
    }
}

fn samples(works: &[Work], metric: Metric, report: &Report) -> Markup {
    html! {
        table {
            tr { th { "case" } th { (metric.unit()) ", round by round" } }
            @for work in works {
                tr {
                    td { (work.label()) }
                    td { (round_by_round(&report.results.figures(work, metric))) }
                }
            }
        }
    }
}

fn round_by_round(figures: &[(u32, f64)]) -> String {
    figures.iter().map(|(_, figure)| number(*figure)).collect::<Vec<_>>().join("  ")
}

/// Every case with all its figures.
fn everything(report: &Report) -> Markup {
    html! {
        h2 id="everything" { "Everything that was measured" }
        p { "Medians, with the lowest and the highest. System calls are counted by the code that makes them. Copies are those of the sender's \
             processor, known from how each path works. Pages a piece say how the page cache held the file, where root could look." }
        details {
            summary { "The table" }
            table {
                tr {
                    th { "case" } th { "MB/s" } th { "operations a second" } th { "CPU s/GB" } th { "receiver CPU s/GB" }
                    th { "system calls/MiB" } th { "copies" } th { "pages a piece" }
                }
                @for (work, outcome) in report.results.iter() { (line(work, outcome)) }
            }
        }
    }
}

fn line(work: &Work, outcome: &Outcome) -> Markup {
    let copies = match work {
        Work::Transfer(transfer) => transfer.path.copies_by_the_sender().to_string(),
        _ => String::new(),
    };
    match outcome {
        Outcome::Skipped(reason) => {
            html! { tr { td { (work.label()) } td colspan="7" { "SKIPPED: " (reason) } } }
        }
        Outcome::Samples(samples) => html! {
            tr {
                td { (work.label()) }
                td { (told(samples, |sample| Metric::MegabytesPerSecond.of(sample))) }
                td { (told(samples, |sample| Metric::OperationsPerSecond.of(sample))) }
                td { (told(samples, |sample| Metric::CpuSecondsPerGigabyte.of(sample))) }
                td { (told(samples, |sample| Metric::ReceiverCpuSecondsPerGigabyte.of(sample))) }
                td { (told(samples, |sample| Metric::SystemCallsPerMebibyte.of(sample))) }
                td { (copies) }
                td { (told(samples, |sample| sample.pages_per_folio)) }
            }
        },
    }
}

fn told(samples: &[Sample], figure: impl Fn(&Sample) -> Option<f64>) -> String {
    let figures: Vec<f64> = samples.iter().filter_map(figure).collect();
    spread(&figures).map(range).unwrap_or_default()
}

fn machine(report: &Report) -> Markup {
    html! {
        h2 id="machine" { "The machine" }
        table {
            @for fact in &report.machine.facts {
                tr { td { (fact.name) } td { (fact.value) } }
            }
        }
    }
}

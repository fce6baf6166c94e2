//! The claims against made-up samples, and one small run against this machine.

use std::path::Path;
use std::time::Duration;

use super::claim::{Claim, Verdict};
use super::error::Error;
use super::folklore::ALL;
use super::plan::Scale;
use super::report::{html, json, text};
use super::results::Results;
use super::run::{Options, Report, Watch, run};
use super::sample::Sample;
use super::work::Work;

fn scale() -> Scale {
    Scale::fitting(false, Some(3), Path::new("d"), u64::MAX, u64::MAX).unwrap()
}

/// A sample of which every figure is better where `goodness` is larger.
fn sample(round: u32, goodness: f64) -> Sample {
    Sample {
        round,
        seconds: 1.0 / goodness,
        bytes: 1_000_000,
        operations: 1000,
        cpu_seconds: 1.0 / goodness,
        receiver_cpu_seconds: Some(1.0 / goodness),
        system_calls: 10,
        pages_per_folio: Some(4.0),
    }
}

/// Every side that a claim praises came out `advantage` times as good as the other.
fn judged(claim: &Claim, advantage: f64, rounds: u32) -> Verdict {
    let scale = scale();
    let mut results = Results::default();
    let asked = (claim.asks)(&scale);
    for comparison in &asked {
        for round in 0..rounds {
            for (work, goodness) in [(comparison.left, advantage), (comparison.right, 1.0)] {
                let is_known = results.figures(&work, claim.metric).iter().any(|(known, _)| *known == round);
                // The rounds differ from each other as rounds do; only what is in one round is compared.
                if !is_known {
                    results.add(work, sample(round, goodness * f64::from(round + 1)));
                }
            }
        }
    }
    claim.judge(&scale, &results).verdict
}

#[test]
fn every_claim_holds_where_its_side_is_far_better_and_not_where_it_is_far_worse() {
    for claim in ALL {
        assert_eq!(judged(claim, 50.0, 3), Verdict::Holds, "{}", claim.name);
        assert_eq!(judged(claim, 0.1, 3), Verdict::DoesNotHold, "{}", claim.name);
    }
}

#[test]
fn two_rounds_are_too_few_for_any_claim() {
    for claim in ALL {
        assert_eq!(judged(claim, 50.0, 2), Verdict::NotDecided, "{}", claim.name);
    }
}

#[test]
fn a_claim_that_holds_in_one_setting_and_not_in_another_depends() {
    let (scale, claim) = (scale(), &ALL[0]);
    let mut results = Results::default();
    for (number, comparison) in (claim.asks)(&scale).iter().enumerate() {
        for round in 0..3 {
            results.add(comparison.left, sample(round, if number == 0 { 9.0 } else { 1.0 }));
            results.add(comparison.right, sample(round, 1.0));
        }
    }
    assert_eq!(claim.judge(&scale, &results).verdict, Verdict::Depends);
}

#[test]
fn a_claim_of_which_nothing_could_be_measured_is_skipped_with_the_reason() {
    let (scale, claim) = (scale(), &ALL[0]);
    let mut results = Results::default();
    claim.works(&scale).into_iter().for_each(|work| results.skip(work, "no disk".to_owned()));
    let judged = claim.judge(&scale, &results);
    assert_eq!(judged.verdict, Verdict::Skipped);
    assert!(judged.findings.iter().all(|finding| finding.skipped.as_deref() == Some("no disk")));
}

#[test]
fn names_are_unique_and_sentences_are_sentences() {
    for (number, claim) in ALL.iter().enumerate() {
        assert!(ALL.iter().skip(number + 1).all(|other| other.name != claim.name), "{}", claim.name);
        for text in [claim.sentence, claim.where_it_holds, claim.where_it_does_not] {
            assert!(text.ends_with('.') && !text.contains("  "), "{}: {text:?}", claim.name);
        }
        let works = claim.works(&scale());
        let labels: std::collections::BTreeSet<String> = works.iter().map(Work::label).collect();
        assert_eq!(labels.len(), works.len(), "{}: rows of its plot have the same name", claim.name);
    }
}

struct Patient {
    seen: usize,
    stops_after: usize,
}

impl Watch for Patient {
    fn next(&mut self, done: usize, all: usize, what: &str) {
        assert!(done < all && !what.is_empty());
        self.seen += 1;
    }

    fn is_stopped(&self) -> bool {
        self.seen >= self.stops_after
    }
}

fn options(dir: &Path) -> Options {
    Options {
        dir: dir.to_owned(),
        quick: true,
        only: Vec::new(),
        rounds: Some(1),
        file_bytes: Some(1 << 20),
        at_most: Duration::MAX,
    }
}

fn small_run(dir: &Path) -> Report {
    let report = run(&options(dir), &mut Patient { seen: 0, stops_after: usize::MAX }).unwrap();
    assert_eq!(std::fs::read_dir(dir).unwrap().count(), 0, "files were left behind");
    report
}

#[test]
fn a_small_run_writes_all_three_reports() {
    let dir = tempfile::tempdir().unwrap();
    let report = small_run(dir.path());
    assert_eq!(report.claims.len(), ALL.len());

    let parsed: serde_json::Value = serde_json::from_str(&json::json(&report).unwrap()).unwrap();
    assert_eq!(parsed["schema_version"], json::SCHEMA_VERSION);
    let series = parsed["series"].as_array().unwrap();
    assert!(series.len() > ALL.len());
    for series in series {
        let samples = series["samples"].as_array().map(Vec::len);
        assert!(samples == Some(1) || series["skipped"].is_string(), "{series}");
    }

    let page = html::html(&report);
    let pictures: Vec<&str> =
        page.split("<svg").skip(1).map(|rest| rest.split("</svg>").next().unwrap()).collect();
    assert_eq!(pictures.len(), ALL.len());
    for picture in pictures {
        roxmltree::Document::parse(&format!("<svg{picture}</svg>")).unwrap();
    }
    assert!(
        !page.contains("<script") && !page.contains("<link") && !page.contains(" src="),
        "the page stands alone"
    );

    let text = format!("{}{}", text::claims(&report, 80), text::series(&report));
    assert!(ALL.iter().all(|claim| text.contains(claim.name)));
    assert!(text.contains("19 claims"), "{text}");
}

#[test]
fn a_run_that_is_stopped_leaves_nothing_behind() {
    let dir = tempfile::tempdir().unwrap();
    let error = run(&options(dir.path()), &mut Patient { seen: 0, stops_after: 5 }).unwrap_err();
    assert!(matches!(error, Error::Stopped), "{error}");
    assert_eq!(std::fs::read_dir(dir.path()).unwrap().count(), 0);
}

#[test]
fn a_run_without_its_directory_says_which() {
    let dir = tempfile::tempdir().unwrap();
    let missing = dir.path().join("missing");
    let error = run(&options(&missing), &mut Patient { seen: 0, stops_after: 5 }).unwrap_err();
    assert!(error.to_string().contains("missing"), "{error}");
}

#[test]
fn an_unknown_claim_is_told_with_those_there_are() {
    let dir = tempfile::tempdir().unwrap();
    let only = vec!["sendfile-cpu".to_owned(), "zero-cost".to_owned()];
    let wanted = Options { only, ..options(dir.path()) };
    let text = run(&wanted, &mut Patient { seen: 0, stops_after: 1 }).unwrap_err().to_string();
    assert!(text.contains("\"zero-cost\"") && text.contains("read-ahead"), "{text}");
}

#[test]
fn only_what_the_chosen_claims_need_is_measured() {
    let dir = tempfile::tempdir().unwrap();
    let wanted = Options { only: vec!["batching".to_owned()], ..options(dir.path()) };
    let report = run(&wanted, &mut Patient { seen: 0, stops_after: usize::MAX }).unwrap();
    assert_eq!(report.claims.len(), 1);
    assert!(report.results.iter().all(|(work, _)| matches!(work, Work::Append(_))));
}

/// A disk is nothing to be judged by memory.
#[test]
fn on_a_file_system_in_memory_the_claims_about_a_disk_are_skipped() {
    let Ok(dir) = tempfile::tempdir_in("/dev/shm") else {
        return eprintln!("SKIPPED: there is no /dev/shm");
    };
    let wanted =
        Options { only: vec!["sequential-reads".to_owned(), "sync-each".to_owned()], ..options(dir.path()) };
    let report = run(&wanted, &mut Patient { seen: 0, stops_after: usize::MAX }).unwrap();
    for claim in &report.claims {
        assert_eq!(claim.verdict, Verdict::Skipped, "{}", claim.name);
    }
    assert!(text::claims(&report, 100).contains("tmpfs"));
}

//! A run: the plan, measured round by round, and what comes of it.

use std::path::PathBuf;
use std::time::{Duration, Instant};

use serde::Serialize;

use super::bench::Bench;
use super::claim::{Claim, Judged};
use super::error::{Error, Unmeasured};
use super::folklore::ALL;
use super::machine::Machine;
use super::plan::{Scale, cases, has_time_for_another, turned};
use super::results::Results;
use super::scratch::Scratch;

/// What is wanted.
#[derive(Clone, Debug)]
pub struct Options {
    /// Where files are made: a directory on the disk in question.
    pub dir: PathBuf,
    /// Less of everything.
    pub quick: bool,
    /// Only the claims of these names; all where there are none.
    pub only: Vec<String>,
    /// In place of what the plan says.
    pub rounds: Option<u32>,
    /// The size of every file, in place of what the plan says.
    pub file_bytes: Option<u64>,
    /// No round begins that would probably end later than this.
    pub at_most: Duration,
}

/// Whoever watches a run.
pub trait Watch {
    /// This case comes next, after `done` of `all` measurements.
    fn next(&mut self, done: usize, all: usize, what: &str);

    /// Whether it wants no more.
    fn is_stopped(&self) -> bool;
}

/// Everything that was found.
#[derive(Clone, Debug)]
pub struct Report {
    /// When it began, in UTC.
    pub began: String,
    /// How long it took.
    pub seconds: f64,
    /// Rounds that were measured.
    pub rounds: u32,
    /// The sizes.
    pub scale: Scale,
    /// On what.
    pub machine: Machine,
    /// The claims, with what came of each.
    pub claims: Vec<Judged>,
    /// All samples.
    pub results: Results,
}

/// A claim as `--list` prints it.
#[derive(Clone, Copy, Debug, Serialize)]
pub struct Listed {
    /// What `--only` takes.
    pub name: &'static str,
    /// What is said.
    pub sentence: &'static str,
}

/// All claims.
pub fn list() -> Vec<Listed> {
    ALL.iter().map(|claim| Listed { name: claim.name, sentence: claim.sentence }).collect()
}

/// Measures what these options ask for. Every file is without a name, so that nothing is left wherever this ends.
///
/// # Errors
/// Where there is no room, a claim is not known, a call fails that should not, or the watch wants no more.
pub fn run(options: &Options, watch: &mut dyn Watch) -> Result<Report, Error> {
    let claims = chosen(&options.only)?;
    let began = jiff::Timestamp::now();
    let machine = Machine::here(&options.dir);
    let scratch = Scratch::new(&options.dir)?;
    let free_bytes = scratch.free_bytes()?;
    let mut scale = Scale::fitting(
        options.quick,
        options.rounds,
        &options.dir,
        free_bytes,
        machine.available_memory_bytes,
    )?;
    scale.file_bytes = options.file_bytes.unwrap_or(scale.file_bytes).min(scale.file_bytes);
    let clock = Instant::now();
    let (results, rounds) = measure(&claims, scratch, &scale, options.at_most, watch)?;
    Ok(Report {
        began: format!("{began:.0}"),
        seconds: clock.elapsed().as_secs_f64(),
        rounds,
        claims: claims.iter().map(|claim| claim.judge(&scale, &results)).collect(),
        scale,
        machine,
        results,
    })
}

/// The claims of these names, in the order of the report.
fn chosen(only: &[String]) -> Result<Vec<&'static Claim>, Error> {
    if let Some(unknown) = only.iter().find(|name| !ALL.iter().any(|claim| claim.name == **name)) {
        let known: Vec<&str> = ALL.iter().map(|claim| claim.name).collect();
        return Err(Error::UnknownClaim { name: unknown.clone(), known: known.join(", ") });
    }
    let is_wanted = |claim: &&Claim| only.is_empty() || only.iter().any(|name| name == claim.name);
    Ok(ALL.iter().filter(is_wanted).collect())
}

/// All rounds for which there is time, and how many those were.
fn measure(
    claims: &[&Claim],
    scratch: Scratch,
    scale: &Scale,
    at_most: Duration,
    watch: &mut dyn Watch,
) -> Result<(Results, u32), Error> {
    let cases = cases(claims, scale);
    let all = cases.len() * scale.rounds as usize;
    let mut bench = Bench::new(scratch, scale.clone());
    let mut results = Results::default();
    let clock = Instant::now();
    let mut round = 0;
    while round < scale.rounds && has_time_for_another(round, clock.elapsed(), at_most) {
        bench.begin(round);
        for (number, work) in turned(&cases, round, scale.rounds).iter().enumerate() {
            if watch.is_stopped() {
                return Err(Error::Stopped);
            }
            watch.next(
                round as usize * cases.len() + number,
                all,
                &format!("{}: {}", work.experiment(), work.label()),
            );
            if results.is_skipped(work) {
                continue;
            }
            match bench.measure(work) {
                Ok(sample) => results.add(*work, sample),
                Err(Unmeasured::Skipped(reason)) => results.skip(*work, reason),
                Err(Unmeasured::Failed(error)) => return Err(error),
            }
        }
        round += 1;
    }
    Ok((results, round))
}

//! One mutant awake, and the tests that meet it, until one of them notices.

use std::collections::HashMap;
use std::sync::Mutex;
use std::time::Duration;

use crate::Outcome;
use crate::mutant::Mutant;
use crate::suite::{Ended, Test};

/// What became of a mutant.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Fate {
    /// This test failed.
    Killed(String),
    /// This test did not come to its end.
    TimedOut(String),
    /// So many tests met it, and none noticed.
    Survived(usize),
    /// The same, but tests that take long were left out.
    SurvivedSoFar(usize),
    /// It is no Rust.
    Unviable,
    /// It cannot be switched on and off: for cargo-mutants.
    Apart,
}

/// Which tests have killed before, and where.
#[derive(Default)]
pub(crate) struct Killers {
    by_function: HashMap<(String, String), Vec<String>>,
}

impl Killers {
    fn rank(&self, mutant: &Mutant, test: &Test) -> usize {
        let key = (mutant.file.clone(), mutant.function.clone());
        let title = test.title();
        let known = self.by_function.get(&key);
        known.and_then(|titles| titles.iter().rev().position(|known| *known == title)).unwrap_or(usize::MAX)
    }

    fn learn(&mut self, mutant: &Mutant, title: &str) {
        let known = self.by_function.entry((mutant.file.clone(), mutant.function.clone())).or_default();
        known.retain(|other| other != title);
        known.push(title.to_owned());
    }
}

/// How the names of the unit tests in a file begin.
fn module(file: &str) -> String {
    let path = file.split_once("/src/").map_or(file, |(_, path)| path);
    let path = path.trim_end_matches(".rs").trim_end_matches("/mod");
    format!("{}::", path.replace('/', "::"))
}

/// Runs the tests of the mutant's package that meet it: first what killed its neighbours, then those in its file, then
/// the quick ones. No further ones are begun once they would take longer than `most` together.
pub(crate) fn run(
    mutant: &Mutant,
    tests: &[Test],
    most: Duration,
    killers: &Mutex<Killers>,
) -> Outcome<Fate> {
    let mut meeting: Vec<&Test> = tests
        .iter()
        .filter(|test| test.program.package == mutant.package && test.meets.contains(&mutant.number))
        .collect();
    if let Ok(killers) = killers.lock() {
        let unit = module(&mutant.file);
        meeting.sort_by_key(|test| {
            let rank = killers.rank(mutant, test);
            (rank, !test.name.starts_with(&unit), test.took)
        });
    }
    let number = mutant.number.to_string();
    let mut spent = Duration::ZERO;
    for (test, done) in meeting.iter().zip(0..) {
        if spent + test.took > most {
            return Ok(Fate::SurvivedSoFar(done));
        }
        spent += test.took;
        let limit = Duration::from_secs(10) + test.took * 10;
        match test.run(("OTTLA_MUTANT", &number), limit)? {
            Ended::Passed => {}
            Ended::Failed => {
                if let Ok(mut killers) = killers.lock() {
                    killers.learn(mutant, &test.title());
                }
                return Ok(Fate::Killed(test.title()));
            }
            Ended::TimedOut => return Ok(Fate::TimedOut(test.title())),
        }
    }
    Ok(Fate::Survived(meeting.len()))
}

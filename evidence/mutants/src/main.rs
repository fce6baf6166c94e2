//! **Mutation testing with one build.** The mutants are those of `cargo mutants --list`; all of them go into one copy of
//! the tree, each behind a switch, and the tests are built once. Then one mutant after the other is awake, and the tests
//! that meet it run, one process each, until one fails. See README.md.

mod compile;
mod mutant;
mod suite;
mod tally;
mod text;
mod tree;
mod trial;
mod weave;

use std::collections::{BTreeMap, BTreeSet};
use std::io::Write;
use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::Mutex;
use std::time::Duration;

use crate::mutant::Mutant;
use crate::tree::Tree;
use crate::trial::{Fate, Killers};

const USAGE: &str =
    "mutants [--tree FOLDER] [--work FOLDER] [--file TEXT].. [--without NAME].. [--survivors] [--seconds N]
        [--longest N] [--jobs N] [--list]

  --file TEXT    only mutants whose file's name holds this
  --without NAME leave a program of tests out
  --survivors    only those that survived the last time in this work folder
  --seconds N    for each mutant, run tests that take at most so long together (30)
  --longest N    leave tests out that take longer than so many seconds (60)
  --jobs N       so many processes at a time (1)
  --list         stop after saying what there is";

pub(crate) type Outcome<T> = Result<T, Box<dyn std::error::Error>>;

pub(crate) fn say(line: &str) {
    println!("{line}");
}

struct Asked {
    tree: PathBuf,
    work: PathBuf,
    files: Vec<String>,
    without: Vec<String>,
    survivors: bool,
    seconds: u64,
    longest: u64,
    jobs: usize,
    list: bool,
}

fn main() -> ExitCode {
    match parse().and_then(run) {
        Ok(()) => ExitCode::SUCCESS,
        Err(why) => {
            say(&format!("FAILED: {why}"));
            ExitCode::FAILURE
        }
    }
}

fn parse() -> Outcome<Asked> {
    let mut asked = Asked {
        tree: PathBuf::from("."),
        work: std::env::temp_dir().join("ottla-mutants"),
        files: Vec::new(),
        without: Vec::new(),
        survivors: false,
        seconds: 30,
        longest: 60,
        jobs: 1,
        list: false,
    };
    let mut arguments = std::env::args().skip(1);
    while let Some(argument) = arguments.next() {
        let mut next = || arguments.next().ok_or(USAGE);
        match argument.as_str() {
            "--tree" => asked.tree = next()?.into(),
            "--work" => asked.work = next()?.into(),
            "--file" => asked.files.push(next()?),
            "--without" => asked.without.push(next()?),
            "--seconds" => asked.seconds = next()?.parse()?,
            "--longest" => asked.longest = next()?.parse()?,
            "--jobs" => asked.jobs = next()?.parse()?,
            "--survivors" => asked.survivors = true,
            "--list" => asked.list = true,
            _ => return Err(USAGE.into()),
        }
    }
    asked.tree = asked.tree.canonicalize()?;
    std::fs::create_dir_all(&asked.work)?;
    asked.work = asked.work.canonicalize()?;
    Ok(asked)
}

fn run(asked: Asked) -> Outcome<()> {
    let all = mutant::list(&asked.tree)?;
    let results = asked.work.join("results.tsv");
    let earlier =
        if asked.survivors { survivors(&std::fs::read_to_string(&results)?) } else { BTreeSet::new() };
    let wanted: Vec<&Mutant> = all
        .iter()
        .filter(|mutant| asked.files.is_empty() || asked.files.iter().any(|text| mutant.file.contains(text)))
        .filter(|mutant| !asked.survivors || earlier.contains(&mutant.name))
        .collect();
    say(&format!("{} mutants, {} wanted", all.len(), wanted.len()));
    if asked.list {
        return Ok(());
    }

    let mut tree = Tree::new(&asked.tree, &asked.work);
    tree.copy(&all.iter().map(|mutant| mutant.file.as_str()).collect())?;
    let packages: BTreeSet<String> = wanted.iter().map(|mutant| mutant.package.clone()).collect();
    let packages: Vec<String> = packages.into_iter().collect();
    let fates = settle(&all, &mut tree, &asked, &packages)?;
    let mut programs = compile::build(&tree, &asked.work.join("target"), &packages)?;
    programs.retain(|program| !asked.without.contains(&program.target));
    say(&format!("{} programs of tests", programs.len()));
    let longest = Duration::from_secs(asked.longest);
    let tests = suite::survey(&programs, &asked.work, longest, asked.jobs)?;
    let seconds: f64 = tests.iter().map(|test| test.took.as_secs_f64()).sum();
    say(&format!("{} tests, {seconds:.0} s all of them", tests.len()));

    let most = Duration::from_secs(asked.seconds);
    let killers = Mutex::new(Killers::default());
    let out = Mutex::new(std::fs::File::create(&results)?);
    let done = suite::spread(wanted, asked.jobs, |_, mutant| {
        let fate = match fates.get(&mutant.number) {
            Some(fate) => fate.clone(),
            None => trial::run(mutant, &tests, most, &killers)?,
        };
        if let Ok(mut out) = out.lock() {
            writeln!(out, "{}\t{:?}", mutant.name, fate)?;
        }
        Ok((mutant, fate))
    })?;
    tally::print(&done);
    Ok(())
}

/// Weaves all mutants in, but for those that the compiler refuses.
fn settle(
    all: &[Mutant],
    tree: &mut Tree,
    asked: &Asked,
    packages: &[String],
) -> Outcome<BTreeMap<u32, Fate>> {
    let mut fates = BTreeMap::new();
    loop {
        let viable: Vec<&Mutant> =
            all.iter().filter(|mutant| fates.get(&mutant.number) != Some(&Fate::Unviable)).collect();
        fates.extend(tree.weave(&viable)?.into_iter().map(|number| (number, Fate::Apart)));
        let refused = compile::check(tree, &asked.work.join("target"), packages)?;
        if refused.mutants.is_empty() && refused.consts.is_empty() {
            return Ok(fates);
        }
        say(&format!("{} mutants are no Rust", refused.mutants.len()));
        fates.extend(refused.mutants.into_iter().map(|number| (number, Fate::Unviable)));
        tree.kept_const.extend(refused.consts);
    }
}

fn survivors(results: &str) -> BTreeSet<String> {
    let survived = results.lines().filter_map(|line| line.split_once('\t'));
    survived.filter(|(_, fate)| fate.starts_with("Survived")).map(|(name, _)| name.to_owned()).collect()
}

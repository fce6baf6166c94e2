//! The tests, one by one: how long each takes, and which mutants it meets.

use std::collections::BTreeSet;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::Mutex;
use std::time::{Duration, Instant};

use crate::compile::Program;
use crate::{Outcome, say};

/// No test needs so much address space; a mutant that does is stopped by it.
const MOST_KIB: u32 = 12 << 20;

#[derive(Clone, Debug)]
pub(crate) struct Test {
    pub(crate) program: Program,
    pub(crate) name: String,
    pub(crate) took: Duration,
    pub(crate) meets: BTreeSet<u32>,
}

/// How a test ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Ended {
    Passed,
    Failed,
    TimedOut,
}

impl Test {
    pub(crate) fn title(&self) -> String {
        format!("{} {}", self.program.target, self.name)
    }

    /// Runs it alone in a process, with one environment variable, for at most so long.
    pub(crate) fn run(&self, variable: (&str, &str), most: Duration) -> Outcome<Ended> {
        let mut command = Command::new("sh");
        command
            .args(["-c", &format!("ulimit -v {MOST_KIB}; exec \"$@\""), "sh"])
            .arg(&self.program.executable);
        command.args(["--exact", &self.name, "--test-threads=1"]).current_dir(&self.program.dir);
        command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
        command.env("CARGO_MANIFEST_DIR", &self.program.dir).env(variable.0, variable.1);
        wait(command.spawn()?, most)
    }
}

fn wait(mut child: Child, most: Duration) -> Outcome<Ended> {
    let began = Instant::now();
    loop {
        match child.try_wait()? {
            Some(status) if status.success() => return Ok(Ended::Passed),
            Some(_) => return Ok(Ended::Failed),
            None if began.elapsed() > most => {
                child.kill()?;
                child.wait()?;
                return Ok(Ended::TimedOut);
            }
            None => std::thread::sleep(Duration::from_millis(2)),
        }
    }
}

/// All tests of the programs, each run once while it is watched. Those that take too long, or fail without a mutant, are
/// told and left out.
pub(crate) fn survey(programs: &[Program], work: &Path, most: Duration, jobs: usize) -> Outcome<Vec<Test>> {
    let mut all = Vec::new();
    for program in programs {
        let test =
            |name| Test { program: program.clone(), name, took: Duration::ZERO, meets: BTreeSet::new() };
        all.extend(names(program)?.into_iter().map(test));
    }
    let tests = spread(all, jobs, |number, test| look_at(test, &work.join(format!("met-{number}")), most))?;
    Ok(tests.into_iter().flatten().collect())
}

fn look_at(mut test: Test, met: &Path, most: Duration) -> Outcome<Option<Test>> {
    let met_text = met.to_str().ok_or("the folder's name is not UTF-8")?;
    std::fs::write(met, "")?;
    let began = Instant::now();
    let watched = test.run(("OTTLA_MUTANTS_MET", met_text), most)?;
    test.took = began.elapsed();
    // A test may notice that it is watched.
    if watched == Ended::TimedOut
        || watched == Ended::Failed && test.run(("OTTLA_MUTANT", "0"), most)? != Ended::Passed
    {
        say(&format!("left out, it has {watched:?} without any mutant: {}", test.title()));
        return Ok(None);
    }
    let numbers = std::fs::read_to_string(met)?;
    test.meets = numbers.lines().filter_map(|line| line.trim_matches([' ', '\0']).parse().ok()).collect();
    Ok(Some(test))
}

/// Does the same with all of these, so many at a time; what comes out is in the order of what went in.
pub(crate) fn spread<T: Send, R: Send>(
    all: Vec<T>,
    jobs: usize,
    work: impl Fn(usize, T) -> Outcome<R> + Sync,
) -> Outcome<Vec<R>> {
    let count = all.len();
    let (todo, done) = (Mutex::new(all.into_iter().enumerate()), Mutex::new(Vec::with_capacity(count)));
    let next = || todo.lock().ok().and_then(|mut todo| todo.next());
    std::thread::scope(|scope| {
        for job in 0..jobs {
            let (next, done, work) = (&next, &done, &work);
            scope.spawn(move || {
                while let Some((number, one)) = next() {
                    let outcome = work(job, one).map_err(|why| why.to_string());
                    if let Ok(mut done) = done.lock() {
                        done.push((number, outcome));
                    }
                }
            });
        }
    });
    let mut done = done.into_inner().map_err(|_| "a job has panicked")?;
    done.sort_by_key(|(number, _)| *number);
    done.into_iter().map(|(_, outcome)| outcome.map_err(Into::into)).collect()
}

fn names(program: &Program) -> Outcome<Vec<String>> {
    let list = |more: &[&str]| -> Outcome<BTreeSet<String>> {
        let mut command = Command::new(&program.executable);
        let output =
            command.args(["--list", "--format", "terse"]).args(more).current_dir(&program.dir).output()?;
        let text = String::from_utf8_lossy(&output.stdout).into_owned();
        Ok(text.lines().filter_map(|line| line.strip_suffix(": test")).map(str::to_owned).collect())
    };
    let ignored = list(&["--ignored"])?;
    Ok(list(&[])?.into_iter().filter(|name| !ignored.contains(name)).collect())
}

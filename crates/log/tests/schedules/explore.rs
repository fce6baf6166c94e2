//! Runs a scenario on many schedules, and says on how many.

use std::collections::HashSet;
use std::env;
use std::sync::{Arc, Mutex};

use shuttle::scheduler::{PctScheduler, RandomScheduler, ReplayScheduler, Schedule, Scheduler, Task, TaskId};
use shuttle::{Config, MaxSteps, Runner};

/// How many schedules of each kind, where nobody says.
const SCHEDULES: usize = 150;
/// Bugs of so many steps that must come in one order are what PCT looks for.
const DEPTH: usize = 3;
/// Another one is taken from `SHUTTLE_RANDOM_SEED`.
const SEED: u64 = 1;
/// More steps than this are a loop that does not end.
const MOST_STEPS: usize = 200_000;
const STACK_BYTES: usize = 1 << 20;

fn config() -> Config {
    let mut config = Config::new();
    config.stack_size = STACK_BYTES;
    config.max_steps = MaxSteps::FailAfter(MOST_STEPS);
    config.silence_warnings = true;
    config
}

fn schedules() -> usize {
    env::var("OTTLA_SCHEDULES").map_or(SCHEDULES, |count| count.parse().expect("OTTLA_SCHEDULES is a number"))
}

/// Runs the scenario on `OTTLA_SCHEDULES` schedules by chance and as many of PCT, or on the one that `OTTLA_SCHEDULE` holds.
pub(crate) fn explore(name: &str, scenario: fn()) {
    if let Ok(schedule) = env::var("OTTLA_SCHEDULE") {
        Runner::new(ReplayScheduler::new_from_encoded(&schedule), config()).run(scenario);
        return;
    }
    let count = schedules();
    let by_chance = run(RandomScheduler::new_from_seed(SEED, count), scenario);
    let by_pct = run(PctScheduler::new_from_seed(SEED, DEPTH, count), scenario);
    println!(
        "{name}: {} schedules by chance ({} different), {} of PCT depth {DEPTH} ({} different)",
        by_chance.run, by_chance.different, by_pct.run, by_pct.different
    );
}

struct Explored {
    run: usize,
    different: usize,
}

fn run(scheduler: impl Scheduler + 'static, scenario: fn()) -> Explored {
    let seen = Arc::default();
    let run = Runner::new(Telling { scheduler, path: None, seen: Arc::clone(&seen) }, config()).run(scenario);
    let different = seen.lock().expect("nobody panics with it").len();
    Explored { run, different }
}

/// Tells schedules from each other, by the choices where there was one.
struct Telling<S> {
    scheduler: S,
    /// A hash of the choices so far.
    path: Option<u64>,
    seen: Arc<Mutex<HashSet<u64>>>,
}

impl<S: Scheduler> Scheduler for Telling<S> {
    fn new_execution(&mut self) -> Option<Schedule> {
        const BEGIN: u64 = 0xcbf2_9ce4_8422_2325;
        self.seen.lock().expect("nobody panics with it").extend(self.path.replace(BEGIN));
        self.scheduler.new_execution()
    }

    fn next_task(
        &mut self,
        runnable: &[&Task],
        current: Option<TaskId>,
        is_yielding: bool,
    ) -> Option<TaskId> {
        const PRIME: u64 = 0x0000_0100_0000_01b3;
        let next = self.scheduler.next_task(runnable, current, is_yielding);
        if let (Some(task), Some(path), 2..) = (next, &mut self.path, runnable.len()) {
            *path = (*path ^ usize::from(task) as u64).wrapping_mul(PRIME);
        }
        next
    }

    fn next_u64(&mut self) -> u64 {
        self.scheduler.next_u64()
    }
}

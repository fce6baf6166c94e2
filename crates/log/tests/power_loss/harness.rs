//! Every change of a workload, and the states that are tried at each.

use std::cell::Cell;
use std::collections::{BTreeMap, HashSet};
use std::fmt::Debug;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Once;

use ottla_testkit::{Crash, Image, SimFs};

use crate::fingerprint::fingerprint;
use crate::kinds::{Kind, deal, hash};
use crate::left_out::{self, Syncs, Tried};
use crate::support::Stopped;

/// What loses its power.
pub(crate) trait Subject: Sized {
    /// What was asked and what was answered: the oracle, outside the disk.
    type Told: Clone + Debug;

    /// What the disk holds before anything was asked.
    fn disk() -> Image;

    /// Goes on with a disk of which this was told. Nothing of it can be lost any more.
    fn start(fs: &SimFs, told: &Self::Told) -> Self;

    /// The process ends.
    fn stop(self) -> Self::Told;

    /// The same, once somebody has begun to open it.
    fn opened(told: &Self::Told) -> Self::Told;

    /// Opens what is there, whatever comes of it: the power may go meanwhile.
    fn reopen(fs: &SimFs, told: &Self::Told);

    /// Panics unless this disk may be what is left.
    fn check(fs: &SimFs, told: &Self::Told);
}

/// A list of things to do, and a loss of power at each change that they make.
pub(crate) struct Workload<S: Subject> {
    pub name: &'static str,
    /// At least so many states must be tried, with the settings of CI.
    pub least: usize,
    pub told: fn() -> S::Told,
    /// What is done before; it is on disk.
    pub prepare: fn(&mut S) -> Result<(), Stopped>,
    pub run: fn(&mut S) -> Result<(), Stopped>,
}

/// How much is tried.
#[derive(Clone, Copy)]
pub(crate) struct Effort {
    /// States at each change.
    pub states: usize,
    /// Of these, so many also lose their power while they are opened, at every change that opening makes.
    pub opened_twice: usize,
}

/// What was tried.
#[derive(Clone, Debug, Default)]
pub(crate) struct Counts {
    pub changes: u64,
    pub kinds: BTreeMap<Kind, usize>,
}

impl Counts {
    pub(crate) fn states(&self) -> usize {
        self.kinds.values().sum()
    }
}

/// A workload of any subject.
pub(crate) trait Case: Sync {
    fn name(&self) -> &'static str;
    fn least(&self) -> usize;
    /// Tries it.
    fn sweep(&self, effort: Effort) -> Counts;
    /// The syncs that it makes, and that opening makes after it.
    fn syncs(&self) -> Syncs;
    /// Tries it without those of this name.
    fn without(&self, sync: &str, syncs: &Syncs) -> Tried;
}

impl<S: Subject> Workload<S> {
    /// What it begins with.
    pub(crate) fn prepared(&self) -> (S::Told, Image) {
        let fs = SimFs::from_image(&S::disk());
        let mut subject = S::start(&fs, &(self.told)());
        (self.prepare)(&mut subject).unwrap();
        (subject.stop(), fs.image())
    }

    /// Runs it there, to its end or until the power goes; returns what was asked and answered.
    pub(crate) fn run_on(&self, fs: &SimFs, prepared: &S::Told) -> S::Told {
        let mut subject = S::start(fs, prepared);
        let _ = (self.run)(&mut subject);
        subject.stop()
    }
}

impl<S: Subject> Case for Workload<S> {
    fn name(&self) -> &'static str {
        self.name
    }

    fn least(&self) -> usize {
        self.least
    }

    fn sweep(&self, effort: Effort) -> Counts {
        let (prepared, image) = self.prepared();
        let mut sweep =
            Sweep::<S> { effort, seen: HashSet::new(), counts: Counts::default(), told: prepared.clone() };
        for changes in 0.. {
            let fs = SimFs::from_image(&image);
            fs.crash_after(changes);
            sweep.told = self.run_on(&fs, &prepared);
            sweep.at_change(&fs, changes);
            let is_last = !fs.crashed();
            sweep.after_a_kill(&fs, changes);
            if is_last {
                sweep.counts.changes = changes;
                return sweep.counts;
            }
        }
        unreachable!()
    }

    fn syncs(&self) -> Syncs {
        left_out::syncs_of(self)
    }

    fn without(&self, sync: &str, syncs: &Syncs) -> Tried {
        left_out::without(self, sync, syncs)
    }
}

struct Sweep<S: Subject> {
    effort: Effort,
    /// States that were tried.
    seen: HashSet<(u64, u64)>,
    counts: Counts,
    told: S::Told,
}

impl<S: Subject> Sweep<S> {
    /// The states that the disk may show now.
    fn at_change(&mut self, fs: &SimFs, change: u64) {
        let told = hash(&format!("{:?}", self.told));
        let random = self.effort.states.max(12) as u64;
        let (mut tried, mut again) = (0, 0);
        for (kind, mut crash) in deal(fs.crashes(random), change) {
            if tried == self.effort.states {
                break;
            }
            let after = fs.crash(&mut crash);
            if !self.seen.insert((told, fingerprint(&after))) {
                continue;
            }
            let context = format!("the power goes at change {change}, {crash:?}");
            tried += 1;
            // Not always the first kinds.
            if again < self.effort.opened_twice && tried as u64 > change % self.effort.states.max(1) as u64 {
                again += 1;
                self.while_opening(&after, told, &context);
            }
            self.check(&after, &self.told.clone(), kind, &context);
        }
    }

    /// The process is killed, another opens what it has left and makes promises of its own, and then the power goes.
    fn after_a_kill(&mut self, fs: &SimFs, change: u64) {
        fs.restart();
        let context = format!("the process is killed at change {change}");
        self.check(fs, &self.told.clone(), Kind::Killed, &context);
    }

    /// The power goes a second time, while the disk is being opened.
    fn while_opening(&mut self, after: &SimFs, told: u64, context: &str) {
        let opened = S::opened(&self.told);
        for change in 0.. {
            let fs = after.crash(&mut Crash::KeepAll);
            fs.crash_after(change);
            S::reopen(&fs, &self.told);
            let mut crash = match change % 3 {
                0 => Crash::LoseAll,
                1 => Crash::KeepAll,
                _ => Crash::Random(change),
            };
            let again = fs.crash(&mut crash);
            if self.seen.insert((told, fingerprint(&again))) {
                self.check(
                    &again,
                    &opened,
                    Kind::Second,
                    &format!("{context}; then at change {change} of opening, {crash:?}"),
                );
            }
            if !fs.crashed() {
                return;
            }
        }
    }

    fn check(&mut self, fs: &SimFs, told: &S::Told, kind: Kind, context: &str) {
        *self.counts.kinds.entry(kind).or_default() += 1;
        let disk = fs.image();
        let checked = catch_unwind(AssertUnwindSafe(|| S::check(fs, told)));
        if let Err(panic) = checked {
            let files: Vec<_> =
                disk.entries().map(|(path, entry)| format!("{} {entry:?}", path.display())).collect();
            panic!("{context}: {}\n{files:#?}", message(&*panic));
        }
    }
}

/// What a panic said.
pub(crate) fn message(panic: &(dyn std::any::Any + Send)) -> &str {
    let text = panic.downcast_ref::<String>().map(String::as_str);
    text.or_else(|| panic.downcast_ref::<&str>().copied()).unwrap_or("a panic without words")
}

thread_local! {
    static QUIET: Cell<bool> = const { Cell::new(false) };
}

/// Without a word about panics, which are what is waited for here.
pub(crate) fn quietly<T>(work: impl FnOnce() -> T) -> T {
    static HOOK: Once = Once::new();
    HOOK.call_once(|| {
        let loud = std::panic::take_hook();
        std::panic::set_hook(Box::new(move |panic| {
            if !QUIET.get() {
                loud(panic);
            }
        }));
    });
    QUIET.set(true);
    let done = work();
    QUIET.set(false);
    done
}

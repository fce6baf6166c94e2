//! A workload of an engine that leaves a sync out. Only such disks are tried as can show it: those that lack something
//! which the sync would have made durable, from the first time that it is left out until another covers it.

use std::collections::{BTreeMap, BTreeSet, HashSet};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, Mutex};

use ottla_testkit::{ChangeKind, Crash, CrashChoice, Image, SimFs, Survival, Unsynced};

use crate::fingerprint::fingerprint;
use crate::harness::{Subject, Workload, message};
use crate::kinds::{deal, hash};
use crate::sync_name::sync_name;

/// States at each change.
const STATES: usize = 10;
/// States at each change of which opening is looked at.
const OPENED: usize = 8;
/// Openings that are tried without a sync, of all that make it.
const OPENINGS: usize = 16;

/// Where a workload makes syncs, by their names.
#[derive(Clone, Debug, Default)]
pub(crate) struct Syncs {
    /// The number of the first call in the workload itself.
    in_run: BTreeMap<String, u64>,
    /// The losses of power after which opening makes such a sync.
    in_opening: BTreeMap<String, Vec<(u64, Crash)>>,
    /// The kills after which opening makes such a sync, on the same machine.
    after_kill: BTreeMap<String, Vec<u64>>,
}

impl Syncs {
    pub(crate) fn names(&self) -> BTreeSet<&String> {
        self.in_run.keys().chain(self.in_opening.keys()).chain(self.after_kill.keys()).collect()
    }

    /// About how much there is to try.
    pub(crate) fn work(&self, name: &str) -> usize {
        let in_opening = self.in_opening.get(name).map_or(0, Vec::len).min(OPENINGS);
        let after_kill = self.after_kill.get(name).map_or(0, Vec::len).min(OPENINGS);
        in_opening + after_kill + usize::from(self.in_run.contains_key(name))
    }
}

/// What came of a workload without a sync.
#[derive(Clone, Debug, Default)]
pub(crate) struct Tried {
    pub states: usize,
    /// At so many changes something was not durable that would have been.
    pub lacking: usize,
    /// What showed that something is missing.
    pub noticed: Option<String>,
}

type Heard = Arc<Mutex<BTreeMap<String, u64>>>;

/// Notes the syncs of a disk and of those that come of it, each with the number of its first call.
fn listen(fs: &SimFs) -> Heard {
    let heard = Heard::default();
    let notes = Arc::clone(&heard);
    fs.ignore_syncs(move |calls| {
        let at = calls.len() as u64 - 1;
        notes.lock().unwrap().entry(sync_name(calls)).or_insert(at);
        false
    });
    heard
}

/// The syncs that a workload makes, and that opening makes wherever it loses its power.
pub(crate) fn syncs_of<S: Subject>(workload: &Workload<S>) -> Syncs {
    let (prepared, image) = workload.prepared();
    let fs = SimFs::from_image(&image);
    let heard = listen(&fs);
    workload.run_on(&fs, &prepared);
    let mut syncs = Syncs { in_run: std::mem::take(&mut *heard.lock().unwrap()), ..Syncs::default() };
    let mut seen = HashSet::new();
    for change in 0.. {
        let fs = SimFs::from_image(&image);
        fs.crash_after(change);
        let told = workload.run_on(&fs, &prepared);
        let told_hash = hash(&format!("{told:?}"));
        for (_, crash) in deal(fs.crashes(OPENED as u64), change).into_iter().take(OPENED) {
            let after = fs.crash(&mut crash.clone());
            if !seen.insert((told_hash, fingerprint(&after))) {
                continue;
            }
            let heard = listen(&after);
            S::reopen(&after, &told);
            for name in std::mem::take(&mut *heard.lock().unwrap()).into_keys() {
                syncs.in_opening.entry(name).or_default().push((change, crash.clone()));
            }
        }
        let is_last = !fs.crashed();
        fs.restart();
        let heard = listen(&fs);
        S::reopen(&fs, &told);
        for name in std::mem::take(&mut *heard.lock().unwrap()).into_keys() {
            syncs.after_kill.entry(name).or_default().push(change);
        }
        if is_last {
            return syncs;
        }
    }
    unreachable!()
}

/// Some of them, from all over.
fn some<T>(all: Option<&Vec<T>>) -> impl Iterator<Item = &T> {
    let all = all.map(Vec::as_slice).unwrap_or_default();
    all.iter().step_by(all.len().div_ceil(OPENINGS).max(1))
}

/// Tries a workload without the syncs of this name, until one state shows it.
pub(crate) fn without<S: Subject>(workload: &Workload<S>, name: &str, syncs: &Syncs) -> Tried {
    let (prepared, image) = workload.prepared();
    let mut trial = Trial { workload, name, prepared, image, seen: HashSet::new(), states: 0, lacking: 0 };
    let in_run = syncs.in_run.get(name).and_then(|first| trial.in_run(*first));
    let noticed = in_run
        .or_else(|| some(syncs.after_kill.get(name)).find_map(|change| trial.after_kill(*change)))
        .or_else(|| {
            some(syncs.in_opening.get(name)).find_map(|(change, crash)| trial.in_opening(*change, crash))
        });
    Tried { states: trial.states, lacking: trial.lacking, noticed }
}

struct Trial<'a, S: Subject> {
    workload: &'a Workload<S>,
    name: &'a str,
    prepared: S::Told,
    image: Image,
    seen: HashSet<(u64, u64)>,
    states: usize,
    lacking: usize,
}

impl<S: Subject> Trial<'_, S> {
    fn leave_out(&self, fs: &SimFs) {
        let left_out = self.name.to_owned();
        fs.ignore_syncs(move |calls| sync_name(calls) == left_out);
    }

    /// The workload leaves it out, from its call of number `first` on.
    fn in_run(&mut self, first: u64) -> Option<String> {
        for change in first + 1.. {
            let fs = SimFs::from_image(&self.image);
            self.leave_out(&fs);
            fs.crash_after(change);
            let told = self.workload.run_on(&fs, &self.prepared);
            let (is_last, lacks_any) = (!fs.crashed(), !fs.left_out().is_empty());
            let shown = self.what_shows(&fs, &told, change).or_else(|| {
                fs.restart();
                if lacks_any { self.refused(&fs, &told) } else { None }
            });
            if shown.is_some() || is_last {
                return shown.map(|how| format!("change {change}, {how}"));
            }
        }
        None
    }

    /// The process is killed, and the next one leaves it out.
    fn after_kill(&mut self, change: u64) -> Option<String> {
        let fs = SimFs::from_image(&self.image);
        fs.crash_after(change);
        let told = self.workload.run_on(&fs, &self.prepared);
        fs.restart();
        self.leave_out(&fs);
        let shown = self.refused(&fs, &told);
        shown.map(|how| format!("killed at change {change}: {how}"))
    }

    /// The power goes, and opening leaves it out.
    fn in_opening(&mut self, change: u64, crash: &Crash) -> Option<String> {
        let fs = SimFs::from_image(&self.image);
        fs.crash_after(change);
        let told = self.workload.run_on(&fs, &self.prepared);
        let after = fs.crash(&mut crash.clone());
        self.leave_out(&after);
        let context = |how| format!("change {change}, {crash:?}, {how}");
        // What is promised behind such an opening is looked at by the check itself.
        if let Some(how) = self.refused(&after.crash(&mut Crash::KeepAll), &told) {
            return Some(context(how));
        }
        let told = S::opened(&told);
        for of_opening in 0.. {
            let fs = after.crash(&mut Crash::KeepAll);
            fs.crash_after(of_opening);
            S::reopen(&fs, &told);
            let shown = self.what_shows(&fs, &told, of_opening);
            if shown.is_some() || !fs.crashed() {
                return shown.map(|how| context(format!("then at change {of_opening}, {how}")));
            }
        }
        None
    }

    /// The state that the check refuses, among those that lack something the sync would have made durable.
    fn what_shows(&mut self, fs: &SimFs, told: &S::Told, salt: u64) -> Option<String> {
        let mut tried = 0;
        self.lacking += usize::from(!fs.left_out().is_empty());
        for mut loss in losses(&fs.left_out(), &fs.unsynced(), salt) {
            let after = fs.crash(&mut loss);
            if tried == STATES {
                break;
            }
            if !self.seen.insert((hash(&format!("{told:?}")), fingerprint(&after))) {
                continue;
            }
            tried += 1;
            if let Some(how) = self.refused(&after, told) {
                return Some(format!("{loss:?}: {how}"));
            }
        }
        None
    }

    fn refused(&mut self, fs: &SimFs, told: &S::Told) -> Option<String> {
        self.states += 1;
        let checked = catch_unwind(AssertUnwindSafe(|| S::check(fs, told)));
        checked.err().map(|panic| message(&*panic).lines().next().unwrap_or_default().to_owned())
    }
}

/// What is left of the changes that a sync was to make durable. Of the others all or nothing is there.
#[derive(Clone, Copy, Debug)]
enum Left {
    Nothing,
    AllBut(usize),
    Only(usize),
    Part(usize, Survival),
    Some(u64),
}

#[derive(Clone, Debug)]
struct Loss {
    left_out: Arc<BTreeSet<usize>>,
    left: Left,
    others: bool,
}

impl CrashChoice for Loss {
    fn survival(&mut self, change: &Unsynced) -> Survival {
        let index = change.index;
        let is_kept = match self.left {
            _ if !self.left_out.contains(&index) => self.others,
            Left::Nothing => false,
            Left::AllBut(lost) => index != lost,
            Left::Only(kept) => index == kept,
            Left::Part(torn, survival) if torn == index => return survival,
            Left::Part(..) => true,
            Left::Some(seed) => hash(&(seed, index)) % 2 == 0,
        };
        if is_kept { Survival::Kept } else { Survival::Lost }
    }
}

/// The losses worth trying; the same `salt` gives the same.
fn losses(left_out: &[usize], unsynced: &[Unsynced], salt: u64) -> Vec<Loss> {
    if left_out.is_empty() {
        return Vec::new();
    }
    let mut kinds = Vec::new();
    for index in left_out {
        let Some(change) = unsynced.get(*index) else { continue };
        kinds.extend([Left::AllBut(*index), Left::Only(*index)]);
        kinds.extend(parts(change).into_iter().map(|survival| Left::Part(*index, survival)));
    }
    kinds.extend((0..4).map(Left::Some));
    let shared = Arc::new(left_out.iter().copied().collect());
    let loss = |left, others| Loss { left_out: Arc::clone(&shared), left, others };
    let mut keyed: Vec<(u64, Loss)> = kinds
        .into_iter()
        .flat_map(|left| [loss(left, true), loss(left, false)])
        .enumerate()
        // Mostly with all the others: what came later is there, and what it stands on is not.
        .map(|(n, loss)| (u64::from(!loss.others) << 63 | hash(&(salt, n)) >> 1, loss))
        .collect();
    keyed.sort_by_key(|(key, _)| *key);
    let first = [loss(Left::Nothing, true), loss(Left::Nothing, false)];
    first.into_iter().chain(keyed.into_iter().map(|(_, loss)| loss)).collect()
}

fn parts(change: &Unsynced) -> Vec<Survival> {
    match change.kind {
        ChangeKind::Write => {
            vec![Survival::LENGTH_ONLY, Survival::OldLength, Survival::Prefix(change.len / 2)]
        }
        ChangeKind::Rename => vec![Survival::BothNames],
        ChangeKind::SetLen | ChangeKind::Create | ChangeKind::Remove => Vec::new(),
    }
}

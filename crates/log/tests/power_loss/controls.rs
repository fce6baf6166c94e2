//! Negative controls: the engine with any one of its syncs left out. A test that would not notice proves nothing.
//!
//! A sync is told by the file or directory that it is of, and by the change before it: what it was there to make
//! durable. Leaving it out is leaving out every sync of that name, while the workload runs and while its disks are
//! opened. [`NOTICED`] says by which workload that is noticed. Of the others nobody has shown yet whether another sync behind them
//! covers the same, or these workloads do not show what they are for.

use std::collections::{BTreeMap, BTreeSet};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::Path;
use std::sync::{Arc, Mutex};

use ottla_testkit::{Call, LoggedCall, SimFs};

use crate::harness::{Case, Effort, message, quietly};
use crate::suite::ALL;

/// Enough to lose each change alone.
const EFFORT: Effort = Effort { states: 6, opened_twice: 1 };
/// Of the workloads that make a sync, so many are tried without it.
const MOST_TRIED: usize = 5;

/// Each sync without which something is lost, and the workload that shows it.
const NOTICED: &[(&str, &str)] = &[
    ("*.index after a write", "epochs of other leaders"),
    ("*.log after a cut", "recovery that cuts a damaged tail"),
    ("*.log after a write", "recovery that cuts a damaged tail"),
    ("*.log.cleaned after a write", "a pass of the cleaner, with its swaps"),
    ("*.snapshot.tmp after a write", "DeleteRecords of the records of producers"),
    ("*.timeindex.rebuilt after a write", "retention of some segments"),
    ("*.txnindex after a write", "transactions that commit and abort"),
    ("/ after the making of the data directory", "giving out producer ids"),
    ("a partition after a rename to *.snapshot.deleted", "retention of some segments"),
    ("a partition after a rename to *.txnindex.swap", "a pass of the cleaner, with its swaps"),
    ("a partition after a rename to leader-epoch-checkpoint", "appends that wait for the disk by themselves"),
];

/// The sync that ends these calls, by what it is there for.
fn name(calls: &[LoggedCall]) -> String {
    let Some((sync, before)) = calls.split_last() else { return String::new() };
    let is_of_it = |call: &&LoggedCall| match sync.call {
        Call::SyncDir => {
            !matches!(call.call, Call::Sync | Call::SyncDir | Call::Write | Call::SetLen)
                && call.path.parent() == Some(&sync.path)
        }
        _ => call.path == sync.path && matches!(call.call, Call::Write | Call::SetLen),
    };
    let after = before.iter().rev().find(is_of_it);
    let after = after.map_or("opening".to_owned(), |call| match call.call {
        Call::Write => "a write".to_owned(),
        Call::SetLen => "a cut".to_owned(),
        Call::Rename => format!("a rename to {}", kind(&call.path)),
        Call::Remove => format!("the removal of {}", kind(&call.path)),
        _ => format!("the making of {}", kind(&call.path)),
    });
    format!("{} after {after}", kind(&sync.path))
}

/// A path without what differs from one to the next.
fn kind(path: &Path) -> String {
    let name = path.file_name().and_then(|name| name.to_str()).unwrap_or("/");
    let digits = name.len() - name.trim_start_matches(|c: char| c.is_ascii_digit()).len();
    match name {
        "data" => "the data directory".to_owned(),
        _ if digits == 20 => {
            format!("*.{}", name[21..].trim_start_matches(|c: char| c.is_ascii_digit() || c == '.'))
        }
        _ if name.ends_with("-delete") => "a deleted partition".to_owned(),
        _ if name.starts_with("letters-") || name.starts_with("diaries-") => "a partition".to_owned(),
        _ => name.trim_end_matches(".tmp").to_owned(),
    }
}

/// Whether the suite notices that syncs of this name are left out.
fn notices(case: &dyn Case, left_out: &str) -> Option<String> {
    let left_out = left_out.to_owned();
    let arm = |fs: &SimFs| {
        let left_out = left_out.clone();
        fs.ignore_syncs(move |calls| name(calls) == left_out);
    };
    let swept = quietly(|| catch_unwind(AssertUnwindSafe(|| case.sweep(EFFORT, &arm))));
    swept.err().map(|panic| message(&*panic).lines().next().unwrap_or_default().to_owned())
}

/// The names of all syncs that a workload and the openings after it make.
fn syncs_of(case: &dyn Case) -> BTreeSet<String> {
    let names = Arc::new(Mutex::new(BTreeSet::new()));
    let arm = |fs: &SimFs| {
        let names = Arc::clone(&names);
        fs.ignore_syncs(move |calls| {
            names.lock().unwrap().insert(name(calls));
            false
        });
    };
    case.sweep(Effort { states: 3, opened_twice: 0 }, &arm);
    // The disks that hold the other handle live as long as the sweep did.
    std::mem::take(&mut *names.lock().unwrap())
}

#[test]
fn the_absence_of_each_sync_is_noticed() {
    for (left_out, by) in NOTICED {
        let case = ALL.iter().find(|case| case.name() == *by).unwrap();
        let noticed = notices(*case, left_out);
        assert!(noticed.is_some(), "nobody notices that a sync is left out: {left_out}");
    }
    println!("left out, one after the other, and each noticed: {} syncs", NOTICED.len());
}

/// Says of each sync who notices, if anybody does: `cargo test -p ottla --test power_loss which_ -- --ignored --nocapture`.
#[test]
#[ignore = "tries each sync with several workloads: for whoever changes the syncs of the engine"]
fn which_syncs_are_noticed_and_by_whom() {
    const THREADS: usize = 6;
    let users: Mutex<BTreeMap<String, Vec<&dyn Case>>> = Mutex::default();
    let on_threads = |work: &(dyn Fn(usize) + Sync)| {
        std::thread::scope(|scope| (0..THREADS).for_each(|thread| drop(scope.spawn(move || work(thread)))));
    };
    on_threads(&|thread| {
        for case in ALL.iter().skip(thread).step_by(THREADS) {
            let syncs = syncs_of(*case);
            let mut users = users.lock().unwrap();
            syncs.into_iter().for_each(|name| users.entry(name).or_default().push(*case));
        }
    });
    let users = users.into_inner().unwrap();
    println!("{} syncs: {:#?}", users.len(), users.keys().collect::<Vec<_>>());
    on_threads(&|thread| {
        for (left_out, cases) in users.iter().skip(thread).step_by(THREADS) {
            let mut cases = cases.clone();
            cases.sort_by_key(|case| case.least());
            let few = &cases[..cases.len().min(MOST_TRIED)];
            let found = few.iter().find_map(|case| Some((case.name(), notices(*case, left_out)?)));
            match found {
                Some((by, how)) => println!("    (\"{left_out}\", \"{by}\"), // {how}"),
                None => println!("    (\"{left_out}\", \"\"), // harmless in {} workloads", few.len()),
            }
        }
    });
}

//! Negative controls: the engine with any one of its syncs left out. A test that would not notice proves nothing.
//!
//! A sync is told by the file or directory that it is of, and by the change before it: what it was there to make
//! durable. Leaving it out is leaving out every sync of that name, while the workload runs and while its disks are
//! opened. [`SYNCS`] says of each who notices, or why nobody can. A plain run asks those who notice; `just
//! power-loss-controls` asks everybody who makes a sync, about all of them, and fails where the table is wrong: a sync
//! that it does not know, one whose absence nobody notices, or one that was thought to be covered and is not.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread::available_parallelism;

use crate::harness::{Case, quietly};
use crate::left_out::{Syncs, Tried};
use crate::suite::ALL;
use crate::syncs::{Fate, SYNCS, fate_of, speaks_of};

#[test]
fn the_absence_of_each_sync_is_noticed() {
    let mut states = 0;
    let noticed: Vec<_> = SYNCS.iter().filter_map(|(sync, fate)| Some((sync, fate.noticed_by()?))).collect();
    let mut made = BTreeMap::new();
    for (sync, by) in &noticed {
        let case = ALL.iter().find(|case| case.name() == *by).unwrap();
        let syncs = made.entry(*by).or_insert_with(|| case.syncs());
        let tried = quietly(|| case.without(sync, syncs));
        assert!(tried.noticed.is_some(), "{by} does not notice that a sync is left out: {sync}");
        states += tried.states;
    }
    println!("left out, one after the other, and each noticed: {} syncs, in {states} states", noticed.len());
}

/// `just power-loss-controls`; with `OTTLA_SYNCS=<text>` only those with it in their names.
#[test]
#[ignore = "tries each sync with every workload that makes it: minutes"]
fn every_sync_is_noticed_or_explained() {
    let made = side_by_side(ALL, |case| (*case, case.syncs()));
    let names: BTreeSet<&String> = made.iter().flat_map(|(_, syncs)| syncs.names()).collect();
    let gone: Vec<_> =
        SYNCS.iter().filter(|(known, _)| !names.iter().any(|name| speaks_of(known, name))).collect();
    let only = std::env::var("OTTLA_SYNCS").unwrap_or_default();
    let names: Vec<&String> = names.into_iter().filter(|name| name.contains(&only)).collect();
    let found = side_by_side(&names, |sync| {
        let (tried, by, workloads) = tried_by_all(sync, &made);
        let why = fate_of(sync).and_then(Fate::reason).unwrap_or("nobody notices");
        let how = tried.noticed.as_deref().unwrap_or(why);
        println!(
            "{sync}: {} states at {} changes of {workloads} workloads; {}: {how}",
            tried.states,
            tried.lacking,
            by.unwrap_or("-")
        );
        (tried.states, tried.lacking > 0 || by.is_some(), by.is_some())
    });
    // Where nothing ever lacks, there was nothing to make durable.
    let is_as_told = |(sync, (_, lacks, noticed)): &(&&String, &(usize, bool, bool))| {
        fate_of(sync).map_or(!lacks, |fate| fate.noticed_by().is_some() == *noticed)
    };
    let wrong: Vec<_> = names.iter().zip(&found).filter(|found| !is_as_told(found)).collect();
    let states: usize = found.iter().map(|(states, ..)| states).sum();
    let idle = found.iter().filter(|(_, lacks, _)| !lacks).count();
    let noticed = found.iter().filter(|(.., noticed)| *noticed).count();
    println!(
        "{} syncs, {noticed} of them noticed, {idle} with nothing to make durable, in {states} states",
        found.len()
    );
    assert!(
        wrong.is_empty() && (gone.is_empty() || !only.is_empty()),
        "not as the table says: {wrong:#?}; not made any more: {gone:#?}"
    );
}

/// The workload that is said to notice first, then those that have the least to do.
fn tried_by_all<'a>(sync: &str, made: &'a [(&'a dyn Case, Syncs)]) -> (Tried, Option<&'a str>, usize) {
    let said = fate_of(sync).and_then(Fate::noticed_by);
    let mut users: Vec<_> = made.iter().filter(|(_, syncs)| syncs.work(sync) > 0).collect();
    users.sort_by_key(|(case, syncs)| (Some(case.name()) != said, syncs.work(sync)));
    let mut all = Tried::default();
    for (number, (case, syncs)) in users.iter().enumerate() {
        let tried = quietly(|| case.without(sync, syncs));
        all.states += tried.states;
        all.lacking += tried.lacking;
        if tried.noticed.is_some() {
            all.noticed = tried.noticed;
            return (all, Some(case.name()), number + 1);
        }
    }
    (all, None, users.len())
}

/// Does the work of each on all processors; the answers are in the order of the questions.
fn side_by_side<Q: Sync, A: Send>(questions: &[Q], work: impl Fn(&Q) -> A + Sync) -> Vec<A> {
    let next = AtomicUsize::new(0);
    let answers = Mutex::new(BTreeMap::new());
    std::thread::scope(|scope| {
        for _ in 0..available_parallelism().map_or(1, usize::from) {
            scope.spawn(|| {
                loop {
                    let number = next.fetch_add(1, Ordering::Relaxed);
                    let Some(question) = questions.get(number) else { break };
                    let answer = work(question);
                    answers.lock().unwrap().insert(number, answer);
                }
            });
        }
    });
    answers.into_inner().unwrap().into_values().collect()
}

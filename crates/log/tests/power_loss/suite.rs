//! All workloads, and how many states there are.

use std::collections::BTreeSet;
use std::sync::atomic::{AtomicUsize, Ordering};

use crate::harness::{Case, Effort};
use crate::support::setting;
use crate::{appending, compacting, cutting, deleting, many_logs, opening, producers, topics};

/// States at each change, unless `OTTLA_CRASHES` says otherwise.
const STATES: usize = 12;

pub(crate) static ALL: &[&dyn Case] = &[
    &appending::SMALL_BATCHES,
    &appending::LARGE_BATCHES,
    &appending::GROUP_COMMIT,
    &appending::EVERY_APPEND_ON_DISK,
    &appending::ROLLING_BY_TIME,
    &appending::ROLLING_BY_A_FULL_INDEX,
    &appending::FLUSHING,
    &appending::LEADER_EPOCHS,
    &opening::CLOSING_AND_OPENING,
    &opening::KILLED_AFTER_A_CLEAN_STOP,
    &opening::BEING_KILLED,
    &opening::A_DAMAGED_TAIL,
    &opening::A_FAILED_SYNC,
    &deleting::DELETING_RECORDS,
    &deleting::DELETING_WHAT_IS_NOT_ON_DISK,
    &deleting::DELETING_THE_RECORDS_OF_PRODUCERS,
    &deleting::RETENTION_OF_SOME,
    &deleting::RETENTION_OF_ALL,
    &cutting::CUTTING_THE_END,
    &cutting::CUTTING_WHAT_WAS_FLUSHED,
    &cutting::CUTTING_EVERYTHING,
    &producers::PRODUCERS,
    &producers::FIRST_PRODUCERS,
    &producers::PRODUCERS_AND_CUTS,
    &producers::TRANSACTIONS,
    &producers::TRANSACTIONS_AND_CUTS,
    &topics::CREATING_TOPICS,
    &topics::DELETING_A_TOPIC,
    &topics::DELETING_AN_EMPTY_PARTITION,
    &topics::MAKING_A_TOPIC_ANEW,
    &topics::ADDING_PARTITIONS,
    &topics::CHANGING_SETTINGS,
    &topics::PRODUCER_IDS,
    &many_logs::KEEPING_HOUSE,
    &many_logs::TWO_LOGS,
    &many_logs::FEW_FILES,
    &many_logs::A_START_PAST_THE_END,
    &many_logs::EXPIRING_PRODUCERS,
    &compacting::A_PASS,
    &compacting::A_PASS_OVER_NEW_RECORDS,
    &compacting::TOMBSTONES,
    &compacting::SEVERAL_PASSES,
];

/// Over all tests of this process.
static TOTAL: AtomicUsize = AtomicUsize::new(0);

/// Tries a workload, and says how many states there were.
pub(crate) fn at_every_change(case: &dyn Case) {
    let states = setting("OTTLA_CRASHES", STATES);
    let counts = case.sweep(Effort { states, opened_twice: 1 + states / 50 });
    let total = TOTAL.fetch_add(counts.states(), Ordering::Relaxed) + counts.states();
    let (name, changes, kinds) = (case.name(), counts.changes, &counts.kinds);
    println!("{name}: {} states at {changes} changes, {total} so far; {kinds:?}", counts.states());
    assert!(states < STATES || counts.states() >= case.least(), "{} states", counts.states());
}

/// Each workload asserts its own share; this is what they come to.
#[test]
fn at_least_twenty_thousand_states_of_at_least_twenty_workloads_are_tried() {
    let names: BTreeSet<_> = ALL.iter().map(|case| case.name()).collect();
    assert_eq!(names.len(), ALL.len(), "each name once");
    assert!(names.len() >= 20, "{} workloads", names.len());
    let least: usize = ALL.iter().map(|case| case.least()).sum();
    assert!(least >= 20_000, "{least} states");
}

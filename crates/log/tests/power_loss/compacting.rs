//! Passes over a compacted log: a swap, tombstones, and where the next pass begins.

use ottla_record::BatchBuilder;

use crate::harness::Workload;
use crate::keyed::{Keyed, empty};
use crate::one_log::nothing;
use crate::suite::at_every_change;
use crate::support::Stopped;

/// Keys, tombstones, transactions and an idempotent producer, in several groups of segments.
fn fill(keyed: &mut Keyed) -> Result<(), Stopped> {
    keyed.open()?;
    for (round, value) in (0..).zip(["one", "two", "three"]) {
        for key in ["felice", "milena", "julie"] {
            keyed.put(key, value)?;
        }
        keyed.abort(4, round, &["hidden"])?;
    }
    keyed.put("milena", None)?;
    let builder = BatchBuilder::new().producer(9, 0, 0);
    keyed.put_as(builder, &[("ottla", Some("one")), ("felice", Some("four"))])?;
    keyed.put("ottla", "two")?;
    keyed.roll()?;
    keyed.close()
}

pub(crate) const A_PASS: Workload<Keyed> = Workload {
    name: "a pass of the cleaner, with its swaps",
    least: 680,
    told: empty,
    prepare: fill,
    run: |keyed| {
        keyed.open()?;
        let compacted = keyed.compact()?;
        assert!(compacted.segments_written > 1, "one group shows too little");
        keyed.close()
    },
};

/// What was not on disk before the pass began is on disk before it changes anything.
pub(crate) const A_PASS_OVER_NEW_RECORDS: Workload<Keyed> = Workload {
    name: "a pass over records that are not on disk",
    least: 840,
    told: empty,
    prepare: nothing,
    run: |keyed| {
        fill_without_closing(keyed)?;
        keyed.compact()?;
        keyed.put("julie", "four")?;
        keyed.sync()
    },
};

fn fill_without_closing(keyed: &mut Keyed) -> Result<(), Stopped> {
    keyed.open()?;
    for value in ["one", "two"] {
        for key in ["felice", "milena", "julie"] {
            keyed.put(key, value)?;
        }
    }
    keyed.roll()
}

pub(crate) const TOMBSTONES: Workload<Keyed> = Workload {
    name: "tombstones that stay, then go",
    least: 870,
    told: empty,
    prepare: |keyed| {
        fill_without_closing(keyed)?;
        keyed.put("milena", None)?;
        keyed.put("julie", None)?;
        keyed.roll()?;
        keyed.close()
    },
    run: |keyed| {
        keyed.open()?;
        keyed.compact()?;
        keyed.wait_for_tombstones();
        keyed.put("felice", "three")?;
        keyed.roll()?;
        keyed.compact()?;
        keyed.flush()
    },
};

pub(crate) const SEVERAL_PASSES: Workload<Keyed> = Workload {
    name: "the cleaner's checkpoint, over several passes",
    least: 2230,
    told: empty,
    prepare: nothing,
    run: |keyed| {
        keyed.open()?;
        for value in ["one", "two", "three"] {
            keyed.put("felice", value)?;
            keyed.put("milena", value)?;
            keyed.roll()?;
            keyed.compact()?;
        }
        keyed.close()?;
        keyed.open()?;
        keyed.put("milena", "four")?;
        keyed.roll()?;
        keyed.compact()?;
        keyed.close()
    },
};

#[test]
fn a_pass_leaves_the_old_log_or_the_new() {
    at_every_change(&A_PASS);
}

#[test]
fn a_pass_over_records_that_are_not_on_disk() {
    at_every_change(&A_PASS_OVER_NEW_RECORDS);
}

#[test]
fn tombstones_stay_and_go() {
    at_every_change(&TOMBSTONES);
}

#[test]
fn the_next_pass_begins_where_the_last_one_ended() {
    at_every_change(&SEVERAL_PASSES);
}

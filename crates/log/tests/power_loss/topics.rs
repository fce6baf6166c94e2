//! Topics come, change and go.

use crate::harness::Workload;
use crate::one_log::nothing;
use crate::store::{Driver, new_store};
use crate::suite::at_every_change;

/// The list did not name the topic yet when the power went, and again while opening removed its directories: half of
/// one looked like one that an embedder had made, and became a topic without settings.
pub(crate) const CREATING_TOPICS: Workload<Driver> = Workload {
    name: "creating topics",
    least: 1230,
    told: new_store,
    prepare: nothing,
    run: |driver| {
        driver.open()?;
        driver.create("letters", 3)?;
        driver.append("letters", 2)?;
        driver.sync("letters", 2)?;
        driver.create("diaries", 1)?;
        driver.close()
    },
};

pub(crate) const DELETING_A_TOPIC: Workload<Driver> = Workload {
    name: "deleting a topic",
    least: 1240,
    told: new_store,
    prepare: nothing,
    run: |driver| {
        driver.open()?;
        driver.create("letters", 3)?;
        for partition in 0..3 {
            driver.append("letters", partition)?;
            driver.sync("letters", partition)?;
        }
        driver.delete("letters")?;
        driver.housekeep().map(drop)
    },
};

/// The list had let go of the topic, and no directory was renamed yet: it came back without its settings and
/// without the partition that never held a record.
pub(crate) const DELETING_AN_EMPTY_PARTITION: Workload<Driver> = Workload {
    name: "deleting a topic with an empty partition",
    least: 930,
    told: new_store,
    prepare: nothing,
    run: |driver| {
        driver.open()?;
        driver.create("letters", 3)?;
        for partition in [0, 2] {
            driver.append("letters", partition)?;
            driver.sync("letters", partition)?;
        }
        driver.delete("letters")
    },
};

pub(crate) const MAKING_A_TOPIC_ANEW: Workload<Driver> = Workload {
    name: "making a topic anew",
    least: 2690,
    told: new_store,
    prepare: nothing,
    run: |driver| {
        driver.open()?;
        driver.create("letters", 1)?;
        for _ in 0..12 {
            driver.append("letters", 0)?;
        }
        driver.housekeep()?;
        driver.sync("letters", 0)?;
        driver.delete("letters")?;
        driver.create("letters", 2)?;
        driver.append("letters", 0)?;
        driver.sync("letters", 0)?;
        driver.housekeep().map(drop)
    },
};

pub(crate) const ADDING_PARTITIONS: Workload<Driver> = Workload {
    name: "adding partitions",
    least: 2250,
    told: new_store,
    prepare: nothing,
    run: |driver| {
        driver.open()?;
        driver.create("letters", 1)?;
        driver.append("letters", 0)?;
        driver.add_partitions("letters", 4)?;
        driver.append("letters", 3)?;
        driver.sync("letters", 3)?;
        driver.close()?;
        driver.open()?;
        driver.add_partitions("letters", 5)
    },
};

pub(crate) const CHANGING_SETTINGS: Workload<Driver> = Workload {
    name: "changing settings",
    least: 430,
    told: new_store,
    prepare: |driver| {
        driver.open()?;
        driver.create("letters", 2)?;
        driver.append("letters", 1)?;
        driver.sync("letters", 1)
    },
    run: |driver| {
        driver.open()?;
        driver.alter("letters", &[("flush.ms", Some("70")), ("max.message.bytes", Some("888"))])?;
        driver.append("letters", 0)?;
        driver.alter("letters", &[("flush.ms", None), ("segment.bytes", Some("1048576"))])?;
        driver.sync("letters", 0)?;
        driver.close()
    },
};

pub(crate) const PRODUCER_IDS: Workload<Driver> = Workload {
    name: "giving out producer ids",
    least: 260,
    told: new_store,
    prepare: nothing,
    run: |driver| {
        for _ in 0..2 {
            driver.open()?;
            driver.producer_id()?;
            driver.producer_id()?;
            driver.close()?;
        }
        driver.open()?;
        driver.producer_id()
    },
};

#[test]
fn topics_come_whole() {
    at_every_change(&CREATING_TOPICS);
}

#[test]
fn topics_go_whole() {
    at_every_change(&DELETING_A_TOPIC);
}

#[test]
fn a_topic_with_an_empty_partition_goes_whole() {
    at_every_change(&DELETING_AN_EMPTY_PARTITION);
}

#[test]
fn a_topic_made_anew_has_nothing_of_the_old_one() {
    at_every_change(&MAKING_A_TOPIC_ANEW);
}

#[test]
fn partitions_are_added_whole() {
    at_every_change(&ADDING_PARTITIONS);
}

#[test]
fn settings_change_whole() {
    at_every_change(&CHANGING_SETTINGS);
}

#[test]
fn producer_ids_are_never_given_twice() {
    at_every_change(&PRODUCER_IDS);
}

//! Several logs of one store, and what housekeeping does to them.

use crate::harness::Workload;
use crate::one_log::nothing;
use crate::store::{Driver, expiring_after, new_store, with_files};
use crate::suite::at_every_change;
use crate::support::Stopped;

pub(crate) const KEEPING_HOUSE: Workload<Driver> = Workload {
    name: "keeping house",
    least: 3400,
    told: new_store,
    prepare: nothing,
    run: |driver| {
        driver.open()?;
        driver.create("letters", 2)?;
        for number in 0..16 {
            driver.append("letters", number % 2)?;
            if number % 5 == 0 {
                driver.housekeep()?;
            }
        }
        driver.flush("letters", 0)?;
        driver.housekeep()?;
        driver.close()
    },
};

/// What is promised of one says nothing of the other.
pub(crate) const TWO_LOGS: Workload<Driver> = Workload {
    name: "two logs in one store",
    least: 2370,
    told: new_store,
    prepare: two_topics,
    run: |driver| {
        driver.open()?;
        for number in 0..14 {
            driver.append(["letters", "diaries"][number % 2], 0)?;
            if number % 5 == 2 {
                driver.sync("letters", 0)?;
            }
            if number == 9 {
                driver.flush("diaries", 0)?;
            }
        }
        driver.kill();
        driver.open()?;
        driver.append("letters", 0)?;
        driver.append("diaries", 0)?;
        driver.sync("diaries", 0)?;
        driver.close()
    },
};

fn two_topics(driver: &mut Driver) -> Result<(), Stopped> {
    driver.open()?;
    driver.create("letters", 1)?;
    driver.create("diaries", 1)?;
    driver.close()
}

/// Files are closed and opened again all the time: what rests was synced before, and appending goes on where it was.
pub(crate) const FEW_FILES: Workload<Driver> = Workload {
    name: "opening and closing files under a limit",
    least: 2620,
    told: || with_files(4),
    prepare: |driver| {
        driver.open()?;
        driver.create("letters", 3)?;
        for number in 0..30 {
            driver.append("letters", number % 3)?;
        }
        driver.close()
    },
    run: |driver| {
        driver.open()?;
        for number in 0..15 {
            driver.append("letters", number % 3)?;
            if number % 4 == 3 {
                driver.sync("letters", 1)?;
            }
        }
        driver.housekeep()?;
        driver.append("letters", 2)?;
        driver.flush("letters", 2)
    },
};

/// What was deleted was never on disk, and all of it is lost: the log goes on where the delete has put its start.
pub(crate) const A_START_PAST_THE_END: Workload<Driver> = Workload {
    name: "keeping house of a log that starts past its end",
    least: 500,
    told: new_store,
    prepare: |driver| {
        driver.open()?;
        driver.create("letters", 1)?;
        for _ in 0..12 {
            driver.append("letters", 0)?;
        }
        driver.delete_records("letters", 0, 12)?;
        driver.lose_records("letters", 0);
        Ok(())
    },
    run: |driver| {
        driver.open()?;
        driver.housekeep()?;
        driver.append("letters", 0)?;
        driver.housekeep()?;
        driver.sync("letters", 0)?;
        driver.close()
    },
};

/// Those that were heard of lately are still known, whatever became of the others.
pub(crate) const EXPIRING_PRODUCERS: Workload<Driver> = Workload {
    name: "forgetting producers",
    least: 1850,
    told: || expiring_after(1_000),
    prepare: nothing,
    run: |driver| {
        driver.open()?;
        driver.create("letters", 1)?;
        for producer_id in [1, 2, 3, 1, 2] {
            driver.append_as(producer_id, "letters", 0)?;
        }
        driver.sync("letters", 0)?;
        driver.wait(700);
        for producer_id in [1, 2, 1, 2, 1, 4] {
            driver.append_as(producer_id, "letters", 0)?;
        }
        driver.sync("letters", 0)?;
        driver.wait(700);
        assert_eq!(driver.housekeep()?, 1, "the third");
        for _ in 0..5 {
            driver.append_as(1, "letters", 0)?;
        }
        driver.flush("letters", 0)?;
        driver.append_as(2, "letters", 0)?;
        driver.close()
    },
};

#[test]
fn keeping_house() {
    at_every_change(&KEEPING_HOUSE);
}

#[test]
fn two_logs_in_one_store() {
    at_every_change(&TWO_LOGS);
}

#[test]
fn keeping_house_of_a_log_that_starts_past_its_end() {
    at_every_change(&A_START_PAST_THE_END);
}

#[test]
fn opening_and_closing_files_under_a_limit() {
    at_every_change(&FEW_FILES);
}

#[test]
fn forgetting_producers() {
    at_every_change(&EXPIRING_PRODUCERS);
}

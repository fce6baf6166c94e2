//! Idempotent producers and transactions.

use crate::harness::Workload;
use crate::one_log::{nothing, small_log};
use crate::suite::at_every_change;
use crate::support::Driver;

pub(crate) const PRODUCERS: Workload<Driver> = Workload {
    name: "idempotent producers and their snapshots",
    least: 1290,
    told: small_log,
    prepare: nothing,
    run: |driver| {
        driver.open()?;
        for round in 0..9 {
            driver.append_as(1_000 + round % 3, 2, false)?;
            driver.append_as(1_000, 1, false)?;
            if round == 4 {
                driver.sync()?;
            }
        }
        driver.close()?;
        driver.open()?;
        driver.append_as(1_001, 2, false)?;
        driver.append_as(1_009, 2, false)?;
        driver.flush()
    },
};

/// There is no snapshot of an empty log. Were it taken for closed, its producers would be forgotten.
pub(crate) const FIRST_PRODUCERS: Workload<Driver> = Workload {
    name: "the first producers of a log that was closed empty",
    least: 190,
    told: small_log,
    prepare: |driver| {
        driver.open()?;
        driver.close()
    },
    run: |driver| {
        driver.open()?;
        driver.append_as(1_000, 2, false)?;
        driver.append_as(1_001, 1, false)?;
        driver.flush()?;
        driver.append_as(1_000, 1, false)
    },
};

pub(crate) const PRODUCERS_AND_CUTS: Workload<Driver> = Workload {
    name: "producers whose records are cut",
    least: 1810,
    told: small_log,
    prepare: |driver| {
        driver.open()?;
        for round in 0..18 {
            driver.append_as(1_000 + round % 3, 3, false)?;
        }
        driver.close()
    },
    run: |driver| {
        driver.open()?;
        driver.truncate(27)?;
        for round in 0..12 {
            driver.append_as(2_000 + round % 3, 3, false)?;
        }
        driver.flush()?;
        driver.append_as(2_000, 3, false)
    },
};

pub(crate) const TRANSACTIONS: Workload<Driver> = Workload {
    name: "transactions that commit and abort",
    least: 1370,
    told: small_log,
    prepare: nothing,
    run: |driver| {
        driver.open()?;
        for round in 0..4 {
            driver.append_as(1, 2, true)?;
            driver.append_as(2, 2, true)?;
            driver.append(1)?;
            driver.end_transaction(1, round % 2 == 0)?;
            driver.append_as(3, 1, false)?;
            driver.end_transaction(2, round % 3 == 0)?;
            if round == 1 {
                driver.flush()?;
            }
        }
        driver.append_as(1, 2, true)?;
        driver.sync()
    },
};

pub(crate) const TRANSACTIONS_AND_CUTS: Workload<Driver> = Workload {
    name: "transactions that are cut",
    least: 560,
    told: small_log,
    prepare: |driver| {
        driver.open()?;
        for round in 0..5 {
            driver.append_as(1, 3, true)?;
            driver.append_as(2, 3, true)?;
            driver.end_transaction(1, false)?;
            driver.end_transaction(2, round % 2 == 0)?;
        }
        driver.close()
    },
    run: |driver| {
        driver.open()?;
        // Between the records of the fourth transaction of producer 2 and its marker.
        driver.truncate(30)?;
        driver.append_as(5, 2, true)?;
        driver.end_transaction(5, false)?;
        driver.sync()
    },
};

#[test]
fn producers_and_their_snapshots() {
    at_every_change(&PRODUCERS);
}

#[test]
fn the_first_producers() {
    at_every_change(&FIRST_PRODUCERS);
}

#[test]
fn producers_and_cuts() {
    at_every_change(&PRODUCERS_AND_CUTS);
}

#[test]
fn transactions() {
    at_every_change(&TRANSACTIONS);
}

#[test]
fn transactions_and_cuts() {
    at_every_change(&TRANSACTIONS_AND_CUTS);
}

//! The end of a log is cut.

use crate::deleting::some_segments;
use crate::harness::Workload;
use crate::one_log::small_log;
use crate::suite::at_every_change;
use crate::support::Driver;

pub(crate) const CUTTING_THE_END: Workload<Driver> = Workload {
    name: "cutting the end",
    least: 1860,
    told: small_log,
    prepare: some_segments,
    run: |driver| {
        driver.open()?;
        driver.append(3)?;
        driver.truncate(51)?;
        driver.append(2)?;
        driver.truncate(21)?;
        for _ in 0..8 {
            driver.append(3)?;
        }
        Ok(())
    },
};

pub(crate) const CUTTING_WHAT_WAS_FLUSHED: Workload<Driver> = Workload {
    name: "cutting what was flushed and rolling over it",
    least: 1380,
    told: small_log,
    prepare: some_segments,
    run: |driver| {
        driver.open()?;
        driver.truncate(30)?;
        for _ in 0..12 {
            driver.append(3)?;
        }
        driver.sync()?;
        driver.append(3)
    },
};

pub(crate) const CUTTING_EVERYTHING: Workload<Driver> = Workload {
    name: "cutting everything",
    least: 1540,
    told: small_log,
    prepare: some_segments,
    run: |driver| {
        driver.open()?;
        driver.truncate(0)?;
        for _ in 0..9 {
            driver.append(3)?;
        }
        driver.flush()
    },
};

#[test]
fn cutting_the_end() {
    at_every_change(&CUTTING_THE_END);
}

#[test]
fn cutting_what_was_flushed_and_rolling_over_it() {
    at_every_change(&CUTTING_WHAT_WAS_FLUSHED);
}

#[test]
fn cutting_everything() {
    at_every_change(&CUTTING_EVERYTHING);
}

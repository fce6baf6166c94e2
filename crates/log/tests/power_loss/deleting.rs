//! Records go from the old end: by offset, and by what the settings keep.

use ottla::LogConfig;

use crate::harness::Workload;
use crate::one_log::{nothing, small_log};
use crate::suite::at_every_change;
use crate::support::{Driver, Stopped, small};

/// Three segments on disk and a fourth that is not, after a flush in the middle.
pub(crate) fn some_segments(driver: &mut Driver) -> Result<(), Stopped> {
    driver.open()?;
    for _ in 0..12 {
        driver.append(3)?;
    }
    driver.flush()?;
    for _ in 0..6 {
        driver.append(3)?;
    }
    driver.close()
}

pub(crate) const DELETING_RECORDS: Workload<Driver> = Workload {
    name: "DeleteRecords",
    least: 1090,
    told: small_log,
    prepare: some_segments,
    run: |driver| {
        driver.open()?;
        driver.delete_records(2)?;
        driver.delete_records(25)?;
        driver.append(3)?;
        driver.remove_deleted_files()?;
        driver.delete_records(40)?;
        driver.append(3)?;
        driver.close()
    },
};

pub(crate) const DELETING_WHAT_IS_NOT_ON_DISK: Workload<Driver> = Workload {
    name: "DeleteRecords of records that are not on disk",
    least: 1910,
    told: small_log,
    prepare: nothing,
    run: |driver| {
        driver.open()?;
        for _ in 0..12 {
            driver.append(3)?;
        }
        driver.delete_records(20)?;
        driver.delete_records(36)?;
        driver.append(3)?;
        driver.append(3)?;
        driver.delete_records(42)?;
        driver.sync()
    },
};

/// A delete was only noted, no segment was touched, and the power went. Opening finished the delete, and with the
/// segments went the last trace of their producers, whose repeated batches were then taken for new.
pub(crate) const DELETING_THE_RECORDS_OF_PRODUCERS: Workload<Driver> = Workload {
    name: "DeleteRecords of the records of producers",
    least: 1150,
    told: small_log,
    prepare: nothing,
    run: |driver| {
        driver.open()?;
        for round in 0..9 {
            driver.append_as(1_000 + round % 4, 3, false)?;
        }
        driver.sync()?;
        driver.append_as(1_007, 3, false)?;
        driver.delete_records(24)?;
        driver.append_as(1_008, 3, false)?;
        driver.sync()?;
        driver.delete_records(33)
    },
};

pub(crate) const RETENTION_OF_SOME: Workload<Driver> = Workload {
    name: "retention of some segments",
    least: 480,
    told: small_log,
    prepare: some_segments,
    run: |driver| {
        driver.open()?;
        let bases = driver.log().segment_base_offsets();
        let kept = bases[bases.len() - 2].get();
        driver.retain(LogConfig { retention_bytes: Some(1_100), ..small() }, kept)?;
        driver.append(3)?;
        driver.remove_deleted_files()?;
        driver.append(3)?;
        driver.flush()
    },
};

pub(crate) const RETENTION_OF_ALL: Workload<Driver> = Workload {
    name: "retention of everything",
    least: 1990,
    told: small_log,
    prepare: some_segments,
    run: |driver| {
        driver.open()?;
        driver.append(3)?;
        driver.retain(LogConfig { retention_bytes: Some(0), ..small() }, 57)?;
        for _ in 0..7 {
            driver.append(3)?;
        }
        driver.close()
    },
};

#[test]
fn deleting_records() {
    at_every_change(&DELETING_RECORDS);
}

#[test]
fn deleting_records_that_are_not_on_disk() {
    at_every_change(&DELETING_WHAT_IS_NOT_ON_DISK);
}

#[test]
fn deleting_the_records_of_producers() {
    at_every_change(&DELETING_THE_RECORDS_OF_PRODUCERS);
}

#[test]
fn retention_of_some_segments() {
    at_every_change(&RETENTION_OF_SOME);
}

#[test]
fn retention_of_everything() {
    at_every_change(&RETENTION_OF_ALL);
}

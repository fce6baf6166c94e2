//! A log is closed, or its process is killed, and it is opened again.

use ottla::Isolation;
use ottla::fs::{FileSystem, OpenMode};
use ottla_testkit::{Call, Fault, Repeat};

use crate::harness::Workload;
use crate::one_log::{nothing, small_log};
use crate::suite::at_every_change;
use crate::support::{Driver, Stopped, log_path};

pub(crate) const CLOSING_AND_OPENING: Workload<Driver> = Workload {
    name: "closing and opening",
    least: 1000,
    told: small_log,
    prepare: nothing,
    run: |driver| {
        for _ in 0..3 {
            driver.open()?;
            driver.append(4)?;
            driver.append(3)?;
            driver.close()?;
        }
        Ok(())
    },
};

/// The mark of the clean stop must not vouch for what came after it.
pub(crate) const KILLED_AFTER_A_CLEAN_STOP: Workload<Driver> = Workload {
    name: "opening after a clean stop, then being killed",
    least: 640,
    told: small_log,
    prepare: |driver| {
        driver.open()?;
        for _ in 0..7 {
            driver.append(3)?;
        }
        driver.close()
    },
    run: |driver| {
        driver.open()?;
        driver.append(3)?;
        driver.append(2)?;
        driver.kill();
        driver.open()?;
        driver.append(4)?;
        driver.sync()?;
        driver.append(1)
    },
};

pub(crate) const BEING_KILLED: Workload<Driver> = Workload {
    name: "being killed and opening",
    least: 2260,
    told: small_log,
    prepare: nothing,
    run: |driver| {
        for _ in 0..4 {
            driver.open()?;
            driver.append(4)?;
            driver.append(3)?;
            driver.kill();
        }
        driver.open()?;
        driver.flush()
    },
};

pub(crate) const A_DAMAGED_TAIL: Workload<Driver> = Workload {
    name: "recovery that cuts a damaged tail",
    least: 330,
    told: small_log,
    prepare: |driver| {
        driver.open()?;
        for _ in 0..9 {
            driver.append(3)?;
        }
        driver.flush()?;
        for _ in 0..9 {
            driver.append(3)?;
        }
        damage_after_flush(driver);
        Ok(())
    },
    run: |driver| {
        driver.open()?;
        driver.append(3)?;
        driver.append(3)?;
        driver.sync()
    },
};

/// Flips a bit in the second batch that was appended after the last flush.
fn damage_after_flush(driver: &mut Driver) {
    let from = driver.log().recovery_point() + 3;
    let fetched = driver.log().read(from, 1, Isolation::ReadUncommitted).unwrap();
    let position = fetched.slice.position() + fetched.slice.len() as u64 - 5;
    let mut byte = [0];
    fetched.slice.file().unwrap().read_exact_at(&mut byte, position).unwrap();
    let bases = driver.log().segment_base_offsets();
    let base = bases.iter().rfind(|base| **base <= from).unwrap();
    let file = driver.fs.open(&log_path(*base), OpenMode::ReadWrite).unwrap();
    file.write_all_at(&[byte[0] ^ 4], position).unwrap();
    driver.history.truncate(from);
    driver.history.answered();
}

/// What the system shows of it may not be on disk, and a sync that succeeds later proves nothing.
pub(crate) const A_FAILED_SYNC: Workload<Driver> = Workload {
    name: "opening after a failed sync",
    least: 500,
    told: small_log,
    prepare: nothing,
    run: |driver| {
        driver.open()?;
        for _ in 0..5 {
            driver.append(3)?;
        }
        driver.sync()?;
        for _ in 0..6 {
            driver.append(3)?;
        }
        fail_a_sync(driver)?;
        driver.kill();
        driver.open()?;
        driver.sync()?;
        driver.append(3)
    },
};

fn fail_a_sync(driver: &Driver) -> Result<(), Stopped> {
    driver.fs.fail_nth(Call::Sync, 1, Fault::EIO, Repeat::Once);
    let synced = driver.log().sync_to(driver.history.end());
    driver.fs.clear_faults();
    assert!(synced.is_err(), "it was to fail");
    if driver.fs.crashed() { Err(Stopped) } else { Ok(()) }
}

#[test]
fn closing_and_opening() {
    at_every_change(&CLOSING_AND_OPENING);
}

#[test]
fn being_killed_after_a_clean_stop() {
    at_every_change(&KILLED_AFTER_A_CLEAN_STOP);
}

#[test]
fn being_killed_and_opening() {
    at_every_change(&BEING_KILLED);
}

#[test]
fn opening_after_a_failed_sync() {
    at_every_change(&A_FAILED_SYNC);
}

#[test]
fn recovery_that_cuts_a_damaged_tail() {
    at_every_change(&A_DAMAGED_TAIL);
}

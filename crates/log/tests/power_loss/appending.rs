//! Records come, and segments are rolled.

use ottla::{LogConfig, Offset};

use crate::harness::Workload;
use crate::one_log::{nothing, small_log, with};
use crate::suite::at_every_change;
use crate::support::{Driver, Stopped, small};

pub(crate) const SMALL_BATCHES: Workload<Driver> = Workload {
    name: "appending small batches, rolling by size",
    least: 810,
    told: small_log,
    prepare: nothing,
    run: |driver| {
        driver.open()?;
        for _ in 0..14 {
            driver.append(3)?;
        }
        driver.append_together(3, 2)
    },
};

/// Of several pages each, among them several in one call.
pub(crate) const LARGE_BATCHES: Workload<Driver> = Workload {
    name: "appending large batches",
    least: 780,
    told: || with(LogConfig { segment_bytes: 24_000, ..LogConfig::default() }),
    prepare: nothing,
    run: |driver| {
        driver.value_len = 3_000;
        driver.open()?;
        for round in 0..5 {
            driver.append(1 + round % 3)?;
            driver.append_together(2, 1)?;
            if round == 2 {
                driver.sync()?;
            }
        }
        driver.append(2)
    },
};

pub(crate) const GROUP_COMMIT: Workload<Driver> = Workload {
    name: "waiting for the disk, several appends at once",
    least: 1260,
    told: small_log,
    prepare: nothing,
    run: |driver| {
        driver.open()?;
        for round in 0..10 {
            driver.append(1 + round % 4)?;
            driver.append(2)?;
            driver.sync()?;
        }
        Ok(())
    },
};

/// `flush.messages=1`: an append that was answered is on disk.
pub(crate) const EVERY_APPEND_ON_DISK: Workload<Driver> = Workload {
    name: "appends that wait for the disk by themselves",
    least: 520,
    told: || with(LogConfig { flush_messages: Some(1), ..small() }),
    prepare: nothing,
    run: |driver| {
        driver.open()?;
        for round in 0..9 {
            driver.append(1 + round % 3)?;
            driver.history.sync();
            driver.history.answered();
        }
        Ok(())
    },
};

pub(crate) const ROLLING_BY_TIME: Workload<Driver> = Workload {
    name: "rolling by time",
    least: 770,
    told: || with(LogConfig { segment_ms: 5, index_interval_bytes: 200, ..LogConfig::default() }),
    prepare: nothing,
    run: |driver| {
        driver.open()?;
        for _ in 0..9 {
            driver.append(2)?;
        }
        assert!(driver.log().segment_base_offsets().len() > 2);
        driver.sync()?;
        driver.append(2)
    },
};

pub(crate) const ROLLING_BY_A_FULL_INDEX: Workload<Driver> = Workload {
    name: "rolling because an index is full",
    least: 910,
    told: || with(LogConfig { segment_index_bytes: 36, index_interval_bytes: 1, ..LogConfig::default() }),
    prepare: nothing,
    run: |driver| {
        driver.open()?;
        for _ in 0..9 {
            driver.append(2)?;
        }
        assert!(driver.log().segment_base_offsets().len() > 2);
        driver.flush()?;
        driver.append(2)
    },
};

pub(crate) const FLUSHING: Workload<Driver> = Workload {
    name: "flushing, and what it writes into the checkpoint",
    least: 1740,
    told: small_log,
    prepare: nothing,
    run: |driver| {
        driver.open()?;
        for round in 0..8 {
            driver.append(4)?;
            driver.append(3)?;
            if round % 2 == 0 {
                driver.flush()?;
            }
        }
        Ok(())
    },
};

pub(crate) const LEADER_EPOCHS: Workload<Driver> = Workload {
    name: "epochs of other leaders",
    least: 660,
    told: small_log,
    prepare: nothing,
    run: epochs_of_other_leaders,
};

fn epochs_of_other_leaders(driver: &mut Driver) -> Result<(), Stopped> {
    use ottla::AppendOptions;
    let of = |epoch| AppendOptions { leader_epoch: Some(epoch), ..AppendOptions::default() };
    driver.open()?;
    driver.append(2)?;
    for epoch in [3, 3, 7] {
        driver.append_with(2, &of(epoch))?;
    }
    driver.flush()?;
    driver.append_with(2, &of(9))?;
    assert_eq!(driver.log().end_offset_for_epoch(3).end_offset, Offset::new(6));
    driver.close()
}

#[test]
fn appending_and_rolling() {
    at_every_change(&SMALL_BATCHES);
}

#[test]
fn appending_large_batches() {
    at_every_change(&LARGE_BATCHES);
}

#[test]
fn waiting_for_the_disk() {
    at_every_change(&GROUP_COMMIT);
}

#[test]
fn appends_that_wait_by_themselves() {
    at_every_change(&EVERY_APPEND_ON_DISK);
}

#[test]
fn rolling_by_time() {
    at_every_change(&ROLLING_BY_TIME);
}

#[test]
fn rolling_by_a_full_index() {
    at_every_change(&ROLLING_BY_A_FULL_INDEX);
}

#[test]
fn flushing() {
    at_every_change(&FLUSHING);
}

#[test]
fn an_epoch_of_another_leader() {
    at_every_change(&LEADER_EPOCHS);
}

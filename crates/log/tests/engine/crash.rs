//! The power goes at every change of a set of workloads, and whatever a disk may show after it, the log
//! opens at the first attempt, holds everything it had promised, has no hole, and opens again as it was.

use ottla::{AppendOptions, Error, LogConfig, Offset, Origin};
use ottla_record::BatchBuilder;
use ottla_testkit::{Crash, Image, SimFs};

use crate::support::{
    DATA, Driver, History, Stopped, Workload, batch, inspect, log_bytes, open, setting, small,
};

/// So many of the crashes worth trying at each change are tried, unless the setting says otherwise.
const CRASHES: usize = 10;

fn disk() -> Image {
    let mut image = Image::default();
    // A directory that holds something is ours from the start.
    image.put(format!("{DATA}/meta.properties"), "version=1\nnode.id=1\ncluster.id=ottla\n");
    image
}

/// A spread over all kinds of crashes, the same on each run.
fn some(crashes: impl Iterator<Item = Crash>, point: u64) -> Vec<Crash> {
    let all: Vec<Crash> = crashes.collect();
    let count = setting("OTTLA_CRASHES", CRASHES);
    if all.len() <= count {
        return all;
    }
    let always = [Crash::LoseAll, Crash::KeepAll];
    let step = all.len() as u64;
    let spread = (0..count as u64).map(|n| all[((n * 7919 + point * 31) * 104_729 % step) as usize].clone());
    always.into_iter().chain(spread).collect()
}

/// Runs the workload with a loss of power at each of its changes. Returns how many disks were looked at.
fn at_every_change(config: &LogConfig, prepare: Workload, workload: Workload) -> usize {
    let before = SimFs::from_image(&disk());
    let mut driver = Driver::new(before.clone(), config.clone());
    prepare(&mut driver).unwrap();
    driver.kill();
    let (image, history) = (before.image(), driver.history);
    let mut states = 0;
    for changes in 0.. {
        let fs = SimFs::from_image(&image);
        fs.crash_after(changes);
        let mut driver = Driver::new(fs.clone(), config.clone());
        // What stood on the disk before the run is there to stay.
        driver.resume(&history);
        let _ = workload(&mut driver);
        let history = driver.history.clone();
        let crashes = some(fs.crashes(12), changes);
        for (number, crash) in crashes.iter().enumerate() {
            let context = format!("the power goes at change {changes}, {crash:?}");
            let after = fs.crash(&mut crash.clone());
            if number as u64 == changes % crashes.len() as u64 {
                states += crash_again(&after, config, &history, &context);
            }
            check(&after, config, history.clone(), &context);
            states += 1;
        }
        if !fs.crashed() {
            return states;
        }
    }
    unreachable!()
}

/// The power goes a second time, while the log is being opened.
fn crash_again(after: &SimFs, config: &LogConfig, history: &History, context: &str) -> usize {
    let image = after.image();
    for changes in 0.. {
        let fs = SimFs::from_image(&image);
        fs.crash_after(changes);
        let _ = open(&fs, config);
        let mut crash = match changes % 3 {
            0 => Crash::LoseAll,
            1 => Crash::KeepAll,
            _ => Crash::Random(changes),
        };
        let context = format!("{context}; then at change {changes} of recovery, {crash:?}");
        check(&fs.crash(&mut crash), config, history.clone(), &context);
        if !fs.crashed() {
            return changes as usize;
        }
    }
    unreachable!()
}

fn check(fs: &SimFs, config: &LogConfig, mut history: History, context: &str) {
    let (log, report) = open(fs, config).unwrap_or_else(|e| panic!("{context}: {e}"));
    let found = inspect_in(context, || inspect(fs, &log));
    if let Err(refusal) = history.accept(found.start, &found.records, found.end) {
        let files: Vec<_> =
            fs.image().entries().map(|(path, entry)| format!("{} {entry:?}", path.display())).collect();
        panic!("{context}: {refusal}\n{report:?}\n{files:#?}");
    }
    let bytes = log_bytes(fs);
    drop(log);

    let (log, _) = open(fs, config).unwrap_or_else(|e| panic!("{context}, the second time: {e}"));
    assert_eq!(inspect_in(context, || inspect(fs, &log)), found, "{context}: opened twice");
    assert_eq!(log_bytes(fs), bytes, "{context}: opened twice");
    inspect_in(context, || check_producers(&log, &history));
    let appended = log.append(&batch(BatchBuilder::new(), &["3000000"], 3_000_000)).unwrap();
    assert!(appended.base_offset >= found.end, "{context}");
    log.sync_to(appended.last_offset + 1).unwrap();
    let all = inspect_in(context, || inspect(fs, &log));
    let lost = fs.crash(&mut Crash::LoseAll);
    let (log_after, _) = open(&lost, config).unwrap_or_else(|e| panic!("{context}, the third time: {e}"));
    assert_eq!(
        inspect_in(context, || inspect(&lost, &log_after)),
        all,
        "{context}: what was synced is there"
    );

    log.close().unwrap();
    let (log, report) = open(fs, config).unwrap();
    assert!(report.clean && report.is_uneventful(), "{context}: {report:?}");
    assert_eq!(inspect_in(context, || inspect(fs, &log)), all, "{context}: closed and opened");
}

/// The last batch of each producer is known again, and a gap is still a gap.
pub(crate) fn check_producers(log: &ottla::Log, history: &History) {
    let ids: std::collections::BTreeSet<i64> = history.sent.iter().map(|sent| sent.producer_id).collect();
    for id in ids {
        let last = history.sent.iter().rfind(|sent| sent.producer_id == id).unwrap();
        let repeated = log.append(&last.bytes).unwrap();
        assert!(repeated.duplicate, "producer {id} repeats a batch and it is taken for new");
        assert_eq!((repeated.base_offset, repeated.last_offset), (last.base_offset, last.last_offset));
        let gap = BatchBuilder::new().producer(id, last.producer_epoch, last.next_sequence + 50);
        let refused = log.append(&batch(gap, &["1"], 0));
        assert!(matches!(refused, Err(Error::OutOfOrderSequence { .. })), "{refused:?}");
    }
}

/// Says in which crash a check failed.
fn inspect_in<T>(context: &str, check: impl FnOnce() -> T) -> T {
    std::panic::catch_unwind(std::panic::AssertUnwindSafe(check)).unwrap_or_else(|_| panic!("{context}"))
}

fn nothing(_: &mut Driver) -> Result<(), Stopped> {
    Ok(())
}

/// Three segments on disk and a fourth that is not, after a flush in the middle.
fn some_segments(driver: &mut Driver) -> Result<(), Stopped> {
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

#[test]
fn appending_and_rolling() {
    let states = at_every_change(&small(), nothing, |driver| {
        driver.open()?;
        for _ in 0..14 {
            driver.append(3)?;
        }
        driver.append_together(3, 2)?;
        Ok(())
    });
    assert!(states > 500, "{states}");
}

#[test]
fn waiting_for_the_disk() {
    at_every_change(&small(), nothing, |driver| {
        driver.open()?;
        for round in 0..10 {
            driver.append(1 + round % 4)?;
            driver.append(2)?;
            driver.sync()?;
        }
        Ok(())
    });
}

#[test]
fn flushing() {
    at_every_change(&small(), nothing, |driver| {
        driver.open()?;
        for round in 0..8 {
            driver.append(4)?;
            driver.append(3)?;
            if round % 2 == 0 {
                driver.flush()?;
            }
        }
        Ok(())
    });
}

#[test]
fn closing_and_opening() {
    at_every_change(&small(), nothing, |driver| {
        for _ in 0..3 {
            driver.open()?;
            driver.append(4)?;
            driver.append(3)?;
            driver.close()?;
        }
        Ok(())
    });
}

#[test]
fn being_killed_and_opening() {
    at_every_change(&small(), nothing, |driver| {
        for _ in 0..4 {
            driver.open()?;
            driver.append(4)?;
            driver.append(3)?;
            driver.kill();
        }
        driver.open()?;
        driver.flush()
    });
}

#[test]
fn deleting_records() {
    at_every_change(&small(), some_segments, |driver| {
        driver.open()?;
        driver.delete_records(2)?;
        driver.delete_records(25)?;
        driver.append(3)?;
        driver.remove_deleted_files()?;
        driver.delete_records(40)?;
        driver.append(3)?;
        driver.close()
    });
}

#[test]
fn deleting_records_that_are_not_on_disk() {
    at_every_change(&small(), nothing, |driver| {
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
    });
}

/// A delete was only noted, no segment was touched, and the power went. Opening finished the delete, and with the
/// segments went the last trace of their producers, whose repeated batches were then taken for new.
#[test]
fn deleting_the_records_of_producers() {
    at_every_change(&small(), nothing, |driver| {
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
    });
}

#[test]
fn retention_of_some_segments() {
    at_every_change(&small(), some_segments, |driver| {
        driver.open()?;
        let bases = driver.log().segment_base_offsets();
        let kept = bases[bases.len() - 2].get();
        driver.retain(LogConfig { retention_bytes: Some(1_100), ..small() }, kept)?;
        driver.append(3)?;
        driver.remove_deleted_files()?;
        driver.append(3)?;
        driver.flush()
    });
}

#[test]
fn retention_of_everything() {
    at_every_change(&small(), some_segments, |driver| {
        driver.open()?;
        driver.append(3)?;
        driver.retain(LogConfig { retention_bytes: Some(0), ..small() }, 57)?;
        for _ in 0..7 {
            driver.append(3)?;
        }
        driver.close()
    });
}

#[test]
fn cutting_the_end() {
    at_every_change(&small(), some_segments, |driver| {
        driver.open()?;
        driver.append(3)?;
        driver.truncate(51)?;
        driver.append(2)?;
        driver.truncate(21)?;
        for _ in 0..8 {
            driver.append(3)?;
        }
        Ok(())
    });
}

#[test]
fn cutting_what_was_flushed_and_rolling_over_it() {
    at_every_change(&small(), some_segments, |driver| {
        driver.open()?;
        driver.truncate(30)?;
        for _ in 0..12 {
            driver.append(3)?;
        }
        driver.sync()?;
        driver.append(3)
    });
}

#[test]
fn cutting_everything() {
    at_every_change(&small(), some_segments, |driver| {
        driver.open()?;
        driver.truncate(0)?;
        for _ in 0..9 {
            driver.append(3)?;
        }
        driver.flush()
    });
}

#[test]
fn producers_and_their_snapshots() {
    at_every_change(&small(), nothing, |driver| {
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
    });
}

#[test]
fn producers_and_cuts() {
    at_every_change(
        &small(),
        |driver| {
            driver.open()?;
            for round in 0..18 {
                driver.append_as(1_000 + round % 3, 3, false)?;
            }
            driver.close()
        },
        |driver| {
            driver.open()?;
            driver.truncate(27)?;
            for round in 0..12 {
                driver.append_as(2_000 + round % 3, 3, false)?;
            }
            driver.flush()?;
            driver.append_as(2_000, 3, false)
        },
    );
}

#[test]
fn transactions() {
    at_every_change(&small(), nothing, |driver| {
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
    });
}

#[test]
fn transactions_and_cuts() {
    at_every_change(
        &small(),
        |driver| {
            driver.open()?;
            for round in 0..5 {
                driver.append_as(1, 3, true)?;
                driver.append_as(2, 3, true)?;
                driver.end_transaction(1, false)?;
                driver.end_transaction(2, round % 2 == 0)?;
            }
            driver.close()
        },
        |driver| {
            driver.open()?;
            // Between the records of the fourth transaction of producer 2 and its marker.
            driver.truncate(30)?;
            driver.append_as(5, 2, true)?;
            driver.end_transaction(5, false)?;
            driver.sync()
        },
    );
}

#[test]
fn recovery_that_cuts_a_damaged_tail() {
    at_every_change(
        &small(),
        |driver| {
            driver.open()?;
            for _ in 0..9 {
                driver.append(3)?;
            }
            driver.flush()?;
            for _ in 0..9 {
                driver.append(3)?;
            }
            driver.damage_after_flush();
            Ok(())
        },
        |driver| {
            driver.open()?;
            driver.append(3)?;
            driver.append(3)?;
            driver.sync()
        },
    );
}

#[test]
fn an_epoch_of_another_leader() {
    at_every_change(&small(), nothing, |driver| {
        driver.open()?;
        driver.append(2)?;
        for epoch in [3, 3, 7] {
            let options = AppendOptions { origin: Origin::Client, leader_epoch: Some(epoch) };
            driver.append_with(2, &options)?;
        }
        driver.flush()?;
        driver.append_with(2, &AppendOptions { leader_epoch: Some(9), ..AppendOptions::default() })?;
        assert_eq!(driver.log().end_offset_for_epoch(3).end_offset, Offset::new(6));
        driver.close()
    });
}

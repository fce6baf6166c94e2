//! Any sequence of calls, crashes among them, and the log is what the model says.

use ottla::{Isolation, LogConfig, Offset};
use ottla_testkit::{Crash, SimFs};
use proptest::prelude::*;

use crate::support::{Driver, check_producers, log_path, setting, values_between};

#[derive(Clone, Debug)]
enum Op {
    Append { count: usize, value_len: usize },
    AppendTogether { batches: usize },
    AppendAs { producer_id: i64, count: usize },
    EndTransaction { producer_id: i64, commit: bool },
    Repeat,
    Read { at: u8, max_bytes: usize },
    Sync,
    Flush,
    Truncate { at: u8 },
    DeleteRecords { at: u8 },
    Retain { keep: u8 },
    RemoveDeleted,
    CloseAndOpen,
    Restart,
    Crash(Crash),
}

fn op() -> impl Strategy<Value = Op> {
    prop_oneof![
        12 => (1..6_usize, 20..200_usize).prop_map(|(count, value_len)| Op::Append { count, value_len }),
        2 => (1..5_usize).prop_map(|batches| Op::AppendTogether { batches }),
        8 => (1..7_i64, 1..4_usize).prop_map(|(producer_id, count)| Op::AppendAs { producer_id, count }),
        4 => (1..4_i64, any::<bool>()).prop_map(|(producer_id, commit)| Op::EndTransaction { producer_id, commit }),
        2 => Just(Op::Repeat),
        6 => (any::<u8>(), 0..3_000_usize).prop_map(|(at, max_bytes)| Op::Read { at, max_bytes }),
        2 => Just(Op::Sync),
        2 => Just(Op::Flush),
        1 => any::<u8>().prop_map(|at| Op::Truncate { at }),
        1 => any::<u8>().prop_map(|at| Op::DeleteRecords { at }),
        1 => any::<u8>().prop_map(|keep| Op::Retain { keep }),
        1 => Just(Op::RemoveDeleted),
        2 => Just(Op::CloseAndOpen),
        2 => Just(Op::Restart),
        3 => crash().prop_map(Op::Crash),
    ]
}

fn crash() -> impl Strategy<Value = Crash> {
    prop_oneof![Just(Crash::LoseAll), Just(Crash::KeepAll), any::<u64>().prop_map(Crash::Random)]
}

/// Segments of any size, indexes of any density.
fn config() -> impl Strategy<Value = LogConfig> {
    (700..4_000_u32, 0..900_u32, 16..200_u32).prop_map(|(segment_bytes, index_interval_bytes, index)| {
        // A batch of these tests is at most five records of 200 bytes, or four batches of two.
        let segment_bytes = segment_bytes.max(2_600);
        LogConfig { segment_bytes, index_interval_bytes, segment_index_bytes: index, ..LogConfig::default() }
    })
}

/// The offset at this share of the log, both ends included.
fn offset_at(driver: &Driver, share: u8) -> i64 {
    let (start, end) = (driver.history.start().get(), driver.history.end().get());
    start + (end - start) * i64::from(share) / 255
}

/// Producers 1 to 3 send transactions, 4 to 6 do not.
fn is_transactional(producer_id: i64) -> bool {
    producer_id < 4
}

fn apply(driver: &mut Driver, op: &Op) {
    match op {
        Op::Append { count, value_len } => {
            driver.value_len = *value_len;
            driver.append(*count).unwrap();
            driver.value_len = 60;
        }
        Op::AppendTogether { batches } => driver.append_together(*batches, 2).unwrap(),
        Op::AppendAs { producer_id, count } => {
            driver.append_as(*producer_id, *count, is_transactional(*producer_id)).unwrap();
        }
        Op::EndTransaction { producer_id, commit } => {
            if driver.knows(*producer_id) {
                driver.end_transaction(*producer_id, *commit).unwrap();
            }
        }
        Op::Repeat => check_repeats(driver),
        Op::Read { at, max_bytes } => check_read(driver, offset_at(driver, *at), *max_bytes),
        Op::Sync => driver.sync().unwrap(),
        Op::Flush => driver.flush().unwrap(),
        Op::Truncate { at } => {
            let wanted = offset_at(driver, *at);
            let start = driver.history.start().get();
            let base = driver.bases.iter().copied().find(|base| *base >= wanted.max(start));
            if let Some(base) = base {
                driver.truncate(base).unwrap();
            }
        }
        Op::DeleteRecords { at } => driver.delete_records(offset_at(driver, *at)).unwrap(),
        Op::Retain { keep } => retain(driver, *keep),
        Op::RemoveDeleted => driver.remove_deleted_files().unwrap(),
        Op::CloseAndOpen => {
            driver.close().unwrap();
            driver.open().unwrap();
        }
        Op::Restart => driver.restart(),
        Op::Crash(crash) => driver.crash(&mut crash.clone()),
    }
}

/// By size, so that the log starts where one of its segments does.
fn retain(driver: &mut Driver, keep: u8) {
    let bases = driver.log().segment_base_offsets();
    let first = bases[usize::from(keep) % bases.len()];
    let keeps = first.max(driver.history.start());
    let image = driver.fs.image();
    let size = |base: &Offset| image.read(log_path(*base)).map_or(0, |bytes| bytes.len() as u64);
    let kept: u64 = bases.iter().filter(|base| **base >= first).map(size).sum();
    driver.retain(LogConfig { retention_bytes: Some(kept), ..driver.config.clone() }, keeps.get()).unwrap();
}

/// Of each producer, the last batch that is in the log is known.
fn check_repeats(driver: &Driver) {
    check_producers(driver.log(), &driver.history);
    assert_eq!(driver.log().log_end_offset(), driver.history.end(), "nothing was appended");
}

/// A read begins with the batch of its offset, goes no further than it may, and is what the model has.
fn check_read(driver: &Driver, from: i64, max_bytes: usize) {
    let log = driver.log();
    let from = Offset::new(from);
    let fetched = log.read(from, max_bytes, Isolation::ReadUncommitted).unwrap();
    assert_eq!(fetched.high_watermark, driver.history.end());
    assert_eq!(fetched.log_start_offset, driver.history.start());
    assert_eq!(fetched.slice.is_empty(), from == driver.history.end());
    let batches = log.read_batches(from, max_bytes, Isolation::ReadUncommitted).unwrap();
    let first = batches.decoded().next().map(|batch| batch.unwrap().head().size_bytes()).unwrap_or_default();
    assert!(fetched.slice.len() <= max_bytes.max(first), "{} bytes for {max_bytes}", fetched.slice.len());
    let end = batches.next_offset();
    let expected: Vec<_> = driver
        .history
        .records()
        .into_iter()
        .filter(|(offset, _)| (from..end).contains(offset))
        .filter_map(|(offset, value)| Some((offset, value?)))
        .collect();
    let mut found = Vec::new();
    batches
        .for_each_record(|record| {
            found.push((record.offset, String::from_utf8_lossy(record.value.unwrap()).into_owned()));
            Ok(())
        })
        .unwrap();
    assert_eq!(found, expected);
    let outside = [driver.history.start() + -1, driver.history.end() + 1];
    for offset in outside {
        assert!(log.read(offset, max_bytes, Isolation::ReadUncommitted).is_err(), "{offset} is not there");
    }
}

proptest! {
    #![proptest_config(ProptestConfig {
        cases: u32::try_from(setting("OTTLA_CASES", 200)).unwrap(),
        max_shrink_iters: 4_000,
        failure_persistence: None,
        ..ProptestConfig::default()
    })]

    #[test]
    fn a_log_is_what_the_model_says(config in config(), ops in prop::collection::vec(op(), 1..60)) {
        let mut driver = Driver::new(SimFs::new(), config);
        driver.open().unwrap();
        for op in &ops {
            apply(&mut driver, op);
            driver.check();
        }
        driver.close().unwrap();
        driver.open().unwrap();
        driver.check();
        check_repeats(&driver);
        let all = values_between(
            driver.log(), driver.history.start(), driver.history.end(), Isolation::ReadUncommitted,
        );
        prop_assert_eq!(all.len(), driver.history.records().iter().filter(|(_, value)| value.is_some()).count());
    }
}

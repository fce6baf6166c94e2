//! The files of one partition fail, in every way, and the others of the store go on.
//!
//! **Fault model.** Calls on the directory of one partition and on all in it fail, the n-th of a kind alone or it and all
//! after it. **What must hold**: the other partition takes records, syncs, reads, retains and is flushed as if nothing
//! was, and is whole after a loss of power; the failing one keeps what it acknowledged.

use std::collections::BTreeMap;

use ottla::{Error, Isolation, Log, LogConfig, Offset, Result, Store, StoreConfig};
use ottla_record::BatchBuilder;
use ottla_testkit::{Call, Crash, Fault, Repeat, SimFs};

use crate::support::{DATA, batch, environment, small, values_between};

const BAD_DIR: &str = "/data/bad-0";

fn open(fs: &SimFs) -> Result<Store> {
    let config = StoreConfig { defaults: small(), environment: environment(fs), ..StoreConfig::default() };
    Store::open(DATA, config).map(|(store, _)| store)
}

fn append(log: &Log, number: i64) -> Result<Offset> {
    let value = format!("{number:060}");
    log.append(&batch(BatchBuilder::new(), &[value], number)).map(|appended| appended.last_offset + 1)
}

fn values(log: &Log) -> Vec<String> {
    let (start, end) = (log.log_start_offset(), log.log_end_offset());
    values_between(log, start, end, Isolation::ReadUncommitted).into_iter().map(|(_, value)| value).collect()
}

/// What the failing partition said is on disk.
#[derive(Default)]
struct Promised {
    end: Offset,
}

fn life(fs: &SimFs, store: &Store, context: &str) -> Promised {
    let (good, bad) = (store.log("good", 0).unwrap(), store.log("bad", 0).unwrap());
    let mut promised = Promised::default();
    for number in 0..24 {
        let end = append(&bad, number);
        if let Ok(end) = end
            && bad.sync_to(end).is_ok()
        {
            promised.end = end;
        }
        let end = append(&good, number).unwrap_or_else(|e| panic!("{context}: {e}"));
        good.sync_to(end).unwrap_or_else(|e| panic!("{context}: {e}"));
        if number % 6 == 5 {
            let _ = bad.flush();
            good.flush().unwrap_or_else(|e| panic!("{context}: {e}"));
            let report = store.housekeep().unwrap_or_else(|e| panic!("{context}: {e}"));
            let others = report.failures.iter().find(|(partition, _)| partition.topic() != "bad");
            assert!(others.is_none(), "{context}: {others:?}");
        }
    }
    let _ = (
        bad.delete_records(Offset::new(9)),
        bad.read_batches(Offset::new(12), 100, Isolation::ReadUncommitted),
    );
    good.set_config(LogConfig { retention_bytes: Some(1), ..small() });
    assert!(good.apply_retention().unwrap() > 0, "{context}");
    assert_eq!(values(&good).last().unwrap(), &format!("{:060}", 23), "{context}");
    assert!(!fs.crashed());
    promised
}

fn check(fs: &SimFs, promised: &Promised, context: &str) {
    let store = open(fs).unwrap_or_else(|e| panic!("{context}: {e}"));
    let good = store.log("good", 0).unwrap();
    assert_eq!(good.log_end_offset(), Offset::new(24), "{context}");
    assert_eq!(values(&good).last().unwrap(), &format!("{:060}", 23), "{context}");
    let bad = store.log("bad", 0).unwrap();
    assert!(bad.log_end_offset() >= promised.end, "{context}: {} of {}", bad.log_end_offset(), promised.end);
    values(&bad);
    append(&bad, 100).unwrap_or_else(|e| panic!("{context}: {e}"));
}

/// Returns how many calls were made to fail.
fn every(call: Call, fault: Fault, repeat: Repeat) -> usize {
    for nth in 1.. {
        let context = format!("{call:?} number {nth} fails with {fault:?} {repeat:?}");
        let fs = SimFs::new();
        let store = open(&fs).unwrap();
        for topic in ["bad", "good"] {
            store.create_topic(topic, 1, &BTreeMap::new()).unwrap();
        }
        fs.fail_only_under(BAD_DIR);
        fs.fail_nth(call, nth, fault, repeat);
        fs.allow_calls(100_000);
        let promised = life(&fs, &store, &context);
        let hit = fs.faults_hit() > 0;
        fs.clear_faults();
        for mut crash in [Crash::LoseAll, Crash::KeepAll, Crash::Random(nth)] {
            check(&fs.crash(&mut crash), &promised, &context);
        }
        if !hit {
            assert_eq!(promised.end, Offset::new(24), "without a fault all is promised");
            return (nth - 1) as usize;
        }
    }
    unreachable!()
}

#[test]
fn where_one_partition_fails_the_others_go_on() {
    let mut sites = 0;
    for call in Call::ALL {
        for fault in [Fault::EIO, Fault::ENOSPC, Fault::EROFS] {
            sites += every(call, fault, Repeat::Once);
            sites += every(call, fault, Repeat::Always);
        }
    }
    println!("failing calls on one partition of two: {sites} pairs of a call and an error");
    assert!(sites > 300, "{sites}");
}

/// A failed sync stops the partition whose it was, and no other.
#[test]
fn after_a_failed_sync_only_that_partition_takes_no_more_writes() {
    let fs = SimFs::new();
    let store = open(&fs).unwrap();
    for topic in ["bad", "good"] {
        store.create_topic(topic, 1, &BTreeMap::new()).unwrap();
    }
    let (good, bad) = (store.log("good", 0).unwrap(), store.log("bad", 0).unwrap());
    let end = append(&bad, 0).unwrap();
    fs.fail_only_under(BAD_DIR);
    fs.fail_nth(Call::Sync, 1, Fault::EIO, Repeat::Once);
    assert!(matches!(bad.sync_to(end), Err(Error::Io { .. })));
    assert!(matches!(append(&bad, 1), Err(Error::Poisoned { .. })));
    assert_eq!(values(&bad).len(), 1);
    let end = append(&good, 0).unwrap();
    good.sync_to(end).unwrap();
    assert_eq!(good.durable_offset(), end);
}

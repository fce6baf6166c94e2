//! What the scenarios begin with, and how they look at a log.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use ottla::{Batches, Environment, Error, Isolation, Log, LogConfig, Offset, ReadLimit, Result};
use ottla_record::{BatchBuilder, Head, verify_crc};
use ottla_testkit::SimClock;
use shuttle::thread::{self, JoinHandle};

use crate::disk::Disk;

pub(crate) const DATA: &str = "/data";
pub(crate) const DIR: &str = "/data/letters-0";
pub(crate) const NOW_MS: i64 = 1_700_000_000_000;
/// Nobody waits so long: shuttle finds those who wait in vain.
pub(crate) const LONG: Duration = Duration::from_secs(3600);
pub(crate) const ALL: Isolation = Isolation::ReadUncommitted;
pub(crate) const WHOLE: usize = 1 << 20;

/// Indexes that get an entry for every batch.
pub(crate) fn config() -> LogConfig {
    LogConfig { index_interval_bytes: 1, file_delete_delay_ms: 0, ..LogConfig::default() }
}

/// Segments that hold one small batch, or two.
pub(crate) fn segments_of(batches: u32) -> LogConfig {
    /// A batch of one record with a value of a few bytes.
    const BATCH_BYTES: u32 = 76;
    LogConfig { segment_bytes: batches * BATCH_BYTES + BATCH_BYTES / 2, ..config() }
}

pub(crate) fn environment(disk: &Disk) -> Environment {
    Environment { fs: Arc::new(disk.clone()), clock: Arc::new(SimClock::at_ms(NOW_MS)) }
}

pub(crate) fn open(disk: &Disk, config: LogConfig) -> Log {
    open_in(disk, DIR, config)
}

pub(crate) fn open_in(disk: &Disk, dir: impl AsRef<Path>, config: LogConfig) -> Log {
    Log::open_with(dir, config, environment(disk)).unwrap().0
}

pub(crate) fn batch(value: &str) -> Vec<u8> {
    batch_of(BatchBuilder::new(), &[value], NOW_MS)
}

pub(crate) fn batch_of(mut builder: BatchBuilder, values: &[&str], timestamp_ms: i64) -> Vec<u8> {
    for (value, timestamp_ms) in values.iter().zip(timestamp_ms..) {
        builder.push(timestamp_ms, None, Some(value.as_bytes()), &[]).unwrap();
    }
    builder.build().unwrap()
}

/// Appends one record and returns its offset.
pub(crate) fn append(log: &Log, value: &str) -> i64 {
    log.append(&batch(value)).unwrap().base_offset.get()
}

pub(crate) fn append_all(log: &Log, values: &[&str]) {
    for value in values {
        append(log, value);
    }
}

pub(crate) fn spawn<T: Send + 'static>(work: impl FnOnce() -> T + Send + 'static) -> JoinHandle<T> {
    thread::spawn(work)
}

pub(crate) fn join<T>(threads: impl IntoIterator<Item = JoinHandle<T>>) -> Vec<T> {
    threads.into_iter().map(|thread| thread.join().unwrap()).collect()
}

/// A record as a reader sees it.
pub(crate) type Seen = (i64, String);

pub(crate) fn seen(batches: &Batches) -> Vec<Seen> {
    let mut seen = Vec::new();
    let mut take = |record: &ottla_record::Record<'_>| {
        seen.push((record.offset.get(), String::from_utf8(record.value.unwrap().to_vec()).unwrap()));
        Ok(())
    };
    batches.for_each_record(&mut take).unwrap();
    seen
}

pub(crate) fn read(log: &Log, from: i64, limit: impl Into<ReadLimit>) -> Result<Vec<Seen>> {
    Ok(seen(&log.read_batches(Offset::new(from), WHOLE, limit)?))
}

/// Everything there is, when nobody else is at it.
pub(crate) fn read_all(log: &Log) -> Vec<Seen> {
    let (mut all, mut next) = (Vec::new(), log.log_start_offset());
    while next < log.log_end_offset() {
        let batches = log.read_batches(next, WHOLE, ALL).unwrap();
        assert!(batches.next_offset() > next, "stuck at {next}");
        next = batches.next_offset();
        all.extend(seen(&batches));
    }
    all
}

/// The offset after the last of these batches, each of which must be whole.
pub(crate) fn end_of(bytes: &[u8], from: Offset) -> Offset {
    let (mut rest, mut end) = (bytes, from);
    while !rest.is_empty() {
        let (batch, after) = rest.split_at(Head::parse(rest).unwrap().size_bytes());
        let head = verify_crc(batch).unwrap();
        (end, rest) = (head.last_offset() + 1, after);
    }
    end
}

pub(crate) fn is_closed<T>(outcome: &Result<T>) -> bool {
    matches!(outcome, Err(Error::Closed { .. }))
}

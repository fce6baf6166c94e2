//! What a data directory shows, by all ways of reading it.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;

use ottla::fs::FileSystem;
use ottla::{Environment, Isolation, Log, LogConfig, Store, StoreConfig, StoreReport, SystemClock};
use ottla_inspect::Silent;
use ottla_inspect::verify::{self, Finding, Kind};

use crate::records;

/// What one partition shows.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FoundPartition {
    /// The first offset.
    pub start: i64,
    /// The offset after the last record.
    pub end: i64,
    /// Offset and value of every record.
    pub records: Vec<(i64, Vec<u8>)>,
    /// The offsets that a careful reader sees.
    pub committed: Vec<i64>,
}

/// What one topic shows.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct FoundTopic {
    /// By number.
    pub partitions: Vec<FoundPartition>,
    /// A setting of its own.
    pub max_message_bytes: u32,
}

/// What all of them show.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Found {
    /// By name.
    pub topics: BTreeMap<String, FoundTopic>,
}

/// Small segments, so that much is rolled; deleted files go at the next housekeeping.
pub fn open(data: &Path, fs: Arc<dyn FileSystem>) -> Result<(Store, StoreReport), ottla::Error> {
    let defaults = LogConfig {
        segment_bytes: 24_000,
        index_interval_bytes: 600,
        file_delete_delay_ms: 0,
        // The records are from 2023.
        producer_id_expiration_ms: 100 * 365 * 24 * 60 * 60 * 1000,
        ..LogConfig::default()
    };
    let environment = Environment { fs, clock: Arc::new(SystemClock::new()) };
    Store::open(data, StoreConfig { defaults, environment, ..StoreConfig::default() })
}

/// Reads everything.
///
/// # Errors
/// Where something cannot be read, or two ways of reading disagree.
pub fn look(store: &Store) -> Result<Found, String> {
    let mut found = Found::default();
    for topic in store.topics() {
        let mut there = FoundTopic::default();
        let setting = topic.overrides.get("max.message.bytes");
        there.max_message_bytes = setting.and_then(|setting| setting.parse().ok()).unwrap_or(0);
        for (number, log) in &topic.partitions {
            if usize::try_from(*number) != Ok(there.partitions.len()) {
                return Err(format!("{}: there is a partition {number}, but not all below it", topic.name));
            }
            there.partitions.push(partition(log).map_err(|e| format!("{}-{number}: {e}", topic.name))?);
        }
        found.topics.insert(topic.name.to_string(), there);
    }
    Ok(found)
}

fn partition(log: &Log) -> Result<FoundPartition, String> {
    let (start, end) = (log.log_start_offset().get(), log.log_end_offset().get());
    let mut records = Vec::new();
    read(log, Isolation::ReadUncommitted, end, &mut |offset, value| records.push((offset, value.to_vec())))?;
    let mut committed = Vec::new();
    let stable = log.last_stable_offset().get();
    read(log, Isolation::ReadCommitted, stable, &mut |offset, _| committed.push(offset))?;
    // By offset, each by the index alone; and the index of times must lead to each.
    for (offset, value) in &records {
        let at = log.read_batches(records::offset(*offset), 1, Isolation::ReadUncommitted);
        let at = at.map_err(|e| format!("cannot find {offset}: {e}"))?;
        let mut first = None;
        at.for_each_record(|record| {
            first.get_or_insert((record.offset.get(), record.value == Some(value.as_slice())));
            Ok(())
        })
        .map_err(|e| e.to_string())?;
        if first != Some((*offset, true)) {
            return Err(format!("looked for {offset}, and found {first:?}"));
        }
    }
    Ok(FoundPartition { start, end, records, committed })
}

fn read(log: &Log, isolation: Isolation, end: i64, each: &mut dyn FnMut(i64, &[u8])) -> Result<(), String> {
    let mut from = log.log_start_offset();
    while from.get() < end {
        let fail = |e: ottla::Error| format!("cannot read from {from}: {e}");
        let batches = log.read_batches(from, 1 << 16, isolation).map_err(fail)?;
        let next = batches.next_offset();
        if next <= from {
            // A hole up to the end; the oracle knows whether it may be.
            return Ok(());
        }
        batches
            .for_each_record(|record| {
                if record.offset.get() < end {
                    each(record.offset.get(), record.value.unwrap_or_default());
                }
                Ok(())
            })
            .map_err(fail)?;
        from = next;
    }
    Ok(())
}

/// Everything on disk against itself, as `ottla verify`; nothing may be wrong that a crash does not leave. One thing more
/// is let pass: a snapshot of the producers that was torn. Opening passes it over, and an older one does as well.
///
/// # Errors
/// What is wrong.
pub fn verify_at_rest(data: &Path) -> Result<(), String> {
    let options = verify::Options { threads: 1, ..verify::Options::default() };
    let report = verify::verify(data, &options, &mut Silent).map_err(|e| e.to_string())?;
    let is_wrong = |finding: &&Finding| !finding.harmless && finding.kind != Kind::SnapshotDamaged;
    match report.findings.iter().find(is_wrong) {
        None => Ok(()),
        Some(finding) => {
            Err(format!("verify: {}: {:?}: {}", finding.file.display(), finding.kind, finding.what))
        }
    }
}

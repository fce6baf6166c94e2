use std::path::Path;
use std::sync::Arc;

use anyhow::Result;
use ottla::Offset;
use ottla::fs::FileSystem;
use ottla::producer::{AbortedTxn, ProducerEntry, TxnIndex, snapshot};
use serde::Serialize;

use super::damage::damage_in;
use super::printer::Printer;
use crate::read_only_fs::ReadOnlyFs;

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct TxnEntry {
    version: i16,
    producer_id: i64,
    first_offset: i64,
    last_offset: i64,
    last_stable_offset: i64,
}

/// The only version of a `.txnindex` entry that there is; others are refused when they are read.
const TXN_ENTRY_VERSION: i16 = 0;

/// Shows a `.txnindex` file.
pub fn dump_txn_index(path: &Path, base_offset: Offset, printer: &mut Printer<'_>) -> Result<Option<String>> {
    let index = TxnIndex::open_read_only(Arc::new(ReadOnlyFs), path.to_path_buf(), base_offset);
    let (index, entries) = match damage_in(index.and_then(|index| index.entries().map(|all| (index, all))))? {
        Ok(read) => read,
        Err(damage) => return Ok(Some(damage)),
    };
    for entry in &entries {
        print_txn(entry, printer)?;
    }
    Ok(damage_in(index.sanity_check())?.err())
}

fn print_txn(txn: &AbortedTxn, printer: &mut Printer<'_>) -> Result<()> {
    let entry = TxnEntry {
        version: TXN_ENTRY_VERSION,
        producer_id: txn.producer_id,
        first_offset: txn.first_offset.get(),
        last_offset: txn.last_offset.get(),
        last_stable_offset: txn.last_stable_offset.get(),
    };
    printer.entry(&entry, || {
        format!(
            "version: {} producerId: {} firstOffset: {} lastOffset: {} lastStableOffset: {}",
            entry.version, entry.producer_id, entry.first_offset, entry.last_offset, entry.last_stable_offset
        )
    })
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct ProducerJson {
    producer_id: i64,
    producer_epoch: i16,
    coordinator_epoch: i32,
    current_txn_first_offset: Option<i64>,
    last_timestamp: i64,
    #[serde(flatten)]
    batch: Option<BatchJson>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct BatchJson {
    first_sequence: i32,
    last_sequence: i32,
    last_offset: i64,
    offset_delta: i32,
    timestamp: i64,
}

/// Shows a `.snapshot` file.
pub fn dump_snapshot(fs: &dyn FileSystem, path: &Path, printer: &mut Printer<'_>) -> Result<Option<String>> {
    let entries = match damage_in(snapshot::read(fs, path))? {
        Ok(entries) => entries,
        Err(damage) => return Ok(Some(damage)),
    };
    for entry in &entries {
        let json = producer_json(entry);
        printer.entry(&json, || producer_line(&json))?;
    }
    Ok(None)
}

fn producer_json(entry: &ProducerEntry) -> ProducerJson {
    ProducerJson {
        producer_id: entry.producer_id,
        producer_epoch: entry.producer_epoch,
        coordinator_epoch: entry.coordinator_epoch,
        current_txn_first_offset: entry.current_txn_first_offset.map(Offset::get),
        last_timestamp: entry.last_timestamp_ms,
        batch: entry.last_batch().map(|batch| BatchJson {
            first_sequence: batch.base_sequence(),
            last_sequence: batch.last_sequence,
            last_offset: batch.last_offset.get(),
            offset_delta: batch.offset_delta,
            timestamp: batch.timestamp_ms,
        }),
    }
}

fn producer_line(entry: &ProducerJson) -> String {
    let first_offset = match entry.current_txn_first_offset {
        Some(offset) => format!("OptionalLong[{offset}]"),
        None => "OptionalLong.empty".to_owned(),
    };
    let mut line = format!(
        "producerId: {} producerEpoch: {} coordinatorEpoch: {} currentTxnFirstOffset: {first_offset} lastTimestamp: {}",
        entry.producer_id, entry.producer_epoch, entry.coordinator_epoch, entry.last_timestamp
    );
    if let Some(batch) = &entry.batch {
        line.push_str(&format!(
            " firstSequence: {} lastSequence: {} lastOffset: {} offsetDelta: {} timestamp: {}",
            batch.first_sequence, batch.last_sequence, batch.last_offset, batch.offset_delta, batch.timestamp
        ));
    }
    line
}

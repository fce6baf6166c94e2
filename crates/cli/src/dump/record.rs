use anyhow::Result;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use ottla_record::{ControlRecord, Decoded, Magic, Record, TimestampType};
use serde::Serialize;

use super::printer::{Depth, Printer};
use crate::partition::MAX_DECOMPRESSED_BYTES;
use crate::text::escaped;

/// A record, with Kafka's names; bytes are base64.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct RecordEntry {
    offset: i64,
    timestamp_type: &'static str,
    timestamp: i64,
    key_size: i64,
    value_size: i64,
    #[serde(skip_serializing_if = "Option::is_none")]
    sequence: Option<i32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    header_keys: Option<Vec<String>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    control: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    key: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    payload: Option<String>,
}

/// Shows the records of one whole batch; tells where they cannot be read.
pub fn dump(batch: &[u8], depth: Depth, printer: &mut Printer<'_>) -> Result<Option<String>> {
    let decoded = match ottla_record::decode(batch, MAX_DECOMPRESSED_BYTES) {
        Ok(decoded) => decoded,
        Err(error) => return Ok(Some(format!("the records cannot be read: {error}"))),
    };
    for record in decoded.records() {
        match record {
            Ok(record) => print(&decoded, &record, depth, printer)?,
            Err(error) => return Ok(Some(format!("the records cannot be read: {error}"))),
        }
    }
    Ok(None)
}

fn print(decoded: &Decoded<'_>, record: &Record<'_>, depth: Depth, printer: &mut Printer<'_>) -> Result<()> {
    let is_v2 = decoded.head().magic() == Magic::V2;
    let is_control = decoded.head().is_control();
    let shows_data = depth == Depth::Data && !is_control;
    let data = |bytes: Option<&[u8]>| bytes.filter(|_| shows_data).map(|bytes| STANDARD.encode(bytes));
    let entry = RecordEntry {
        offset: record.offset.get(),
        timestamp_type: timestamp_type_name(decoded.timestamp_type()),
        timestamp: record.timestamp_ms,
        key_size: size_of(record.key),
        value_size: size_of(record.value),
        sequence: is_v2.then(|| record.sequence.unwrap_or(-1)),
        header_keys: is_v2.then(|| record.headers.clone().map(|header| escaped(header.name)).collect()),
        control: is_control.then(|| control_text(record)),
        key: data(record.key),
        payload: data(record.value),
    };
    printer.entry(&entry, || line(&entry, record, shows_data))
}

/// Kafka's size of null is −1.
fn size_of(bytes: Option<&[u8]>) -> i64 {
    bytes.map_or(-1, |bytes| i64::try_from(bytes.len()).unwrap_or(i64::MAX))
}

fn line(entry: &RecordEntry, record: &Record<'_>, shows_data: bool) -> String {
    let mut line = format!(
        "| offset: {} {}: {} keySize: {} valueSize: {}",
        entry.offset, entry.timestamp_type, entry.timestamp, entry.key_size, entry.value_size
    );
    if let (Some(sequence), Some(names)) = (entry.sequence, &entry.header_keys) {
        line.push_str(&format!(" sequence: {sequence} headerKeys: [{}]", names.join(",")));
    }
    if let Some(control) = &entry.control {
        line.push(' ');
        line.push_str(control);
    }
    if shows_data {
        let mut add = |name: &str, bytes: Option<&[u8]>| {
            if let Some(bytes) = bytes {
                line.push_str(&format!(" {name}: {}", escaped(bytes)));
            }
        };
        add("key", record.key);
        add("payload", record.value);
    }
    line
}

fn control_text(record: &Record<'_>) -> String {
    match ControlRecord::parse(record.key, record.value) {
        Ok(ControlRecord::Abort { coordinator_epoch }) => {
            format!("endTxnMarker: ABORT coordinatorEpoch: {coordinator_epoch}")
        }
        Ok(ControlRecord::Commit { coordinator_epoch }) => {
            format!("endTxnMarker: COMMIT coordinatorEpoch: {coordinator_epoch}")
        }
        Ok(ControlRecord::LeaderChange) => "controlType: LEADER_CHANGE(2)".to_owned(),
        Ok(ControlRecord::SnapshotHeader) => "controlType: SNAPSHOT_HEADER(3)".to_owned(),
        Ok(ControlRecord::SnapshotFooter) => "controlType: SNAPSHOT_FOOTER(4)".to_owned(),
        Ok(ControlRecord::KRaftVersion) => "controlType: KRAFT_VERSION(5)".to_owned(),
        Ok(ControlRecord::KRaftVoters) => "controlType: KRAFT_VOTERS(6)".to_owned(),
        Ok(other) => format!("controlType: UNKNOWN({other:?})"),
        Err(error) => format!("controlType: unreadable ({error})"),
    }
}

/// Kafka's names (`TimestampType`).
pub fn timestamp_type_name(timestamp_type: Option<TimestampType>) -> &'static str {
    match timestamp_type {
        Some(TimestampType::CreateTime) => "CreateTime",
        Some(TimestampType::LogAppendTime) => "LogAppendTime",
        None => "NoTimestampType",
    }
}

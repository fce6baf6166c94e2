use std::path::Path;

use anyhow::{Context, Result};
use ottla::Position;
use ottla::fs::{FileSystem, OpenMode};
use ottla::segment::{HeadWalk, WalkEnd, Walked};
use ottla_record::{BatchHeader, Compression, Head, LegacyHeader, verify_crc};
use serde::Serialize;

use super::printer::{Depth, Printer};
use super::record::{self, timestamp_type_name};

/// The head of a batch of magic 2, with Kafka's names.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct BatchEntry {
    base_offset: i64,
    last_offset: i64,
    count: i32,
    base_sequence: i32,
    last_sequence: i32,
    producer_id: i64,
    producer_epoch: i16,
    partition_leader_epoch: i32,
    is_transactional: bool,
    is_control: bool,
    delete_horizon_ms: Option<i64>,
    #[serde(flatten)]
    common: Common,
}

/// A message of magic 0 or 1.
#[derive(Serialize)]
struct MessageEntry {
    offset: i64,
    #[serde(flatten)]
    common: Common,
}

/// What batches and messages share.
#[derive(Serialize)]
struct Common {
    position: u32,
    #[serde(rename = "timestampType")]
    timestamp_type: &'static str,
    #[serde(rename = "maxTimestamp")]
    max_timestamp_ms: i64,
    size: usize,
    magic: i8,
    compresscodec: String,
    crc: u32,
    isvalid: bool,
}

/// Shows every batch of a `.log` file or snapshot by its head, and as much of the records as is wanted.
/// Batches with a wrong checksum are shown too.
pub fn dump(
    fs: &dyn FileSystem,
    path: &Path,
    depth: Depth,
    printer: &mut Printer<'_>,
) -> Result<Option<String>> {
    let cannot_read = || format!("cannot read {}", path.display());
    let file = fs.open(path, OpenMode::Read).with_context(cannot_read)?;
    let end = file.len().with_context(cannot_read)?;
    let mut walk = HeadWalk::new(&*file, Position::ZERO, end);
    let mut position = 0;
    let mut invalid = None;
    let mut bytes = Vec::new();
    let stopped = loop {
        match walk.step().with_context(cannot_read)? {
            Walked::Batch(at, head) => {
                // The walk has found that the file holds as many bytes.
                bytes.resize(head.size_bytes(), 0);
                file.read_exact_at(&mut bytes, u64::from(at.get())).with_context(cannot_read)?;
                let checked = verify_crc(&bytes).map(|_| ());
                print_head(&head, at, checked.is_ok(), printer)?;
                let problem = match checked {
                    Ok(()) if depth == Depth::Batches => None,
                    Ok(()) => record::dump(&bytes, depth, printer)?,
                    Err(error) => Some(error.to_string()),
                };
                let here = || problem.map(|problem| format!("{} at byte {at}: {problem}", path.display()));
                invalid = invalid.or_else(here);
                position = u64::from(at.get()).saturating_add(head.size_bytes() as u64);
            }
            Walked::End(stopped) => break stopped,
        }
    };
    let trailing = end.saturating_sub(position);
    if trailing > 0 {
        let name = path.file_name().unwrap_or_default().display();
        printer.title(&format!("Found {trailing} invalid bytes at the end of {name}"))?;
    }
    Ok(invalid.or_else(|| tail(&stopped, path, position)))
}

fn tail(stopped: &WalkEnd, path: &Path, position: u64) -> Option<String> {
    crate::partition::Damage::of(stopped, path.to_path_buf(), position).map(|damage| damage.to_string())
}

fn print_head(head: &Head, position: Position, valid: bool, printer: &mut Printer<'_>) -> Result<()> {
    match head {
        Head::V2(header) => {
            let entry = batch_entry(header, common(head, header.crc, position, valid));
            printer.entry(&entry, || batch_line(&entry))
        }
        Head::Legacy(LegacyHeader { offset, crc, .. }) => {
            let entry = MessageEntry { offset: offset.get(), common: common(head, *crc, position, valid) };
            printer.entry(&entry, || format!("offset: {} {}", entry.offset, common_line(&entry.common)))
        }
    }
}

fn common(head: &Head, crc: u32, position: Position, isvalid: bool) -> Common {
    Common {
        position: position.get(),
        timestamp_type: timestamp_type_name(head.timestamp_type()),
        max_timestamp_ms: head.max_timestamp_ms(),
        size: head.size_bytes(),
        magic: head.magic().get(),
        compresscodec: head.compression().map_or_else(|error| error.to_string(), codec_name),
        crc,
        isvalid,
    }
}

fn codec_name(compression: Compression) -> String {
    compression.name().to_owned()
}

fn batch_entry(header: &BatchHeader, common: Common) -> BatchEntry {
    BatchEntry {
        base_offset: header.base_offset.get(),
        last_offset: header.last_offset().get(),
        count: header.record_count,
        base_sequence: header.base_sequence,
        last_sequence: header.last_sequence(),
        producer_id: header.producer_id,
        producer_epoch: header.producer_epoch,
        partition_leader_epoch: header.leader_epoch,
        is_transactional: header.attributes.is_transactional(),
        is_control: header.attributes.is_control(),
        delete_horizon_ms: header.delete_horizon_ms(),
        common,
    }
}

fn batch_line(entry: &BatchEntry) -> String {
    let horizon = match entry.delete_horizon_ms {
        Some(ms) => format!("OptionalLong[{ms}]"),
        None => "OptionalLong.empty".to_owned(),
    };
    format!(
        "baseOffset: {} lastOffset: {} count: {} baseSequence: {} lastSequence: {} producerId: {} \
         producerEpoch: {} partitionLeaderEpoch: {} isTransactional: {} isControl: {} deleteHorizonMs: {horizon} {}",
        entry.base_offset,
        entry.last_offset,
        entry.count,
        entry.base_sequence,
        entry.last_sequence,
        entry.producer_id,
        entry.producer_epoch,
        entry.partition_leader_epoch,
        entry.is_transactional,
        entry.is_control,
        common_line(&entry.common),
    )
}

fn common_line(common: &Common) -> String {
    format!(
        "position: {} {}: {} size: {} magic: {} compresscodec: {} crc: {} isvalid: {}",
        common.position,
        common.timestamp_type,
        common.max_timestamp_ms,
        common.size,
        common.magic,
        common.compresscodec,
        common.crc,
        common.isvalid,
    )
}

use std::path::Path;

use anyhow::{Context, Result};
use ottla::Offset;
use ottla::fs::FileSystem;
use ottla::segment::{Entry, IndexView, OffsetIndexEntry, TimeIndexEntry};
use serde::Serialize;

use super::printer::Printer;

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct OffsetEntry {
    offset: i64,
    position: u32,
    relative_offset: u32,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct TimeEntry {
    timestamp: i64,
    offset: i64,
    relative_offset: u32,
}

/// Shows a `.index` file.
pub fn dump_offsets(
    fs: &dyn FileSystem,
    path: &Path,
    base_offset: Offset,
    printer: &mut Printer<'_>,
) -> Result<Option<String>> {
    dump(fs, path, printer, |entry: OffsetIndexEntry, printer| {
        let json = OffsetEntry {
            offset: entry.offset(base_offset).get(),
            position: entry.position.get(),
            relative_offset: entry.relative_offset,
        };
        printer.entry(&json, || format!("offset: {} position: {}", json.offset, json.position))
    })
}

/// Shows a `.timeindex` file.
pub fn dump_times(
    fs: &dyn FileSystem,
    path: &Path,
    base_offset: Offset,
    printer: &mut Printer<'_>,
) -> Result<Option<String>> {
    dump(fs, path, printer, |entry: TimeIndexEntry, printer| {
        let json = TimeEntry {
            timestamp: entry.timestamp_ms,
            offset: entry.offset(base_offset).get(),
            relative_offset: entry.relative_offset,
        };
        printer.entry(&json, || format!("timestamp: {} offset: {}", json.timestamp, json.offset))
    })
}

fn dump<E: Entry>(
    fs: &dyn FileSystem,
    path: &Path,
    printer: &mut Printer<'_>,
    each: impl Fn(E, &mut Printer<'_>) -> Result<()>,
) -> Result<Option<String>> {
    let cannot_read = || format!("cannot read {}", path.display());
    let len = fs.metadata(path).with_context(cannot_read)?.len;
    let index = IndexView::<E>::open(fs, path).with_context(cannot_read)?.unwrap_or_else(IndexView::empty);
    if index.is_empty() {
        printer.title(&format!("{} is empty.", path.display()))?;
    }
    for entry in index.iter() {
        each(entry.with_context(cannot_read)?, printer)?;
    }
    let entries_end = u64::from(index.len()).saturating_mul(E::LEN as u64);
    let rest = len.saturating_sub(entries_end);
    if rest > 0 && rest.is_multiple_of(E::LEN as u64) {
        // So Kafka keeps the index of an active segment.
        printer.title(&format!("{rest} bytes of zero padding from byte {entries_end} on"))?;
        return Ok(None);
    }
    let what = format!("{} at byte {entries_end}: {rest} bytes that are no whole entry", path.display());
    Ok((rest > 0).then_some(what))
}

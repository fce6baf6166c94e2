//! A snapshot of metadata: `bootstrap.checkpoint`, and the `*.checkpoint` files of the cluster's log.
//!
//! ```text
//! control batch   SnapshotHeader, and the voters where the log has them
//! data batches    metadata records, from one offset to the next
//! control batch   SnapshotFooter: whatever was cut has none
//! ```
//!
//! Kafka: `RecordsSnapshotWriter`, `BatchFileWriter`; KIP-630.

use std::path::Path;

use ottla_record::{BatchBuilder, ControlRecord, Head, Offset};

use super::batches::{Batches, Next, corrupt};
use super::quorum::Quorum;
use super::replay::Replay;
use crate::error::Result;
use crate::fs::FileSystem;

const SNAPSHOT_HEADER: i16 = 3;
const SNAPSHOT_FOOTER: i16 = 4;

/// A batch is closed once it holds so much. Kafka takes up to 8 MiB.
const BATCH_BYTES: usize = 256 << 10;

/// Reads a whole snapshot.
///
/// # Errors
/// [`Corrupt`](crate::Error::Corrupt) where it is none, or was cut.
pub(super) fn read(fs: &dyn FileSystem, path: &Path) -> Result<(Replay, Quorum)> {
    let mut batches = Batches::open(fs, path)?;
    let (mut replay, mut quorum) = (Replay::default(), Quorum::default());
    let mut last_control = None;
    loop {
        match batches.advance()? {
            Next::Batch(head) => {
                if last_control == Some(ControlRecord::SnapshotFooter) {
                    return Err(batches.corrupt("batches follow the end of a snapshot", format!("{head:?}")));
                }
                last_control = take_in(&batches, &head, &mut replay, &mut quorum)?.or(last_control);
                if last_control.is_none() {
                    return Err(batches.corrupt("the header of a snapshot is missing", format!("{head:?}")));
                }
            }
            Next::Damage(reason) => {
                return Err(batches.corrupt("a snapshot is damaged", reason.to_string()));
            }
            Next::End if last_control == Some(ControlRecord::SnapshotFooter) => return Ok((replay, quorum)),
            Next::End => return Err(batches.corrupt("a snapshot is cut", "no footer".to_owned())),
        }
    }
}

/// Takes in one batch, and returns the last of its control records.
fn take_in(
    batches: &Batches<'_>,
    head: &Head,
    replay: &mut Replay,
    quorum: &mut Quorum,
) -> Result<Option<ControlRecord>> {
    let mut last_control = None;
    batches.records(|record| {
        if !head.is_control() {
            return replay.apply(record.value);
        }
        let control = ControlRecord::parse(record.key, Some(record.value));
        let control = control.map_err(|_| "a control record is of no known form")?;
        quorum.apply(control, record.value);
        last_control = Some(control);
        Ok(())
    })?;
    Ok(last_control)
}

/// The bytes of a snapshot with these records, made at `now_ms`.
///
/// # Errors
/// Where a single record is larger than a batch can be.
pub(super) fn encode(
    quorum: &Quorum,
    records: impl IntoIterator<Item = Vec<u8>>,
    now_ms: i64,
    path: &Path,
) -> Result<Vec<u8>> {
    // Version, and the time of the last record in it: of no log here.
    let header = [0; 11];
    let footer = [0; 3];
    let mut writer = Writer { bytes: Vec::new(), next_offset: Offset::ZERO, now_ms, path };
    let mut first = vec![(SNAPSHOT_HEADER, &header[..])];
    first.extend(quorum.records());
    writer.control(&first)?;
    let mut batch = writer.batch();
    for value in records {
        if !batch.is_empty() && batch.uncompressed_bytes() + value.len() > BATCH_BYTES {
            let full = std::mem::replace(&mut batch, BatchBuilder::new());
            writer.finish(full)?;
            batch = writer.batch();
        }
        writer.push(&mut batch, None, &value)?;
    }
    if !batch.is_empty() {
        writer.finish(batch)?;
    }
    writer.control(&[(SNAPSHOT_FOOTER, &footer)])?;
    Ok(writer.bytes)
}

struct Writer<'a> {
    bytes: Vec<u8>,
    next_offset: Offset,
    now_ms: i64,
    path: &'a Path,
}

impl Writer<'_> {
    fn batch(&self) -> BatchBuilder {
        BatchBuilder::new().base_offset(self.next_offset).leader_epoch(0)
    }

    fn control(&mut self, records: &[(i16, &[u8])]) -> Result<()> {
        let mut batch = self.batch().control(true);
        for (kind, value) in records {
            let [high, low] = kind.to_be_bytes();
            self.push(&mut batch, Some(&[0, 0, high, low]), value)?;
        }
        self.finish(batch)
    }

    fn push(&self, batch: &mut BatchBuilder, key: Option<&[u8]>, value: &[u8]) -> Result<()> {
        let pushed = batch.push(self.now_ms, key, Some(value), &[]);
        pushed.map_err(|e| corrupt(self.path, 0, "a metadata record does not fit a batch", e.to_string()))
    }

    fn finish(&mut self, batch: BatchBuilder) -> Result<()> {
        self.next_offset = self.next_offset + i64::from(batch.record_count());
        self.bytes.extend(batch.build()?);
        Ok(())
    }
}

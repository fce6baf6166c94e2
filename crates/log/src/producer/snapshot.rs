//! The `.snapshot` file: the producers of a partition at the offset in the file's name.
//!
//! A start loads the newest one and replays only the batches after it. The layout is version 1 of Kafka's
//! `ProducerSnapshot`; the checksum is the CRC-32C of all bytes after itself.
//!
//! ```text
//! byte  0       2           6          10
//!       +-------+-----------+-----------+--------- count times 46 bytes ---------
//!       | i16 1 | u32       | i32       | i64 producer id    i16 producer epoch
//!       | vers. | CRC-32C   | count     | i32 last sequence  i64 last offset
//!       +-------+-----------+-----------+ i32 offset delta   i64 timestamp
//!                                       | i32 coordinator epoch
//!                                       | i64 first offset of the open transaction, or -1
//! ```
//!
//! Only the last batch of each producer is kept; the four before it are forgotten at a restart, as in
//! Kafka. A producer without a batch in its current epoch has last sequence −1, last offset −1, delta 0.
//! Kafka writes entries in the order of a Java hash map; here the order in which they were read or first seen is kept,
//! so that a snapshot that is read and written again has the same bytes.

use std::path::Path;

use super::{BatchMetadata, ProducerEntry, ProducerState};
use crate::dir::write_atomically;
use crate::error::{Corruption, Error, Result};
use crate::fs::{FileSystem, OpenMode};
use crate::offset::Offset;

const VERSION: i16 = 1;
const CRC_END: usize = 6;
const HEAD_LEN: usize = 10;
const ENTRY_LEN: usize = 46;

/// The largest file that is read: more than five million producers.
const MAX_LEN: u64 = 256 << 20;

/// Reads a snapshot. Expired producers are still among the entries:
/// [`ProducerState::from_entries`] leaves them out.
///
/// # Errors
/// [`Corrupt`](crate::Error::Corrupt) where the file is no whole snapshot: go on with an older one or from
/// the start of the log. [`Io`](crate::Error::Io) where the system refuses.
pub fn read(fs: &dyn FileSystem, path: &Path) -> Result<Vec<ProducerEntry>> {
    let file = fs.open(path, OpenMode::Read).map_err(|e| Error::io("open", path, e))?;
    let len = file.len().map_err(|e| Error::io("read the length of", path, e))?;
    let too_long = || corrupt(path, "the file is too long", format!("at most {MAX_LEN} bytes"), len);
    let len = Some(len).filter(|len| *len <= MAX_LEN).and_then(|len| usize::try_from(len).ok());
    let mut bytes = vec![0; len.ok_or_else(too_long)?];
    file.read_exact_at(&mut bytes, 0).map_err(|e| Error::io("read", path, e))?;
    decode(&bytes, path)
}

/// Writes the state at its [`map_end_offset`](ProducerState::map_end_offset) as a snapshot that is whole
/// or not there after a crash, and durable once this returns.
///
/// # Errors
/// As the system reports it.
pub fn write(fs: &dyn FileSystem, path: &Path, state: &ProducerState) -> Result<()> {
    write_atomically(fs, path, &encode(state.entries()))
}

/// The entries that the bytes of a snapshot hold; `path` is for the error.
///
/// # Errors
/// [`Corrupt`](crate::Error::Corrupt) where the bytes are no whole snapshot.
pub fn decode(bytes: &[u8], path: &Path) -> Result<Vec<ProducerEntry>> {
    let short = || corrupt(path, "the file is cut", format!("at least {HEAD_LEN} bytes"), bytes.len());
    let (head, entries) = bytes.split_first_chunk::<HEAD_LEN>().ok_or_else(short)?;
    let [v0, v1, crc @ .., c0, c1, c2, c3] = head;
    let version = i16::from_be_bytes([*v0, *v1]);
    if version != VERSION {
        return Err(corrupt(path, "unknown version", VERSION, version));
    }
    let stored = u32::from_be_bytes(*crc);
    let computed = crc_fast::crc32_iscsi(bytes.get(CRC_END..).unwrap_or_default());
    if stored != computed {
        return Err(corrupt(path, "wrong checksum", format!("{computed:08x}"), format!("{stored:08x}")));
    }
    let count = i32::from_be_bytes([*c0, *c1, *c2, *c3]);
    let (entries, rest) = entries.as_chunks::<ENTRY_LEN>();
    if usize::try_from(count) != Ok(entries.len()) || !rest.is_empty() {
        let found = format!("{} and {} bytes", entries.len(), rest.len());
        return Err(corrupt(path, "wrong number of entries", count, found));
    }
    Ok(entries.iter().map(decode_entry).collect())
}

/// The bytes of a snapshot with these entries, in this order.
pub fn encode(entries: &[ProducerEntry]) -> Vec<u8> {
    let count = i32::try_from(entries.len()).unwrap_or(i32::MAX);
    let mut body = Vec::with_capacity(HEAD_LEN + entries.len() * ENTRY_LEN);
    body.extend_from_slice(&count.to_be_bytes());
    for entry in entries.iter().take(count as usize) {
        encode_entry(entry, &mut body);
    }
    let mut bytes = Vec::with_capacity(CRC_END + body.len());
    bytes.extend_from_slice(&VERSION.to_be_bytes());
    bytes.extend_from_slice(&crc_fast::crc32_iscsi(&body).to_be_bytes());
    bytes.append(&mut body);
    bytes
}

fn encode_entry(entry: &ProducerEntry, bytes: &mut Vec<u8>) {
    let last = entry.last_batch();
    bytes.extend_from_slice(&entry.producer_id.to_be_bytes());
    bytes.extend_from_slice(&entry.producer_epoch.to_be_bytes());
    bytes.extend_from_slice(&entry.last_sequence().to_be_bytes());
    bytes.extend_from_slice(&last.map_or(-1, |batch| batch.last_offset.get()).to_be_bytes());
    bytes.extend_from_slice(&last.map_or(0, |batch| batch.offset_delta).to_be_bytes());
    bytes.extend_from_slice(&entry.last_timestamp_ms.to_be_bytes());
    bytes.extend_from_slice(&entry.coordinator_epoch.to_be_bytes());
    bytes.extend_from_slice(&entry.current_txn_first_offset.map_or(-1, Offset::get).to_be_bytes());
}

fn decode_entry(bytes: &[u8; ENTRY_LEN]) -> ProducerEntry {
    let mut rest = bytes.as_slice();
    let mut entry = ProducerEntry::new(take_i64(&mut rest));
    entry.producer_epoch = i16::from_be_bytes(take(&mut rest));
    let last_sequence = i32::from_be_bytes(take(&mut rest));
    let last_offset = take_i64(&mut rest);
    let offset_delta = i32::from_be_bytes(take(&mut rest));
    let timestamp_ms = take_i64(&mut rest);
    entry.last_timestamp_ms = timestamp_ms;
    entry.coordinator_epoch = i32::from_be_bytes(take(&mut rest));
    entry.current_txn_first_offset = Some(take_i64(&mut rest)).filter(|first| *first >= 0).map(Offset::new);
    if last_offset >= 0 {
        let last_offset = Offset::new(last_offset);
        entry.push(BatchMetadata { last_sequence, last_offset, offset_delta, timestamp_ms });
    }
    entry
}

fn take_i64(rest: &mut &[u8]) -> i64 {
    i64::from_be_bytes(take(rest))
}

fn take<const N: usize>(rest: &mut &[u8]) -> [u8; N] {
    let (taken, after) = rest.split_first_chunk::<N>().unwrap_or((&[0; N], &[]));
    *rest = after;
    *taken
}

fn corrupt(path: &Path, what: &'static str, expected: impl ToString, found: impl ToString) -> Error {
    Error::from(Corruption {
        path: path.to_path_buf(),
        position: None,
        what,
        expected: expected.to_string(),
        found: found.to_string(),
        advice: "remove the file; the producers are read from an older snapshot or from the log",
    })
}

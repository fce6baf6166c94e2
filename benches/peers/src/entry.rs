//! What is appended: one Kafka batch, which is one entry to a log that knows no batches.

use anyhow::{Context, Result, ensure};
use ottla_record::{BatchBuilder, BatchHeader};

/// An entry of the works that move many bytes: 63 records of 1 KiB, the last one larger so that no byte is left.
pub const ENTRY_BYTES: usize = 64 * 1024;
const RECORD_BYTES: usize = 1024;
/// Where the part of a batch begins that its checksum covers.
const COVERED: usize = 21;

/// One batch, whose base offset is set anew for each append: a log that assigns offsets finds what it would assign, and
/// what another gives back says which entry it was.
pub struct Entry {
    bytes: Vec<u8>,
    records: i64,
    crc: u32,
}

impl Entry {
    /// 65,536 bytes.
    pub fn large() -> Result<Entry> {
        let records = (ENTRY_BYTES - BatchHeader::LEN) / RECORD_BYTES;
        let room = ENTRY_BYTES - build(&[RECORD_BYTES].repeat(records))?.len();
        let mut sizes = [RECORD_BYTES].repeat(records);
        *sizes.last_mut().context("no record")? += room;
        let entry = Entry::new(&sizes)?;
        ensure!(entry.bytes.len() == ENTRY_BYTES, "a batch of {} bytes", entry.bytes.len());
        Ok(entry)
    }

    /// One record of 1 KiB.
    pub fn small() -> Result<Entry> {
        Entry::new(&[RECORD_BYTES])
    }

    fn new(record_bytes: &[usize]) -> Result<Entry> {
        let bytes = build(record_bytes)?;
        let crc = crc(&bytes);
        Ok(Entry { bytes, records: record_bytes.len() as i64, crc })
    }

    pub fn len(&self) -> usize {
        self.bytes.len()
    }

    /// The bytes of entry `number` of a log that holds no other.
    pub fn numbered(&mut self, number: u64) -> &[u8] {
        let base_offset = number as i64 * self.records;
        self.bytes[..8].copy_from_slice(&base_offset.to_be_bytes());
        &self.bytes
    }

    /// Whether these are the bytes of entry `number`. The leader epoch is the log's to set.
    pub fn is(&self, number: u64, found: &[u8]) -> bool {
        found.len() == self.bytes.len()
            && found[..8] == (number as i64 * self.records).to_be_bytes()
            && found[8..12] == self.bytes[8..12]
            && found[16..COVERED] == self.bytes[16..COVERED]
            && crc(found) == self.crc
    }
}

/// The checksum of what a batch's checksum covers.
pub fn crc(batch: &[u8]) -> u32 {
    crc_fast::crc32_iscsi(&batch[COVERED.min(batch.len())..])
}

fn build(record_bytes: &[usize]) -> Result<Vec<u8>> {
    let mut noise = 0x9e37_79b9_7f4a_7c15_u64;
    let mut batch = BatchBuilder::new();
    for bytes in record_bytes {
        let value: Vec<u8> = std::iter::repeat_with(|| next(&mut noise)).take(*bytes).collect();
        batch.push(1_700_000_000_000, None, Some(&value), &[])?;
    }
    Ok(batch.build()?)
}

/// Bytes that no compression on the way would shrink (xorshift64).
fn next(noise: &mut u64) -> u8 {
    *noise ^= *noise << 13;
    *noise ^= *noise >> 7;
    *noise ^= *noise << 17;
    (*noise >> 32) as u8
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_entry_is_told_from_its_neighbour_and_from_a_damaged_one() {
        let mut entry = Entry::large().unwrap();
        let mut bytes = entry.numbered(7).to_vec();
        assert_eq!((bytes.len(), &bytes[..8]), (65_536, &(7_i64 * 63).to_be_bytes()[..]));
        assert!(entry.is(7, &bytes) && !entry.is(8, &bytes));
        bytes[40_000] ^= 1;
        assert!(!entry.is(7, &bytes));
    }
}

use anyhow::Result;
use ottla_record::{BatchBuilder, Compression};

/// What a record needs beside its key and value, at most: its lengths, deltas and attributes.
const RECORD_OVERHEAD_BYTES: usize = 36;

/// A batch that is ready.
#[derive(Debug)]
pub struct Batch {
    /// The bytes.
    pub bytes: Vec<u8>,
    /// How many records are in it.
    pub records: u64,
}

/// Gathers records into batches.
pub struct Batcher {
    compression: Compression,
    batch_bytes: usize,
    builder: BatchBuilder,
}

impl Batcher {
    /// A batcher whose batches stay within so many bytes where one record does.
    pub fn new(compression: Compression, batch_bytes: usize) -> Batcher {
        let builder = BatchBuilder::new().compression(compression);
        Batcher { compression, batch_bytes, builder }
    }

    /// Whether the batch stays within its size with this record.
    pub fn has_room_for(&self, key: Option<&[u8]>, value: &[u8]) -> bool {
        let record =
            RECORD_OVERHEAD_BYTES.saturating_add(key.map_or(0, <[u8]>::len)).saturating_add(value.len());
        self.builder.uncompressed_bytes().saturating_add(record) <= self.batch_bytes
    }

    /// Adds a record.
    pub fn push(&mut self, timestamp_ms: i64, key: Option<&[u8]>, value: &[u8]) -> Result<()> {
        Ok(self.builder.push(timestamp_ms, key, Some(value), &[])?)
    }

    /// The batch so far; `None` where there is nothing in it.
    pub fn take(&mut self) -> Result<Option<Batch>> {
        if self.builder.is_empty() {
            return Ok(None);
        }
        let empty = BatchBuilder::new().compression(self.compression);
        let builder = std::mem::replace(&mut self.builder, empty);
        let records = u64::try_from(builder.record_count()).unwrap_or(0);
        Ok(Some(Batch { bytes: builder.build()?, records }))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn batches_stay_within_their_size_and_a_large_record_gets_one_of_its_own() {
        let mut batcher = Batcher::new(Compression::None, 1000);
        let mut sizes = Vec::new();
        for len in [300, 300, 300, 300, 5000, 1] {
            let value = vec![7; len];
            if !batcher.has_room_for(None, &value)
                && let Some(batch) = batcher.take().unwrap()
            {
                sizes.push((batch.records, batch.bytes.len() <= 1000));
            }
            batcher.push(0, None, &value).unwrap();
        }
        sizes.extend(batcher.take().unwrap().map(|batch| (batch.records, batch.bytes.len() <= 1000)));
        assert_eq!(sizes, [(2, true), (2, true), (1, false), (1, true)]);
        assert!(batcher.take().unwrap().is_none());
    }
}

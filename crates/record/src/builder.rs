//! Writes a batch of magic 2.

use crate::compression::compress;
use crate::record::RawRecord;
use crate::{
    Attributes, BatchHeader, Compression, Header, Offset, RecordError, TimestampType, checksum, header,
};

/// Builds one batch of magic 2, record by record.
///
/// Without options it is what a simple producer sends: create time, not compressed, no producer id, base
/// offset 0 and leader epoch -1, which the log replaces.
///
/// ```
/// use ottla_record::{BatchBuilder, Compression, Header, Offset};
/// let mut builder = BatchBuilder::new()
///     .base_offset(Offset::new(100))
///     .compression(Compression::None)
///     .producer(4_000, 0, 17);
/// builder.push(1_700_000_000_000, Some(b"key"), None, &[Header::new("trace", Some(b"a1"))])?;
/// assert_eq!(builder.record_count(), 1);
/// let batch = builder.build()?;
/// # assert!(ottla_record::check(&batch, &Default::default()).is_ok());
/// # Ok::<(), ottla_record::RecordError>(())
/// ```
#[derive(Clone, Debug)]
pub struct BatchBuilder {
    /// What is known of the header before the end; the counts, lengths and the CRC follow in `build`.
    header: BatchHeader,
    compression: Compression,
    append_time_ms: Option<i64>,
    base_timestamp_ms: Option<i64>,
    /// Where the batch ends, if not with its last record.
    last_offset: Option<Offset>,
    max_timestamp_ms: i64,
    next_offset: Offset,
    records: Vec<u8>,
}

impl Default for BatchBuilder {
    fn default() -> BatchBuilder {
        BatchBuilder::new()
    }
}

impl BatchBuilder {
    /// A batch without records and without options.
    pub fn new() -> BatchBuilder {
        BatchBuilder {
            header: EMPTY,
            compression: Compression::None,
            append_time_ms: None,
            base_timestamp_ms: None,
            last_offset: None,
            max_timestamp_ms: -1,
            next_offset: Offset::ZERO,
            records: Vec::new(),
        }
    }

    /// Compresses the records with this codec.
    #[must_use]
    pub fn compression(mut self, compression: Compression) -> BatchBuilder {
        self.compression = compression;
        self
    }

    /// The offset of the first record. Set it before the first record is pushed.
    #[must_use]
    pub fn base_offset(mut self, base_offset: Offset) -> BatchBuilder {
        self.header.base_offset = base_offset;
        self.next_offset = base_offset;
        self
    }

    /// The epoch of the leader that writes the batch.
    #[must_use]
    pub fn leader_epoch(mut self, leader_epoch: i32) -> BatchBuilder {
        self.header.leader_epoch = leader_epoch;
        self
    }

    /// The producer of the batch, and the sequence number of its first record.
    #[must_use]
    pub fn producer(mut self, producer_id: i64, producer_epoch: i16, base_sequence: i32) -> BatchBuilder {
        self.header.producer_id = producer_id;
        self.header.producer_epoch = producer_epoch;
        self.header.base_sequence = base_sequence;
        self
    }

    /// Whether the batch belongs to a transaction.
    #[must_use]
    pub fn transactional(mut self, transactional: bool) -> BatchBuilder {
        self.header.attributes = self.header.attributes.with_transactional(transactional);
        self
    }

    /// Whether the batch holds control records.
    #[must_use]
    pub fn control(mut self, control: bool) -> BatchBuilder {
        self.header.attributes = self.header.attributes.with_control(control);
        self
    }

    /// Gives the batch log-append time, and this as the time of all its records.
    #[must_use]
    pub fn append_time_ms(mut self, append_time_ms: i64) -> BatchBuilder {
        self.append_time_ms = Some(append_time_ms);
        self
    }

    /// What the timestamps count from, where it is not that of the first record. Set it before the first
    /// record is pushed.
    #[must_use]
    pub fn base_timestamp_ms(mut self, base_timestamp_ms: i64) -> BatchBuilder {
        self.base_timestamp_ms = Some(base_timestamp_ms);
        self
    }

    /// The time until which the cleaner keeps the tombstones and markers of this batch (KIP-534). It stands
    /// in place of the base timestamp, so set it before the first record is pushed.
    #[must_use]
    pub fn delete_horizon_ms(mut self, delete_horizon_ms: i64) -> BatchBuilder {
        self.header.attributes = self.header.attributes.with_delete_horizon(true);
        self.base_timestamp_ms(delete_horizon_ms)
    }

    /// Lets the batch end at this offset though its last record has a smaller one, as after compaction.
    #[must_use]
    pub fn last_offset(mut self, last_offset: Offset) -> BatchBuilder {
        self.last_offset = Some(last_offset);
        self
    }

    /// Adds a record with the next offset. -1 stands for no timestamp.
    ///
    /// # Errors
    /// [`RecordError::DoesNotFit`] where the record is too large for the format, or its timestamp or offset
    /// too far from the first. The builder is as it was before.
    pub fn push(
        &mut self,
        timestamp_ms: i64,
        key: Option<&[u8]>,
        value: Option<&[u8]>,
        headers: &[Header<'_>],
    ) -> Result<(), RecordError> {
        self.push_at(self.next_offset, timestamp_ms, key, value, headers)
    }

    /// Adds a record with this offset, which may leave a gap after the one before, as after compaction.
    ///
    /// # Errors
    /// As [`BatchBuilder::push`]; also where the offset is not after the one before.
    pub fn push_at(
        &mut self,
        offset: Offset,
        timestamp_ms: i64,
        key: Option<&[u8]>,
        value: Option<&[u8]>,
        headers: &[Header<'_>],
    ) -> Result<(), RecordError> {
        let offset_delta = match i32::try_from(offset - self.header.base_offset) {
            Ok(delta) if offset >= self.next_offset => delta,
            _ => return Err(RecordError::DoesNotFit { what: "the offset of a record" }),
        };
        let record_count = self
            .header
            .record_count
            .checked_add(1)
            .ok_or(RecordError::DoesNotFit { what: "the record count" })?;
        let base_timestamp_ms = self.base_timestamp_ms.unwrap_or(timestamp_ms);
        let timestamp_delta_ms = timestamp_ms
            .checked_sub(base_timestamp_ms)
            .ok_or(RecordError::DoesNotFit { what: "the timestamp of a record" })?;
        RawRecord::write(timestamp_delta_ms, offset_delta, key, value, headers, &mut self.records)?;

        self.base_timestamp_ms = Some(base_timestamp_ms);
        self.max_timestamp_ms = self.max_timestamp_ms.max(timestamp_ms);
        self.header.record_count = record_count;
        self.header.last_offset_delta = offset_delta;
        self.next_offset = offset + 1;
        Ok(())
    }

    /// Records that were pushed.
    pub fn record_count(&self) -> i32 {
        self.header.record_count
    }

    /// Whether no record was pushed.
    pub fn is_empty(&self) -> bool {
        self.header.record_count == 0
    }

    /// Bytes of the batch if it were built now and not compressed.
    pub fn uncompressed_bytes(&self) -> usize {
        BatchHeader::LEN.saturating_add(self.records.len())
    }

    /// The batch. A batch without records is one that compaction emptied, and no client may send it.
    ///
    /// # Errors
    /// [`RecordError::DoesNotFit`] above 2 GiB or with a last offset that is none;
    /// [`RecordError::CodecNotBuilt`]; [`RecordError::Decompress`] if the codec fails.
    pub fn build(self) -> Result<Vec<u8>, RecordError> {
        let mut header = self.header;
        let mut batch = vec![0; BatchHeader::LEN];
        header.attributes = self.attributes();
        if self.compression == Compression::None || self.records.is_empty() {
            batch.extend_from_slice(&self.records);
        } else {
            compress(self.compression, &self.records, &mut batch)?;
        }
        header.batch_length = i32::try_from(batch.len() - header::LOG_OVERHEAD)
            .map_err(|_| RecordError::DoesNotFit { what: "a batch of more than 2 GiB" })?;
        header.last_offset_delta = self.last_offset_delta()?;
        header.base_timestamp_ms = self.base_timestamp_ms.unwrap_or(-1);
        header.max_timestamp_ms = self.append_time_ms.unwrap_or(self.max_timestamp_ms);
        if let Some((head, records)) = batch.split_first_chunk_mut() {
            *head = header.write();
            header::set_crc(head, checksum::crc32c_of_two(header::covered(head), records));
        }
        Ok(batch)
    }

    fn attributes(&self) -> Attributes {
        let flags = self.header.attributes;
        let timestamp_type = match self.append_time_ms {
            Some(_) => TimestampType::LogAppendTime,
            None => TimestampType::CreateTime,
        };
        let compression = if self.records.is_empty() { Compression::None } else { self.compression };
        Attributes::from_bits(flags.get() | Attributes::new(compression).get())
            .with_timestamp_type(timestamp_type)
    }

    fn last_offset_delta(&self) -> Result<i32, RecordError> {
        let Some(last_offset) = self.last_offset else { return Ok(self.header.last_offset_delta) };
        match i32::try_from(last_offset - self.header.base_offset) {
            Ok(delta) if delta >= self.header.last_offset_delta => Ok(delta),
            _ => Err(RecordError::DoesNotFit { what: "the last offset" }),
        }
    }
}

const EMPTY: BatchHeader = BatchHeader {
    base_offset: Offset::ZERO,
    batch_length: 0,
    leader_epoch: -1,
    crc: 0,
    attributes: Attributes::new(Compression::None),
    last_offset_delta: 0,
    base_timestamp_ms: -1,
    max_timestamp_ms: -1,
    producer_id: -1,
    producer_epoch: -1,
    base_sequence: -1,
    record_count: 0,
};

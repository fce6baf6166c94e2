//! Proptest strategies for records and batches.
//!
//! ```
//! use ottla_testkit::generate;
//! use proptest::prelude::*;
//! proptest!(|(batch in generate::batch())| {
//!     let bytes = batch.bytes();
//!     prop_assert_eq!(generate::records_of(&bytes), batch.records);
//! });
//! ```

use ottla_record::{BatchBuilder, Compression, Header, Offset, decode};
use proptest::collection::vec;
use proptest::option;
use proptest::prelude::*;

/// What a batch may grow to when a generated one is read back.
const MAX_DECOMPRESSED_BYTES: usize = 64 << 20;

/// A record that owns its bytes, without an offset.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OwnedRecord {
    /// Milliseconds since 1970.
    pub timestamp_ms: i64,
    /// The key.
    pub key: Option<Vec<u8>>,
    /// The value.
    pub value: Option<Vec<u8>>,
    /// Names and values; names may repeat.
    pub headers: Vec<(String, Option<Vec<u8>>)>,
}

impl OwnedRecord {
    /// A record with this value and nothing else.
    pub fn of_value(value: impl Into<Vec<u8>>) -> OwnedRecord {
        OwnedRecord { timestamp_ms: 0, key: None, value: Some(value.into()), headers: Vec::new() }
    }
}

/// Records that go into one batch.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OwnedBatch {
    /// How they are compressed.
    pub compression: Compression,
    /// At least one.
    pub records: Vec<OwnedRecord>,
}

impl OwnedBatch {
    /// The batch as a client sends it: base offset 0.
    pub fn bytes(&self) -> Vec<u8> {
        self.build(BatchBuilder::new())
    }

    /// The batch as an idempotent or transactional producer sends it.
    pub fn bytes_of_producer(
        &self,
        producer_id: i64,
        producer_epoch: i16,
        base_sequence: i32,
        transactional: bool,
    ) -> Vec<u8> {
        let producer = BatchBuilder::new().producer(producer_id, producer_epoch, base_sequence);
        self.build(producer.transactional(transactional))
    }

    /// The batch as it stands in a log.
    pub fn bytes_at(&self, base_offset: Offset, leader_epoch: i32) -> Vec<u8> {
        self.build(BatchBuilder::new().base_offset(base_offset).leader_epoch(leader_epoch))
    }

    fn build(&self, builder: BatchBuilder) -> Vec<u8> {
        let mut builder = builder.compression(self.compression);
        for record in &self.records {
            let headers: Vec<Header<'_>> =
                record.headers.iter().map(|(name, value)| Header::new(name, value.as_deref())).collect();
            builder
                .push(record.timestamp_ms, record.key.as_deref(), record.value.as_deref(), &headers)
                .expect("a generated record fits a batch");
        }
        builder.build().expect("a generated batch can be built")
    }
}

/// The records of a batch, read back.
pub fn records_of(batch: &[u8]) -> Vec<OwnedRecord> {
    records_at(batch).into_iter().map(|(_, record)| record).collect()
}

/// The records of a batch with their offsets, read back.
pub fn records_at(batch: &[u8]) -> Vec<(Offset, OwnedRecord)> {
    let decoded = decode(batch, MAX_DECOMPRESSED_BYTES).expect("a whole batch");
    let owned = |record: ottla_record::Record<'_>| OwnedRecord {
        timestamp_ms: record.timestamp_ms,
        key: record.key.map(<[u8]>::to_vec),
        value: record.value.map(<[u8]>::to_vec),
        headers: record
            .headers
            .map(|header| (header.name_lossy().into_owned(), header.value.map(<[u8]>::to_vec)))
            .collect(),
    };
    decoded.records().map(|record| record.expect("a whole record")).map(|r| (r.offset, owned(r))).collect()
}

/// Timestamps near each other and out of order, as producers send them.
pub fn timestamp_ms() -> impl Strategy<Value = i64> {
    1_700_000_000_000..1_700_000_100_000_i64
}

/// Bytes, sometimes null, sometimes long and easy to compress.
pub fn nullable_bytes(max_len: usize) -> impl Strategy<Value = Option<Vec<u8>>> {
    let repeated = (any::<u8>(), 0..=max_len).prop_map(|(byte, len)| vec![byte; len]);
    option::weighted(0.9, prop_oneof![3 => vec(any::<u8>(), 0..=max_len.min(48)), 1 => repeated])
}

/// One record of at most about `max_value_len` bytes.
pub fn record(max_value_len: usize) -> impl Strategy<Value = OwnedRecord> {
    let headers = vec(("[a-zé]{0,8}", nullable_bytes(16)), 0..3);
    (timestamp_ms(), nullable_bytes(24), nullable_bytes(max_value_len), headers)
        .prop_map(|(timestamp_ms, key, value, headers)| OwnedRecord { timestamp_ms, key, value, headers })
}

/// Any codec.
pub fn compression() -> impl Strategy<Value = Compression> {
    proptest::sample::select(vec![
        Compression::None,
        Compression::Gzip,
        Compression::Snappy,
        Compression::Lz4,
        Compression::Zstd,
    ])
}

/// A small batch: 1 to 8 records of at most about 300 bytes.
pub fn batch() -> impl Strategy<Value = OwnedBatch> {
    batch_of(1..9, 300)
}

/// A batch of so many records of at most about `max_value_len` bytes.
pub fn batch_of(records: std::ops::Range<usize>, max_value_len: usize) -> impl Strategy<Value = OwnedBatch> {
    (compression(), vec(record(max_value_len), records))
        .prop_map(|(compression, records)| OwnedBatch { compression, records })
}

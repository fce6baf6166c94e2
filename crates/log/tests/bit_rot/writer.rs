//! Writes the logs that rot.

use std::path::Path;
use std::sync::Arc;

use ottla::{
    AppendOptions, Cleaner, CleanerConfig, CleanupPolicy, Environment, Log, LogConfig, Offset, Origin,
};
use ottla_record::{BatchBuilder, Compression, EndTransactionMarker};
use ottla_testkit::{SimClock, SimFs};

pub(crate) const DATA: &str = "/data";
pub(crate) const DIR: &str = "/data/letters-0";
pub(crate) const NOW_MS: i64 = 1_700_000_000_000;

pub(crate) fn environment(fs: &SimFs) -> Environment {
    Environment { fs: Arc::new(fs.clone()), clock: Arc::new(SimClock::at_ms(NOW_MS)) }
}

/// Segments of a few batches.
pub(crate) fn small() -> LogConfig {
    LogConfig { segment_bytes: 900, index_interval_bytes: 200, ..LogConfig::default() }
}

pub(crate) fn compacted() -> LogConfig {
    LogConfig {
        segment_bytes: 400,
        index_interval_bytes: 100,
        cleanup_policy: CleanupPolicy { compact: true, delete: false },
        min_cleanable_dirty_ratio: 0.0,
        file_delete_delay_ms: 0,
        ..LogConfig::default()
    }
}

/// What an idempotent producer sent last, and where it went.
#[derive(Clone, Debug)]
pub(crate) struct Sent {
    pub bytes: Vec<u8>,
    pub base_offset: Offset,
}

/// One log, and what is appended to it.
pub(crate) struct Writer {
    pub fs: SimFs,
    pub log: Log,
    pub sent: Vec<Sent>,
    value: i64,
    sequence: i32,
}

impl Writer {
    pub(crate) fn new(config: &LogConfig) -> Writer {
        let fs = SimFs::new();
        let (log, _) = Log::open_with(Path::new(DIR), config.clone(), environment(&fs)).unwrap();
        Writer { fs, log, sent: Vec::new(), value: 0, sequence: 0 }
    }

    fn built(&mut self, mut builder: BatchBuilder, records: usize, keys: i64) -> Vec<u8> {
        for _ in 0..records {
            let (key, value) = (format!("k{}", self.value % keys), format!("letter {:08}", self.value));
            let timestamp_ms = NOW_MS - 1_000 + self.value;
            builder.push(timestamp_ms, Some(key.as_bytes()), Some(value.as_bytes()), &[]).unwrap();
            self.value += 1;
        }
        builder.build().unwrap()
    }

    pub(crate) fn plain(&mut self, records: usize) {
        let bytes = self.built(BatchBuilder::new(), records, 1_000);
        self.log.append(&bytes).unwrap();
    }

    /// Few keys, so that compaction has something to take out.
    pub(crate) fn keyed(&mut self, records: usize) {
        let bytes = self.built(BatchBuilder::new(), records, 7);
        self.log.append(&bytes).unwrap();
    }

    pub(crate) fn compressed(&mut self, compression: Compression, records: usize) {
        let bytes = self.built(BatchBuilder::new().compression(compression), records, 1_000);
        self.log.append(&bytes).unwrap();
    }

    pub(crate) fn of_epoch(&mut self, epoch: i32, records: usize) {
        let bytes = self.built(BatchBuilder::new(), records, 1_000);
        let options = AppendOptions { leader_epoch: Some(epoch), ..AppendOptions::default() };
        self.log.append_with(&bytes, &options).unwrap();
    }

    pub(crate) fn idempotent(&mut self, records: usize, transactional: bool) {
        let builder = BatchBuilder::new().producer(7, 0, self.sequence).transactional(transactional);
        self.sequence += records as i32;
        let bytes = self.built(builder, records, 1_000);
        let base_offset = self.log.append(&bytes).unwrap().base_offset;
        self.sent.push(Sent { bytes, base_offset });
    }

    pub(crate) fn end_transaction(&mut self, commit: bool) {
        let marker = EndTransactionMarker {
            producer_id: 7,
            producer_epoch: 0,
            coordinator_epoch: 0,
            commit,
            timestamp_ms: NOW_MS,
        };
        let options = AppendOptions { origin: Origin::Coordinator, leader_epoch: None };
        self.log.append_with(&marker.to_batch().unwrap(), &options).unwrap();
    }

    pub(crate) fn delete_before(&mut self, before: i64) {
        self.log.delete_records(Offset::new(before)).unwrap();
        self.log.remove_deleted_files().unwrap();
    }

    pub(crate) fn compact(&mut self) {
        let config =
            CleanerConfig { dedupe_buffer_bytes: 1 << 16, io_buffer_bytes: 4096, ..CleanerConfig::default() };
        self.log.compact(&mut Cleaner::new(config)).unwrap().expect("there is something to compact");
        self.log.remove_deleted_files().unwrap();
    }
}

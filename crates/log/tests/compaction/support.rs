//! A log of keys and values on a simulated disk.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use ottla::dir::{FileKind, FileName, OffsetCheckpoint};
use ottla::fs::{FileSystem, OpenMode};
use ottla::segment::{BatchScan, BuiltIndexes, Entry, IndexView, OffsetIndexEntry, TimeIndexEntry, WalkEnd};
use ottla::{
    AppendOptions, Appended, Cleaner, CleanerConfig, CleanupPolicy, Compacted, Environment, Isolation, Log,
    LogConfig, Offset, Origin, Position, RecoveryReport,
};
use ottla_record::{BatchBuilder, EndTransactionMarker, Head};
use ottla_testkit::{SimClock, SimFs};

pub(crate) const DATA: &str = "/data";
pub(crate) const DIR: &str = "/data/letters-0";
pub(crate) const NOW_MS: i64 = 1_700_000_000_000;

/// A record as a reader sees it: offset, key and value.
pub(crate) type Seen = (i64, String, Option<String>);

pub(crate) fn seen(offset: i64, key: &str, value: impl Into<Option<&'static str>>) -> Seen {
    (offset, key.to_owned(), value.into().map(str::to_owned))
}

/// Segments of a few records, compacted whenever anything is new.
pub(crate) fn config() -> LogConfig {
    LogConfig {
        segment_bytes: 300,
        index_interval_bytes: 100,
        cleanup_policy: CleanupPolicy { compact: true, delete: false },
        min_cleanable_dirty_ratio: 0.0,
        delete_retention_ms: 1_000,
        file_delete_delay_ms: 0,
        ..LogConfig::default()
    }
}

pub(crate) fn cleaner() -> Cleaner {
    Cleaner::new(CleanerConfig { dedupe_buffer_bytes: 1 << 16, io_buffer_bytes: 4096, ..Default::default() })
}

pub(crate) fn open(
    fs: &SimFs,
    clock: &Arc<SimClock>,
    config: &LogConfig,
) -> ottla::Result<(Log, RecoveryReport)> {
    let environment = Environment { fs: Arc::new(fs.clone()), clock: clock.clone() };
    Log::open_with(DIR, config.clone(), environment)
}

/// One partition and what the tests do to it.
pub(crate) struct Partition {
    pub fs: SimFs,
    pub clock: Arc<SimClock>,
    pub config: LogConfig,
    pub log: Log,
}

impl Partition {
    pub(crate) fn new() -> Partition {
        Partition::with(config())
    }

    pub(crate) fn with(config: LogConfig) -> Partition {
        Partition::on(SimFs::new(), config)
    }

    pub(crate) fn on(fs: SimFs, config: LogConfig) -> Partition {
        let clock = Arc::new(SimClock::at_ms(NOW_MS));
        let (log, _) = open(&fs, &clock, &config).unwrap();
        Partition { fs, clock, config, log }
    }

    pub(crate) fn reopen(&mut self) {
        self.log.close().unwrap();
        self.log = open(&self.fs, &self.clock, &self.config).unwrap().0;
    }

    /// The process is killed and starts again.
    pub(crate) fn kill(&mut self) {
        let image = self.fs.image();
        self.fs = SimFs::from_image(&image);
        self.log = open(&self.fs, &self.clock, &self.config).unwrap().0;
    }

    pub(crate) fn advance(&self, ms: u64) {
        self.clock.advance(Duration::from_millis(ms));
    }

    pub(crate) fn now_ms(&self) -> i64 {
        ottla::Clock::now_ms(&*self.clock)
    }

    pub(crate) fn append(&self, batch: &[u8]) -> Appended {
        self.log.append(batch).unwrap()
    }

    /// Appends one record and returns its offset.
    pub(crate) fn put(&self, key: &str, value: impl Into<Option<&'static str>>) -> i64 {
        let value: Option<&str> = value.into();
        let mut builder = BatchBuilder::new();
        builder.push(self.now_ms(), Some(key.as_bytes()), value.map(str::as_bytes), &[]).unwrap();
        self.append(&builder.build().unwrap()).base_offset.get()
    }

    /// Appends some records in one batch.
    pub(crate) fn put_all(&self, builder: BatchBuilder, records: &[(&str, Option<&str>)]) -> Appended {
        self.append(&batch(builder, records, self.now_ms()))
    }

    pub(crate) fn end_transaction(&self, producer_id: i64, commit: bool) -> i64 {
        let marker = EndTransactionMarker {
            producer_id,
            producer_epoch: 0,
            coordinator_epoch: 0,
            commit,
            timestamp_ms: self.now_ms(),
        };
        let options = AppendOptions { origin: Origin::Coordinator, leader_epoch: None };
        self.log.append_with(&marker.to_batch().unwrap(), &options).unwrap().base_offset.get()
    }

    /// Makes what was appended so far a sealed segment, by a record of its own key in the next.
    pub(crate) fn roll(&self) -> i64 {
        self.log.set_config(LogConfig { segment_bytes: 90, ..self.config.clone() });
        let offset = self.put("~", "~");
        self.log.set_config(self.config.clone());
        offset
    }

    pub(crate) fn compact(&self) -> Option<Compacted> {
        self.log.compact(&mut cleaner()).unwrap()
    }

    /// All records but those of [`Partition::roll`].
    pub(crate) fn records(&self) -> Vec<Seen> {
        records(&self.log, Isolation::ReadUncommitted)
    }

    pub(crate) fn committed(&self) -> Vec<Seen> {
        records(&self.log, Isolation::ReadCommitted)
    }

    /// The heads of all batches there are.
    pub(crate) fn heads(&self) -> Vec<Head> {
        let bases = self.log.segment_base_offsets();
        bases.into_iter().flat_map(|base| scan(&self.fs, base)).map(|(_, head)| head).collect()
    }

    /// The files in the partition directory, without snapshots of producers and small files.
    pub(crate) fn segment_files(&self) -> Vec<String> {
        let entries = self.fs.read_dir(Path::new(DIR)).unwrap();
        let names = entries.iter().filter_map(|entry| FileName::parse(&entry.name));
        let mut names: Vec<String> =
            names.filter(|name| name.kind != FileKind::Snapshot).map(|name| name.to_string()).collect();
        names.sort();
        names
    }

    /// Up to where the checkpoint on disk says that the log was compacted.
    pub(crate) fn cleaner_point(&self) -> Option<i64> {
        let points = OffsetCheckpoint::Cleaner.read(&self.fs, Path::new(DATA)).unwrap();
        points.get(self.log.topic_partition()).map(|offset| offset.get())
    }
}

pub(crate) fn batch(mut builder: BatchBuilder, records: &[(&str, Option<&str>)], now_ms: i64) -> Vec<u8> {
    for (key, value) in records {
        builder.push(now_ms, Some(key.as_bytes()), value.map(str::as_bytes), &[]).unwrap();
    }
    builder.build().unwrap()
}

pub(crate) fn records(log: &Log, isolation: Isolation) -> Vec<Seen> {
    let mut records = Vec::new();
    let end = match isolation {
        Isolation::ReadUncommitted => log.log_end_offset(),
        Isolation::ReadCommitted => log.last_stable_offset(),
    };
    let mut next = log.log_start_offset();
    while next < end {
        let batches = log.read_batches(next, 500, isolation).unwrap();
        assert!(batches.next_offset() > next, "stuck at {next} of {end}");
        batches
            .for_each_record(|record| {
                let text = |bytes: &[u8]| String::from_utf8(bytes.to_vec()).unwrap();
                let key = record.key.map(text).unwrap_or_default();
                if key != "~" {
                    records.push((record.offset.get(), key, record.value.map(text)));
                }
                Ok(())
            })
            .unwrap();
        next = batches.next_offset();
    }
    records
}

/// The newest value of each key.
pub(crate) fn latest(records: &[Seen]) -> BTreeMap<String, String> {
    let mut latest = BTreeMap::new();
    for (_, key, value) in records {
        match value {
            Some(value) => latest.insert(key.clone(), value.clone()),
            None => latest.remove(key),
        };
    }
    latest
}

pub(crate) fn path(base: Offset, kind: FileKind) -> PathBuf {
    FileName::new(base, kind).in_dir(Path::new(DIR))
}

pub(crate) fn scan(fs: &SimFs, base: Offset) -> Vec<(Position, Head)> {
    let file = fs.open(&path(base, FileKind::Log), OpenMode::Read).unwrap();
    let mut scan = BatchScan::new(&*file, Position::ZERO, file.len().unwrap(), 1 << 16);
    let mut batches = Vec::new();
    loop {
        match scan.step().unwrap() {
            Ok(batch) => batches.push((batch.position, batch.head)),
            Err(stopped) => {
                assert_eq!(stopped.end, WalkEnd::Clean, "segment {base} at {}", stopped.position);
                return batches;
            }
        }
    }
}

/// What must hold of the files of any log: offsets grow, segments do not overlap, the indexes of sealed
/// segments tell the truth, and nothing unfinished lies about.
pub(crate) fn check_files(fs: &SimFs, log: &Log) {
    log.remove_deleted_files().unwrap();
    let bases = log.segment_base_offsets();
    let mut least = Offset::ZERO;
    for (number, base) in bases.iter().enumerate() {
        assert!(*base >= least, "segment {base} begins before {least}");
        for (_, head) in scan(fs, *base) {
            assert!(head.base_offset() >= least.max(*base), "a batch of {base} begins before {least}");
            least = head.last_offset() + 1;
        }
        if number + 1 < bases.len() {
            check_indexes(fs, *base);
        }
    }
    assert!(least <= log.log_end_offset());
    for entry in fs.read_dir(Path::new(DIR)).unwrap() {
        let Some(name) = FileName::parse(&entry.name) else { continue };
        let known = name.kind == FileKind::Snapshot || bases.contains(&name.base_offset);
        assert!(name.suffix.is_none() && known, "{name} is left over");
    }
}

/// Each entry of both indexes tells the truth.
fn check_indexes(fs: &SimFs, base: Offset) {
    let batches = scan(fs, base);
    for entry in entries::<OffsetIndexEntry>(fs, base, FileKind::Index) {
        let found = batches.iter().find(|(position, _)| *position == entry.position);
        let found = found.map(|(_, head)| head.last_offset());
        assert_eq!(found, Some(entry.offset(base)), "index of {base}: {entry:?}");
    }
    for entry in entries::<TimeIndexEntry>(fs, base, FileKind::TimeIndex) {
        let up_to = batches.iter().filter(|(_, head)| head.last_offset() <= entry.offset(base));
        let newest = up_to.map(|(_, head)| head.max_timestamp_ms()).max();
        assert_eq!(newest, Some(entry.timestamp_ms), "time index of {base}: {entry:?}");
    }
}

fn entries<E: Entry>(fs: &SimFs, base: Offset, kind: FileKind) -> Vec<E> {
    let index = IndexView::<E>::open(fs, &path(base, kind)).unwrap().expect("both indexes are there");
    index.iter().map(Result::unwrap).collect()
}

/// The indexes are those that the batches would have got by appending.
pub(crate) fn check_built_indexes(fs: &SimFs, base: Offset) {
    let file = fs.open(&path(base, FileKind::Log), OpenMode::Read).unwrap();
    let (built, end) =
        BuiltIndexes::from_log(&*file, base, file.len().unwrap(), config().index_interval_bytes).unwrap();
    assert_eq!(end, WalkEnd::Clean);
    let image = fs.image();
    let read = |kind| image.read(path(base, kind)).map(<[u8]>::to_vec);
    assert_eq!(read(FileKind::Index), Some(built.offset_index), "index of {base}");
    assert_eq!(read(FileKind::TimeIndex), Some(built.time_index), "time index of {base}");
}

//! A partition made by hand, and what opening it finds.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use ottla::dir::{FileKind, FileName, OffsetCheckpoint, Offsets, Suffix, TopicPartition};
use ottla::fs::{FileSystem, OpenMode};
use ottla::segment::{BatchScan, BuiltIndexes};
use ottla::{
    CleanupPolicy, Environment, Isolation, Log, LogConfig, Offset, Position, RecoveryReport, Result,
};
use ottla_record::{BatchBuilder, EndTransactionMarker};
use ottla_testkit::{Image, SimClock, SimFs};

pub(crate) const DATA: &str = "/data";
pub(crate) const DIR: &str = "/data/letters-0";
pub(crate) const NOW_MS: i64 = 1_700_000_000_000;

/// An index entry for each batch but the first.
pub(crate) fn config() -> LogConfig {
    LogConfig { index_interval_bytes: 0, file_delete_delay_ms: 0, ..LogConfig::default() }
}

pub(crate) fn compacted() -> LogConfig {
    LogConfig { cleanup_policy: CleanupPolicy { compact: true, delete: false }, ..config() }
}

/// A batch that holds all its records.
pub(crate) fn batch(first: i64, last: i64) -> Vec<u8> {
    filled(BatchBuilder::new(), first, first..=last, last)
}

/// A batch that has lost its first record to compaction.
pub(crate) fn thinned(first: i64, last: i64) -> Vec<u8> {
    filled(BatchBuilder::new(), first, first + 1..=last, last)
}

/// A batch that holds all its records and that a cleaner has seen.
pub(crate) fn with_horizon(first: i64, last: i64) -> Vec<u8> {
    filled(BatchBuilder::new().delete_horizon_ms(NOW_MS), first, first..=last, last)
}

pub(crate) fn filled(
    builder: BatchBuilder,
    first: i64,
    records: std::ops::RangeInclusive<i64>,
    last: i64,
) -> Vec<u8> {
    let mut builder = builder.base_offset(Offset::new(first)).last_offset(Offset::new(last));
    for offset in records {
        let value = offset.to_string();
        let (key, value) = (Some(&b"k"[..]), Some(value.as_bytes()));
        builder.push_at(Offset::new(offset), NOW_MS + offset, key, value, &[]).unwrap();
    }
    builder.build().unwrap()
}

/// A message of magic 0 without key and value.
pub(crate) fn message(offset: i64) -> Vec<u8> {
    let mut message =
        [&offset.to_be_bytes()[..], &14_i32.to_be_bytes(), &[0; 4], &[0; 2], &[0xff; 8]].concat();
    let crc = !message[16..].iter().fold(!0_u32, |crc, byte| {
        let step = |crc: u32, _| (crc >> 1) ^ (0xedb8_8320 & (crc & 1).wrapping_neg());
        (0..8).fold(crc ^ u32::from(*byte), step)
    });
    message[12..16].copy_from_slice(&crc.to_be_bytes());
    message
}

/// Two records in a transaction, and how it ends.
pub(crate) fn transaction(first: i64, commit: bool) -> Vec<u8> {
    let records = BatchBuilder::new().producer(7, 0, 0).transactional(true);
    let marker = EndTransactionMarker {
        producer_id: 7,
        producer_epoch: 0,
        coordinator_epoch: 0,
        commit,
        timestamp_ms: NOW_MS,
    };
    let mut marker = marker.to_batch().unwrap();
    marker[..8].copy_from_slice(&(first + 2).to_be_bytes());
    [filled(records, first, first..=first + 1, first + 1), marker].concat()
}

pub(crate) fn path(base: i64, kind: FileKind) -> PathBuf {
    FileName::new(Offset::new(base), kind).in_dir(Path::new(DIR))
}

pub(crate) fn leftover(base: i64, kind: FileKind, suffix: Suffix) -> PathBuf {
    FileName::new(Offset::new(base), kind).with_suffix(suffix).in_dir(Path::new(DIR))
}

/// A data directory with one partition.
#[derive(Clone)]
pub(crate) struct Made {
    pub fs: SimFs,
    pub config: LogConfig,
}

/// What opening has found.
pub(crate) struct Opened {
    pub log: Log,
    pub report: RecoveryReport,
    pub fs: SimFs,
}

impl Made {
    /// These batches in segments with these base offsets, each with the indexes that it should have.
    pub(crate) fn of<const N: usize>(segments: [(i64, &[Vec<u8>]); N]) -> Made {
        let mut image = Image::default();
        for (base, batches) in segments {
            image.put(path(base, FileKind::Log), batches.concat());
        }
        let made = Made { fs: SimFs::from_image(&image), config: config() };
        for (base, _) in segments {
            let log = path(base, FileKind::Log);
            let file = made.fs.open(&log, OpenMode::Read).unwrap();
            let (built, _) =
                BuiltIndexes::from_log(&*file, Offset::new(base), file.len().unwrap(), 0).unwrap();
            image.put(path(base, FileKind::Index), built.offset_index);
            image.put(path(base, FileKind::TimeIndex), built.time_index);
        }
        Made { fs: SimFs::from_image(&image), ..made }
    }

    pub(crate) fn config(self, config: LogConfig) -> Made {
        Made { config, ..self }
    }

    /// With this in a checkpoint.
    pub(crate) fn marked(self, checkpoint: OffsetCheckpoint, offset: i64) -> Made {
        let fs = SimFs::from_image(&self.fs.image());
        let marks = Offsets::from([(TopicPartition::new("letters", 0).unwrap(), Offset::new(offset))]);
        checkpoint.write(&fs, Path::new(DATA), &marks).unwrap();
        Made { fs, ..self }
    }

    /// Everything below was on disk.
    pub(crate) fn flushed_to(self, offset: i64) -> Made {
        self.marked(OffsetCheckpoint::RecoveryPoint, offset)
    }

    pub(crate) fn with(self, path: impl AsRef<Path>, bytes: impl Into<Vec<u8>>) -> Made {
        let mut image = self.fs.image();
        image.put(path, bytes);
        Made { fs: SimFs::from_image(&image), ..self }
    }

    pub(crate) fn without(self, path: impl AsRef<Path>) -> Made {
        let mut image = self.fs.image();
        assert!(image.remove(&path), "{}", path.as_ref().display());
        Made { fs: SimFs::from_image(&image), ..self }
    }

    pub(crate) fn try_open(&self) -> Result<Opened> {
        let fs = SimFs::from_image(&self.fs.image());
        self.open_on(fs)
    }

    pub(crate) fn open_on(&self, fs: SimFs) -> Result<Opened> {
        let clock = Arc::new(SimClock::at_ms(NOW_MS));
        let environment = Environment { fs: Arc::new(fs.clone()), clock };
        let (log, report) = Log::open_with(DIR, self.config.clone(), environment)?;
        Ok(Opened { log, report, fs })
    }

    /// As it is, without recovery.
    pub(crate) fn open_to_read(&self) -> Log {
        let clock = Arc::new(SimClock::at_ms(NOW_MS));
        Log::open_read_only(DIR, Environment { fs: Arc::new(self.fs.clone()), clock }).unwrap()
    }

    pub(crate) fn open(&self) -> Opened {
        self.try_open().unwrap()
    }
}

impl Opened {
    pub(crate) fn end(&self) -> i64 {
        self.log.log_end_offset().get()
    }

    /// Whether something was cut or set aside.
    pub(crate) fn is_cut(&self) -> bool {
        self.report.truncated.is_some()
    }

    /// The offsets of all records that are read from the start to the end.
    pub(crate) fn offsets(&self) -> Vec<i64> {
        self.read(Isolation::ReadUncommitted, self.log.log_end_offset())
    }

    /// The same for a careful reader.
    pub(crate) fn committed(&self) -> Vec<i64> {
        self.read(Isolation::ReadCommitted, self.log.last_stable_offset())
    }

    fn read(&self, isolation: Isolation, end: Offset) -> Vec<i64> {
        let (mut found, mut next) = (Vec::new(), self.log.log_start_offset());
        while next < end {
            let batches = self.log.read_batches(next, 1 << 20, isolation).unwrap();
            if batches.is_empty() {
                break;
            }
            batches
                .for_each_record(|record| {
                    found.push(record.offset.get());
                    Ok(())
                })
                .unwrap();
            next = batches.next_offset();
        }
        found
    }

    pub(crate) fn bytes(&self, path: impl AsRef<Path>) -> Option<Vec<u8>> {
        self.fs.image().read(path).map(<[u8]>::to_vec)
    }

    /// First and last offsets of the whole batches at the beginning of a segment.
    pub(crate) fn batches(&self, base: i64) -> Vec<(i64, i64)> {
        let file = self.fs.open(&path(base, FileKind::Log), OpenMode::Read).unwrap();
        let mut scan = BatchScan::new(&*file, Position::ZERO, file.len().unwrap(), 1 << 16);
        let mut found = Vec::new();
        while let Ok(batch) = scan.step().unwrap() {
            found.push((batch.head.base_offset().get(), batch.head.last_offset().get()));
        }
        found
    }
}

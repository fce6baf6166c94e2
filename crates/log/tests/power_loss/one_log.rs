//! What loses its power: one log. What was asked of it is in a [`History`]; what is left must be what that allows.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use ottla::dir::{CleanShutdown, FileKind, FileName};
use ottla::fs::FileSystem;
use ottla::producer::{ProducerEntry, snapshot};
use ottla::{LogConfig, Offset, RecoveryReport};
use ottla_record::BatchBuilder;
use ottla_testkit::{Crash, Image, SimFs};

use crate::harness::Subject;
use crate::support::{
    DATA, DIR, Driver, History, Stopped, batch, check_producers, inspect, log_path, open, small,
};

/// What was asked of a log, under which settings.
#[derive(Clone, Debug, Default)]
pub(crate) struct LogTold {
    pub config: LogConfig,
    history: History,
    closed: bool,
}

/// Whether the last thing that was asked was to close, and that was answered.
pub(crate) fn is_closed(fs: &SimFs) -> bool {
    !fs.crashed() && CleanShutdown::read(fs, Path::new(DATA)).is_ok_and(|mark| mark.is_some())
}

/// Whether opening had no more to do than after any clean close; files that were deleted may be back.
pub(crate) fn is_spared_all_work(report: &RecoveryReport) -> bool {
    let but_deleted = RecoveryReport { removed_leftovers: Vec::new(), ..report.clone() };
    report.clean && but_deleted.is_uneventful()
}

/// A log that nobody has used.
pub(crate) fn with(config: LogConfig) -> LogTold {
    LogTold { config, ..LogTold::default() }
}

/// The same, of segments of a few batches.
pub(crate) fn small_log() -> LogTold {
    with(small())
}

pub(crate) fn nothing<S>(_: &mut S) -> Result<(), Stopped> {
    Ok(())
}

impl Subject for Driver {
    type Told = LogTold;

    fn disk() -> Image {
        let mut image = Image::default();
        // A directory that holds something is ours from the start.
        image.put(format!("{DATA}/meta.properties"), "version=1\nnode.id=1\ncluster.id=ottla\n");
        image
    }

    fn start(fs: &SimFs, told: &LogTold) -> Driver {
        let mut driver = Driver::new(fs.clone(), told.config.clone());
        // What stood on the disk before is there to stay.
        driver.history = told.history.clone();
        driver.history.sync();
        driver.history.answered();
        // Values of their own for what comes now.
        driver.next_value = if driver.history.end() > Offset::ZERO { 100_000 } else { 0 };
        driver
    }

    fn stop(mut self) -> LogTold {
        self.kill();
        LogTold { closed: is_closed(&self.fs), config: self.config, history: self.history }
    }

    fn opened(told: &LogTold) -> LogTold {
        LogTold { closed: false, ..told.clone() }
    }

    fn reopen(fs: &SimFs, told: &LogTold) {
        let _ = open(fs, &told.config);
    }

    fn check(fs: &SimFs, told: &LogTold) {
        let (config, mut history) = (&told.config, told.history.clone());
        let was_durable = fs.unsynced().is_empty();
        let (log, report) = open(fs, config).unwrap();
        if let Some(cut) = report.truncated.as_ref().filter(|_| was_durable) {
            let durable = fs.durable_image();
            let is_there = |aside: &PathBuf| {
                durable.read(aside).is_some_and(|bytes| Some(bytes) == fs.image().read(aside))
            };
            assert!(cut.kept_aside.iter().all(is_there), "kept aside: {cut:?}");
        }
        assert!(!told.closed || is_spared_all_work(&report), "closed, and then {report:?}");
        let found = inspect(fs, &log);
        let accepted = history.accept(found.start, &found.records, found.end);
        assert!(accepted.is_ok(), "{}\n{report:?}", accepted.unwrap_err());
        let bytes = log_bytes(fs);
        drop(log);

        let (log, _) = open(fs, config).unwrap();
        assert_eq!(inspect(fs, &log), found, "opened twice");
        assert_eq!(log_bytes(fs), bytes, "opened twice");
        check_producers(&log, &history);
        let appended = log.append(&batch(BatchBuilder::new(), &["3000000"], 3_000_000)).unwrap();
        assert!(appended.base_offset >= found.end);
        log.sync_to(appended.last_offset + 1).unwrap();
        let all = inspect(fs, &log);
        let lost = fs.crash(&mut Crash::LoseAll);
        let (log_after, _) = open(&lost, config).unwrap();
        assert_eq!(inspect(&lost, &log_after), all, "what was synced is there");
        drop(log_after);

        log.close().unwrap();
        drop(log);
        let (log, report) = open(fs, config).unwrap();
        assert!(report.clean && report.is_uneventful(), "{report:?}");
        assert_eq!(inspect(fs, &log), all, "closed and opened");
        if !history.sent.is_empty() && found.start == Offset::ZERO {
            check_against_a_full_replay(fs, config, &log);
        }
    }
}

/// The `.log` files by name.
fn log_bytes(fs: &SimFs) -> BTreeMap<PathBuf, Vec<u8>> {
    let image = fs.image();
    let logs = image.entries().filter(|(path, _)| path.extension().is_some_and(|kind| kind == "log"));
    logs.filter_map(|(path, _)| Some((path.to_path_buf(), image.read(path)?.to_vec()))).collect()
}

/// The producers are those that all batches from the first on tell of, without any snapshot.
fn check_against_a_full_replay(fs: &SimFs, config: &LogConfig, log: &ottla::Log) {
    let end = log.log_end_offset();
    let replayed = fs.crash(&mut Crash::KeepAll);
    for entry in replayed.read_dir(Path::new(DIR)).unwrap() {
        if FileName::parse(&entry.name).is_some_and(|name| name.kind == FileKind::Snapshot) {
            replayed.remove_file(&Path::new(DIR).join(&entry.name)).unwrap();
        }
    }
    let mark = CleanShutdown::path(Path::new(DATA));
    let _ = replayed.remove_file(&mark);
    let (log, _) = open(&replayed, config).unwrap();
    assert_eq!(log.log_end_offset(), end);
    log.close().unwrap();
    assert_eq!(producers(&replayed, end), producers(fs, end), "the producers as a full replay gives them");
}

fn producers(fs: &SimFs, end: Offset) -> Vec<ProducerEntry> {
    let mut entries = snapshot::read(fs, &log_path(end).with_extension("snapshot")).unwrap();
    entries.sort_by_key(|entry| entry.producer_id);
    entries
}

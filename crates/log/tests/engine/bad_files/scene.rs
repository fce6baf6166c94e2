use std::collections::BTreeMap;
use std::path::Path;

use ottla::dir::{FileKind, FileName, OffsetCheckpoint, Offsets, TopicPartition};
use ottla::fs::OpenMode;
use ottla::segment::BatchScan;
use ottla::{Corruption, Error, Isolation, Log, Offset, Position, RecoveryReport};
use ottla_record::BatchBuilder;
use ottla_testkit::{Entry, Image, SimFs};

use crate::support::{DATA, DIR, Driver, History, NOW_MS, batch, check_producers, open, small};

/// How the process that wrote a directory ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum End {
    /// Everything is on disk, and marked so.
    Closed,
    /// The first half is known to be on disk.
    Killed,
}

pub(super) const ENDS: [End; 2] = [End::Closed, End::Killed];

/// A data directory with one log of some segments, and what is in it.
#[derive(Clone)]
pub(super) struct Scene {
    pub image: Image,
    pub contents: Contents,
    pub bases: Vec<Offset>,
    pub recovery_point: Offset,
    history: History,
}

/// What readers find in a log, asked for offset by offset.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Contents {
    pub start: Offset,
    pub end: Offset,
    pub records: BTreeMap<Offset, String>,
    /// Where a reader is told that something is wrong.
    pub refused: Vec<Offset>,
    pub committed: Option<Vec<(Offset, String)>>,
    pub by_time: Vec<Option<Offset>>,
    pub newest: Option<Offset>,
}

/// Some segments with plain records, idempotent producers, and transactions that were committed and aborted.
pub(super) fn scene(end: End) -> Scene {
    let mut driver = Driver::new(SimFs::new(), small());
    driver.open().unwrap();
    for round in 0..5 {
        driver.append(3).unwrap();
        driver.append_as(1_000 + round % 2, 2, false).unwrap();
        driver.append_as(7, 2, true).unwrap();
        driver.append(1).unwrap();
        driver.end_transaction(7, round % 2 == 0).unwrap();
        if round == 2 {
            driver.flush().unwrap();
        }
    }
    driver.append(2).unwrap();
    driver.append(1).unwrap();
    let contents = contents(driver.log());
    let bases = driver.log().segment_base_offsets();
    assert!(bases.len() > 4 && contents.refused.is_empty(), "{bases:?}");
    let recovery_point = match end {
        End::Closed => driver.log().log_end_offset(),
        End::Killed => driver.log().recovery_point(),
    };
    if end == End::Closed {
        driver.close().unwrap();
    }
    let image = driver.fs.image();
    Scene { image, contents, bases, recovery_point, history: driver.history }
}

/// The same, where no checkpoint tells that anything is on disk.
pub(super) fn never_flushed() -> Scene {
    let mut scene = scene(End::Killed);
    let letters = TopicPartition::new("letters", 0).unwrap();
    let fs = SimFs::from_image(&scene.image);
    let marks = Offsets::from([(letters, Offset::ZERO)]);
    OffsetCheckpoint::RecoveryPoint.write(&fs, Path::new(DATA), &marks).unwrap();
    scene.image = fs.image();
    scene.recovery_point = Offset::ZERO;
    scene
}

impl Scene {
    pub(super) fn path(&self, base: Offset, kind: FileKind) -> String {
        FileName::new(base, kind).in_dir(Path::new(DIR)).to_string_lossy().into_owned()
    }

    pub(super) fn bytes(&self, path: &str) -> Vec<u8> {
        self.image.read(path).unwrap_or_else(|| panic!("there is no {path}")).to_vec()
    }

    pub(super) fn with(&self, path: &str, bytes: impl Into<Vec<u8>>) -> Scene {
        let mut changed = self.clone();
        changed.image.put(path, bytes);
        changed
    }

    pub(super) fn without(&self, path: &str) -> Scene {
        let mut changed = self.clone();
        assert!(changed.image.remove(path), "there is no {path}");
        changed
    }

    /// The files of one kind, with their segments.
    pub(super) fn files(&self, kind: FileKind) -> Vec<(Offset, String)> {
        let name = |path: &Path| FileName::parse(path.file_name()?.to_str()?);
        let all = self.image.entries().filter_map(|(path, _)| Some((name(path)?, path)));
        let files = all.filter(|(name, _)| name.kind == kind && name.suffix.is_none());
        files.map(|(name, path)| (name.base_offset, path.to_string_lossy().into_owned())).collect()
    }

    /// Where the batches of a segment begin, and the first offset of each.
    pub(super) fn batches(&self, base: Offset) -> Vec<(usize, Offset)> {
        let fs = SimFs::from_image(&self.image);
        let path = self.path(base, FileKind::Log);
        let file = ottla::fs::FileSystem::open(&fs, Path::new(&path), OpenMode::Read).unwrap();
        let mut scan = BatchScan::new(&*file, Position::ZERO, file.len().unwrap(), 1 << 16);
        let mut batches = Vec::new();
        while let Ok(batch) = scan.step().unwrap() {
            batches.push((batch.position.get() as usize, batch.head.base_offset()));
        }
        batches
    }

    /// Opens the directory and checks that all is there, that a second open shows the same, that producers are
    /// known, and that the log goes on from there.
    pub(super) fn opens_whole(&self, context: &str) -> RecoveryReport {
        self.opens_with(&self.contents, context)
    }

    /// As [`Scene::opens_whole`], for a log that has lost its end.
    pub(super) fn opens_up_to(&self, end: Offset, context: &str) -> RecoveryReport {
        self.opens_with(&self.contents.up_to(end), context)
    }

    pub(super) fn opens_with(&self, expected: &Contents, context: &str) -> RecoveryReport {
        let fs = SimFs::from_image(&self.image);
        let (log, report) = open(&fs, &small()).unwrap_or_else(|e| panic!("{context}: {e}"));
        let found = contents(&log);
        assert_same(&found, expected, &format!("{context}: {report:?}"));
        drop(log);

        let (log, _) = open(&fs, &small()).unwrap_or_else(|e| panic!("{context}, the second time: {e}"));
        assert_same(&contents(&log), &found, &format!("{context}, the second time"));
        let mut history = self.history.clone();
        history.forget_sent_from(found.end);
        check_producers(&log, &history);
        assert_eq!(log.log_end_offset(), found.end, "{context}: nothing was appended");
        goes_on(&fs, &log, &found, context);
        report
    }

    /// Opens the directory, which may have lost anything: whatever is read back is what was appended.
    pub(super) fn opens_with_nothing_wrong(&self, context: &str) -> Option<(Contents, RecoveryReport)> {
        let fs = SimFs::from_image(&self.image);
        let (log, report) = match open(&fs, &small()) {
            Ok(opened) => opened,
            Err(e) => {
                assert_names_a_file(&e, context);
                assert!(open(&fs, &small()).is_err(), "{context}: refused once, taken the second time");
                return None;
            }
        };
        let found = contents(&log);
        for (offset, value) in &found.records {
            assert_eq!(self.contents.records.get(offset), Some(value), "{context}: offset {offset}");
        }
        drop(log);
        // What was lost may have been a marker, or an entry of a time index; recovery, which the second open does,
        // sees more of that than an open after a clean stop.
        let again = Contents { by_time: Vec::new(), committed: None, ..found.clone() };
        let (log, _) = open(&fs, &small()).unwrap_or_else(|e| panic!("{context}, the second time: {e}"));
        assert_same(&contents(&log), &again, &format!("{context}, the second time"));
        goes_on(&fs, &log, &found, context);
        Some((found, report))
    }

    /// Opening refuses, every time, and all files are as they were.
    pub(super) fn is_refused(&self, context: &str) -> Corruption {
        let fs = SimFs::from_image(&self.image);
        let refuse = || match open(&fs, &small()) {
            Err(Error::Corrupt(corruption)) => *corruption,
            other => panic!("{context}: {other:?}"),
        };
        let refused = refuse();
        assert!(!refused.advice.is_empty() && !refused.found.is_empty(), "{context}: {refused}");
        assert_eq!(refuse(), refused, "{context}: the second time");
        let before = logs(&self.image);
        assert_eq!(logs(&fs.image()), before, "{context}: records are left alone");
        refused
    }
}

impl Contents {
    /// What is left of them where the log ends earlier.
    pub(super) fn up_to(&self, end: Offset) -> Contents {
        let mut left = self.clone();
        left.end = end;
        left.records.retain(|offset, _| *offset < end);
        left.committed = None;
        left.by_time = self.by_time.iter().map(|offset| offset.filter(|offset| *offset < end)).collect();
        left.newest = left.records.keys().next_back().copied();
        left
    }

    /// What is left of them where readers of these offsets are told that something is wrong.
    pub(super) fn but_for(&self, refused: std::ops::Range<Offset>) -> Contents {
        let mut left = self.clone();
        left.refused = (refused.start.get()..refused.end.get()).map(Offset::new).collect();
        left.records.retain(|offset, _| !refused.contains(offset));
        left.committed = None;
        left.by_time = Vec::new();
        left
    }
}

/// Compares what both know: nobody says what is committed in a log that lost something.
fn assert_same(found: &Contents, expected: &Contents, context: &str) {
    let what = |contents: &Contents| (contents.start, contents.end, contents.refused.clone());
    assert_eq!(what(found), what(expected), "start, end, and what is refused: {context}");
    assert_eq!(found.records, expected.records, "{context}");
    if expected.committed.is_some() {
        assert_eq!(found.committed, expected.committed, "committed: {context}");
    }
    if !expected.by_time.is_empty() {
        assert_eq!(found.by_time, expected.by_time, "by time: {context}");
        assert_eq!(found.newest, expected.newest, "the largest timestamp: {context}");
    }
}

pub(super) fn contents(log: &Log) -> Contents {
    let (start, end) = (log.log_start_offset(), log.log_end_offset());
    let (mut records, mut refused) = (BTreeMap::new(), Vec::new());
    for offset in (start.get()..end.get()).map(Offset::new) {
        match read_one(log, offset) {
            Ok(Some(value)) => drop(records.insert(offset, value)),
            Ok(None) => {}
            Err(e) => {
                assert!(e.to_string().contains(".log"), "reading {offset}: {e}");
                refused.push(offset);
            }
        }
    }
    let committed = committed(log).ok();
    let by_time = |number| Ok(log.offset_for_timestamp(NOW_MS + number)?.map(|found| found.offset));
    let by_time: ottla::Result<Vec<_>> = (0..60).map(by_time).collect();
    if let Err(e) = &by_time {
        assert_names_a_file(e, "looking up by time");
    }
    let by_time = by_time.unwrap_or_default();
    let newest = log.max_timestamp().ok().flatten().map(|found| found.offset);
    Contents { start, end, records, refused, committed, by_time, newest }
}

/// What a careful reader finds who goes from batch to batch.
fn committed(log: &Log) -> ottla::Result<Vec<(Offset, String)>> {
    let (mut found, mut next, end) = (Vec::new(), log.log_start_offset(), log.last_stable_offset());
    while next < end {
        let batches = log.read_batches(next, 500, Isolation::ReadCommitted)?;
        if batches.is_empty() {
            // Nothing is left up to the end of the log: the reader waits for what is appended there, as in Kafka.
            break;
        }
        batches.for_each_record(|record| {
            let value = record.value.unwrap_or_default();
            found.push((record.offset, String::from_utf8_lossy(value).into_owned()));
            Ok(())
        })?;
        next = batches.next_offset();
    }
    Ok(found)
}

/// The value of the record with this offset; `None` for a marker, and where there is none any more.
fn read_one(log: &Log, offset: Offset) -> ottla::Result<Option<String>> {
    let batches = log.read_batches(offset, 1, Isolation::ReadUncommitted)?;
    let mut value = None;
    batches.for_each_record(|record| {
        assert!(record.offset >= offset, "{} for {offset}", record.offset);
        if record.offset == offset {
            value = record.value.map(|value| String::from_utf8_lossy(value).into_owned());
        }
        Ok(())
    })?;
    Ok(value)
}

/// A log that was mended takes records, keeps them, and is clean once it was closed.
fn goes_on(fs: &SimFs, log: &Log, found: &Contents, context: &str) {
    let appended =
        log.append(&batch(BatchBuilder::new(), &["500"], 500)).unwrap_or_else(|e| panic!("{context}: {e}"));
    assert_eq!(appended.base_offset, found.end, "{context}");
    log.close().unwrap_or_else(|e| panic!("{context}: {e}"));
    let (log, report) = open(fs, &small()).unwrap_or_else(|e| panic!("{context}, closed and opened: {e}"));
    // Damage that stays is looked at anew each time.
    assert!(report.clean || !found.refused.is_empty(), "{context}: {report:?}");
    let last = contents(&log);
    assert_eq!((last.start, last.end), (found.start, found.end + 1), "{context}");
    assert_eq!(last.refused, found.refused, "{context}");
    let mut records = found.records.clone();
    records.insert(found.end, "500".to_owned());
    assert_eq!(last.records, records, "{context}");
}

/// An error is about a file of the directory.
fn assert_names_a_file(e: &Error, context: &str) {
    let text = e.to_string();
    assert!(text.contains(DATA), "{context}: {text}");
}

/// The bytes of all segments, those that were put aside too.
pub(super) fn logs(image: &Image) -> BTreeMap<String, Vec<u8>> {
    let files = image.entries().filter(|(_, entry)| matches!(entry, Entry::File(_)));
    files
        .filter(|(path, _)| path.extension().is_some_and(|kind| kind == "log" || kind == "cut"))
        .map(|(path, _)| (path.to_string_lossy().into_owned(), image.read(path).unwrap_or_default().to_vec()))
        .collect()
}

//! Any sequence of calls, restarts and losses of power, and the log holds what a vector of batches holds.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing, reason = "tests")]

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;

use ottla::{Environment, Error, Isolation, Log, LogConfig, Offset};
use ottla_testkit::generate::{self, OwnedBatch, OwnedRecord};
use ottla_testkit::{Crash, SimClock, SimFs};
use proptest::prelude::*;
use proptest::test_runner::TestCaseResult;

const DIR: &str = "/data/letters-0";
const NOW_MS: i64 = 1_700_000_200_000;

#[derive(Clone, Debug)]
enum Op {
    Append(OwnedBatch),
    AppendAs(usize, OwnedBatch),
    /// A producer sends again what it sent before: its newest batch, or the one so many before that.
    Repeat(usize, usize),
    Read {
        from: Place,
        max_bytes: usize,
    },
    FindTime(i64),
    Truncate(Place),
    DeleteRecords(Place),
    SyncTo(Place),
    Flush,
    CloseAndOpen,
    Crash(Crash),
}

/// A share of what there is, in 255ths of the way from the start of the log to just past its end.
type Place = u8;

fn op() -> impl Strategy<Value = Op> {
    let batch = || generate::batch_of(1..5, 200);
    let crash = prop_oneof![
        Just(Crash::LoseAll),
        Just(Crash::KeepAll),
        any::<u64>().prop_map(Crash::Random),
        (0..200_usize).prop_map(Crash::First),
    ];
    prop_oneof![
        8 => batch().prop_map(Op::Append),
        8 => (0..3_usize, batch()).prop_map(|(id, batch)| Op::AppendAs(id, batch)),
        3 => (0..3_usize, 0..5_usize).prop_map(|(id, back)| Op::Repeat(id, back)),
        4 => (any::<Place>(), 1..6_000_usize).prop_map(|(from, max_bytes)| Op::Read { from, max_bytes }),
        2 => generate::timestamp_ms().prop_map(Op::FindTime),
        1 => any::<Place>().prop_map(Op::Truncate),
        1 => any::<Place>().prop_map(Op::DeleteRecords),
        2 => any::<Place>().prop_map(Op::SyncTo),
        1 => Just(Op::Flush),
        1 => Just(Op::CloseAndOpen),
        2 => crash.prop_map(Op::Crash),
    ]
}

/// A batch that is in the log, or was and is below its start now.
#[derive(Clone, Debug)]
struct Stored {
    base_offset: i64,
    records: Vec<OwnedRecord>,
    producer: Option<Sent>,
}

/// What its producer would send again.
#[derive(Clone, Debug)]
struct Sent {
    id: i64,
    next_sequence: i32,
    bytes: Vec<u8>,
    /// How often the producers' state had been read from disk by then.
    reloads: usize,
}

impl Stored {
    fn end(&self) -> i64 {
        self.base_offset + self.records.len() as i64
    }
}

/// The vector, and the log beside it.
struct Pair {
    fs: SimFs,
    log: Log,
    config: LogConfig,
    batches: Vec<Stored>,
    start: i64,
    end: i64,
    /// Up to here nothing may be lost.
    promised_end: i64,
    /// Up to here the disk holds all, what was deleted too.
    synced_end: i64,
    reloads: usize,
    producer_ids: [i64; 3],
}

fn open(fs: &SimFs, config: &LogConfig) -> (Log, ottla::RecoveryReport) {
    let clock = Arc::new(SimClock::at_ms(NOW_MS));
    let environment = Environment { fs: Arc::new(fs.clone()), clock };
    Log::open_with(DIR, config.clone(), environment).unwrap()
}

fn owned(record: &ottla_record::Record<'_>) -> OwnedRecord {
    let header = |header: ottla_record::Header<'_>| {
        (header.name_lossy().into_owned(), header.value.map(<[u8]>::to_vec))
    };
    OwnedRecord {
        timestamp_ms: record.timestamp_ms,
        key: record.key.map(<[u8]>::to_vec),
        value: record.value.map(<[u8]>::to_vec),
        headers: record.headers.clone().map(header).collect(),
    }
}

fn log_files(fs: &SimFs) -> BTreeMap<PathBuf, Vec<u8>> {
    let image = fs.image();
    let paths = image.entries().map(|(path, _)| path.to_path_buf());
    let logs = paths.filter(|path| path.extension().is_some_and(|extension| extension == "log"));
    logs.map(|path| (path.clone(), image.read(&path).unwrap().to_vec())).collect()
}

impl Pair {
    fn new(config: LogConfig) -> Pair {
        let fs = SimFs::new();
        let log = open(&fs, &config).0;
        Pair {
            fs,
            log,
            config,
            batches: Vec::new(),
            start: 0,
            end: 0,
            promised_end: 0,
            synced_end: 0,
            reloads: 0,
            producer_ids: [0, 1, 2],
        }
    }

    fn place(&self, place: Place) -> i64 {
        self.start + (self.end + 2 - self.start) * i64::from(place) / 255
    }

    /// The records that may be read from `from` on.
    fn records(&self, from: i64) -> Vec<(i64, OwnedRecord)> {
        let all = self.batches.iter().flat_map(|batch| (batch.base_offset..).zip(batch.records.clone()));
        all.filter(|(offset, _)| *offset >= from.max(self.start)).collect()
    }

    fn apply(&mut self, op: Op) -> TestCaseResult {
        match op {
            Op::Append(batch) => self.append(batch, None),
            Op::AppendAs(id, batch) => self.append(batch, Some(self.producer_ids[id])),
            Op::Repeat(id, back) => self.repeat(self.producer_ids[id], back),
            Op::Read { from, max_bytes } => self.read(self.place(from), max_bytes),
            Op::FindTime(timestamp_ms) => self.find_time(timestamp_ms),
            Op::Truncate(to) => self.truncate(self.place(to)),
            Op::DeleteRecords(before) => self.delete_records(self.place(before)),
            Op::SyncTo(to) => {
                let to = self.place(to).min(self.end);
                self.log.sync_to(Offset::new(to)).unwrap();
                self.promised_end = self.promised_end.max(to);
                self.synced_end = self.synced_end.max(to);
                prop_assert!(self.log.durable_offset().get() >= to);
                Ok(())
            }
            Op::Flush => {
                self.log.flush().unwrap();
                self.promised_end = self.end;
                self.synced_end = self.end;
                prop_assert_eq!(self.log.recovery_point().get(), self.end);
                Ok(())
            }
            Op::CloseAndOpen => self.close_and_open(),
            Op::Crash(crash) => self.crash(crash),
        }?;
        prop_assert_eq!(self.log.log_start_offset().get(), self.start);
        prop_assert_eq!(self.log.log_end_offset().get(), self.end);
        prop_assert_eq!(self.log.last_stable_offset().get(), self.end);
        Ok(())
    }

    fn append(&mut self, batch: OwnedBatch, producer_id: Option<i64>) -> TestCaseResult {
        let sequence = producer_id.map(|id| self.sent_by(id).last().map_or(0, |sent| sent.1.next_sequence));
        let bytes = match (producer_id, sequence) {
            (Some(id), Some(sequence)) => batch.bytes_of_producer(id, 0, sequence, false),
            _ => batch.bytes(),
        };
        let appended = self.log.append(&bytes).unwrap();
        let stored = Stored {
            base_offset: self.end,
            producer: producer_id.zip(sequence).map(|(id, sequence)| Sent {
                id,
                next_sequence: sequence + batch.records.len() as i32,
                bytes,
                reloads: self.reloads,
            }),
            records: batch.records,
        };
        prop_assert!(!appended.duplicate);
        prop_assert_eq!(appended.base_offset.get(), stored.base_offset);
        prop_assert_eq!(appended.last_offset.get() + 1, stored.end());
        self.end = stored.end();
        self.batches.push(stored);
        Ok(())
    }

    fn sent_by(&self, producer_id: i64) -> Vec<(&Stored, &Sent)> {
        let sent = self.batches.iter().filter_map(|batch| Some((batch, batch.producer.as_ref()?)));
        sent.filter(|(_, sent)| sent.id == producer_id).collect()
    }

    /// The newest batch of a producer is known whatever happened; of those before it a snapshot tells nothing.
    fn repeat(&self, producer_id: i64, back: usize) -> TestCaseResult {
        let sent = self.sent_by(producer_id);
        let Some((stored, again)) = sent.iter().rev().nth(back) else { return Ok(()) };
        if stored.end() <= self.start {
            return Ok(());
        }
        match self.log.append(&again.bytes) {
            Ok(appended) => {
                prop_assert!(appended.duplicate);
                prop_assert_eq!(appended.base_offset.get(), stored.base_offset);
                prop_assert_eq!(appended.last_offset.get() + 1, stored.end());
            }
            Err(Error::OutOfOrderSequence { .. }) => {
                prop_assert!(back > 0 && again.reloads < self.reloads, "{back} back is known");
            }
            Err(other) => panic!("{other}"),
        }
        Ok(())
    }

    fn read(&self, from: i64, max_bytes: usize) -> TestCaseResult {
        let batches = match self.log.read_batches(Offset::new(from), max_bytes, Isolation::ReadUncommitted) {
            Err(Error::OffsetOutOfRange { log_start_offset, log_end_offset, .. }) => {
                prop_assert!(from < self.start || from > self.end);
                prop_assert_eq!((log_start_offset.get(), log_end_offset.get()), (self.start, self.end));
                return Ok(());
            }
            other => other.unwrap(),
        };
        let mut found = Vec::new();
        let mut take = |record: &ottla_record::Record<'_>| {
            found.push((record.offset.get(), owned(record)));
            Ok(())
        };
        batches.for_each_record(&mut take).unwrap();
        let next = batches.next_offset().get();
        let mut expected = self.records(from);
        expected.retain(|(offset, _)| *offset < next);
        prop_assert!((from..=self.end).contains(&next));
        prop_assert_eq!(&found, &expected, "from {} with {} bytes", from, max_bytes);
        prop_assert_eq!(found.is_empty(), from == self.end, "a read must make progress");
        let whole = batches.decoded().count();
        prop_assert!(whole <= 1 || batches.as_bytes().len() <= max_bytes);
        Ok(())
    }

    /// Everything, in many reads.
    fn read_all(&self) -> TestCaseResult {
        let mut next = self.start;
        while next < self.end {
            self.read(next, 700)?;
            let fetched = self.log.read_batches(Offset::new(next), 700, Isolation::ReadUncommitted).unwrap();
            next = fetched.next_offset().get();
        }
        Ok(())
    }

    fn find_time(&self, timestamp_ms: i64) -> TestCaseResult {
        let found = self.log.offset_for_timestamp(timestamp_ms).unwrap();
        let records = self.records(self.start);
        let expected = records.iter().find(|(_, record)| record.timestamp_ms >= timestamp_ms);
        prop_assert_eq!(
            found.map(|found| (found.offset.get(), found.timestamp_ms)),
            expected.map(|(offset, record)| (*offset, record.timestamp_ms))
        );
        Ok(())
    }

    /// A batch that holds the cut goes whole, and the log ends where the batch began.
    fn truncate(&mut self, to: i64) -> TestCaseResult {
        let holder = self.batches.iter().find(|batch| (batch.base_offset..batch.end()).contains(&to));
        let end = holder.map_or(to.min(self.end), |batch| batch.base_offset).max(self.start);
        self.log.truncate(Offset::new(to)).unwrap();
        if to < self.end {
            self.cut(end);
        }
        self.read_all()
    }

    fn cut(&mut self, end: i64) {
        self.batches.retain(|batch| batch.end() <= end);
        self.end = end;
        self.promised_end = self.promised_end.min(end);
        self.synced_end = self.synced_end.min(end);
        self.reloads += 1;
    }

    fn delete_records(&mut self, before: i64) -> TestCaseResult {
        match self.log.delete_records(Offset::new(before)) {
            Err(Error::OffsetOutOfRange { .. }) => {
                prop_assert!(before > self.end);
                return Ok(());
            }
            start => prop_assert_eq!(start.unwrap().get(), before.max(self.start)),
        }
        self.start = self.start.max(before);
        self.promised_end = self.promised_end.max(self.start);
        self.read_all()
    }

    fn close_and_open(&mut self) -> TestCaseResult {
        self.log.close().unwrap();
        let before = log_files(&self.fs);
        let (log, report) = open(&self.fs, &self.config);
        self.log = log;
        self.reloads += 1;
        self.promised_end = self.end;
        self.synced_end = self.end;
        prop_assert!(report.clean && report.scanned_bytes == 0, "{:?}", report);
        prop_assert!(report.truncated.is_none() && report.rebuilt_indexes.is_empty(), "{:?}", report);
        // A cut may leave a segment wholly below the start of the log; it goes now.
        let mut expected = before;
        expected.retain(|path, _| !report.removed_leftovers.contains(path));
        prop_assert_eq!(log_files(&self.fs), expected);
        self.read_all()
    }

    /// What comes back is a prefix in whole batches that holds all that was promised.
    fn crash(&mut self, mut crash: Crash) -> TestCaseResult {
        self.synced_end = self.synced_end.max(self.log.durable_offset().get());
        self.promised_end = self.promised_end.max(self.synced_end);
        self.fs = self.fs.crash(&mut crash);
        self.log = open(&self.fs, &self.config).0;
        let end = self.log.log_end_offset().get();
        prop_assert!(end >= self.promised_end, "ends at {}, promised {}", end, self.promised_end);
        prop_assert!(end <= self.end, "ends at {}, sent up to {}", end, self.end);
        if matches!(crash, Crash::KeepAll) {
            prop_assert_eq!(end, self.end, "only the process was killed");
        }
        self.cut(end);
        self.replace_doubtful_producers();
        prop_assert_eq!(self.batches.last().map_or(end, Stored::end).max(self.start), end, "a batch was cut");
        self.read_all()?;
        self.open_again()
    }

    /// A batch may be deleted before it was ever synced; after a crash nobody knows whether its producer is still
    /// known by it.
    fn replace_doubtful_producers(&mut self) {
        for at in 0..self.producer_ids.len() {
            let newest = self.sent_by(self.producer_ids[at]).last().map_or(0, |(stored, _)| stored.end());
            if newest <= self.start && newest > self.synced_end {
                self.producer_ids[at] += 3;
            }
        }
    }

    fn open_again(&mut self) -> TestCaseResult {
        let before = log_files(&self.fs);
        let closed_without_a_word = std::mem::replace(&mut self.log, open(&SimFs::new(), &self.config).0);
        drop(closed_without_a_word);
        let (log, report) = open(&self.fs, &self.config);
        self.log = log;
        prop_assert!(report.truncated.is_none(), "{:?}", report);
        prop_assert_eq!(log_files(&self.fs), before);
        self.read_all()
    }

    /// Every producer's newest batch is still answered as it was.
    fn repeat_all(&self) -> TestCaseResult {
        self.producer_ids.iter().try_for_each(|id| self.repeat(*id, 0))
    }
}

fn config() -> impl Strategy<Value = LogConfig> {
    (2_500..10_000_u32, 100..3_000_u32).prop_map(|(segment_bytes, index_interval_bytes)| LogConfig {
        segment_bytes,
        index_interval_bytes,
        ..LogConfig::default()
    })
}

/// `OTTLA_CASES=<n>` runs so many random sequences.
fn cases() -> u32 {
    std::env::var("OTTLA_CASES").ok().and_then(|cases| cases.parse().ok()).unwrap_or(64)
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(cases()) })]

    #[test]
    fn a_log_holds_what_a_vector_holds(config in config(), ops in prop::collection::vec(op(), 1..60)) {
        let mut pair = Pair::new(config);
        for op in ops {
            pair.apply(op)?;
        }
        pair.read_all()?;
        pair.repeat_all()?;
        pair.crash(Crash::LoseAll)?;
        pair.repeat_all()?;
        pair.close_and_open()?;
        pair.repeat_all()?;
    }
}

//! What loses its power: a compacted log. Of each key the newest record that was promised is there, or a newer one,
//! at its offset, and no record that nobody sent; what was promised and no pass has reached is there in full. No record
//! is missing before one that is there but by a pass, for the sake of a later one.
//!
//! One limit: where no record at all is left since the last pass, recovery cannot tell the end of a segment that never
//! came to the disk from what Kafka's cleaner may have left. The log then goes on behind what was lost; nothing of that
//! was promised.

use std::collections::BTreeMap;
use std::fmt::Debug;
use std::sync::Arc;
use std::time::Duration;

use ottla::{AppendOptions, Compacted, Isolation, Log, LogConfig, Offset, Origin, Result};
use ottla_record::{BatchBuilder, EndTransactionMarker};
use ottla_testkit::{Crash, Image, SimClock, SimFs};

use crate::harness::Subject;
use crate::one_log::{is_closed, is_spared_all_work};
use crate::support::Stopped;
use crate::support_of_compaction::{
    NOW_MS, Seen, batch, check_built_indexes, check_files, cleaner, config, latest, open,
};

/// What was asked of a compacted log.
#[derive(Clone, Debug)]
pub(crate) struct KeyedTold {
    /// The records that were sent and not aborted, and the end behind them.
    sent: Vec<Seen>,
    end: i64,
    /// Everything below this offset was promised.
    promised_end: i64,
    /// No pass has begun with a log that ended behind this offset.
    compacted_end: i64,
    /// Where the active segment began when the last pass had ended.
    cleaned_end: i64,
    /// Whether a tombstone may have stayed for as long as it must.
    tombstones_may_go: bool,
    now_ms: i64,
    closed: bool,
}

/// A log that nobody has used.
pub(crate) fn empty() -> KeyedTold {
    KeyedTold {
        sent: Vec::new(),
        end: 0,
        promised_end: 0,
        compacted_end: 0,
        cleaned_end: 0,
        tombstones_may_go: false,
        now_ms: NOW_MS,
        closed: false,
    }
}

/// Asks a compacted log for things, and writes down what it was asked and what it answered.
pub(crate) struct Keyed {
    fs: SimFs,
    clock: Arc<SimClock>,
    log: Option<Log>,
    told: KeyedTold,
}

impl Keyed {
    fn log(&self) -> &Log {
        self.log.as_ref().expect("the log is open")
    }

    fn answer<T: Debug>(&self, result: Result<T>) -> Result<T, Stopped> {
        result.map_err(|e| {
            assert!(self.fs.crashed(), "{e}");
            Stopped
        })
    }

    pub(crate) fn open(&mut self) -> Result<(), Stopped> {
        self.log = Some(self.answer(open(&self.fs, &self.clock, &config()))?.0);
        Ok(())
    }

    pub(crate) fn put(&mut self, key: &str, value: impl Into<Option<&'static str>>) -> Result<(), Stopped> {
        self.put_as(BatchBuilder::new(), &[(key, value.into())])
    }

    pub(crate) fn put_as(
        &mut self,
        builder: BatchBuilder,
        records: &[(&str, Option<&str>)],
    ) -> Result<(), Stopped> {
        let bytes = batch(builder, records, self.told.now_ms);
        for (offset, (key, value)) in (self.told.end..).zip(records) {
            self.told.sent.push((offset, (*key).to_owned(), value.map(str::to_owned)));
        }
        self.append(&bytes, records.len(), &AppendOptions::default())
    }

    fn append(&mut self, bytes: &[u8], count: usize, options: &AppendOptions) -> Result<(), Stopped> {
        let base = self.told.end;
        self.told.end += count as i64;
        let appended = self.answer(self.log().append_with(bytes, options))?;
        assert_eq!((appended.base_offset.get(), appended.last_offset.get() + 1), (base, self.told.end));
        Ok(())
    }

    /// Records that no careful reader ever sees.
    pub(crate) fn abort(&mut self, producer_id: i64, sequence: i32, keys: &[&str]) -> Result<(), Stopped> {
        let builder = BatchBuilder::new().producer(producer_id, 0, sequence).transactional(true);
        let records: Vec<_> = keys.iter().map(|key| (*key, Some("hidden"))).collect();
        let bytes = batch(builder, &records, self.told.now_ms);
        self.append(&bytes, keys.len(), &AppendOptions::default())?;
        let marker = EndTransactionMarker {
            producer_id,
            producer_epoch: 0,
            coordinator_epoch: 0,
            commit: false,
            timestamp_ms: self.told.now_ms,
        };
        let options = AppendOptions { origin: Origin::Coordinator, leader_epoch: None };
        self.append(&marker.to_batch().unwrap(), 1, &options)
    }

    /// Makes what was appended so far a sealed segment, by a record of its own key in the next.
    pub(crate) fn roll(&mut self) -> Result<(), Stopped> {
        self.log().set_config(LogConfig { segment_bytes: 90, ..config() });
        self.put("~", "~")?;
        self.log().set_config(config());
        Ok(())
    }

    pub(crate) fn compact(&mut self) -> Result<Compacted, Stopped> {
        self.told.compacted_end = self.told.end;
        let compacted = self.answer(self.log().compact(&mut cleaner()))?;
        self.told.cleaned_end = self.log().segment_base_offsets().last().map_or(0, |base| base.get());
        Ok(compacted.expect("there is something to compact"))
    }

    fn promise(&mut self, result: Result<()>) -> Result<(), Stopped> {
        self.answer(result)?;
        self.told.promised_end = self.told.end;
        Ok(())
    }

    pub(crate) fn sync(&mut self) -> Result<(), Stopped> {
        let synced = self.log().sync_to(Offset::new(self.told.end));
        self.promise(synced)
    }

    pub(crate) fn flush(&mut self) -> Result<(), Stopped> {
        let flushed = self.log().flush();
        self.promise(flushed)
    }

    pub(crate) fn close(&mut self) -> Result<(), Stopped> {
        let closed = self.log().close();
        self.promise(closed)?;
        self.log = None;
        Ok(())
    }

    /// Longer than tombstones must stay.
    pub(crate) fn wait_for_tombstones(&mut self) {
        let ms = config().delete_retention_ms + 1;
        self.clock.advance(Duration::from_millis(ms as u64));
        self.told.now_ms += ms;
        self.told.tombstones_may_go = true;
    }
}

impl Subject for Keyed {
    type Told = KeyedTold;

    fn disk() -> Image {
        Image::default()
    }

    fn start(fs: &SimFs, told: &KeyedTold) -> Keyed {
        let clock = Arc::new(SimClock::at_ms(told.now_ms));
        let told = KeyedTold { promised_end: told.end, ..told.clone() };
        Keyed { fs: fs.clone(), clock, log: None, told }
    }

    fn stop(mut self) -> KeyedTold {
        self.log = None;
        KeyedTold { closed: is_closed(&self.fs), ..self.told }
    }

    fn opened(told: &KeyedTold) -> KeyedTold {
        KeyedTold { closed: false, ..told.clone() }
    }

    fn reopen(fs: &SimFs, told: &KeyedTold) {
        let _ = open(fs, &Arc::new(SimClock::at_ms(told.now_ms)), &config());
    }

    fn check(fs: &SimFs, told: &KeyedTold) {
        let clock = Arc::new(SimClock::at_ms(told.now_ms));
        let opened = || open(fs, &clock, &config()).unwrap();
        let (log, report) = opened();
        if told.closed {
            assert!(is_spared_all_work(&report), "closed, and then {report:?}");
            // Nobody looks at them any more.
            log.segment_base_offsets().iter().for_each(|base| check_built_indexes(fs, *base));
        }
        let (found, end) = (records(&log), log.log_end_offset());
        check_records(&found, end.get(), told);
        drop(log);

        let (log, _) = opened();
        assert_eq!((records(&log), log.log_end_offset()), (found.clone(), end), "opened twice");
        // What was set aside by the first is gone since the second.
        check_files(fs, &log);
        let mut newest = latest(&found);
        let bytes = batch(BatchBuilder::new(), &[("grete", Some("new"))], told.now_ms);
        assert_eq!(log.append(&bytes).unwrap().base_offset, end);
        newest.insert("grete".to_owned(), "new".to_owned());
        log.sync_to(log.log_end_offset()).unwrap();
        let (lost, all) = (fs.crash(&mut Crash::LoseAll), records(&log));
        assert_eq!(records(&open(&lost, &clock, &config()).unwrap().0), all, "what was synced is there");
        while log.compact(&mut cleaner()).unwrap().is_some() {}
        assert_eq!(latest(&records(&log)), newest, "compacted");
        check_files(fs, &log);
        log.close().unwrap();
        drop(log);
        let (log, report) = opened();
        assert!(report.clean && report.is_uneventful(), "{report:?}");
        assert_eq!(latest(&records(&log)), newest, "closed and opened");
    }
}

/// What a careful reader sees.
fn records(log: &Log) -> Vec<Seen> {
    let text = |bytes: &[u8]| String::from_utf8(bytes.to_vec()).unwrap();
    let mut records = Vec::new();
    let mut next = log.log_start_offset();
    assert_eq!(log.last_stable_offset(), log.log_end_offset(), "no transaction is open");
    loop {
        let batches = log.read_batches(next, 500, Isolation::ReadCommitted).unwrap();
        // Nothing more: the end, or a gap before it.
        if batches.next_offset() <= next {
            return records;
        }
        let mut take = |offset: Offset, key: Option<&[u8]>, value: Option<&[u8]>| {
            records.push((offset.get(), key.map(text).unwrap_or_default(), value.map(text)));
        };
        let read = batches.for_each_record(|record| {
            take(record.offset, record.key, record.value);
            Ok(())
        });
        read.unwrap();
        next = batches.next_offset();
    }
}

fn check_records(found: &[Seen], end: i64, told: &KeyedTold) {
    assert!(end >= told.promised_end, "the log ends at {end}, promised up to {}", told.promised_end);
    assert!(end <= told.end, "the log ends at {end}, nothing was sent after {}", told.end);
    assert!(found.windows(2).all(|pair| pair[0].0 < pair[1].0), "order: {found:?}");
    let strange = found.iter().find(|record| !told.sent.contains(record));
    assert_eq!(strange, None, "nobody sent it");
    let first_since_pass =
        found.iter().map(|(offset, ..)| *offset).find(|offset| *offset >= told.cleaned_end);
    let nothing_is_left = told.cleaned_end.max(told.promised_end)..first_since_pass.unwrap_or(end);
    let newest: BTreeMap<&str, i64> = found.iter().map(|(offset, key, _)| (key.as_str(), *offset)).collect();
    for record in told.sent.iter().filter(|(offset, ..)| *offset < end) {
        let (offset, key, value) = record;
        let is_newer = |(at, other, value): &&Seen| at > offset && other == key && value.is_none();
        let by_tombstone = told.tombstones_may_go && told.sent.iter().any(|record| is_newer(&record));
        let by_record = newest.get(key.as_str()).is_some_and(|at| at > offset);
        let is_replaced = *offset < told.compacted_end && (by_record || by_tombstone);
        let may_go = value.is_none() && told.tombstones_may_go;
        let cannot_be_told = nothing_is_left.contains(offset);
        assert!(
            is_replaced || may_go || cannot_be_told || found.contains(record),
            "{record:?} is gone: {found:?}"
        );
    }
}

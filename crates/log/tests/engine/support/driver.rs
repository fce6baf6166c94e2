use std::collections::BTreeMap;
use std::fmt::Debug;

use ottla::{AppendOptions, Appended, Log, LogConfig, Offset, Origin, Result};
use ottla_record::{BatchBuilder, EndTransactionMarker};
use ottla_testkit::{CrashChoice, SimFs};

use super::{History, NOW_MS, SentBatch, batch, inspect, open};

/// The power is gone: nothing more can be asked.
#[derive(Debug)]
pub(crate) struct Stopped;

/// Asks a log for things, and writes down what it was asked and what it answered.
pub(crate) struct Driver {
    pub fs: SimFs,
    pub config: LogConfig,
    pub history: History,
    log: Option<Log>,
    pub next_value: u64,
    /// Epoch and next sequence of each producer.
    producers: BTreeMap<i64, (i16, i32)>,
    /// Producers that begin anew, since nobody knows whether they are remembered.
    new_epochs: BTreeMap<i64, i16>,
    pub value_len: usize,
    /// Where batches begin.
    pub bases: Vec<i64>,
}

impl Driver {
    pub(crate) fn new(fs: SimFs, config: LogConfig) -> Driver {
        Driver {
            fs,
            config,
            history: History::default(),
            log: None,
            next_value: 0,
            producers: BTreeMap::new(),
            new_epochs: BTreeMap::new(),
            value_len: 60,
            bases: Vec::new(),
        }
    }

    pub(crate) fn log(&self) -> &Log {
        self.log.as_ref().expect("the log is open")
    }

    /// Notes an answer. Without a loss of power there is no reason for an error.
    fn answer<T: Debug>(&mut self, result: Result<T>) -> Result<T, Stopped> {
        match result {
            Ok(answer) => {
                self.history.answered();
                Ok(answer)
            }
            Err(e) => {
                assert!(self.fs.crashed(), "{e}");
                Err(Stopped)
            }
        }
    }

    pub(crate) fn open(&mut self) -> Result<(), Stopped> {
        let opened = open(&self.fs, &self.config).map(|(log, _)| log);
        self.log = Some(self.answer(opened)?);
        Ok(())
    }

    /// As a process that is killed.
    pub(crate) fn kill(&mut self) {
        self.log = None;
    }

    pub(crate) fn close(&mut self) -> Result<(), Stopped> {
        self.history.sync();
        let closed = self.log().close();
        self.answer(closed)?;
        self.log = None;
        Ok(())
    }

    fn values(&mut self, count: usize) -> Vec<String> {
        let first = self.next_value;
        self.next_value += count as u64;
        let len = self.value_len;
        (first..self.next_value).map(|number| format!("{number:0len$}")).collect()
    }

    pub(crate) fn append(&mut self, count: usize) -> Result<(), Stopped> {
        self.append_built(BatchBuilder::new(), count).map(|_| ())
    }

    fn append_built(&mut self, builder: BatchBuilder, count: usize) -> Result<(Vec<u8>, Appended), Stopped> {
        let first = self.next_value as i64;
        let values = self.values(count);
        let bytes = batch(builder, &values, first);
        self.history.append(values.into_iter().map(Some));
        let appended = self.log().append(&bytes);
        let appended = self.answer(appended)?;
        assert_eq!(appended.last_offset + 1, self.history.end());
        self.bases.push(appended.base_offset.get());
        Ok((bytes, appended))
    }

    pub(crate) fn append_with(&mut self, count: usize, options: &AppendOptions) -> Result<(), Stopped> {
        let first = self.next_value as i64;
        let values = self.values(count);
        let bytes = batch(BatchBuilder::new(), &values, first);
        self.history.append(values.into_iter().map(Some));
        let appended = self.log().append_with(&bytes, options);
        self.answer(appended).map(|_| ())
    }

    /// Several batches in one call.
    pub(crate) fn append_together(&mut self, batches: usize, count: usize) -> Result<(), Stopped> {
        let mut bytes = Vec::new();
        let mut all = Vec::new();
        for _ in 0..batches {
            let first = self.next_value as i64;
            let values = self.values(count);
            bytes.extend(batch(BatchBuilder::new(), &values, first));
            all.extend(values);
        }
        self.history.append(all.into_iter().map(Some));
        let appended = self.log().append(&bytes);
        self.answer(appended).map(|_| ())
    }

    pub(crate) fn append_as(
        &mut self,
        producer_id: i64,
        count: usize,
        transactional: bool,
    ) -> Result<(), Stopped> {
        let (producer_epoch, sequence) = *self.producers.entry(producer_id).or_insert((0, 0));
        let builder =
            BatchBuilder::new().producer(producer_id, producer_epoch, sequence).transactional(transactional);
        let (bytes, appended) = self.append_built(builder, count)?;
        assert!(!appended.duplicate);
        let next_sequence = sequence + count as i32;
        self.producers.insert(producer_id, (producer_epoch, next_sequence));
        let Appended { base_offset, last_offset, .. } = appended;
        self.history.sent.push(SentBatch {
            producer_id,
            producer_epoch,
            next_sequence,
            bytes,
            base_offset,
            last_offset,
        });
        Ok(())
    }

    /// Whether this producer has a batch in the log.
    pub(crate) fn knows(&self, producer_id: i64) -> bool {
        self.producers.contains_key(&producer_id)
    }

    pub(crate) fn end_transaction(&mut self, producer_id: i64, commit: bool) -> Result<(), Stopped> {
        let (producer_epoch, _) = self.producers[&producer_id];
        let marker = EndTransactionMarker {
            producer_id,
            producer_epoch,
            coordinator_epoch: 0,
            commit,
            timestamp_ms: NOW_MS,
        };
        self.history.append([None]);
        let options = AppendOptions { origin: Origin::Coordinator, leader_epoch: None };
        let appended = self.log().append_with(&marker.to_batch().unwrap(), &options);
        let appended = self.answer(appended)?;
        self.bases.push(appended.base_offset.get());
        Ok(())
    }

    pub(crate) fn sync(&mut self) -> Result<(), Stopped> {
        self.history.sync();
        let synced = self.log().sync_to(self.history.end());
        self.answer(synced)
    }

    pub(crate) fn flush(&mut self) -> Result<(), Stopped> {
        self.history.sync();
        let flushed = self.log().flush();
        self.answer(flushed)
    }

    /// Cuts at a record that begins a batch, so that the model need not know of batches.
    pub(crate) fn truncate(&mut self, to: i64) -> Result<(), Stopped> {
        let to = Offset::new(to);
        self.history.truncate(to);
        let truncated = self.log().truncate(to);
        self.answer(truncated)?;
        assert_eq!(self.log().log_end_offset(), to, "cut where a batch begins");
        self.cut_to(to);
        Ok(())
    }

    /// Forgets what is not in the log any more.
    fn cut_to(&mut self, end: Offset) {
        self.history.forget_sent_from(end);
        self.bases.retain(|base| *base < end.get());
        let left = self.history.sent.iter();
        let left = left.map(|sent| (sent.producer_id, (sent.producer_epoch, sent.next_sequence)));
        self.producers = self.new_epochs.iter().map(|(id, epoch)| (*id, (*epoch, 0))).chain(left).collect();
    }

    /// The machine loses its power and comes back; what it shows then must be what may be left.
    pub(crate) fn crash(&mut self, crash: &mut dyn CrashChoice) {
        self.kill();
        self.fs = self.fs.crash(crash);
        self.come_back();
        for (producer_id, epoch) in self.history.take_doubtful() {
            self.new_epochs.insert(producer_id, epoch + 1);
            self.producers.insert(producer_id, (epoch + 1, 0));
        }
    }

    /// The process is killed and starts again.
    pub(crate) fn restart(&mut self) {
        self.kill();
        self.come_back();
        assert_eq!(self.log().log_end_offset(), self.history.end(), "the system kept everything");
    }

    fn come_back(&mut self) {
        self.open().unwrap();
        let found = inspect(&self.fs, self.log());
        self.history.accept(found.start, &found.records, found.end).unwrap();
        self.cut_to(found.end);
    }

    /// What the log holds, by all ways of reading it.
    pub(crate) fn check(&self) {
        let found = inspect(&self.fs, self.log());
        assert_eq!((found.start, found.end), (self.history.start(), self.history.end()));
        assert_eq!(found.records, self.history.records());
    }

    pub(crate) fn delete_records(&mut self, before: i64) -> Result<(), Stopped> {
        let before = Offset::new(before);
        self.history.delete_before(before);
        let deleted = self.log().delete_records(before);
        self.answer(deleted).map(|_| ())
    }

    /// Retention with these settings; `keeps` is where the log must start then.
    pub(crate) fn retain(&mut self, config: LogConfig, keeps: i64) -> Result<(), Stopped> {
        self.log().set_config(config);
        self.history.delete_before(Offset::new(keeps));
        let retained = self.log().apply_retention();
        self.answer(retained)?;
        self.log().set_config(self.config.clone());
        assert_eq!(self.log().log_start_offset().get(), keeps);
        Ok(())
    }

    pub(crate) fn remove_deleted_files(&mut self) -> Result<(), Stopped> {
        let removed = self.log().remove_deleted_files();
        self.answer(removed).map(|_| ())
    }
}

//! What loses its power: a store. Topics are there whole or not at all, and what was said of them is so for good.

use std::collections::BTreeMap;
use std::fmt::Debug;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use ottla::fs::{FileSystem, OpenMode};
use ottla::settings::Change;
use ottla::{Isolation, LogConfig, Offset, Result, Store, StoreConfig, StoreReport};
use ottla_record::BatchBuilder;
use ottla_testkit::{Crash, Image, SimClock, SimFs};

use crate::harness::Subject;
use crate::one_log::{is_closed, is_spared_all_work};
use crate::support::{DATA, NOW_MS, Stopped, batch, environment_at, small, values_between};

#[derive(Clone, Debug, Default)]
pub(crate) struct Partition {
    /// From offset 0 on, whether they were deleted or not.
    values: Vec<String>,
    /// So many of them were deleted.
    start: usize,
    /// So many of them were promised.
    durable: usize,
    /// The last batch of each producer, its offset and its time.
    producers: BTreeMap<i64, (Vec<u8>, usize, i64)>,
}

#[derive(Clone, Debug, Default)]
pub(crate) struct Topic {
    overrides: BTreeMap<String, String>,
    partitions: Vec<Partition>,
}

type Topics = BTreeMap<String, Topic>;

/// What was asked of a store, and how it is opened.
#[derive(Clone, Debug)]
pub(crate) struct StoreTold {
    /// After every call that was answered.
    now: Topics,
    /// After the call that was not, if there is one.
    then: Option<Topics>,
    producer_ids: Vec<i64>,
    now_ms: i64,
    open_files: usize,
    defaults: LogConfig,
    closed: bool,
}

/// A store that nobody has used.
pub(crate) fn new_store() -> StoreTold {
    StoreTold {
        now: Topics::new(),
        then: None,
        producer_ids: Vec::new(),
        now_ms: NOW_MS,
        open_files: 512,
        defaults: LogConfig { file_delete_delay_ms: 0, ..small() },
        closed: false,
    }
}

/// One that may open so many files.
pub(crate) fn with_files(open_files: usize) -> StoreTold {
    StoreTold { open_files, ..new_store() }
}

/// One that forgets producers after so long.
pub(crate) fn expiring_after(ms: i64) -> StoreTold {
    let defaults = LogConfig { producer_id_expiration_ms: ms, ..new_store().defaults };
    StoreTold { defaults, ..new_store() }
}

/// Asks a store for things, and writes down what it was asked and what it answered.
pub(crate) struct Driver {
    fs: SimFs,
    clock: Arc<SimClock>,
    store: Option<Store>,
    told: StoreTold,
    next_value: usize,
    /// Next sequence of each producer.
    sequences: BTreeMap<i64, i32>,
}

fn open(fs: &SimFs, told: &StoreTold, clock: &Arc<SimClock>) -> Result<(Store, StoreReport)> {
    let config = StoreConfig {
        defaults: told.defaults.clone(),
        environment: environment_at(fs, clock),
        open_files: told.open_files,
        ..StoreConfig::default()
    };
    Store::open(DATA, config)
}

/// What each topic of these tests begins with.
pub(crate) fn settings() -> BTreeMap<String, String> {
    BTreeMap::from([("max.message.bytes".to_owned(), "777".to_owned())])
}

impl Driver {
    fn ask<T: Debug>(
        &mut self,
        change: impl FnOnce(&mut Topics),
        call: impl FnOnce(&Store) -> Result<T>,
    ) -> Result<T, Stopped> {
        let mut then = self.told.now.clone();
        change(&mut then);
        self.told.then = Some(then);
        match call(self.store.as_ref().expect("the store is open")) {
            Ok(answer) => {
                self.told.now = self.told.then.take().unwrap();
                Ok(answer)
            }
            Err(e) => {
                assert!(self.fs.crashed(), "{e}");
                Err(Stopped)
            }
        }
    }

    pub(crate) fn open(&mut self) -> Result<(), Stopped> {
        let opened = open(&self.fs, &self.told, &self.clock).map(|(store, _)| store);
        self.store = Some(opened.map_err(|e| assert!(self.fs.crashed(), "{e}")).map_err(|()| Stopped)?);
        Ok(())
    }

    pub(crate) fn close(&mut self) -> Result<(), Stopped> {
        let all_durable = |topics: &mut Topics| {
            let partitions = topics.values_mut().flat_map(|topic| &mut topic.partitions);
            partitions.for_each(|partition| partition.durable = partition.values.len());
        };
        self.ask(all_durable, Store::close)?;
        self.store = None;
        Ok(())
    }

    /// As a process that is killed.
    pub(crate) fn kill(&mut self) {
        self.store = None;
    }

    pub(crate) fn create(&mut self, name: &str, partitions: i32) -> Result<(), Stopped> {
        let topic =
            Topic { overrides: settings(), partitions: vec![Partition::default(); partitions as usize] };
        self.ask(
            |topics| drop(topics.insert(name.to_owned(), topic)),
            |store| store.create_topic(name, partitions, &settings()),
        )?;
        Ok(())
    }

    pub(crate) fn add_partitions(&mut self, name: &str, total: i32) -> Result<(), Stopped> {
        self.ask(
            |topics| topics.get_mut(name).unwrap().partitions.resize(total as usize, Partition::default()),
            |store| store.create_partitions(name, total),
        )?;
        Ok(())
    }

    pub(crate) fn delete(&mut self, name: &str) -> Result<(), Stopped> {
        self.ask(|topics| drop(topics.remove(name)), |store| store.delete_topic(name))
    }

    /// Gives settings these values, or none of their own.
    pub(crate) fn alter(&mut self, name: &str, changes: &[(&str, Option<&str>)]) -> Result<(), Stopped> {
        let change = |topics: &mut Topics| {
            let overrides = &mut topics.get_mut(name).unwrap().overrides;
            for (setting, value) in changes {
                match value {
                    Some(value) => drop(overrides.insert((*setting).to_owned(), (*value).to_owned())),
                    None => drop(overrides.remove(*setting)),
                }
            }
        };
        let asked = changes.iter().map(|(setting, value)| {
            let change = value.map_or(Change::Delete, |value| Change::Set(value.to_owned()));
            ((*setting).to_owned(), change)
        });
        let asked: BTreeMap<String, Change> = asked.collect();
        self.ask(change, |store| store.alter_topic_config(name, &asked)).map(|_| ())
    }

    fn value(&mut self) -> String {
        self.next_value += 1;
        format!("{:0100}", self.next_value)
    }

    pub(crate) fn append(&mut self, name: &str, partition: i32) -> Result<(), Stopped> {
        let value = self.value();
        let bytes = batch(BatchBuilder::new(), std::slice::from_ref(&value), self.told.now_ms - NOW_MS);
        self.ask(
            |topics| topics.get_mut(name).unwrap().partitions[partition as usize].values.push(value),
            |store| store.log(name, partition).unwrap().append(&bytes),
        )?;
        Ok(())
    }

    pub(crate) fn append_as(&mut self, producer_id: i64, name: &str, partition: i32) -> Result<(), Stopped> {
        let value = self.value();
        let sequence = *self.sequences.entry(producer_id).and_modify(|next| *next += 1).or_insert(0);
        let (builder, at_ms) = (BatchBuilder::new().producer(producer_id, 0, sequence), self.told.now_ms);
        let bytes = batch(builder, std::slice::from_ref(&value), at_ms - NOW_MS);
        let change = |topics: &mut Topics| {
            let partition = &mut topics.get_mut(name).unwrap().partitions[partition as usize];
            partition.producers.insert(producer_id, (bytes.clone(), partition.values.len(), at_ms));
            partition.values.push(value);
        };
        self.ask(change, |store| store.log(name, partition).unwrap().append(&bytes)).map(|_| ())
    }

    fn all_durable(name: &str, partition: i32) -> impl FnOnce(&mut Topics) {
        let (name, partition) = (name.to_owned(), partition as usize);
        move |topics| {
            let partition = &mut topics.get_mut(&name).unwrap().partitions[partition];
            partition.durable = partition.values.len();
        }
    }

    pub(crate) fn sync(&mut self, name: &str, partition: i32) -> Result<(), Stopped> {
        self.ask(Driver::all_durable(name, partition), |store| {
            let log = store.log(name, partition).unwrap();
            log.sync_to(log.log_end_offset())
        })
    }

    pub(crate) fn flush(&mut self, name: &str, partition: i32) -> Result<(), Stopped> {
        self.ask(Driver::all_durable(name, partition), |store| store.log(name, partition).unwrap().flush())
    }

    pub(crate) fn delete_records(
        &mut self,
        name: &str,
        partition: i32,
        before: usize,
    ) -> Result<(), Stopped> {
        let change = |topics: &mut Topics| {
            let partition = &mut topics.get_mut(name).unwrap().partitions[partition as usize];
            (partition.start, partition.durable) = (before, partition.durable.max(before));
        };
        let before = Offset::new(before as i64);
        self.ask(change, |store| store.log(name, partition).unwrap().delete_records(before)).map(drop)
    }

    /// Of this partition everything is gone that was not deleted, as after a loss of power.
    pub(crate) fn lose_records(&mut self, name: &str, partition: i32) {
        self.kill();
        let dir = Path::new(DATA).join(format!("{name}-{partition}"));
        for entry in self.fs.read_dir(&dir).unwrap().iter().filter(|entry| entry.name.ends_with(".log")) {
            self.fs.open(&dir.join(&entry.name), OpenMode::ReadWrite).unwrap().set_len(0).unwrap();
        }
        let partition = &mut self.told.now.get_mut(name).unwrap().partitions[partition as usize];
        partition.values.truncate(partition.start);
    }

    /// Returns how many producers were forgotten.
    pub(crate) fn housekeep(&mut self) -> Result<usize, Stopped> {
        let report = self.ask(|_| {}, Store::housekeep)?;
        assert!(report.failures.is_empty() || self.fs.crashed(), "{report:?}");
        Ok(report.producers_expired)
    }

    pub(crate) fn producer_id(&mut self) -> Result<(), Stopped> {
        let id = self.ask(|_| {}, Store::allocate_producer_id)?;
        assert!(self.told.producer_ids.iter().all(|earlier| *earlier < id));
        self.told.producer_ids.push(id);
        Ok(())
    }

    pub(crate) fn wait(&mut self, ms: u64) {
        self.clock.advance(Duration::from_millis(ms));
        self.told.now_ms += ms as i64;
    }
}

impl Subject for Driver {
    type Told = StoreTold;

    fn disk() -> Image {
        Image::default()
    }

    fn start(fs: &SimFs, told: &StoreTold) -> Driver {
        let clock = Arc::new(SimClock::at_ms(told.now_ms));
        let (told, sequences) = (told.clone(), BTreeMap::new());
        Driver { fs: fs.clone(), clock, store: None, told, next_value: 0, sequences }
    }

    fn stop(mut self) -> StoreTold {
        self.store = None;
        StoreTold { closed: is_closed(&self.fs), ..self.told }
    }

    fn opened(told: &StoreTold) -> StoreTold {
        StoreTold { closed: false, ..told.clone() }
    }

    fn reopen(fs: &SimFs, told: &StoreTold) {
        let _ = open(fs, told, &Arc::new(SimClock::at_ms(told.now_ms)));
    }

    fn check(fs: &SimFs, told: &StoreTold) {
        let clock = Arc::new(SimClock::at_ms(told.now_ms));
        let (store, report) = open(fs, told, &clock).unwrap();
        let is_spared = report.recovered.iter().all(|(_, report)| is_spared_all_work(report));
        assert!(!told.closed || (report.clean && is_spared), "closed, and then {report:?}");
        let found = contents(&store);
        let expected: Vec<&Topics> = [Some(&told.now), told.then.as_ref()].into_iter().flatten().collect();
        let fits: Vec<_> = expected.iter().map(|topics| may_be_left(topics, &found)).collect();
        assert!(fits.iter().any(Result::is_ok), "{fits:?}");
        let id = store.allocate_producer_id().unwrap();
        assert!(told.producer_ids.iter().all(|earlier| *earlier < id), "producer id {id} again");
        drop(store);

        let (store, _) = open(fs, told, &clock).unwrap();
        assert!(same(&contents(&store), &found), "opened twice");
        let asked = expected.into_iter().zip(fits).find(|(_, fits)| fits.is_ok()).unwrap().0;
        check_producers(&store, asked, told);
        for log in store.topics().iter().flat_map(|topic| topic.partitions.values()) {
            log.append(&batch(BatchBuilder::new(), &["more"], told.now_ms - NOW_MS)).unwrap();
            log.sync_to(log.log_end_offset()).unwrap();
        }
        let all = contents(&store);
        let (lost, report) = open(&fs.crash(&mut Crash::LoseAll), told, &clock).unwrap();
        assert!(same(&contents(&lost), &all), "what was synced is there: {report:?}");
        for name in found.keys() {
            store.delete_topic(name).unwrap();
            let topic = store.create_topic(name, 2, &settings()).unwrap();
            assert!(topic.partitions.values().all(|log| log.log_end_offset() == Offset::ZERO));
            topic.log(1).unwrap().append(&batch(BatchBuilder::new(), &["new"], 0)).unwrap();
            topic.log(1).unwrap().sync_to(Offset::new(1)).unwrap();
        }
        let (store, _) = open(&fs.crash(&mut Crash::LoseAll), told, &clock).unwrap();
        let new = Partition { values: vec!["new".to_owned()], ..Partition::default() };
        let new = Topic { overrides: settings(), partitions: vec![Partition::default(), new] };
        let anew: Topics = found.keys().map(|name| (name.clone(), new.clone())).collect();
        assert!(same(&contents(&store), &anew), "deleted and made anew");
        store.close().unwrap();
    }
}

fn contents(store: &Store) -> Topics {
    let topic = |topic: &Arc<ottla::Topic>| {
        let numbers: Vec<i32> = topic.partitions.keys().copied().collect();
        assert_eq!(numbers, (0..numbers.len() as i32).collect::<Vec<_>>(), "{}", topic.name);
        let partitions = topic.partitions.values().map(partition).collect();
        (topic.name.to_string(), Topic { overrides: topic.overrides.clone(), partitions })
    };
    store.topics().iter().map(topic).collect()
}

/// With the values from its start on only.
fn partition(log: &ottla::Log) -> Partition {
    let (start, end) = (log.log_start_offset(), log.log_end_offset());
    let found = values_between(log, start, end, Isolation::ReadUncommitted);
    let offsets: Vec<i64> = found.iter().map(|(offset, _)| offset.get()).collect();
    assert_eq!(offsets, (start.get()..end.get()).collect::<Vec<_>>(), "a hole or a repetition");
    let values = found.into_iter().map(|(_, value)| value).collect();
    Partition { values, start: start.get() as usize, ..Partition::default() }
}

fn same(one: &Topics, other: &Topics) -> bool {
    let contents = |topics: &Topics| -> Vec<_> {
        let part = |p: &Partition| (p.start, p.values.clone());
        let values = |topic: &Topic| topic.partitions.iter().map(part).collect::<Vec<_>>();
        topics.iter().map(|(name, topic)| (name.clone(), topic.overrides.clone(), values(topic))).collect()
    };
    contents(one) == contents(other)
}

/// Why a store with these topics cannot be what is left.
fn may_be_left(expected: &Topics, found: &Topics) -> Result<(), String> {
    if !expected.keys().eq(found.keys()) {
        return Err(format!("topics {:?}, not {:?}", found.keys(), expected.keys()));
    }
    for ((name, expected), found) in expected.iter().zip(found.values()) {
        if expected.overrides != found.overrides {
            return Err(format!("settings of {name}: {:?}, not {:?}", found.overrides, expected.overrides));
        }
        if expected.partitions.len() != found.partitions.len() {
            return Err(format!("{} partitions of {name}", found.partitions.len()));
        }
        for (number, (expected, found)) in expected.partitions.iter().zip(&found.partitions).enumerate() {
            let (end, promised) = (found.start + found.values.len(), expected.durable);
            let sent = expected.values.get(expected.start..).unwrap_or_default();
            if found.start != expected.start || end < promised || !sent.starts_with(&found.values) {
                let (start, sent) = (found.start, expected.values.len());
                return Err(format!("{name}-{number} is {start}..{end}; {promised} promised, {sent} sent"));
            }
        }
    }
    Ok(())
}

/// The last batch of each producer that is not forgotten is known again.
fn check_producers(store: &Store, asked: &Topics, told: &StoreTold) {
    for (name, topic) in asked {
        for (number, partition) in (0..).zip(&topic.partitions) {
            let log = store.log(name, number).unwrap();
            for (id, (bytes, offset, at_ms)) in &partition.producers {
                let left = (*offset as i64) < log.log_end_offset().get();
                if left && told.now_ms - at_ms < told.defaults.producer_id_expiration_ms {
                    let repeated = log.append(bytes).unwrap();
                    assert!(repeated.duplicate, "producer {id} repeats a batch and it is taken for new");
                    assert_eq!(repeated.base_offset.get(), *offset as i64);
                }
            }
        }
    }
}

//! The power goes at every change that a store makes: topics are there whole or not at all, and a topic that
//! was made, deleted or made anew is so for good once that was said.

use std::collections::BTreeMap;
use std::fmt::Debug;
use std::sync::Arc;

use ottla::{Isolation, LogConfig, Offset, Result, Store, StoreConfig};
use ottla_record::BatchBuilder;
use ottla_testkit::{Crash, SimFs};

use crate::support::{DATA, Stopped, batch, environment, setting, small, values_between};

/// So many of the crashes worth trying at each change are tried, unless the setting says otherwise.
const CRASHES: usize = 12;

#[derive(Clone, Debug, Default, PartialEq, Eq)]
struct Partition {
    values: Vec<String>,
    durable: usize,
}

type Topics = BTreeMap<String, Vec<Partition>>;

struct Driver {
    fs: SimFs,
    store: Option<Store>,
    now: Topics,
    then: Option<Topics>,
    producer_ids: Vec<i64>,
    next_value: usize,
}

fn open(fs: &SimFs) -> Result<Store> {
    let defaults = LogConfig { file_delete_delay_ms: 0, ..small() };
    let config = StoreConfig { defaults, environment: environment(fs), ..StoreConfig::default() };
    Store::open(DATA, config).map(|(store, _)| store)
}

fn settings() -> BTreeMap<String, String> {
    BTreeMap::from([("max.message.bytes".to_owned(), "777".to_owned())])
}

impl Driver {
    fn ask<T: Debug>(
        &mut self,
        change: impl FnOnce(&mut Topics),
        call: impl FnOnce(&Store) -> Result<T>,
    ) -> Result<T, Stopped> {
        let mut then = self.now.clone();
        change(&mut then);
        self.then = Some(then);
        match call(self.store.as_ref().expect("the store is open")) {
            Ok(answer) => {
                self.now = self.then.take().unwrap();
                Ok(answer)
            }
            Err(e) => {
                assert!(self.fs.crashed(), "{e}");
                Err(Stopped)
            }
        }
    }

    fn open(&mut self) -> Result<(), Stopped> {
        self.store =
            Some(open(&self.fs).map_err(|e| assert!(self.fs.crashed(), "{e}")).map_err(|()| Stopped)?);
        Ok(())
    }

    fn close(&mut self) -> Result<(), Stopped> {
        let all_durable = |topics: &mut Topics| {
            topics.values_mut().flatten().for_each(|partition| partition.durable = partition.values.len());
        };
        self.ask(all_durable, Store::close)?;
        self.store = None;
        Ok(())
    }

    fn create(&mut self, name: &str, partitions: i32) -> Result<(), Stopped> {
        self.ask(
            |topics| drop(topics.insert(name.to_owned(), vec![Partition::default(); partitions as usize])),
            |store| store.create_topic(name, partitions, &settings()),
        )?;
        Ok(())
    }

    fn add_partitions(&mut self, name: &str, total: i32) -> Result<(), Stopped> {
        self.ask(
            |topics| topics.get_mut(name).unwrap().resize(total as usize, Partition::default()),
            |store| store.create_partitions(name, total),
        )?;
        Ok(())
    }

    fn delete(&mut self, name: &str) -> Result<(), Stopped> {
        self.ask(|topics| drop(topics.remove(name)), |store| store.delete_topic(name))
    }

    fn append(&mut self, name: &str, partition: i32) -> Result<(), Stopped> {
        self.next_value += 1;
        let value = format!("{:0100}", self.next_value);
        let bytes = batch(BatchBuilder::new(), std::slice::from_ref(&value), 0);
        let number = partition as usize;
        self.ask(
            |topics| topics.get_mut(name).unwrap()[number].values.push(value),
            |store| store.log(name, partition).unwrap().append(&bytes),
        )?;
        Ok(())
    }

    fn sync(&mut self, name: &str, partition: i32) -> Result<(), Stopped> {
        let all_durable = |topics: &mut Topics| {
            let partition = &mut topics.get_mut(name).unwrap()[partition as usize];
            partition.durable = partition.values.len();
        };
        self.ask(all_durable, |store| {
            let log = store.log(name, partition).unwrap();
            log.sync_to(log.log_end_offset())
        })
    }

    fn housekeep(&mut self) -> Result<(), Stopped> {
        let report = self.ask(|_| {}, Store::housekeep)?;
        assert!(report.failures.is_empty() || self.fs.crashed(), "{report:?}");
        Ok(())
    }

    fn producer_id(&mut self) -> Result<(), Stopped> {
        let id = self.ask(|_| {}, Store::allocate_producer_id)?;
        assert!(self.producer_ids.iter().all(|earlier| *earlier < id));
        self.producer_ids.push(id);
        Ok(())
    }
}

fn at_every_change(workload: fn(&mut Driver) -> Result<(), Stopped>) -> usize {
    let mut states = 0;
    for changes in 0.. {
        let fs = SimFs::new();
        fs.crash_after(changes);
        let mut driver = Driver {
            fs: fs.clone(),
            store: None,
            now: Topics::new(),
            then: None,
            producer_ids: Vec::new(),
            next_value: 0,
        };
        let _ = workload(&mut driver);
        driver.store = None;
        let all: Vec<Crash> = fs.crashes(12).collect();
        let count = setting("OTTLA_CRASHES", CRASHES).min(all.len());
        let spread = (0..count).map(|n| all[(n * 7919 + changes as usize * 31) % all.len()].clone());
        for crash in [Crash::LoseAll, Crash::KeepAll].into_iter().chain(spread) {
            let context = format!("the power goes at change {changes}, {crash:?}");
            check(&fs.crash(&mut crash.clone()), &driver, &context);
            states += 1;
        }
        if !fs.crashed() {
            return states;
        }
    }
    unreachable!()
}

fn check(fs: &SimFs, driver: &Driver, context: &str) {
    let store = open(fs).unwrap_or_else(|e| panic!("{context}: {e}"));
    let found = contents(&store, context);
    let expected: Vec<&Topics> = [Some(&driver.now), driver.then.as_ref()].into_iter().flatten().collect();
    let fits = expected.iter().any(|topics| may_be_left(topics, &found));
    assert!(fits, "{context}: found {found:?}, expected one of {expected:?}");
    let id = store.allocate_producer_id().unwrap();
    assert!(driver.producer_ids.iter().all(|earlier| *earlier < id), "{context}: producer id {id} again");
    drop(store);

    let store = open(fs).unwrap_or_else(|e| panic!("{context}, the second time: {e}"));
    assert_eq!(contents(&store, context), found, "{context}: opened twice");
    for name in found.keys() {
        store.delete_topic(name).unwrap();
        let topic = store.create_topic(name, 2, &settings()).unwrap();
        assert!(topic.partitions.values().all(|log| log.log_end_offset() == Offset::ZERO), "{context}");
        topic.log(1).unwrap().append(&batch(BatchBuilder::new(), &["new"], 0)).unwrap();
        topic.log(1).unwrap().sync_to(Offset::new(1)).unwrap();
    }
    let store = open(&fs.crash(&mut Crash::LoseAll)).unwrap_or_else(|e| panic!("{context}: {e}"));
    let new = Partition { values: vec!["new".to_owned()], durable: 0 };
    let anew: Topics =
        found.keys().map(|name| (name.clone(), vec![Partition::default(), new.clone()])).collect();
    assert_eq!(contents(&store, context), anew, "{context}: deleted and made anew");
    store.close().unwrap();
}

fn contents(store: &Store, context: &str) -> Topics {
    let partitions = |topic: &Arc<ottla::Topic>| {
        assert_eq!(topic.overrides, settings(), "{context}: {}", topic.name);
        let numbers: Vec<i32> = topic.partitions.keys().copied().collect();
        assert_eq!(numbers, (0..numbers.len() as i32).collect::<Vec<_>>(), "{context}: {}", topic.name);
        topic.partitions.values().map(partition).collect()
    };
    store.topics().iter().map(|topic| (topic.name.to_string(), partitions(topic))).collect()
}

fn partition(log: &ottla::Log) -> Partition {
    assert_eq!(log.log_start_offset(), Offset::ZERO);
    let found = values_between(log, Offset::ZERO, log.log_end_offset(), Isolation::ReadUncommitted);
    Partition { values: found.into_iter().map(|(_, value)| value).collect(), durable: 0 }
}

fn may_be_left(expected: &Topics, found: &Topics) -> bool {
    let same = expected.keys().eq(found.keys());
    let fits = |expected: &Partition, found: &Partition| {
        found.values.len() >= expected.durable && expected.values.starts_with(&found.values)
    };
    same && expected.values().zip(found.values()).all(|(expected, found)| {
        expected.len() == found.len() && expected.iter().zip(found).all(|(e, f)| fits(e, f))
    })
}

#[test]
fn topics_come_whole() {
    let states = at_every_change(|driver| {
        driver.open()?;
        driver.create("letters", 3)?;
        driver.append("letters", 2)?;
        driver.sync("letters", 2)?;
        driver.create("diaries", 1)?;
        driver.close()
    });
    assert!(states > 500, "{states}");
}

#[test]
fn topics_go_whole() {
    at_every_change(|driver| {
        driver.open()?;
        driver.create("letters", 3)?;
        for partition in 0..3 {
            driver.append("letters", partition)?;
            driver.sync("letters", partition)?;
        }
        driver.delete("letters")?;
        driver.housekeep()
    });
}

/// The list had let go of the topic, and no directory was renamed yet: it came back without its settings and
/// without the partition that never held a record.
#[test]
fn a_topic_with_an_empty_partition_goes_whole() {
    at_every_change(|driver| {
        driver.open()?;
        driver.create("letters", 3)?;
        for partition in [0, 2] {
            driver.append("letters", partition)?;
            driver.sync("letters", partition)?;
        }
        driver.delete("letters")
    });
}

#[test]
fn a_topic_made_anew_has_nothing_of_the_old_one() {
    at_every_change(|driver| {
        driver.open()?;
        driver.create("letters", 1)?;
        for _ in 0..12 {
            driver.append("letters", 0)?;
        }
        driver.housekeep()?;
        driver.sync("letters", 0)?;
        driver.delete("letters")?;
        driver.create("letters", 2)?;
        driver.append("letters", 0)?;
        driver.sync("letters", 0)?;
        driver.housekeep()
    });
}

#[test]
fn partitions_are_added_whole() {
    at_every_change(|driver| {
        driver.open()?;
        driver.create("letters", 1)?;
        driver.append("letters", 0)?;
        driver.add_partitions("letters", 4)?;
        driver.append("letters", 3)?;
        driver.sync("letters", 3)?;
        driver.close()?;
        driver.open()?;
        driver.add_partitions("letters", 5)
    });
}

#[test]
fn producer_ids_are_never_given_twice() {
    at_every_change(|driver| {
        for _ in 0..2 {
            driver.open()?;
            driver.producer_id()?;
            driver.producer_id()?;
            driver.close()?;
        }
        driver.open()?;
        driver.producer_id()
    });
}

#[test]
fn keeping_house() {
    at_every_change(|driver| {
        driver.open()?;
        driver.create("letters", 2)?;
        for number in 0..16 {
            driver.append("letters", number % 2)?;
            if number % 5 == 0 {
                driver.housekeep()?;
            }
        }
        driver.store.as_ref().unwrap().log("letters", 0).unwrap().flush().map_err(|_| Stopped)?;
        driver.housekeep()?;
        driver.close()
    });
}

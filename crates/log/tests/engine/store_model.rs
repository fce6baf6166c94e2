//! Any sequence of making, deleting, appending, keeping house, closing and crashing, beside a model of what must
//! be there.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use ottla::dir::TopicId;
use ottla::{Error, Isolation, Log, LogConfig, Offset, Store, StoreConfig};
use ottla_record::BatchBuilder;
use ottla_testkit::{Crash, SimClock, SimFs};
use proptest::prelude::*;

use crate::support::{DATA, NOW_MS, batch, environment_at, setting, small, values_between};

const NAMES: [&str; 4] = ["letters", "diaries", "parcels.of.paper", "short"];

#[derive(Clone, Debug)]
enum Op {
    Create { name: usize, partitions: i32 },
    AddPartitions { name: usize, total: i32 },
    Delete { name: usize },
    Append { name: usize, partition: i32, records: usize },
    Sync { name: usize, partition: i32 },
    DeleteRecords { name: usize, partition: i32, share: u8 },
    Housekeep { seconds: u64 },
    ProducerId,
    Close,
    Kill,
    Crash(Crash),
}

fn op() -> impl Strategy<Value = Op> {
    let name = || 0..NAMES.len();
    let crash = prop_oneof![Just(Crash::LoseAll), Just(Crash::KeepAll), any::<u64>().prop_map(Crash::Random)];
    prop_oneof![
        4 => (name(), 1..4).prop_map(|(name, partitions)| Op::Create { name, partitions }),
        2 => (name(), 1..5).prop_map(|(name, total)| Op::AddPartitions { name, total }),
        2 => name().prop_map(|name| Op::Delete { name }),
        12 => (name(), 0..3, 1..9_usize)
            .prop_map(|(name, partition, records)| Op::Append { name, partition, records }),
        3 => (name(), 0..3).prop_map(|(name, partition)| Op::Sync { name, partition }),
        2 => (name(), 0..3, any::<u8>())
            .prop_map(|(name, partition, share)| Op::DeleteRecords { name, partition, share }),
        3 => (0..90_u64).prop_map(|seconds| Op::Housekeep { seconds }),
        1 => Just(Op::ProducerId),
        2 => Just(Op::Close),
        2 => Just(Op::Kill),
        3 => crash.prop_map(Op::Crash),
    ]
}

#[derive(Clone, Debug)]
struct Topic {
    id: TopicId,
    overrides: BTreeMap<String, String>,
    partitions: Vec<Partition>,
}

/// Every value since the log began; those below the start are deleted.
#[derive(Clone, Debug, Default)]
struct Partition {
    values: Vec<String>,
    start: usize,
    durable: usize,
}

struct World {
    fs: SimFs,
    clock: Arc<SimClock>,
    store: Option<Store>,
    topics: BTreeMap<&'static str, Topic>,
    producer_id: i64,
    next_value: usize,
}

impl World {
    fn new() -> World {
        let mut world = World {
            fs: SimFs::new(),
            clock: Arc::new(SimClock::at_ms(NOW_MS)),
            store: None,
            topics: BTreeMap::new(),
            producer_id: -1,
            next_value: 0,
        };
        world.open();
        world
    }

    fn open(&mut self) {
        self.store = None;
        let environment = environment_at(&self.fs, &self.clock);
        let defaults = LogConfig { file_delete_delay_ms: 30_000, ..small() };
        let config = StoreConfig { defaults, environment, ..StoreConfig::default() };
        self.store = Some(Store::open(DATA, config).unwrap().0);
    }

    fn store(&self) -> &Store {
        self.store.as_ref().unwrap()
    }

    fn apply(&mut self, op: &Op) {
        match *op {
            Op::Create { name, partitions } => self.create(NAMES[name], partitions),
            Op::AddPartitions { name, total } => self.add_partitions(NAMES[name], total),
            Op::Delete { name } => {
                let deleted = self.store().delete_topic(NAMES[name]);
                assert_eq!(deleted.is_ok(), self.topics.remove(NAMES[name]).is_some(), "{deleted:?}");
            }
            Op::Append { name, partition, records } => self.append(NAMES[name], partition, records),
            Op::Sync { name, partition } => {
                self.with(NAMES[name], partition, |log, model| {
                    log.sync_to(log.log_end_offset()).unwrap();
                    model.durable = model.values.len();
                });
            }
            Op::DeleteRecords { name, partition, share } => {
                self.with(NAMES[name], partition, |log, model| {
                    let before = model.values.len() * usize::from(share) / 255;
                    log.delete_records(Offset::new(before as i64)).unwrap();
                    model.start = model.start.max(before);
                });
            }
            Op::Housekeep { seconds } => self.housekeep(seconds),
            Op::ProducerId => {
                let id = self.store().allocate_producer_id().unwrap();
                assert!(id > self.producer_id, "{id} after {}", self.producer_id);
                self.producer_id = id;
            }
            Op::Close => {
                self.store().close().unwrap();
                self.everything_is_durable();
                self.open();
            }
            Op::Kill => self.open(),
            Op::Crash(ref crash) => self.crash(&mut crash.clone()),
        }
    }

    fn create(&mut self, name: &'static str, partitions: i32) {
        let mut overrides = BTreeMap::from([("max.message.bytes".to_owned(), "9000".to_owned())]);
        if name == "short" {
            overrides.insert("retention.bytes".to_owned(), "2000".to_owned());
        }
        let created = self.store().create_topic(name, partitions, &overrides);
        if self.topics.contains_key(name) {
            assert!(matches!(created, Err(Error::AlreadyExists { .. })), "{created:?}");
            return;
        }
        let id = created.unwrap().id;
        assert!(self.topics.values().all(|topic| topic.id != id));
        let partitions = vec![Partition::default(); partitions as usize];
        self.topics.insert(name, Topic { id, overrides, partitions });
    }

    fn add_partitions(&mut self, name: &str, total: i32) {
        let added = self.store().create_partitions(name, total);
        match self.topics.get_mut(name) {
            None => assert!(matches!(added, Err(Error::Unknown { .. })), "{added:?}"),
            Some(topic) if topic.partitions.len() >= total as usize => {
                assert!(matches!(added, Err(Error::InvalidConfig { .. })), "{added:?}");
            }
            Some(topic) => {
                added.unwrap();
                topic.partitions.resize(total as usize, Partition::default());
            }
        }
    }

    /// The log and its model, where there is one.
    fn with(&mut self, name: &str, partition: i32, act: impl FnOnce(&Log, &mut Partition)) {
        let log = self.store().log(name, partition);
        let topic = self.topics.get_mut(name);
        let model = topic.and_then(|topic| topic.partitions.get_mut(partition as usize));
        match (log, model) {
            (Some(log), Some(model)) => act(&log, model),
            (log, model) => {
                assert!(log.is_none() && model.is_none(), "{name}-{partition}: {log:?}, {model:?}")
            }
        }
    }

    fn append(&mut self, name: &str, partition: i32, records: usize) {
        let first = self.next_value;
        self.next_value += records;
        let values: Vec<String> = (first..self.next_value).map(|number| format!("{number:040}")).collect();
        self.with(name, partition, |log, model| {
            let bytes = batch(BatchBuilder::new(), &values, first as i64);
            let appended = log.append(&bytes).unwrap();
            assert_eq!(appended.base_offset.get() as usize, model.values.len());
            model.values.extend(values);
        });
    }

    fn housekeep(&mut self, seconds: u64) {
        self.clock.advance(Duration::from_secs(seconds));
        let report = self.store().housekeep().unwrap();
        assert!(report.failures.is_empty(), "{report:?}");
        let store = self.store.clone().unwrap();
        for (number, model) in
            self.topics.get_mut("short").into_iter().flat_map(|topic| topic.partitions.iter_mut().enumerate())
        {
            let log = store.log("short", number as i32).unwrap();
            let start = log.log_start_offset().get() as usize;
            assert!(start >= model.start);
            // Retention takes whole segments, the oldest first, while what is left is still large enough.
            assert!(start == model.start || log.size_bytes().unwrap() >= 2000, "{start}");
            model.start = start;
        }
    }

    fn everything_is_durable(&mut self) {
        for model in self.topics.values_mut().flat_map(|topic| &mut topic.partitions) {
            model.durable = model.values.len();
        }
    }

    /// The power goes. What was said to be on disk is there, and of the rest a first part.
    fn crash(&mut self, crash: &mut Crash) {
        self.store = None;
        self.fs = self.fs.crash(crash);
        self.open();
        let store = self.store.clone().unwrap();
        for (name, topic) in &mut self.topics {
            for (number, model) in topic.partitions.iter_mut().enumerate() {
                let log = store.log(name, number as i32).unwrap_or_else(|| panic!("{name}-{number} is gone"));
                let end = log.log_end_offset().get() as usize;
                let least = model.durable.max(model.start);
                assert!(
                    end >= least && end <= model.values.len(),
                    "{name}-{number} ends at {end}, not {least}"
                );
                model.values.truncate(end);
                // What was found was looked at and is on disk now.
                model.durable = end;
            }
        }
    }

    fn check(&self) {
        let store = self.store();
        let found: Vec<String> = store.topics().iter().map(|topic| topic.name.to_string()).collect();
        assert!(self.topics.keys().eq(found.iter()), "{found:?}");
        for (name, expected) in &self.topics {
            let topic = store.topic(name).unwrap();
            assert_eq!((topic.id, &topic.overrides), (expected.id, &expected.overrides), "{name}");
            assert_eq!(store.topic_by_id(expected.id).unwrap().name, topic.name);
            assert!(topic.partitions.keys().copied().eq(0..expected.partitions.len() as i32), "{name}");
            for (log, model) in topic.partitions.values().zip(&expected.partitions) {
                let (start, end) = (log.log_start_offset(), log.log_end_offset());
                assert_eq!(
                    (start.get() as usize, end.get() as usize),
                    (model.start, model.values.len()),
                    "{name}"
                );
                let found = values_between(log, start, end, Isolation::ReadUncommitted);
                let found = found.into_iter().map(|(offset, value)| (offset.get() as usize, value));
                let expected = model.values.iter().cloned().enumerate().skip(model.start);
                assert!(found.eq(expected), "{name}: {:?}", log.topic_partition());
                assert_eq!(log.config().max_message_bytes, 9000, "{name}");
            }
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig {
        cases: u32::try_from(setting("OTTLA_CASES", 300)).unwrap(),
        max_shrink_iters: 2_000,
        failure_persistence: None,
        ..ProptestConfig::default()
    })]

    #[test]
    fn a_store_is_what_the_model_says(ops in prop::collection::vec(op(), 1..50)) {
        let mut world = World::new();
        for op in &ops {
            world.apply(op);
            world.check();
        }
        world.apply(&Op::Close);
        world.check();
    }
}

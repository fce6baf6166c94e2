//! Any workload beside a model: the newest value of each key is there, and everything that is not compacted yet.

use std::collections::BTreeMap;

use ottla::{Cleaner, CleanerConfig, LogConfig, Offset};
use ottla_record::{BatchBuilder, Compression};
use proptest::prelude::*;

use crate::support::{Partition, check_files, config};

/// What happens to the log.
#[derive(Clone, Debug)]
enum Step {
    /// One batch of puts (`true`) and tombstones, compressed with this codec.
    Put(Vec<(u8, bool)>, usize),
    /// The same inside a transaction of this producer, which is committed or aborted.
    Transaction(Vec<(u8, bool)>, u8, bool),
    /// The same of a producer without transactions.
    Idempotent(Vec<(u8, bool)>, u8),
    Roll,
    Compact,
    /// With room for few keys.
    CompactLittle,
    Advance(u16),
    DeletePrefix(u8),
    Reopen,
    Kill,
}

fn keys() -> impl Strategy<Value = Vec<(u8, bool)>> {
    proptest::collection::vec((0..12_u8, proptest::bool::weighted(0.8)), 1..5)
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        6 => (keys(), 0..5_usize).prop_map(|(keys, codec)| Step::Put(keys, codec)),
        3 => (keys(), 0..3_u8, any::<bool>()).prop_map(|(keys, id, commit)| Step::Transaction(keys, id, commit)),
        2 => (keys(), 3..5_u8).prop_map(|(keys, id)| Step::Idempotent(keys, id)),
        2 => Just(Step::Roll),
        3 => Just(Step::Compact),
        1 => Just(Step::CompactLittle),
        1 => (0..2_000_u16).prop_map(Step::Advance),
        1 => (0..100_u8).prop_map(Step::DeletePrefix),
        1 => Just(Step::Reopen),
        1 => Just(Step::Kill),
    ]
}

type Model = BTreeMap<i64, (String, Option<String>)>;

struct Run {
    partition: Partition,
    /// Every record that a reader of committed records was ever to see, by offset.
    model: Model,
    sequences: BTreeMap<u8, i32>,
    next_value: u32,
    /// Everything from here on was never compacted.
    first_dirty: i64,
}

impl Run {
    fn new() -> Run {
        Run {
            partition: Partition::with(LogConfig { segment_bytes: 700, ..config() }),
            model: Model::new(),
            sequences: BTreeMap::new(),
            next_value: 0,
            first_dirty: 0,
        }
    }

    fn append(&mut self, builder: BatchBuilder, keys: &[(u8, bool)], visible: bool) {
        let mut builder = builder;
        let mut records = Vec::new();
        for (key, is_put) in keys {
            self.next_value += 1;
            let (key, value) = (format!("key {key}"), is_put.then(|| format!("value {}", self.next_value)));
            builder
                .push(
                    self.partition.now_ms(),
                    Some(key.as_bytes()),
                    value.as_ref().map(|value| value.as_bytes()),
                    &[],
                )
                .unwrap();
            records.push((key, value));
        }
        let first = self.partition.append(&builder.build().unwrap()).base_offset.get();
        if visible {
            self.model.extend(records.into_iter().enumerate().map(|(n, record)| (first + n as i64, record)));
        }
    }

    fn producer(&mut self, id: u8, count: usize) -> BatchBuilder {
        let sequence = self.sequences.entry(id).or_insert(0);
        let builder = BatchBuilder::new().producer(i64::from(id), 0, *sequence);
        *sequence += count as i32;
        builder
    }

    fn step(&mut self, step: &Step) {
        match step {
            Step::Put(keys, codec) => {
                self.append(BatchBuilder::new().compression(Compression::ALL[*codec]), keys, true);
            }
            Step::Transaction(keys, id, commit) => {
                let builder = self.producer(*id, keys.len()).transactional(true);
                self.append(builder, keys, *commit);
                self.partition.end_transaction(i64::from(*id), *commit);
            }
            Step::Idempotent(keys, id) => {
                let builder = self.producer(*id, keys.len());
                self.append(builder, keys, true);
            }
            Step::Roll => drop(self.partition.roll()),
            Step::Compact => self.compact(1 << 16),
            Step::CompactLittle => self.compact(24 * 5),
            Step::Advance(ms) => self.partition.advance(u64::from(*ms)),
            Step::DeletePrefix(part) => {
                let end = self.partition.log.log_end_offset().get();
                let start = self.partition.log.log_start_offset().get();
                let to = start + (end - start) * i64::from(*part) / 400;
                self.partition.log.delete_records(Offset::new(to)).unwrap();
                self.model.retain(|offset, _| *offset >= to);
            }
            Step::Reopen => self.partition.reopen(),
            Step::Kill => self.partition.kill(),
        }
    }

    fn compact(&mut self, dedupe_buffer_bytes: usize) {
        let small = CleanerConfig { dedupe_buffer_bytes, io_buffer_bytes: 4096, ..CleanerConfig::default() };
        if let Some(done) = self.partition.log.compact(&mut Cleaner::new(small)).unwrap() {
            assert!(done.first_dirty_offset > done.first_dirty_offset_before);
            self.first_dirty = self.first_dirty.max(done.first_dirty_offset.get());
        }
        self.partition.log.remove_deleted_files().unwrap();
        check_files(&self.partition.fs, &self.partition.log);
    }

    fn check(&self) {
        let found: Model = self
            .partition
            .committed()
            .into_iter()
            .map(|(offset, key, value)| (offset, (key, value)))
            .collect();
        let mut newest = BTreeMap::new();
        for (offset, (key, _)) in &self.model {
            newest.insert(key.clone(), *offset);
        }
        for (offset, record) in &found {
            assert_eq!(self.model.get(offset), Some(record), "at {offset} stands what was never there");
        }
        for (offset, (key, value)) in &self.model {
            let must_be_there = *offset >= self.first_dirty || (newest[key] == *offset && value.is_some());
            assert!(!must_be_there || found.contains_key(offset), "{key} = {value:?} at {offset} is lost");
            // A tombstone may go, but nothing that it deletes may come back.
            if newest[key] == *offset && value.is_none() && !found.contains_key(offset) {
                let back = found.iter().find(|(_, (found, _))| found == key);
                assert!(back.is_none(), "{key} was deleted at {offset}, and {back:?} is back");
            }
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 150, ..ProptestConfig::default() })]

    #[test]
    fn the_newest_value_of_each_key_survives_any_workload(steps in proptest::collection::vec(step(), 1..60)) {
        let mut run = Run::new();
        for step in &steps {
            run.step(step);
        }
        run.check();
        run.partition.roll();
        while run.partition.compact().is_some() {}
        run.first_dirty = run.partition.log.log_end_offset().get() - 1;
        run.check();
        run.partition.kill();
        run.check();
        // Every producer goes on where it was.
        for id in 0..5_u8 {
            if run.sequences.contains_key(&id) {
                run.step(&if id < 3 { Step::Transaction(vec![(0, true)], id, true) } else { Step::Idempotent(vec![(0, true)], id) });
            }
        }
        run.check();
    }
}

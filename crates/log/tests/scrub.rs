//! A scrub reads every byte of every log, finds what is damaged, and takes nothing else for damage.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "tests")]

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;

use ottla::{Environment, Log, LogConfig, Offset, Scrubbed, Scrubber, Store, StoreConfig};
use ottla_record::BatchBuilder;
use ottla_testkit::{SimClock, SimFs};

const BATCHES: i64 = 40;

fn batch(value: &[u8]) -> Vec<u8> {
    let mut builder = BatchBuilder::new();
    builder.push(1_000, Some(b"key"), Some(value), &[]).unwrap();
    builder.build().unwrap()
}

/// Two topics of two partitions, several segments each.
fn store(fs: &SimFs) -> Store {
    let config = StoreConfig {
        defaults: LogConfig { segment_bytes: 1000, ..LogConfig::default() },
        environment: Environment { fs: Arc::new(fs.clone()), clock: Arc::new(SimClock::at_ms(1_000)) },
        ..StoreConfig::default()
    };
    let (store, _) = Store::open("/data", config).unwrap();
    for topic in ["letters", "diaries"] {
        let topic = store.create_topic(topic, 2, &BTreeMap::new()).unwrap();
        for number in 0..2 {
            fill(topic.log(number).unwrap());
        }
    }
    store
}

fn fill(log: &Log) {
    for n in 0..BATCHES {
        log.append(&batch(n.to_string().as_bytes())).unwrap();
    }
}

fn size(store: &Store) -> u64 {
    let topics = store.topics();
    let logs = topics.iter().flat_map(|topic| (0..2).filter_map(|number| topic.log(number).cloned()));
    logs.map(|log| log.size_bytes().unwrap()).sum()
}

/// Steps until every log has been read once.
fn round(store: &Store, scrubber: &mut Scrubber, max_bytes: u64) -> Scrubbed {
    let mut whole = Scrubbed::default();
    while !whole.round_ended {
        let step = store.scrub(scrubber, max_bytes).unwrap();
        assert!(step.bytes < max_bytes + 1000, "{} bytes at once", step.bytes);
        whole.bytes += step.bytes;
        whole.damaged.extend(step.damaged);
        whole.failures.extend(step.failures);
        whole.round_ended = step.round_ended;
    }
    whole
}

fn flip(fs: &SimFs, path: &Path, position: u64) {
    let file = ottla::fs::FileSystem::open(fs, path, ottla::fs::OpenMode::ReadWrite).unwrap();
    let mut byte = [0];
    file.read_exact_at(&mut byte, position).unwrap();
    file.write_all_at(&[byte[0] ^ 4], position).unwrap();
}

#[test]
fn every_byte_of_every_log_is_read_once_a_round() {
    let fs = SimFs::new();
    let store = store(&fs);
    for step in [1, 100, 1_000_000] {
        let mut scrubber = Scrubber::default();
        for _ in 0..2 {
            let whole = round(&store, &mut scrubber, step);
            assert_eq!((whole.bytes, whole.damaged.len()), (size(&store), 0));
        }
    }
}

#[test]
fn a_flipped_bit_is_found_wherever_it_is_and_the_rest_is_read_too() {
    let fs = SimFs::new();
    let store = store(&fs);
    let log = store.log("letters", 1).unwrap();
    let bases = log.segment_base_offsets();
    for (base_offset, position) in [(bases[0], 70), (bases[1], 3), (*bases.last().unwrap(), 10)] {
        let path = log.path().join(format!("{:020}.log", base_offset.get()));
        flip(&fs, &path, position);
        let whole = round(&store, &mut Scrubber::default(), 300);
        assert_eq!(whole.bytes, size(&store));
        let [(partition, damage)] = &whole.damaged[..] else { panic!("{:?}", whole.damaged) };
        assert_eq!((partition, &damage.path), (log.topic_partition(), &path));
        assert!(damage.position <= position && position < damage.position + damage.bytes, "{damage:?}");
        flip(&fs, &path, position);
    }
}

#[test]
fn what_goes_away_while_it_is_read_is_no_damage() {
    let changes: [fn(&Store); 4] = [
        |store| store.log("letters", 0).unwrap().truncate(Offset::new(3)).unwrap(),
        |store| {
            store.log("letters", 0).unwrap().delete_records(Offset::new(30)).unwrap();
        },
        |store| store.delete_topic("letters").unwrap(),
        |store| {
            let log = store.log("letters", 0).unwrap();
            log.truncate(Offset::new(1)).unwrap();
            fill(&log);
        },
    ];
    for change in changes {
        for read_before in (0..9_000).step_by(450) {
            let fs = SimFs::new();
            let store = store(&fs);
            let mut scrubber = Scrubber::default();
            store.scrub(&mut scrubber, read_before).unwrap();
            change(&store);
            let whole = round(&store, &mut scrubber, 300);
            assert_eq!((whole.damaged.len(), whole.failures.len()), (0, 0), "{whole:?}");
        }
    }
}

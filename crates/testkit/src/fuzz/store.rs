use std::collections::BTreeMap;

use ottla::{Isolation, Store, StoreConfig};

use super::data_dir::{DATA_DIR, as_it_is_and_sealed, machine};
use super::recovery::{is_sound, one_record, read_all};
use crate::{Crash, Image, SimFs};

/// A data directory of any files with everything that is in it: ids, metadata of topics, partitions. It opens, or
/// says why not. If it opens, each of its logs can be read; a topic can be made; it closes and opens again, after a
/// clean stop and after a crash, with the same topics.
pub fn store(data: &[u8]) {
    as_it_is_and_sealed(data, open_and_use);
}

fn open_and_use(image: &Image) {
    let fs = SimFs::from_image(image);
    let Ok(store) = open(&fs) else { return };
    let mut sound = true;
    for topic in store.topics() {
        for log in topic.partitions.values() {
            sound &= is_sound(&fs, log);
            read_all(log, Isolation::ReadCommitted);
            if log.append(&one_record()).is_ok() {
                log.sync_to(log.log_end_offset()).expect("a sound disk");
            }
        }
    }
    let made = store.create_topic("made", 1, &BTreeMap::new());
    let _ = store.housekeep().expect("a sound disk");
    let topics = names_and_ids(&store);
    assert!(topics.iter().any(|(name, _)| name == "made"), "{made:?}");

    let crashed = open(&fs.crash(&mut Crash::LoseAll));
    store.close().expect("a sound disk");
    for again in [crashed, open(&fs)] {
        // What is damaged may be told only now.
        match again {
            Ok(again) => assert_eq!(names_and_ids(&again), topics),
            Err(error) => assert!(!sound, "{error}"),
        }
    }
}

fn open(fs: &SimFs) -> ottla::Result<Store> {
    let (defaults, environment) = machine(fs);
    Store::open(DATA_DIR, StoreConfig { defaults, environment, ..StoreConfig::default() })
        .map(|(store, _)| store)
}

fn names_and_ids(store: &Store) -> Vec<(String, ottla::dir::TopicId)> {
    store.topics().iter().map(|topic| (topic.name.to_string(), topic.id)).collect()
}

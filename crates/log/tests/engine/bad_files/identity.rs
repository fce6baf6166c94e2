//! The files that say whose a directory is: of the data directory, of a partition, and of all topics.

use std::collections::BTreeMap;
use std::path::Path;

use ottla::dir::{MetaProperties, TopicId};
use ottla::{Corruption, Error, Offset, Result, Store, StoreConfig};
use ottla_record::BatchBuilder;
use ottla_testkit::{Image, SimFs};

use crate::support::{DATA, batch, environment, small};

fn open(fs: &SimFs) -> Result<Store> {
    let config = StoreConfig { defaults: small(), environment: environment(fs), ..StoreConfig::default() };
    Store::open(DATA, config).map(|(store, _)| store)
}

/// Two topics, of which `letters` has two partitions with two records each; closed, and killed.
fn stores() -> [Image; 2] {
    [true, false].map(|closed| {
        let fs = SimFs::new();
        let store = open(&fs).unwrap();
        store.create_topic("diaries", 1, &BTreeMap::new()).unwrap();
        for log in store.create_topic("letters", 2, &BTreeMap::new()).unwrap().partitions.values() {
            log.append(&batch(BatchBuilder::new(), &["1", "2"], 0)).unwrap();
        }
        if closed {
            store.close().unwrap();
        }
        fs.image()
    })
}

fn with(image: &Image, path: &str, bytes: impl Into<Vec<u8>>) -> SimFs {
    let mut image = image.clone();
    image.put(path, bytes);
    SimFs::from_image(&image)
}

fn without(image: &Image, path: &str) -> SimFs {
    let mut image = image.clone();
    assert!(image.remove(path), "there is no {path}");
    SimFs::from_image(&image)
}

fn letters(fs: &SimFs, context: &str) -> (TopicId, Store) {
    let store = open(fs).unwrap_or_else(|e| panic!("{context}: {e}"));
    let topic = store.topic("letters").unwrap_or_else(|| panic!("{context}: the topic is gone"));
    let ends: Vec<Offset> = topic.partitions.values().map(|log| log.log_end_offset()).collect();
    assert_eq!(ends, [Offset::new(2); 2], "{context}");
    (topic.id, store)
}

/// Opening refuses, names the file, and says what to do; records and the file itself stay.
fn refused(fs: &SimFs, path: &str, context: &str) -> Corruption {
    let before = fs.image();
    let told = match open(fs) {
        Err(Error::Corrupt(told)) => *told,
        other => panic!("{context}: {other:?}"),
    };
    assert_eq!(told.path, Path::new(path), "{context}: {told}");
    assert!(!told.advice.is_empty(), "{context}: {told}");
    assert_eq!(fs.image().read(path), before.read(path), "{context}");
    assert!(open(fs).is_err(), "{context}: refused once, taken the second time");
    told
}

#[test]
fn a_broken_identity_is_refused_by_name() {
    let path = format!("{DATA}/meta.properties");
    for image in stores() {
        let good = String::from_utf8(image.read(&path).unwrap().to_vec()).unwrap();
        let without_line = |key: &str| {
            good.lines()
                .filter(|line| !line.starts_with(key))
                .map(|line| format!("{line}\n"))
                .collect::<String>()
        };
        for (what, text) in [
            ("version 7", good.replace("version=1", "version=7")),
            ("no cluster", without_line("cluster.id")),
            ("no node", without_line("node.id")),
            ("a node that is no number", good.replace("node.id=1", "node.id=one")),
            ("a directory that is no id", format!("{}directory.id=x\n", without_line("directory.id"))),
            ("an escape that is none", format!("{good}note=\\u00zz\n")),
        ] {
            assert_ne!(text, good, "{what}");
            refused(&with(&image, &path, text), &path, what);
        }
        refused(&with(&image, &path, [0xff; 40]), &path, "not UTF-8");
        letters(&SimFs::from_image(&image), "untouched");
    }
}

/// The file that says whose the directory is may be lost. Kafka does not start then. Here a new cluster id was made
/// without a word, and the node and directory were new ones too, to which the list of topics gives no partition.
#[test]
fn a_missing_identity_is_told_once_and_keeps_node_and_directory() {
    let path = format!("{DATA}/meta.properties");
    let read = |fs: &SimFs| MetaProperties::read(fs, Path::new(DATA)).unwrap().unwrap();
    for image in stores() {
        let before = read(&SimFs::from_image(&image));
        let fs = without(&image, &path);
        // The settings do not count where the list tells.
        let config = StoreConfig {
            defaults: small(),
            environment: environment(&fs),
            node_id: 77,
            ..StoreConfig::default()
        };
        let (store, report) = Store::open(DATA, config).unwrap();
        assert!(report.identity_was_missing, "{report:?}");
        let after = read(&fs);
        assert_eq!((after.node_id(), after.directory_id()), (before.node_id(), before.directory_id()));
        assert_ne!(after.cluster_id(), before.cluster_id());
        assert_eq!(Some(store.cluster_id()), after.cluster_id());
        drop(store);
        let (_, store) = letters(&fs, "the second time");
        assert_eq!(Some(store.cluster_id()), after.cluster_id());
        drop(store);
        let config =
            StoreConfig { defaults: small(), environment: environment(&fs), ..StoreConfig::default() };
        assert!(!Store::open(DATA, config).unwrap().1.identity_was_missing);
    }
}

#[test]
fn a_new_directory_misses_no_identity_and_one_with_partitions_alone_does() {
    let fs = SimFs::new();
    let config = || StoreConfig { environment: environment(&fs), ..StoreConfig::default() };
    let (store, report) = Store::open(DATA, config()).unwrap();
    assert!(!report.identity_was_missing);
    store.create_topic("letters", 1, &BTreeMap::new()).unwrap();
    drop(store);
    for name in ["meta.properties", "bootstrap.checkpoint"] {
        ottla::fs::FileSystem::remove_file(&fs, &Path::new(DATA).join(name)).unwrap();
    }
    assert!(Store::open(DATA, config()).unwrap().1.identity_was_missing);
}

#[test]
fn a_directory_of_another_cluster_keeps_its_identity_and_its_topics() {
    let path = format!("{DATA}/meta.properties");
    for image in stores() {
        let text = "version=1\nnode.id=1\ncluster.id=another\ndirectory.id=AAAAAAAAAAAAAAAAAAAABA\n";
        let fs = with(&image, &path, text);
        let (id, store) = letters(&fs, "another cluster");
        assert_eq!(store.cluster_id(), "another");
        drop(store);
        assert_eq!(letters(&fs, "the second time").0, id);
        assert_eq!(fs.image().read(&path), Some(text.as_bytes()));
    }
}

#[test]
fn a_partition_that_does_not_say_its_topic_is_told_it() {
    for image in stores() {
        let id = letters(&SimFs::from_image(&image), "untouched").0;
        let path = format!("{DATA}/letters-1/partition.metadata");
        let fs = without(&image, &path);
        assert_eq!(letters(&fs, "partition.metadata is missing").0, id);
        assert_eq!(fs.image().read(&path), image.read(&path));
    }
}

#[test]
fn a_partition_of_another_topic_of_the_same_name_is_refused() {
    let path = format!("{DATA}/letters-1/partition.metadata");
    for image in stores() {
        let other = "version: 0\ntopic_id: AAAAAAAAAAAAAAAAAAAABA";
        let told = refused(&with(&image, &path, other), &path, "another topic's id");
        assert!(told.expected.contains("topic id") && told.advice.contains("move"), "{told}");
        for (what, text) in [
            ("empty", ""),
            ("garbage", "\u{1}\u{2}\u{3}"),
            ("another version", "version: 9\ntopic_id: AAAAAAAAAAAAAAAAAAAABA"),
            ("no id", "version: 0\n"),
            ("an id that is none", "version: 0\ntopic_id: ?"),
            ("no version", "topic_id: AAAAAAAAAAAAAAAAAAAABA\n"),
        ] {
            refused(&with(&image, &path, text), &path, what);
        }
    }
}

/// Without it the directories tell which topics there are; broken, nobody guesses.
#[test]
fn the_list_of_topics_is_made_anew_where_it_is_missing_and_refused_where_it_is_broken() {
    let path = format!("{DATA}/bootstrap.checkpoint");
    for image in stores() {
        let id = letters(&SimFs::from_image(&image), "untouched").0;
        assert_eq!(letters(&without(&image, &path), "no list").0, id);
        let good = image.read(&path).unwrap().to_vec();
        for cut in (1..good.len()).step_by(3) {
            refused(&with(&image, &path, &good[..cut]), &path, &format!("cut at {cut} of {}", good.len()));
        }
        let mut taken = 0;
        for at in 17..good.len() {
            let mut flipped = good.clone();
            flipped[at] ^= 0x08;
            match open(&with(&image, &path, flipped)) {
                Ok(_) => taken += 1,
                Err(e) => {
                    assert!(
                        matches!(&e, Error::Corrupt(told) if told.path == Path::new(&path)),
                        "byte {at}: {e}"
                    );
                }
            }
        }
        // Of each batch behind the first, offset and leader epoch lie outside the checksum.
        assert!(taken <= 12 * 3, "{taken} of {} changes were not noticed", good.len());
        refused(
            &with(&image, &path, "Dear Milena, this is no list of topics, though it is long enough for one."),
            &path,
            "text",
        );
    }
}

/// The directory of a partition that the list names may be gone.
#[test]
fn a_partition_whose_directory_is_gone_begins_anew_and_the_others_stay() {
    for image in stores() {
        let fs = without(&image, &format!("{DATA}/letters-0"));
        let store = open(&fs).unwrap();
        let topic = store.topic("letters").unwrap();
        let ends: Vec<i64> = topic.partitions.values().map(|log| log.log_end_offset().get()).collect();
        assert_eq!(ends[1], 2);
        drop((topic, store));
        let again = open(&fs).unwrap();
        let topic = again.topic("letters").unwrap();
        assert_eq!(topic.log(0).unwrap().log_end_offset().get(), ends[0], "the second open gives the same");
    }
}

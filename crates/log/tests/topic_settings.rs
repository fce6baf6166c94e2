//! Settings that change while logs are open: decided by one durable write, then followed.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing, reason = "tests")]

use std::collections::BTreeMap;
use std::sync::Arc;

use ottla::settings::Change;
use ottla::{CleanupPolicy, Environment, Error, Log, LogConfig, Store, StoreConfig};
use ottla_record::{BatchBuilder, Compression};
use ottla_testkit::{Crash, SimClock, SimFs};

const DATA: &str = "/data";

fn open(fs: &SimFs) -> Result<Store, Error> {
    let clock = Arc::new(SimClock::at_ms(1_700_000_000_000));
    let environment = Environment { fs: Arc::new(fs.clone()), clock };
    let config = StoreConfig { environment, ..StoreConfig::default() };
    Store::open(DATA, config).map(|(store, _)| store)
}

fn set(pairs: &[(&str, &str)]) -> BTreeMap<String, Change> {
    pairs.iter().map(|(name, value)| ((*name).to_owned(), Change::Set((*value).to_owned()))).collect()
}

fn texts(pairs: &[(&str, &str)]) -> BTreeMap<String, String> {
    pairs.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect()
}

#[test]
fn logs_follow_a_change_and_so_do_those_that_are_opened_later() {
    let fs = SimFs::new();
    let store = open(&fs).unwrap();
    let created = store.create_topic("letters", 2, &texts(&[("flush.ms", "7")])).unwrap();
    let altered = store.alter_topic_config("letters", &set(&[("segment.bytes", "2000000")])).unwrap();
    assert_eq!(altered.overrides, texts(&[("flush.ms", "7"), ("segment.bytes", "2000000")]));
    let old_handle = created.log(1).unwrap();
    assert_eq!((old_handle.config().segment_bytes, old_handle.config().flush_ms), (2_000_000, Some(7)));

    store.replace_topic_config("letters", &texts(&[("retention.ms", "5")])).unwrap();
    assert_eq!((old_handle.config().segment_bytes, old_handle.config().retention_ms), (1 << 30, Some(5)));
    let grown = store.create_partitions("letters", 3).unwrap();
    assert_eq!(grown.log(2).unwrap().config().retention_ms, Some(5));
    drop((store, created, altered, grown));
    let store = open(&fs.crash(&mut Crash::LoseAll)).unwrap();
    assert_eq!(store.topic("letters").unwrap().overrides, texts(&[("retention.ms", "5")]));
    assert_eq!(store.log("letters", 2).unwrap().config().retention_ms, Some(5));
}

#[test]
fn what_is_refused_changes_nothing() {
    let store = open(&SimFs::new()).unwrap();
    store.create_topic("letters", 1, &BTreeMap::new()).unwrap();
    let refused = store.alter_topic_config("letters", &set(&[("flush.ms", "7"), ("segment.bytes", "14")]));
    assert!(matches!(refused, Err(Error::InvalidConfig { name, .. }) if name == "segment.bytes"));
    assert!(matches!(store.alter_topic_config("diaries", &set(&[])), Err(Error::Unknown { .. })));
    assert!(store.topic("letters").unwrap().overrides.is_empty());
    store.close().unwrap();
    assert!(matches!(
        store.alter_topic_config("letters", &set(&[("flush.ms", "7")])),
        Err(Error::Closed { .. })
    ));
}

/// The power goes at every change that altering makes: the settings are the old or the new, never some of
/// each, and once it was said that they are changed, they are.
#[test]
fn the_power_may_go_while_settings_change() {
    let old = texts(&[("flush.ms", "7"), ("segment.ms", "8")]);
    let new = texts(&[("flush.ms", "70"), ("segment.ms", "80")]);
    let mut seen = [false; 2];
    for changes in 0.. {
        let fs = SimFs::new();
        let store = open(&fs).unwrap();
        store.create_topic("letters", 1, &old).unwrap();
        fs.crash_after(changes);
        let said = store.alter_topic_config("letters", &set(&[("flush.ms", "70"), ("segment.ms", "80")]));
        if let Err(e) = &said {
            assert!(fs.crashed(), "{e}");
            assert_eq!(store.topic("letters").unwrap().overrides, old, "here nothing has changed");
            assert_eq!(store.log("letters", 0).unwrap().config().flush_ms, Some(7));
        }
        for crash in fs.crashes(6) {
            let found =
                open(&fs.crash(&mut crash.clone())).unwrap().topic("letters").unwrap().overrides.clone();
            assert!(found == new || (said.is_err() && found == old), "change {changes}: {found:?}");
            seen[usize::from(found == new)] = true;
        }
        if !fs.crashed() {
            assert_eq!(seen, [true; 2]);
            return;
        }
    }
}

#[test]
fn a_batch_with_a_record_without_a_key_does_not_go_into_a_compacted_log() {
    let both = CleanupPolicy { compact: true, delete: true };
    for codec in
        [Compression::None, Compression::Gzip, Compression::Snappy, Compression::Lz4, Compression::Zstd]
    {
        let batch = |key: Option<&[u8]>| {
            let mut builder = BatchBuilder::new().compression(codec);
            for key in [Some(&b"a"[..]), Some(b""), key] {
                builder.push(1, key, None, &[]).unwrap();
            }
            builder.build().unwrap()
        };
        let data = tempfile::tempdir().unwrap();
        let (log, _) = Log::open(data.path().join("letters-0")).unwrap();
        log.append(&batch(None)).unwrap();
        log.set_config(LogConfig { cleanup_policy: both, ..LogConfig::default() });
        let refused = log.append(&[batch(Some(b"k")), batch(None)].concat()).unwrap_err();
        assert!(matches!(refused, Error::MissingKey { batch: 1, record: 2 }), "{codec:?}: {refused}");
        assert_eq!(log.log_end_offset().get(), 3, "nothing of it was stored");
        log.append(&batch(Some(b"k"))).unwrap();
        log.close().unwrap();
    }
}

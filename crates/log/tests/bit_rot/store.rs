//! The small files of a whole data directory: whose it is, which topics it has, and where their logs stand.

use std::collections::BTreeMap;
use std::panic::{AssertUnwindSafe, catch_unwind};

use ottla::{Isolation, LogConfig, Store, StoreConfig};
use ottla_record::BatchBuilder;
use ottla_testkit::{Entry, Image, SimFs};

use crate::change::Change;
use crate::judge::{Verdict, names_a_file};
use crate::sweep::{Tally, step};
use crate::writer::{DATA, NOW_MS, environment, small};

/// Each small file is tried whole, whatever the step: they are few.
const STEP: usize = 7;

const TOPICS: [&str; 2] = ["letters", "diaries"];

/// The values of a topic, by its name.
type Values = BTreeMap<&'static str, Vec<Vec<u8>>>;

fn open(fs: &SimFs) -> ottla::Result<Store> {
    let defaults = LogConfig { ..small() };
    let config = StoreConfig { defaults, environment: environment(fs), ..StoreConfig::default() };
    Store::open(DATA, config).map(|(store, _)| store)
}

fn written() -> (Image, Values) {
    let fs = SimFs::new();
    let store = open(&fs).unwrap();
    let mut values = Values::new();
    for topic in TOPICS {
        let log = store.create_topic(topic, 1, &BTreeMap::new()).unwrap().log(0).unwrap().clone();
        for number in 0..6 {
            let value = format!("{topic} {number}").into_bytes();
            let mut builder = BatchBuilder::new();
            builder.push(NOW_MS + number, None, Some(&value), &[]).unwrap();
            log.append(&builder.build().unwrap()).unwrap();
            values.entry(topic).or_default().push(value);
        }
    }
    store.close().unwrap();
    (fs.image(), values)
}

fn read(store: &Store, topic: &str) -> Result<Vec<Vec<u8>>, String> {
    let log = store.log(topic, 0).ok_or_else(|| format!("{topic} is gone"))?;
    let (mut values, mut next) = (Vec::new(), log.log_start_offset());
    while next < log.log_end_offset() {
        let found = log.read_batches(next, 700, Isolation::ReadUncommitted).map_err(|e| e.to_string())?;
        if found.is_empty() {
            break;
        }
        let each = |record: &ottla_record::Record<'_>| {
            values.push(record.value.unwrap_or_default().to_vec());
            Ok(())
        };
        found.for_each_record(each).map_err(|e| e.to_string())?;
        next = found.next_offset();
    }
    Ok(values)
}

fn logs(image: &Image) -> Vec<Vec<u8>> {
    let is_log = |path: &std::path::Path| path.extension().is_some_and(|kind| kind == "log");
    let logs = image.entries().filter(|(path, _)| is_log(path));
    logs.filter_map(|(path, _)| image.read(path).map(<[u8]>::to_vec)).collect()
}

fn judge(image: &Image, values: &Values) -> Result<Verdict, String> {
    let fs = SimFs::from_image(image);
    fs.allow_calls(1_000_000);
    let opened = open(&fs);
    let before = logs(image);
    let found = logs(&fs.image());
    if before.iter().any(|log| !log.is_empty() && !found.contains(log)) {
        return Err(format!("records are gone; opened: {:?}", opened.err()));
    }
    match opened {
        Err(e) if names_a_file(&e) => Ok(Verdict::Refused),
        Err(e) => Err(format!("the error names no file: {e}")),
        Ok(store) => {
            for (topic, values) in values {
                let found = read(&store, topic)?;
                if found != *values {
                    return Err(format!("{topic} has {} of {} records", found.len(), values.len()));
                }
            }
            Ok(Verdict::Same)
        }
    }
}

#[test]
fn bits_of_the_small_files_of_a_store() {
    let (image, values) = written();
    let mut tally = Tally::default();
    let mut number = 0;
    for (path, entry) in image.entries() {
        let is_small = !matches!(path.extension(), Some(kind) if kind == "log" || kind == "index" || kind == "timeindex");
        let Some(bytes) = image.read(path).filter(|_| matches!(entry, Entry::File(_)) && is_small) else {
            continue;
        };
        for change in Change::all(bytes.len()) {
            number += 1;
            if number % step(STEP) != 0 || change.of(bytes) == bytes {
                continue;
            }
            let mut changed = image.clone();
            changed.put(path, change.of(bytes));
            let judged = catch_unwind(AssertUnwindSafe(|| judge(&changed, &values)));
            let what = format!("{}, {change}", path.display());
            tally.note(&what, judged.unwrap_or_else(|_| Err("it panics".to_owned())));
        }
    }
    tally.report("small files of a store");
}

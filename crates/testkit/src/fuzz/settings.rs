use std::collections::BTreeMap;
use std::sync::Arc;

use ottla::settings::{Change, apply, change, describe, from_broker, validate};
use ottla::{Environment, Isolation, Log, LogConfig, Offset};
use ottla_record::BatchBuilder;

use crate::{SimClock, SimFs};

/// Lines of `name=value`, as topic settings and as broker settings: they are refused, or a topic that has them shows
/// them, a second reading of what is shown says the same, and its log takes records and gives them back.
pub fn settings(data: &[u8]) {
    let text = String::from_utf8_lossy(data);
    let lines = text.lines().filter_map(|line| line.split_once('='));
    let overrides: BTreeMap<String, String> =
        lines.map(|(name, value)| (name.to_owned(), value.to_owned())).collect();
    let defaults = LogConfig::kafka();
    let config = apply(&defaults, &overrides);
    // This one is below what its public twin, under whose name it shows, may be.
    if !overrides.contains_key("internal.segment.bytes") {
        assert_eq!(apply(&defaults, &shown(&config)), config, "what is shown says what is in force");
    }
    if validate(&overrides).is_ok() {
        for setting in describe(&defaults, &overrides) {
            assert_eq!(setting.overridden, overrides.contains_key(setting.setting.name));
        }
        let set = overrides.iter().map(|(name, value)| (name.clone(), Change::Set(value.clone()))).collect();
        assert_eq!(change(&defaults, &BTreeMap::new(), &set).ok().as_ref(), Some(&overrides));
    }
    changes_agree(&defaults, &overrides);
    let mut broker = LogConfig::kafka();
    for (name, value) in &overrides {
        let _ = from_broker(&mut broker, name, value);
    }
    for config in [config, broker] {
        if config.max_message_bytes >= 1024 {
            use_it(&config);
        }
    }
}

/// Every setting that is in force, by its name.
fn shown(config: &LogConfig) -> BTreeMap<String, String> {
    let shown = describe(config, &BTreeMap::new()).into_iter();
    shown.map(|shown| (shown.setting.name.to_owned(), shown.value)).collect()
}

/// Each value taken for what a client wants done with a list.
fn changes_agree(defaults: &LogConfig, overrides: &BTreeMap<String, String>) {
    for (name, value) in overrides {
        for wanted in [Change::Append(value.clone()), Change::Subtract(value.clone()), Change::Delete] {
            let wanted = BTreeMap::from([(name.clone(), wanted)]);
            if let Ok(new) = change(defaults, overrides, &wanted) {
                let others = |of: &BTreeMap<String, String>| of.keys().filter(|key| *key != name).count();
                assert_eq!(others(&new), others(overrides), "only {name} may change");
            }
        }
    }
}

fn use_it(config: &LogConfig) {
    let clock = Arc::new(SimClock::at_ms(1_700_000_000_000));
    let environment = Environment { fs: Arc::new(SimFs::new()), clock };
    let open = || Log::open_with("/letters-0", config.clone(), environment.clone()).map(|(log, _)| log);
    let log = open().expect("a new log opens with any settings");
    let mut end = Offset::ZERO;
    for _ in 0..3 {
        let mut builder = BatchBuilder::new();
        builder.push(1_700_000_000_000, Some(b"ottla"), Some(b"a letter"), &[]).expect("one small record");
        // A topic may want times that lie elsewhere, or batches that are smaller.
        if log.append(&builder.build().expect("one small record")).is_ok() {
            end = end + 1;
        }
        assert_eq!(log.log_end_offset(), end);
    }
    let read = log.read_batches(Offset::ZERO, 4096, Isolation::ReadUncommitted);
    assert!(end == Offset::ZERO || read.is_ok_and(|read| read.next_offset() > Offset::ZERO));
    log.close().expect("a sound disk");
    assert_eq!(open().expect("it was closed").log_end_offset(), end);
}

//! A thread compacts while clients are served.

use std::time::Duration;

use ottla::{Isolation, LogConfig, Offset};
use ottla_protocol::ErrorCode;
use ottla_record::BatchBuilder;

use crate::support::{Broker, NOW_MS, broker_with, wait_until};

fn compacting(enabled: bool) -> Broker {
    let broker = broker_with(|config| {
        config.cleaner_enabled = enabled;
        config.cleaner_backoff = Duration::from_millis(1);
        config.log = LogConfig { segment_bytes: 500, ..LogConfig::kafka() };
    });
    broker.topic_with("letters", 1, &[("cleanup.policy", "compact"), ("min.cleanable.dirty.ratio", "0.01")]);
    broker
}

fn put(broker: &Broker, key: &str, value: &str) {
    let mut builder = BatchBuilder::new();
    builder.push(NOW_MS, Some(key.as_bytes()), Some(value.as_bytes()), &[]).unwrap();
    let produced = broker.connect().produce("letters", 0, 1, &builder.build().unwrap());
    assert_eq!(produced.error, ErrorCode::None);
}

fn records(broker: &Broker) -> usize {
    let log = broker.server.store().log("letters", 0).unwrap();
    let (mut count, mut next) = (0, Offset::ZERO);
    while next < log.log_end_offset() {
        let batches = log.read_batches(next, 1 << 20, Isolation::ReadUncommitted).unwrap();
        batches
            .for_each_record(|_| {
                count += 1;
                Ok(())
            })
            .unwrap();
        next = batches.next_offset();
    }
    count
}

#[test]
fn a_compacted_topic_is_compacted_while_it_is_served() {
    let broker = compacting(true);
    for round in 0..40 {
        put(&broker, ["felice", "milena"][round % 2], "Dear");
    }
    // What is in the active segment stays.
    wait_until(|| records(&broker) <= 12);
    let first = broker.connect().fetch("letters", 0, 0).records();
    assert!(!first.is_empty() && first[0].0 > 20, "{first:?}");
    assert!(broker.server.store().quarantined().is_empty());
    // A pass is counted at its end, and what it did is seen before.
    wait_until(|| broker.server.metrics().compaction.records_removed >= 28);
    let compaction = broker.server.metrics().compaction;
    assert!(compaction.passes > 0, "{compaction:?}");
    assert!(compaction.bytes_read > compaction.bytes_written, "{compaction:?}");
    assert_eq!((compaction.failures, compaction.last_error), (0, None));
    broker.server.shutdown().unwrap();
}

#[test]
fn nothing_is_compacted_where_the_cleaner_is_off() {
    let broker = compacting(false);
    for _ in 0..20 {
        put(&broker, "felice", "Dear");
    }
    assert_eq!(records(&broker), 20);
    broker.server.shutdown().unwrap();
}

#[test]
fn a_log_that_cannot_be_compacted_is_shown_with_its_reason() {
    let broker = compacting(true);
    let log = broker.server.store().log("letters", 0).unwrap();
    put(&broker, "felice", "Dear");
    let file =
        std::fs::OpenOptions::new().write(true).open(log.path().join("00000000000000000000.log")).unwrap();
    // The last byte of the only record.
    std::os::unix::fs::FileExt::write_all_at(&file, &[0xff], file.metadata().unwrap().len() - 1).unwrap();
    (0..20).for_each(|_| put(&broker, "milena", "Dear"));
    wait_until(|| !broker.server.metrics().compaction.set_aside.is_empty());
    wait_until(|| broker.server.metrics().compaction.failures > 0);
    let compaction = broker.server.metrics().compaction;
    let [set_aside] = &compaction.set_aside[..] else { panic!("{compaction:?}") };
    assert_eq!(set_aside.partition, "letters-0");
    assert!(set_aside.reason.contains("00000000000000000000.log"), "{set_aside:?}");
    assert_eq!((compaction.failures, set_aside.attempts), (1, 1));
    assert_eq!(compaction.last_error, Some(format!("letters-0: {}", set_aside.reason)));
    broker.server.shutdown().unwrap();
}

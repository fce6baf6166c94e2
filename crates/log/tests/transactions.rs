//! Producers that number their batches, and transactions: what is stored once, what careful readers see, and
//! that a restart of any kind changes nothing of it.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing, reason = "tests")]

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;

use ottla::{AppendOptions, Appended, Environment, Error, Isolation, Log, LogConfig, Offset, Origin, Result};
use ottla_record::{BatchBuilder, EndTransactionMarker};
use ottla_testkit::{Crash, Image, SimClock, SimFs};

const DIR: &str = "/data/letters-0";
const NOW_MS: i64 = 1_700_000_000_000;

fn open(fs: &SimFs) -> Log {
    let clock = Arc::new(SimClock::at_ms(NOW_MS));
    // Segments of a few batches, so that transactions span them.
    let config = LogConfig { segment_bytes: 1_000, index_interval_bytes: 200, ..LogConfig::default() };
    let environment = Environment { fs: Arc::new(fs.clone()), clock };
    Log::open_with(DIR, config, environment).unwrap().0
}

/// A producer as a client runs it.
#[derive(Clone, Debug)]
struct Producer {
    id: i64,
    epoch: i16,
    sequence: i32,
    transactional: bool,
}

impl Producer {
    fn idempotent(id: i64) -> Producer {
        Producer { id, epoch: 0, sequence: 0, transactional: false }
    }

    fn transactional(id: i64) -> Producer {
        Producer { transactional: true, ..Producer::idempotent(id) }
    }

    /// The next batch.
    fn batch(&mut self, values: &[&str]) -> Vec<u8> {
        let mut builder = BatchBuilder::new()
            .producer(self.id, self.epoch, self.sequence)
            .transactional(self.transactional);
        for value in values {
            builder.push(NOW_MS, None, Some(value.as_bytes()), &[]).unwrap();
        }
        self.sequence += values.len() as i32;
        builder.build().unwrap()
    }

    fn send(&mut self, log: &Log, values: &[&str]) -> Appended {
        let appended = log.append(&self.batch(values)).unwrap();
        assert!(!appended.duplicate);
        appended
    }

    fn marker(&self, commit: bool, coordinator_epoch: i32) -> Vec<u8> {
        let marker = EndTransactionMarker {
            producer_id: self.id,
            producer_epoch: self.epoch,
            coordinator_epoch,
            commit,
            timestamp_ms: NOW_MS,
        };
        marker.to_batch().unwrap()
    }

    fn end(&self, log: &Log, commit: bool) -> Appended {
        as_coordinator(log, &self.marker(commit, 0)).unwrap()
    }
}

fn as_coordinator(log: &Log, batch: &[u8]) -> Result<Appended> {
    log.append_with(batch, &AppendOptions { origin: Origin::Coordinator, leader_epoch: None })
}

fn values(log: &Log, max_bytes: usize, isolation: Isolation) -> Vec<String> {
    let mut found = Vec::new();
    let mut next = log.log_start_offset();
    loop {
        let batches = log.read_batches(next, max_bytes, isolation).unwrap();
        if batches.is_empty() {
            return found;
        }
        let mut take = |record: &ottla_record::Record<'_>| {
            found.push(String::from_utf8(record.value.unwrap().to_vec()).unwrap());
            Ok(())
        };
        batches.for_each_record(&mut take).unwrap();
        next = batches.next_offset();
    }
}

fn committed(log: &Log) -> Vec<String> {
    let found = values(log, 1 << 20, Isolation::ReadCommitted);
    for max_bytes in [1, 100, 400] {
        assert_eq!(values(log, max_bytes, Isolation::ReadCommitted), found, "budget {max_bytes}");
    }
    found
}

fn files(image: &Image, extension: &str) -> BTreeMap<PathBuf, Vec<u8>> {
    let with_extension = |path: &&std::path::Path| path.extension().is_some_and(|found| found == extension);
    let paths = image.entries().map(|(path, _)| path).filter(with_extension);
    paths.map(|path| (path.to_path_buf(), image.read(path).unwrap().to_vec())).collect()
}

fn without(image: &Image, extension: &str) -> Image {
    let mut image = image.clone();
    for path in files(&image, extension).into_keys() {
        assert!(image.remove(path));
    }
    image
}

/// Three producers whose transactions interleave over many segments; the last one stays open. Returns the values
/// that careful readers may see.
fn interleave(log: &Log) -> Vec<String> {
    let mut producers = [7, 8, 9].map(Producer::transactional);
    let mut plain = Producer::idempotent(1);
    let mut sent: Vec<(usize, String)> = Vec::new();
    let mut rounds = [0, 0, 0];
    let commits = |producer: usize, round: usize| !(producer + round).is_multiple_of(3);
    for step in 0..60 {
        let turn = [0, 1, 0, 2, 1, 2, 2][step % 7];
        let value = format!("{turn} {} {step:040}", rounds[turn]);
        producers[turn].send(log, &[&value]);
        let hidden = !commits(turn, rounds[turn]);
        sent.push((if hidden { usize::MAX } else { step }, value));
        if step % 5 == 4 {
            let value = format!("plain {step}");
            plain.send(log, &[&value]);
            sent.push((step, value));
        }
        if step % 3 == 2 {
            producers[turn].end(log, commits(turn, rounds[turn]));
            rounds[turn] += 1;
        }
    }
    for (turn, producer) in producers.iter().enumerate() {
        producer.end(log, commits(turn, rounds[turn]));
    }
    producers[0].send(log, &["still open"]);
    plain.send(log, &["behind what is open"]);
    sent.into_iter().filter(|(step, _)| *step != usize::MAX).map(|(_, value)| value).collect()
}

#[test]
fn the_last_stable_offset_stands_at_the_first_record_of_the_oldest_open_transaction() {
    let log = open(&SimFs::new());
    let (mut a, mut b, mut plain) =
        (Producer::transactional(1), Producer::transactional(2), Producer::idempotent(3));
    let stable = |expected: Offset| assert_eq!(log.last_stable_offset(), expected);

    plain.send(&log, &["p0", "p1"]);
    stable(Offset::new(2));
    let first = a.send(&log, &["a0", "a1"]).base_offset;
    plain.send(&log, &["p2"]);
    stable(first);
    let second = b.send(&log, &["b0"]).base_offset;
    a.send(&log, &["a2"]);
    stable(first);
    assert_eq!(committed(&log), ["p0", "p1"]);
    a.end(&log, true);
    stable(second);
    assert_eq!(committed(&log), ["p0", "p1", "a0", "a1", "p2"]);
    let end = b.end(&log, false).last_offset + 1;
    stable(end);
    assert_eq!(log.log_end_offset(), end);
    assert_eq!(committed(&log), ["p0", "p1", "a0", "a1", "p2", "a2"]);
    assert_eq!(values(&log, 1, Isolation::ReadUncommitted), ["p0", "p1", "a0", "a1", "p2", "b0", "a2"]);
}

#[test]
fn careful_readers_see_all_that_is_committed_and_nothing_else_over_many_segments() {
    let log = open(&SimFs::new());
    let visible = interleave(&log);
    assert!(log.segment_base_offsets().len() > 5);
    assert!(visible.len() > 20);
    assert_eq!(committed(&log), visible);
    assert_eq!(values(&log, 300, Isolation::ReadUncommitted).len(), 60 + 12 + 2);
}

#[test]
fn a_careful_read_from_the_midst_of_a_transaction_hides_it_too() {
    let log = open(&SimFs::new());
    interleave(&log);
    let all: Vec<String> = committed(&log);
    for from in 0..log.last_stable_offset().get() {
        let batches = log.read_batches(Offset::new(from), 200, Isolation::ReadCommitted).unwrap();
        let mut allow = |record: &ottla_record::Record<'_>| {
            let value = String::from_utf8(record.value.unwrap().to_vec()).unwrap();
            assert!(all.contains(&value), "{value} was read from {from}");
            Ok(())
        };
        batches.for_each_record(&mut allow).unwrap();
    }
}

#[test]
fn the_index_of_aborted_transactions_is_rebuilt_byte_for_byte() {
    let fs = SimFs::new();
    let log = open(&fs);
    let visible = interleave(&log);
    log.sync_to(log.log_end_offset()).unwrap();
    let written = files(&fs.image(), "txnindex");
    assert!(written.values().filter(|bytes| !bytes.is_empty()).count() > 3, "{:?}", written.keys());

    let crashed = [
        fs.crash(&mut Crash::LoseAll),
        fs.crash(&mut Crash::KeepAll),
        SimFs::from_image(&without(&fs.image(), "txnindex")),
    ];
    for fs in crashed.into_iter().chain((0..20).map(|seed| fs.crash(&mut Crash::Random(seed)))) {
        let log = open(&fs);
        assert_eq!(files(&fs.image(), "txnindex"), written);
        assert_eq!(committed(&log), visible);
    }
}

#[test]
fn the_last_five_batches_of_a_producer_are_known_when_they_come_again() {
    let log = open(&SimFs::new());
    let mut producer = Producer::idempotent(5);
    let sent: Vec<(Vec<u8>, Appended)> = (0..7)
        .map(|_| {
            let batch = producer.batch(&["x", "y"]);
            let appended = log.append(&batch).unwrap();
            (batch, appended)
        })
        .collect();
    let end = log.log_end_offset();
    for (batch, first) in &sent[2..] {
        let again = log.append(batch).unwrap();
        assert!(again.duplicate);
        assert_eq!((again.base_offset, again.last_offset), (first.base_offset, first.last_offset));
    }
    for (batch, _) in &sent[..2] {
        let refused = log.append(batch);
        assert!(matches!(refused, Err(Error::OutOfOrderSequence { expected: 14, .. })), "{refused:?}");
    }
    assert_eq!(log.log_end_offset(), end, "nothing of it was stored");
    assert_eq!(producer.send(&log, &["z"]).base_offset, end);
}

#[test]
fn a_gap_in_a_producers_sequence_is_refused() {
    let log = open(&SimFs::new());
    let mut producer = Producer::idempotent(5);
    producer.send(&log, &["a", "b"]);
    let mut ahead = Producer { sequence: 3, ..producer.clone() };
    match log.append(&ahead.batch(&["d"])) {
        Err(Error::OutOfOrderSequence { producer_id: 5, producer_epoch: 0, expected: 2, found: 3 }) => {}
        other => panic!("{other:?}"),
    }
    producer.send(&log, &["c"]);
    assert_eq!(values(&log, 1, Isolation::ReadUncommitted), ["a", "b", "c"]);
}

#[test]
fn a_newer_epoch_fences_the_older_one_off() {
    let log = open(&SimFs::new());
    let mut old = Producer::transactional(5);
    old.send(&log, &["a"]);
    let mut new = Producer { epoch: 1, sequence: 0, ..old.clone() };
    let mut skipping = Producer { sequence: 4, ..new.clone() };
    let refused = log.append(&skipping.batch(&["x"]));
    assert!(matches!(refused, Err(Error::OutOfOrderSequence { expected: 0, found: 4, .. })), "{refused:?}");

    as_coordinator(&log, &new.marker(false, 3)).unwrap();
    let fenced = |refused: Result<Appended>| {
        let is_fenced =
            matches!(refused, Err(Error::InvalidProducerEpoch { producer_id: 5, current: 1, found: 0 }));
        assert!(is_fenced, "{refused:?}");
    };
    fenced(log.append(&old.batch(&["b"])));
    fenced(as_coordinator(&log, &old.marker(true, 3)));
    new.send(&log, &["c"]);
    let replaced = as_coordinator(&log, &new.marker(true, 2));
    assert!(matches!(replaced, Err(Error::InvalidTxnState { producer_id: 5, .. })), "{replaced:?}");
    as_coordinator(&log, &new.marker(true, 3)).unwrap();
    assert_eq!(committed(&log), ["c"]);
}

#[test]
fn a_plain_batch_inside_an_open_transaction_is_refused() {
    let log = open(&SimFs::new());
    let mut producer = Producer::transactional(5);
    producer.send(&log, &["a"]);
    let mut plain = Producer { transactional: false, ..producer.clone() };
    let refused = log.append(&plain.batch(&["b"]));
    assert!(matches!(refused, Err(Error::InvalidTxnState { producer_id: 5, .. })), "{refused:?}");
    producer.end(&log, true);
    assert_eq!(committed(&log), ["a"]);
}

#[test]
fn only_a_coordinator_ends_transactions() {
    let log = open(&SimFs::new());
    let mut producer = Producer::transactional(5);
    producer.send(&log, &["a"]);
    assert!(matches!(log.append(&producer.marker(true, 0)), Err(Error::ControlBatchFromClient)));
    assert_eq!(log.last_stable_offset(), Offset::ZERO);
}

/// What a producer may rely on after a restart, with a transaction open since before.
fn assert_goes_on(fs: &SimFs, producer: &Producer, last: &[u8], appended: &Appended, visible: &[String]) {
    let log = open(fs);
    let mut producer = producer.clone();
    assert_eq!(log.last_stable_offset(), Offset::new(4), "the first record of the open transaction");
    assert_eq!(committed(&log), visible);

    let again = log.append(last).unwrap();
    assert!(again.duplicate);
    assert_eq!((again.base_offset, again.last_offset), (appended.base_offset, appended.last_offset));
    let mut ahead = Producer { sequence: producer.sequence + 1, ..producer.clone() };
    let refused = log.append(&ahead.batch(&["gap"]));
    assert!(matches!(refused, Err(Error::OutOfOrderSequence { .. })), "{refused:?}");
    let mut older = Producer { epoch: 0, ..producer.clone() };
    let refused = log.append(&older.batch(&["fenced"]));
    assert!(matches!(refused, Err(Error::InvalidProducerEpoch { .. })), "{refused:?}");

    producer.send(&log, &["after"]);
    let end = producer.end(&log, false).last_offset + 1;
    assert_eq!(log.last_stable_offset(), end);
    let mut visible = visible.to_vec();
    visible.push("plain".to_owned());
    assert_eq!(committed(&log), visible, "what came before the restart is aborted too");
}

#[test]
fn sequences_epochs_and_open_transactions_survive_a_clean_restart_and_a_crash() {
    let fs = SimFs::new();
    let log = open(&fs);
    let mut producer = Producer { epoch: 1, ..Producer::transactional(5) };
    producer.send(&log, &["kept", "too"]);
    producer.end(&log, true);
    Producer::idempotent(6).send(&log, &["between"]);
    let first = producer.send(&log, &["open"]);
    assert_eq!(first.base_offset, Offset::new(4));
    Producer::idempotent(7).send(&log, &["plain"]);
    let last = producer.batch(&["open still", "and more"]);
    let appended = log.append(&last).unwrap();
    let visible = ["kept", "too", "between"].map(str::to_owned);
    let check = |fs: &SimFs| assert_goes_on(fs, &producer, &last, &appended, &visible);

    check(&fs.crash(&mut Crash::KeepAll));
    log.sync_to(log.log_end_offset()).unwrap();
    check(&fs.crash(&mut Crash::LoseAll));
    log.flush().unwrap();
    check(&fs.crash(&mut Crash::LoseAll));
    check(&SimFs::from_image(&without(&fs.image(), "snapshot")));
    log.close().unwrap();
    let closed = fs.crash(&mut Crash::LoseAll).image();
    assert!(!files(&closed, "snapshot").is_empty(), "closing writes the producers' state");
    check(&SimFs::from_image(&closed));
    // A damaged snapshot is passed over, and the batches tell the same.
    let mut damaged = closed.clone();
    for (path, mut bytes) in files(&closed, "snapshot") {
        *bytes.last_mut().unwrap() ^= 1;
        damaged.put(path, bytes);
    }
    check(&SimFs::from_image(&damaged));
}

#[test]
fn a_cut_takes_the_snapshots_behind_it_and_leaves_those_before() {
    let fs = SimFs::new();
    let log = open(&fs);
    let mut producer = Producer::idempotent(7);
    while log.log_end_offset() < Offset::new(120) {
        producer.send(&log, &["some value that takes some room"; 3]);
    }
    let at_offsets = || -> Vec<(i64, Vec<u8>)> {
        let offset = |path: &PathBuf| path.file_stem().unwrap().to_str().unwrap().parse().unwrap();
        files(&fs.image(), "snapshot").into_iter().map(|(path, bytes)| (offset(&path), bytes)).collect()
    };
    let before = at_offsets();
    assert!(before.len() > 3, "{before:?}");
    log.truncate(Offset::new(50)).unwrap();
    let (end, after) = (log.log_end_offset().get(), at_offsets());
    let kept: Vec<_> = before.into_iter().filter(|(offset, _)| *offset <= end).collect();
    assert!(kept.len() > 1 && kept.iter().all(|snapshot| after.contains(snapshot)), "{kept:?} {after:?}");
    // One more, at the end: whoever deletes the segments before it keeps the producers by it.
    assert!(after.iter().all(|(offset, _)| *offset <= end) && after.iter().any(|(offset, _)| *offset == end));
}

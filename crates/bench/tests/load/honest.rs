//! Against a broker that does what it says: every batch is counted once, whatever the load is like.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use ottla_bench::load::{Acks, Outcome, Pace, Settings, Span, json_of, run};
use ottla_record::Compression;

use crate::setup::{broker, load, run_to_its_end};

/// So many batches were produced, and each of `readers` read all of them.
fn assert_whole(outcome: &Outcome, batches: u64, readers: u64) {
    assert_eq!((outcome.produced.batches, outcome.consumed.batches), (batches, batches * readers));
    assert_eq!(outcome.end_to_end.count(), batches * readers);
    assert_eq!(outcome.consumed.records, outcome.produced.records * readers);
    assert_eq!(outcome.produced.bytes, batches * outcome.batch_bytes as u64);
    let answered = if outcome.settings.acks == Acks::None { 0 } else { batches };
    assert_eq!(outcome.acknowledged.count(), answered);
}

#[test]
fn every_codec_comes_back_as_it_was_sent() {
    let broker = broker();
    for compression in Compression::ALL {
        let mut settings = load(&broker.address, compression.name(), 1, 20);
        settings.shape.compression = compression;
        let outcome = run_to_its_end(&settings).unwrap();
        assert_eq!(outcome.produced.batches, outcome.consumed.batches);
        assert!(outcome.produced.batches >= 20, "{compression}");
    }
    broker.server.shutdown().unwrap();
}

#[test]
fn whatever_is_waited_for_nothing_is_lost() {
    let broker = broker();
    for acks in [Acks::None, Acks::Leader, Acks::All] {
        for pace in [Pace::FlatOut, Pace::Rate(500.0)] {
            let topic = format!("acks-{}-{}", acks.name(), pace == Pace::FlatOut);
            let settings = Settings { acks, pace, ..load(&broker.address, &topic, 3, 60) };
            let settings = Settings { producers: 2, consumers: 2, ..settings };
            assert_whole(&run_to_its_end(&settings).unwrap(), 60, 1);
        }
    }
    broker.server.shutdown().unwrap();
}

#[test]
fn producers_share_a_partition_and_each_of_its_readers_gets_all() {
    let broker = broker();
    let settings = Settings { producers: 4, consumers: 3, ..load(&broker.address, "shared", 1, 200) };
    assert_whole(&run_to_its_end(&settings).unwrap(), 200, 3);
    broker.server.shutdown().unwrap();
}

#[test]
fn many_partitions_and_connections_are_gone_round_evenly() {
    let broker = broker();
    let settings = Settings { producers: 20, consumers: 7, ..load(&broker.address, "many", 200, 600) };
    let settings = Settings { pace: Pace::Rate(3_000.0), ..settings };
    let outcome = run_to_its_end(&settings).unwrap();
    assert_whole(&outcome, 600, 1);
    assert_eq!(outcome.partitions, 200);
    broker.server.shutdown().unwrap();
}

#[test]
fn with_one_request_in_flight_the_schedule_still_counts_from_when_a_batch_was_due() {
    let broker = broker();
    let settings = Settings { in_flight: Some(1), ..load(&broker.address, "one", 1, 50) };
    let outcome = run_to_its_end(&Settings { pace: Pace::Rate(1e6), ..settings }).unwrap();
    assert_whole(&outcome, 50, 1);
    // All 50 are due within 50 µs, and leave one after the other.
    assert!(outcome.late.quantile_ms(1.0) >= outcome.late.quantile_ms(0.0));
    assert!(outcome.acknowledged.quantile_ms(1.0) >= outcome.late.quantile_ms(1.0));
    broker.server.shutdown().unwrap();
}

#[test]
fn the_warm_up_is_sent_and_checked_and_not_counted() {
    let broker = broker();
    let settings = Settings { pace: Pace::Rate(1_000.0), ..load(&broker.address, "warm", 1, 50) };
    let settings = Settings { warm_up: Duration::from_millis(30), ..settings };
    let mut most = 0;
    let outcome =
        run(&settings, &Arc::default(), &mut |so_far| most = most.max(so_far.acknowledged)).unwrap();
    assert_eq!((outcome.produced.batches, outcome.end_to_end.count()), (50, 50));
    assert!(most <= 80);
    broker.server.shutdown().unwrap();
}

#[test]
fn what_is_there_is_read_without_producers_and_a_load_goes_on_behind_it() {
    let broker = broker();
    let mut settings = load(&broker.address, "kept", 2, 40);
    settings.topic.keep = true;
    run_to_its_end(&settings).unwrap();
    settings.topic.create = None;
    assert_whole(&run_to_its_end(&settings).unwrap(), 40, 1);
    let outcome = run_to_its_end(&Settings { producers: 0, ..settings }).unwrap();
    assert_eq!((outcome.produced.batches, outcome.consumed.batches), (0, 80));
    broker.server.shutdown().unwrap();
}

#[test]
fn a_topic_that_was_made_for_a_load_goes_with_it() {
    let broker = broker();
    let settings = load(&broker.address, "passing", 1, 1);
    run_to_its_end(&settings).unwrap();
    let mut again = settings.clone();
    again.topic.create = None;
    let error = run_to_its_end(&again).unwrap_err();
    assert!(
        error.to_string().contains("UNKNOWN_TOPIC_OR_PARTITION: there is no such topic; --create"),
        "{error}"
    );
    let kept =
        Settings { topic: ottla_bench::load::Topic { keep: true, ..settings.topic.clone() }, ..settings };
    run_to_its_end(&kept).unwrap();
    let error = run_to_its_end(&kept).unwrap_err();
    assert!(error.to_string().contains("TOPIC_ALREADY_EXISTS: leave out --create"), "{error}");
    assert!(!error.is_wrong_answer());
    broker.server.shutdown().unwrap();
}

#[test]
fn once_it_is_enough_what_was_sent_is_still_waited_for() {
    let broker = broker();
    let enough = Arc::new(AtomicBool::new(false));
    let settings = Settings { pace: Pace::Rate(2_000.0), ..load(&broker.address, "enough", 1, 1_000_000) };
    let outcome = run(&settings, &enough, &mut |so_far| {
        enough.store(so_far.acknowledged >= 20, Ordering::Relaxed);
    });
    let outcome = outcome.unwrap();
    assert!(outcome.ended_early && outcome.produced.batches >= 20);
    assert_whole(&outcome, outcome.produced.batches, 1);
    assert!(outcome.notes().iter().any(|note| note.contains("told to end early")));
    broker.server.shutdown().unwrap();
}

#[test]
fn the_figures_for_machines_hold_what_the_load_was_and_what_came_of_it() {
    let broker = broker();
    let pid = i32::try_from(std::process::id()).unwrap();
    let settings = Settings { pid: Some(pid), ..load(&broker.address, "json", 1, 30) };
    let json = json_of(&run_to_its_end(&settings).unwrap());
    assert_eq!(json["produced"]["batches"], 30);
    assert_eq!(json["settings"]["in_flight"], 5);
    assert!(json["latency"]["end_to_end"]["p99_9_ms"].as_f64().unwrap() > 0.0);
    assert!(json["latency"]["late"].is_null());
    assert!(json["server"]["resident_peak_bytes"].as_u64().unwrap() > 1_000_000);
    broker.server.shutdown().unwrap();
}

#[test]
fn what_makes_no_load_is_refused_with_what_to_do() {
    let broker = broker();
    let refused = |settings: Settings| run_to_its_end(&settings).unwrap_err().to_string();
    let plain = || load(&broker.address, "refused", 2, 1);
    let acks = refused(Settings { acks: Acks::None, producers: 3, ..plain() });
    assert!(acks.contains("at least 3 partitions, or at most 2 producers"), "{acks}");
    assert!(refused(Settings { producers: 0, consumers: 0, ..plain() }).contains("nothing to do"));
    assert!(refused(Settings { pace: Pace::Rate(0.0), ..plain() }).contains("above 0"));
    assert!(refused(Settings { pid: Some(i32::MAX), ..plain() }).contains("cannot look at process"));
    let mut tiny = plain();
    (tiny.shape.batch_bytes, tiny.span) = (100, Span::Bytes(1));
    assert!(refused(tiny).contains("no such batch"));
    // None of them has left its topic behind.
    run_to_its_end(&plain()).unwrap();
    broker.server.shutdown().unwrap();
}

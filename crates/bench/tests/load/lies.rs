//! Against a broker that breaks its word: the load fails, and says how.

use std::net::TcpListener;
use std::time::Duration;

use ottla_bench::client::ClientError;
use ottla_bench::load::{Acks, LoadError, Pace, Settings, Wrong};
use ottla_protocol::ErrorCode;

use crate::liar::{Lie, liar};
use crate::setup::{load, run_to_its_end};

/// Ten batches, at a rate and flat out; both must end alike.
fn errors(lie: Lie, consumers: usize) -> [LoadError; 2] {
    [Pace::FlatOut, Pace::Rate(1_000.0)].map(|pace| {
        let settings = Settings { consumers, pace, ..to(&liar(lie)) };
        run_to_its_end(&settings).map(|outcome| outcome.produced).unwrap_err()
    })
}

fn to(address: &str) -> Settings {
    let mut settings = load(address, "lies", 1, 10);
    settings.topic.create = None;
    settings
}

/// How the log is wrong.
fn wrongs(lie: Lie, consumers: usize) -> [Wrong; 2] {
    errors(lie, consumers).map(|error| {
        assert!(error.is_wrong_answer(), "{error}");
        let LoadError::Wrong { topic, partition: 0, wrong } = error else { panic!("{error}") };
        assert_eq!(topic, "lies");
        wrong
    })
}

#[test]
fn a_fake_broker_that_tells_the_truth_passes() {
    let outcome = run_to_its_end(&to(&liar(Lie::None))).unwrap();
    assert_eq!((outcome.produced.batches, outcome.consumed.batches), (10, 10));
}

#[test]
fn a_batch_that_was_acknowledged_and_lost_is_a_gap() {
    for wrong in wrongs(Lie::Loses, 1) {
        assert!(matches!(wrong, Wrong::Gap { expected, found } if found > expected), "{wrong}");
        assert!(wrong.to_string().contains("records are lost"), "{wrong}");
    }
}

#[test]
fn an_offset_that_was_given_twice_is_noticed_without_a_consumer() {
    for wrong in wrongs(Lie::GivesTwice, 0) {
        assert!(matches!(wrong, Wrong::GivenTwice { .. }), "{wrong}");
    }
}

#[test]
fn another_batch_in_its_place_is_noticed_by_its_time() {
    let settings = Settings { pace: Pace::Rate(100.0), ..to(&liar(Lie::Exchanges)) };
    let error = run_to_its_end(&settings).map(|outcome| outcome.produced).unwrap_err();
    assert!(matches!(&error, LoadError::Wrong { wrong: Wrong::Changed { .. }, .. }), "{error}");
}

#[test]
fn a_flipped_bit_is_noticed() {
    assert!(wrongs(Lie::Flips, 1).iter().all(|wrong| matches!(wrong, Wrong::Damaged { .. })));
}

#[test]
fn a_batch_that_comes_again_is_noticed() {
    assert!(wrongs(Lie::Repeats, 1).iter().all(|wrong| matches!(wrong, Wrong::Doubled { .. })));
}

#[test]
fn a_refusal_has_its_name() {
    for wrong in wrongs(Lie::Refuses, 0) {
        assert_eq!(wrong, Wrong::Refused { code: ErrorCode::NotLeaderOrFollower, message: None });
        assert!(wrong.to_string().contains("NOT_LEADER_OR_FOLLOWER"), "{wrong}");
    }
}

#[test]
fn a_broker_that_goes_away_is_named_and_what_to_do() {
    for error in errors(Lie::Closes, 0) {
        assert!(matches!(error, LoadError::Client(ClientError::Gone { .. })), "{error}");
        assert!(error.to_string().contains("its own log says why"), "{error}");
    }
    let settings = Settings { acks: Acks::None, consumers: 0, ..to(&liar(Lie::Closes)) };
    let error = run_to_its_end(&settings).map(|outcome| outcome.produced).unwrap_err();
    assert!(matches!(error, LoadError::Client(ClientError::Gone { .. })), "{error}");
}

#[test]
fn a_broker_that_says_nothing_is_not_waited_for_for_ever() {
    for pace in [Pace::FlatOut, Pace::Rate(1_000.0)] {
        let settings = Settings { pace, patience: Duration::from_millis(300), ..to(&liar(Lie::IsSilent)) };
        let settings = Settings { in_flight: Some(3), consumers: 0, ..settings };
        let error = run_to_its_end(&settings).map(|outcome| outcome.produced).unwrap_err();
        let is_silent =
            matches!(error, LoadError::Client(ClientError::Silent { .. } | ClientError::OutOfTurn { .. }));
        assert!(is_silent, "{error}");
    }
}

#[test]
fn a_version_that_is_not_spoken_says_which_are() {
    for error in errors(Lie::IsOld, 0) {
        let text = error.to_string();
        assert!(
            text.contains("speaks Produce in versions 0 to 2 only; this client speaks versions 3 to 12"),
            "{text}"
        );
    }
}

#[test]
fn where_no_broker_is_the_error_says_so() {
    let free = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().to_string();
    let error = run_to_its_end(&to(&free)).map(|outcome| outcome.produced).unwrap_err();
    assert!(error.to_string().contains("cannot reach a broker at 127.0.0.1:"), "{error}");
    let error = run_to_its_end(&to(&liar(Lie::IsSomethingElse))).map(|outcome| outcome.produced).unwrap_err();
    assert!(error.to_string().contains("does not speak Kafka's protocol"), "{error}");
}

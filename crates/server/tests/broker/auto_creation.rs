use std::thread;

use ottla_protocol::ErrorCode;
use ottla_protocol::api::metadata::{self, MetadataRequestTopic};
use ottla_protocol::wire::List;

use crate::support::{Broker, answer, batch, broker, broker_with};

fn ask(broker: &Broker, name: &str, allow_auto_topic_creation: bool) -> (ErrorCode, usize) {
    let topics = [MetadataRequestTopic { name: Some(name), ..Default::default() }];
    let topics = Some(List::from(&topics));
    let request = metadata::Request { topics, allow_auto_topic_creation, ..Default::default() };
    let frame = broker.connect().ask(12, &request);
    let response: metadata::Response<'_> = answer(&frame, 12);
    (response.topics[0].error_code, response.topics[0].partitions.len())
}

#[test]
fn a_topic_that_is_named_exists_at_once() {
    let broker = broker_with(|config| config.default_partitions = 3);
    assert_eq!(ask(&broker, "letters", true), (ErrorCode::None, 3));
    assert_eq!(broker.connect().produce("letters", 2, 1, &batch(&["a"])).error, ErrorCode::None);
}

#[test]
fn a_client_may_ask_without_creating() {
    let broker = broker();
    assert_eq!(ask(&broker, "letters", false), (ErrorCode::UnknownTopicOrPartition, 0));
    assert!(broker.server.store().topics().is_empty());
}

#[test]
fn creation_can_be_switched_off() {
    let broker = broker_with(|config| config.auto_create_topics = false);
    assert_eq!(ask(&broker, "letters", true), (ErrorCode::UnknownTopicOrPartition, 0));
    assert!(broker.server.store().topics().is_empty());
}

#[test]
fn a_bad_name_creates_nothing() {
    let broker = broker();
    for name in ["", ".", "..", "a/b", "../../etc/passwd", "a b", "ä", &"x".repeat(250)] {
        assert_eq!(ask(&broker, name, true), (ErrorCode::InvalidTopicException, 0), "{name:?}");
    }
    broker.topic("a.b", 1);
    assert_eq!(ask(&broker, "a_b", true), (ErrorCode::InvalidTopicException, 0));
}

#[test]
fn clients_that_name_a_topic_at_the_same_time_all_get_it() {
    let broker = broker();
    thread::scope(|scope| {
        let asking: Vec<_> = (0..8).map(|_| scope.spawn(|| ask(&broker, "letters", true))).collect();
        for asked in asking {
            assert_eq!(asked.join().unwrap(), (ErrorCode::None, 1));
        }
    });
    assert_eq!(broker.server.store().topics().len(), 1);
}

#[test]
fn a_topic_that_is_only_produced_to_does_not_come_to_exist() {
    let broker = broker();
    let produced = broker.connect().produce("letters", 0, 1, &batch(&["a"]));
    assert_eq!(produced.error, ErrorCode::UnknownTopicOrPartition);
}

#[test]
fn the_limit_of_partitions_holds() {
    let broker = broker_with(|config| config.limits.partitions = 2);
    assert_eq!(ask(&broker, "one", true).0, ErrorCode::None);
    assert_eq!(ask(&broker, "two", true).0, ErrorCode::None);
    assert_eq!(ask(&broker, "three", true).0, ErrorCode::PolicyViolation);
}

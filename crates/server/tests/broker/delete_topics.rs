use ottla_protocol::api::delete_topics::{self, DeleteTopicState};
use ottla_protocol::wire::List;
use ottla_protocol::{ErrorCode, Uuid};

use crate::support::{Client, answer, batch, broker};

fn delete(client: &mut Client, topics: &[DeleteTopicState<'_>]) -> Vec<ErrorCode> {
    let request = delete_topics::Request { topics: List::from(topics), ..Default::default() };
    let frame = client.ask(6, &request);
    answer::<delete_topics::Response<'_>>(&frame, 6).responses.iter().map(|topic| topic.error_code).collect()
}

fn named(name: &str) -> DeleteTopicState<'_> {
    DeleteTopicState { name: Some(name), ..Default::default() }
}

#[test]
fn topics_go_by_name_and_by_id() {
    let broker = broker();
    broker.topic("a", 2);
    broker.topic("b", 1);
    let mut client = broker.connect();
    let by_id = DeleteTopicState { name: None, topic_id: broker.topic_id("b") };
    assert_eq!(delete(&mut client, &[named("a"), by_id]), [ErrorCode::None, ErrorCode::None]);
    assert!(broker.server.store().topics().is_empty());
    assert_eq!(client.produce("a", 0, 1, &batch(&["x"])).error, ErrorCode::UnknownTopicOrPartition);
    assert_eq!(client.fetch("b", 0, 0).error, ErrorCode::UnknownTopicOrPartition);
}

#[test]
fn the_old_versions_name_topics_only() {
    let broker = broker();
    broker.topic("a", 1);
    let topics = [named("a")];
    let request = delete_topics::Request { topics: List::from(&topics), ..Default::default() };
    let frame = broker.connect().ask(1, &request);
    assert_eq!(answer::<delete_topics::Response<'_>>(&frame, 1).responses[0].error_code, ErrorCode::None);
    assert!(broker.server.store().topics().is_empty());
}

#[test]
fn what_is_not_there_or_not_clear_stays() {
    let broker = broker();
    broker.topic("a", 1);
    let mut client = broker.connect();
    let a = broker.topic_id("a");
    assert_eq!(delete(&mut client, &[named("nowhere")]), [ErrorCode::UnknownTopicOrPartition]);
    let unknown = DeleteTopicState { name: None, topic_id: Uuid::from_bytes([9; 16]) };
    assert_eq!(delete(&mut client, &[unknown]), [ErrorCode::UnknownTopicId]);
    assert_eq!(delete(&mut client, &[named("a"), named("a")]), [ErrorCode::InvalidRequest; 2]);
    let both = DeleteTopicState { name: Some("a"), topic_id: a };
    assert_eq!(delete(&mut client, &[both]), [ErrorCode::InvalidRequest]);
    let neither = DeleteTopicState::default();
    assert_eq!(delete(&mut client, &[neither]), [ErrorCode::InvalidRequest]);
    assert_eq!(broker.server.store().topics().len(), 1);
}

#[test]
fn a_topic_of_the_same_name_begins_anew_and_has_another_id() {
    let broker = broker();
    broker.topic("a", 1);
    let first = broker.topic_id("a");
    let mut client = broker.connect();
    client.produce("a", 0, -1, &batch(&["old"]));
    delete(&mut client, &[named("a")]);
    broker.topic("a", 1);
    assert_ne!(broker.topic_id("a"), first);
    assert_eq!(client.produce("a", 0, -1, &batch(&["new"])).base_offset, 0);
    assert_eq!(client.fetch("a", 0, 0).records(), [(0, "new".to_owned())]);
}

use ottla_protocol::ErrorCode;
use ottla_protocol::api::create_partitions::{self, CreatePartitionsAssignment, CreatePartitionsTopic};
use ottla_protocol::wire::List;

use crate::support::{Client, answer, batch, broker, broker_with};

fn grow(client: &mut Client, topics: &[CreatePartitionsTopic<'_>], validate_only: bool) -> Vec<ErrorCode> {
    let request =
        create_partitions::Request { topics: List::from(topics), validate_only, ..Default::default() };
    let frame = client.ask(3, &request);
    let response: create_partitions::Response<'_> = answer(&frame, 3);
    response.results.iter().map(|topic| topic.error_code).collect()
}

fn to(count: i32) -> CreatePartitionsTopic<'static> {
    CreatePartitionsTopic { name: "letters", count, assignments: None }
}

#[test]
fn a_topic_grows_and_keeps_what_it_has() {
    let broker = broker();
    broker.topic("letters", 1);
    let mut client = broker.connect();
    client.produce("letters", 0, 1, &batch(&["a"]));
    assert_eq!(grow(&mut client, &[to(3)], true), [ErrorCode::None]);
    assert_eq!(client.produce("letters", 2, 1, &batch(&["b"])).error, ErrorCode::UnknownTopicOrPartition);
    assert_eq!(grow(&mut client, &[to(3)], false), [ErrorCode::None]);
    assert_eq!(client.produce("letters", 2, 1, &batch(&["b"])).base_offset, 0);
    assert_eq!(client.fetch("letters", 0, 0).records(), [(0, "a".to_owned())]);
}

#[test]
fn it_never_shrinks_and_keeps_to_the_limits() {
    let broker = broker_with(|config| config.limits.partitions = 5);
    broker.topic("letters", 2);
    let mut client = broker.connect();
    for count in [2, 1, 0, -1, i32::MIN] {
        assert_eq!(grow(&mut client, &[to(count)], false), [ErrorCode::InvalidPartitions]);
    }
    assert_eq!(grow(&mut client, &[to(6)], false), [ErrorCode::PolicyViolation]);
    assert_eq!(grow(&mut client, &[to(i32::MAX)], false), [ErrorCode::PolicyViolation]);
    assert_eq!(grow(&mut client, &[to(3), to(4)], false), [ErrorCode::InvalidRequest; 2]);
    let nowhere = CreatePartitionsTopic { name: "nowhere", ..to(3) };
    assert_eq!(grow(&mut client, &[nowhere], false), [ErrorCode::UnknownTopicOrPartition]);
    assert_eq!(broker.server.store().topic("letters").unwrap().partitions.len(), 2);
}

#[test]
fn new_partitions_can_be_assigned_to_the_one_broker() {
    let broker = broker();
    broker.topic("letters", 1);
    let mut client = broker.connect();
    let mut grow_to = |count, brokers: &[i32]| {
        let assignments = [CreatePartitionsAssignment { broker_ids: List::from(brokers) }];
        let topic = CreatePartitionsTopic { assignments: Some(List::from(&assignments)), ..to(count) };
        grow(&mut client, &[topic], false)
    };
    assert_eq!(grow_to(2, &[9]), [ErrorCode::InvalidReplicaAssignment]);
    assert_eq!(grow_to(3, &[1]), [ErrorCode::InvalidReplicaAssignment], "one assignment for two partitions");
    assert_eq!(grow_to(2, &[1]), [ErrorCode::None]);
}

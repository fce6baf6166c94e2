use ottla_protocol::ErrorCode;
use ottla_protocol::api::create_topics::{
    self, CreatableReplicaAssignment, CreatableTopic, CreatableTopicConfig,
};
use ottla_protocol::wire::List;

use crate::support::{answer, broker, broker_with};

fn topic(name: &str) -> CreatableTopic<'_> {
    CreatableTopic { name, num_partitions: -1, replication_factor: -1, ..Default::default() }
}

#[test]
fn a_topic_gets_its_partitions_settings_and_id() {
    let broker = broker_with(|config| config.default_partitions = 2);
    let configs = [CreatableTopicConfig { name: "segment.bytes", value: Some("2000000") }];
    let topics =
        [CreatableTopic { num_partitions: 5, configs: List::from(&configs), ..topic("a") }, topic("b")];
    let request = create_topics::Request { topics: List::from(&topics), ..Default::default() };
    let frame = broker.connect().ask(7, &request);
    let response: create_topics::Response<'_> = answer(&frame, 7);

    let [a, b] = &response.topics[..] else { panic!("two topics") };
    assert_eq!((a.error_code, a.num_partitions, a.replication_factor), (ErrorCode::None, 5, 1));
    assert_eq!(b.num_partitions, 2);
    assert_eq!(a.topic_id, broker.topic_id("a"));
    let config = a.configs.as_ref().unwrap().iter().find(|config| config.name == "segment.bytes").unwrap();
    assert_eq!((config.value.as_deref(), config.config_source), (Some("2000000"), 1));
    let log = broker.server.store().log("a", 4).unwrap();
    assert_eq!(log.config().segment_bytes, 2_000_000);
}

#[test]
fn what_cannot_be_is_refused_with_kafkas_codes() {
    let broker = broker_with(|config| config.limits.partitions = 10);
    broker.topic("taken", 1);
    let mut client = broker.connect();
    let mut code = |topic: CreatableTopic<'_>| client.create_topic(topic, false);

    assert_eq!(code(topic("taken")), ErrorCode::TopicAlreadyExists);
    assert_eq!(code(topic("a/b")), ErrorCode::InvalidTopicException);
    assert_eq!(code(topic("")), ErrorCode::InvalidTopicException);
    assert_eq!(code(topic("__cluster_metadata")), ErrorCode::InvalidRequest);
    for partitions in [0, -2, i32::MIN] {
        assert_eq!(
            code(CreatableTopic { num_partitions: partitions, ..topic("new") }),
            ErrorCode::InvalidPartitions
        );
    }
    for replicas in [0, -2, 2, 3] {
        assert_eq!(
            code(CreatableTopic { replication_factor: replicas, ..topic("new") }),
            ErrorCode::InvalidReplicationFactor
        );
    }
    for (name, value) in
        [("no.such.setting", Some("1")), ("segment.bytes", Some("x")), ("segment.bytes", None)]
    {
        let configs = [CreatableTopicConfig { name, value }];
        assert_eq!(
            code(CreatableTopic { configs: List::from(&configs), ..topic("new") }),
            ErrorCode::InvalidConfig
        );
    }
    assert_eq!(code(CreatableTopic { num_partitions: 10, ..topic("new") }), ErrorCode::PolicyViolation);
    assert_eq!(code(CreatableTopic { num_partitions: i32::MAX, ..topic("new") }), ErrorCode::PolicyViolation);
    assert_eq!(broker.server.store().topics().len(), 1);
}

#[test]
fn partitions_can_be_assigned_to_the_one_broker() {
    let broker = broker();
    let mut client = broker.connect();
    let mut code = |name, assignments: &[(i32, &[i32])]| {
        let assignments: Vec<_> = assignments
            .iter()
            .map(|(partition_index, broker_ids)| CreatableReplicaAssignment {
                partition_index: *partition_index,
                broker_ids: List::from(*broker_ids),
            })
            .collect();
        client.create_topic(CreatableTopic { assignments: List::from(&assignments), ..topic(name) }, false)
    };
    assert_eq!(code("good", &[(1, &[1]), (0, &[1])]), ErrorCode::None);
    for bad in [&[(0, &[2][..])][..], &[(0, &[])], &[(0, &[1, 1])], &[(1, &[1])], &[(0, &[1]), (0, &[1])]] {
        assert_eq!(code("bad", bad), ErrorCode::InvalidReplicaAssignment);
    }
    assert_eq!(broker.server.store().topic("good").unwrap().partitions.len(), 2);

    let one = [CreatableReplicaAssignment { partition_index: 0, broker_ids: List::from(&[1]) }];
    let with_number = CreatableTopic { num_partitions: 1, assignments: List::from(&one), ..topic("bad") };
    assert_eq!(client.create_topic(with_number, false), ErrorCode::InvalidRequest);
}

#[test]
fn validation_alone_creates_nothing() {
    let broker = broker();
    let mut client = broker.connect();
    assert_eq!(client.create_topic(topic("a"), true), ErrorCode::None);
    assert_eq!(client.create_topic(topic("a/b"), true), ErrorCode::InvalidTopicException);
    assert!(broker.server.store().topics().is_empty());
}

#[test]
fn a_topic_that_is_named_twice_is_not_created() {
    let broker = broker();
    let topics = [topic("a"), topic("b"), topic("a")];
    let request = create_topics::Request { topics: List::from(&topics), ..Default::default() };
    let frame = broker.connect().ask(7, &request);
    let response: create_topics::Response<'_> = answer(&frame, 7);
    let codes: Vec<_> = response.topics.iter().map(|topic| topic.error_code).collect();
    assert_eq!(codes, [ErrorCode::InvalidRequest, ErrorCode::None, ErrorCode::InvalidRequest]);
}

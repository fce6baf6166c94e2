use ottla_protocol::ErrorCode;
use ottla_protocol::api::describe_configs::{self, DescribeConfigsResource};
use ottla_protocol::api::{describe_cluster, metadata, offset_for_leader_epoch};
use ottla_protocol::wire::List;

use crate::support::{Broker, answer, batch, broker, broker_with};

const TOPIC: i8 = 2;
const BROKER: i8 = 4;

struct Shown {
    value: String,
    source: i8,
    read_only: bool,
    config_type: i8,
    synonyms: Vec<(String, String, i8)>,
    documented: bool,
}

/// The settings of one resource by name, or the code.
fn configs(
    broker: &Broker,
    resource_type: i8,
    resource_name: &str,
    keys: Option<&[&str]>,
) -> Result<std::collections::BTreeMap<String, Shown>, ErrorCode> {
    let configuration_keys = keys.map(List::from);
    let resources = [DescribeConfigsResource { resource_type, resource_name, configuration_keys }];
    let request = describe_configs::Request {
        resources: List::from(&resources),
        include_synonyms: true,
        include_documentation: true,
    };
    let frame = broker.connect().ask(4, &request);
    let response: describe_configs::Response<'_> = answer(&frame, 4);
    let result = &response.results[0];
    assert_eq!(result.resource_name, resource_name);
    result.error_code.ok()?;
    let shown = |config: &describe_configs::DescribeConfigsResourceResult<'_>| Shown {
        value: config.value.clone().unwrap().into_owned(),
        source: config.config_source,
        read_only: config.read_only,
        config_type: config.config_type,
        synonyms: config
            .synonyms
            .iter()
            .map(|s| (s.name.to_string(), s.value.clone().unwrap().into_owned(), s.source))
            .collect(),
        documented: config.documentation.is_some(),
    };
    Ok(result.configs.iter().map(|config| (config.name.to_string(), shown(config))).collect())
}

#[test]
fn a_topics_settings_say_where_they_come_from() {
    let broker = broker_with(|config| config.log.max_message_bytes = 5_000_000);
    broker.topic_with("letters", 1, &[("retention.ms", "1000")]);
    let configs = configs(&broker, TOPIC, "letters", None).unwrap();

    let retention = &configs["retention.ms"];
    assert_eq!((retention.value.as_str(), retention.source, retention.read_only), ("1000", 1, false));
    let of = |name: &str, value: &str, source| (name.to_owned(), value.to_owned(), source);
    assert_eq!(retention.synonyms, [of("retention.ms", "1000", 1), of("log.retention.ms", "604800000", 5)]);
    let size = &configs["max.message.bytes"];
    assert_eq!((size.value.as_str(), size.source, size.config_type), ("5000000", 4, 3));
    let policy = &configs["cleanup.policy"];
    assert_eq!((policy.value.as_str(), policy.source, policy.config_type), ("delete", 5, 7));
    assert!(configs.values().all(|config| config.documented));
}

#[test]
fn only_the_keys_that_were_asked_for_are_shown() {
    let broker = broker();
    broker.topic("letters", 1);
    let some = configs(&broker, TOPIC, "letters", Some(&["retention.ms", "no.such.key"])).unwrap();
    assert_eq!(some.keys().collect::<Vec<_>>(), ["retention.ms"]);
    assert!(configs(&broker, TOPIC, "letters", Some(&[])).unwrap().len() > 20);
}

#[test]
fn the_brokers_settings_are_shown_under_kafkas_names() {
    let broker = broker_with(|config| config.default_partitions = 7);
    let configs = configs(&broker, BROKER, "1", None).unwrap();
    assert_eq!((configs["num.partitions"].value.as_str(), configs["num.partitions"].source), ("7", 4));
    assert_eq!(configs["auto.create.topics.enable"].value, "true");
    assert_eq!(configs["log.retention.ms"].value, "604800000");
    assert!(configs["advertised.listeners"].value.ends_with(&broker.address().port().to_string()));
    assert!(configs.values().all(|config| config.read_only));
    assert!(crate::describe::configs(&broker, BROKER, "", None).unwrap().is_empty());
}

#[test]
fn resources_that_are_not_there_have_kafkas_codes() {
    let broker = broker();
    let code = |resource_type, name| configs(&broker, resource_type, name, None).err().unwrap();
    assert_eq!(code(TOPIC, "nowhere"), ErrorCode::UnknownTopicOrPartition);
    assert_eq!(code(TOPIC, "a/b"), ErrorCode::InvalidTopicException);
    assert_eq!(code(BROKER, "2"), ErrorCode::InvalidRequest);
    assert_eq!(code(BROKER, "x"), ErrorCode::InvalidRequest);
    assert_eq!(code(99, "x"), ErrorCode::InvalidRequest);
}

#[test]
fn the_cluster_is_one_node_that_leads_everything() {
    let broker = broker_with(|config| config.node_id = 7);
    broker.topic("letters", 2);
    let mut client = broker.connect();
    let request =
        describe_cluster::Request { include_cluster_authorized_operations: true, ..Default::default() };
    let frame = client.ask(1, &request);
    let cluster: describe_cluster::Response<'_> = answer(&frame, 1);
    assert_eq!((cluster.controller_id, cluster.brokers.len()), (7, 1));
    assert_eq!(cluster.brokers[0].port, i32::from(broker.address().port()));
    assert!(cluster.cluster_authorized_operations > 0);

    let request = metadata::Request { include_topic_authorized_operations: true, ..Default::default() };
    let frame = client.ask(13, &request);
    let metadata: metadata::Response<'_> = answer(&frame, 13);
    assert_eq!(metadata.cluster_id.as_deref(), Some(&*cluster.cluster_id));
    assert_eq!((metadata.controller_id, metadata.brokers[0].host.as_ref()), (7, "127.0.0.1"));
    let topic = &metadata.topics[0];
    assert_eq!((topic.topic_id, topic.partitions.len()), (broker.topic_id("letters"), 2));
    assert!(topic.topic_authorized_operations > 0);
    assert!(topic.partitions.iter().all(|partition| partition.leader_id == 7 && *partition.isr_nodes == [7]));

    let request = describe_cluster::Request { endpoint_type: 2, ..Default::default() };
    let frame = client.ask(1, &request);
    let refused: describe_cluster::Response<'_> = answer(&frame, 1);
    assert_eq!(refused.error_code, ErrorCode::MismatchedEndpointType);
}

#[test]
fn topics_are_described_by_id_too() {
    let broker = broker();
    broker.topic("letters", 1);
    let ask = |topic_id, name, version| {
        let topics = [metadata::MetadataRequestTopic { topic_id, name }];
        let request = metadata::Request { topics: Some(List::from(&topics)), ..Default::default() };
        let frame = broker.connect().ask(version, &request);
        let response: metadata::Response<'_> = answer(&frame, version);
        (response.topics[0].error_code, response.topics[0].name.clone().map(|name| name.into_owned()))
    };
    let id = broker.topic_id("letters");
    assert_eq!(ask(id, None, 12), (ErrorCode::None, Some("letters".to_owned())));
    let unknown = ottla_protocol::Uuid::from_bytes([1; 16]);
    assert_eq!(ask(unknown, None, 12), (ErrorCode::UnknownTopicId, None));
    assert_eq!(ask(id, Some("letters"), 11).0, ErrorCode::InvalidRequest);
}

#[test]
fn an_advertised_address_is_what_clients_are_told() {
    let broker = broker_with(|config| {
        config.advertised =
            Some(ottla_server::Advertised { host: "letters.example".to_owned(), port: Some(1912) });
    });
    let frame = broker.connect().ask(12, &metadata::Request::default());
    let response: metadata::Response<'_> = answer(&frame, 12);
    assert_eq!((response.brokers[0].host.as_ref(), response.brokers[0].port), ("letters.example", 1912));
}

#[test]
fn the_end_of_an_epoch_is_told_to_those_who_know_the_current_one() {
    let broker = broker();
    broker.topic("letters", 1);
    let mut client = broker.connect();
    client.produce("letters", 0, 1, &batch(&["a", "b"]));
    let epoch = broker.server.store().log("letters", 0).unwrap().leader_epoch();
    let mut ask = |topic: &str, current_leader_epoch, leader_epoch| {
        let partitions = [offset_for_leader_epoch::OffsetForLeaderPartition {
            partition: 0,
            current_leader_epoch,
            leader_epoch,
        }];
        let topics =
            [offset_for_leader_epoch::OffsetForLeaderTopic { topic, partitions: List::from(&partitions) }];
        let request = offset_for_leader_epoch::Request { topics: List::from(&topics), ..Default::default() };
        let frame = client.ask(4, &request);
        let answered = answer::<offset_for_leader_epoch::Response<'_>>(&frame, 4).topics[0].partitions[0];
        (answered.error_code, answered.leader_epoch, answered.end_offset)
    };
    assert_eq!(ask("letters", epoch, epoch), (ErrorCode::None, epoch, 2));
    assert_eq!(ask("letters", -1, epoch), (ErrorCode::None, epoch, 2));
    assert_eq!(ask("letters", -1, epoch + 5), (ErrorCode::None, -1, -1), "nobody knows the future");
    assert_eq!(ask("letters", epoch + 1, epoch).0, ErrorCode::UnknownLeaderEpoch);
    assert_eq!(ask("nowhere", -1, 0), (ErrorCode::UnknownTopicOrPartition, -1, -1));
}

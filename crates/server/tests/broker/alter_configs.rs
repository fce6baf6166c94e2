use std::collections::BTreeMap;

use ottla_protocol::ErrorCode;
use ottla_protocol::api::alter_configs::{self, AlterConfigsResourceResponse};
use ottla_protocol::api::describe_configs::{self, DescribeConfigsResource, config_source, resource_type};
use ottla_protocol::api::incremental_alter_configs::{
    self, AlterConfigsResource, AlterableConfig, config_operation,
};
use ottla_protocol::wire::List;
use ottla_record::BatchBuilder;
use ottla_server::Server;

use crate::support::{Broker, Client, answer, batch, broker, config};

/// Operation, name and value.
type Op<'a> = (i8, &'a str, Option<&'a str>);

const fn set<'a>(name: &'a str, value: &'a str) -> Op<'a> {
    (config_operation::SET, name, Some(value))
}

const fn delete(name: &str) -> Op<'_> {
    (config_operation::DELETE, name, None)
}

const fn append<'a>(name: &'a str, value: &'a str) -> Op<'a> {
    (config_operation::APPEND, name, Some(value))
}

const fn subtract<'a>(name: &'a str, value: &'a str) -> Op<'a> {
    (config_operation::SUBTRACT, name, Some(value))
}

/// The code and the words for each resource.
fn alter_all(
    client: &mut Client,
    resources: &[(i8, &str, &[Op<'_>])],
    validate_only: bool,
) -> Vec<(ErrorCode, String)> {
    let configs: Vec<Vec<AlterableConfig<'_>>> = resources
        .iter()
        .map(|(_, _, ops)| {
            ops.iter()
                .map(|(config_operation, name, value)| AlterableConfig {
                    name,
                    config_operation: *config_operation,
                    value: *value,
                })
                .collect()
        })
        .collect();
    let resources: Vec<_> = resources
        .iter()
        .zip(&configs)
        .map(|((resource_type, resource_name, _), configs)| AlterConfigsResource {
            resource_type: *resource_type,
            resource_name,
            configs: List::from(&**configs),
        })
        .collect();
    let request = incremental_alter_configs::Request { resources: List::from(&*resources), validate_only };
    let frame = client.ask(1, &request);
    let response: incremental_alter_configs::Response<'_> = answer(&frame, 1);
    response.responses.iter().map(outcome).collect()
}

fn outcome(response: &AlterConfigsResourceResponse<'_>) -> (ErrorCode, String) {
    let message = response.error_message.as_deref().unwrap_or_default().to_owned();
    assert_eq!(response.error_code.is_error(), !message.is_empty(), "an error comes with words");
    (response.error_code, message)
}

fn alter(broker: &Broker, ops: &[Op<'_>]) -> ErrorCode {
    alter_all(&mut broker.connect(), &[(resource_type::TOPIC, "letters", ops)], false)[0].0
}

/// All settings at once, as the older API does.
fn replace(broker: &Broker, configs: &[(&str, Option<&str>)], validate_only: bool) -> ErrorCode {
    let configs: Vec<_> =
        configs.iter().map(|(name, value)| alter_configs::AlterableConfig { name, value: *value }).collect();
    let resources = [alter_configs::AlterConfigsResource {
        resource_type: resource_type::TOPIC,
        resource_name: "letters",
        configs: List::from(&*configs),
    }];
    let request = alter_configs::Request { resources: List::from(&resources), validate_only };
    let frame = broker.connect().ask(2, &request);
    outcome(&answer::<alter_configs::Response<'_>>(&frame, 2).responses[0]).0
}

/// What is set for the topic itself, and where the value of `name` comes from.
fn described(client: &mut Client, name: &str) -> (BTreeMap<String, String>, i8) {
    let resources = [DescribeConfigsResource {
        resource_type: resource_type::TOPIC,
        resource_name: "letters",
        configuration_keys: None,
    }];
    let request = describe_configs::Request { resources: List::from(&resources), ..Default::default() };
    let frame = client.ask(4, &request);
    let response: describe_configs::Response<'_> = answer(&frame, 4);
    let configs = &response.results[0].configs;
    let own = configs.iter().filter(|config| config.config_source == config_source::TOPIC_CONFIG);
    let own = own.map(|c| (c.name.to_string(), c.value.clone().unwrap().into_owned())).collect();
    (own, configs.iter().find(|config| config.name == name).unwrap().config_source)
}

fn own(broker: &Broker) -> BTreeMap<String, String> {
    described(&mut broker.connect(), "retention.ms").0
}

fn texts(pairs: &[(&str, &str)]) -> BTreeMap<String, String> {
    pairs.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect()
}

#[test]
fn some_settings_change_the_others_stay_and_describing_says_whose_they_are() {
    let broker = broker();
    broker.topic_with("letters", 1, &[("segment.ms", "5000"), ("flush.ms", "7")]);
    let ops = [set("retention.ms", "1000"), delete("flush.ms")];
    assert_eq!(alter(&broker, &ops), ErrorCode::None);
    let mut client = broker.connect();
    let (own, source) = described(&mut client, "retention.ms");
    assert_eq!(own, texts(&[("retention.ms", "1000"), ("segment.ms", "5000")]));
    assert_eq!(source, config_source::TOPIC_CONFIG);
    assert_eq!(described(&mut client, "flush.ms").1, config_source::DEFAULT_CONFIG);
    assert_eq!(alter(&broker, &[delete("retention.ms")]), ErrorCode::None);
    assert_eq!(described(&mut client, "retention.ms").1, config_source::DEFAULT_CONFIG);
}

#[test]
fn lists_grow_and_shrink() {
    let broker = broker();
    broker.topic("letters", 1);
    let policy = || broker.server.store().log("letters", 0).unwrap().config().cleanup_policy;
    assert_eq!(alter(&broker, &[append("cleanup.policy", "compact")]), ErrorCode::None);
    assert!(policy().compact && policy().delete);
    assert_eq!(alter(&broker, &[subtract("cleanup.policy", "delete")]), ErrorCode::None);
    assert!(policy().compact && !policy().delete);
    assert_eq!(own(&broker), texts(&[("cleanup.policy", "compact")]));
}

#[test]
fn all_settings_at_once_take_the_place_of_those_that_were_there() {
    let broker = broker();
    broker.topic_with("letters", 1, &[("segment.ms", "5000"), ("flush.ms", "7")]);
    assert_eq!(
        replace(&broker, &[("segment.ms", Some("6000")), ("retention.ms", Some("9"))], false),
        ErrorCode::None
    );
    assert_eq!(own(&broker), texts(&[("segment.ms", "6000"), ("retention.ms", "9")]));
    assert_eq!(replace(&broker, &[("segment.ms", Some("soon"))], false), ErrorCode::InvalidConfig);
    assert_eq!(replace(&broker, &[("segment.ms", None)], false), ErrorCode::InvalidRequest);
    assert_eq!(
        replace(&broker, &[("flush.ms", Some("1")), ("flush.ms", Some("2"))], false),
        ErrorCode::InvalidRequest
    );
    assert_eq!(replace(&broker, &[], true), ErrorCode::None);
    assert_eq!(own(&broker).len(), 2, "nothing of this has changed anything");
    assert_eq!(replace(&broker, &[], false), ErrorCode::None);
    assert_eq!(own(&broker), texts(&[]));
}

#[test]
fn validation_alone_changes_nothing() {
    let broker = broker();
    broker.topic("letters", 1);
    let ask = |op| {
        let resources: [(i8, &str, &[Op<'_>]); 1] = [(resource_type::TOPIC, "letters", &[op])];
        alter_all(&mut broker.connect(), &resources, true)[0].0
    };
    assert_eq!(ask(set("retention.ms", "1")), ErrorCode::None);
    assert_eq!(ask(set("retention.ms", "soon")), ErrorCode::InvalidConfig);
    assert_eq!(own(&broker), texts(&[]));
}

#[test]
fn what_cannot_be_is_refused_with_kafkas_codes_and_words_that_help() {
    let broker = broker();
    broker.topic("letters", 1);
    let mut client = broker.connect();
    let mut ask =
        |kind, name: &str, ops: &[Op<'_>]| alter_all(&mut client, &[(kind, name, ops)], false).remove(0);
    const GOOD: Op<'_> = set("retention.ms", "1");
    for (op, code) in [
        (set("no.such.setting", "1"), ErrorCode::InvalidConfig),
        (set("retention.ms", "soon"), ErrorCode::InvalidConfig),
        (set("cleanup.policy", "forget"), ErrorCode::InvalidConfig),
        (append("retention.ms", "1"), ErrorCode::InvalidConfig),
        (set("min.compaction.lag.ms", "9223372036854775808"), ErrorCode::InvalidConfig),
        ((config_operation::SET, "retention.ms", None), ErrorCode::InvalidRequest),
        ((config_operation::APPEND, "cleanup.policy", None), ErrorCode::InvalidRequest),
        ((4, "retention.ms", Some("1")), ErrorCode::InvalidRequest),
        ((-1, "retention.ms", Some("1")), ErrorCode::InvalidRequest),
    ] {
        let (found, message) = ask(resource_type::TOPIC, "letters", &[GOOD, op]);
        let twice = if op.1 == "retention.ms" { ErrorCode::InvalidRequest } else { code };
        assert_eq!(found, twice, "{op:?}: {message}");
        let (found, message) = ask(resource_type::TOPIC, "letters", &[op]);
        assert_eq!(found, code, "{op:?}: {message}");
    }
    assert_eq!(ask(resource_type::TOPIC, "nowhere", &[GOOD]).0, ErrorCode::UnknownTopicOrPartition);
    assert_eq!(ask(resource_type::TOPIC, "a/b", &[GOOD]).0, ErrorCode::InvalidTopicException);
    for name in ["1", ""] {
        let (code, message) = ask(resource_type::BROKER, name, &[set("log.retention.ms", "1")]);
        assert_eq!(code, ErrorCode::InvalidRequest);
        assert!(message.contains("ottla serve"), "{message}");
    }
    assert_eq!(ask(resource_type::GROUP, "readers", &[GOOD]).0, ErrorCode::InvalidRequest);
    assert_eq!(ask(99, "letters", &[GOOD]).0, ErrorCode::InvalidRequest);
    assert_eq!(own(&broker), texts(&[]), "a refused request has changed nothing");
}

#[test]
fn one_bad_resource_does_not_stop_the_others_and_one_named_twice_stays_as_it_is() {
    let broker = broker();
    broker.topic("letters", 1);
    broker.topic("twice", 1);
    let ops: &[Op<'_>] = &[set("retention.ms", "1")];
    let topic = resource_type::TOPIC;
    let resources =
        [(topic, "twice", ops), (topic, "nowhere", ops), (topic, "letters", ops), (topic, "twice", ops)];
    let codes: Vec<_> =
        alter_all(&mut broker.connect(), &resources, false).into_iter().map(|(code, _)| code).collect();
    let twice = ErrorCode::InvalidRequest;
    assert_eq!(codes, [twice, ErrorCode::UnknownTopicOrPartition, ErrorCode::None, twice]);
    assert_eq!(own(&broker).len(), 1);
    assert!(broker.server.store().topic("twice").unwrap().overrides.is_empty());
}

#[test]
fn a_change_survives_a_restart() {
    let broker = broker();
    broker.topic_with("letters", 2, &[("flush.ms", "7")]);
    assert_eq!(alter(&broker, &[set("segment.bytes", "2000000"), delete("flush.ms")]), ErrorCode::None);
    let Broker { server, dir } = broker;
    drop(server);
    let broker = Broker { server: Server::start(config(dir.path())).unwrap(), dir };
    assert_eq!(own(&broker), texts(&[("segment.bytes", "2000000")]));
    assert_eq!(broker.server.store().log("letters", 1).unwrap().config().segment_bytes, 2_000_000);
}

#[test]
fn appends_and_new_partitions_follow_the_settings_at_once() {
    let broker = broker();
    broker.topic("letters", 1);
    let mut client = broker.connect();
    let letter = batch(&["a"]);
    assert_eq!(client.produce("letters", 0, 1, &letter).error, ErrorCode::None);
    assert_eq!(alter(&broker, &[set("max.message.bytes", "10")]), ErrorCode::None);
    assert_eq!(client.produce("letters", 0, 1, &letter).error, ErrorCode::MessageTooLarge);
    broker.server.store().create_partitions("letters", 2).unwrap();
    assert_eq!(client.produce("letters", 1, 1, &letter).error, ErrorCode::MessageTooLarge);
    let ops = [delete("max.message.bytes"), set("cleanup.policy", "compact")];
    assert_eq!(alter(&broker, &ops), ErrorCode::None);
    assert_eq!(client.produce("letters", 0, 1, &letter).error, ErrorCode::InvalidRecord);
    let mut keyed = BatchBuilder::new();
    keyed.push(1, Some(b"k"), Some(b"v"), &[]).unwrap();
    assert_eq!(client.produce("letters", 0, 1, &keyed.build().unwrap()).error, ErrorCode::None);
}

#[test]
fn segments_and_retention_follow_the_settings_without_a_restart() {
    let broker = broker();
    broker.topic_with("letters", 1, &[("retention.ms", "-1")]);
    let mut client = broker.connect();
    let store = broker.server.store();
    let log = store.log("letters", 0).unwrap();
    let letter = batch(&["a"]);
    client.produce("letters", 0, 1, &letter);
    let bytes = (letter.len() + 1).to_string();
    assert_eq!(alter(&broker, &[set("internal.segment.bytes", &bytes)]), ErrorCode::None);
    client.produce("letters", 0, 1, &letter);
    client.produce("letters", 0, 1, &letter);
    assert_eq!(log.segment_base_offsets().len(), 3, "one for each batch");

    store.housekeep().unwrap();
    assert_eq!(log.log_start_offset().get(), 0, "nothing goes unless told");
    assert_eq!(alter(&broker, &[set("retention.bytes", &letter.len().to_string())]), ErrorCode::None);
    store.housekeep().unwrap();
    assert_eq!(log.log_start_offset().get(), 2);
    assert_eq!(alter(&broker, &[set("retention.ms", "1")]), ErrorCode::None);
    store.housekeep().unwrap();
    assert_eq!(log.log_start_offset().get(), 3, "the letters are years old");
}

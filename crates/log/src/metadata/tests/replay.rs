use super::*;

#[test]
fn a_topic_has_partitions_and_settings_until_it_is_removed() {
    let mut values = vec![
        topic("letters", id(1)),
        config(2, "letters", "segment.bytes", Some("1048576")),
        config(2, "letters", "retention.ms", Some("-1")),
        config(2, "letters", "segment.bytes", None),
        partition(id(1), 0, 0),
        partition(id(1), 1, 4),
    ];
    let image = replayed(&values);
    let letters = &image.topics["letters"];
    assert_eq!(letters.id, id(1));
    assert_eq!(letters.partitions.keys().copied().collect::<Vec<_>>(), [0, 1]);
    assert_eq!(letters.partitions[&1].leader_epoch, 4);
    assert_eq!(letters.partitions[&1].directories, [DIRECTORY]);
    assert_eq!(letters.configs.iter().collect::<Vec<_>>(), [(&"retention.ms".into(), &"-1".into())]);
    assert_eq!(image.topic_by_id(id(1)), Some(("letters", letters)));

    values.extend([remove_topic(id(1)), topic("letters", id(2))]);
    let image = replayed(&values);
    assert_eq!((image.topics["letters"].id, image.topic_by_id(id(1))), (id(2), None));
    assert!(image.topics["letters"].configs.is_empty() && image.topics["letters"].partitions.is_empty());
}

#[test]
fn an_election_adds_one_to_the_leader_epoch_and_any_change_to_the_partition_epoch() {
    let leader = |leader: i32| (1, leader.to_be_bytes().to_vec());
    let isr = (0, [&[2][..], &NODE.to_be_bytes()].concat());
    let replicas = (2, [&[3][..], &1i32.to_be_bytes(), &2i32.to_be_bytes()].concat());
    let directories = (8, [&[2][..], &[9; 16]].concat());
    let image = replayed(&[
        topic("t", id(1)),
        partition(id(1), 0, 3),
        partition_change(id(1), 0, &[isr]),
        partition_change(id(1), 0, &[leader(-1)]),
        partition_change(id(1), 0, &[leader(NODE), (6, vec![0]), (99, vec![1, 2, 3])]),
        partition_change(id(1), 0, &[leader(-2), replicas, directories]),
    ]);
    let partition = &image.topics["t"].partitions[&0];
    assert_eq!((partition.leader_epoch, partition.partition_epoch), (5, 4));
    assert_eq!((&partition.replicas[..], &partition.directories[..]), (&[1, 2][..], &[id(9)][..]));
}

#[test]
fn settings_of_brokers_are_found_by_node() {
    let image = replayed(&[
        config(4, "", "log.cleaner.threads", Some("2")),
        config(4, "1", "background.threads", Some("6")),
        config(4, "2", "background.threads", Some("6")),
        config(4, "2", "background.threads", None),
        config(16, "all", "metrics", Some("")),
        config(99, "what comes later", "a", Some("b")),
    ]);
    assert_eq!(image.broker_configs(None).unwrap()["log.cleaner.threads"], "2");
    assert_eq!(image.broker_configs(Some(1)).unwrap()["background.threads"], "6");
    assert_eq!(image.broker_configs(Some(2)), None);
    assert_eq!(image.configs.len(), 4);
}

#[test]
fn the_last_feature_level_and_producer_id_count() {
    let image = replayed(&[
        feature("metadata.version", 30),
        feature("group.version", 1),
        feature("metadata.version", 31),
        feature("group.version", 0),
        producer_ids(1000),
        producer_ids(4000),
    ]);
    assert_eq!(image.features, [("metadata.version".to_owned(), 31)].into());
    assert_eq!(image.next_producer_id, 4000);
}

#[test]
fn what_is_kept_is_replaced_and_removed_by_its_subject() {
    let acl = |id: u8, rest: &[u8]| value(18, 0, &[&[id; 16][..], rest].concat());
    let (alice_256, alice_512) = (scram("alice", 1, b"new"), scram("alice", 2, b"x"));
    let user_app = [("user", Some("alice")), ("client-id", Some("app"))];
    let app_user = [("client-id", Some("app")), ("user", Some("alice"))];
    let image = replayed(&[
        scram("alice", 1, b"old"),
        acl(1, b"first"),
        alice_512.clone(),
        scram("bob", 1, b"y"),
        acl(2, b"second"),
        quota(&user_app, "producer_byte_rate", 1.0, false),
        quota(&[("user", None)], "producer_byte_rate", 1.0, false),
        alice_256.clone(),
        remove_scram("bob", 1),
        remove_scram("never there", 1),
        value(19, 0, &[2; 16]),
        quota(&app_user, "producer_byte_rate", 2.0, false),
        quota(&[("user", None)], "producer_byte_rate", 0.0, true),
    ]);
    let expected =
        [alice_256, acl(1, b"first"), alice_512, quota(&app_user, "producer_byte_rate", 2.0, false)];
    assert_eq!(kept_values(&image), expected);
}

#[test]
fn a_kind_that_came_after_this_library_is_kept_in_order() {
    let values = [value(200, 3, b"a"), value(200, 3, b"a"), value(201, 0, b"")];
    assert_eq!(kept_values(&replayed(&values)), values);
}

#[test]
fn what_only_describes_the_running_cluster_is_left_out() {
    let running = [0, 1, 7, 8, 10, 17, 20, 21, 26, 27, 28].map(|api_key| value(api_key, 99, b"whatever"));
    assert_eq!(replayed(&running), MetadataImage::default());
}

#[test]
fn records_between_begin_and_end_count_together_or_not_at_all() {
    let image = |values: &[&[u8]]| replayed(&values.iter().map(|value| value.to_vec()).collect::<Vec<_>>());
    let (a, b) = (producer_ids(1), producer_ids(2));
    assert_eq!(image(&[&a, BEGIN, &b, END]).next_producer_id, 2);
    assert_eq!(image(&[&a, BEGIN, &b, ABORT]).next_producer_id, 1);
    assert_eq!(image(&[&a, BEGIN, &b]).next_producer_id, 1);
    assert_eq!(image(&[BEGIN, &a, ABORT, BEGIN, &b, END]).next_producer_id, 2);
}

#[test]
fn records_that_do_not_fit_what_came_before_are_refused() {
    let refused = |values: &[Vec<u8>]| {
        let mut replay = Replay::default();
        let (last, before) = values.split_last().unwrap();
        before.iter().for_each(|value| replay.apply(value).unwrap());
        replay.apply(last).unwrap_err()
    };
    let exists = topic("t", id(1));
    assert_eq!(refused(&[partition(id(1), 0, 0)]), "its topic does not exist");
    assert_eq!(refused(&[remove_topic(id(1))]), "it removes a topic that does not exist");
    let change = partition_change(id(1), 0, &[]);
    assert_eq!(refused(&[exists.clone(), change]), "its partition does not exist");
    assert_eq!(refused(&[exists.clone(), topic("t", id(2))]), "it creates a topic that exists");
    assert_eq!(refused(&[exists, topic("u", id(1))]), "it creates a topic that exists");
    assert_eq!(refused(&[BEGIN.into(), BEGIN.into()]), "a transaction begins in a transaction");
    assert_eq!(refused(&[value(2, 1, b"")]), "its version is newer than those of Kafka 4.3");
    assert_eq!(refused(&[vec![0, 2, 0]]), "it has an unknown frame version");
    assert_eq!(refused(&[[producer_ids(1), vec![0]].concat()]), "bytes are left over after its fields");
}

#[test]
fn older_versions_of_a_partition_have_no_directories() {
    let record = |version| {
        let record = Partition {
            partition: 0,
            topic_id: id(1),
            replicas: vec![NODE],
            leader: NODE,
            leader_epoch: 2,
            partition_epoch: 3,
            directories: vec![DIRECTORY],
        };
        replayed(&[topic("t", id(1)), record.encode(version)]).topics["t"].partitions[&0].clone()
    };
    assert_eq!(record(0).directories, []);
    assert_eq!(record(1), record(2));
    assert_eq!((record(0).leader_epoch, record(0).partition_epoch), (2, 3));
}

use ottla_protocol::ErrorCode;
use ottla_protocol::api::list_offsets::{self, ListOffsetsPartition, ListOffsetsTopic};
use ottla_protocol::wire::List;
use ottla_record::BatchBuilder;

use crate::support::{Broker, answer, broker};

/// Three batches: times 10 and 30, then 20, then 40.
fn letters() -> Broker {
    let broker = broker();
    broker.topic("letters", 1);
    let mut client = broker.connect();
    for times in [&[10, 30][..], &[20], &[40]] {
        let mut batch = BatchBuilder::new();
        for time in times {
            batch.push(*time, None, Some(b"x"), &[]).unwrap();
        }
        client.produce("letters", 0, 1, &batch.build().unwrap());
    }
    broker
}

#[test]
fn names_of_places_and_times_become_offsets() {
    let broker = letters();
    let mut client = broker.connect();
    let mut find = |timestamp| {
        let found = client.list_offset("letters", 0, timestamp);
        assert_eq!(found.error_code, ErrorCode::None);
        (found.offset, found.timestamp)
    };
    assert_eq!(find(-1), (4, -1), "latest");
    assert_eq!(find(-2), (0, -1), "earliest");
    assert_eq!(find(-3), (3, 40), "of the greatest time");
    assert_eq!(find(-4), (0, -1), "earliest here");
    assert_eq!(find(-5), (-1, -1), "nothing is tiered");
    assert_eq!(find(-6), (-1, -1), "nothing will be");
    for (timestamp, offset, found) in [(0, 0, 10), (10, 0, 10), (11, 1, 30), (30, 1, 30), (31, 3, 40)] {
        assert_eq!(find(timestamp), (offset, found), "the first at or past {timestamp}");
    }
    assert_eq!(find(41), (-1, -1), "there is none");
}

#[test]
fn an_empty_log_has_places_and_no_times() {
    let broker = broker();
    broker.topic("letters", 1);
    let mut client = broker.connect();
    let mut find = |timestamp| client.list_offset("letters", 0, timestamp).offset;
    assert_eq!([-1, -2, -3, 0].map(&mut find), [0, 0, -1, -1]);
}

#[test]
fn places_that_a_version_does_not_know_are_refused() {
    let broker = letters();
    let mut client = broker.connect();
    for (timestamp, first) in [(-3, 7), (-4, 8), (-5, 9), (-6, 11)] {
        let mut code = |version| {
            let asked = ListOffsetsPartition { partition_index: 0, timestamp, ..Default::default() };
            client.list_offset_with(version, "letters", asked).error_code
        };
        assert_eq!(code(first - 1), ErrorCode::UnsupportedVersion);
        assert_eq!(code(first), ErrorCode::None);
    }
    assert_eq!(client.list_offset("letters", 0, -7).error_code, ErrorCode::UnsupportedVersion);
}

#[test]
fn unknown_partitions_and_epochs_have_kafkas_codes() {
    let broker = letters();
    let mut client = broker.connect();
    assert_eq!(client.list_offset("nowhere", 0, -1).error_code, ErrorCode::UnknownTopicOrPartition);
    let refused = client.list_offset("letters", 1, -1);
    assert_eq!((refused.error_code, refused.offset), (ErrorCode::UnknownTopicOrPartition, -1));
    let asked = ListOffsetsPartition { partition_index: 0, current_leader_epoch: 99, timestamp: -1 };
    assert_eq!(client.list_offset_with(9, "letters", asked).error_code, ErrorCode::UnknownLeaderEpoch);
}

#[test]
fn a_partition_that_is_named_twice_is_refused() {
    let broker = letters();
    let partitions = [ListOffsetsPartition { partition_index: 0, timestamp: -1, ..Default::default() }; 2];
    let topics = [ListOffsetsTopic { name: "letters", partitions: List::from(&partitions) }];
    let request = list_offsets::Request { topics: List::from(&topics), ..Default::default() };
    let frame = broker.connect().ask(9, &request);
    let response: list_offsets::Response<'_> = answer(&frame, 9);
    assert!(response.topics[0].partitions.iter().all(|found| found.error_code == ErrorCode::InvalidRequest));
}

#[test]
fn the_epoch_of_a_record_is_the_one_it_was_written_under() {
    let broker = letters();
    let epoch = broker.server.store().log("letters", 0).unwrap().leader_epoch();
    let mut client = broker.connect();
    for timestamp in [-1, -2, -3, 20] {
        assert_eq!(client.list_offset("letters", 0, timestamp).leader_epoch, epoch);
    }
}

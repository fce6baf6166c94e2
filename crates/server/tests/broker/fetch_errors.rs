use ottla_protocol::api::fetch;
use ottla_protocol::{ErrorCode, Uuid};

use crate::support::{FetchOptions, answer, batch, broker};

#[test]
fn offsets_outside_the_log_are_out_of_range_and_the_end_is_not() {
    let broker = broker();
    broker.topic("letters", 1);
    let mut client = broker.connect();
    client.produce("letters", 0, 1, &batch(&["a", "b"]));
    for offset in [-1, 3, i64::MAX, i64::MIN] {
        let fetched = client.fetch("letters", 0, offset);
        assert_eq!((fetched.error, fetched.high_watermark), (ErrorCode::OffsetOutOfRange, -1), "{offset}");
    }
    let at_the_end = client.fetch("letters", 0, 2);
    assert_eq!((at_the_end.error, at_the_end.bytes.len()), (ErrorCode::None, 0));
}

#[test]
fn unknown_topics_partitions_and_ids_have_their_own_codes() {
    let broker = broker();
    broker.topic("letters", 1);
    let mut client = broker.connect();
    assert_eq!(client.fetch("nowhere", 0, 0).error, ErrorCode::UnknownTopicOrPartition);
    assert_eq!(client.fetch("letters", 1, 0).error, ErrorCode::UnknownTopicOrPartition);
    assert_eq!(client.fetch("letters", -1, 0).error, ErrorCode::UnknownTopicOrPartition);
    let unknown = FetchOptions { version: 16, topic_id: Uuid::from_bytes([3; 16]), ..Default::default() };
    assert_eq!(client.fetch_with(unknown).error, ErrorCode::UnknownTopicId);
}

#[test]
fn a_client_that_knows_another_epoch_is_told_so() {
    let broker = broker();
    broker.topic("letters", 1);
    let epoch = broker.server.store().log("letters", 0).unwrap().leader_epoch();
    let mut client = broker.connect();
    let mut code = |current_leader_epoch| {
        let fetch = FetchOptions { topic: "letters", current_leader_epoch, ..Default::default() };
        client.fetch_with(fetch).error
    };
    assert_eq!(code(epoch), ErrorCode::None);
    assert_eq!(code(epoch + 1), ErrorCode::UnknownLeaderEpoch);
    if epoch > 0 {
        assert_eq!(code(epoch - 1), ErrorCode::FencedLeaderEpoch);
    }
}

#[test]
fn a_fetch_session_is_never_begun_and_one_that_is_not_known_is_told_so() {
    let broker = broker();
    broker.topic("letters", 1);
    let mut client = broker.connect();
    let mut ask = |session_id, session_epoch| {
        let fetch = FetchOptions { topic: "letters", ..Default::default() };
        let frame =
            fetch.with(|request| client.ask(12, &fetch::Request { session_id, session_epoch, ..*request }));
        let response: fetch::Response<'_> = answer(&frame, 12);
        (response.error_code, response.session_id, response.responses.len())
    };
    assert_eq!(ask(0, 0), (ErrorCode::None, 0, 1), "asks for a session and gets none");
    assert_eq!(ask(0, -1), (ErrorCode::None, 0, 1), "wants none");
    assert_eq!(ask(77, -1), (ErrorCode::None, 0, 1), "ends one");
    assert_eq!(ask(77, 1), (ErrorCode::FetchSessionIdNotFound, 0, 0));
    assert_eq!(ask(0, 5), (ErrorCode::FetchSessionIdNotFound, 0, 0));
}

#[test]
fn a_topic_that_is_deleted_between_two_fetches_is_gone() {
    let broker = broker();
    broker.topic("letters", 1);
    let mut client = broker.connect();
    client.produce("letters", 0, 1, &batch(&["a"]));
    assert_eq!(client.fetch("letters", 0, 0).records().len(), 1);
    broker.server.store().delete_topic("letters").unwrap();
    assert_eq!(client.fetch("letters", 0, 0).error, ErrorCode::UnknownTopicOrPartition);
}

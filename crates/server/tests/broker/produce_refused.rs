use ottla_protocol::ErrorCode;
use ottla_protocol::api::produce;
use ottla_protocol::wire::List;
use ottla_record::{BatchBuilder, Compression};

use crate::support::{Broker, answer, batch, batch_from, broker, with_produce};

fn code(broker: &Broker, batch: &[u8]) -> ErrorCode {
    let produced = broker.connect().produce("letters", 0, -1, batch);
    assert_eq!(produced.error.is_error(), produced.message.is_some(), "an error comes with words");
    produced.error
}

#[test]
fn bad_batches_get_kafkas_codes_and_leave_nothing_behind() {
    let broker = broker();
    broker.topic_with("letters", 1, &[("max.message.bytes", "1000")]);
    let good = batch(&["a"]);

    let mut corrupt = good.clone();
    *corrupt.last_mut().unwrap() ^= 1;
    assert_eq!(code(&broker, &corrupt), ErrorCode::CorruptMessage);
    let mut magic = good.clone();
    magic[16] = 3;
    assert_eq!(code(&broker, &magic), ErrorCode::CorruptMessage);
    assert_eq!(code(&broker, &good[..good.len() - 1]), ErrorCode::CorruptMessage);
    assert_eq!(code(&broker, &[]), ErrorCode::InvalidRecord);
    assert_eq!(code(&broker, &[good.clone(), good.clone()].concat()), ErrorCode::InvalidRecord);
    assert_eq!(code(&broker, &batch(&[&"x".repeat(1000)])), ErrorCode::MessageTooLarge);
    let control = BatchBuilder::new().producer(1, 0, 0).transactional(false).control(true);
    assert_eq!(code(&broker, &batch_from(control, &["a"])), ErrorCode::InvalidRecord);
    let transactional = BatchBuilder::new().producer(1, 0, 0).transactional(true);
    assert_eq!(code(&broker, &batch_from(transactional, &["a"])), ErrorCode::InvalidTxnState);
    let mut future = BatchBuilder::new();
    future.push(i64::MAX / 2, None, Some(b"a"), &[]).unwrap();
    assert_eq!(code(&broker, &future.build().unwrap()), ErrorCode::InvalidTimestamp);

    assert_eq!(broker.connect().fetch("letters", 0, 0).high_watermark, 0);
    assert_eq!(broker.server.metrics().batches_refused, 9);
    assert_eq!(code(&broker, &good), ErrorCode::None, "the log still takes good ones");
}

#[test]
fn a_record_without_a_key_does_not_go_into_a_compacted_topic() {
    let broker = broker();
    broker.topic_with("compacted", 1, &[("cleanup.policy", "compact,delete")]);
    broker.topic("letters", 1);
    for codec in
        [Compression::None, Compression::Gzip, Compression::Snappy, Compression::Lz4, Compression::Zstd]
    {
        let batch = |second: Option<&[u8]>| {
            let mut builder = BatchBuilder::new().compression(codec);
            for key in [Some(&b"k"[..]), second, Some(b""), second] {
                builder.push(1, key, Some(b"v"), &[]).unwrap();
            }
            builder.build().unwrap()
        };
        let (keyless, keyed) = (batch(None), batch(Some(b"k")));
        let mut client = broker.connect();
        let frame = with_produce("compacted", 0, -1, &keyless, |request| client.ask(9, request));
        let response: produce::Response<'_> = answer(&frame, 9);
        let refused = &response.responses[0].partition_responses[0];
        assert_eq!((refused.error_code, refused.base_offset), (ErrorCode::InvalidRecord, -1), "{codec:?}");
        let records: Vec<i32> = refused.record_errors.iter().map(|record| record.batch_index).collect();
        assert_eq!(records, [1, 3], "those without a key");
        assert!(refused.record_errors[0].batch_index_error_message.is_some());
        assert_eq!(client.produce("compacted", 0, 1, &keyed).error, ErrorCode::None, "{codec:?}");
        assert_eq!(client.produce("letters", 0, 1, &keyless).error, ErrorCode::None, "no keys are needed");
    }
}

#[test]
fn a_record_with_an_impossible_timestamp_is_named() {
    let broker = broker();
    broker.topic("letters", 1);
    let mut builder = BatchBuilder::new();
    builder.push(1, None, Some(b"a"), &[]).unwrap();
    builder.push(i64::MAX / 2, None, Some(b"a"), &[]).unwrap();
    let batch = builder.build().unwrap();
    let mut client = broker.connect();
    let frame = with_produce("letters", 0, 1, &batch, |request| client.ask(9, request));
    let response: produce::Response<'_> = answer(&frame, 9);
    let refused = &response.responses[0].partition_responses[0];
    assert_eq!((refused.error_code, refused.record_errors[0].batch_index), (ErrorCode::InvalidTimestamp, 1));
}

#[test]
fn messages_of_the_old_formats_are_refused() {
    let broker = broker();
    broker.topic("letters", 1);
    let mut magic_1 = vec![0; 8];
    let body =
        [&[0_u8; 4][..], &[1, 0], &[0; 8], &(-1_i32).to_be_bytes(), &1_i32.to_be_bytes(), b"a"].concat();
    magic_1.extend_from_slice(&(body.len() as i32).to_be_bytes());
    magic_1.extend_from_slice(&body);
    assert_eq!(code(&broker, &magic_1), ErrorCode::InvalidRecord);
}

#[test]
fn zstd_needs_a_version_whose_readers_know_it() {
    let broker = broker();
    broker.topic("letters", 1);
    let zstd = batch_from(BatchBuilder::new().compression(Compression::Zstd), &["a"]);
    let mut client = broker.connect();
    assert_eq!(
        client.produce_version(6, "letters", 0, 1, &zstd).error,
        ErrorCode::UnsupportedCompressionType
    );
    assert_eq!(client.produce_version(7, "letters", 0, 1, &zstd).error, ErrorCode::None);
}

#[test]
fn unknown_topics_partitions_and_ids_have_their_own_codes() {
    let broker = broker();
    broker.topic("letters", 1);
    let mut client = broker.connect();
    assert_eq!(client.produce("nowhere", 0, 1, &batch(&["a"])).error, ErrorCode::UnknownTopicOrPartition);
    for partition in [1, -1, i32::MAX] {
        let produced = client.produce("letters", partition, 1, &batch(&["a"]));
        assert_eq!(produced.error, ErrorCode::UnknownTopicOrPartition);
    }
    let unknown_id = client.produce_version(13, "", 0, 1, &batch(&["a"]));
    assert_eq!(unknown_id.error, ErrorCode::UnknownTopicId);
}

#[test]
fn one_bad_partition_does_not_stop_the_others() {
    let broker = broker();
    broker.topic("letters", 2);
    let (good, bad) = (batch(&["a"]), [0; 80]);
    let partitions = [(0, &bad[..]), (1, &good[..])]
        .map(|(index, records)| produce::PartitionProduceData { index, records: Some(records) });
    let topics = [produce::TopicProduceData {
        name: "letters",
        partition_data: List::from(&partitions),
        ..Default::default()
    }];
    let request = produce::Request { acks: -1, topic_data: List::from(&topics), ..Default::default() };
    let mut client = broker.connect();
    let frame = client.ask(9, &request);
    let response: produce::Response<'_> = answer(&frame, 9);
    let codes: Vec<_> = response.responses[0].partition_responses.iter().map(|p| p.error_code).collect();
    assert_eq!(codes, [ErrorCode::CorruptMessage, ErrorCode::None]);
    assert_eq!(client.fetch("letters", 1, 0).records().len(), 1);
}

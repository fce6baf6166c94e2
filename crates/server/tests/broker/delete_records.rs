use ottla_protocol::ErrorCode;
use ottla_protocol::api::delete_records::{self, DeleteRecordsPartition, DeleteRecordsTopic};
use ottla_protocol::wire::List;

use crate::support::{Client, answer, batch, broker};

fn delete(client: &mut Client, topic: &str, partition_index: i32, offset: i64) -> (ErrorCode, i64) {
    let partitions = [DeleteRecordsPartition { partition_index, offset }];
    let topics = [DeleteRecordsTopic { name: topic, partitions: List::from(&partitions) }];
    let frame = client.ask(2, &delete_records::Request { topics: List::from(&topics), timeout_ms: 1_000 });
    let response: delete_records::Response<'_> = answer(&frame, 2);
    let partition = response.topics[0].partitions[0];
    (partition.error_code, partition.low_watermark)
}

#[test]
fn the_start_of_the_log_moves_up_and_reads_below_it_are_out_of_range() {
    let broker = broker();
    broker.topic("letters", 1);
    let mut client = broker.connect();
    for value in ["a", "b", "c"] {
        client.produce("letters", 0, 1, &batch(&[value]));
    }
    assert_eq!(delete(&mut client, "letters", 0, 2), (ErrorCode::None, 2));
    assert_eq!(client.fetch("letters", 0, 1).error, ErrorCode::OffsetOutOfRange);
    assert_eq!(client.fetch("letters", 0, 2).records(), [(2, "c".to_owned())]);
    assert_eq!(client.list_offset("letters", 0, -2).offset, 2);
    assert_eq!(delete(&mut client, "letters", 0, 1), (ErrorCode::None, 2), "it never moves back");
    assert_eq!(delete(&mut client, "letters", 0, -1), (ErrorCode::None, 3), "all there is");
}

#[test]
fn offsets_past_the_end_and_unknown_partitions_are_refused() {
    let broker = broker();
    broker.topic("letters", 1);
    let mut client = broker.connect();
    for offset in [1, i64::MAX, -2, i64::MIN] {
        assert_eq!(delete(&mut client, "letters", 0, offset), (ErrorCode::OffsetOutOfRange, -1));
    }
    assert_eq!(delete(&mut client, "letters", 1, 0), (ErrorCode::UnknownTopicOrPartition, -1));
    assert_eq!(delete(&mut client, "nowhere", 0, 0), (ErrorCode::UnknownTopicOrPartition, -1));
}

//! What Apache Kafka wrote is read as librdkafka's consumer read it, and written again byte for byte.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing, reason = "tests")]

mod common;

use std::collections::HashMap;

use common::{KAFKA_2_8, KAFKA_4_3, MAX_DECOMPRESSED_BYTES, Seen, batches, expected};
use ottla_record::{
    Assignment, BatchBuilder, BatchChecksum, BatchHeader, Compression, ControlRecord, EndTransactionMarker,
    Head, Header, Limits, RecordError, TimestampType, check, decode, patch_header, verify_crc,
};

/// The records of a batch that a consumer is shown.
fn shown(batch: &[u8]) -> Vec<Seen> {
    let decoded = decode(batch, MAX_DECOMPRESSED_BYTES).unwrap();
    if decoded.head().is_control() {
        return Vec::new();
    }
    decoded.records().map(|record| Seen::of(&record.unwrap(), decoded.timestamp_type())).collect()
}

fn header_of(batch: &[u8]) -> BatchHeader {
    match Head::parse(batch).unwrap() {
        Head::V2(header) => header,
        Head::Legacy(_) => panic!("a batch of magic 2 was expected"),
    }
}

#[track_caller]
fn assert_same(topic: &str, found: &[Seen], expected: &[Seen]) {
    assert!(!expected.is_empty(), "{topic}");
    for (found, expected) in found.iter().zip(expected) {
        assert_eq!(found, expected, "{topic}");
    }
    assert_eq!(found.len(), expected.len(), "{topic}");
}

#[test]
fn batches_of_kafka_4_3_hold_what_a_consumer_read() {
    for topic in KAFKA_4_3 {
        let found: Vec<Seen> = batches("kafka-4.3", topic).iter().flat_map(|batch| shown(batch)).collect();
        let suffix = if topic == "txn" { ".uncommitted" } else { "" };
        assert_same(topic, &found, &expected(&format!("kafka-4.3-{topic}{suffix}")));
    }
}

#[test]
fn messages_of_kafka_2_8_hold_what_a_consumer_read() {
    for topic in KAFKA_2_8 {
        let found: Vec<Seen> = batches("kafka-2.8", topic).iter().flat_map(|batch| shown(batch)).collect();
        assert_same(topic, &found, &expected(&format!("kafka-2.8-{topic}")));
    }
}

/// A consumer of committed records needs the markers: which producer's records end how.
#[test]
fn markers_tell_committed_records_from_aborted_ones() {
    let mut open: HashMap<i64, Vec<Seen>> = HashMap::new();
    let mut committed = Vec::new();
    let (mut commits, mut aborts) = (0, 0);
    for batch in batches("kafka-4.3", "txn") {
        let head = Head::parse(&batch).unwrap();
        let producer_id = head.producer().unwrap().producer_id;
        assert!(head.is_transactional());
        if !head.is_control() {
            open.entry(producer_id).or_default().extend(shown(&batch));
            continue;
        }
        let decoded = decode(&batch, MAX_DECOMPRESSED_BYTES).unwrap();
        for record in decoded.records() {
            let record = record.unwrap();
            let ended = open.remove(&producer_id).unwrap_or_default();
            match ControlRecord::parse(record.key, record.value).unwrap() {
                ControlRecord::Commit { .. } => {
                    commits += 1;
                    committed.extend(ended);
                }
                ControlRecord::Abort { .. } => aborts += 1,
                other => panic!("{other:?}"),
            }
        }
    }
    assert!(commits > 0 && aborts > 0 && open.is_empty());
    committed.sort_by_key(|record| record.offset);
    assert_same("txn", &committed, &expected("kafka-4.3-txn.committed"));
}

#[test]
fn every_checksum_is_right_and_a_changed_byte_is_found() {
    for (version, topics) in [("kafka-4.3", KAFKA_4_3), ("kafka-2.8", KAFKA_2_8)] {
        for topic in topics {
            for mut batch in batches(version, topic) {
                let head = verify_crc(&batch).unwrap();
                assert_eq!(head.size_bytes(), batch.len());
                *batch.last_mut().unwrap() ^= 0x40;
                assert!(matches!(verify_crc(&batch), Err(RecordError::CrcMismatch { .. })), "{topic}");
            }
        }
    }
}

#[test]
fn a_checksum_in_pieces_says_what_the_checksum_of_the_whole_says() {
    let in_pieces = |batch: &[u8], piece_bytes: usize| {
        let mut pieces = batch.chunks(piece_bytes);
        let mut checksum = BatchChecksum::start(pieces.next().unwrap())?;
        pieces.for_each(|piece| checksum.update(piece));
        checksum.finish()
    };
    for (version, topics) in [("kafka-4.3", KAFKA_4_3), ("kafka-2.8", KAFKA_2_8)] {
        for topic in topics {
            for mut batch in batches(version, topic).into_iter().take(20) {
                for piece_bytes in [61, 100, 4096, usize::MAX] {
                    assert_eq!(in_pieces(&batch, piece_bytes), verify_crc(&batch), "{topic}");
                    let cut = &batch[..batch.len() - 1];
                    assert_eq!(in_pieces(cut, piece_bytes), verify_crc(cut), "{topic}");
                }
                *batch.last_mut().unwrap() ^= 1;
                assert_eq!(in_pieces(&batch, 61), verify_crc(&batch), "{topic}");
                batch.push(0);
                assert_eq!(in_pieces(&batch, 61), verify_crc(&batch), "{topic}");
            }
        }
    }
}

/// The batches of Kafka 4.3 that a client could have sent are accepted, and what the check says of their
/// records is what the records say.
#[test]
fn check_takes_what_kafka_took() {
    for topic in KAFKA_4_3.into_iter().filter(|&topic| topic != "compact") {
        for batch in batches("kafka-4.3", topic) {
            let checked = check(&batch, &Limits::default()).unwrap();
            let decoded = decode(&batch, MAX_DECOMPRESSED_BYTES).unwrap();
            let records: Vec<_> = decoded.records().map(Result::unwrap).collect();
            let latest = records.iter().rev().max_by_key(|record| record.timestamp_ms).unwrap();
            assert_eq!(checked.max_timestamp_ms, latest.timestamp_ms);
            assert_eq!(checked.offset_of_max_timestamp, latest.offset);
            assert_eq!(checked.max_timestamp_ms, checked.header.max_timestamp_ms);
            assert_eq!(checked.header.record_count as usize, records.len());
        }
    }
}

#[test]
fn a_batch_that_compaction_thinned_is_whole_but_no_client_may_send_it() {
    let mut thinned = 0;
    for batch in batches("kafka-4.3", "compact") {
        let header = header_of(&batch);
        verify_crc(&batch).unwrap();
        if header.record_count <= header.last_offset_delta {
            thinned += 1;
            let refused = RecordError::CountMismatch {
                record_count: header.record_count,
                last_offset_delta: header.last_offset_delta,
            };
            assert_eq!(check(&batch, &Limits::default()), Err(refused));
        }
    }
    assert!(thinned > 10, "{thinned}");
}

/// The options that lead to a batch like this one, before its records.
fn builder_like(header: &BatchHeader) -> BatchBuilder {
    let mut builder = BatchBuilder::new()
        .base_offset(header.base_offset)
        .leader_epoch(header.leader_epoch)
        .producer(header.producer_id, header.producer_epoch, header.base_sequence)
        .transactional(header.attributes.is_transactional())
        .control(header.attributes.is_control())
        .last_offset(header.last_offset());
    if let Some(delete_horizon_ms) = header.delete_horizon_ms() {
        builder = builder.delete_horizon_ms(delete_horizon_ms);
    }
    builder
}

fn push_all(builder: &mut BatchBuilder, batch: &[u8]) {
    let decoded = decode(batch, MAX_DECOMPRESSED_BYTES).unwrap();
    for record in decoded.records() {
        let record = record.unwrap();
        let headers: Vec<Header<'_>> = record.headers.clone().collect();
        builder.push_at(record.offset, record.timestamp_ms, record.key, record.value, &headers).unwrap();
    }
}

#[test]
fn uncompressed_batches_are_written_as_kafka_wrote_them() {
    let mut written = HashMap::new();
    for topic in KAFKA_4_3.into_iter().filter(|&topic| topic != "appendtime") {
        for batch in batches("kafka-4.3", topic) {
            let header = header_of(&batch);
            if header.attributes.compression() != Ok(Compression::None) {
                continue;
            }
            let mut builder = builder_like(&header);
            push_all(&mut builder, &batch);
            assert_eq!(builder.build().unwrap(), batch, "{topic} {header:?}");
            *written.entry(topic).or_insert(0) += 1;
        }
    }
    for topic in ["none", "compact", "txn"] {
        assert!(written[topic] > 10, "{written:?}");
    }
}

/// Kafka took these batches with create time and gave them log-append time: the records still carry what
/// the client wrote, and the edits of the header lead from there to Kafka's bytes.
#[test]
fn the_edits_of_a_log_lead_to_kafkas_bytes() {
    for stored in batches("kafka-4.3", "appendtime") {
        let header = header_of(&stored);
        assert_eq!(header.attributes.timestamp_type(), TimestampType::LogAppendTime);
        let mut as_created = stored.clone();
        let created = BatchHeader {
            attributes: header.attributes.with_timestamp_type(TimestampType::CreateTime),
            ..header
        };
        as_created[..BatchHeader::LEN].copy_from_slice(&created.write());

        let mut builder = BatchBuilder::new().base_offset(header.base_offset).producer(
            header.producer_id,
            header.producer_epoch,
            header.base_sequence,
        );
        push_all(&mut builder, &as_created);
        let mut batch = builder.build().unwrap();
        assert_ne!(batch, stored);

        let (head, records) = batch.split_first_chunk_mut().unwrap();
        let assignment = Assignment {
            base_offset: header.base_offset,
            leader_epoch: header.leader_epoch,
            append_time_ms: Some(header.max_timestamp_ms),
            max_timestamp_ms: None,
        };
        patch_header(head, assignment, records);
        assert_eq!(batch, stored);
    }
}

#[test]
fn markers_are_written_as_kafka_wrote_them() {
    let mut markers = 0;
    for stored in batches("kafka-4.3", "txn") {
        let header = header_of(&stored);
        if !header.attributes.is_control() {
            continue;
        }
        let decoded = decode(&stored, MAX_DECOMPRESSED_BYTES).unwrap();
        let record = decoded.records().next().unwrap().unwrap();
        let (commit, coordinator_epoch) = match ControlRecord::parse(record.key, record.value).unwrap() {
            ControlRecord::Commit { coordinator_epoch } => (true, coordinator_epoch),
            ControlRecord::Abort { coordinator_epoch } => (false, coordinator_epoch),
            other => panic!("{other:?}"),
        };
        let marker = EndTransactionMarker {
            producer_id: header.producer_id,
            producer_epoch: header.producer_epoch,
            coordinator_epoch,
            commit,
            timestamp_ms: record.timestamp_ms,
        };
        let mut batch = marker.to_batch().unwrap();
        let (head, records) = batch.split_first_chunk_mut().unwrap();
        let assignment = Assignment {
            base_offset: header.base_offset,
            leader_epoch: header.leader_epoch,
            append_time_ms: None,
            max_timestamp_ms: None,
        };
        patch_header(head, assignment, records);
        assert_eq!(batch, stored);
        markers += 1;
    }
    assert!(markers > 10, "{markers}");
}

#[test]
fn sequence_numbers_run_through_the_batches_of_an_idempotent_producer() {
    let mut next = 0;
    for batch in batches("kafka-4.3", "zstd") {
        let decoded = decode(&batch, MAX_DECOMPRESSED_BYTES).unwrap();
        let stamp = decoded.head().producer().unwrap();
        assert_eq!(stamp.base_sequence, next);
        for record in decoded.records() {
            assert_eq!(record.unwrap().sequence, Some(next));
            next += 1;
        }
        assert_eq!(stamp.last_sequence, next - 1);
    }
    assert_eq!(next, 8000);
}

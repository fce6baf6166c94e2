//! Messages of magic 0 and 1, made by hand where no Kafka would write them.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing, reason = "tests")]

mod common;

use common::hand_made::{gzip, message};
use ottla_record::{Head, Magic, Offset, RecordError, TimestampType, decode, verify_crc};

const GZIP: u8 = 1;
const LOG_APPEND_TIME: u8 = 8;
const LIMIT: usize = 1 << 20;

fn wrapped(magic: u8, attributes: u8, offset: i64, timestamp_ms: i64, inner: &[Vec<u8>]) -> Vec<u8> {
    message(magic, attributes | GZIP, offset, timestamp_ms, None, Some(&gzip(&inner.concat())))
}

/// Offsets and timestamps of the records.
fn read(message: &[u8]) -> Result<Vec<(i64, i64)>, RecordError> {
    decode(message, LIMIT)?
        .records()
        .map(|record| record.map(|record| (record.offset.get(), record.timestamp_ms)))
        .collect()
}

#[test]
fn a_single_message_is_its_own_record() {
    let bytes = message(1, 0, 7, 1_234, Some(b"key"), None);
    let head = verify_crc(&bytes).unwrap();
    assert_eq!(
        (head.magic(), head.base_offset(), head.last_offset()),
        (Magic::V1, Offset::new(7), Offset::new(7))
    );
    assert_eq!((head.leader_epoch(), head.producer(), head.max_timestamp_ms()), (-1, None, 1_234));
    let decoded = decode(&bytes, LIMIT).unwrap();
    assert_eq!(decoded.timestamp_type(), Some(TimestampType::CreateTime));
    let record = decoded.records().next().unwrap().unwrap();
    assert_eq!((record.key, record.value, record.sequence), (Some(&b"key"[..]), None, None));
    assert_eq!(decoded.records().count(), 1);
}

#[test]
fn magic_0_has_no_timestamps_whatever_its_attributes_say() {
    let bytes = message(0, LOG_APPEND_TIME, 7, 0, None, Some(b""));
    let decoded = decode(&bytes, LIMIT).unwrap();
    assert_eq!(decoded.timestamp_type(), None);
    assert_eq!(read(&bytes), Ok(vec![(7, -1)]));
}

#[test]
fn offsets_inside_a_wrapper_of_magic_0_are_absolute() {
    let inner = [message(0, 0, 50, 0, None, Some(b"a")), message(0, 0, 52, 0, None, Some(b"b"))];
    for wrapper in [52, 60, 7, 0] {
        assert_eq!(read(&wrapped(0, 0, wrapper, 0, &inner)), Ok(vec![(50, -1), (52, -1)]), "{wrapper}");
    }
}

#[test]
fn offsets_inside_a_wrapper_of_magic_1_are_relative_to_its_last() {
    let inner = [message(1, 0, 0, 10, None, Some(b"a")), message(1, 0, 2, 30, None, Some(b"b"))];
    assert_eq!(read(&wrapped(1, 0, 102, 30, &inner)), Ok(vec![(100, 10), (102, 30)]));
    // Some versions of librdkafka left the wrapper at offset 0.
    assert_eq!(read(&wrapped(1, 0, 0, 30, &inner)), Ok(vec![(0, 10), (2, 30)]));
    assert_eq!(
        read(&wrapped(1, 0, 1, 30, &inner)),
        Err(RecordError::BadWrapperOffset { wrapper: 1, last_inner: 2 })
    );
}

#[test]
fn the_log_append_time_of_a_wrapper_is_that_of_its_messages() {
    let inner = [message(1, 0, 0, 10, None, Some(b"a")), message(1, 0, 1, 30, None, Some(b"b"))];
    let bytes = wrapped(1, LOG_APPEND_TIME, 101, 999, &inner);
    assert_eq!(decode(&bytes, LIMIT).unwrap().timestamp_type(), Some(TimestampType::LogAppendTime));
    assert_eq!(read(&bytes), Ok(vec![(100, 999), (101, 999)]));
}

#[test]
fn a_wrapper_inside_a_wrapper_is_refused() {
    let inner = wrapped(1, 0, 0, 0, &[message(1, 0, 0, 0, None, Some(b"deep"))]);
    assert_eq!(read(&wrapped(1, 0, 0, 0, &[inner])), Err(RecordError::NestedCompression));
}

#[test]
fn a_wrapper_without_messages_is_refused() {
    assert_eq!(read(&wrapped(1, 0, 0, 0, &[])), Err(RecordError::EmptyMessageSet));
    assert_eq!(read(&message(1, GZIP, 0, 0, None, None)), Err(RecordError::EmptyMessageSet));
}

#[test]
fn damage_to_an_inner_message_is_found() {
    let good = message(1, 0, 0, 10, Some(b"key"), Some(b"value"));
    for at in 12..good.len() {
        let mut bad = good.clone();
        bad[at] ^= 0x04;
        assert!(read(&wrapped(1, 0, 0, 0, &[good.clone(), bad])).is_err(), "{at}");
    }
    let cut = vec![good[..good.len() - 1].to_vec()];
    assert!(matches!(read(&wrapped(1, 0, 0, 0, &cut)), Err(RecordError::TooShort { .. })));
}

#[test]
fn fields_that_do_not_fill_the_message_are_refused() {
    let good = message(1, 0, 0, 10, Some(b"key"), Some(b"value"));
    let key_length = 26;
    for (length, refused) in [
        (-2, RecordError::BadFieldLength { length: -2 }),
        (1_000, RecordError::FieldOverrun { needed: 1_000, left: 12 }),
        (i32::MAX, RecordError::FieldOverrun { needed: i32::MAX as usize, left: 12 }),
        (10, RecordError::FieldOverrun { needed: 4, left: 2 }),
    ] {
        let mut bad = good.clone();
        bad[key_length..key_length + 4].copy_from_slice(&i32::to_be_bytes(length));
        assert_eq!(read(&bad), Err(refused));
    }
    let mut shorter_value = good.clone();
    let at = good.len() - 9;
    shorter_value[at..at + 4].copy_from_slice(&3i32.to_be_bytes());
    assert_eq!(read(&shorter_value), Err(RecordError::RecordTrailingBytes { count: 2 }));
}

#[test]
fn every_changed_byte_under_the_checksum_is_found() {
    for magic in [0, 1] {
        let good = message(magic, 0, 3, 10, Some(b"key"), Some(b"value"));
        assert!(matches!(verify_crc(&good), Ok(Head::Legacy(_))));
        for at in (12..good.len()).filter(|&at| at != 16) {
            let mut bad = good.clone();
            bad[at] ^= 0x04;
            assert!(matches!(verify_crc(&bad), Err(RecordError::CrcMismatch { .. })), "{at}");
        }
    }
}

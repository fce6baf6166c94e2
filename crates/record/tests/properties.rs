//! For any records: what is written is read back. For any bytes: an answer, never a panic.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing, reason = "tests")]

mod common;

use common::hand_made::{batch, header, message, with_checksum};
use common::{KAFKA_2_8, KAFKA_4_3, MAX_DECOMPRESSED_BYTES, Seen, batches};
use ottla_record::{
    Assignment, BatchBuilder, BatchHeader, Compression, ControlRecord, Head, Header, Limits, Offset,
    RecordError, Scratch, TimestampType, check, check_with, decode, patch_header, verify_crc,
};
use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::{Index, select};

type Bytes = Vec<u8>;
type Made = (i64, Option<Bytes>, Option<Bytes>, Vec<(String, Option<Bytes>)>);

fn bytes() -> impl Strategy<Value = Bytes> {
    prop_oneof![
        8 => vec(any::<u8>(), 0..40),
        2 => vec(any::<u8>(), 100..300),
        1 => (any::<u8>(), 10_000usize..90_000).prop_map(|(byte, len)| vec![byte; len]),
    ]
}

fn made_record() -> impl Strategy<Value = Made> {
    let headers = vec((".{0,8}", proptest::option::of(vec(any::<u8>(), 0..20))), 0..4);
    let timestamp_ms = prop_oneof![0i64..5_000_000_000_000, Just(-1)];
    (timestamp_ms, proptest::option::of(bytes()), proptest::option::of(bytes()), headers)
}

fn push_all(builder: &mut BatchBuilder, records: &[Made]) {
    for (timestamp_ms, key, value, headers) in records {
        let headers: Vec<Header<'_>> =
            headers.iter().map(|(name, value)| Header::new(name, value.as_deref())).collect();
        builder.push(*timestamp_ms, key.as_deref(), value.as_deref(), &headers).unwrap();
    }
}

fn seen(base_offset: i64, records: &[Made]) -> Vec<Seen> {
    let named = |(name, value): &(String, Option<Bytes>)| (name.clone().into_bytes(), value.clone());
    records
        .iter()
        .zip(base_offset..)
        .map(|((timestamp_ms, key, value, headers), offset)| Seen {
            offset,
            timestamp_type: "create",
            timestamp_ms: *timestamp_ms,
            key: key.clone(),
            value: value.clone(),
            headers: headers.iter().map(named).collect(),
        })
        .collect()
}

fn limits() -> Limits {
    Limits { max_batch_bytes: 8 << 20, max_decompressed_bytes: 8 << 20, ..Limits::default() }
}

/// zstd words its refusal of a corrupt frame by the size of the buffer that its context has kept.
fn without_reason<T>(found: Result<T, RecordError>) -> Result<T, RecordError> {
    found.map_err(|error| match error {
        RecordError::Decompress { compression, .. } => {
            RecordError::Decompress { compression, reason: String::new() }
        }
        other => other,
    })
}

/// Everything that reads bytes, on these bytes.
fn read_all(bytes: &[u8]) {
    let _ = Head::parse(bytes);
    let _ = verify_crc(bytes);
    let _ = check(bytes, &limits());
    if let Ok(decoded) = decode(bytes, 8 << 20) {
        for record in decoded.records().flatten() {
            let _ = record.headers.map(|header| header.name_lossy().len()).sum::<usize>();
            let _ = ControlRecord::parse(record.key, record.value);
        }
    }
}

/// What lets a payload get past the first look of each codec.
const BEGINNINGS: &[&[u8]] = &[
    b"",
    b"\x1f\x8b\x08\0\0\0\0\0\0\xff",
    b"\x82SNAPPY\0\0\0\0\x01\0\0\0\x01\0\0",
    b"\x04\x22\x4d\x18\x60\x40\x82",
    b"\x28\xb5\x2f\xfd",
];

proptest! {
    #[test]
    fn records_come_back_through_every_codec(
        records in vec(made_record(), 1..30),
        compression in select(&Compression::ALL[..]),
        base_offset in 0i64..1 << 60,
        producer in proptest::option::of((0i64..1 << 40, 0i16..100, 0..i32::MAX)),
    ) {
        let mut builder = BatchBuilder::new().compression(compression).base_offset(Offset::new(base_offset));
        if let Some((id, epoch, sequence)) = producer {
            builder = builder.producer(id, epoch, sequence);
        }
        push_all(&mut builder, &records);
        let batch = builder.build().unwrap();

        prop_assert_eq!(verify_crc(&batch).unwrap().last_offset(), Offset::new(base_offset) + (records.len() as i64 - 1));
        let decoded = decode(&batch, MAX_DECOMPRESSED_BYTES).unwrap();
        let read: Vec<_> = decoded.records().map(Result::unwrap).collect();
        let found: Vec<Seen> = read.iter().map(|record| Seen::of(record, decoded.timestamp_type())).collect();
        prop_assert_eq!(&found, &seen(base_offset, &records));
        prop_assert_eq!(read.last().unwrap().sequence, decoded.head().producer().map(|stamp| stamp.last_sequence));

        let checked = check(&batch, &limits()).unwrap();
        prop_assert_eq!(checked.max_timestamp_ms, found.iter().map(|record| record.timestamp_ms).max().unwrap());
        let at = (checked.offset_of_max_timestamp.get() - base_offset) as usize;
        prop_assert_eq!(found[at].timestamp_ms, checked.max_timestamp_ms);
    }

    #[test]
    fn an_assignment_changes_what_it_says_and_nothing_else(
        records in vec(made_record(), 1..5),
        compression in select(&Compression::ALL[..]),
        base_offset in 0..i64::MAX,
        leader_epoch in 0..i32::MAX,
        append_time_ms in proptest::option::of(any::<Option<i64>>()),
        max_timestamp_ms in proptest::option::of(any::<i64>()),
    ) {
        let mut builder = BatchBuilder::new().compression(compression);
        push_all(&mut builder, &records);
        let batch = builder.build().unwrap();
        let Head::V2(before) = Head::parse(&batch).unwrap() else { panic!() };

        // An append time that is already the largest timestamp changes the attributes alone.
        let append_time_ms = append_time_ms.map(|time_ms| time_ms.unwrap_or(before.max_timestamp_ms));
        let mut patched = batch.clone();
        let (head, rest) = patched.split_first_chunk_mut().unwrap();
        let base_offset = Offset::new(base_offset);
        patch_header(head, Assignment { base_offset, leader_epoch, append_time_ms, max_timestamp_ms }, rest);

        let Head::V2(after) = verify_crc(&patched).unwrap() else { panic!() };
        prop_assert_eq!(&patched[BatchHeader::LEN..], &batch[BatchHeader::LEN..]);
        prop_assert_eq!(
            after.attributes.timestamp_type(),
            if append_time_ms.is_some() { TimestampType::LogAppendTime } else { TimestampType::CreateTime }
        );
        let max_timestamp_ms = append_time_ms.or(max_timestamp_ms).unwrap_or(before.max_timestamp_ms);
        let expected = BatchHeader {
            base_offset,
            leader_epoch,
            max_timestamp_ms,
            crc: after.crc,
            attributes: before.attributes.with_timestamp_type(after.attributes.timestamp_type()),
            ..before
        };
        prop_assert_eq!(after, expected);
        if after.attributes == before.attributes && max_timestamp_ms == before.max_timestamp_ms {
            prop_assert_eq!(after.crc, before.crc);
        }
    }

    #[test]
    fn a_scratch_of_the_callers_gives_the_same_answers(
        all in vec((vec(made_record(), 1..6), select(&Compression::ALL[..]), any::<Index>(), any::<u8>()), 1..6),
    ) {
        let mut scratch = Scratch::new();
        for (records, compression, at, bits) in all {
            let mut builder = BatchBuilder::new().compression(compression);
            push_all(&mut builder, &records);
            let mut batch = builder.build().unwrap();
            let at = at.index(batch.len() - BatchHeader::LEN) + BatchHeader::LEN;
            batch[at] ^= bits & 1;
            let batch = with_checksum(batch);
            let found = without_reason(check_with(&batch, &limits(), &mut scratch));
            prop_assert_eq!(&found, &without_reason(check(&batch, &limits())));
            prop_assert_eq!(found, without_reason(check_with(&batch, &limits(), &mut Scratch::new())));
        }
    }

    /// What the check lets through is what every reader can read, to the last record.
    #[test]
    fn what_is_checked_can_be_decoded(
        records in vec(made_record(), 1..6),
        compression in select(&Compression::ALL[..]),
        changes in vec((any::<Index>(), any::<u8>()), 0..4),
    ) {
        let mut builder = BatchBuilder::new().compression(compression).producer(1, 1, 1);
        push_all(&mut builder, &records);
        let mut batch = builder.build().unwrap();
        for (at, byte) in changes {
            let at = at.index(batch.len() - 21) + 21;
            batch[at] = byte;
        }
        let batch = with_checksum(batch);
        let checked = check(&batch, &limits());
        let decoded = decode(&batch, limits().max_decompressed_bytes);
        let read = decoded.as_ref().map_err(Clone::clone)
            .and_then(|decoded| decoded.records().collect::<Result<Vec<_>, RecordError>>());
        if let Ok(checked) = checked {
            let read = read.unwrap();
            prop_assert_eq!(read.len(), checked.header.record_count as usize);
            let max = read.iter().map(|record| record.timestamp_ms).max().unwrap().max(-1);
            prop_assert_eq!(max, checked.max_timestamp_ms);
        }
    }

    #[test]
    fn any_bytes_are_read_without_a_panic(bytes in vec(any::<u8>(), 0..200), magic in 0u8..4) {
        read_all(&bytes);
        if bytes.len() > 16 {
            let mut headed = bytes;
            headed[16] = magic;
            let length = headed.len() as i32 - 12;
            headed[8..12].copy_from_slice(&length.to_be_bytes());
            read_all(&headed);
        }
    }

    #[test]
    fn any_payload_is_read_without_a_panic(
        payload in vec(any::<u8>(), 0..300),
        compression in select(&Compression::ALL[..]),
        record_count in prop_oneof![1..5, any::<i32>()],
        begin in select(BEGINNINGS),
    ) {
        let payload = [begin, &payload].concat();
        let with = BatchHeader { record_count, ..header(1, compression) };
        let with = BatchHeader { last_offset_delta: record_count.wrapping_sub(1), ..with };
        read_all(&batch(with, &payload));
        for magic in [0, 1] {
            read_all(&message(magic, compression.id(), 3, 0, None, Some(&payload)));
        }
    }
}

/// Some batches of Kafka's of every kind, shortened to the first few of each topic.
fn kafkas() -> Vec<Bytes> {
    let mut all = Vec::new();
    for (version, topics) in [("kafka-4.3", KAFKA_4_3), ("kafka-2.8", KAFKA_2_8)] {
        for topic in topics {
            all.extend(batches(version, topic).into_iter().take(4));
        }
    }
    all
}

#[test]
fn kafkas_batches_with_bytes_changed_are_read_without_a_panic() {
    let all = kafkas();
    let mut state = 0x9e37_79b9_u32;
    let mut next = |below: usize| {
        state ^= state << 13;
        state ^= state >> 17;
        state ^= state << 5;
        state as usize % below
    };
    for round in 0..4_000 {
        let mut bytes = all[round % all.len()].clone();
        for _ in 0..=next(3) {
            let at = next(bytes.len());
            match next(4) {
                0 => bytes[at] = next(256) as u8,
                1 => bytes[at] ^= 1 << next(8),
                2 => bytes[at] = [0, 0x7f, 0x80, 0xff][next(4)],
                _ => bytes.truncate(at.max(70)),
            }
        }
        read_all(&bytes);
        if bytes.len() > BatchHeader::LEN && bytes[16] == 2 {
            let length = bytes.len() as i32 - 12;
            bytes[8..12].copy_from_slice(&length.to_be_bytes());
            read_all(&with_checksum(bytes));
        }
    }
}

#[test]
fn a_file_cut_anywhere_gives_heads_until_the_cut() {
    for batch in kafkas() {
        for len in (0..batch.len().min(100)).chain([batch.len() - 1]) {
            match Head::parse(&batch[..len]) {
                Ok(head) => assert_eq!(head, Head::parse(&batch).unwrap()),
                Err(RecordError::TooShort { needed, found }) => assert!(needed > found && found == len),
                Err(other) => panic!("{other}"),
            }
            assert!(matches!(verify_crc(&batch[..len]), Err(RecordError::TooShort { .. })));
        }
    }
}

proptest! {
    /// A shorter way to offsets and times must take what the long way takes, give what it gives, and fail where it fails.
    #[test]
    fn offsets_and_times_are_those_of_the_records(
        records in vec(made_record(), 0..30),
        are_close in any::<bool>(),
        damage in proptest::option::of((any::<Index>(), any::<u8>())),
    ) {
        let mut records = records;
        if are_close {
            records.iter_mut().for_each(|record| record.0 %= 5_000);
        }
        let mut builder = BatchBuilder::new().base_offset(Offset::new(70));
        push_all(&mut builder, &records);
        let mut batch = builder.build().unwrap();
        if let Some((at, byte)) = damage.filter(|_| batch.len() > BatchHeader::LEN) {
            let at = BatchHeader::LEN + at.index(batch.len() - BatchHeader::LEN);
            batch[at] = byte;
        }
        let decoded = decode(&batch, MAX_DECOMPRESSED_BYTES).unwrap();
        let mut short = Vec::new();
        let end = decoded.for_each_stamp(|offset, timestamp_ms| {
            short.push((offset, timestamp_ms));
            Ok::<(), ()>(())
        });
        let (mut long, mut long_end) = (Vec::new(), Ok(Ok(())));
        for record in decoded.records() {
            match record {
                Ok(record) => long.push((record.offset, record.timestamp_ms)),
                Err(error) => long_end = Err(error),
            }
        }
        prop_assert_eq!(short, long);
        prop_assert_eq!(end, long_end);
    }
}

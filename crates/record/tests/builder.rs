//! What the builder writes, and what it refuses to.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing, reason = "tests")]

use ottla_record::{
    BatchBuilder, Compression, ControlRecord, Head, Header, Magic, Offset, RecordError, TimestampType,
    decode, verify_crc,
};

fn doubt(what: &'static str) -> Result<(), RecordError> {
    Err(RecordError::DoesNotFit { what })
}

fn offsets_and_times(batch: &[u8]) -> Vec<(i64, i64)> {
    verify_crc(batch).unwrap();
    let decoded = decode(batch, 1 << 20).unwrap();
    decoded
        .records()
        .map(|record| record.map(|record| (record.offset.get(), record.timestamp_ms)).unwrap())
        .collect()
}

#[test]
fn offsets_must_rise_and_stay_within_the_reach_of_the_base() {
    let mut builder = BatchBuilder::new().base_offset(Offset::new(100));
    let mut push = |offset| builder.push_at(Offset::new(offset), 0, None, None, &[]);
    assert_eq!(push(99), doubt("the offset of a record"));
    assert_eq!(push(101), Ok(()));
    assert_eq!(push(101), doubt("the offset of a record"));
    assert_eq!(push(100 + i64::from(i32::MAX) + 1), doubt("the offset of a record"));
    assert_eq!(push(100 + i64::from(i32::MAX)), Ok(()));
    let batch = builder.build().unwrap();
    assert_eq!(offsets_and_times(&batch), [(101, 0), (2_147_483_747, 0)]);
}

#[test]
fn a_record_that_is_refused_leaves_the_builder_as_it_was() {
    let mut builder = BatchBuilder::new();
    builder.push(-5, None, Some(b"first"), &[]).unwrap();
    let before = builder.clone().build().unwrap();
    assert_eq!(builder.push(i64::MAX, None, Some(b"late"), &[]), doubt("the timestamp of a record"));
    assert_eq!((builder.record_count(), builder.build().unwrap()), (1, before));
}

#[test]
fn a_batch_may_end_after_its_last_record_but_not_before() {
    let ending_at = |offset| {
        let mut builder = BatchBuilder::new().base_offset(Offset::new(10)).last_offset(Offset::new(offset));
        builder.push(0, None, None, &[]).unwrap();
        builder.push(0, None, None, &[]).unwrap();
        builder.build()
    };
    assert_eq!(verify_crc(&ending_at(15).unwrap()).unwrap().last_offset(), Offset::new(15));
    assert_eq!(verify_crc(&ending_at(11).unwrap()).unwrap().last_offset(), Offset::new(11));
    let refused = Err(RecordError::DoesNotFit { what: "the last offset" });
    assert_eq!(ending_at(10), refused);
    assert_eq!(ending_at(11 + i64::from(i32::MAX)), refused);
}

#[test]
fn an_empty_batch_is_a_header_alone_whatever_its_codec() {
    for compression in Compression::ALL {
        let mut builder = BatchBuilder::new().compression(compression).last_offset(Offset::new(3));
        assert_eq!((builder.is_empty(), builder.record_count()), (true, 0));
        let batch = builder.clone().build().unwrap();
        builder.push(0, None, None, &[]).unwrap();
        assert_eq!((builder.is_empty(), builder.record_count()), (false, 1));
        let Ok(Head::V2(header)) = Head::parse(&batch) else { panic!() };
        assert_eq!((header.base_timestamp_ms, header.max_timestamp_ms), (-1, -1));
        assert_eq!(batch.len(), 61);
        assert_eq!(verify_crc(&batch).unwrap().compression(), Ok(Compression::None));
        assert_eq!(offsets_and_times(&batch), []);
    }
}

#[test]
fn a_head_tells_what_the_batch_was_built_with() {
    let head = |builder: BatchBuilder| Head::parse(&builder.build().unwrap()).unwrap();
    let plain = head(BatchBuilder::new());
    assert_eq!((plain.leader_epoch(), plain.is_transactional(), plain.is_control()), (-1, false, false));
    assert_eq!(plain.producer(), None);
    let other = head(BatchBuilder::new().leader_epoch(7).transactional(true).producer(0, 3, 9));
    assert_eq!((other.leader_epoch(), other.is_transactional(), other.is_control()), (7, true, false));
    let stamp = other.producer().unwrap();
    assert_eq!((stamp.producer_id, stamp.producer_epoch, stamp.transactional), (0, 3, true));
    assert_eq!((stamp.base_sequence, stamp.last_sequence), (9, 9));
    assert!(head(BatchBuilder::new().control(true)).is_control());
    assert_eq!([Magic::V0, Magic::V1, Magic::V2].map(Magic::get), [0, 1, 2]);
}

#[test]
fn headers_are_counted_named_and_compared() {
    let (first, second) = (Header::new("näme", Some(b"x")), Header { name: b"\xff", value: None });
    let batch = |headers: &[Header<'_>]| {
        let mut builder = BatchBuilder::new();
        builder.push(0, None, None, headers).unwrap();
        builder.build().unwrap()
    };
    let (none, both, one) = (batch(&[]), batch(&[first, second]), batch(&[first]));
    let (none, both, one) =
        (decode(&none, 1 << 20).unwrap(), decode(&both, 1 << 20).unwrap(), decode(&one, 1 << 20).unwrap());
    let headers = |decoded: &ottla_record::Decoded<'_>| {
        let headers = decoded.records().next().unwrap().unwrap().headers;
        (
            headers.is_empty(),
            headers.size_hint(),
            headers.map(|header| header.name_lossy().into_owned()).collect(),
        )
    };
    assert_eq!(headers(&none), (true, (0, Some(0)), Vec::<String>::new()));
    assert_eq!(headers(&both), (false, (2, Some(2)), vec!["näme".to_owned(), "\u{fffd}".to_owned()]));
    let records = |decoded| ottla_record::Decoded::records(decoded).next().unwrap().unwrap();
    assert_eq!(records(&both), records(&both));
    assert_ne!(records(&both), records(&one));
}

#[test]
fn an_append_time_is_the_time_of_every_record() {
    let mut builder = BatchBuilder::new().append_time_ms(777);
    builder.push(1, None, None, &[]).unwrap();
    builder.push(2_000, None, None, &[]).unwrap();
    let batch = builder.build().unwrap();
    assert_eq!(offsets_and_times(&batch), [(0, 777), (1, 777)]);
    assert_eq!(Head::parse(&batch).unwrap().timestamp_type(), Some(TimestampType::LogAppendTime));
}

#[test]
fn a_delete_horizon_stands_in_the_place_of_the_base_timestamp() {
    let mut builder = BatchBuilder::new().delete_horizon_ms(9_000);
    builder.push(1_000, Some(b"key"), None, &[]).unwrap();
    let batch = builder.build().unwrap();
    assert_eq!(offsets_and_times(&batch), [(0, 1_000)]);
    let Head::V2(header) = Head::parse(&batch).unwrap() else { panic!() };
    assert_eq!((header.delete_horizon_ms(), header.max_timestamp_ms), (Some(9_000), 1_000));
}

#[test]
fn a_size_that_is_said_is_the_size_that_is_built() {
    let mut builder = BatchBuilder::new();
    for len in [0, 1, 63, 64, 10_000] {
        builder.push(0, None, Some(&vec![1; len]), &[]).unwrap();
        assert_eq!(builder.clone().build().unwrap().len(), builder.uncompressed_bytes());
    }
}

#[test]
fn control_records_by_type_and_version() {
    let epoch = [0, 0, 0, 0, 0, 9];
    let parse = |kind: u8, value| ControlRecord::parse(Some(&[0, 0, 0, kind]), value);
    assert_eq!(parse(0, Some(&epoch)), Ok(ControlRecord::Abort { coordinator_epoch: 9 }));
    assert_eq!(parse(1, Some(&epoch)), Ok(ControlRecord::Commit { coordinator_epoch: 9 }));
    for (kind, expected) in [
        (2, ControlRecord::LeaderChange),
        (3, ControlRecord::SnapshotHeader),
        (4, ControlRecord::SnapshotFooter),
        (5, ControlRecord::KRaftVersion),
        (6, ControlRecord::KRaftVoters),
        (7, ControlRecord::Other(7)),
    ] {
        assert_eq!(parse(kind, None), Ok(expected));
    }
    let newer_key = ControlRecord::parse(Some(&[0, 3, 0, 1, 5]), Some(&[0, 2, 0, 0, 0, 1, 8]));
    assert_eq!(newer_key, Ok(ControlRecord::Commit { coordinator_epoch: 1 }));
}

#[test]
fn control_records_that_are_none() {
    let bad = |part, length, version| Err(RecordError::BadControlRecord { part, length, version });
    let epoch = Some(&[0u8, 0, 0, 0, 0, 9][..]);
    assert_eq!(ControlRecord::parse(None, epoch), bad("key", 0, None));
    assert_eq!(ControlRecord::parse(Some(&[0]), epoch), bad("key", 1, None));
    assert_eq!(ControlRecord::parse(Some(&[0, 0, 0]), epoch), bad("key", 3, Some(0)));
    assert_eq!(ControlRecord::parse(Some(&[0xff, 0xff, 0, 1]), epoch), bad("key", 4, Some(-1)));
    let commit = Some(&[0u8, 0, 0, 1][..]);
    assert_eq!(ControlRecord::parse(commit, None), bad("value", 0, None));
    assert_eq!(ControlRecord::parse(commit, Some(&[0, 0, 0, 0, 0])), bad("value", 5, Some(0)));
    assert_eq!(ControlRecord::parse(commit, Some(&[0x80, 0, 0, 0, 0, 0])), bad("value", 6, Some(i16::MIN)));
}

//! What must not be stored, one wrong thing at a time. Every batch here has the right checksum.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing, reason = "tests")]

mod common;

use common::hand_made::{batch, header, message, record, record_of_zeros, varint, with_checksum};
use ottla_record::{
    Attributes, BatchBuilder, BatchHeader, Checked, Compression, Header, Limits, Magic, Offset, RecordError,
    TimestampType, check, verify_crc,
};

fn checked(batch: &[u8]) -> Result<Checked, RecordError> {
    check(batch, &Limits::default())
}

/// A batch with a single record of these fields.
fn with_record(fields: &[&[u8]]) -> Vec<u8> {
    batch(header(1, Compression::None), &record(fields))
}

fn three_records() -> Vec<u8> {
    let mut builder = BatchBuilder::new().base_offset(Offset::new(70)).producer(9, 1, 5);
    builder.push(1_000, Some(b"k0"), Some(b"v0"), &[]).unwrap();
    builder.push(3_000, Some(b"k1"), None, &[Header::new("h", None), Header::new("", Some(b"x"))]).unwrap();
    builder.push(3_000, None, Some(b"v2"), &[]).unwrap();
    builder.build().unwrap()
}

fn changed(change: impl FnOnce(&mut BatchHeader)) -> Vec<u8> {
    let mut bytes = three_records();
    let head: &mut [u8; BatchHeader::LEN] = bytes.first_chunk_mut().unwrap();
    let mut header = BatchHeader::read(head);
    change(&mut header);
    *head = header.write();
    with_checksum(bytes)
}

#[test]
fn a_good_batch_says_what_its_records_say() {
    let found = checked(&three_records()).unwrap();
    assert_eq!(found.header.record_count, 3);
    assert_eq!(found.max_timestamp_ms, 3_000);
    assert_eq!(found.offset_of_max_timestamp, Offset::new(71), "the first of those that share it");
}

#[test]
fn a_wrong_max_timestamp_in_the_header_is_found_out() {
    let found = checked(&changed(|header| header.max_timestamp_ms = 99)).unwrap();
    assert_eq!((found.header.max_timestamp_ms, found.max_timestamp_ms), (99, 3_000));
}

#[test]
fn bytes_that_are_not_one_batch() {
    let good = three_records();
    assert_eq!(checked(&good[..60]), Err(RecordError::TooShort { needed: 61, found: 60 }));
    let cut = RecordError::TooShort { needed: good.len(), found: good.len() - 1 };
    assert_eq!(checked(&good[..good.len() - 1]), Err(cut));
    let twice = [good.clone(), good.clone()].concat();
    assert_eq!(checked(&twice), Err(RecordError::TrailingBytes { count: good.len() }));
    assert_eq!(checked(&[]), Err(RecordError::TooShort { needed: 17, found: 0 }));
    assert_eq!(
        checked(&changed(|header| header.batch_length = 48)),
        Err(RecordError::BadLength { length: 48, minimum: 49 })
    );
    assert_eq!(
        checked(&changed(|header| header.batch_length = -1)),
        Err(RecordError::BadLength { length: -1, minimum: 49 })
    );
}

#[test]
fn other_magics() {
    for magic in [3, 0x7f, 0xff] {
        let mut bytes = three_records();
        bytes[16] = magic;
        assert_eq!(checked(&bytes), Err(RecordError::UnknownMagic { found: magic as i8 }));
    }
    let old = message(1, 0, 0, 0, None, Some(&[0; 60]));
    assert_eq!(checked(&old), Err(RecordError::OldMagic { magic: Magic::V1 }));
}

#[test]
fn any_changed_byte_under_the_checksum() {
    let good = three_records();
    for at in 17..good.len() {
        let mut bytes = good.clone();
        bytes[at] ^= 0x10;
        assert!(matches!(checked(&bytes), Err(RecordError::CrcMismatch { .. })), "{at}");
    }
}

#[test]
fn a_batch_above_the_size_limit() {
    let good = three_records();
    let limit = |max_batch_bytes| Limits { max_batch_bytes, ..Limits::default() };
    assert!(check(&good, &limit(good.len())).is_ok());
    let refused = RecordError::TooLarge { found: good.len(), limit: good.len() - 1 };
    assert_eq!(check(&good, &limit(good.len() - 1)), Err(refused));
}

#[test]
fn codecs_that_do_not_exist() {
    for id in 5..8 {
        let bytes = changed(|header| header.attributes = Attributes::from_bits(id));
        assert_eq!(checked(&bytes), Err(RecordError::UnknownCodec { id: id as u8 }));
    }
}

#[test]
fn counts_that_contradict_the_offsets() {
    for (record_count, last_offset_delta) in
        [(0, -1), (0, 0), (-1, -2), (3, 1), (3, 3), (2, 2), (i32::MIN, i32::MAX)]
    {
        let bytes = changed(|header| {
            header.record_count = record_count;
            header.last_offset_delta = last_offset_delta;
        });
        assert_eq!(checked(&bytes), Err(RecordError::CountMismatch { record_count, last_offset_delta }));
    }
}

#[test]
fn a_count_that_is_not_that_of_the_records() {
    let more = changed(|header| (header.record_count, header.last_offset_delta) = (4, 3));
    assert_eq!(checked(&more), Err(RecordError::RecordsMissing { record_count: 4, found: 3 }));
    let fewer = changed(|header| (header.record_count, header.last_offset_delta) = (2, 1));
    assert!(matches!(checked(&fewer), Err(RecordError::TrailingBytes { .. })));
    let most = changed(|header| (header.record_count, header.last_offset_delta) = (i32::MAX, i32::MAX - 1));
    assert_eq!(checked(&most), Err(RecordError::RecordsMissing { record_count: i32::MAX, found: 3 }));
    let none_at_all = batch(header(i32::MAX, Compression::None), &[]);
    assert_eq!(checked(&none_at_all), Err(RecordError::RecordsMissing { record_count: i32::MAX, found: 0 }));
}

#[test]
fn offsets_that_are_not_the_next_ones() {
    for found in [1, -1, 7] {
        let bytes = batch(header(1, Compression::None), &record_of_zeros(found, 3));
        assert_eq!(checked(&bytes), Err(RecordError::BadOffsetDelta { index: 0, found: found as i32 }));
    }
    let repeated = [record_of_zeros(0, 1), record_of_zeros(0, 1)].concat();
    assert_eq!(
        checked(&batch(header(2, Compression::None), &repeated)),
        Err(RecordError::BadOffsetDelta { index: 1, found: 0 })
    );
}

#[test]
fn lengths_that_no_null_has() {
    let (zero, null, minus_two) = (varint(0), varint(-1), varint(-2));
    let refused = Err(RecordError::BadFieldLength { length: -2 });
    assert_eq!(checked(&with_record(&[&zero, &zero, &minus_two, &null, &zero])), refused);
    assert_eq!(checked(&with_record(&[&zero, &zero, &null, &minus_two, &zero])), refused);
    assert_eq!(checked(&batch(header(1, Compression::None), &minus_two)), refused);
    let one = varint(1);
    assert_eq!(checked(&with_record(&[&zero, &zero, &null, &null, &one, &minus_two, &null])), refused);
    assert_eq!(checked(&with_record(&[&zero, &zero, &null, &null, &one, &zero, &minus_two])), refused);
    let nameless = with_record(&[&zero, &zero, &null, &null, &one, &null, &null]);
    assert_eq!(checked(&nameless), Err(RecordError::BadFieldLength { length: -1 }), "a header needs a name");
}

#[test]
fn fields_that_end_after_their_record() {
    let (zero, null) = (varint(0), varint(-1));
    let long_key = with_record(&[&zero, &zero, &varint(9), b"short"]);
    assert_eq!(checked(&long_key), Err(RecordError::FieldOverrun { needed: 9, left: 5 }));
    let longest_key = with_record(&[&zero, &zero, &varint(i64::from(i32::MAX)), b"short"]);
    assert_eq!(checked(&longest_key), Err(RecordError::FieldOverrun { needed: i32::MAX as usize, left: 5 }));
    let no_headers = with_record(&[&zero, &zero, &null, &null]);
    assert_eq!(checked(&no_headers), Err(RecordError::FieldOverrun { needed: 1, left: 0 }));
    let no_fields = batch(header(1, Compression::None), &varint(0));
    assert_eq!(checked(&no_fields), Err(RecordError::FieldOverrun { needed: 1, left: 0 }));
    let long_record = batch(header(1, Compression::None), &[varint(100), vec![0; 50]].concat());
    assert_eq!(checked(&long_record), Err(RecordError::FieldOverrun { needed: 102, left: 52 }));
    let unfinished = batch(header(1, Compression::None), &[0x80]);
    assert_eq!(checked(&unfinished), Err(RecordError::FieldOverrun { needed: 2, left: 1 }));
}

#[test]
fn bytes_after_the_last_field_of_a_record() {
    let (zero, null) = (varint(0), varint(-1));
    let bytes = with_record(&[&zero, &zero, &null, &null, &zero, b"more"]);
    assert_eq!(checked(&bytes), Err(RecordError::RecordTrailingBytes { count: 4 }));
}

#[test]
fn header_counts_beyond_the_bytes() {
    let (zero, null) = (varint(0), varint(-1));
    for (count, left) in [(i32::MAX, 4), (3, 4), (-1, 4)] {
        let bytes = with_record(&[&zero, &zero, &null, &null, &varint(i64::from(count)), &[0, 1, 0, 1]]);
        assert_eq!(checked(&bytes), Err(RecordError::BadHeaderCount { count, left }));
    }
    assert!(checked(&with_record(&[&zero, &zero, &null, &null, &varint(2), &[0, 1, 0, 1]])).is_ok());
}

#[test]
fn numbers_with_bits_beyond_their_type() {
    let (zero, null) = (varint(0), varint(-1));
    let too_long = with_record(&[&zero, &[0x80, 0x80, 0x80, 0x80, 0x10], &null, &null, &zero]);
    assert_eq!(checked(&too_long), Err(RecordError::BadVarint { max_bytes: 5 }));
    let endless = with_record(&[&[0xff; 11], &zero, &null, &null, &zero]);
    assert_eq!(checked(&endless), Err(RecordError::BadVarint { max_bytes: 10 }));
}

#[test]
fn timestamps_out_of_range() {
    let limits = Limits { timestamps: Some(1_000..=2_999), ..Limits::default() };
    assert_eq!(
        check(&three_records(), &limits),
        Err(RecordError::TimestampOutOfRange { index: 1, timestamp_ms: 3_000 })
    );
    let wide = Limits { timestamps: Some(1_000..=3_000), ..Limits::default() };
    assert!(check(&three_records(), &wide).is_ok());
    let mut none = BatchBuilder::new();
    none.push(-1, None, None, &[]).unwrap();
    let none = check(&none.build().unwrap(), &limits).unwrap();
    assert_eq!((none.max_timestamp_ms, none.offset_of_max_timestamp), (-1, Offset::ZERO), "no timestamp");
}

#[test]
fn timestamps_whose_sum_overflows() {
    let null = varint(-1);
    let late = record(&[&varint(1), &varint(0), &null, &null, &varint(0)]);
    let header = BatchHeader { base_timestamp_ms: i64::MAX, ..header(1, Compression::None) };
    assert_eq!(
        checked(&batch(header, &late)),
        Err(RecordError::TimestampOutOfRange { index: 0, timestamp_ms: i64::MAX })
    );
}

/// Or a client could set log-append time and any max timestamp, and its records would never expire.
#[test]
fn a_log_append_time_out_of_range() {
    let limits = Limits { timestamps: Some(0..=5_000), ..Limits::default() };
    let with_time = |timestamp_ms| {
        changed(|header| {
            header.attributes = header.attributes.with_timestamp_type(TimestampType::LogAppendTime);
            header.max_timestamp_ms = timestamp_ms;
        })
    };
    let found = check(&with_time(4_000), &limits).unwrap();
    assert_eq!((found.max_timestamp_ms, found.offset_of_max_timestamp), (4_000, Offset::new(70)));
    let refused = RecordError::TimestampOutOfRange { index: 0, timestamp_ms: i64::MAX };
    assert_eq!(check(&with_time(i64::MAX), &limits), Err(refused));
}

#[test]
fn records_without_a_key_where_keys_are_needed() {
    let limits = Limits { require_keys: true, ..Limits::default() };
    assert_eq!(check(&three_records(), &limits), Err(RecordError::MissingKey { index: 2 }));
    let mut empty_key = BatchBuilder::new();
    empty_key.push(0, Some(b""), None, &[]).unwrap();
    assert!(check(&empty_key.build().unwrap(), &limits).is_ok(), "an empty key is a key");
}

#[test]
fn producer_fields_that_contradict_each_other() {
    let stamped = |producer_id, producer_epoch, base_sequence, transactional| {
        checked(&changed(|header| {
            header.producer_id = producer_id;
            header.producer_epoch = producer_epoch;
            header.base_sequence = base_sequence;
            header.attributes = header.attributes.with_transactional(transactional);
        }))
    };
    for (id, epoch, sequence, transactional) in
        [(9, 1, -1, false), (9, -1, 5, false), (0, 0, -2, true), (-1, -1, -1, true)]
    {
        let refused =
            RecordError::BadProducer { producer_id: id, producer_epoch: epoch, base_sequence: sequence };
        assert_eq!(stamped(id, epoch, sequence, transactional), Err(refused));
    }
    for (id, epoch, sequence, transactional) in [(9, 1, 5, true), (0, 0, 0, false), (-1, -1, -1, false)] {
        assert!(stamped(id, epoch, sequence, transactional).is_ok());
    }
}

#[test]
fn stored_batches_may_have_fewer_records_than_offsets_but_not_more() {
    let empty = BatchBuilder::new().base_offset(Offset::new(5)).last_offset(Offset::new(9)).build().unwrap();
    let head = verify_crc(&empty).unwrap();
    assert_eq!((head.base_offset(), head.last_offset()), (Offset::new(5), Offset::new(9)));
    for (record_count, last_offset_delta) in [(3, 1), (-1, 2), (0, -1)] {
        let bytes = changed(|header| {
            header.record_count = record_count;
            header.last_offset_delta = last_offset_delta;
        });
        assert_eq!(verify_crc(&bytes), Err(RecordError::CountMismatch { record_count, last_offset_delta }));
    }
}

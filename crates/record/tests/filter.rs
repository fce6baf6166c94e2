//! What [`BatchFilter`] leaves of a batch: the records that stay with all that they are, and a header that
//! still says who wrote it and where it ends.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing, reason = "tests")]

use ottla_record::{
    Attributes, BatchBuilder, BatchFilter, BatchHeader, Compression, FilterRules, Filtered, Head, Header,
    Offset, Record, TimestampType, decode, verify_crc,
};
use proptest::prelude::*;

const LIMIT: usize = 1 << 20;

fn filter(batch: &[u8], rules: &FilterRules, keep: impl FnMut(&Record<'_>) -> bool) -> (Filtered, Vec<u8>) {
    let mut out = b"before".to_vec();
    let filtered = BatchFilter::default().filter(batch, rules, LIMIT, keep, &mut out).unwrap();
    let left = out.split_off(6);
    assert_eq!(out, b"before");
    assert_eq!(filtered.kept.is_some(), !left.is_empty());
    if let Some(head) = filtered.kept {
        assert_eq!(verify_crc(&left), Ok(head));
    }
    (filtered, left)
}

fn header(batch: &[u8]) -> BatchHeader {
    match Head::parse(batch) {
        Ok(Head::V2(header)) => header,
        other => panic!("{other:?}"),
    }
}

/// Offsets 100 to 103; a tombstone at 102.
fn batch(builder: BatchBuilder) -> Vec<u8> {
    let mut builder = builder.base_offset(Offset::new(100)).leader_epoch(7).producer(4_000, 2, 9);
    builder.push(1_000, Some(b"a"), Some(b"one"), &[Header::new("trace", Some(b"x"))]).unwrap();
    builder.push(3_000, Some(b"b"), Some(b"two"), &[]).unwrap();
    builder.push(2_000, Some(b"c"), None, &[Header::new("trace", None)]).unwrap();
    builder.push(-1, None, Some(b"four"), &[]).unwrap();
    builder.build().unwrap()
}

type Seen = (i64, i64, Option<i32>, Option<Vec<u8>>, Option<Vec<u8>>, usize);

fn seen(batch: &[u8]) -> Vec<Seen> {
    let decoded = decode(batch, LIMIT).unwrap();
    let seen = |record: Record<'_>| {
        let owned = |bytes: Option<&[u8]>| bytes.map(<[u8]>::to_vec);
        let headers = record.headers.clone().count();
        let (key, value) = (owned(record.key), owned(record.value));
        (record.offset.get(), record.timestamp_ms, record.sequence, key, value, headers)
    };
    decoded.records().map(|record| seen(record.unwrap())).collect()
}

#[test]
fn a_batch_of_which_all_stays_is_the_same_bytes() {
    for compression in Compression::ALL {
        let batch = batch(BatchBuilder::new().compression(compression));
        let (filtered, left) = filter(&batch, &FilterRules::default(), |_| true);
        assert_eq!(left, batch, "{compression}");
        assert_eq!((filtered.records_read, filtered.records_kept, filtered.tombstones_kept), (4, 4, 1));
    }
}

#[test]
fn what_stays_keeps_its_offset_time_sequence_and_headers() {
    for compression in Compression::ALL {
        let batch = batch(BatchBuilder::new().compression(compression).transactional(true));
        let (filtered, left) = filter(&batch, &FilterRules::default(), |record| record.offset.get() % 2 == 0);
        let expected: Vec<Seen> = seen(&batch).into_iter().step_by(2).collect();
        assert_eq!(seen(&left), expected, "{compression}");
        let (before, after) = (header(&batch), header(&left));
        assert_eq!((after.base_offset, after.last_offset()), (before.base_offset, before.last_offset()));
        assert_eq!((after.leader_epoch, after.producer_id, after.producer_epoch), (7, 4_000, 2));
        assert_eq!((after.base_sequence, after.last_sequence()), (9, 12));
        assert_eq!(after.attributes, before.attributes);
        assert_eq!((after.base_timestamp_ms, after.max_timestamp_ms), (1_000, 2_000));
        assert_eq!((after.record_count, filtered.records_kept), (2, 2));
    }
}

#[test]
fn log_append_time_is_kept() {
    let batch = batch(BatchBuilder::new().append_time_ms(9_000));
    let (_, left) = filter(&batch, &FilterRules::default(), |record| record.key == Some(b"b"));
    let after = header(&left);
    assert_eq!(after.attributes.timestamp_type(), TimestampType::LogAppendTime);
    assert_eq!((after.max_timestamp_ms, seen(&left)[0].1), (9_000, 9_000));
}

#[test]
fn records_without_a_time_leave_a_batch_without_one() {
    let mut builder = BatchBuilder::new();
    for key in [b"a", b"b"] {
        builder.push(-1, Some(key), Some(b"value"), &[]).unwrap();
    }
    let (_, left) =
        filter(&builder.build().unwrap(), &FilterRules::default(), |record| record.key == Some(b"b"));
    assert_eq!((header(&left).base_timestamp_ms, header(&left).max_timestamp_ms), (-1, -1));
}

#[test]
fn nothing_is_left_of_a_batch_that_loses_all() {
    for keep_empty in [false, true] {
        let batch = batch(BatchBuilder::new().compression(Compression::Gzip));
        let rules = FilterRules { keep_empty, ..FilterRules::default() };
        let (filtered, left) = filter(&batch, &rules, |_| false);
        assert_eq!((filtered.records_read, filtered.records_kept), (4, 0));
        assert_eq!(left.len(), if keep_empty { BatchHeader::LEN } else { 0 });
        let discarded = FilterRules { discard_records: true, ..rules };
        assert_eq!(filter(&batch, &discarded, |_| panic!("nobody is asked")).1, left);
    }
}

#[test]
fn an_empty_batch_still_says_who_wrote_it_and_where_it_ends() {
    let batch = batch(BatchBuilder::new().compression(Compression::Zstd).transactional(true));
    let rules = FilterRules { keep_empty: true, ..FilterRules::default() };
    let (_, left) = filter(&batch, &rules, |_| false);
    let (before, after) = (header(&batch), header(&left));
    let expected = BatchHeader {
        batch_length: BatchHeader::MIN_BATCH_LENGTH,
        crc: after.crc,
        attributes: Attributes::new(Compression::None).with_transactional(true),
        base_timestamp_ms: -1,
        record_count: 0,
        ..before
    };
    assert_eq!(after, expected);
    // It may be filtered again, as often as it must.
    assert_eq!(filter(&left, &rules, |_| true).1, left);
    assert_eq!(filter(&left, &FilterRules::default(), |_| true).1, b"");
}

#[test]
fn a_tombstone_gets_its_delete_horizon_once() {
    for compression in Compression::ALL {
        let batch = batch(BatchBuilder::new().compression(compression));
        let rules = FilterRules { delete_horizon_ms: Some(50_000), ..FilterRules::default() };
        let (filtered, left) = filter(&batch, &rules, |_| true);
        assert_eq!(filtered.tombstones_kept, 1);
        assert_eq!(header(&left).delete_horizon_ms(), Some(50_000));
        assert_eq!(seen(&left), seen(&batch));
        assert_eq!(header(&left).max_timestamp_ms, 3_000);
        let later = FilterRules { delete_horizon_ms: Some(90_000), ..FilterRules::default() };
        assert_eq!(filter(&left, &later, |_| true).1, left, "the first one counts");
        let (_, fewer) = filter(&left, &later, |record| record.key != Some(b"a"));
        assert_eq!(header(&fewer).delete_horizon_ms(), Some(50_000));
        assert_eq!(seen(&fewer), seen(&batch)[1..]);
    }
}

#[test]
fn a_batch_without_tombstones_gets_none_unless_it_is_a_spent_marker() {
    let mut builder = BatchBuilder::new();
    builder.push(1, Some(b"a"), Some(b"b"), &[]).unwrap();
    let batch = builder.build().unwrap();
    let rules = FilterRules { delete_horizon_ms: Some(50_000), ..FilterRules::default() };
    assert_eq!(filter(&batch, &rules, |_| true).1, batch);
    let spent = FilterRules { is_spent_marker: true, ..rules };
    assert_eq!(header(&filter(&batch, &spent, |_| true).1).delete_horizon_ms(), Some(50_000));
}

#[test]
fn damage_leaves_the_output_as_it_was() {
    let mut batch = batch(BatchBuilder::new());
    let cut = batch.len() - 3;
    batch.truncate(cut);
    batch[8..12].copy_from_slice(&(cut as i32 - 12).to_be_bytes());
    let mut out = b"before".to_vec();
    let failed = BatchFilter::default().filter(&batch, &FilterRules::default(), LIMIT, |_| true, &mut out);
    assert!(failed.is_err());
    assert_eq!(out, b"before");
}

/// One uncompressed message of magic 1.
fn message(offset: i64, timestamp_ms: i64, key: &[u8], value: Option<&[u8]>, attributes: u8) -> Vec<u8> {
    let mut fields = vec![1, attributes];
    fields.extend(timestamp_ms.to_be_bytes());
    for part in [Some(key).filter(|key| !key.is_empty()), value] {
        fields.extend(part.map_or(-1, |part| part.len() as i32).to_be_bytes());
        fields.extend(part.unwrap_or_default());
    }
    let crc = flate2::Crc::new();
    let crc = {
        let mut crc = crc;
        crc.update(&fields);
        crc.sum()
    };
    let mut message = offset.to_be_bytes().to_vec();
    message.extend((fields.len() as i32 + 4).to_be_bytes());
    message.extend(crc.to_be_bytes());
    message.extend(fields);
    message
}

/// A gzipped set of three messages at 50 to 52; the last is a tombstone.
fn message_set() -> Vec<u8> {
    use std::io::Write;
    let mut set = message(0, 10, b"a", Some(b"one"), 0);
    set.extend(message(1, 30, b"b", Some(b"two"), 0));
    set.extend(message(2, 20, b"c", None, 0));
    let mut gzip = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::default());
    gzip.write_all(&set).unwrap();
    message(52, 30, b"", Some(&gzip.finish().unwrap()), 1)
}

#[test]
fn an_old_message_that_loses_nothing_stays_as_it_is() {
    let plain = message(7, 10, b"a", Some(b"one"), 0);
    let rules = FilterRules { delete_horizon_ms: Some(500), ..FilterRules::default() };
    assert_eq!(filter(&plain, &rules, |_| true).1, plain);
    assert_eq!(filter(&plain, &rules, |_| false).1, b"");
    let set = message_set();
    assert_eq!(filter(&set, &FilterRules::default(), |_| true).1, set);
}

#[test]
fn an_old_set_that_loses_some_becomes_a_batch() {
    let rules = FilterRules { delete_horizon_ms: Some(500), ..FilterRules::default() };
    let (filtered, left) = filter(&message_set(), &rules, |record| record.key != Some(b"a"));
    assert_eq!((filtered.records_read, filtered.records_kept, filtered.tombstones_kept), (3, 2, 1));
    let after = header(&left);
    assert_eq!((after.base_offset.get(), after.last_offset().get()), (51, 52));
    assert_eq!((after.producer_id, after.delete_horizon_ms()), (-1, Some(500)));
    assert_eq!(after.attributes.compression(), Ok(Compression::Gzip));
    let records: Vec<_> =
        seen(&left).into_iter().map(|(offset, time, _, key, ..)| (offset, time, key)).collect();
    assert_eq!(records, [(51, 30, Some(b"b".to_vec())), (52, 20, Some(b"c".to_vec()))]);
    let (_, without_horizon) =
        filter(&message_set(), &FilterRules::default(), |record| record.key == Some(b"b"));
    let offsets: Vec<_> =
        seen(&without_horizon).into_iter().map(|(offset, time, ..)| (offset, time)).collect();
    assert_eq!(offsets, [(51, 30)]);
    assert_eq!(header(&without_horizon).delete_horizon_ms(), None);
}

#[test]
fn an_old_message_that_only_its_offset_is_kept_for_becomes_an_empty_batch() {
    let rules = FilterRules { keep_empty: true, ..FilterRules::default() };
    let (_, left) = filter(&message(7, 10, b"a", Some(b"one"), 0), &rules, |_| false);
    assert_eq!((header(&left).base_offset.get(), header(&left).last_offset().get()), (7, 7));
    assert_eq!(header(&left).record_count, 0);
}

proptest! {
    #[test]
    fn what_stays_is_what_was_chosen(
        records in proptest::collection::vec((any::<i32>(), any::<Option<[u8; 3]>>(), any::<Option<Vec<u8>>>(), any::<bool>()), 1..20),
        codec in 0..5_usize,
        keep_empty: bool,
        horizon in proptest::option::of(0..1_i64 << 40),
    ) {
        let mut builder = BatchBuilder::new().base_offset(Offset::new(5)).compression(Compression::ALL[codec]);
        for (timestamp, key, value, _) in &records {
            builder.push(i64::from(*timestamp), key.as_ref().map(|key| &key[..]), value.as_deref(), &[]).unwrap();
        }
        let batch = builder.build().unwrap();
        let mut choice = records.iter().map(|(.., stays)| *stays);
        let rules = FilterRules { keep_empty, delete_horizon_ms: horizon, ..FilterRules::default() };
        let (filtered, left) = filter(&batch, &rules, |_| choice.next().unwrap());
        let expected: Vec<Seen> =
            seen(&batch).into_iter().zip(&records).filter(|(_, (.., stays))| *stays).map(|(seen, _)| seen).collect();
        prop_assert_eq!(filtered.records_kept, expected.len());
        if left.is_empty() {
            prop_assert!(expected.is_empty() && !keep_empty);
        } else {
            prop_assert_eq!(seen(&left), expected);
            prop_assert_eq!(header(&left).last_offset(), header(&batch).last_offset());
        }
    }
}

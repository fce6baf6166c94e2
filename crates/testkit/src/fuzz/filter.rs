use std::ops::ControlFlow;

use ottla_record::{
    BatchFilter, BatchHeader, ControlRecord, FilterRules, Head, Offset, Record, RecordError, decode,
    each_key, records_without_key, verify_crc,
};

use super::MAX_DECOMPRESSED_BYTES;
use super::seal::{fit_length, seal};

/// A batch or message as compaction meets it, as it comes and with length and checksum made right. The first byte
/// says how it is filtered, the second which records stay. Every way to its keys tells the same; what is left of
/// it is whole, and holds exactly the records that stay.
pub fn filter(data: &[u8]) {
    let Some(([rules, stays], batch)) = data.split_first_chunk::<2>() else { return };
    let rules = FilterRules {
        keep_empty: rules & 1 != 0,
        discard_records: rules & 2 != 0,
        delete_horizon_ms: (rules & 4 != 0).then_some(1_700_000_000_000),
        is_spent_marker: rules & 8 != 0,
    };
    look_at(batch, &rules, *stays);
    if batch.len() < BatchHeader::LEN {
        return;
    }
    let mut sealed = batch.to_vec();
    sealed[16] %= 3;
    fit_length(&mut sealed);
    seal(&mut sealed);
    look_at(&sealed, &rules, *stays);
}

fn look_at(batch: &[u8], rules: &FilterRules, stays: u8) {
    let whole = records(batch);
    keys_agree(batch, &whole);
    let mut left = b"before".to_vec();
    let keep = |record: &Record<'_>| stays >> (record.offset.get() & 7) & 1 != 0;
    let filtered = BatchFilter::default().filter(batch, rules, MAX_DECOMPRESSED_BYTES, keep, &mut left);
    assert!(left.starts_with(b"before"));
    let left = &left[b"before".len()..];
    let Ok(filtered) = filtered else {
        assert!(left.is_empty(), "what cannot be filtered leaves nothing");
        return;
    };
    let (read, None) = whole else { panic!("records that cannot be read were filtered") };
    assert_eq!(filtered.records_read, read.len());
    let expected: Vec<_> = read
        .into_iter()
        .filter(|record| !rules.discard_records && stays >> (record.offset.get() & 7) & 1 != 0)
        .collect();
    assert_eq!(filtered.records_kept, expected.len());
    assert_eq!(filtered.tombstones_kept, expected.iter().filter(|record| record.value.is_none()).count());
    let Some(kept) = filtered.kept else {
        assert!(left.is_empty() && expected.is_empty());
        return;
    };
    assert_eq!(Head::parse(left), Ok(kept));
    assert_eq!(left.len(), kept.size_bytes());
    // Compaction filters nothing else, and what is filtered keeps the header.
    if verify_crc(batch).is_ok() {
        assert_eq!(verify_crc(left).as_ref(), Ok(&kept), "what is left of a sound batch is sound");
    }
    assert_eq!(records(left), (expected, None));
}

/// A record, as far as compaction must leave it alone.
#[derive(Debug, PartialEq)]
struct Kept {
    offset: Offset,
    timestamp_ms: i64,
    key: Option<Vec<u8>>,
    value: Option<Vec<u8>>,
    headers: usize,
}

/// The records of a batch, until one that cannot be read. Numbers in a record may be written longer than they need to
/// be, so what is written anew may be longer or shorter.
fn records(batch: &[u8]) -> (Vec<Kept>, Option<RecordError>) {
    let decoded = match decode(batch, 2 * MAX_DECOMPRESSED_BYTES) {
        Ok(decoded) => decoded,
        Err(error) => return (Vec::new(), Some(error)),
    };
    let mut read = Vec::new();
    for record in decoded.records() {
        match record {
            Ok(record) => {
                let _ = ControlRecord::parse(record.key, record.value);
                read.push(Kept {
                    offset: record.offset,
                    timestamp_ms: record.timestamp_ms,
                    key: record.key.map(<[u8]>::to_vec),
                    value: record.value.map(<[u8]>::to_vec),
                    headers: record.headers.clone().count(),
                });
            }
            Err(error) => return (read, Some(error)),
        }
    }
    (read, None)
}

fn keys_agree(batch: &[u8], (read, error): &(Vec<Kept>, Option<RecordError>)) {
    let mut keys = Vec::new();
    let end = each_key(batch, 2 * MAX_DECOMPRESSED_BYTES, |at| {
        keys.push((at.offset, at.key.map(<[u8]>::to_vec), at.has_value));
        ControlFlow::Continue(())
    });
    assert_eq!(end.err().as_ref(), error.as_ref());
    let shown: Vec<_> =
        read.iter().map(|record| (record.offset, record.key.clone(), record.value.is_some())).collect();
    assert_eq!(keys, shown);
    let without = records_without_key(batch, 2 * MAX_DECOMPRESSED_BYTES, usize::MAX);
    if error.is_none() && matches!(Head::parse(batch), Ok(Head::V2(_))) {
        let expected: Vec<i32> =
            read.iter().zip(0..).filter(|(record, _)| record.key.is_none()).map(|(_, at)| at).collect();
        assert_eq!(without, expected);
    }
}

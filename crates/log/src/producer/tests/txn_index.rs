use std::path::{Path, PathBuf};
use std::sync::Arc;

use proptest::prelude::*;

use super::*;
use crate::dir::{read_whole, write_atomically};
use crate::error::Error;
use crate::fs::Os;
use crate::producer::{AbortedTxn, TxnIndex, TxnIndexSearch};

const KAFKA: &[u8] =
    include_bytes!("../../../../testkit/fixtures/kafka-4.3/txn-0/00000000000000000053.txnindex");

fn open(path: &Path, base_offset: i64) -> TxnIndex {
    TxnIndex::open(Arc::new(Os), path.to_path_buf(), offset(base_offset)).unwrap()
}

fn bytes_of(path: &Path) -> Vec<u8> {
    read_whole(&Os, path).unwrap().unwrap()
}

fn txn(producer_id: i64, first: i64, last: i64, last_stable: i64) -> AbortedTxn {
    AbortedTxn {
        producer_id,
        first_offset: offset(first),
        last_offset: offset(last),
        last_stable_offset: offset(last_stable),
    }
}

fn with(txns: &[AbortedTxn]) -> (tempfile::TempDir, PathBuf, TxnIndex) {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("00000000000000000000.txnindex");
    let index = open(&path, 0);
    for txn in txns {
        index.append(txn).unwrap();
    }
    (dir, path, index)
}

#[test]
fn the_file_is_made_with_the_first_entry() {
    let (_dir, path, index) = with(&[]);
    assert_eq!(index.entries().unwrap(), []);
    index.truncate_to(offset(0)).unwrap();
    index.reset().unwrap();
    index.sync().unwrap();
    index.sanity_check().unwrap();
    assert!(!path.exists());
    index.append(&txn(0, 0, 10, 11)).unwrap();
    index.sync().unwrap();
    assert_eq!(bytes_of(&path).len(), 34);
}

#[test]
fn entries_go_on_where_a_reopened_index_ends() {
    let txns = [txn(0, 0, 10, 11), txn(1, 5, 15, 13), txn(2, 18, 35, 25)];
    let (_dir, path, index) = with(&txns);
    assert_eq!(index.entries().unwrap(), txns);
    drop(index);
    let index = open(&path, 0);
    index.append(&txn(3, 32, 50, 40)).unwrap();
    assert_eq!((index.len(), &index.entries().unwrap()[..3]), (4, &txns[..]));
    let read_only = TxnIndex::open_read_only(Arc::new(Os), path, offset(0)).unwrap();
    assert_eq!(read_only.len(), 4);
    read_only.append(&txn(4, 50, 60, 61)).unwrap_err();
    assert_eq!(read_only.entries().unwrap(), index.entries().unwrap());
}

#[test]
fn last_offsets_grow() {
    let (_dir, path, index) = with(&[txn(0, 0, 15, 11)]);
    for last in [15, 13] {
        let refused = index.append(&txn(1, 5, last, 13));
        assert!(matches!(refused, Err(Error::Corrupt(_))), "{refused:?}");
    }
    drop(index);
    open(&path, 0).append(&txn(1, 5, 15, 13)).unwrap_err();
}

#[test]
fn a_search_finds_the_transactions_that_share_offsets_with_the_range() {
    let txns = [txn(0, 0, 10, 11), txn(1, 5, 15, 13), txn(2, 18, 35, 25), txn(3, 32, 50, 40)];
    let (_dir, _path, index) = with(&txns);
    let search = |from, to| index.aborted_between(offset(from), offset(to)).unwrap();
    let found = |aborted: &[AbortedTxn], complete| TxnIndexSearch { aborted: aborted.to_vec(), complete };
    assert_eq!(search(0, 100), found(&txns, false));
    assert_eq!(search(0, 32), found(&txns[..3], true));
    assert_eq!(search(0, 35), found(&txns, true));
    assert_eq!(search(10, 35), found(&txns, true));
    assert_eq!(search(11, 35), found(&txns[1..], true));
    assert_eq!(search(20, 41), found(&txns[2..], false));
    assert_eq!(search(60, 70), found(&[], false));
    assert_eq!(search(9, 9), found(&[], true));
}

#[test]
fn truncation_removes_the_transactions_that_end_there_or_later() {
    let txns = [txn(0, 0, 10, 2), txn(1, 5, 15, 16), txn(2, 18, 35, 25), txn(3, 32, 50, 40)];
    let (_dir, path, index) = with(&txns);
    index.truncate_to(offset(51)).unwrap();
    assert_eq!(index.entries().unwrap(), txns);
    index.truncate_to(offset(50)).unwrap();
    assert_eq!(index.entries().unwrap(), txns[..3]);
    index.truncate_to(offset(16)).unwrap();
    assert_eq!(index.entries().unwrap(), txns[..2]);
    assert_eq!(bytes_of(&path).len(), 68);
    index.append(&txn(9, 15, 16, 17)).unwrap();
    index.reset().unwrap();
    assert_eq!(index.entries().unwrap(), []);
    index.append(&txn(0, 0, 1, 2)).unwrap();
    assert_eq!(bytes_of(&path).len(), 34);
}

/// An entry whose length came to the disk and whose bytes did not once passed for a transaction of producer 0 that began
/// and ended at offset 0, and stayed before the entries that recovery wrote.
#[test]
fn zeros_that_a_crash_has_left_are_no_entry() {
    for whole in [&[][..], &[txn(7, 0, 3, 4)]] {
        let (_dir, path, index) = with(whole);
        drop(index);
        let entries = if whole.is_empty() { Vec::new() } else { bytes_of(&path) };
        write_atomically(&Os, &path, &[&entries[..], &[0; 34]].concat()).unwrap();
        TxnIndex::keep_whole_before(&Os, &path, Offset::ZERO, Offset::new(100)).unwrap();
        assert_eq!(bytes_of(&path), entries);
    }
}

#[test]
fn what_cannot_be_an_index_is_noticed() {
    let good = [txn(0, 60, 70, 71), txn(1, 65, 80, 60)];
    let (_dir, path, index) = with(&good);
    index.sanity_check().unwrap();
    let corrupt = |index: &TxnIndex| match index.sanity_check() {
        Err(Error::Corrupt(corruption)) => corruption.position,
        other => panic!("{other:?}"),
    };
    assert_eq!(corrupt(&open(&path, 71)), Some(0));
    let bytes = bytes_of(&path);
    write_atomically(&Os, &path, &bytes[..50]).unwrap();
    let cut = open(&path, 0);
    assert_eq!(corrupt(&cut), Some(34));
    assert_eq!(cut.entries().unwrap(), good[..1]);
    cut.append(&good[1]).unwrap();
    assert_eq!(bytes_of(&path), bytes);
    write_atomically(&Os, &path, &[&bytes[34..], &bytes[..34]].concat()).unwrap();
    assert_eq!(corrupt(&open(&path, 0)), Some(34));
    write_atomically(&Os, &path, &[&bytes[..34], &[0, 1], &bytes[36..], &bytes[..34]].concat()).unwrap();
    assert_eq!(corrupt(&open(&path, 0)), Some(34));
}

#[test]
fn what_kafka_wrote_is_read_and_written_the_same() {
    let dir = tempfile::tempdir().unwrap();
    let theirs = dir.path().join("00000000000000000053.txnindex");
    write_atomically(&Os, &theirs, KAFKA).unwrap();
    let index = open(&theirs, 53);
    index.sanity_check().unwrap();
    let entries = index.entries().unwrap();
    assert_eq!(entries.len(), 138);
    assert_eq!(entries[..2], [txn(1002, 61, 83, 84), txn(1000, 86, 142, 143)]);
    assert_eq!(entries[3], txn(1000, 477, 504, 376));
    let ours = open(&dir.path().join("ours.txnindex"), 53);
    for entry in &entries {
        ours.append(entry).unwrap();
    }
    assert_eq!(bytes_of(ours.path()), KAFKA);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn a_search_equals_a_scan_of_all_entries(
        steps in prop::collection::vec((1i64..20, 0i64..40, 0i64..60), 0..700),
        from in 0i64..8_000,
        len in 1i64..300,
    ) {
        let mut last = 0;
        let txns: Vec<_> = steps.iter().map(|(step, length, behind)| {
            last += step;
            txn(7, (last - length).max(0), last, (last + 1 - behind).max(0))
        }).collect();
        let (_dir, _path, index) = with(&txns);
        let to = offset(from + len);
        let found = index.aborted_between(offset(from), to).unwrap();
        let mut expected = TxnIndexSearch::default();
        for txn in txns {
            if txn.last_offset < offset(from) {
                continue;
            }
            if txn.first_offset < to {
                expected.aborted.push(txn);
            }
            if txn.last_stable_offset >= to {
                expected.complete = true;
                break;
            }
        }
        prop_assert_eq!(found, expected);
    }

    #[test]
    fn random_bytes_never_panic(bytes in prop::collection::vec(any::<u8>(), 0..200), zero in any::<bool>()) {
        let mut bytes = bytes;
        if zero {
            bytes.chunks_mut(34).for_each(|entry| entry[0] = 0);
            bytes.chunks_mut(34).filter(|entry| entry.len() > 1).for_each(|entry| entry[1] = 0);
        }
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("00000000000000000000.txnindex");
        write_atomically(&Os, &path, &bytes).unwrap();
        if let Ok(index) = TxnIndex::open(Arc::new(Os), path, offset(0)) {
            let _ = index.sanity_check();
            let _ = index.entries();
            let _ = index.aborted_between(offset(5), offset(i64::MAX));
            let _ = index.truncate_to(offset(100));
            let _ = index.append(&txn(1, 2, i64::MAX, 3));
        }
    }
}

use std::path::Path;

use proptest::prelude::*;

use super::*;
use crate::error::Error;
use crate::fs::{FileSystem, Os};
use crate::producer::{ProducerEntry, snapshot};

macro_rules! fixture {
    ($path:literal) => {
        ($path, include_bytes!(concat!("../../../../testkit/fixtures/", $path)).as_slice())
    };
}

/// Written by Apache Kafka 4.3.0 and 2.8.2.
const FIXTURES: [(&str, &[u8]); 6] = [
    fixture!("kafka-4.3/txn-0/00000000000000000053.snapshot"),
    fixture!("kafka-4.3/txn-0/00000000000000018331.snapshot"),
    fixture!("kafka-4.3/lz4-0/00000000000000008000.snapshot"),
    fixture!("kafka-4.3/zstd-0/00000000000000008000.snapshot"),
    fixture!("kafka-4.3/none-0/00000000000000006620.snapshot"),
    fixture!("kafka-2.8/v1-none-0/00000000000000002000.snapshot"),
];

fn decode(bytes: &[u8]) -> Result<Vec<ProducerEntry>> {
    snapshot::decode(bytes, Path::new("00000000000000000001.snapshot"))
}

fn loaded(entries: Vec<ProducerEntry>) -> ProducerState {
    ProducerState::from_entries(entries, Offset::ZERO, 0, i64::MAX)
}

#[test]
fn what_kafka_wrote_comes_out_byte_for_byte() {
    for (name, bytes) in FIXTURES {
        let state = loaded(decode(bytes).unwrap());
        assert_eq!(snapshot::encode(state.entries()), bytes, "{name}");
    }
}

/// The figures are those that `DumpLogSegments` prints of the same file.
#[test]
fn an_open_transaction_is_read_as_kafka_dumps_it() {
    let entries = decode(FIXTURES[0].1).unwrap();
    let [entry] = entries.as_slice() else { panic!("{entries:?}") };
    assert_eq!((entry.producer_id, entry.producer_epoch, entry.coordinator_epoch), (1002, 0, -1));
    assert_eq!(entry.current_txn_first_offset, Some(offset(0)));
    assert_eq!(entry.last_timestamp_ms, 1_700_000_000_052);
    let batch = entry.last_batch().unwrap();
    assert_eq!((batch.base_sequence(), batch.last_sequence, batch.offset_delta), (19, 52, 33));
    assert_eq!((batch.last_offset, batch.timestamp_ms), (offset(52), 1_700_000_000_052));
    let state = loaded(entries);
    assert_eq!(state.open_transactions().len(), 1);
    assert_eq!(state.first_unstable_offset(), Some(Offset::ZERO));
}

#[test]
fn producers_between_transactions_are_read_as_kafka_dumps_them() {
    let entries = decode(FIXTURES[1].1).unwrap();
    let heads = entries.iter().map(|e| (e.producer_id, e.producer_epoch, e.coordinator_epoch));
    assert_eq!(heads.collect::<Vec<_>>(), [(1000, 167, 2), (1001, 122, 2), (1002, 136, 2)]);
    assert!(entries.iter().all(|entry| entry.batches().is_empty()));
    assert_eq!(loaded(entries).first_unstable_offset(), None);
}

#[test]
fn a_snapshot_is_durable_and_read_back() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("00000000000000000002.snapshot");
    let mut state = empty();
    client(&mut state, &at_ms(5, data(0, 0, 0))).unwrap();
    client(&mut state, &of(9, in_txn(data(3, 0, 1)))).unwrap();
    snapshot::write(&Os, &path, &state).unwrap();
    let read = snapshot::read(&Os, &path).unwrap();
    assert_eq!(read, state.entries());
    snapshot::write(&Os, &path, &empty()).unwrap();
    assert_eq!(snapshot::read(&Os, &path).unwrap(), []);
    let names: Vec<_> = Os.read_dir(dir.path()).unwrap().into_iter().map(|entry| entry.name).collect();
    assert_eq!(names, ["00000000000000000002.snapshot"]);
}

#[test]
fn only_the_last_batch_is_recognised_after_a_restart() {
    let mut state = empty();
    client(&mut state, &data(0, 0, 0)).unwrap();
    client(&mut state, &data(0, 1, 1)).unwrap();
    let state = loaded(decode(&snapshot::encode(state.entries())).unwrap());
    assert!(matches!(state.check(&data(0, 1, 2), Origin::Client), Ok(Verdict::Duplicate { .. })));
    assert!(matches!(state.check(&data(0, 0, 2), Origin::Client), Err(Error::OutOfOrderSequence { .. })));
    assert_eq!(state.check(&data(0, 2, 2), Origin::Client).unwrap(), Verdict::Next);
}

#[test]
fn the_transaction_of_a_snapshot_can_be_ended() {
    let mut state = empty();
    client(&mut state, &in_txn(data(0, 0, 0))).unwrap();
    coordinator(&mut state, &of(2, marker(0, false, 7, 1))).unwrap();
    let mut state = loaded(decode(&snapshot::encode(state.entries())).unwrap());
    let ended = coordinator(&mut state, &marker(0, true, 0, 2)).unwrap().unwrap();
    assert_eq!((ended.first_offset, ended.last_stable_offset), (offset(0), offset(3)));
    let zombie = state.check(&of(2, marker(0, true, 6, 3)), Origin::Coordinator);
    assert!(matches!(zombie, Err(Error::InvalidTxnState { .. })), "{zombie:?}");
}

#[test]
fn a_missing_snapshot_is_not_a_broken_one() {
    let dir = tempfile::tempdir().unwrap();
    let missing = snapshot::read(&Os, &dir.path().join("00000000000000000002.snapshot"));
    assert!(matches!(missing, Err(Error::Io { .. })), "{missing:?}");
}

#[test]
fn every_truncated_snapshot_is_refused() {
    let bytes = FIXTURES[1].1;
    for len in 0..bytes.len() {
        assert!(matches!(decode(&bytes[..len]), Err(Error::Corrupt(_))), "{len}");
    }
    let longer = [bytes, &[0]].concat();
    assert!(matches!(decode(&longer), Err(Error::Corrupt(_))));
}

#[test]
fn every_flipped_bit_is_noticed() {
    for at in 0..FIXTURES[0].1.len() * 8 {
        let mut bytes = FIXTURES[0].1.to_vec();
        bytes[at / 8] ^= 1 << (at % 8);
        assert!(matches!(decode(&bytes), Err(Error::Corrupt(_))), "bit {at}");
    }
}

#[test]
fn a_count_that_the_file_does_not_hold_is_refused() {
    for count in [-1, 0, 2, 4, i32::MAX, i32::MIN] {
        let mut bytes = FIXTURES[1].1.to_vec();
        bytes[6..10].copy_from_slice(&count.to_be_bytes());
        let crc = crc_fast::crc32_iscsi(&bytes[6..]);
        bytes[2..6].copy_from_slice(&crc.to_be_bytes());
        assert!(matches!(decode(&bytes), Err(Error::Corrupt(_))), "{count}");
    }
}

proptest! {
    #[test]
    fn random_bytes_never_panic(mut bytes in prop::collection::vec(any::<u8>(), 0..300), fix in any::<bool>()) {
        if fix && bytes.len() >= 10 {
            let count = ((bytes.len() - 10) / 46) as i32;
            bytes.truncate(10 + count as usize * 46);
            bytes[..2].copy_from_slice(&1i16.to_be_bytes());
            bytes[6..10].copy_from_slice(&count.to_be_bytes());
            let crc = crc_fast::crc32_iscsi(&bytes[6..]);
            bytes[2..6].copy_from_slice(&crc.to_be_bytes());
        }
        if let Ok(entries) = decode(&bytes) {
            let mut state = loaded(entries.clone());
            for entry in &entries {
                let _ = client(&mut state, &of(entry.producer_id, data(entry.producer_epoch, 1, 1)));
                coordinator(&mut state, &of(entry.producer_id, marker(i16::MAX, false, i32::MAX, 2))).unwrap();
            }
            prop_assert_eq!(decode(&snapshot::encode(&entries)).unwrap(), entries);
        }
    }
}

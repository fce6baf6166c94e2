//! Tombstones stay for `delete.retention.ms` after the pass that first finds them newest, then go (KIP-534).

use ottla::LogConfig;
use ottla_record::{BatchBuilder, Compression, Head};

use crate::support::{NOW_MS, Partition, check_files, config, seen};

fn horizons(partition: &Partition) -> Vec<Option<i64>> {
    let of = |head: &Head| match head {
        Head::V2(header) => header.delete_horizon_ms(),
        Head::Legacy(_) => None,
    };
    partition.heads().iter().map(of).collect()
}

#[test]
fn a_tombstone_outlives_the_record_that_it_deletes() {
    let partition = Partition::new();
    partition.put("felice", "one");
    partition.put("felice", None);
    partition.roll();
    let done = partition.compact().unwrap();
    assert_eq!(done.tombstones_kept, 1);
    assert_eq!(partition.records(), [seen(1, "felice", None)]);
    assert_eq!(horizons(&partition)[0], Some(NOW_MS + 1_000));
    check_files(&partition.fs, &partition.log);
}

#[test]
fn a_tombstone_goes_with_the_first_pass_after_its_time() {
    let partition = Partition::new();
    partition.put("felice", "one");
    partition.put("felice", None);
    partition.roll();
    partition.compact().unwrap();
    partition.advance(999);
    partition.roll();
    partition.compact().unwrap();
    assert_eq!(partition.records(), [seen(1, "felice", None)], "a millisecond is missing");
    assert_eq!(horizons(&partition)[0], Some(NOW_MS + 1_000), "the time is not prolonged");
    partition.advance(1);
    partition.roll();
    let done = partition.compact().unwrap();
    assert_eq!((partition.records(), done.tombstones_kept), (vec![], 0));
    check_files(&partition.fs, &partition.log);
}

#[test]
fn a_tombstone_does_not_bring_back_what_it_deletes() {
    let partition = Partition::new();
    partition.put("felice", "one");
    partition.put("felice", None);
    partition.roll();
    partition.compact().unwrap();
    partition.advance(5_000);
    partition.put("milena", "two");
    partition.roll();
    partition.compact().unwrap();
    partition.put("felice", "three");
    partition.roll();
    partition.compact().unwrap();
    assert_eq!(partition.records().len(), 2);
}

#[test]
fn a_tombstone_that_a_later_record_replaces_goes_at_once() {
    let partition = Partition::new();
    partition.put("felice", None);
    partition.put("felice", "back");
    partition.roll();
    partition.compact().unwrap();
    assert_eq!(partition.records(), [seen(1, "felice", "back")]);
}

#[test]
fn records_beside_a_tombstone_keep_their_times() {
    for compression in [Compression::None, Compression::Lz4] {
        let partition = Partition::with(LogConfig { segment_bytes: 4_000, ..config() });
        let mut builder = BatchBuilder::new().compression(compression);
        builder.push(NOW_MS - 500, Some(b"felice"), Some(b"one"), &[]).unwrap();
        builder.push(NOW_MS - 300, Some(b"milena"), None, &[]).unwrap();
        builder.push(NOW_MS - 400, Some(b"julie"), Some(b"three"), &[]).unwrap();
        partition.append(&builder.build().unwrap());
        partition.roll();
        partition.compact().unwrap();
        let batches =
            partition.log.read_batches(ottla::Offset::ZERO, 1, ottla::Isolation::ReadUncommitted).unwrap();
        let mut times = Vec::new();
        batches
            .for_each_record(|record| {
                times.push(record.timestamp_ms - NOW_MS);
                Ok(())
            })
            .unwrap();
        assert_eq!(times, [-500, -300, -400]);
        assert_eq!(horizons(&partition)[0], Some(NOW_MS + 1_000));
        assert_eq!(partition.heads()[0].max_timestamp_ms(), NOW_MS - 300);
    }
}

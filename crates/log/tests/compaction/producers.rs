//! The last batch of each producer is remembered, though its records may be gone: the next one is the next,
//! and a repeated one is found.

use ottla::{Error, LogConfig};
use ottla_record::BatchBuilder;

use crate::support::{Partition, batch, check_files, config, seen};

fn of(producer_id: i64, sequence: i32) -> BatchBuilder {
    BatchBuilder::new().producer(producer_id, 0, sequence)
}

/// Without snapshots, all that is known of producers is what stands in the log.
fn forget_snapshots(partition: &mut Partition) {
    let mut image = partition.fs.image();
    let snapshots: Vec<_> = image
        .entries()
        .map(|(path, _)| path.to_path_buf())
        .filter(|path| path.extension().is_some_and(|kind| kind == "snapshot"))
        .collect();
    for path in &snapshots {
        image.remove(path);
    }
    partition.fs = ottla_testkit::SimFs::from_image(&image);
    partition.log = crate::support::open(&partition.fs, &partition.clock, &partition.config).unwrap().0;
}

#[test]
fn sequences_go_on_though_all_records_of_the_producer_are_gone() {
    let mut partition = Partition::with(LogConfig { segment_bytes: 4_000, ..config() });
    partition.put_all(of(7, 0), &[("felice", Some("one")), ("milena", Some("one"))]);
    partition.put_all(of(7, 2), &[("felice", Some("two")), ("milena", Some("two"))]);
    partition.put("felice", "three");
    partition.put("milena", "three");
    partition.roll();
    partition.compact().unwrap();
    let left = [seen(4, "felice", "three"), seen(5, "milena", "three")];
    assert_eq!(partition.records(), left);
    let empty: Vec<_> = partition.heads().into_iter().filter(|head| head.size_bytes() == 61).collect();
    assert_eq!(empty.len(), 1, "the header of the last batch");
    assert_eq!((empty[0].base_offset().get(), empty[0].last_offset().get()), (2, 3));
    forget_snapshots(&mut partition);
    assert_eq!(partition.records(), left);
    let gap = partition.log.append(&batch(of(7, 5), &[("julie", Some("x"))], partition.now_ms()));
    assert!(matches!(gap, Err(Error::OutOfOrderSequence { expected: 4, .. })), "{gap:?}");
    let again = batch(of(7, 2), &[("felice", Some("two")), ("milena", Some("two"))], partition.now_ms());
    let again = partition.log.append(&again).unwrap();
    assert_eq!((again.duplicate, again.base_offset.get()), (true, 2));
    assert!(!partition.put_all(of(7, 4), &[("julie", Some("x"))]).duplicate);
}

#[test]
fn the_header_goes_once_the_producer_has_written_more_or_is_forgotten() {
    let partition = Partition::with(LogConfig { segment_bytes: 4_000, ..config() });
    partition.put_all(of(7, 0), &[("felice", Some("one"))]);
    partition.put("felice", "two");
    partition.roll();
    partition.compact().unwrap();
    let empty =
        |partition: &Partition| partition.heads().iter().filter(|head| head.size_bytes() == 61).count();
    assert_eq!(empty(&partition), 1);
    partition.put_all(of(7, 1), &[("milena", Some("one"))]);
    partition.roll();
    partition.compact().unwrap();
    assert_eq!(empty(&partition), 0);
    check_files(&partition.fs, &partition.log);
}

#[test]
fn the_last_batch_of_a_pass_is_remembered_by_its_header() {
    let mut partition = Partition::new();
    partition.put("felice", "one");
    partition.put("milena", "one");
    partition.roll();
    // Both are replaced in the segment after, which is not compacted with them.
    partition.put("felice", "two");
    partition.put("milena", "two");
    partition.roll();
    partition.compact().unwrap();
    let heads = partition.heads();
    assert!(heads.iter().any(|head| head.last_offset().get() == 4), "{heads:?}");
    let end = partition.log.log_end_offset();
    partition.kill();
    assert_eq!(partition.log.log_end_offset(), end);
    assert_eq!(partition.records().len(), 2);
}

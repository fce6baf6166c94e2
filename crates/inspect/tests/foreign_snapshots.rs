//! Snapshots of producers that can be read and are of another log. Fault model: a snapshot is replaced by one of
//! another partition, or by one that differs in a single number with its checksum set right, in logs that begin at
//! offset 0 and in such whose first segments were deleted. Opening believes such a file; `verify` must not.

#![allow(clippy::expect_used, clippy::indexing_slicing, clippy::panic, clippy::unwrap_used, reason = "tests")]

mod common;

use std::path::Path;

use common::{DATA, apply, disk_with, files, findings, get, name_of, partition_dir, segments, set};
use ottla::Offset;
use ottla::dir::{FileKind, FileName, OffsetCheckpoint, Offsets, TopicPartition};
use ottla::fs::FileSystem;
use ottla::producer::{ProducerEntry, snapshot};
use ottla_testkit::SimFs;

const WHOLE: [&str; 6] = [
    "kafka-4.3/none-0",
    "kafka-4.3/txn-0",
    "kafka-4.3/lz4-0",
    "kafka-4.3/zstd-0",
    "kafka-4.3/gzip-0",
    "kafka-4.3/appendtime-0",
];

/// A log whose first segment was deleted, with the snapshot that stood at the base of the second.
fn without_first_segment(fixture: &str) -> Option<SimFs> {
    let (fs, dir) = (disk_with(fixture), partition_dir(fixture));
    let logs = segments(&fs, &dir);
    let [first, second, ..] = &logs[..] else { return None };
    let base = |path: &Path| FileName::parse(path.file_name()?.to_str()?).map(|name| name.base_offset);
    let (first, start) = (base(first).unwrap(), base(second).unwrap());
    for kind in FileKind::ALL {
        let path = FileName::new(first, kind).in_dir(&dir);
        if fs.metadata(&path).is_ok() {
            fs.remove_file(&path).unwrap();
        }
    }
    let (topic, _) = name_of(fixture).rsplit_once('-').unwrap();
    let starts: Offsets = [(TopicPartition::new(topic, 0).unwrap(), start)].into_iter().collect();
    OffsetCheckpoint::LogStart.write(&fs, Path::new(DATA), &starts).unwrap();
    set(&fs, &dir.join("leader-epoch-checkpoint"), format!("0\n1\n0 {start}\n").as_bytes());
    assert_eq!(findings(&fs, Path::new(DATA)), [], "{fixture}");
    Some(SimFs::from_image(&fs.image()))
}

fn disks() -> Vec<(&'static str, SimFs)> {
    let whole = WHOLE.into_iter().map(|fixture| (fixture, disk_with(fixture)));
    whole.chain(WHOLE.into_iter().filter_map(|f| Some((f, without_first_segment(f)?)))).collect()
}

/// The snapshots of a log that its batches can be held against: all but that of its first segment.
fn compared(fs: &SimFs, dir: &Path) -> Vec<(String, Vec<u8>)> {
    let first = segments(fs, dir)[0].with_extension("snapshot");
    let first = first.file_name().unwrap().to_str().unwrap().to_owned();
    let found = files(fs, dir).into_iter();
    found.filter(|(name, _)| name.ends_with(".snapshot") && *name != first).collect()
}

/// It is found, and repair makes it what it was.
fn found_and_mended(disk: &SimFs, dir: &Path, name: &str, bytes: &[u8], case: &str) {
    let fs = SimFs::from_image(&disk.image());
    let before = get(&fs, &dir.join(name));
    set(&fs, &dir.join(name), bytes);
    let found = findings(&fs, dir);
    let is_told = |(file, kind, _): &(String, &str, bool)| file == name && *kind == "snapshot-disagrees";
    assert!(found.iter().any(is_told), "{case}: {found:?}");
    let done = apply(&fs, dir);
    assert!(done.left.is_empty() && done.steps.len() == 1, "{case}: {done:?}");
    assert!(get(&fs, &dir.join(name)) == before, "{case}: not what it was");
    assert_eq!(findings(&fs, dir), [], "{case}");
}

#[test]
fn a_snapshot_of_another_partition_is_found_and_made_anew() {
    let disks = disks();
    let (mut cases, mut undecided) = (0, 0);
    for (fixture, disk) in &disks {
        let dir = partition_dir(fixture);
        let start = FileName::parse(segments(disk, &dir)[0].file_name().unwrap().to_str().unwrap());
        let start = start.unwrap().base_offset;
        for (name, bytes) in compared(disk, &dir) {
            for (other, other_disk) in disks.iter().filter(|(other, _)| other != fixture) {
                for (foreign, foreign_bytes) in compared(other_disk, &partition_dir(other)) {
                    let told = snapshot::read(other_disk, &partition_dir(other).join(&foreign)).unwrap();
                    if start > Offset::ZERO && told.iter().all(|entry| is_deleted(entry, start)) {
                        undecided += 1;
                    } else if foreign_bytes != bytes {
                        let case = format!("{fixture}/{name} replaced by {other}/{foreign}");
                        found_and_mended(disk, &dir, &name, &foreign_bytes, &case);
                        cases += 1;
                    }
                }
            }
        }
    }
    println!(
        "{cases} snapshots of other partitions found and replaced; {undecided} told of deleted records only"
    );
    assert!(cases > 50 && undecided < cases / 4, "{cases}, {undecided}");
}

/// Whether the log cannot know what a snapshot says of a producer.
fn is_deleted(entry: &ProducerEntry, start: Offset) -> bool {
    let last = entry.last_batch().map(|batch| batch.last_offset);
    entry.current_txn_first_offset.into_iter().chain(last).all(|offset| offset < start)
}

/// Entries that differ in one number from those that a snapshot has.
fn altered(entries: &[ProducerEntry]) -> Vec<(&'static str, Vec<ProducerEntry>)> {
    let with = |change: &dyn Fn(&mut ProducerEntry)| {
        let mut entries = entries.to_vec();
        entries.iter_mut().for_each(change);
        entries
    };
    vec![
        ("another producer", with(&|entry| entry.producer_id += 1_000_000)),
        ("another epoch", with(&|entry| entry.producer_epoch += 1)),
        ("another time", with(&|entry| entry.last_timestamp_ms += 1)),
        ("a transaction", with(&|entry| entry.current_txn_first_offset = Some(Offset::new(7700)))),
    ]
}

#[test]
fn a_snapshot_with_one_wrong_number_is_found_and_made_anew() {
    let mut cases = 0;
    for (fixture, disk) in disks() {
        let dir = partition_dir(fixture);
        for (name, _) in compared(&disk, &dir) {
            let entries = snapshot::read(&disk, &dir.join(&name)).unwrap();
            for (what, wrong) in altered(&entries).into_iter().filter(|(_, wrong)| *wrong != entries) {
                let case = format!("{fixture}/{name} with {what}");
                found_and_mended(&disk, &dir, &name, &snapshot::encode(&wrong), &case);
                cases += 1;
            }
        }
    }
    println!("{cases} snapshots with one wrong number found and replaced");
    assert!(cases >= 20, "{cases}");
}

/// The files of a simulated disk are of 1970, so nobody was silent for a day.
#[test]
fn a_snapshot_that_forgets_producers_is_found_and_made_anew() {
    let mut cases = 0;
    for (fixture, disk) in disks() {
        let dir = partition_dir(fixture);
        for (name, bytes) in compared(&disk, &dir) {
            let nobody = snapshot::encode(&[]);
            if bytes != nobody {
                found_and_mended(&disk, &dir, &name, &nobody, &format!("{fixture}/{name} without producers"));
                cases += 1;
            }
        }
    }
    println!("{cases} snapshots without their producers found and replaced");
    assert!(cases > 4, "{cases}");
}

/// There was nobody before offset 0, whatever a file says.
#[test]
fn a_snapshot_at_offset_zero_tells_of_nobody() {
    let fixture = "kafka-4.3/none-0";
    let (fs, dir) = (disk_with(fixture), partition_dir(fixture));
    let foreign = get(
        &disk_with("kafka-4.3/lz4-0"),
        &partition_dir("kafka-4.3/lz4-0").join("00000000000000008000.snapshot"),
    );
    set(&fs, &dir.join("00000000000000000000.snapshot"), &foreign);
    let found = findings(&fs, &dir);
    assert!(
        !found.is_empty() && found.iter().all(|(file, ..)| file == "00000000000000000000.snapshot"),
        "{found:?}"
    );
    let before = files(&fs, &dir);
    let done = apply(&fs, &dir);
    assert!(done.left.is_empty() && done.steps.len() == 1, "{done:?}");
    let changed: Vec<_> = before.iter().zip(files(&fs, &dir)).filter(|(a, b)| **a != *b).collect();
    assert_eq!(changed.len(), 1);
    assert_eq!(findings(&fs, &dir), []);
}

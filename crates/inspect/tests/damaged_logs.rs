//! Damage to the log itself: `salvage` recovers exactly the batches that are whole, at their offsets, and
//! `repair` cuts nothing but an unfinished last write.

#![allow(clippy::expect_used, clippy::indexing_slicing, clippy::panic, clippy::unwrap_used, reason = "tests")]

mod common;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use common::{
    DATA, PARTITIONS, apply, batches, disk_with, files, findings, get, name_of, options, partition_dir, plan,
    segments, set,
};
use ottla::fs::FileSystem;
use ottla::{Environment, Isolation, Log, LogConfig};
use ottla_inspect::salvage::{self, Salvaged};
use ottla_inspect::{Silent, repair};
use ottla_testkit::SimFs;

const OUT: &str = "/out";

/// Every batch of a partition by its first offset.
type Batches = BTreeMap<i64, Vec<u8>>;

fn batches_of(fs: &SimFs, dir: &Path) -> Batches {
    let mut found = Batches::new();
    for path in segments(fs, dir) {
        let bytes = get(fs, &path);
        for (position, head) in batches(fs, &path) {
            let start = position as usize;
            found.insert(head.base_offset().get(), bytes[start..start + head.size_bytes()].to_vec());
        }
    }
    found
}

fn salvage(fs: &SimFs, dir: &Path) -> Salvaged {
    let options = salvage::Options { fs: Arc::new(fs.clone()) };
    salvage::salvage(dir, Path::new(OUT), &options, &mut Silent).unwrap()
}

/// Salvages, and compares with the batches that were not touched.
fn recovers_exactly(fs: &SimFs, fixture: &str, expected: &Batches, case: &str) -> Salvaged {
    let dir = partition_dir(fixture);
    let before = files(fs, &dir);
    let salvaged = salvage(fs, &dir);
    assert!(files(fs, &dir) == before, "{case}: the damaged directory was changed");
    let out = Path::new(OUT).join(name_of(fixture));
    let found = batches_of(fs, &out);
    assert!(
        found == *expected,
        "{case}: {:?} instead of {:?}",
        found.keys().collect::<Vec<_>>(),
        expected.keys().collect::<Vec<_>>()
    );
    assert_eq!(findings(fs, Path::new(OUT)), [], "{case}");
    let mended = plan(fs, Path::new(OUT));
    assert!(mended.steps.is_empty() && mended.left.is_empty(), "{case}: {mended:?}");
    salvaged
}

/// Where to harm a segment: within the head, the checksum and the records of its first, middle and last batch.
fn places(batches: &[(u64, ottla_record::Head)]) -> Vec<(usize, usize)> {
    let chosen = [0, batches.len() / 2, batches.len() - 1];
    let within = |index: usize| {
        let size = batches[index].1.size_bytes();
        // Base offset and leader epoch lie outside the checksum: a change there is another batch.
        [8, 11, 16, 17, 20, 23, 57, size - 1].map(|at| (index, at))
    };
    let mut places: Vec<_> = chosen.into_iter().flat_map(within).collect();
    places.dedup();
    places
}

#[test]
fn a_flipped_bit_anywhere_loses_the_batch_that_it_hit_and_no_other() {
    for fixture in PARTITIONS {
        let (disk, dir) = (disk_with(fixture), partition_dir(fixture));
        let all = batches_of(&disk, &dir);
        for path in segments(&disk, &dir) {
            let found = batches(&disk, &path);
            for (index, at) in places(&found) {
                let (position, head) = &found[index];
                let fs = SimFs::from_image(&disk.image());
                let mut bytes = get(&fs, &path);
                bytes[*position as usize + at] ^= 0x10;
                set(&fs, &path, &bytes);
                let case = format!("{} byte {at} of batch {index}", path.display());
                let mut expected = all.clone();
                expected.remove(&head.base_offset().get());
                let salvaged = recovers_exactly(&fs, fixture, &expected, &case);
                let lost = &salvaged.partitions[0].lost_bytes;
                assert_eq!(lost.len(), 1, "{case}");
                assert_eq!(
                    (lost[0].position, lost[0].bytes),
                    (*position, head.size_bytes() as u64),
                    "{case}"
                );
                assert_eq!(
                    lost[0].offsets.from.get().max(head.base_offset().get()),
                    head.base_offset().get()
                );
            }
        }
    }
}

#[test]
fn a_directory_without_damage_is_salvaged_byte_for_byte() {
    for fixture in PARTITIONS {
        let disk = disk_with(fixture);
        let dir = partition_dir(fixture);
        let salvaged = recovers_exactly(&disk, fixture, &batches_of(&disk, &dir), fixture);
        assert!(salvaged.is_whole());
        let out = Path::new(OUT).join(name_of(fixture));
        assert!(files(&disk, &out) == files(&disk, &dir), "{fixture}");
    }
}

#[test]
fn a_log_that_is_cut_anywhere_gives_up_its_torn_batch_only() {
    let fixture = "kafka-4.3/none-0";
    let (disk, dir) = (disk_with(fixture), partition_dir(fixture));
    let path = segments(&disk, &dir).pop().unwrap();
    let (found, bytes) = (batches(&disk, &path), get(&disk, &path));
    for (index, (position, _)) in found.iter().enumerate().step_by(7) {
        for cut in [0, 1, 30, 61, 200] {
            let fs = SimFs::from_image(&disk.image());
            set(&fs, &path, &bytes[..*position as usize + cut]);
            let mut expected = batches_of(&disk, &dir);
            found[index..].iter().for_each(|(_, head)| _ = expected.remove(&head.base_offset().get()));
            recovers_exactly(&fs, fixture, &expected, &format!("cut at batch {index} and {cut}"));
        }
    }
}

#[test]
fn holes_and_garbage_lose_what_they_cover() {
    let fixture = "kafka-4.3/txn-0";
    let (disk, dir) = (disk_with(fixture), partition_dir(fixture));
    let path = segments(&disk, &dir).pop().unwrap();
    let (found, bytes) = (batches(&disk, &path), get(&disk, &path));
    let garbage = |n: usize| (n.wrapping_mul(2_654_435_761) >> 7) as u8;
    for (from, to) in [(0, 5000), (7000, 7001), (100_000, 200_000), (bytes.len() - 3000, bytes.len())] {
        for is_zero in [true, false] {
            let fs = SimFs::from_image(&disk.image());
            let mut harmed = bytes.clone();
            (from..to).for_each(|n| harmed[n] = if is_zero { 0 } else { garbage(n) });
            set(&fs, &path, &harmed);
            let mut expected = batches_of(&disk, &dir);
            for (position, head) in &found {
                let (start, end) = (*position as usize, *position as usize + head.size_bytes());
                if start < to && end > from && harmed[start..end] != bytes[start..end] {
                    expected.remove(&head.base_offset().get());
                }
            }
            recovers_exactly(&fs, fixture, &expected, &format!("{from} to {to}, zeros: {is_zero}"));
        }
    }
}

#[test]
fn swapped_and_overlapping_segments_are_put_in_order() {
    let fixture = "kafka-4.3/compact-0";
    let (disk, dir) = (disk_with(fixture), partition_dir(fixture));
    let all = batches_of(&disk, &dir);
    let logs = segments(&disk, &dir);
    let swap = |fs: &SimFs, a: &PathBuf, b: &PathBuf| {
        let (bytes_a, bytes_b) = (get(fs, a), get(fs, b));
        set(fs, a, &bytes_b);
        set(fs, b, &bytes_a);
    };
    let fs = SimFs::from_image(&disk.image());
    swap(&fs, &logs[0], &logs[2]);
    assert!(findings(&fs, &dir).iter().any(|(_, kind, _)| *kind == "offset-outside-segment"));
    recovers_exactly(&fs, fixture, &all, "two files swapped");

    let fs = SimFs::from_image(&disk.image());
    let joined = [get(&fs, &logs[0]), get(&fs, &logs[1])].concat();
    set(&fs, &logs[0], &joined);
    assert!(findings(&fs, &dir).iter().any(|(_, kind, _)| *kind == "offset-outside-segment"));
    let salvaged = recovers_exactly(&fs, fixture, &all, "two segments that overlap");
    assert_eq!(salvaged.partitions[0].passed_over, batches(&disk, &logs[1]).len() as u64);
    assert!(salvaged.partitions[0].lost_bytes.is_empty());

    // What one of them has lost, the other has.
    let damaged_at = get(&disk, &logs[0]).len() + 100;
    let mut damaged = joined;
    damaged[damaged_at] ^= 1;
    let fs = SimFs::from_image(&disk.image());
    set(&fs, &logs[0], &damaged);
    let salvaged = recovers_exactly(&fs, fixture, &all, "overlap and damage");
    assert_eq!(salvaged.partitions[0].lost_offsets, []);
}

#[test]
fn what_is_lost_is_told_by_offsets() {
    let fixture = "kafka-4.3/none-0";
    let (fs, dir) = (disk_with(fixture), partition_dir(fixture));
    let path = &segments(&fs, &dir)[0];
    let (position, head) = batches(&fs, path)[3];
    let mut bytes = get(&fs, path);
    bytes[position as usize + 70] ^= 1;
    set(&fs, path, &bytes);
    let salvaged = salvage(&fs, Path::new(DATA));
    assert!(!salvaged.is_whole());
    let lost = salvaged.partitions[0].lost_offsets[0];
    assert_eq!((lost.from, lost.to), (head.base_offset(), Some(head.last_offset() + 1)));
}

#[test]
fn a_torn_tail_above_the_recovery_point_is_cut_and_one_below_it_is_left() {
    let fixture = "kafka-4.3/lz4-0";
    let (disk, dir) = (disk_with(fixture), partition_dir(fixture));
    let path = segments(&disk, &dir).pop().unwrap();
    let whole = get(&disk, &path);
    let before = files(&disk, &dir);

    let fs = SimFs::from_image(&disk.image());
    set(&fs, &path, &[&whole[..], &whole[..500]].concat());
    let done = apply(&fs, &dir);
    assert!(done.left.is_empty() && done.steps.len() == 1, "{done:?}");
    assert!(files(&fs, &dir) == before, "{done:?}");

    let fs = SimFs::from_image(&disk.image());
    set(&fs, &path, &whole[..whole.len() - 1]);
    let image = fs.image();
    let done = apply(&fs, &dir);
    assert!(!done.left.is_empty(), "{done:?}");
    assert!(done.left.iter().all(|left| !left.advice.is_empty()));
    assert_eq!(get(&fs, &path), whole[..whole.len() - 1]);

    // As it is asked for, and then nothing is thrown away.
    let fs = SimFs::from_image(&image);
    let asked = repair::Options { cut_below_recovery_point: true, ..options(&fs) };
    let done = repair::apply(Path::new(DATA), &asked, &mut Silent).unwrap();
    assert!(done.left.is_empty(), "{done:?}");
    assert_eq!(findings(&fs, Path::new(DATA)), [], "{done:?}");
    let kept = files(&fs, &dir).into_iter().find(|(name, _)| name.ends_with(".cut")).unwrap();
    assert_eq!([get(&fs, &path), kept.1].concat(), whole[..whole.len() - 1]);
    assert!(repair::apply(Path::new(DATA), &asked, &mut Silent).unwrap().steps.is_empty());
}

#[test]
fn damage_in_the_middle_is_left_and_cut_only_when_asked() {
    let fixture = "kafka-4.3/none-0";
    let (disk, dir) = (disk_with(fixture), partition_dir(fixture));
    let logs = segments(&disk, &dir);
    let mut bytes = get(&disk, &logs[0]);
    let (position, head) = batches(&disk, &logs[0])[100];
    bytes[position as usize + 100] ^= 1;
    set(&disk, &logs[0], &bytes);

    let fs = SimFs::from_image(&disk.image());
    let done = apply(&fs, Path::new(DATA));
    assert!(done.steps.is_empty() && done.left.len() == 1, "{done:?}");

    let asked = repair::Options { cut_below_recovery_point: true, ..options(&fs) };
    let done = repair::apply(Path::new(DATA), &asked, &mut Silent).unwrap();
    assert!(done.left.is_empty(), "{done:?}");
    assert_eq!(findings(&fs, Path::new(DATA)), [], "{done:?}");
    assert_eq!(batches_of(&fs, &dir).last_key_value().unwrap().0 + 1, {
        let (before, _) = batches_of(&fs, &dir).pop_last().unwrap();
        assert!(before < head.base_offset().get());
        before + 1
    });
    // Every byte that went out of the log is kept.
    let kept: usize =
        files(&fs, &dir).iter().filter(|(name, _)| name.ends_with(".cut")).map(|(_, b)| b.len()).sum();
    assert_eq!(kept, bytes.len() - position as usize + get(&disk, &logs[1]).len());
}

/// Once ottla had a directory of Kafka's, who may vote stands in a snapshot without a log. It was left behind, and
/// Kafka waited for a leader on the salvaged directory for ever.
#[test]
fn who_may_vote_is_brought_along_without_a_log() {
    let fs = disk_with("kafka-4.3/lz4-0");
    let metadata = Path::new(DATA).join("__cluster_metadata-0");
    fs.create_dir_all(&metadata).unwrap();
    for name in ["00000000000000000000-0000000000.checkpoint", "quorum-state"] {
        set(&fs, &metadata.join(name), name.as_bytes());
    }
    assert!(salvage(&fs, Path::new(DATA)).is_whole());
    assert!(files(&fs, &Path::new(OUT).join("__cluster_metadata-0")) == files(&fs, &metadata));
}

#[test]
fn a_salvage_writes_over_nothing() {
    let fs = disk_with("kafka-4.3/lz4-0");
    let refused = |out: &str| {
        let options = salvage::Options { fs: Arc::new(fs.clone()) };
        let error = salvage::salvage(Path::new(DATA), Path::new(out), &options, &mut Silent).unwrap_err();
        error.to_string()
    };
    let image = fs.image();
    assert!(refused("/data/saved").contains("lies inside"));
    assert!(refused("/data/meta.properties").contains("lies inside"));
    assert_eq!(fs.image(), image);
    fs.create_dir_all(Path::new("/out")).unwrap();
    set(&fs, Path::new("/out/x"), b"");
    assert!(refused("/out").contains("is not empty"));
    assert!(refused("/out/x").contains("is a file"));
}

#[test]
fn a_salvaged_log_opens_and_serves_what_was_saved() {
    let fixture = "kafka-4.3/txn-0";
    let (fs, dir) = (disk_with(fixture), partition_dir(fixture));
    let path = segments(&fs, &dir).pop().unwrap();
    let mut bytes = get(&fs, &path);
    bytes[300_000..310_000].fill(7);
    set(&fs, &path, &bytes);
    let salvaged = salvage(&fs, Path::new(DATA));
    let out = Path::new(OUT).join(name_of(fixture));
    let expected: Vec<i64> = batches_of(&fs, &out).into_keys().collect();
    let environment = Environment { fs: Arc::new(fs), ..Environment::default() };
    let (log, report) = Log::open_with(&out, LogConfig::default(), environment).unwrap();
    assert!(report.truncated.is_none() && report.rebuilt_indexes.is_empty(), "{report:?}");
    assert_eq!(log.log_end_offset(), salvaged.partitions[0].log_end_offset);
    let (mut found, mut next) = (Vec::new(), log.log_start_offset());
    while next < log.log_end_offset() {
        let read = log.read_batches(next, 1 << 20, Isolation::ReadUncommitted).unwrap();
        found.extend(read.decoded().map(|batch| batch.unwrap().head().base_offset().get()));
        assert!(read.next_offset() > next);
        next = read.next_offset();
    }
    assert_eq!(found, expected);
}

//! A loss of power takes back what was not on disk. What it leaves of that is a prefix, or the hole is told and what
//! lies behind it kept aside: in a compacted log too, where a gap may also be what compaction has left.
//!
//! Fault model: each write, new name and rename since the last sync survives whole, in part or not at all, on
//! its own (`SimFs`); and, made by hand, a segment that ends at a batch too early below one that is whole.
//! No false alarm: directories as Kafka leaves them when it is killed in the midst of a pass, whose recovery point
//! and cleaner checkpoint are older than the segments that its cleaner has swapped in.

use std::path::Path;
use std::sync::Arc;

use ottla::dir::{FileKind, FileName, OffsetCheckpoint, Suffix, TopicPartition};
use ottla::{Log, LogConfig, Offset};
use ottla_testkit::{Image, SimClock, SimFs};

use crate::support::{DATA, NOW_MS, Partition, Seen, config, open, path, records, scan};

const KEYS: [&str; 5] = ["felice", "milena", "julie", "grete", "ottla"];

fn reopen(image: &Image, config: &LogConfig) -> (SimFs, Log, ottla::RecoveryReport) {
    let fs = SimFs::from_image(image);
    let (log, report) = open(&fs, &Arc::new(SimClock::at_ms(NOW_MS)), config).unwrap();
    (fs, log, report)
}

fn all(log: &Log) -> Vec<Seen> {
    records(log, ottla::Isolation::ReadUncommitted)
}

/// Cuts `batches` batches from the end of a segment.
fn shorten(fs: &SimFs, base: Offset, batches: usize) -> Image {
    let found = scan(fs, base);
    let (position, _) = found[found.len() - batches];
    let mut image = fs.image();
    let bytes = image.read(path(base, FileKind::Log)).unwrap()[..position.get() as usize].to_vec();
    image.put(path(base, FileKind::Log), bytes);
    image
}

/// A log with a part that is compacted, if wanted, and more segments behind it that were never synced.
fn with_unsynced_segments(compacted: bool) -> Partition {
    let partition = Partition::new();
    partition.put("felice", "zero");
    if compacted {
        for value in ["one", "two", "three"] {
            KEYS.iter().for_each(|key| _ = partition.put(key, value));
        }
        partition.roll();
        partition.compact().unwrap();
        assert!(partition.cleaner_point().is_some_and(|point| point > 0));
    }
    partition.log.flush().unwrap();
    partition
}

#[test]
fn a_hole_above_the_recovery_point_of_a_compacted_log_is_told() {
    let mut cuts = 0;
    for compacted in [false, true] {
        let partition = with_unsynced_segments(compacted);
        let synced = partition.log.log_end_offset();
        (0..20).for_each(|n| _ = partition.put(KEYS[n % 5], "unsynced"));
        let before = partition.records();
        let bases = partition.log.segment_base_offsets();
        for pair in bases.windows(2).filter(|pair| pair[0] >= synced) {
            for batches in 1..=scan(&partition.fs, pair[0]).len() {
                let image = shorten(&partition.fs, pair[0], batches);
                let (fs, log, report) = reopen(&image, &config());
                let context = format!("compacted {compacted}, {batches} batches of segment {}", pair[0]);
                let lost_from = pair[1] - batches as i64;
                assert_eq!(log.log_end_offset(), lost_from, "{context}");
                let expected: Vec<Seen> =
                    before.iter().filter(|record| record.0 < lost_from.get()).cloned().collect();
                assert_eq!(all(&log), expected, "{context}");
                let cut = report.truncated.unwrap_or_else(|| panic!("{context}: untold"));
                assert!(!cut.kept_aside.is_empty(), "{context}");
                let aside = fs.image();
                assert!(cut.kept_aside.iter().all(|file| aside.read(file).is_some()), "{context}");
                cuts += 1;
            }
        }
    }
    println!("{cuts} holes, each told");
    assert!(cuts > 20, "{cuts}");
}

/// A pass goes upwards: what it has left of segments below says nothing of a gap above. The recovery point is where the
/// active segment begins, so that recovery also looks at the segment before it, which is one that was compacted.
#[test]
fn what_a_pass_has_left_below_a_hole_does_not_hide_it() {
    let partition = Partition::new();
    for value in ["one", "two", "three"] {
        KEYS.iter().for_each(|key| _ = partition.put(key, value));
    }
    partition.log.flush().unwrap();
    let last = *partition.log.segment_base_offsets().last().unwrap();
    let active = Offset::new(partition.roll());
    partition.compact().unwrap();
    assert_eq!(partition.log.recovery_point(), active, "nothing else was to be flushed");
    (0..20).for_each(|n| _ = partition.put(KEYS[n % 5], "unsynced"));
    let (bases, mut holes) = (partition.log.segment_base_offsets(), 0);
    for pair in bases.windows(2).filter(|pair| pair[0] >= active) {
        let mut image = shorten(&partition.fs, pair[0], 1);
        let name = FileName::new(last, FileKind::Log).with_suffix(Some(Suffix::Deleted));
        image.put(name.in_dir(Path::new(crate::support::DIR)), Vec::new());
        let (_, log, report) = reopen(&image, &config());
        assert!(report.truncated.is_some(), "the hole before {} is not told", pair[1]);
        assert_eq!(log.log_end_offset(), pair[1] - 1);
        holes += 1;
    }
    assert!(holes > 3, "{holes}");
}

/// Found by the long run of losses of power: of the first segment nothing was left, which nobody can tell from a pass
/// that took all of it; the gap behind it was taken for the work of that pass, too.
#[test]
fn a_hole_that_could_not_be_told_does_not_hide_the_next() {
    let partition = Partition::new();
    (0..20).for_each(|n| _ = partition.put(KEYS[n % 5], "unsynced"));
    with_old_checkpoints(&partition.fs, 0, None);
    let (bases, mut holes) = (partition.log.segment_base_offsets(), 0);
    for pair in bases.windows(2).skip(1) {
        let mut image = shorten(&partition.fs, pair[0], 1);
        image.put(path(bases[0], FileKind::Log), Vec::new());
        let (_, log, report) = reopen(&image, &config());
        assert!(report.truncated.is_some(), "the hole before {} is not told", pair[1]);
        assert_eq!(log.log_end_offset(), pair[1] - 1);
        holes += 1;
    }
    assert!(holes > 3, "{holes}");
}

#[test]
fn what_a_loss_of_power_leaves_of_a_compacted_log_is_a_prefix() {
    let mut states = 0;
    for compacted in [false, true] {
        let partition = with_unsynced_segments(compacted);
        (0..12).for_each(|n| _ = partition.put(KEYS[n % 5], "unsynced"));
        let before = partition.records();
        for crash in partition.fs.crashes(400) {
            let context = format!("compacted {compacted}, {crash:?}");
            let image = partition.fs.crash(&mut crash.clone()).image();
            let (_, log, _) = reopen(&image, &config());
            let found = all(&log);
            assert_eq!(found, before[..found.len().min(before.len())], "{context}");
            states += 1;
        }
    }
    println!("{states} states, each a prefix");
    assert!(states > 800, "{states}");
}

/// Puts the checkpoints back to what they were before the pass, as Kafka's are while one is under way.
fn with_old_checkpoints(fs: &SimFs, recovery_point: i64, cleaner_point: Option<i64>) {
    let change = |checkpoint: OffsetCheckpoint, offset: Option<i64>| {
        let mut offsets = checkpoint.read(fs, Path::new(DATA)).unwrap();
        let partition = TopicPartition::new("letters", 0).unwrap();
        match offset {
            Some(offset) => offsets.insert(partition, Offset::new(offset)),
            None => offsets.remove(&partition),
        };
        checkpoint.write(fs, Path::new(DATA), &offsets).unwrap();
    };
    change(OffsetCheckpoint::RecoveryPoint, Some(recovery_point));
    change(OffsetCheckpoint::Cleaner, cleaner_point);
}

#[test]
fn what_kafka_has_compacted_above_an_old_recovery_point_is_no_hole() {
    let (mut states, mut gaps) = (0, 0);
    for cleaner_point in [None, Some(0), Some(3)] {
        for recovery_point in [0, 2, 5, 9] {
            let partition = Partition::new();
            for value in ["one", "two", "three", "four", "five"] {
                KEYS.iter().for_each(|key| _ = partition.put(key, value));
            }
            partition.roll();
            partition.compact().unwrap();
            KEYS.iter().for_each(|key| _ = partition.put(key, "six"));
            let (before, end) = (partition.records(), partition.log.log_end_offset());
            gaps += gaps_between_segments(&partition);
            with_old_checkpoints(&partition.fs, recovery_point, cleaner_point);
            let (_, log, report) = reopen(&partition.fs.image(), &config());
            let context = format!("recovery point {recovery_point}, cleaner point {cleaner_point:?}");
            assert_eq!((all(&log), log.log_end_offset()), (before, end), "{context}");
            assert!(report.truncated.is_none(), "{context}: {report:?}");
            states += 1;
        }
    }
    println!("{states} states with {gaps} gaps, no alarm");
    assert!(gaps > states, "{gaps} gaps");
}

fn gaps_between_segments(partition: &Partition) -> usize {
    let bases = partition.log.segment_base_offsets();
    let ends_early = |pair: &&[Offset]| {
        let end = scan(&partition.fs, pair[0]).last().map_or(pair[0], |(_, head)| head.last_offset() + 1);
        end < pair[1]
    };
    bases.windows(2).filter(ends_early).count()
}

/// The worst case: of a segment that Kafka has compacted only the end went, so that nothing in it tells. What the
/// pass has left beside it does.
#[test]
fn a_pass_that_was_under_way_up_there_explains_every_gap() {
    let partition = Partition::new();
    let keys = ["a", "b", "c", "d", "e", "hot", "hot", "hot", "hot", "hot", "hot", "hot"];
    keys.iter().for_each(|key| _ = partition.put(key, "x"));
    let bases = partition.log.segment_base_offsets();
    partition.log.flush().unwrap();
    with_old_checkpoints(&partition.fs, 0, Some(0));
    // As if the pass had left the first of two records in the second segment, and no trace.
    let image = shorten(&partition.fs, bases[1], 1);
    let (_, log, report) = reopen(&image, &config());
    assert!(report.truncated.is_some() && log.log_end_offset() == bases[2] - 1, "nothing tells of a pass");
    for suffix in [Suffix::Deleted, Suffix::Cleaned] {
        let mut image = image.clone();
        let name = FileName::new(bases[1], FileKind::Log).with_suffix(Some(suffix));
        image.put(name.in_dir(Path::new(crate::support::DIR)), Vec::new());
        let (_, log, report) = reopen(&image, &config());
        assert!(report.truncated.is_none(), "{suffix:?}: {report:?}");
        assert_eq!(log.log_end_offset(), partition.log.log_end_offset());
    }
}

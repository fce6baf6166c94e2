//! Damage below the recovery point: bytes that were on disk, and are not what was written. They are never cut, and
//! everything around them is served.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing, reason = "tests")]
#![allow(clippy::disallowed_methods, reason = "the test looks at the files past the engine")]

use std::fs;
use std::path::{Path, PathBuf};

use ottla::{Error, Isolation, Log, LogConfig, Offset, RecoveryReport};
use ottla_record::BatchBuilder;

const VALUE: [u8; 64] = [7; 64];
const BATCHES: i64 = 100;

fn one_record() -> Vec<u8> {
    let mut builder = BatchBuilder::new();
    builder.push(1_700_000_000_000, None, Some(&VALUE), &[]).unwrap();
    builder.build().unwrap()
}

fn open(dir: &Path) -> (Log, RecoveryReport) {
    let config = LogConfig { segment_bytes: 5_000, index_interval_bytes: 512, ..LogConfig::default() };
    Log::open_with(dir, config, Default::default()).unwrap()
}

/// A log of [`BATCHES`] batches of one record in three segments, flushed, and then the process was killed.
fn flushed_and_killed(data: &Path) -> PathBuf {
    let dir = data.join("letters-0");
    let (log, _) = open(&dir);
    for _ in 0..BATCHES {
        log.append(&one_record()).unwrap();
    }
    log.flush().unwrap();
    dir
}

fn segments(dir: &Path) -> Vec<PathBuf> {
    let mut logs: Vec<_> = fs::read_dir(dir)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.extension().is_some_and(|extension| extension == "log"))
        .collect();
    logs.sort();
    logs
}

fn base_of(segment: &Path) -> i64 {
    segment.file_stem().unwrap().to_str().unwrap().parse().unwrap()
}

/// Changes the last segment, which is the one that recovery looks at.
fn damage_last(dir: &Path, change: impl FnOnce(&mut Vec<u8>)) -> i64 {
    let last = segments(dir).pop().unwrap();
    let mut bytes = fs::read(&last).unwrap();
    change(&mut bytes);
    fs::write(&last, bytes).unwrap();
    base_of(&last)
}

/// Which offsets can be read, from the start to the end.
fn readable(log: &Log) -> Vec<i64> {
    (log.log_start_offset().get()..log.log_end_offset().get())
        .filter(|offset| {
            let read = log.read_batches(Offset::new(*offset), 1, Isolation::ReadUncommitted);
            read.is_ok_and(|batches| {
                let mut first = None;
                batches
                    .for_each_record(|record| {
                        assert_eq!(record.value, Some(&VALUE[..]));
                        first.get_or_insert(record.offset.get());
                        Ok(())
                    })
                    .unwrap();
                first == Some(*offset)
            })
        })
        .collect()
}

fn all_but(lost: impl IntoIterator<Item = i64>) -> Vec<i64> {
    let lost: Vec<i64> = lost.into_iter().collect();
    (0..BATCHES).filter(|offset| !lost.contains(offset)).collect()
}

/// Opens, appends, and opens again: what was readable stays so, and nothing was cut.
fn goes_on_around(dir: &Path, lost: Vec<i64>) {
    let sizes = |dir: &Path| -> Vec<u64> {
        segments(dir).iter().map(|segment| fs::metadata(segment).unwrap().len()).collect()
    };
    let before = sizes(dir);
    let (log, report) = open(dir);
    assert_eq!(report.damaged.len(), 1, "{report}");
    assert_eq!(report.truncated, None, "{report}");
    assert_eq!(log.log_end_offset(), Offset::new(BATCHES), "no offset is given out again");
    assert_eq!(readable(&log), all_but(lost.clone()));
    assert!(sizes(dir).starts_with(&before[..before.len() - 1]));
    assert!(sizes(dir)[before.len() - 1] == before[before.len() - 1], "nothing is cut");
    let appended = log.append(&one_record()).unwrap();
    assert_eq!(appended.base_offset, Offset::new(BATCHES));
    log.flush().unwrap();
    drop(log);

    let mut expected = all_but(lost);
    expected.push(BATCHES);
    let (log, _) = open(dir);
    assert_eq!(readable(&log), expected, "after a second crash");
    log.close().unwrap();
    let (log, report) = open(dir);
    assert!(report.clean);
    assert_eq!(readable(&log), expected, "after a clean close");
}

fn batch_bytes() -> usize {
    one_record().len()
}

#[test]
fn a_damaged_batch_is_passed_over() {
    let data = tempfile::tempdir().unwrap();
    let dir = flushed_and_killed(data.path());
    // Behind the last index entry, where recovery begins to look.
    let mut lost = 0;
    let base = damage_last(&dir, |bytes| {
        lost = bytes.len() / batch_bytes() - 2;
        bytes[lost * batch_bytes() + 70] ^= 1;
    });
    goes_on_around(&dir, vec![base + lost as i64]);
}

#[test]
fn a_damaged_head_is_passed_over() {
    let data = tempfile::tempdir().unwrap();
    let dir = flushed_and_killed(data.path());
    let mut lost = 0;
    let base = damage_last(&dir, |bytes| {
        lost = bytes.len() / batch_bytes() - 2;
        bytes[lost * batch_bytes() + 9] ^= 0x40;
    });
    goes_on_around(&dir, vec![base + lost as i64]);
}

#[test]
fn appending_goes_on_in_a_new_segment_behind_damage_at_the_end() {
    let data = tempfile::tempdir().unwrap();
    let dir = flushed_and_killed(data.path());
    damage_last(&dir, |bytes| {
        let last = bytes.len() - 1;
        bytes[last] ^= 1;
    });
    goes_on_around(&dir, vec![BATCHES - 1]);
    assert!(dir.join(format!("{BATCHES:020}.log")).exists());
}

#[test]
fn zeros_below_the_recovery_point_are_damage_not_a_torn_tail() {
    let data = tempfile::tempdir().unwrap();
    let dir = flushed_and_killed(data.path());
    damage_last(&dir, |bytes| {
        let from = bytes.len() - 2 * batch_bytes();
        bytes[from..].fill(0);
    });
    goes_on_around(&dir, vec![BATCHES - 2, BATCHES - 1]);
}

#[test]
fn reading_a_damaged_offset_says_where_the_next_whole_batch_is() {
    let data = tempfile::tempdir().unwrap();
    let dir = flushed_and_killed(data.path());
    let base = damage_last(&dir, |bytes| bytes[9] ^= 0x40);
    let (log, _) = open(&dir);
    let read = log.read_batches(Offset::new(base), 1, Isolation::ReadUncommitted);
    let Err(Error::Corrupt(corruption)) = read else { panic!("{read:?}") };
    assert_eq!(corruption.position, Some(0));
    assert!(corruption.found.contains(&format!("offset {}", base + 1)), "{corruption}");
}

#[test]
fn a_torn_tail_past_the_recovery_point_is_still_cut() {
    let data = tempfile::tempdir().unwrap();
    let dir = flushed_and_killed(data.path());
    damage_last(&dir, |bytes| bytes.extend_from_slice(&one_record()[..40]));
    let (log, report) = open(&dir);
    assert_eq!(report.damaged, []);
    assert_eq!(report.truncated.map(|cut| cut.cut_bytes), Some(40));
    assert_eq!(readable(&log), all_but([]));
}

/// Two crashes may cut at one and the same byte, and what the first one cut is somebody's still. The second once took its
/// place.
#[test]
fn what_an_earlier_crash_had_cut_stays_beside_what_the_next_one_cuts() {
    let data = tempfile::tempdir().unwrap();
    let dir = flushed_and_killed(data.path());
    let mut kept = Vec::new();
    for flipped in [62, 63] {
        let mut damaged = one_record();
        damaged[flipped] ^= 1;
        damage_last(&dir, |bytes| bytes.extend_from_slice(&damaged));
        let report = open(&dir).1;
        kept.extend(report.truncated.unwrap().kept_aside.into_iter().map(|path| (path, damaged.clone())));
    }
    assert_eq!(kept.len(), 2);
    for (path, damaged) in kept {
        assert_eq!(fs::read(&path).unwrap(), damaged, "{}", path.display());
    }
}

/// The base offset lies outside the checksum: one flipped bit once moved the end of a log that was closed cleanly by
/// 2^53, and appends went on there.
#[test]
fn a_clean_shutdown_does_not_vouch_for_a_flipped_offset() {
    let data = tempfile::tempdir().unwrap();
    let dir = flushed_and_killed(data.path());
    open(&dir).0.close().unwrap();
    damage_last(&dir, |bytes| {
        let last = bytes.len() - batch_bytes();
        bytes[last + 1] ^= 0x20;
    });
    let (log, report) = open(&dir);
    assert!(!report.clean, "{report}");
    assert_eq!(report.damaged.len(), 1, "{report}");
    assert_eq!(log.log_end_offset(), Offset::new(BATCHES));
    assert_eq!(readable(&log), all_but([BATCHES - 1]));
}

/// A segment that begins with damage ends at its own name, and the new one behind it must not be given that name: it
/// would be emptied.
#[test]
fn damage_stays_even_where_the_recovery_point_is_absurd() {
    for recovery_point in [1_000_000_000_000_000_i64, i64::from(i32::MAX) * 4] {
        let data = tempfile::tempdir().unwrap();
        let dir = flushed_and_killed(data.path());
        let checkpoint = format!("0\n1\nletters 0 {recovery_point}\n");
        fs::write(data.path().join("recovery-point-offset-checkpoint"), checkpoint).unwrap();
        let base = damage_last(&dir, |bytes| bytes.fill(0x55));
        let last = segments(&dir).pop().unwrap();
        let before = fs::read(&last).unwrap();
        let (log, report) = open(&dir);
        assert!(!report.damaged.is_empty(), "{report}");
        assert_eq!(fs::read(&last).unwrap(), before);
        assert!(log.log_end_offset() > Offset::new(base));
        log.append(&one_record()).unwrap();
        log.close().unwrap();
        assert_eq!(fs::read(&last).unwrap(), before);
    }
}

/// What a failed sync has left may be longer than what is copied at once.
#[test]
fn a_long_segment_in_doubt_is_written_anew_to_its_last_byte() {
    static LONG: [u8; 400_000] = [7; 400_000];
    let data = tempfile::tempdir().unwrap();
    let dir = data.path().join("letters-0");
    let open = || Log::open_with(&dir, LogConfig::default(), Default::default()).unwrap();
    let (log, _) = open();
    let mut builder = BatchBuilder::new();
    builder.push(1_700_000_000_000, None, Some(&LONG), &[]).unwrap();
    let batch = builder.build().unwrap();
    for _ in 0..7 {
        log.append(&batch).unwrap();
    }
    drop(log);
    let segment = segments(&dir).pop().unwrap();
    let (bytes, before) = (fs::read(&segment).unwrap(), fs::metadata(&segment).unwrap());
    fs::write(dir.join("failed-sync"), "").unwrap();

    let (log, report) = open();
    assert!(!report.clean && report.truncated.is_none(), "{report}");
    assert_eq!(log.log_end_offset(), Offset::new(7));
    assert_eq!(fs::read(&segment).unwrap(), bytes);
    let inode = std::os::unix::fs::MetadataExt::ino;
    assert_ne!(inode(&fs::metadata(&segment).unwrap()), inode(&before), "another file, of the same bytes");
    assert!(!dir.join("failed-sync").exists());
}

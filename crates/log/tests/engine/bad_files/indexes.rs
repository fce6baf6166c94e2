//! Indexes and snapshots are derived from the log: whatever stands in them, the log tells the truth.

use std::path::Path;

use ottla::dir::FileKind;
use ottla::{Error, Isolation, Offset};
use ottla_testkit::SimFs;

use super::scene::{ENDS, End, Scene, never_flushed, scene};
use crate::support::{Driver, open, small};

const INDEXES: [FileKind; 2] = [FileKind::Index, FileKind::TimeIndex];

fn for_each_index(mut check: impl FnMut(&Scene, &str, Vec<u8>, &str)) {
    let scenes =
        [("closed", scene(End::Closed)), ("killed", scene(End::Killed)), ("unmarked", never_flushed())];
    for (name, scene) in &scenes {
        for kind in INDEXES {
            for (base, path) in scene.files(kind) {
                if *name == "closed" && kind == FileKind::TimeIndex && Some(&base) == scene.bases.last() {
                    // See `the_last_time_index_is_not_believed_after_a_clean_stop_either`.
                    continue;
                }
                check(scene, &path, scene.bytes(&path), &format!("{name}, {path}"));
            }
        }
    }
}

/// Appending goes on behind the last entry, and takes its timestamp for the largest so far.
#[test]
fn the_last_time_index_is_not_believed_after_a_clean_stop_either() {
    let scene = scene(End::Closed);
    let (_, path) = scene.files(FileKind::TimeIndex).pop().unwrap();
    for bytes in [vec![0; 12], vec![0; 24], vec![0x7f; 36], vec![0xff; 12]] {
        scene.with(&path, &bytes[..]).opens_whole(&format!("{bytes:?}"));
    }
}

#[test]
fn an_index_that_is_missing_is_built_anew() {
    for_each_index(|scene, path, _, context| {
        scene.without(path).opens_whole(context);
    });
    for end in ENDS {
        let whole = scene(end);
        let mut bare = whole.clone();
        for (_, path) in INDEXES.into_iter().flat_map(|kind| whole.files(kind)) {
            bare = bare.without(&path);
        }
        bare.opens_whole("without any index");
    }
}

#[test]
fn an_index_that_ends_early_costs_time_and_no_record() {
    for_each_index(|scene, path, bytes, context| {
        let entry = if path.ends_with(".timeindex") { 12 } else { 8 };
        for cut in (0..bytes.len()).step_by(entry).chain([1, bytes.len().saturating_sub(5)]) {
            let short = scene.with(path, &bytes[..cut.min(bytes.len())]);
            let mut expected = scene.contents.clone();
            if path.ends_with(".timeindex") {
                // Nothing tells that whole entries are missing, but for `ottla verify`: a look-up by time may skip
                // what they stood for.
                expected.by_time.clear();
            }
            short.opens_with(&expected, &format!("{context} cut at {cut}"));
        }
    });
}

/// Kafka grows an index to its full size and cuts it when it closes the segment; a crash leaves the zeros.
#[test]
fn zeros_behind_the_entries_are_no_entries() {
    for_each_index(|scene, path, bytes, context| {
        for zeros in [8, 12, 24, 4096, 5] {
            let padded = [&bytes[..], &vec![0; zeros]].concat();
            scene.with(path, padded).opens_whole(&format!("{context} and {zeros} zeros"));
        }
        scene.with(path, vec![0; bytes.len()]).opens_whole(&format!("{context}, only zeros"));
    });
}

#[test]
fn garbage_in_an_index_is_passed_over() {
    for_each_index(|scene, path, bytes, context| {
        for byte in [0xff, 0x7f, 0x01, 0x80] {
            scene.with(path, vec![byte; 96]).opens_whole(&format!("{context}, 96 bytes of {byte:#x}"));
        }
        let noise: Vec<u8> = (0_u32..960).map(|n| (n.wrapping_mul(2_654_435_761) >> 13) as u8).collect();
        scene.with(path, &noise[..]).opens_whole(&format!("{context}, noise"));
        let mixed = [&bytes[..], &noise[..95]].concat();
        scene.with(path, mixed).opens_whole(&format!("{context}, noise behind"));
        for at in 0..bytes.len() {
            let mut flipped = bytes.clone();
            flipped[at] ^= 1 << (at % 8);
            scene.with(path, flipped).opens_whole(&format!("{context}, byte {at} flipped"));
        }
    });
}

#[test]
fn indexes_of_other_segments_lead_nobody_astray() {
    for_each_index(|scene, path, bytes, context| {
        let kind = if path.ends_with(".timeindex") { FileKind::TimeIndex } else { FileKind::Index };
        for (base, other) in scene.files(kind).into_iter().filter(|(_, other)| other != path) {
            if context.starts_with("closed")
                && kind == FileKind::TimeIndex
                && Some(&base) == scene.bases.last()
            {
                continue;
            }
            let swapped = scene.with(path, scene.bytes(&other)).with(&other, &bytes[..]);
            swapped.opens_whole(&format!("{context} swapped with {other}"));
        }
    });
}

#[test]
fn a_snapshot_that_is_no_snapshot_is_passed_over() {
    for scene in [scene(End::Closed), scene(End::Killed), never_flushed()] {
        for (base, path) in scene.files(FileKind::Snapshot) {
            let bytes = scene.bytes(&path);
            scene.without(&path).opens_whole(&format!("without the snapshot at {base}"));
            for cut in (0..bytes.len()).step_by(23) {
                scene.with(&path, &bytes[..cut]).opens_whole(&format!("the snapshot at {base} cut at {cut}"));
            }
            for at in (0..bytes.len()).step_by(7) {
                let mut flipped = bytes.clone();
                flipped[at] ^= 0x10;
                scene
                    .with(&path, flipped)
                    .opens_whole(&format!("byte {at} of the snapshot at {base} flipped"));
            }
            scene.with(&path, vec![0; 200]).opens_whole(&format!("zeros for the snapshot at {base}"));
        }
        let mut none = scene.clone();
        for (_, path) in scene.files(FileKind::Snapshot) {
            none = none.with(&path, "none of them");
        }
        none.opens_whole("without any good snapshot");
    }
}

/// One that `kill -9` had left empty stayed, and `ottla verify` called the directory damaged ever after.
#[test]
fn a_snapshot_that_a_crash_has_torn_does_not_stay() {
    let scene = scene(End::Killed);
    let torn: Vec<_> = scene
        .files(FileKind::Snapshot)
        .into_iter()
        .filter(|(base, _)| *base >= scene.recovery_point)
        .collect();
    assert!(!torn.is_empty());
    for (_, path) in torn {
        let fs = SimFs::from_image(&scene.with(&path, "").image);
        let (log, _) = open(&fs, &small()).unwrap();
        drop(log);
        assert!(fs.image().entries().all(|(left, _)| left != Path::new(&path)), "{path}");
    }
}

/// A snapshot from beyond the end, as a cut of the log leaves it.
#[test]
fn a_snapshot_past_the_end_of_the_log_is_not_believed() {
    for scene in [scene(End::Closed), scene(End::Killed), never_flushed()] {
        let (_, newest) = scene.files(FileKind::Snapshot).pop().unwrap();
        let past = scene.path(scene.contents.end + 7, FileKind::Snapshot);
        scene.with(&past, scene.bytes(&newest)).opens_whole("a snapshot past the end");
    }
}

/// It is whole, so nothing tells that its producers are of another log; records are not touched by what it says.
#[test]
fn a_snapshot_of_another_log_costs_no_record() {
    let mut other = Driver::new(SimFs::new(), small());
    other.open().unwrap();
    for id in 50..60 {
        other.append_as(id, 3, true).unwrap();
    }
    other.close().unwrap();
    let image = other.fs.image();
    let files = image.entries().filter(|(path, _)| path.extension().is_some_and(|kind| kind == "snapshot"));
    let foreign = files.filter_map(|(path, _)| image.read(path)).last().unwrap();
    for scene in [scene(End::Closed), scene(End::Killed), never_flushed()] {
        for (base, path) in scene.files(FileKind::Snapshot) {
            let (found, _) = scene.with(&path, foreign).opens_with_nothing_wrong(&path).unwrap();
            assert_eq!((found.start, found.end), (scene.contents.start, scene.contents.end), "{base}");
            assert_eq!(found.records, scene.contents.records, "{base}");
        }
    }
}

/// Aborted transactions are told by their index alone, so whoever looks there is told that it is bad; recovery
/// writes anew what lies past the recovery point.
#[test]
fn a_damaged_transaction_index_is_told_or_written_anew() {
    for end in ENDS {
        let scene = scene(end);
        let indexes =
            scene.files(FileKind::TxnIndex).into_iter().filter(|(_, path)| !scene.bytes(path).is_empty());
        for (base, path) in indexes {
            let mut foreign = scene.bytes(&path);
            foreign[1] = 9;
            let fs = SimFs::from_image(&scene.with(&path, foreign).image);
            let (log, _) = open(&fs, &small()).unwrap();
            let read = |from: &Offset| log.read_batches(*from, 1 << 20, Isolation::ReadCommitted).err();
            let told = scene.bases.iter().find_map(read);
            let is_told = matches!(&told, Some(Error::Corrupt(told)) if told.path == Path::new(&path));
            assert!(is_told || base >= scene.recovery_point, "{end:?}, {base}: {told:?}");
        }
    }
}

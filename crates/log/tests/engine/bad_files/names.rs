//! Files and directories that nobody knows stay, and what was left half done is finished or undone.

use ottla::Offset;
use ottla::dir::{FileKind, FileName, Suffix};
use ottla_testkit::SimFs;

use super::scene::{ENDS, End, Scene, never_flushed, scene};
use crate::support::{DATA, DIR, open, small};

const SEGMENT_FILES: [FileKind; 3] = [FileKind::Log, FileKind::Index, FileKind::TimeIndex];

fn suffixed(base: Offset, kind: FileKind, suffix: Suffix) -> String {
    let name = FileName::new(base, kind).with_suffix(suffix);
    name.in_dir(std::path::Path::new(DIR)).to_string_lossy().into_owned()
}

fn after_opening(scene: &Scene) -> ottla_testkit::Image {
    let fs = SimFs::from_image(&scene.image);
    drop(open(&fs, &small()).unwrap());
    fs.image()
}

#[test]
fn strangers_among_the_files_stay_as_they_are() {
    for end in ENDS {
        let mut scene = scene(end);
        let strangers = [
            format!("{DIR}/notes.txt"),
            format!("{DIR}/1.log"),
            format!("{DIR}/000000000000000000001.log"),
            format!("{DIR}/0000000000000000000a.log"),
            format!("{DIR}/-0000000000000000001.log"),
            format!("{DIR}/99999999999999999999.log"),
            format!("{DIR}/00000000000000000000.log.bak"),
            format!("{DIR}/00000000000000000000.LOG"),
            format!("{DIR}/.nfs000000000001"),
            format!("{DIR}/lost+found/00000000000000000000.log"),
            format!("{DATA}/README"),
            format!("{DATA}/parcels-x/00000000000000000000.log"),
            format!("{DATA}/.snapshots/letters-0/00000000000000000000.log"),
        ];
        for path in &strangers {
            scene = scene.with(path, "not ours");
        }
        scene.opens_whole(&format!("{end:?}: strangers"));
        let after = after_opening(&scene);
        for path in &strangers {
            assert_eq!(after.read(path), Some(&b"not ours"[..]), "{path}");
        }
    }
}

/// Names that a segment file may have, on directories.
#[test]
fn a_directory_with_the_name_of_a_segment_is_no_segment() {
    for end in ENDS {
        let scene = scene(end);
        let past = scene.contents.end + 5;
        for kind in FileKind::ALL {
            let inside = format!("{}/letter", scene.path(past, kind));
            scene.with(&inside, "x").opens_whole(&format!("{end:?}: {inside}"));
            let inside = format!("{}/letter", suffixed(past, kind, Suffix::Swap));
            scene.with(&inside, "x").opens_whole(&format!("{end:?}: {inside}"));
        }
    }
}

#[test]
fn deleted_and_unfinished_files_go() {
    for scene in [scene(End::Closed), scene(End::Killed), never_flushed()] {
        for suffix in [Suffix::Deleted, Suffix::Cleaned, Suffix::Rebuilt] {
            for base in [Offset::ZERO, scene.bases[1], scene.bases[2] + 1, scene.contents.end + 100] {
                let mut left = scene.clone();
                let paths = FileKind::ALL.map(|kind| suffixed(base, kind, suffix));
                for path in &paths {
                    left = left.with(path, "half of something");
                }
                let report = left.opens_whole(&format!("{suffix:?} at {base}"));
                assert_eq!(report.removed_leftovers.len(), paths.len(), "{report:?}");
                let after = after_opening(&left);
                assert!(paths.iter().all(|path| after.read(path).is_none()), "{suffix:?} at {base}");
            }
        }
    }
}

/// After a failed sync segments are written anew, under another name first. A crash in the middle of that left half
/// of one there until `ottla repair`. The power goes at each change of an open, and each crash is opened again.
#[test]
fn what_a_crash_left_half_written_anew_goes() {
    let is_half = |path: &std::path::Path| path.extension().is_some_and(|end| end == "rebuilt");
    let halves = |fs: &SimFs| fs.image().entries().filter(|(path, _)| is_half(path)).count();
    let scene = never_flushed().with(&format!("{DIR}/failed-sync"), "");
    let (mut crashes, mut with_halves) = (0, 0);
    for calls in 0.. {
        let fs = SimFs::from_image(&scene.image);
        fs.crash_after(calls);
        let opened = open(&fs, &small()).is_ok();
        for mut crash in fs.crashes(2) {
            let after = fs.crash(&mut crash);
            crashes += 1;
            with_halves += usize::from(halves(&after) > 0);
            drop(open(&after, &small()).unwrap_or_else(|e| panic!("after {calls} changes, {crash:?}: {e}")));
            assert_eq!(halves(&after), 0, "after {calls} changes, {crash:?}");
        }
        if opened && !fs.crashed() {
            break;
        }
    }
    println!("{crashes} crashes while opening, {with_halves} of them left a file half written anew");
    assert!(with_halves > 20, "{with_halves} of {crashes}");
}

#[test]
fn indexes_without_a_segment_go() {
    for scene in [scene(End::Closed), scene(End::Killed), never_flushed()] {
        for kind in [FileKind::Index, FileKind::TimeIndex, FileKind::TxnIndex] {
            for base in [scene.bases[1] + 1, scene.contents.end + 9] {
                let orphan = scene.path(base, kind);
                let left = scene.with(&orphan, vec![7; 40]);
                left.opens_whole(&format!("orphan {orphan}"));
                assert_eq!(after_opening(&left).read(&orphan), None);
            }
        }
    }
}

/// Two segments as one, with their aborted transactions, and what a clean has written of it.
fn merged(scene: &Scene, suffix: Suffix) -> (Offset, [Offset; 2], Vec<u8>, Scene) {
    let pair = [scene.bases[1], scene.bases[2]];
    let both = |kind| {
        pair.map(|base| scene.image.read(scene.path(base, kind)).unwrap_or_default().to_vec()).concat()
    };
    let log = both(FileKind::Log);
    let written = scene
        .with(&suffixed(pair[0], FileKind::Log, suffix), &log[..])
        .with(&suffixed(pair[0], FileKind::TxnIndex, suffix), both(FileKind::TxnIndex));
    (pair[0], pair, log, written)
}

/// All the states that a swap of two segments against one can be interrupted in.
#[test]
fn a_swap_is_finished_from_wherever_it_was_left() {
    for scene in [scene(End::Closed), scene(End::Killed)] {
        let (base, pair, log, swapped) = merged(&scene, Suffix::Swap);
        let swap = suffixed(base, FileKind::Log, Suffix::Swap);
        swapped.opens_whole("both old segments are there");
        let after = after_opening(&swapped);
        assert_eq!(after.read(scene.path(base, FileKind::Log)), Some(&log[..]));
        assert_eq!(after.read(scene.path(pair[1], FileKind::Log)), None);
        assert_eq!(after.read(&swap), None);

        let mut gone = swapped.clone();
        for old in pair {
            let files = SEGMENT_FILES.map(|kind| (kind, gone.path(old, kind)));
            for (kind, path) in files {
                let bytes = gone.bytes(&path);
                gone = gone.without(&path).with(&suffixed(old, kind, Suffix::Deleted), bytes);
                gone.opens_whole(&format!("{path} is renamed"));
            }
        }
        for (old, kind) in pair.into_iter().flat_map(|old| SEGMENT_FILES.map(|kind| (old, kind))) {
            gone = gone.without(&suffixed(old, kind, Suffix::Deleted));
            gone.opens_whole(&format!("the {kind:?} of {old} is gone"));
        }
        let in_place = gone.without(&swap).with(&scene.path(base, FileKind::Log), &log[..]);
        in_place.opens_whole("in place, without its indexes");
    }
}

/// A swap that is not whole yet: some of its files are `.swap`, some still `.cleaned`.
#[test]
fn a_clean_that_did_not_come_to_its_swap_is_undone() {
    for scene in [scene(End::Closed), scene(End::Killed)] {
        for (log_suffix, index_suffix) in [
            (Suffix::Cleaned, Suffix::Cleaned),
            (Suffix::Cleaned, Suffix::Swap),
            (Suffix::Swap, Suffix::Cleaned),
        ] {
            let (base, _, _, half) = merged(&scene, log_suffix);
            let half = half.with(&suffixed(base, FileKind::Index, index_suffix), "");
            half.opens_whole(&format!("log {log_suffix:?}, index {index_suffix:?}"));
            let after = after_opening(&half);
            let old = scene.path(base, FileKind::Log);
            assert_eq!(
                after.read(&old),
                Some(&scene.bytes(&old)[..]),
                "log {log_suffix:?}, index {index_suffix:?}"
            );
        }
    }
}

#[test]
fn a_swap_of_nothing_takes_no_record_away() {
    for scene in [scene(End::Closed), scene(End::Killed)] {
        for bytes in [&b""[..], b"garbage that is no batch at all, and longer than a head of one"] {
            let base = scene.bases[1];
            let swap = suffixed(base, FileKind::Log, Suffix::Swap);
            let _ = scene
                .with(&swap, bytes)
                .opens_with_nothing_wrong(&format!("a swap of {} bytes", bytes.len()));
        }
    }
}

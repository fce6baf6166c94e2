//! The text files of a data directory and of a partition. Nobody guesses what stood in one of them: where it is
//! broken, opening refuses, names it, and says what to do; whoever does that has all records.

use std::path::Path;

use ottla::AppendOptions;
use ottla_testkit::SimFs;

use super::scene::{ENDS, End, Scene, never_flushed, scene};
use crate::support::{DATA, DIR, Driver, open, small};

fn in_data(name: &str) -> String {
    format!("{DATA}/{name}")
}

fn in_partition(name: &str) -> String {
    format!("{DIR}/{name}")
}

/// Every way in which a checkpoint can be broken, with these good entries around.
fn broken_checkpoints(good: &str) -> Vec<(&'static str, Vec<u8>)> {
    let entries: Vec<&str> = good.lines().skip(2).collect();
    let count = entries.len();
    let all = entries.join("\n");
    let mut broken: Vec<(&str, Vec<u8>)> = vec![
        ("garbage", b"\x00\xff\xfe garbage".to_vec()),
        ("not UTF-8", [b"0\n1\n", &[0xff; 9][..], b"\n"].concat()),
        ("text", b"Dear Milena,\n".to_vec()),
        ("zeros", vec![0; good.len()]),
        ("another version", format!("1\n{count}\n{all}\n").into()),
        ("version alone", b"0\n".to_vec()),
        ("no count", format!("0\n{all}\n").into()),
        ("count too small", format!("0\n{}\n{all}\n", count.saturating_sub(1)).into()),
        ("count too large", format!("0\n{}\n{all}\n", count + 1).into()),
        ("count beyond all", format!("0\n2147483647\n{all}\n").into()),
        ("a line that is none", format!("0\n{}\n{all}\n\n", count + 1).into()),
        ("no last line end", good.trim_end().as_bytes().to_vec()),
    ];
    // An empty file is one that Kafka has made and not written yet.
    broken.extend((1..good.len()).map(|cut| ("cut", good.as_bytes()[..cut].to_vec())));
    broken
}

const CHECKPOINTS: [&str; 3] =
    ["recovery-point-offset-checkpoint", "log-start-offset-checkpoint", "replication-offset-checkpoint"];

/// What the advice says: move it away.
fn opens_once_it_is_moved_away(scene: &Scene, path: &str, context: &str) {
    scene.without(path).opens_whole(&format!("{context}: moved away"));
}

#[test]
fn a_broken_checkpoint_is_refused_by_name_and_can_be_moved_away() {
    for end in ENDS {
        let scene = scene(end);
        for name in CHECKPOINTS {
            let path = in_data(name);
            let good = String::from_utf8(scene.image.read(&path).unwrap_or(b"0\n1\nletters 0 0\n").to_vec())
                .unwrap();
            let twice = "0\n2\nletters 0 1\nletters 0 2\n";
            let bad_entries = [
                "letters 0",
                "letters 0 -1",
                "letters 0 1 2",
                "../letters 0 1",
                "letters -1 1",
                "letters 0 x",
            ];
            let entries = bad_entries.map(|entry| ("a bad entry", format!("0\n1\n{entry}\n").into_bytes()));
            let all = broken_checkpoints(&good).into_iter().chain([("twice", twice.into())]).chain(entries);
            for (what, bytes) in all {
                let context = format!("{end:?}, {name}: {what}, {:?}", String::from_utf8_lossy(&bytes));
                let bad = scene.with(&path, bytes);
                let refused = bad.is_refused(&context);
                assert_eq!(refused.path, Path::new(&path), "{context}");
                assert!(refused.advice.contains("move it away"), "{context}: {}", refused.advice);
            }
            opens_once_it_is_moved_away(&scene.with(&path, "garbage"), &path, name);
        }
    }
}

#[test]
fn an_empty_checkpoint_is_one_without_entries() {
    for end in ENDS {
        let scene = scene(end);
        for name in CHECKPOINTS {
            scene.with(&in_data(name), "").opens_whole(&format!("{end:?}: empty {name}"));
            scene.with(&in_data(name), "0\n0\n").opens_whole(&format!("{end:?}: no entry in {name}"));
        }
    }
}

#[test]
fn checkpoints_of_partitions_that_do_not_exist_are_no_harm_and_are_kept() {
    for end in ENDS {
        let scene = scene(end);
        for name in CHECKPOINTS {
            let path = in_data(name);
            let good = String::from_utf8(scene.image.read(&path).unwrap_or(b"0\n0\n").to_vec()).unwrap();
            let entries: Vec<&str> = good.lines().skip(2).chain(["parcels 3 1234"]).collect();
            let more = format!("0\n{}\n{}\n", entries.len(), entries.join("\n"));
            let more = scene.with(&path, more);
            more.opens_whole(&format!("{end:?}: another partition in {name}"));
        }
    }
}

#[test]
fn a_recovery_point_outside_the_log_costs_no_record() {
    for scene in [scene(End::Closed), scene(End::Killed), never_flushed()] {
        for point in [0, 1, 5, 17, scene.contents.end.get() - 1, scene.contents.end.get()] {
            let text = format!("0\n1\nletters 0 {point}\n");
            let marked = scene.with(&in_data("recovery-point-offset-checkpoint"), text);
            marked.opens_whole(&format!("recovery point {point}"));
        }
        for point in [scene.contents.end.get() + 1, 1_000, i64::MAX - 1, i64::MAX] {
            let text = format!("0\n1\nletters 0 {point}\n");
            let context = format!("recovery point {point}, past the end");
            let marked = scene.with(&in_data("recovery-point-offset-checkpoint"), text);
            let Some((found, _)) = marked.opens_with_nothing_wrong(&context) else { continue };
            assert_eq!(found.records, scene.contents.records, "{context}");
            assert!(found.end >= scene.contents.end, "{context}: ends at {}", found.end);
        }
    }
}

#[test]
fn a_log_start_outside_the_log_is_where_the_log_begins() {
    for scene in [scene(End::Closed), scene(End::Killed), never_flushed()] {
        let end = scene.contents.end.get();
        for start in [0, 1, 7, 20, end - 1, end, end + 1, 1_000] {
            let text = format!("0\n1\nletters 0 {start}\n");
            let context = format!("log start {start}, recovery point {}", scene.recovery_point);
            let marked = scene.with(&in_data("log-start-offset-checkpoint"), text);
            let (found, _) = marked.opens_with_nothing_wrong(&context).expect("it opens");
            assert_eq!(found.start.get(), start, "{context}");
            assert_eq!(found.end.get(), start.max(end), "{context}");
            let kept = scene.contents.records.range(found.start..);
            assert!(found.records.iter().eq(kept), "{context}: {:?}", found.records.keys());
        }
        for start in [i64::MAX - 1, i64::MAX] {
            let text = format!("0\n1\nletters 0 {start}\n");
            let marked = scene.with(&in_data("log-start-offset-checkpoint"), text);
            if let Ok((log, _)) = open(&SimFs::from_image(&marked.image), &small()) {
                assert_eq!((log.log_start_offset().get(), log.log_end_offset().get()), (start, start));
            }
        }
    }
}

#[test]
fn a_broken_leader_epoch_checkpoint_is_refused_by_name_and_can_be_moved_away() {
    for end in ENDS {
        let scene = scene(end);
        let path = in_partition("leader-epoch-checkpoint");
        let good = String::from_utf8(scene.bytes(&path)).unwrap();
        let bad_entries = ["0", "0 0 0", "-1 0", "0 -1", "x 0", "0 9223372036854775808"];
        let entries = bad_entries.map(|entry| ("a bad entry", format!("0\n1\n{entry}\n").into_bytes()));
        let unordered = ["0\n2\n3 0\n3 9\n", "0\n2\n3 0\n2 9\n", "0\n2\n0 9\n1 3\n"]
            .map(|text| ("unordered", text.into()));
        for (what, bytes) in broken_checkpoints(&good).into_iter().chain(entries).chain(unordered) {
            let context = format!("{end:?}: {what}, {:?}", String::from_utf8_lossy(&bytes));
            let refused = scene.with(&path, bytes).is_refused(&context);
            assert_eq!(refused.path, Path::new(&path), "{context}");
            assert!(refused.advice.contains("move it away"), "{context}: {}", refused.advice);
        }
        opens_once_it_is_moved_away(&scene.with(&path, "garbage"), &path, "leader epochs");
    }
}

/// As the advice for a broken one says.
#[test]
fn leader_epochs_are_found_anew_in_the_batch_heads() {
    for end in ENDS {
        let mut driver = Driver::new(SimFs::new(), small());
        driver.open().unwrap();
        for epoch in [0, 3, 3, 3, 7, 7, 7, 7] {
            let options = AppendOptions { leader_epoch: Some(epoch), ..AppendOptions::default() };
            driver.append_with(3, &options).unwrap();
        }
        driver.flush().unwrap();
        if end == End::Closed {
            driver.close().unwrap();
        }
        let mut image = driver.fs.image();
        let (log, _) = open(&SimFs::from_image(&image), &small()).unwrap();
        let known = [0, 3, 7].map(|epoch| log.end_offset_for_epoch(epoch));
        assert!(image.remove(in_partition("leader-epoch-checkpoint")));
        let fs = SimFs::from_image(&image);
        let (log, _) = open(&fs, &small()).unwrap();
        assert_eq!([0, 3, 7].map(|epoch| log.end_offset_for_epoch(epoch)), known, "{end:?}");
        assert!(log.leader_epoch() >= 7, "{end:?}: {}", log.leader_epoch());
    }
}

/// Epochs from beyond the log, or of a log that began elsewhere.
#[test]
fn leader_epochs_that_do_not_fit_the_log_are_cut_to_it() {
    for scene in [scene(End::Closed), scene(End::Killed), never_flushed()] {
        let path = in_partition("leader-epoch-checkpoint");
        for text in
            ["", "0\n0\n", "0\n1\n0 900\n", "0\n2\n0 0\n5 1000\n", "0\n1\n2147483647 0\n", "0\n1\n4 3\n"]
        {
            scene.with(&path, text).opens_whole(&format!("{text:?}"));
        }
    }
}

#[test]
fn the_mark_of_a_clean_stop_may_hold_anything() {
    let scene = scene(End::Closed);
    for bytes in [&b""[..], b"{", b"{\"version\":0,\"brokerEpoch\":1}", &[0xff; 5000], &[0; 9]] {
        let report = scene.with(&in_data(".kafka_cleanshutdown"), bytes).opens_whole("a mark");
        assert!(report.clean && report.is_uneventful(), "{report:?}");
    }
}

/// Whoever copies a mark beside a log that was not closed is not believed where the files say otherwise.
#[test]
fn a_mark_beside_a_log_that_was_not_closed_costs_no_record() {
    let scene = scene(End::Killed);
    scene.with(&in_data(".kafka_cleanshutdown"), "").opens_whole("a mark that is not true");
}

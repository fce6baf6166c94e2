//! What a crash interrupted is finished or undone, as a start would; and a repair that is itself interrupted
//! leaves what the next one mends.

#![allow(clippy::expect_used, clippy::indexing_slicing, clippy::panic, clippy::unwrap_used, reason = "tests")]

mod common;

use std::path::Path;
use std::sync::Arc;

use common::{
    DATA, apply, batches, disk_with, files, findings, get, options, partition_dir, plan, segments, set,
};
use ottla::dir::{DirLock, OffsetCheckpoint};
use ottla::fs::{FileSystem, OpenMode, Os};
use ottla::{CleanupPolicy, Environment, Isolation, Log, LogConfig, Offset, Store, StoreConfig};
use ottla_inspect::repair::{self, Change};
use ottla_inspect::{Silent, verify};
use ottla_testkit::{Image, SimFs};

const FIXTURE: &str = "kafka-4.3/compact-0";
/// The second segment of it.
const SECOND: &str = "00000000000000006529";

/// The first two segments as compaction would join them, under this suffix; and what is there before.
fn with_joined(suffix: &str) -> (SimFs, Vec<(String, Vec<u8>)>) {
    let (fs, dir) = (disk_with(FIXTURE), partition_dir(FIXTURE));
    let logs = segments(&fs, &dir);
    let joined = [get(&fs, &logs[0]), get(&fs, &logs[1])].concat();
    let before = files(&fs, &dir);
    set(&fs, &dir.join(format!("00000000000000000000.log.{suffix}")), &joined);
    for kind in ["index", "timeindex"] {
        set(&fs, &dir.join(format!("00000000000000000000.{kind}.{suffix}")), b"");
    }
    (fs, before)
}

#[test]
fn a_compaction_that_had_not_finished_is_undone() {
    for suffix in ["cleaned", "deleted"] {
        let (fs, before) = with_joined(suffix);
        let found = findings(&fs, Path::new(DATA));
        assert!(
            found.iter().all(|(_, kind, harmless)| (*kind, *harmless) == ("leftover", true)),
            "{found:?}"
        );
        assert_eq!(found.len(), 3);
        let done = apply(&fs, Path::new(DATA));
        assert!(done.steps.iter().all(|step| step.change == Change::Remove), "{done:?}");
        assert!(files(&fs, &partition_dir(FIXTURE)) == before, "{suffix}");
        assert!(apply(&fs, Path::new(DATA)).steps.is_empty());
    }
}

#[test]
fn a_replacement_that_was_complete_takes_its_place() {
    let (fs, _) = with_joined("swap");
    let dir = partition_dir(FIXTURE);
    let joined = get(&fs, &dir.join("00000000000000000000.log.swap"));
    let planned = plan(&fs, Path::new(DATA));
    let done = apply(&fs, Path::new(DATA));
    assert_eq!(planned, done);
    assert!(done.left.is_empty(), "{done:?}");
    assert_eq!(get(&fs, &dir.join("00000000000000000000.log")), joined);
    assert!(
        !files(&fs, &dir).iter().any(|(name, _)| name.ends_with(".swap") || name == &format!("{SECOND}.log"))
    );
    assert_eq!(findings(&fs, Path::new(DATA)), []);
    assert!(apply(&fs, Path::new(DATA)).steps.is_empty());
}

#[test]
fn files_of_interrupted_writes_and_of_deleted_partitions_go() {
    let (fs, dir) = (disk_with(FIXTURE), partition_dir(FIXTURE));
    let before = files(&fs, &dir);
    set(&fs, &dir.join("leader-epoch-checkpoint.tmp"), b"0\n");
    set(&fs, &dir.join(format!("{SECOND}.index.rebuilt")), b"x");
    set(&fs, &dir.join(format!("{SECOND}.txnindex.tmp")), b"x");
    set(&fs, &dir.join("00000000000000007000.index"), b"");
    set(&fs, &dir.join("00000000000000007000.snapshot"), &get(&fs, &dir.join(format!("{SECOND}.snapshot"))));
    set(&fs, &dir.join("00000000000000009000.snapshot"), b"x");
    let deleted = Path::new(DATA).join("gone-3.0123456789abcdef0123456789abcdef-delete");
    fs.create_dir_all(&deleted).unwrap();
    set(&fs, &deleted.join("00000000000000000000.log"), b"x");
    set(&fs, &dir.join("notes.txt"), b"not ours");
    let done = apply(&fs, Path::new(DATA));
    assert!(done.left.is_empty(), "{done:?}");
    assert!(fs.metadata(&deleted).is_err());
    let after: Vec<_> = files(&fs, &dir).into_iter().filter(|(name, _)| name != "notes.txt").collect();
    assert!(after == before, "{done:?}");
    assert!(fs.metadata(&dir.join("notes.txt")).is_ok());
    assert!(apply(&fs, Path::new(DATA)).steps.is_empty());
}

/// A directory with something of everything to do.
fn in_need_of_repair() -> SimFs {
    let (fs, _) = with_joined("swap");
    let dir = partition_dir(FIXTURE);
    // Half of a split: it must not take the place of what it was made from.
    let whole = get(&fs, &dir.join("00000000000000007725.log"));
    let (_, second) = batches(&fs, &dir.join("00000000000000007725.log"))[1];
    let half = &whole[..whole.len() - second.size_bytes()];
    set(&fs, &dir.join("00000000000000007725.log.swap"), half);
    set(&fs, &dir.join("00000000000000007725.log.cleaned"), half);
    set(&fs, &dir.join("00000000000000007725.index"), b"garbage");
    set(&fs, &dir.join("00000000000000007725.snapshot"), b"garbage");
    set(&fs, &dir.join("leader-epoch-checkpoint"), b"garbage");
    set(&fs, &dir.join("00000000000000004000.timeindex"), b"garbage");
    let last = segments(&fs, &dir).pop().unwrap();
    let whole = get(&fs, &last);
    set(&fs, &last, &[&whole[..], &whole[..100]].concat());
    set(&fs, &Path::new(DATA).join("cleaner-offset-checkpoint"), b"garbage");
    SimFs::from_image(&fs.image())
}

#[test]
fn a_crash_in_the_middle_of_a_repair_leaves_what_the_next_one_mends() {
    let start = in_need_of_repair().image();
    let mended = {
        let fs = SimFs::from_image(&start);
        let done = apply(&fs, Path::new(DATA));
        assert!(done.left.is_empty() && done.steps.len() > 8, "{done:?}");
        fs.image()
    };
    let same = |image: &Image| {
        let entries = |image: &Image| -> Vec<_> {
            // A name that a crash has kept beside the new one: whoever writes that file next takes it.
            let is_kept = |path: &Path| path.extension().is_some_and(|extension| extension == "tmp");
            let entries = image.entries().filter(|(path, _)| !is_kept(path));
            entries.map(|(path, entry)| (path.to_path_buf(), entry.clone())).collect()
        };
        entries(image) == entries(&mended)
    };
    let mut states = 0;
    for calls in 0.. {
        let fs = SimFs::from_image(&start);
        fs.crash_after(calls);
        let finished = repair::apply(Path::new(DATA), &options(&fs), &mut Silent).is_ok();
        for mut crash in fs.crashes(5) {
            let after = fs.crash(&mut crash);
            apply(&after, Path::new(DATA));
            assert!(same(&after.image()), "after {calls} calls, {crash:?}");
            states += 1;
        }
        if finished && !fs.crashed() {
            break;
        }
    }
    assert!(states > 300, "{states}");
}

/// Every record of the partition, as the engine serves it after opening the directory.
fn served(fs: SimFs) -> Vec<(Offset, Option<Vec<u8>>)> {
    let environment = Environment { fs: Arc::new(fs), ..Environment::default() };
    let cleanup_policy = CleanupPolicy { compact: true, delete: false };
    let config = LogConfig { cleanup_policy, ..LogConfig::default() };
    let (log, report) = Log::open_with(partition_dir(FIXTURE), config, environment).unwrap();
    assert!(report.truncated.is_none() && report.rebuilt_indexes.is_empty(), "{report:?}");
    let mut found: Vec<(Offset, Option<Vec<u8>>)> = Vec::new();
    let mut next = log.log_start_offset();
    while next < log.log_end_offset() {
        let read = log.read_batches(next, 1 << 20, Isolation::ReadUncommitted).unwrap();
        read.for_each_record(|record| {
            found.push((record.offset, record.value.map(<[u8]>::to_vec)));
            Ok(())
        })
        .unwrap();
        assert!(read.next_offset() > next);
        next = read.next_offset();
    }
    found
}

#[test]
fn a_repaired_directory_opens_and_serves_the_same_records() {
    let fs = in_need_of_repair();
    apply(&fs, Path::new(DATA));
    let records = served(fs);
    assert_eq!(records.len(), 475);
    let untouched = served(disk_with(FIXTURE));
    let offsets = |records: &[(Offset, _)]| records.iter().map(|(offset, _)| *offset).collect::<Vec<_>>();
    assert_eq!(offsets(&records), offsets(&untouched));
    assert!(records == untouched);
}

#[test]
fn checkpoints_that_cannot_be_read_are_written_from_the_logs() {
    let disk = disk_with("kafka-4.3/txn-0");
    for checkpoint in OffsetCheckpoint::ALL {
        for garbage in [&b"garbage"[..], b"0\n5\n", b"0\n1\ntxn 0\n", b"\xff\xff"] {
            let fs = SimFs::from_image(&disk.image());
            set(&fs, &checkpoint.path(Path::new(DATA)), garbage);
            let before = findings(&fs, Path::new(DATA));
            assert!(before.iter().any(|(_, kind, _)| *kind == "checkpoint-damaged"), "{before:?}");
            let done = apply(&fs, Path::new(DATA));
            assert!(done.left.is_empty() && done.steps.len() == 1, "{done:?}");
            assert_eq!(findings(&fs, Path::new(DATA)), []);
            assert!(apply(&fs, Path::new(DATA)).steps.is_empty());
        }
    }
}

#[test]
fn a_directory_in_use_is_not_touched() {
    let fs = in_need_of_repair();
    let _held = DirLock::acquire(&fs, Path::new(DATA)).unwrap();
    let image = fs.image();
    for result in [
        repair::apply(Path::new(DATA), &options(&fs), &mut Silent),
        repair::plan(Path::new(DATA), &options(&fs), &mut Silent),
        repair::apply(&partition_dir(FIXTURE), &options(&fs), &mut Silent),
    ] {
        assert!(result.unwrap_err().to_string().contains("open elsewhere"));
    }
    assert_eq!(fs.image(), image);
}

/// Kafka does not start without `meta.properties`, and nothing else has the cluster's id.
#[test]
fn a_directory_without_its_identity_is_told_and_not_given_another() {
    let fs = SimFs::new();
    let environment = Environment { fs: Arc::new(fs.clone()), ..Environment::default() };
    let (store, _) = Store::open(DATA, StoreConfig { environment, ..StoreConfig::default() }).unwrap();
    store.create_topic("letters", 1, &Default::default()).unwrap();
    store.close().unwrap();
    drop(store);
    assert_eq!(findings(&fs, Path::new(DATA)), []);
    fs.remove_file(&Path::new(DATA).join("meta.properties")).unwrap();
    let told = [("meta.properties".to_owned(), "meta-properties-missing", false)];
    assert_eq!(findings(&fs, Path::new(DATA)), told);
    let done = apply(&fs, Path::new(DATA));
    assert!(done.steps.is_empty() && done.left.len() == 1, "{done:?}");
    assert_eq!(findings(&fs, Path::new(DATA)), told);
}

#[test]
fn what_is_no_directory_of_a_log_is_refused() {
    let fs = SimFs::new();
    fs.create_dir_all(Path::new("/other/sub")).unwrap();
    // Names that nearly parse.
    for name in
        ["0000000000000000000.log", "00000000000000000000.LOG", "00000000000000000000.log.bak", "a-01"]
    {
        set(&fs, &Path::new("/other").join(name), b"x");
    }
    for dir in ["/other", "/other/sub", "/nowhere", "/other/a-01"] {
        let dir = Path::new(dir);
        let image = fs.image();
        let options = verify::Options { fs: Arc::new(fs.clone()), threads: 1 };
        assert!(verify::verify(dir, &options, &mut Silent).is_err(), "{}", dir.display());
        assert!(repair::apply(dir, &common::options(&fs), &mut Silent).is_err(), "{}", dir.display());
        assert_eq!(fs.image(), image);
    }
}

#[test]
fn what_is_under_way_in_a_directory_in_use_is_told_from_what_was_left() {
    let data = tempfile::tempdir().unwrap();
    let dir = data.path().join("letters-0");
    let (log, _) = Log::open(&dir).unwrap();
    let last = dir.join("00000000000000000000.log");
    let write = |path: &Path, bytes: &[u8]| {
        let file = Os.open(path, OpenMode::Create).unwrap();
        file.write_all_at(bytes, 0).unwrap();
    };
    write(&dir.join("00000000000000000000.log.deleted"), b"x");
    let found = || {
        let report = verify::verify(&dir, &verify::Options::default(), &mut Silent).unwrap();
        let has = |kind, text: &str| {
            report.findings.iter().any(|found| found.kind == kind && found.what.contains(text))
        };
        (has(verify::Kind::Leftover, "`ottla repair`"), has(verify::Kind::TornTail, "is in use"))
    };
    let mut batch = ottla_record::BatchBuilder::new();
    batch.push(0, None, Some(b"value"), &[]).unwrap();
    write(&last, batch.build().unwrap().split_last().unwrap().1);
    assert_eq!(found(), (false, true));
    drop(log);
    assert_eq!(found(), (true, false));
}

//! The small files of a data directory survive every crash, and every failing call is reported.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing, reason = "tests")]

use std::collections::BTreeSet;
use std::path::Path;

use ottla::dir::{
    CleanShutdown, DirLock, LeaderEpochs, MetaProperties, OffsetCheckpoint, Offsets, PartitionMetadata,
    TopicPartition, Uuid, read_whole, write_atomically,
};
use ottla::fs::FileSystem;
use ottla::{Error, Offset};
use ottla_testkit::{Call, Crash, Fault, Image, Repeat, SimFs, Survival};

/// A disk with an empty data directory.
fn disk() -> SimFs {
    let fs = SimFs::new();
    fs.create_dir_all(Path::new("/data")).unwrap();
    fs.sync_dir(Path::new("/")).unwrap();
    fs
}

/// Runs `work` with a loss of power in each of its calls, and shows `check` every disk that may be
/// left. Returns how many there were.
fn at_every_crash(
    before: &Image,
    work: impl Fn(&SimFs),
    mut check: impl FnMut(&SimFs, bool, &Crash),
) -> usize {
    let mut states = 0;
    for calls in 0.. {
        let fs = SimFs::from_image(before);
        fs.crash_after(calls);
        work(&fs);
        for crash in fs.crashes(50) {
            check(&fs.crash(&mut crash.clone()), !fs.crashed(), &crash);
            states += 1;
        }
        if !fs.crashed() {
            return states;
        }
    }
    unreachable!()
}

#[test]
fn a_file_that_is_replaced_is_the_old_or_the_new_one_whole_and_the_new_one_once_that_was_said() {
    let path = Path::new("/data/checkpoint");
    let (old, new) = (b"old and a little longer".to_vec(), vec![b'n'; 5000]);
    let before = {
        let fs = disk();
        write_atomically(&fs, path, &old).unwrap();
        fs.durable_image()
    };
    let mut seen = BTreeSet::new();
    let states = at_every_crash(
        &before,
        |fs| {
            let written = write_atomically(fs, path, &new);
            assert_eq!(written.is_ok(), !fs.crashed());
        },
        |after, said, crash| {
            let found = read_whole(after, path).unwrap().unwrap();
            assert!(found == new || (found == old && !said), "{crash:?} left {} bytes", found.len());
            seen.insert(found == new);
            write_atomically(after, path, b"again").unwrap();
            assert_eq!(read_whole(after, path).unwrap().unwrap(), b"again", "{crash:?}");
        },
    );
    assert_eq!(seen.len(), 2, "both were seen");
    assert!(states > 5000, "{states} crashes");
}

/// A crash had left the file under its name and under the one that it was written under. The next replacement wrote
/// into the latter, and a second crash showed it torn.
#[test]
fn a_file_that_a_crash_left_under_both_its_names_is_replaced_whole() {
    let path = Path::new("/data/checkpoint");
    let fs = disk();
    write_atomically(&fs, path, b"old").unwrap();
    for calls in 0.. {
        let fs = fs.crash(&mut Crash::KeepAll);
        fs.crash_after(4);
        write_atomically(&fs, path, b"middle").unwrap_err();
        let rename = fs.unsynced().last().unwrap().index;
        let both = Crash::Tear { change: rename, survival: Survival::BothNames, later: false };
        let fs = fs.crash(&mut both.clone());
        assert_eq!(fs.image().read("/data/checkpoint.tmp"), Some(&b"middle"[..]));
        fs.crash_after(calls);
        let said = write_atomically(&fs, path, b"new").is_ok();
        for crash in fs.crashes(50) {
            let found = read_whole(&fs.crash(&mut crash.clone()), path).unwrap().unwrap();
            assert!(found == b"new" || (found == b"middle" && !said), "change {calls}, {crash:?}: {found:?}");
        }
        if !fs.crashed() {
            return;
        }
    }
}

#[test]
fn a_first_file_is_none_or_whole() {
    let path = Path::new("/data/checkpoint");
    at_every_crash(
        &disk().durable_image(),
        |fs| drop(write_atomically(fs, path, b"first")),
        |after, said, crash| match read_whole(after, path).unwrap() {
            None => assert!(!said, "{crash:?}"),
            Some(found) => assert_eq!(found, b"first", "{crash:?}"),
        },
    );
}

#[test]
fn without_any_one_of_its_syncs_a_replacement_would_lose() {
    // The story that the three steps tell: drop the sync of the bytes and a crash shows an empty file;
    // drop the sync of the directory and what was said to be written is not.
    let path = Path::new("/data/f");
    let fs = disk();
    write_atomically(&fs, path, b"old").unwrap();
    let temp = fs.open(Path::new("/data/f.tmp"), ottla::fs::OpenMode::Create).unwrap();
    temp.write_all_at(b"new", 0).unwrap();
    fs.rename(Path::new("/data/f.tmp"), path).unwrap();
    let found: BTreeSet<_> =
        fs.crashes(50).map(|mut crash| read_whole(&fs.crash(&mut crash), path).unwrap().unwrap()).collect();
    assert!(found.contains(&b""[..]) && found.contains(&b"old"[..]), "{found:?}");
}

#[test]
fn the_mark_of_a_clean_stop_does_not_come_back_once_it_was_taken_away() {
    let data = Path::new("/data");
    let marked = {
        let fs = disk();
        CleanShutdown { broker_epoch: Some(7) }.write(&fs, data).unwrap();
        fs.durable_image()
    };
    at_every_crash(
        &marked,
        |fs| drop(CleanShutdown::remove(fs, data)),
        |after, removed, crash| {
            let found = CleanShutdown::read(after, data).unwrap();
            assert!(!removed || found.is_none(), "{crash:?}");
        },
    );
}

#[test]
fn taking_the_mark_away_again_after_a_failed_try_makes_it_sure() {
    let data = Path::new("/data");
    let fs = disk();
    CleanShutdown { broker_epoch: Some(7) }.write(&fs, data).unwrap();
    let removed_by_hand = fs.remove_file(Path::new("/data/.kafka_cleanshutdown"));
    removed_by_hand.unwrap();
    assert!(CleanShutdown::read(&fs.crash(&mut Crash::LoseAll), data).unwrap().is_some());
    assert!(!CleanShutdown::remove(&fs, data).unwrap());
    assert!(CleanShutdown::read(&fs.crash(&mut Crash::LoseAll), data).unwrap().is_none());
}

/// Writes every small file there is.
fn write_all(fs: &SimFs) -> Result<(), Error> {
    let data = Path::new("/data");
    let partition = TopicPartition::new("letters", 0)?;
    let dir = data.join(partition.dir_name());
    fs.create_dir_all(&dir).map_err(|e| Error::io("create", &dir, e))?;
    fs.sync_dir(data).map_err(|e| Error::io("sync the directory", data, e))?;
    let _lock = DirLock::acquire(fs, data)?;
    let id = Uuid::new([9; 16]);
    MetaProperties::new("cluster", 1, id, 0).write(fs, data)?;
    for checkpoint in OffsetCheckpoint::ALL {
        checkpoint.write(fs, data, &Offsets::from([(partition.clone(), Offset::new(42))]))?;
    }
    let mut epochs = LeaderEpochs::default();
    epochs.assign(3, Offset::new(40));
    epochs.write(fs, &dir)?;
    PartitionMetadata { topic_id: id }.write(fs, &dir)?;
    CleanShutdown { broker_epoch: None }.write(fs, data)
}

/// Reads every small file; how many of the eight are there.
fn read_all(fs: &SimFs) -> Result<usize, Error> {
    let (data, dir) = (Path::new("/data"), Path::new("/data/letters-0"));
    let mut found = usize::from(MetaProperties::read(fs, data)?.is_some());
    for checkpoint in OffsetCheckpoint::ALL {
        found += checkpoint.read(fs, data)?.len();
    }
    found += LeaderEpochs::read(fs, dir)?.entries().len();
    found += usize::from(PartitionMetadata::read(fs, dir)?.is_some());
    Ok(found + usize::from(CleanShutdown::read(fs, data)?.is_some()))
}

#[test]
fn no_crash_leaves_a_small_file_that_does_not_read() {
    let states = at_every_crash(
        &disk().durable_image(),
        |fs| assert_eq!(write_all(fs).is_ok(), !fs.crashed()),
        |after, said, crash| {
            let found = read_all(after).unwrap_or_else(|e| panic!("{crash:?}: {e}"));
            assert!(found == 8 || !said, "{crash:?} left {found} files");
        },
    );
    assert!(states > 1000, "{states} crashes");
}

#[test]
fn every_failing_call_is_reported_with_its_error_and_breaks_no_file() {
    let mut sites = 0;
    for call in Call::ALL {
        for (fault, repeat) in [
            (Fault::EIO, Repeat::Once),
            (Fault::EIO, Repeat::Always),
            (Fault::ENOSPC.after_bytes(3), Repeat::Once),
        ] {
            for n in 1.. {
                let fs = disk();
                fs.fail_nth(call, n, fault, repeat);
                let result = write_all(&fs);
                if fs.faults_hit() == 0 {
                    result.unwrap();
                    break;
                }
                let Err(Error::Io { source, .. }) = result else { panic!("{call:?} {n}: {result:?}") };
                assert!(source.raw_os_error().is_some(), "{call:?} {n}: {source}");
                fs.clear_faults();
                read_all(&fs).unwrap();
                read_all(&fs.crash(&mut Crash::LoseAll)).unwrap();
                sites += 1;
            }
        }
    }
    assert!(sites > 100, "{sites} sites");
}

#[test]
fn a_lock_is_released_by_a_crash() {
    let fs = disk();
    let _held = DirLock::acquire(&fs, Path::new("/data")).unwrap();
    assert!(matches!(DirLock::acquire(&fs, Path::new("/data")), Err(Error::Locked { .. })));
    DirLock::acquire(&fs.crash(&mut Crash::KeepAll), Path::new("/data")).unwrap();
}

//! The simulated disk forgets what it may forget, and nothing else.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing, reason = "tests")]

use std::io::ErrorKind;
use std::path::Path;
use std::sync::Arc;

use ottla::fs::{File, FileSystem, OpenMode};
use ottla_testkit::{Call, ChangeKind, Crash, Fault, Image, Repeat, SimClock, SimFs, Survival, Unsynced};

fn open(fs: &SimFs, path: &str) -> Arc<dyn File> {
    fs.open(Path::new(path), OpenMode::Create).unwrap()
}

/// A file whose bytes and name are durable.
fn durable(fs: &SimFs, path: &str, bytes: &[u8]) -> Arc<dyn File> {
    let file = open(fs, path);
    file.write_all_at(bytes, 0).unwrap();
    file.sync().unwrap();
    fs.sync_dir(Path::new(path).parent().unwrap()).unwrap();
    file
}

fn after(fs: &SimFs, mut crash: Crash) -> Image {
    fs.crash(&mut crash).image()
}

fn text(image: &Image, path: &str) -> Option<String> {
    image.read(path).map(|bytes| bytes.escape_ascii().to_string())
}

#[test]
fn unsynced_bytes_go_and_synced_bytes_stay() {
    let fs = SimFs::new();
    let file = durable(&fs, "/f", b"synced");
    file.write_all_at(b"SYN", 0).unwrap();
    assert_eq!(text(&fs.image(), "/f").unwrap(), "SYNced");
    assert_eq!(text(&after(&fs, Crash::LoseAll), "/f").unwrap(), "synced");
    assert_eq!(text(&after(&fs, Crash::KeepAll), "/f").unwrap(), "SYNced");
    file.sync().unwrap();
    assert_eq!(text(&after(&fs, Crash::LoseAll), "/f").unwrap(), "SYNced");
}

#[test]
fn a_synced_file_without_a_synced_name_is_gone() {
    let fs = SimFs::new();
    let file = open(&fs, "/f");
    file.write_all_at(b"x", 0).unwrap();
    file.sync().unwrap();
    assert_eq!(after(&fs, Crash::LoseAll), Image::default());
    assert_eq!(text(&after(&fs, Crash::KeepAll), "/f").unwrap(), "x");
    fs.sync_dir(Path::new("/")).unwrap();
    assert_eq!(text(&after(&fs, Crash::LoseAll), "/f").unwrap(), "x");
}

#[test]
fn a_synced_name_without_synced_bytes_is_an_empty_file() {
    let fs = SimFs::new();
    open(&fs, "/f").write_all_at(b"x", 0).unwrap();
    fs.sync_dir(Path::new("/")).unwrap();
    assert_eq!(text(&after(&fs, Crash::LoseAll), "/f").unwrap(), "");
}

#[test]
fn a_new_directory_needs_a_sync_of_the_one_above() {
    let fs = SimFs::new();
    fs.create_dir_all(Path::new("/a/b")).unwrap();
    durable(&fs, "/a/b/f", b"x");
    assert_eq!(after(&fs, Crash::LoseAll), Image::default());
    fs.sync_dir(Path::new("/a")).unwrap();
    assert_eq!(after(&fs, Crash::LoseAll), Image::default());
    fs.sync_dir(Path::new("/")).unwrap();
    assert_eq!(text(&after(&fs, Crash::LoseAll), "/a/b/f").unwrap(), "x");
}

#[test]
fn a_removed_file_may_come_back_with_its_bytes() {
    let fs = SimFs::new();
    let file = durable(&fs, "/f", b"x");
    fs.remove_file(Path::new("/f")).unwrap();
    assert_eq!(fs.metadata(Path::new("/f")).unwrap_err().kind(), ErrorKind::NotFound);
    let mut byte = [0];
    file.read_exact_at(&mut byte, 0).unwrap();
    assert_eq!(&byte, b"x", "open handles keep reading");
    assert_eq!(text(&after(&fs, Crash::LoseAll), "/f").unwrap(), "x");
    assert_eq!(after(&fs, Crash::KeepAll), Image::default());
    fs.sync_dir(Path::new("/")).unwrap();
    assert_eq!(after(&fs, Crash::LoseAll), Image::default());
}

#[test]
fn a_rename_shows_the_old_file_or_the_new_one_and_never_neither() {
    let fs = SimFs::new();
    durable(&fs, "/f", b"old");
    let new = open(&fs, "/f.tmp");
    new.write_all_at(b"new", 0).unwrap();
    new.sync().unwrap();
    fs.rename(Path::new("/f.tmp"), Path::new("/f")).unwrap();
    let mut seen = std::collections::BTreeSet::new();
    for crash in fs.crashes(64) {
        let image = after(&fs, crash.clone());
        let shown = text(&image, "/f").unwrap_or_else(|| panic!("neither, after {crash:?}"));
        let temp = text(&image, "/f.tmp");
        assert!(temp.as_ref().is_none_or(|temp| temp == "new"), "{crash:?}");
        seen.insert((shown, temp.is_some()));
    }
    let seen: Vec<_> = seen.iter().map(|(shown, temp)| (shown.as_str(), *temp)).collect();
    assert_eq!(seen, [("new", false), ("new", true), ("old", false), ("old", true)]);
    fs.sync_dir(Path::new("/")).unwrap();
    assert_eq!(text(&after(&fs, Crash::LoseAll), "/f").unwrap(), "new");
}

#[test]
fn a_rename_before_a_sync_of_the_bytes_shows_an_empty_file() {
    let fs = SimFs::new();
    durable(&fs, "/f", b"old");
    open(&fs, "/f.tmp").write_all_at(b"new", 0).unwrap();
    fs.rename(Path::new("/f.tmp"), Path::new("/f")).unwrap();
    fs.sync_dir(Path::new("/")).unwrap();
    assert_eq!(text(&after(&fs, Crash::LoseAll), "/f").unwrap(), "");
}

/// Two names of one file: what is written under one is read under the other, until one of them goes.
#[test]
fn a_file_under_both_its_names_is_one_file() {
    let fs = SimFs::new();
    durable(&fs, "/a", b"x");
    fs.rename(Path::new("/a"), Path::new("/b")).unwrap();
    let both = fs.crash(&mut Crash::Tear { change: 0, survival: Survival::BothNames, later: false });
    open(&both, "/a").write_all_at(b"y", 0).unwrap();
    assert_eq!(text(&both.image(), "/b").unwrap(), "y");
    both.rename(Path::new("/a"), Path::new("/b")).unwrap();
    assert_eq!(both.image().entries().map(|(path, _)| path).collect::<Vec<_>>(), [Path::new("/b")]);
}

#[test]
fn a_directory_never_has_two_names() {
    let fs = SimFs::new();
    fs.create_dir_all(Path::new("/a")).unwrap();
    fs.sync_dir(Path::new("/")).unwrap();
    fs.rename(Path::new("/a"), Path::new("/b")).unwrap();
    for crash in fs.crashes(64) {
        assert_eq!(after(&fs, crash.clone()).entries().count(), 1, "{crash:?}");
    }
}

#[test]
fn a_file_renamed_twice_has_a_name_after_any_crash() {
    let fs = SimFs::new();
    durable(&fs, "/a", b"x");
    fs.rename(Path::new("/a"), Path::new("/b")).unwrap();
    fs.rename(Path::new("/b"), Path::new("/c")).unwrap();
    for crash in fs.crashes(64) {
        assert!(after(&fs, crash.clone()).entries().count() >= 1, "{crash:?}");
        if !matches!(crash, Crash::Random(_) | Crash::Tear { .. }) {
            assert_eq!(after(&fs, crash.clone()).entries().count(), 1, "{crash:?}");
        }
    }
}

#[test]
fn a_move_between_directories_is_durable_with_the_new_one() {
    let fs = SimFs::new();
    fs.create_dir_all(Path::new("/a")).unwrap();
    fs.create_dir_all(Path::new("/b")).unwrap();
    fs.sync_dir(Path::new("/")).unwrap();
    durable(&fs, "/a/f", b"x");
    fs.rename(Path::new("/a/f"), Path::new("/b/f")).unwrap();
    fs.sync_dir(Path::new("/a")).unwrap();
    assert_eq!(text(&after(&fs, Crash::LoseAll), "/a/f").unwrap(), "x", "never neither");
    fs.sync_dir(Path::new("/b")).unwrap();
    let image = after(&fs, Crash::KeepAll);
    assert_eq!((text(&image, "/a/f"), text(&image, "/b/f").as_deref()), (None, Some("x")));
    assert_eq!(image, after(&fs, Crash::LoseAll));
}

#[test]
fn a_write_may_be_torn_at_any_byte_or_block_or_leave_only_its_length() {
    let fs = SimFs::new();
    let file = durable(&fs, "/f", &[b'o'; 700]);
    file.write_all_at(&[b'n'; 1000], 100).unwrap();
    let left = |survival| {
        let image = after(&fs, Crash::Tear { change: 0, survival, later: false });
        let bytes = image.read("/f").unwrap().to_vec();
        // Runs of equal bytes.
        bytes.chunk_by(|a, b| a == b).map(|run| (run[0] as char, run.len())).collect::<Vec<_>>()
    };
    assert_eq!(left(Survival::Prefix(7)), [('o', 100), ('n', 7), ('o', 593)]);
    assert_eq!(left(Survival::Prefix(9999)), [('o', 100), ('n', 1000)]);
    assert_eq!(left(Survival::LENGTH_ONLY), [('o', 700), ('\0', 400)]);
    assert_eq!(left(Survival::OldLength), [('o', 100), ('n', 600)]);
    // Blocks of the disk: bytes 100..512, 512..1024, 1024..1100.
    let blocks = |kept| left(Survival::Blocks { size: 512, kept });
    assert_eq!(blocks(0b001), [('o', 100), ('n', 412), ('o', 188), ('\0', 400)]);
    assert_eq!(blocks(0b010), [('o', 512), ('n', 512), ('\0', 76)]);
    assert_eq!(blocks(0b110), [('o', 512), ('n', 588)]);
}

#[test]
fn data_without_its_length_is_not_seen_and_a_later_write_leaves_zeros_there() {
    let fs = SimFs::new();
    let file = durable(&fs, "/f", b"a");
    file.write_all_at(b"b", 1).unwrap();
    file.write_all_at(b"c", 5).unwrap();
    let left = |later| Crash::Tear { change: 0, survival: Survival::OldLength, later };
    assert_eq!(text(&after(&fs, left(false)), "/f").unwrap(), "a");
    assert_eq!(text(&after(&fs, left(true)), "/f").unwrap(), "a\\x00\\x00\\x00\\x00c");
    let far = Crash::Tear { change: 1, survival: Survival::OldLength, later: false };
    assert_eq!(text(&after(&fs, far), "/f").unwrap(), "ab");
}

#[test]
fn a_later_write_may_survive_an_earlier_one_with_zeros_between() {
    let fs = SimFs::new();
    let file = durable(&fs, "/f", b"a");
    file.write_all_at(b"b", 1).unwrap();
    file.write_all_at(b"c", 2).unwrap();
    assert_eq!(text(&after(&fs, Crash::Lose(0)), "/f").unwrap(), "a\\x00c");
    assert_eq!(text(&after(&fs, Crash::Keep(0)), "/f").unwrap(), "ab");
}

#[test]
fn a_cut_is_a_change_like_any_other() {
    let fs = SimFs::new();
    let file = durable(&fs, "/f", b"abcdef");
    file.set_len(2).unwrap();
    file.write_all_at(b"X", 4).unwrap();
    assert_eq!(text(&fs.image(), "/f").unwrap(), "ab\\x00\\x00X");
    assert_eq!(text(&after(&fs, Crash::Lose(0)), "/f").unwrap(), "abcdXf", "the cut was lost");
    assert_eq!(text(&after(&fs, Crash::Lose(1)), "/f").unwrap(), "ab");
    assert_eq!(text(&after(&fs, Crash::LoseAll), "/f").unwrap(), "abcdef");
}

#[test]
fn crashes_cover_each_change_alone_each_tear_and_are_repeatable() {
    let fs = SimFs::new();
    let file = durable(&fs, "/f", b"");
    file.write_all_at(&[1; 1000], 0).unwrap();
    file.write_all_at(&[2; 10], 1000).unwrap();
    let crashes: Vec<Crash> = fs.crashes(5).collect();
    for expected in [Crash::LoseAll, Crash::KeepAll, Crash::Lose(1), Crash::Keep(0), Crash::Random(4)] {
        assert!(crashes.contains(&expected), "{expected:?}");
    }
    let tear = |change, survival, later| Crash::Tear { change, survival, later };
    assert!(crashes.contains(&tear(0, Survival::Prefix(512), true)));
    assert!(crashes.contains(&tear(0, Survival::LENGTH_ONLY, false)));
    assert!(crashes.contains(&tear(0, Survival::OldLength, true)));
    for byte in 1..10 {
        assert!(crashes.contains(&tear(1, Survival::Prefix(byte), false)), "every byte of the last write");
    }
    for crash in &crashes {
        assert_eq!(after(&fs, crash.clone()), after(&fs, crash.clone()));
    }
    let states: std::collections::HashSet<_> =
        (0..200).map(|seed| after(&fs, Crash::Random(seed)).read("/f").unwrap().to_vec()).collect();
    assert!(states.len() > 20, "chance finds many states, not {}", states.len());
}

#[test]
fn the_last_write_of_each_file_is_torn_at_every_byte_and_each_rename_left_halfway() {
    let fs = SimFs::new();
    let (log, index) = (durable(&fs, "/log", b""), durable(&fs, "/index", b""));
    log.write_all_at(&[1; 5], 0).unwrap();
    log.write_all_at(&[2; 7], 5).unwrap();
    index.write_all_at(&[3; 4], 0).unwrap();
    fs.rename(Path::new("/log"), Path::new("/log.deleted")).unwrap();
    let crashes: Vec<Crash> = fs.crashes(0).collect();
    let prefixes = |change| {
        let of = |crash: &&Crash| matches!(crash, Crash::Tear { change: c, survival: Survival::Prefix(_), later: false } if *c == change);
        crashes.iter().filter(of).count()
    };
    assert_eq!([prefixes(0), prefixes(1), prefixes(2)], [0, 6, 3]);
    assert!(crashes.contains(&Crash::Tear { change: 3, survival: Survival::BothNames, later: false }));
}

#[test]
fn a_sync_that_is_ignored_makes_nothing_durable_here_and_after_a_crash() {
    let fs = SimFs::new();
    fs.ignore_syncs(|calls| {
        calls.last().is_some_and(|last| last.call == Call::Sync && last.path.ends_with("f"))
    });
    durable(&fs, "/f", b"x");
    durable(&fs, "/g", b"x");
    let lost = fs.crash(&mut Crash::LoseAll);
    assert_eq!([text(&lost.image(), "/f").unwrap(), text(&lost.image(), "/g").unwrap()], ["", "x"]);
    durable(&lost, "/f", b"y");
    assert_eq!(text(&after(&lost, Crash::LoseAll), "/f").unwrap(), "", "the same on the disk that is left");
    assert_eq!(lost.log().iter().filter(|logged| logged.call == Call::Sync).count(), 1, "the call is made");
}

#[test]
fn without_unsynced_changes_there_is_one_crash() {
    let fs = SimFs::new();
    durable(&fs, "/f", b"x");
    assert_eq!(fs.crashes(100).collect::<Vec<_>>(), [Crash::LoseAll]);
    assert_eq!(fs.unsynced(), []);
}

#[test]
fn unsynced_changes_are_told_with_their_names() {
    let fs = SimFs::new();
    open(&fs, "/f").write_all_at(b"abc", 5).unwrap();
    fs.rename(Path::new("/f"), Path::new("/g")).unwrap();
    let change =
        |index, kind, path: &str, position, len| Unsynced { index, kind, path: path.into(), position, len };
    assert_eq!(
        fs.unsynced(),
        [
            change(0, ChangeKind::Create, "/f", 0, 0),
            change(1, ChangeKind::Write, "/f", 5, 3),
            change(2, ChangeKind::Rename, "/g", 0, 0),
        ]
    );
}

#[test]
fn the_power_goes_during_a_call_and_all_later_calls_fail() {
    let fs = SimFs::new();
    let file = durable(&fs, "/f", b"");
    fs.crash_after(1);
    file.write_all_at(b"a", 0).unwrap();
    assert!(!fs.crashed());
    file.write_all_at(b"b", 1).unwrap_err();
    assert!(fs.crashed());
    file.read_at(&mut [0], 0).unwrap_err();
    file.sync().unwrap_err();
    fs.open(Path::new("/g"), OpenMode::Create).unwrap_err();
    fs.lock(Path::new("/l")).unwrap_err();
    let left = |crash| text(&after(&fs, crash), "/f").unwrap();
    assert_eq!(left(Crash::LoseAll), "");
    assert_eq!(left(Crash::First(1)), "a");
    assert_eq!(left(Crash::KeepAll), "ab", "the call during which the power went may have got through");
}

#[test]
fn a_sync_during_which_the_power_goes_may_have_done_its_work_or_not() {
    let fs = SimFs::new();
    let file = durable(&fs, "/f", b"");
    file.write_all_at(b"a", 0).unwrap();
    fs.crash_after(0);
    file.sync().unwrap_err();
    assert_eq!(text(&after(&fs, Crash::LoseAll), "/f").unwrap(), "");
    assert_eq!(text(&after(&fs, Crash::KeepAll), "/f").unwrap(), "a");
}

#[test]
fn every_mutating_call_is_logged_and_counted_and_reads_are_not() {
    let fs = SimFs::new();
    let file = durable(&fs, "/f", b"abc");
    file.read_at(&mut [0; 3], 0).unwrap();
    file.len().unwrap();
    file.set_len(3).unwrap();
    open(&fs, "/f");
    fs.create_dir_all(Path::new("/d/e")).unwrap();
    fs.create_dir_all(Path::new("/d")).unwrap();
    let calls: Vec<Call> = fs.log().iter().map(|logged| logged.call).collect();
    assert_eq!(calls, [Call::Open, Call::Write, Call::Sync, Call::SyncDir, Call::CreateDir]);
    assert_eq!(fs.mutations(), 5);
    assert_eq!((fs.calls(Call::Open), fs.calls(Call::Read)), (2, 1));
}

#[test]
fn the_nth_call_of_a_kind_fails_once_or_always() {
    let fs = SimFs::new();
    let file = durable(&fs, "/f", b"abc");
    fs.fail_nth(Call::Read, 2, Fault::EIO, Repeat::Once);
    let read = || file.read_at(&mut [0], 0).map_err(|e| e.raw_os_error());
    assert_eq!([read(), read(), read()], [Ok(1), Err(Some(5)), Ok(1)]);
    fs.fail_nth(Call::Read, 1, Fault::EIO, Repeat::Always);
    assert_eq!([read(), read()], [Err(Some(5)), Err(Some(5))]);
    assert_eq!(fs.faults_hit(), 3);
    fs.clear_faults();
    assert_eq!(read(), Ok(1));
}

#[test]
fn each_kind_of_call_can_fail_and_changes_nothing_then() {
    let path = Path::new("/f");
    for call in Call::ALL {
        let fs = SimFs::new();
        let file = durable(&fs, "/f", b"abc");
        let before = fs.image();
        fs.fail_nth(call, 1, Fault::errno(122), Repeat::Once);
        let result = match call {
            Call::Open => fs.open(Path::new("/new"), OpenMode::Create).map(drop),
            Call::Read => file.read_at(&mut [0], 0).map(drop),
            Call::Write => file.write_all_at(b"x", 0),
            Call::Len => file.len().map(drop),
            Call::SetLen => file.set_len(0),
            Call::Sync => file.sync(),
            Call::ReadDir => fs.read_dir(Path::new("/")).map(drop),
            Call::Metadata => fs.metadata(path).map(drop),
            Call::CreateDir => fs.create_dir_all(Path::new("/d")),
            Call::Rename => fs.rename(path, Path::new("/g")),
            Call::Remove => fs.remove_file(path),
            Call::SyncDir => fs.sync_dir(Path::new("/")),
            Call::Lock => fs.lock(Path::new("/l")).map(drop),
        };
        assert_eq!(result.unwrap_err().raw_os_error(), Some(122), "{call:?}");
        assert_eq!(fs.image(), before, "{call:?}");
    }
}

#[test]
fn a_write_can_fail_after_a_part() {
    let fs = SimFs::new();
    let file = durable(&fs, "/f", b"");
    fs.fail_nth(Call::Write, 1, Fault::ENOSPC.after_bytes(2), Repeat::Once);
    assert_eq!(file.write_all_at(b"abc", 0).unwrap_err().kind(), ErrorKind::StorageFull);
    assert_eq!(text(&fs.image(), "/f").unwrap(), "ab");
}

#[test]
fn a_failed_sync_loses_the_bytes_though_a_second_one_succeeds() {
    let fs = SimFs::new();
    let file = durable(&fs, "/f", b"");
    file.write_all_at(b"a", 0).unwrap();
    fs.fail_nth(Call::Sync, 1, Fault::EIO, Repeat::Once);
    file.sync().unwrap_err();
    file.write_all_at(b"b", 1).unwrap();
    file.sync().unwrap();
    assert_eq!(text(&fs.image(), "/f").unwrap(), "ab", "the bytes can still be read");
    assert_eq!(text(&after(&fs, Crash::KeepAll), "/f").unwrap(), "\\x00b");
}

#[test]
fn a_failed_sync_of_a_directory_loses_the_names() {
    let fs = SimFs::new();
    open(&fs, "/f");
    fs.fail_nth(Call::SyncDir, 1, Fault::EIO, Repeat::Once);
    fs.sync_dir(Path::new("/")).unwrap_err();
    fs.sync_dir(Path::new("/")).unwrap();
    assert_eq!(after(&fs, Crash::KeepAll), Image::default());
}

#[test]
fn a_full_disk_takes_what_fits_and_more_once_there_is_room() {
    let fs = SimFs::new();
    let file = durable(&fs, "/f", b"abcd");
    durable(&fs, "/g", b"xy");
    fs.set_capacity(Some(8));
    assert_eq!(file.write_all_at(b"1234", 3).unwrap_err().kind(), ErrorKind::StorageFull);
    assert_eq!(text(&fs.image(), "/f").unwrap(), "abc123");
    file.write_all_at(b"ABC", 0).unwrap();
    assert_eq!(file.set_len(7).unwrap_err().kind(), ErrorKind::StorageFull);
    fs.remove_file(Path::new("/g")).unwrap();
    file.write_all_at(b"4", 6).unwrap();
    assert_eq!(text(&fs.image(), "/f").unwrap(), "ABC1234");
}

#[test]
fn a_lock_is_held_by_one_until_dropped_or_the_machine_crashes() {
    let fs = SimFs::new();
    let path = Path::new("/.lock");
    let held = fs.lock(path).unwrap();
    assert_eq!(fs.lock(path).unwrap_err().kind(), ErrorKind::WouldBlock);
    assert!(fs.crash(&mut Crash::KeepAll).lock(path).is_ok());
    drop(held);
    assert!(fs.lock(path).is_ok());
}

#[test]
fn reads_may_come_short() {
    let fs = SimFs::new();
    let file = durable(&fs, "/f", b"abcdef");
    fs.set_max_read(Some(4));
    let mut bytes = [0; 6];
    assert_eq!(file.read_at(&mut bytes, 0).unwrap(), 4);
    file.read_exact_at(&mut bytes, 0).unwrap();
    assert_eq!(&bytes, b"abcdef");
}

#[test]
fn files_are_stamped_by_the_clock_that_is_set() {
    let fs = SimFs::new();
    fs.set_clock(Arc::new(SimClock::at_ms(1234)));
    durable(&fs, "/f", b"x");
    assert_eq!(fs.metadata(Path::new("/f")).unwrap().modified_ms, 1234);
    let crashed = fs.crash(&mut Crash::LoseAll);
    assert_eq!(crashed.metadata(Path::new("/f")).unwrap().modified_ms, 1234);
}

#[test]
fn an_image_goes_to_a_real_directory_and_comes_back() {
    let mut image = Image::default();
    image.put("/data/t-0/00000000000000000000.log", *b"records");
    image.put("/data/.lock", *b"");
    let fs = SimFs::from_image(&image);
    assert_eq!(fs.unsynced(), []);
    assert_eq!(text(&fs.durable_image(), "/data/t-0/00000000000000000000.log").unwrap(), "records");
    fs.create_dir_all(Path::new("/data/empty")).unwrap();
    let real = tempfile::tempdir().unwrap();
    fs.image().write_to(real.path()).unwrap();
    assert_eq!(Image::read_from(real.path(), "/").unwrap(), fs.image());
    let partition = Image::read_from(&real.path().join("data/t-0"), "/moved/t-1").unwrap();
    assert!(partition.read("/moved/t-1/00000000000000000000.log").is_some());
}

#[test]
fn an_image_can_be_changed_before_it_is_used() {
    let mut image = Image::default();
    image.put("/d/f", *b"x");
    image.put("/d/g", *b"y");
    assert!(image.remove("/d/f"));
    assert!(!image.remove("/d/f"));
    assert_eq!(image.entries().count(), 1);
    assert!(image.remove("/d"));
    assert_eq!(image, Image::default());
}

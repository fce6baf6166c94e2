//! While nothing crashes, the simulated disk does what a real one does.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing, reason = "tests")]

use std::io::{self, IoSlice};
use std::path::{Path, PathBuf};

use ottla::fs::{FileSystem, OpenMode, Os};
use ottla_testkit::{Image, SimFs};
use proptest::prelude::*;

#[derive(Clone, Debug)]
enum Op {
    Open(OpenMode, String),
    Write(String, u16, Vec<u8>),
    WriteVectored(String, u16, Vec<Vec<u8>>),
    Read(String, u16, u16),
    SetLen(String, u16),
    Len(String),
    CreateDir(String),
    Rename(String, String),
    RemoveFile(String),
    RemoveDir(String),
    ReadDir(String),
    Metadata(String),
    Sync(String),
    SyncDir(String),
    Lock(String),
}

/// What a program can see of a call. The text of an error is the system's own business.
type Seen = Result<String, io::ErrorKind>;

fn run(fs: &dyn FileSystem, root: &Path, op: &Op) -> Seen {
    let at = |path: &str| -> PathBuf { root.join(path) };
    let open = |path: &str, mode| fs.open(&at(path), mode);
    let seen: io::Result<String> = (|| match op {
        Op::Open(mode, path) => open(path, *mode).map(|_| String::new()),
        Op::Write(path, position, bytes) => {
            open(path, OpenMode::ReadWrite)?.write_all_at(bytes, u64::from(*position))?;
            Ok(String::new())
        }
        Op::WriteVectored(path, position, parts) => {
            let mut slices: Vec<_> = parts.iter().map(|part| IoSlice::new(part)).collect();
            open(path, OpenMode::ReadWrite)?.write_all_vectored_at(&mut slices, u64::from(*position))?;
            Ok(String::new())
        }
        Op::Read(path, position, len) => {
            let mut buf = vec![0; usize::from(*len)];
            let read = open(path, OpenMode::Read)?.read_at(&mut buf, u64::from(*position))?;
            Ok(buf[..read].escape_ascii().to_string())
        }
        Op::SetLen(path, len) => {
            open(path, OpenMode::ReadWrite)?.set_len(u64::from(*len))?;
            Ok(String::new())
        }
        Op::Len(path) => {
            // A directory can be opened to read; how long it is, is the system's own business.
            if fs.metadata(&at(path))?.is_dir {
                return Ok(String::new());
            }
            Ok(open(path, OpenMode::Read)?.len()?.to_string())
        }
        Op::CreateDir(path) => fs.create_dir_all(&at(path)).map(|()| String::new()),
        Op::Rename(from, to) => fs.rename(&at(from), &at(to)).map(|()| String::new()),
        Op::RemoveFile(path) => fs.remove_file(&at(path)).map(|()| String::new()),
        Op::RemoveDir(path) => fs.remove_dir(&at(path)).map(|()| String::new()),
        Op::ReadDir(path) => {
            let mut entries = fs.read_dir(&at(path))?;
            entries.sort_by(|a, b| a.name.cmp(&b.name));
            Ok(format!("{entries:?}"))
        }
        Op::Metadata(path) => {
            let metadata = fs.metadata(&at(path))?;
            Ok(format!("{} {}", metadata.is_dir, if metadata.is_dir { 0 } else { metadata.len }))
        }
        Op::Sync(path) => {
            open(path, OpenMode::ReadWrite)?.sync()?;
            Ok(String::new())
        }
        Op::SyncDir(path) => {
            if fs.metadata(&at(path)).is_ok_and(|metadata| !metadata.is_dir) {
                return Ok(String::new());
            }
            fs.sync_dir(&at(path)).map(|()| String::new())
        }
        Op::Lock(path) => {
            let _held = fs.lock(&at(path))?;
            fs.lock(&at(path)).map(|_| String::new())
        }
    })();
    seen.map_err(|e| e.kind())
}

fn path() -> impl Strategy<Value = String> {
    prop_oneof![
        6 => "[abc]",
        4 => "[abc]/[abc]",
        1 => "[abc]/[abc]/[abc]",
    ]
}

fn op() -> impl Strategy<Value = Op> {
    let mode = prop_oneof![
        Just(OpenMode::Read),
        Just(OpenMode::ReadWrite),
        Just(OpenMode::Create),
        Just(OpenMode::CreateNew)
    ];
    let bytes = || proptest::collection::vec(any::<u8>(), 0..40);
    let parts = proptest::collection::vec(bytes(), 0..4);
    prop_oneof![
        4 => (mode, path()).prop_map(|(mode, path)| Op::Open(mode, path)),
        3 => (path(), 0..100_u16, bytes()).prop_map(|(path, at, bytes)| Op::Write(path, at, bytes)),
        1 => (path(), 0..100_u16, parts).prop_map(|(path, at, parts)| Op::WriteVectored(path, at, parts)),
        2 => (path(), 0..150_u16, 0..150_u16).prop_map(|(path, at, len)| Op::Read(path, at, len)),
        1 => (path(), 0..150_u16).prop_map(|(path, len)| Op::SetLen(path, len)),
        1 => path().prop_map(Op::Len),
        3 => path().prop_map(Op::CreateDir),
        3 => (path(), path()).prop_map(|(from, to)| Op::Rename(from, to)),
        1 => path().prop_map(Op::RemoveFile),
        1 => path().prop_map(Op::RemoveDir),
        1 => path().prop_map(Op::ReadDir),
        1 => path().prop_map(Op::Metadata),
        1 => path().prop_map(Op::Sync),
        1 => path().prop_map(Op::SyncDir),
        1 => path().prop_map(Op::Lock),
    ]
}

/// POSIX does nothing where both are names of one file, and then the old name would stay for ever.
#[test]
fn renaming_one_name_of_a_file_to_another_of_it_leaves_the_other() {
    let real = tempfile::tempdir().unwrap();
    let (old, new) = (real.path().join("old"), real.path().join("new"));
    Os.open(&old, OpenMode::CreateNew).unwrap().write_all_at(b"x", 0).unwrap();
    std::fs::hard_link(&old, &new).unwrap();
    Os.rename(&new, &new).unwrap();
    Os.rename(&old, &new).unwrap();
    let left: Vec<_> = Os.read_dir(real.path()).unwrap().into_iter().map(|entry| entry.name).collect();
    assert_eq!(left, ["new"]);
    assert_eq!(Os.open(&new, OpenMode::Read).unwrap().len().unwrap(), 1);
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn every_call_shows_the_same(ops in proptest::collection::vec(op(), 1..60)) {
        let real = tempfile::tempdir().unwrap();
        let sim = SimFs::new();
        for op in &ops {
            let (expected, found) = (run(&Os, real.path(), op), run(&sim, Path::new("/"), op));
            prop_assert_eq!(found, expected, "{:?}", op);
        }
        prop_assert_eq!(sim.image(), Image::read_from(real.path(), "/").unwrap());
    }

    /// What the journal keeps leads from what is durable to what is seen.
    #[test]
    fn a_crash_that_keeps_all_changes_nothing(ops in proptest::collection::vec(op(), 1..60)) {
        let sim = SimFs::new();
        for op in &ops {
            let _ = run(&sim, Path::new("/"), op);
        }
        prop_assert_eq!(sim.crash(&mut ottla_testkit::Crash::KeepAll).image(), sim.image());
    }

    /// After syncs of everything there is nothing to lose.
    #[test]
    fn what_is_synced_survives_every_crash(ops in proptest::collection::vec(op(), 1..60)) {
        let sim = SimFs::new();
        for op in &ops {
            let _ = run(&sim, Path::new("/"), op);
        }
        let image = sim.image();
        sim.sync_dir(Path::new("/")).unwrap();
        for (path, entry) in image.entries() {
            match entry {
                ottla_testkit::Entry::Dir => sim.sync_dir(path).unwrap(),
                ottla_testkit::Entry::File(_) => sim.open(path, OpenMode::ReadWrite).unwrap().sync().unwrap(),
            }
        }
        prop_assert_eq!(sim.durable_image(), image);
    }
}

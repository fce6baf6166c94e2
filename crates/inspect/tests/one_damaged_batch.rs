//! A log of one segment with one batch, of an idempotent producer, so that everything that is derived stands and
//! falls with it. Fault model: one bit of any byte of the batch, or its end cut off at any byte, in a directory that
//! was closed and in one of which nothing is known. Repair does not contradict itself: what it leaves it does not
//! touch, what it writes is not what was there, and what it has done is done.

#![allow(clippy::expect_used, clippy::indexing_slicing, clippy::panic, clippy::unwrap_used, reason = "tests")]

mod common;

use std::path::Path;
use std::sync::Arc;

use common::{DATA, apply, files, findings, get, plan, set};
use ottla::fs::FileSystem;
use ottla::{Environment, Log, LogConfig};
use ottla_inspect::repair::{Change, Repairs};
use ottla_record::BatchBuilder;
use ottla_testkit::SimFs;

const DIR: &str = "/data/one-0";
const SEGMENT: &str = "00000000000000000000.log";

fn disk() -> SimFs {
    let fs = SimFs::new();
    let environment = Environment { fs: Arc::new(fs.clone()), ..Environment::default() };
    let (log, _) = Log::open_with(Path::new(DIR), LogConfig::default(), environment).unwrap();
    let mut batch = BatchBuilder::new().producer(7, 0, 0);
    for value in ["a", "b", "c"] {
        batch.push(1_700_000_000_000, Some(b"k"), Some(value.as_bytes()), &[]).unwrap();
    }
    log.append(&batch.build().unwrap()).unwrap();
    log.close().unwrap();
    drop(log);
    assert_eq!(findings(&fs, Path::new(DATA)), []);
    SimFs::from_image(&fs.image())
}

/// The same, of which no file of the data directory tells anything.
fn without_marks(disk: &SimFs) -> SimFs {
    let mut image = disk.image();
    for (name, _) in files(disk, Path::new(DATA)) {
        image.remove(Path::new(DATA).join(name));
    }
    SimFs::from_image(&image)
}

/// Repairs, and holds what was done against what was said. Returns what was said.
fn repaired(fs: &SimFs, case: &str) -> Repairs {
    let before = fs.image();
    let planned = plan(fs, Path::new(DATA));
    assert_eq!(fs.image(), before, "{case}: a plan changed something");
    let done = apply(fs, Path::new(DATA));
    assert_eq!(planned, done, "{case}");
    for step in &done.steps {
        assert!(done.left.iter().all(|left| left.file != step.file), "{case}: touched and left: {done:?}");
        if let Change::Write { .. } = step.change {
            let after = get(fs, &step.file);
            assert_ne!(before.read(&step.file), Some(&after[..]), "{case}: written as it was: {done:?}");
        }
    }
    let again = apply(fs, Path::new(DATA));
    assert!(again.steps.is_empty() && again.left == done.left, "{case}: {again:?} after {done:?}");
    done
}

#[test]
fn what_repair_leaves_it_does_not_touch() {
    let closed = disk();
    let path = Path::new(DIR).join(SEGMENT);
    let whole = get(&closed, &path);
    let (mut cases, mut left) = (0, 0);
    for disk in [without_marks(&closed), closed] {
        let flipped = (0..whole.len()).map(|at| {
            let mut bytes = whole.clone();
            bytes[at] ^= 0x10;
            bytes
        });
        let cut = (0..whole.len()).map(|length| whole[..length].to_vec());
        for (number, bytes) in flipped.chain(cut).enumerate() {
            let fs = SimFs::from_image(&disk.image());
            set(&fs, &path, &bytes);
            let done = repaired(&fs, &format!("case {number}, {} bytes", bytes.len()));
            cases += 1;
            left += usize::from(!done.left.is_empty());
        }
    }
    println!("{cases} damaged directories, of {left} something was left");
    assert!(left > whole.len(), "{left} of {cases}");
}

/// The snapshot at the end tells of a batch that is damaged; it was to be removed, and called left. The time index
/// was to be written as it was.
#[test]
fn a_damaged_record_is_one_finding_and_changes_no_other_file() {
    let disk = disk();
    let path = Path::new(DIR).join(SEGMENT);
    let whole = get(&disk, &path);
    // The head is whole, and nothing but the checksum tells.
    for at in (21..whole.len()).step_by(9) {
        let fs = SimFs::from_image(&disk.image());
        let mut bytes = whole.clone();
        bytes[at] ^= 1;
        set(&fs, &path, &bytes);
        let found = findings(&fs, Path::new(DIR));
        let expected = [
            (SEGMENT.to_owned(), "damaged-batch", false),
            ("one-0".to_owned(), "checkpoint-beyond-end", false),
        ];
        assert_eq!(found, expected, "byte {at}");
        let done = repaired(&fs, &format!("byte {at}"));
        assert!(done.steps.is_empty() && done.left.len() == expected.len(), "byte {at}: {done:?}");
        assert!(fs.metadata(&Path::new(DIR).join("00000000000000000003.snapshot")).is_ok());
    }
}

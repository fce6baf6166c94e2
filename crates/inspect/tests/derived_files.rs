//! Every derived file, harmed in every way: `verify` finds it, and `repair` makes it what it was, byte for byte.

#![allow(clippy::expect_used, clippy::indexing_slicing, clippy::panic, clippy::unwrap_used, reason = "tests")]

mod common;

use std::path::Path;

use common::{DATA, PARTITIONS, apply, disk_with, files, findings, partition_dir, plan, set};
use ottla::fs::FileSystem;
use ottla_testkit::SimFs;

/// One file of a partition, and what is done to it.
struct Harm {
    what: String,
    /// `None`: it goes.
    bytes: Option<Vec<u8>>,
}

fn entry_bytes(name: &str) -> usize {
    match name.rsplit('.').next().unwrap() {
        "index" => 8,
        "timeindex" => 12,
        "txnindex" => 34,
        "snapshot" => 46,
        _ => 4,
    }
}

/// Cut at entries (all of them, or a dozen of many), inside one, padded, overwritten, swapped, missing.
fn harms(name: &str, bytes: &[u8], another: &[u8]) -> Vec<Harm> {
    let harm = |what: String, bytes: Vec<u8>| Harm { what, bytes: Some(bytes) };
    let entry = entry_bytes(name);
    let entries = bytes.len() / entry;
    let step = (entries / 12).max(1);
    let mut harms: Vec<_> = (0..entries)
        .step_by(step)
        .chain(entries.checked_sub(1))
        .map(|kept| harm(format!("cut to {kept} entries"), bytes[..kept * entry].to_vec()))
        .collect();
    if bytes.len() > 1 {
        harms.push(harm("cut inside an entry".into(), bytes[..bytes.len() - 1].to_vec()));
    }
    harms.push(harm("padded".into(), [bytes, &vec![0; 4096]].concat()));
    let garbage = (0..bytes.len().max(64)).map(|n| (n * 131 + 17) as u8).collect();
    harms.push(harm("overwritten".into(), garbage));
    harms.push(harm("swapped".into(), another.to_vec()));
    harms.push(Harm { what: "missing".into(), bytes: None });
    harms.retain(|harm| harm.bytes.as_deref() != Some(bytes));
    harms
}

fn is_derived(name: &str) -> bool {
    [".index", ".timeindex", ".txnindex", ".snapshot"].iter().any(|end| name.ends_with(end))
        || name == "leader-epoch-checkpoint"
}

/// A file of the same kind from elsewhere: another partition with other content.
fn another(fixture: &str, name: &str) -> Vec<u8> {
    let other = if fixture.ends_with("none-0") { "kafka-4.3/txn-0" } else { "kafka-4.3/none-0" };
    let kind = name.rsplit('.').next().unwrap();
    let disk = disk_with(other);
    let found = files(&disk, &partition_dir(other));
    found.into_iter().rfind(|(name, _)| name.ends_with(kind)).map_or(b"0\n1\n7 3\n".to_vec(), |(_, b)| b)
}

fn harmed(disk: &SimFs, path: &Path, harm: &Harm) -> SimFs {
    let fs = SimFs::from_image(&disk.image());
    match &harm.bytes {
        Some(bytes) => set(&fs, path, bytes),
        None => fs.remove_file(path).unwrap(),
    }
    fs
}

fn every_harm_is_found_and_mended(fixture: &str) {
    let (disk, dir) = (disk_with(fixture), partition_dir(fixture));
    assert_eq!(findings(&disk, Path::new(DATA)), []);
    let nothing = plan(&disk, Path::new(DATA));
    assert!(nothing.steps.is_empty() && nothing.left.is_empty(), "{nothing:?}");
    let before = files(&disk, &dir);
    for (name, bytes) in before.iter().filter(|(name, _)| is_derived(name)) {
        for harm in harms(name, bytes, &another(fixture, name)) {
            let case = format!("{fixture}/{name} {}", harm.what);
            let fs = harmed(&disk, &dir.join(name), &harm);
            let image = fs.image();
            assert!(findings(&fs, &dir).iter().any(|(file, ..)| file == name), "{case}: not found");
            let planned = plan(&fs, &dir);
            assert_eq!(fs.image(), image, "{case}: a plan changed something");
            let done = apply(&fs, &dir);
            assert_eq!(planned, done, "{case}");
            assert!(done.left.is_empty(), "{case}: {done:?}");
            for ((name, expected), (_, found)) in before.iter().zip(files(&fs, &dir)) {
                assert!(*expected == found, "{case}: {name} is not what it was; {done:?}");
            }
            assert_eq!(files(&fs, &dir).len(), before.len(), "{case}");
            assert!(apply(&fs, &dir).steps.is_empty(), "{case}: a second repair has something to do");
        }
    }
}

macro_rules! for_each_partition {
    ($($name:ident = $index:literal)*) => {
        $(#[test]
        fn $name() {
            every_harm_is_found_and_mended(PARTITIONS[$index]);
        })*
    };
}

for_each_partition! {
    uncompressed_batches = 0
    transactions = 1
    compacted_batches = 2
    lz4_batches = 3
    zstd_batches = 4
    gzip_batches = 5
    snappy_batches = 6
    append_times = 7
}

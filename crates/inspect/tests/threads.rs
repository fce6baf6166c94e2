//! Checking with many threads finds what checking with one does, in the same order, whatever is damaged.

#![allow(clippy::expect_used, clippy::indexing_slicing, clippy::panic, clippy::unwrap_used, reason = "tests")]

mod common;

use std::path::{Path, PathBuf};
use std::sync::Arc;

use common::{batches, get, set};
use ottla::fs::FileSystem;
use ottla_inspect::verify::{Options, Report, verify};
use ottla_inspect::{Progress, Silent};
use ottla_record::{BatchBuilder, Offset};
use ottla_testkit::SimFs;

const DIR: &str = "/data/long-0";

fn log() -> PathBuf {
    Path::new(DIR).join("00000000000000000000.log")
}

/// A segment of several chunks, with batches from a few bytes to more than one chunk and one that is larger
/// than any chunk grows to.
fn disk() -> SimFs {
    let fs = SimFs::new();
    fs.create_dir_all(Path::new(DIR)).unwrap();
    let sizes = (0..900_u32).map(|n| match n {
        300 => 5 << 20,
        n if n % 97 == 0 => 400_000,
        n => (n * 31 % 9000) as usize,
    });
    let mut bytes = Vec::new();
    for (n, size) in (0_i64..).zip(sizes) {
        let mut batch = BatchBuilder::new().base_offset(Offset::new(2 * n));
        batch.push(n, None, Some(&vec![n as u8; size]), &[]).unwrap();
        batch.push(n, Some(b"k"), None, &[]).unwrap();
        bytes.extend(batch.build().unwrap());
    }
    set(&fs, &log(), &bytes);
    fs
}

fn report(fs: &SimFs, threads: usize) -> Report {
    let options = Options { fs: Arc::new(fs.clone()), threads };
    verify(Path::new(DIR), &options, &mut Silent).unwrap()
}

fn same_with_any_number(fs: &SimFs) -> Report {
    let one = report(fs, 1);
    for threads in [0, 2, 5] {
        let many = report(fs, threads);
        assert_eq!((&many.findings, many.summary), (&one.findings, one.summary), "{threads} threads");
    }
    one
}

#[test]
fn every_batch_is_counted_once_at_any_size() {
    let report = same_with_any_number(&disk());
    assert_eq!((report.summary.batches, report.summary.records), (900, 1800));
    assert_eq!(report.summary.bytes, get(&disk(), &log()).len() as u64);
}

#[test]
fn damage_anywhere_is_found_in_its_place() {
    let fs = disk();
    let whole = get(&fs, &log());
    let heads = batches(&fs, &log());
    for hit in [vec![0], vec![1, 3], vec![97, 99], vec![300], vec![299, 301, 500], vec![898]] {
        let mut bytes = whole.clone();
        for number in &hit {
            bytes[heads[*number].0 as usize + 70] ^= 1;
        }
        set(&fs, &log(), &bytes);
        let report = same_with_any_number(&fs);
        let found = report.findings.iter().filter(|found| found.kind.name() == "damaged-batch");
        let places: Vec<_> = found.map(|found| found.position.unwrap()).collect();
        assert_eq!(places, hit.iter().map(|number| heads[*number].0).collect::<Vec<_>>(), "{hit:?}");
        assert_eq!(report.summary.batches, 900 - hit.len() as u64, "{hit:?}");
    }
}

#[test]
fn a_cut_and_zeros_are_found_where_they_begin() {
    let fs = disk();
    let whole = get(&fs, &log());
    let (last, _) = batches(&fs, &log())[899];
    set(&fs, &log(), &whole[..last as usize + 30]);
    let torn = same_with_any_number(&fs);
    assert!(torn.findings.iter().any(|f| f.kind.name() == "torn-tail" && f.position == Some(last)));
    set(&fs, &log(), &[&whole[..last as usize], &[0; 600_000]].concat());
    let zeros = same_with_any_number(&fs);
    assert!(zeros.findings.iter().any(|f| f.kind.name() == "zero-tail" && f.position == Some(last)));
}

/// Sums up what it is told.
#[derive(Default)]
struct Sum(u64, u64);

impl Progress for Sum {
    fn begin(&mut self, total_bytes: u64) {
        self.0 = total_bytes;
    }

    fn advance(&mut self, bytes: u64) {
        self.1 += bytes;
    }
}

#[test]
fn progress_reaches_the_end_once() {
    for threads in [1, 3] {
        let mut sum = Sum::default();
        let options = Options { fs: Arc::new(disk()), threads };
        verify(Path::new(DIR), &options, &mut sum).unwrap();
        assert_eq!(sum.1, sum.0, "{threads} threads");
    }
}

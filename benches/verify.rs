//! Checking a partition against itself, beside the least that it has to do: reading the bytes and taking their
//! CRC-32C. And with nothing of it in the page cache, beside reading it: then both wait for the disk.
#![allow(missing_docs, reason = "criterion's macros make undocumented functions")]
#![allow(clippy::unwrap_used, reason = "a bench that cannot set up its input has nothing to measure")]

use std::hint::black_box;
use std::path::Path;
use std::time::{Duration, Instant};

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use nix::fcntl::{PosixFadviseAdvice, posix_fadvise};
use ottla::LogConfig;
use ottla::fs::{FileSystem, OpenMode, Os};
use ottla_inspect::Silent;
use ottla_inspect::verify::{Options, verify};

/// Enough to need several segments, and little enough to stay in the page cache.
const LOG_BYTES: u64 = 256 << 20;
const READ_BYTES: usize = 1 << 20;

fn checking(c: &mut Criterion) {
    for (name, batch_bytes, record_bytes) in [
        ("batches of 16 KiB, records of 1 KiB", 16 << 10, 1000),
        ("batches of 4 KiB, records of 100 B", 4096, 100),
    ] {
        let (dir, log) = ottla_benches::log(LogConfig { segment_bytes: 64 << 20, ..LogConfig::default() });
        ottla_benches::fill(&log, &ottla_benches::batch(batch_bytes, record_bytes), LOG_BYTES);
        log.close().unwrap();
        drop(log);
        let path = dir.path().join("bench-0");
        let mut group = c.benchmark_group(name);
        group.sample_size(10).throughput(Throughput::Bytes(LOG_BYTES));
        group.bench_function("read and CRC-32C", |b| b.iter(|| black_box(read_and_checksum(&path))));
        group.bench_function("verify", |b| {
            b.iter(|| {
                let report = verify(&path, &Options::default(), &mut Silent).unwrap();
                assert_eq!(report.total(), 0);
            });
        });
        group.bench_function("cold: read", |b| {
            b.iter_custom(|times| cold(times, &path, || read(&path, |_| ())))
        });
        group.bench_function("cold: verify", |b| {
            b.iter_custom(|times| {
                cold(times, &path, || {
                    assert_eq!(verify(&path, &Options::default(), &mut Silent).unwrap().total(), 0)
                })
            });
        });
        group.finish();
    }
}

/// How long it takes so often, when the files have to come from the disk each time.
fn cold(times: u64, dir: &Path, work: impl Fn()) -> Duration {
    let measure = || {
        evict(dir);
        let began = Instant::now();
        work();
        began.elapsed()
    };
    (0..times).map(|_| measure()).sum()
}

#[allow(clippy::disallowed_methods, reason = "it is about the page cache, of which the engine knows nothing")]
fn evict(dir: &Path) {
    for entry in std::fs::read_dir(dir).unwrap() {
        let file = std::fs::File::open(entry.unwrap().path()).unwrap();
        file.sync_all().unwrap();
        posix_fadvise(file, 0, 0, PosixFadviseAdvice::POSIX_FADV_DONTNEED).unwrap();
    }
}

fn read_and_checksum(dir: &Path) -> u32 {
    let mut checksum = 0;
    read(dir, |bytes| checksum ^= crc_fast::crc32_iscsi(bytes));
    checksum
}

fn read(dir: &Path, mut look: impl FnMut(&[u8])) {
    let mut buffer = vec![0; READ_BYTES];
    for entry in Os.read_dir(dir).unwrap().into_iter().filter(|entry| entry.name.ends_with(".log")) {
        let file = Os.open(&dir.join(entry.name), OpenMode::Read).unwrap();
        let mut position = 0;
        loop {
            let read = file.read_at(&mut buffer, position).unwrap();
            if read == 0 {
                break;
            }
            look(buffer.get(..read).unwrap());
            position += read as u64;
        }
    }
}

criterion_group!(benches, checking);
criterion_main!(benches);

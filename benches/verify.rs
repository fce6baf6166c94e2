//! Checking a partition against itself, beside the least that it has to do: reading the bytes and taking their
//! CRC-32C.
#![allow(missing_docs, reason = "criterion's macros make undocumented functions")]
#![allow(clippy::unwrap_used, reason = "a bench that cannot set up its input has nothing to measure")]

use std::hint::black_box;
use std::path::Path;

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
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
        group.finish();
    }
}

fn read_and_checksum(dir: &Path) -> u32 {
    let mut checksum = 0;
    let mut buffer = vec![0; READ_BYTES];
    for entry in Os.read_dir(dir).unwrap().into_iter().filter(|entry| entry.name.ends_with(".log")) {
        let file = Os.open(&dir.join(entry.name), OpenMode::Read).unwrap();
        let mut position = 0;
        loop {
            let read = file.read_at(&mut buffer, position).unwrap();
            if read == 0 {
                break;
            }
            checksum ^= crc_fast::crc32_iscsi(buffer.get(..read).unwrap());
            position += read as u64;
        }
    }
    checksum
}

criterion_group!(benches, checking);
criterion_main!(benches);

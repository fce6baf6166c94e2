//! Compaction against a plain copy of the same bytes: what a pass reads and writes, without looking at it.
//!
//! The copy varies most: its processor time is several times as much where the machine has to find new pages for
//! the page cache. Compare the fastest pass with the fastest copy.
#![allow(missing_docs, reason = "criterion's macros make undocumented functions")]
#![allow(
    clippy::unwrap_used,
    clippy::disallowed_methods,
    clippy::indexing_slicing,
    reason = "the floor is bare system calls"
)]

use std::os::unix::fs::FileExt;
use std::path::Path;
use std::time::{Duration, Instant};

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use ottla::{Cleaner, CleanupPolicy, Log, LogConfig};
use ottla_record::BatchBuilder;

const LOG_BYTES: u64 = 256 << 20;
const BATCH_BYTES: usize = 16 * 1024;
const BUFFER_BYTES: usize = 1 << 20;

fn compact(c: &mut Criterion) {
    for record_bytes in [1024, 100] {
        let mut group = c.benchmark_group(format!("compact records of {record_bytes} B"));
        group.sample_size(10);
        group.throughput(Throughput::Bytes(LOG_BYTES));
        group.bench_function("plain copy", |b| {
            let (dir, _log) = keyed(record_bytes);
            b.iter_custom(|rounds| (0..rounds).map(|_| copy(&dir.path().join("bench-0"))).sum());
        });
        group.bench_function("Log::compact", |b| {
            b.iter_custom(|rounds| (0..rounds).map(|_| one_pass(record_bytes)).sum());
        });
        group.finish();
    }
}

/// A log in which every key stands twice, so that a pass reads all of it and writes half.
fn keyed(record_bytes: usize) -> (tempfile::TempDir, Log) {
    let config = LogConfig {
        segment_bytes: 64 << 20,
        cleanup_policy: CleanupPolicy { compact: true, delete: false },
        ..LogConfig::default()
    };
    let (dir, log) = ottla_benches::log(config);
    let value = vec![b'k'; record_bytes];
    let records = LOG_BYTES / (record_bytes as u64 + 24);
    let per_batch = (BATCH_BYTES / (record_bytes + 24)).max(1) as u64;
    for first in (0..records).step_by(per_batch as usize) {
        let mut builder = BatchBuilder::new();
        for record in first..first + per_batch {
            // Keys of 16 bytes in no order.
            let key = (record % (records / 2)).wrapping_mul(0x9e37_79b9_7f4a_7c15);
            let key = [key.to_be_bytes(), key.to_be_bytes()].concat();
            builder.push(1_700_000_000_000, Some(&key), Some(&value), &[]).unwrap();
        }
        log.append(&builder.build().unwrap()).unwrap();
    }
    log.flush().unwrap();
    (dir, log)
}

fn one_pass(record_bytes: usize) -> Duration {
    let (_dir, log) = keyed(record_bytes);
    let mut cleaner = Cleaner::default();
    let start = Instant::now();
    let done = log.compact(&mut cleaner).unwrap().unwrap();
    let took = start.elapsed();
    assert!(done.records_kept < done.records_read);
    took
}

/// Copies every `.log` file through a buffer and makes the copy durable, as a pass does.
fn copy(dir: &Path) -> Duration {
    let to = tempfile::tempdir_in(dir.parent().unwrap()).unwrap();
    let mut buffer = vec![0; BUFFER_BYTES];
    let start = Instant::now();
    for entry in std::fs::read_dir(dir).unwrap().map(Result::unwrap) {
        if entry.path().extension().is_none_or(|kind| kind != "log") {
            continue;
        }
        let from = std::fs::File::open(entry.path()).unwrap();
        let copy = std::fs::File::create(to.path().join(entry.file_name())).unwrap();
        let mut position = 0;
        loop {
            let read = from.read_at(&mut buffer, position).unwrap();
            if read == 0 {
                break;
            }
            copy.write_all_at(&buffer[..read], position).unwrap();
            position += read as u64;
        }
        copy.sync_data().unwrap();
    }
    start.elapsed()
}

criterion_group!(benches, compact);
criterion_main!(benches);

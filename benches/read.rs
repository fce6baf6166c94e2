//! Reading a log from its start to its end in slices, against bare reads of the same file.
#![allow(missing_docs, reason = "criterion's macros make undocumented functions")]
#![allow(clippy::unwrap_used, clippy::disallowed_methods, reason = "the floor is bare system calls")]

use std::hint::black_box;
use std::os::unix::fs::FileExt;

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use ottla::{Isolation, LogConfig, Offset};

fn read(c: &mut Criterion) {
    const LOG_BYTES: u64 = 256 << 20;
    let batch = ottla_benches::batch(64 * 1024, 1024);
    let (dir, log) = ottla_benches::log(LogConfig::default());
    ottla_benches::fill(&log, &batch, LOG_BYTES);
    for read_bytes in [64 * 1024, 1 << 20] {
        let mut group = c.benchmark_group(format!("read {read_bytes} B at once"));
        group.throughput(Throughput::Bytes(read_bytes as u64));
        let mut buffer = vec![0; read_bytes];
        group.bench_function("bare pread", |b| {
            let file = std::fs::File::open(dir.path().join("bench-0/00000000000000000000.log")).unwrap();
            let mut position = 0;
            b.iter(|| {
                position = (position + read_bytes as u64) % (LOG_BYTES - read_bytes as u64);
                file.read_at(black_box(&mut buffer), position).unwrap()
            });
        });
        group.bench_function("Log::read and copy", |b| {
            let mut bytes = Vec::new();
            let step = read_bytes as i64 / batch.len() as i64 * 64;
            let mut offset = 0;
            b.iter(|| {
                offset = (offset + step.max(1)) % (log.log_end_offset().get() - step - 64);
                let fetched = log.read(Offset::new(offset), read_bytes, Isolation::ReadUncommitted).unwrap();
                fetched.slice.read_into(black_box(&mut bytes)).unwrap();
            });
        });
        group.finish();
    }
}

criterion_group!(benches, read);
criterion_main!(benches);

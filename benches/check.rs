//! What a batch costs before it is stored: structure, checksum and every record, against the checksum alone.
#![allow(missing_docs, reason = "criterion's macros make undocumented functions")]

use std::hint::black_box;

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use ottla_record::Limits;

fn check(c: &mut Criterion) {
    for record_bytes in [100, 1024] {
        let batch = ottla_benches::batch(64 * 1024, record_bytes);
        let mut group = c.benchmark_group(format!("check 64 KiB of {record_bytes} B records"));
        group.throughput(Throughput::Bytes(batch.len() as u64));
        group.bench_function("crc alone", |b| b.iter(|| crc_fast::crc32_iscsi(black_box(&batch))));
        group.bench_function("check", |b| {
            b.iter(|| ottla_record::check(black_box(&batch), &Limits::default()));
        });
        group.finish();
    }
}

criterion_group!(benches, check);
criterion_main!(benches);

//! Finding a random offset in a segment of 1 GiB: index, then batch heads. Nothing is read besides.
#![allow(missing_docs, reason = "criterion's macros make undocumented functions")]
#![allow(clippy::unwrap_used, reason = "a bench that cannot set up its input has nothing to measure")]

use std::hint::black_box;

use criterion::{Criterion, criterion_group, criterion_main};
use ottla::{Isolation, LogConfig, Offset};

fn find(c: &mut Criterion) {
    const SEGMENT_BYTES: u64 = (1 << 30) - (1 << 20);
    let mut group = c.benchmark_group("find a random offset in 1 GiB");
    for (name, batch_bytes, record_bytes) in [
        ("batches of 4 KiB", 4096, 1024),
        ("batches of 64 KiB", 65_536, 1024),
        ("batches of 256 B", 256, 100),
    ] {
        let batch = ottla_benches::batch(batch_bytes, record_bytes);
        let (_dir, log) = ottla_benches::log(LogConfig::default());
        ottla_benches::fill(&log, &batch, SEGMENT_BYTES);
        let end = log.log_end_offset().get();
        let mut offset = 1;
        group.bench_function(name, |b| {
            b.iter(|| {
                // A full-period walk over all offsets, in no order that a cache could follow.
                offset = (offset * 1_103_515_245 + 12_345) % end;
                black_box(log.read(Offset::new(offset), 1, Isolation::ReadUncommitted).unwrap())
            });
        });
    }
    group.finish();
}

criterion_group!(benches, find);
criterion_main!(benches);

//! Finding a random offset: index, then batch heads. Nothing is read besides. The index is as large as the segment and
//! the batches make it.
#![allow(missing_docs, reason = "criterion's macros make undocumented functions")]
#![allow(clippy::unwrap_used, reason = "a bench that cannot set up its input has nothing to measure")]

use std::hint::black_box;

use criterion::{Criterion, criterion_group, criterion_main};
use ottla::{Isolation, LogConfig, Offset};

fn find(c: &mut Criterion) {
    const MIB: u64 = 1 << 20;
    let mut group = c.benchmark_group("find a random offset");
    for (name, segment_bytes, batch_bytes, record_bytes) in [
        ("2 MiB in batches of 4 KiB", 2 * MIB, 4096, 1024),
        ("40 MiB in batches of 4 KiB", 40 * MIB, 4096, 1024),
        ("1 GiB in batches of 4 KiB", 1023 * MIB, 4096, 1024),
        ("1 GiB in batches of 64 KiB", 1023 * MIB, 65_536, 1024),
        ("1 GiB in batches of 256 B", 1023 * MIB, 256, 100),
    ] {
        let batch = ottla_benches::batch(batch_bytes, record_bytes);
        let (_dir, log) = ottla_benches::log(LogConfig::default());
        ottla_benches::fill(&log, &batch, segment_bytes);
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

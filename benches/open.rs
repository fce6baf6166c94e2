//! Opening a log of many segments after a clean close: nothing is scanned or loaded.
#![allow(missing_docs, reason = "criterion's macros make undocumented functions")]
#![allow(clippy::unwrap_used, reason = "a bench that cannot set up its input has nothing to measure")]

use criterion::{Criterion, criterion_group, criterion_main};
use ottla::{Environment, Log, LogConfig};

fn open(c: &mut Criterion) {
    let batch = ottla_benches::batch(1000, 1000);
    let mut group = c.benchmark_group("open and close after a clean close");
    group.sample_size(10);
    for segments in [1, 1_000] {
        let config = LogConfig { segment_bytes: batch.len() as u32, ..LogConfig::default() };
        let (dir, log) = ottla_benches::log(config.clone());
        ottla_benches::fill(&log, &batch, batch.len() as u64 * segments);
        log.close().unwrap();
        drop(log);
        let path = dir.path().join("bench-0");
        group.bench_function(format!("{segments} segments"), |b| {
            b.iter(|| {
                let opened = Log::open_with(&path, config.clone(), Environment::default());
                opened.unwrap().0.close().unwrap();
            });
        });
    }
    group.finish();
}

criterion_group!(benches, open);
criterion_main!(benches);

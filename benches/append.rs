//! The append path against the floor: the checksum of the same bytes and one bare write.
#![allow(missing_docs, reason = "criterion's macros make undocumented functions")]
#![allow(clippy::unwrap_used, clippy::disallowed_methods, reason = "the floor is bare system calls")]

use std::hint::black_box;
use std::os::unix::fs::FileExt;

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use ottla::LogConfig;

/// Both sides write over the same span again and again, so that neither pays for new page-cache memory
/// more often than the other.
const SPAN_BYTES: u64 = 256 << 20;

fn append(c: &mut Criterion) {
    for (batch_bytes, record_bytes) in [(64 * 1024, 1024), (64 * 1024, 100), (200, 100)] {
        let batch = ottla_benches::batch(batch_bytes, record_bytes);
        let mut group = c.benchmark_group(format!("append {batch_bytes} B of {record_bytes} B records"));
        group.throughput(Throughput::Bytes(batch.len() as u64));
        group.bench_function("bare crc and write", |b| {
            let dir = tempfile::tempdir().unwrap();
            let mut files = Files::new(dir.path());
            b.iter(|| {
                black_box(crc_fast::crc32_iscsi(&batch));
                files.write(&batch);
            });
        });
        group.bench_function("Log::append", |b| {
            let config = LogConfig {
                segment_bytes: SPAN_BYTES as u32,
                retention_bytes: Some(SPAN_BYTES),
                file_delete_delay_ms: 0,
                ..LogConfig::default()
            };
            let (_dir, log) = ottla_benches::log(config);
            let mut appended = 0;
            b.iter(|| {
                log.append(&batch).unwrap();
                appended += batch.len() as u64;
                if appended > SPAN_BYTES {
                    appended = 0;
                    log.apply_retention().unwrap();
                    log.remove_deleted_files().unwrap();
                }
            });
        });
        group.finish();
    }
}

/// Appends to a file until it is as large as a segment, then goes on in a new one, as the log does.
struct Files<'a> {
    dir: &'a std::path::Path,
    file: std::fs::File,
    position: u64,
    number: u64,
}

impl Files<'_> {
    fn new(dir: &std::path::Path) -> Files<'_> {
        let file = std::fs::File::create(dir.join("0")).unwrap();
        Files { dir, file, position: 0, number: 0 }
    }

    fn write(&mut self, bytes: &[u8]) {
        if self.position + bytes.len() as u64 > SPAN_BYTES {
            let old = self.dir.join(self.number.to_string());
            self.number += 1;
            self.file = std::fs::File::create(self.dir.join(self.number.to_string())).unwrap();
            self.position = 0;
            std::fs::remove_file(old).unwrap();
        }
        self.file.write_all_at(bytes, self.position).unwrap();
        self.position += bytes.len() as u64;
    }
}

criterion_group!(benches, append);
criterion_main!(benches);

//! What a pass does not read again, because it has found a newer record for each one of a long stretch, makes no
//! difference to what it writes: the files are those of a pass that has no memory for such findings.

use ottla::{Cleaner, CleanerConfig, Compacted, LogConfig};
use ottla_record::BatchBuilder;
use ottla_testkit::{Image, SimFs};

use crate::support::{Partition, batch, config, open};

const KEYS: u64 = 9;

/// Small numbers by chance, the same for the same seed.
struct Chance(u64);

impl Chance {
    fn below(&mut self, bound: u64) -> u64 {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) % bound
    }
}

fn large() -> LogConfig {
    LogConfig { segment_bytes: 700_000, index_interval_bytes: 4096, ..config() }
}

/// Long stretches of records that are replaced, and here and there what must be met all the same: the last batch
/// of a producer, transactions of either end, tombstones.
fn fill(partition: &Partition, seed: u64) {
    let mut chance = Chance(seed);
    let value = "v".repeat(1_500);
    let mut sequences = [0; 40];
    for _ in 0..900 {
        let kind = chance.below(150);
        let key = format!("key {}", chance.below(KEYS));
        let put = |builder: BatchBuilder, value: Option<&str>| {
            partition.append(&batch(builder, &[(&key, value), (&key, value)], partition.now_ms()));
        };
        match kind {
            0..3 => put(BatchBuilder::new(), None),
            3..6 => {
                let producer = chance.below(40);
                let sequence = &mut sequences[producer as usize];
                put(BatchBuilder::new().producer(producer as i64 + 100, 0, *sequence), Some(&value));
                *sequence += 2;
            }
            6..9 => {
                let producer = 1_000 + partition.log.log_end_offset().get();
                put(BatchBuilder::new().producer(producer, 0, 0).transactional(true), Some(&value));
                partition.end_transaction(producer, kind == 6);
            }
            _ => put(BatchBuilder::new(), Some(&value)),
        }
    }
    partition.log.expire_producers();
    partition.log.close().unwrap();
}

fn compacted(image: &Image, partition: &Partition, dedupe_buffer_bytes: usize) -> (Image, Compacted) {
    let fs = SimFs::from_image(image);
    let (log, _) = open(&fs, &partition.clock, &large()).unwrap();
    let config = CleanerConfig { dedupe_buffer_bytes, io_buffer_bytes: 16 << 10, ..CleanerConfig::default() };
    let done = log.compact(&mut Cleaner::new(config)).unwrap().unwrap();
    log.close().unwrap();
    (fs.image(), done)
}

#[test]
fn what_is_not_read_again_changes_nothing_of_what_is_written() {
    let (mut read, mut read_by_all) = (0, 0);
    for seed in 0..12 {
        let partition = Partition::with(large());
        fill(&partition, seed);
        let image = partition.fs.image();
        // Nine keys fit into so little, and marks do not.
        let (expected, all) = compacted(&image, &partition, 16 * 14);
        let (found, done) = compacted(&image, &partition, 1 << 16);
        assert_eq!(all.first_dirty_offset, done.first_dirty_offset, "seed {seed}");
        assert!(expected.entries().eq(found.entries()), "seed {seed}: the files differ");
        assert_eq!(
            (done.records_read, done.records_kept),
            (all.records_read, all.records_kept),
            "seed {seed}"
        );
        assert_eq!((done.tombstones_kept, done.markers_kept), (all.tombstones_kept, all.markers_kept));
        (read, read_by_all) = (read + done.bytes_read, read_by_all + all.bytes_read);
    }
    println!("read again: {read} bytes of {read_by_all}");
    assert!(read * 4 < read_by_all * 3, "hardly anything was passed over: {read} of {read_by_all}");
}

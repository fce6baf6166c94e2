//! Compaction against a plain copy of the same bytes: what a pass reads and writes, without looking at it.
//!
//! `cargo bench -p ottla-benches --bench compact [-- [ROUNDS [MIB]] [WORDS]]` (words that stand in the rows
//! wanted). Counted are the processor seconds of the thread,
//! not the time that goes by, and a copy and a pass take turns: other work on the machine harms both alike. Still
//! both vary, since new pages for the page cache are not always equally near; so the medians are compared, and the
//! best of each.
#![allow(
    clippy::unwrap_used,
    clippy::disallowed_methods,
    clippy::indexing_slicing,
    clippy::print_stdout,
    reason = "the floor is bare system calls, and it prints what it measured"
)]

use std::os::unix::fs::FileExt;
use std::path::Path;
use std::thread;

use ottla::{Cleaner, CleanupPolicy, Log, LogConfig};
use ottla_record::BatchBuilder;

const BATCH_BYTES: usize = 16 * 1024;
const BUFFER_BYTES: usize = 1 << 20;

fn main() {
    // `cargo bench` hands over a flag of its own.
    let (numbers, words): (Vec<_>, Vec<_>) = std::env::args()
        .skip(1)
        .filter(|arg| !arg.starts_with("--"))
        .partition(|arg| arg.chars().all(|c| c.is_ascii_digit()));
    let number = |at: usize, usual| numbers.get(at).map_or(usual, |text: &String| text.parse().unwrap());
    let (rounds, log_bytes) = (number(0, 10), number(1, 256) << 20);
    println!("{:<34} {:>9} {:>9} {:>9} {:>9}", "processor seconds", "copy", "compact", "speed", "of best");
    for (what, record_bytes, order) in [
        ("records of 1 KiB, half replaced", 1024, Order::Apart),
        ("records of 100 B, half replaced", 100, Order::Apart),
        ("records of 100 B, here and there", 100, Order::Mixed),
    ] {
        if !words.iter().all(|word| what.contains(word)) {
            continue;
        }
        let (mut copies, mut passes) = (Vec::new(), Vec::new());
        for _ in 0..rounds {
            let (dir, log) = keyed(log_bytes, record_bytes, order);
            copies.push(processor_seconds("copy", || copy(&dir.path().join("bench-0"))));
            passes.push(processor_seconds("compact", || {
                let done = log.compact(&mut Cleaner::default()).unwrap().unwrap();
                assert!(done.records_kept < done.records_read);
            }));
        }
        let ((copy, best_copy), (pass, best_pass)) = (middle_and_best(copies), middle_and_best(passes));
        println!("{what:<34} {copy:>9.3} {pass:>9.3} {:>9.2} {:>9.2}", copy / pass, best_copy / best_pass);
    }
}

/// Where the records stand that a later one replaces.
#[derive(Clone, Copy)]
enum Order {
    /// All keys once, and then all once more: the first half of the log goes.
    Apart,
    /// Nearly every other record goes, for the sake of one much later: each batch is written anew.
    Mixed,
}

/// A log in which every key stands twice, so that a pass writes half of it.
fn keyed(log_bytes: u64, record_bytes: usize, order: Order) -> (tempfile::TempDir, Log) {
    let config = LogConfig {
        segment_bytes: 64 << 20,
        cleanup_policy: CleanupPolicy { compact: true, delete: false },
        ..LogConfig::default()
    };
    let (dir, log) = ottla_benches::log(config);
    let value = vec![b'k'; record_bytes];
    let records = log_bytes / (record_bytes as u64 + 24);
    let per_batch = (BATCH_BYTES / (record_bytes + 24)).max(1) as u64;
    for first in (0..records).step_by(per_batch as usize) {
        let mut builder = BatchBuilder::new();
        for record in first..first + per_batch {
            let key = match order {
                Order::Apart => record % (records / 2),
                Order::Mixed if record % 2 == 1 => record,
                Order::Mixed => (record + records / 8) | 1,
            };
            // Keys of 16 bytes in no order.
            let key = key.wrapping_mul(0x9e37_79b9_7f4a_7c15);
            let key = [key.to_be_bytes(), key.to_be_bytes()].concat();
            // Ten records a millisecond, so that distances of time are there to be written anew.
            let timestamp_ms = 1_700_000_000_000 + (record / 10) as i64;
            builder.push(timestamp_ms, Some(&key), Some(&value), &[]).unwrap();
        }
        log.append(&builder.build().unwrap()).unwrap();
    }
    log.flush().unwrap();
    (dir, log)
}

/// Copies every `.log` file through a buffer and makes the copy durable, as a pass does.
fn copy(dir: &Path) {
    let to = tempfile::tempdir_in(dir.parent().unwrap()).unwrap();
    let mut buffer = vec![0; BUFFER_BYTES];
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
}

/// What a thread of this name took of the processors, in and outside of the kernel: `perf report --comm` knows it.
fn processor_seconds(name: &str, work: impl FnOnce() + Send) -> f64 {
    let measure = || {
        let before = processor_nanoseconds();
        work();
        (processor_nanoseconds() - before) as f64 / 1e9
    };
    thread::scope(|scope| {
        thread::Builder::new().name(name.to_owned()).spawn_scoped(scope, measure).unwrap().join().unwrap()
    })
}

fn processor_nanoseconds() -> u64 {
    let stat = std::fs::read_to_string("/proc/thread-self/schedstat").unwrap();
    stat.split_whitespace().next().unwrap().parse().unwrap()
}

fn middle_and_best(mut seconds: Vec<f64>) -> (f64, f64) {
    seconds.sort_by(f64::total_cmp);
    (seconds[seconds.len() / 2], seconds[0])
}

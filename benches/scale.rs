//! What many segments and many partitions cost: time and memory of opening them, and how many files stay open.
//!
//! `cargo run --release -p ottla-benches --bin scale [SEGMENTS [PARTITIONS]]`. Each measurement is a process of its own, so
//! that its largest resident size is its own.
#![allow(clippy::disallowed_methods, clippy::indexing_slicing, reason = "it measures real files")]
#![allow(clippy::print_stdout, clippy::print_stderr, reason = "it prints what it measured")]
#![allow(clippy::unwrap_used, reason = "a bench that cannot set up its input has nothing to measure")]

use std::path::Path;
use std::process::Command;
use std::time::{Duration, Instant};

use ottla::{Environment, Isolation, Log, LogConfig, Offset, Store, StoreConfig};

/// Less than a third of the 1,024 files that a process may open where nobody configured it.
const OPEN_FILES: usize = 300;

fn main() {
    let args: Vec<String> = std::env::args().skip(1).collect();
    let number = |at: usize, usual: u64| args.get(at).map_or(usual, |text| text.parse().unwrap());
    match args.first().map(String::as_str) {
        Some("open-segments") => open_segments(Path::new(&args[1])),
        Some("open-partitions") => open_partitions(Path::new(&args[1])),
        Some("write-partitions") => write_partitions(Path::new(&args[1])),
        _ => measure(number(0, 50_000), number(1, 10_000)),
    }
}

fn measure(segments: u64, partitions: u64) {
    let data = tempfile::tempdir().unwrap();
    let many_segments = data.path().join("segments");
    std::fs::create_dir(&many_segments).unwrap();
    eprintln!("writing {segments} segments ...");
    write_segments(&many_segments.join("bench-0"), segments);
    eprintln!("writing {partitions} partitions ...");
    let many_partitions = data.path().join("partitions");
    make_partitions(&many_partitions, i32::try_from(partitions).unwrap());

    println!("{:<44} {:>9} {:>12} {:>11}", "", "seconds", "memory (MB)", "open files");
    let run = |what: String, mode: &str, path: &Path| {
        let child = Command::new(std::env::current_exe().unwrap()).arg(mode).arg(path).output().unwrap();
        assert!(child.status.success(), "{}", String::from_utf8_lossy(&child.stderr));
        print!("{what:<44} {}", String::from_utf8_lossy(&child.stdout));
    };
    run(format!("open a log of {segments} segments"), "open-segments", &many_segments.join("bench-0"));
    run(format!("open a store of {partitions} partitions"), "open-partitions", &many_partitions);
    run("append to each of them, and read it back".to_owned(), "write-partitions", &many_partitions);
}

/// Prints one row: how long it took, the largest resident size so far, and the files that are open now.
fn print_row(elapsed: Duration) {
    let files = std::fs::read_dir("/proc/self/fd").unwrap().count();
    println!("{:>9.3} {:>12.1} {files:>11}", elapsed.as_secs_f64(), ottla_benches::most_resident_mb());
}

fn segment_config(batch: &[u8]) -> LogConfig {
    LogConfig { segment_bytes: batch.len() as u32, ..LogConfig::default() }
}

fn write_segments(dir: &Path, segments: u64) {
    let batch = ottla_benches::batch(1000, 1000);
    let (log, _) = Log::open_with(dir, segment_config(&batch), Environment::default()).unwrap();
    ottla_benches::fill(&log, &batch, batch.len() as u64 * segments);
    log.close().unwrap();
}

fn open_segments(dir: &Path) {
    let began = Instant::now();
    let config = segment_config(&ottla_benches::batch(1000, 1000));
    let (log, report) = Log::open_with(dir, config, Environment::default()).unwrap();
    assert!(report.clean, "{report}");
    print_row(began.elapsed());
    drop(log);
}

fn store_config() -> StoreConfig {
    StoreConfig { open_files: OPEN_FILES, ..StoreConfig::default() }
}

fn make_partitions(data: &Path, partitions: i32) {
    let (store, _) = Store::open(data, store_config()).unwrap();
    store.create_topic("bench", partitions, &Default::default()).unwrap();
    store.close().unwrap();
}

fn open_partitions(data: &Path) {
    let began = Instant::now();
    let (store, report) = Store::open(data, store_config()).unwrap();
    assert!(report.clean);
    print_row(began.elapsed());
    store.close().unwrap();
}

fn write_partitions(data: &Path) {
    let (store, _) = Store::open(data, store_config()).unwrap();
    let batch = ottla_benches::batch(1000, 1000);
    let topic = store.topic("bench").unwrap();
    let began = Instant::now();
    for log in topic.partitions.values() {
        log.append(&batch).unwrap();
    }
    for log in topic.partitions.values() {
        let batches = log.read_batches(Offset::ZERO, 1, Isolation::ReadUncommitted).unwrap();
        assert_eq!(batches.as_bytes().len(), batch.len());
    }
    print_row(began.elapsed());
}

//! What durability costs: commits a second and the wait for one, by producers and partitions, against one write and
//! `fdatasync` at a time on the same disk, and many at a time, which is the most that partitions can reach that are written to
//! by one producer each.
//!
//! `cargo run --release -p ottla-benches --bin commit [SECONDS [ROUNDS]]`. Rounds are interleaved and the best one counts.
#![allow(clippy::disallowed_methods, clippy::indexing_slicing, reason = "it measures real files")]
#![allow(clippy::print_stdout, clippy::print_stderr, reason = "it prints what it measured")]
#![allow(clippy::unwrap_used, reason = "a bench that cannot set up its input has nothing to measure")]

use std::fs::File;
use std::os::unix::fs::FileExt;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use ottla::{Durability, Log, Store, StoreConfig};
use ottla_record::BatchBuilder;

const RECORD_BYTES: usize = 1024;
const PRODUCERS: [usize; 3] = [1, 16, 256];
const PARTITIONS: [i32; 3] = [1, 100, 1000];
/// The partitions of one request of a producer that writes to many.
const TOGETHER: usize = 16;

/// Producers of the row that shows what the disk and its file system can do, each with a file of his own.
const MANY: usize = 256;

/// Commits a second, and how long the slowest of a hundred took.
#[derive(Clone, Copy, Default)]
struct Figures {
    per_second: f64,
    p50_ms: f64,
    p99_ms: f64,
}

fn main() {
    let args: Vec<u64> = std::env::args().skip(1).map(|arg| arg.parse().unwrap()).collect();
    let time = Duration::from_secs(args.first().copied().unwrap_or(3));
    let rounds = args.get(1).copied().unwrap_or(3);
    let data = tempfile::tempdir().unwrap();
    let (store, _) = Store::open(data.path().join("store"), StoreConfig::default()).unwrap();
    let topics: Vec<Vec<Log>> = PARTITIONS.iter().map(|count| partitions(&store, *count)).collect();
    let (mut bare, mut many_bare) = (Figures::default(), Figures::default());
    let (mut each_alone, mut together) = (Figures::default(), Figures::default());
    let mut best = [[Figures::default(); PRODUCERS.len()]; PARTITIONS.len()];
    for round in 1..=rounds {
        keep_best(&mut bare, one_at_a_time(data.path(), time));
        keep_best(&mut many_bare, many_at_a_time(data.path(), time));
        keep_best(&mut each_alone, in_requests(&topics[1], time, wait_for_each));
        keep_best(&mut together, in_requests(&topics[1], time, |promises| Durability::wait_all(promises)));
        for (topic, row) in topics.iter().zip(&mut best) {
            for (producers, cell) in PRODUCERS.iter().zip(row) {
                eprintln!("round {round}/{rounds}: {producers} producers, {} partitions", topic.len());
                keep_best(cell, produce(topic, *producers, time));
            }
        }
    }
    print(bare, many_bare, &best);
    println!("\nrequests of {TOGETHER} partitions, one after the other:");
    for (way, found) in [("each partition alone", each_alone), ("all together", together)] {
        let Figures { per_second, p50_ms, p99_ms } = found;
        println!("{way:>21} {per_second:>12.0} requests/s {p50_ms:>10.3} {p99_ms:>10.3}");
    }
    store.close().unwrap();
}

fn keep_best(best: &mut Figures, found: Figures) {
    if found.per_second > best.per_second {
        *best = found;
    }
}

fn print(bare: Figures, many_bare: Figures, best: &[[Figures; PRODUCERS.len()]]) {
    println!(
        "{:>10} {:>10} {:>12} {:>10} {:>10} {:>10}",
        "producers", "partitions", "commits/s", "× bare", "p50 ms", "p99 ms"
    );
    let row = |producers: &str, partitions: &str, figures: Figures| {
        let Figures { per_second, p50_ms, p99_ms } = figures;
        let ratio = per_second / bare.per_second;
        println!(
            "{producers:>10} {partitions:>10} {per_second:>12.0} {ratio:>10.2} {p50_ms:>10.3} {p99_ms:>10.3}"
        );
    };
    row("bare", "one file", bare);
    row(&format!("bare, {MANY}"), "files each", many_bare);
    for (partitions, cells) in PARTITIONS.iter().zip(best) {
        for (producers, figures) in PRODUCERS.iter().zip(cells) {
            row(&producers.to_string(), &partitions.to_string(), *figures);
        }
    }
}

fn partitions(store: &Store, count: i32) -> Vec<Log> {
    let topic = store.create_topic(&format!("commit-{count}"), count, &Default::default()).unwrap();
    (0..count).map(|number| topic.log(number).unwrap().clone()).collect()
}

fn batch() -> Vec<u8> {
    let mut builder = BatchBuilder::new();
    builder.push(1_700_000_000_000, None, Some(&[b'x'; RECORD_BYTES]), &[]).unwrap();
    builder.build().unwrap()
}

/// The floor: a file that grows by one batch and one `fdatasync` at a time.
fn one_at_a_time(dir: &Path, time: Duration) -> Figures {
    let began = Instant::now();
    let waits = write_and_sync(&dir.join("bare"), began, time);
    figures(waits, began.elapsed())
}

/// How long each write and its `fdatasync` took, until the time is up.
fn write_and_sync(path: &Path, began: Instant, time: Duration) -> Vec<Duration> {
    let (file, batch) = (File::create(path).unwrap(), batch());
    let (mut position, mut waits) = (0, Vec::new());
    while began.elapsed() < time {
        let sent = Instant::now();
        file.write_all_at(&batch, position).unwrap();
        file.sync_data().unwrap();
        waits.push(sent.elapsed());
        position += batch.len() as u64;
    }
    waits
}

/// The floor of partitions that share no file: every thread writes and syncs a file of its own.
fn many_at_a_time(dir: &Path, time: Duration) -> Figures {
    let began = Instant::now();
    let threads: Vec<_> = (0..MANY)
        .map(|number| {
            let path = dir.join(format!("bare-{number}"));
            std::thread::spawn(move || write_and_sync(&path, began, time))
        })
        .collect();
    let waits = threads.into_iter().flat_map(|thread| thread.join().unwrap()).collect();
    figures(waits, began.elapsed())
}

/// Every producer appends one batch, waits for the disk, and goes on with its next partition.
fn produce(logs: &[Log], producers: usize, time: Duration) -> Figures {
    let batch = Arc::new(batch());
    let next = Arc::new(AtomicUsize::new(0));
    let began = Instant::now();
    let threads: Vec<_> = (0..producers)
        .map(|_| {
            let (logs, batch, next) = (logs.to_vec(), batch.clone(), next.clone());
            std::thread::spawn(move || {
                let mut waits = Vec::new();
                while began.elapsed() < time {
                    let log = &logs[next.fetch_add(1, Ordering::Relaxed) % logs.len()];
                    let sent = Instant::now();
                    log.append(&batch).unwrap().durability.wait().unwrap();
                    waits.push(sent.elapsed());
                }
                waits
            })
        })
        .collect();
    let waits = threads.into_iter().flat_map(|thread| thread.join().unwrap()).collect();
    figures(waits, began.elapsed())
}

/// One producer whose requests span many partitions.
fn in_requests(logs: &[Log], time: Duration, wait: fn(&[Durability]) -> Vec<ottla::Result<()>>) -> Figures {
    let (batch, mut waits) = (batch(), Vec::new());
    let began = Instant::now();
    while began.elapsed() < time {
        let sent = Instant::now();
        let promises: Vec<_> =
            logs.iter().take(TOGETHER).map(|log| log.append(&batch).unwrap().durability).collect();
        wait(&promises).into_iter().for_each(|outcome| outcome.unwrap());
        waits.push(sent.elapsed());
    }
    figures(waits, began.elapsed())
}

fn wait_for_each(promises: &[Durability]) -> Vec<ottla::Result<()>> {
    promises.iter().map(Durability::wait).collect()
}

fn figures(mut waits: Vec<Duration>, elapsed: Duration) -> Figures {
    waits.sort_unstable();
    let at = |part: f64| waits[(waits.len() as f64 * part) as usize].as_secs_f64() * 1e3;
    Figures { per_second: waits.len() as f64 / elapsed.as_secs_f64(), p50_ms: at(0.5), p99_ms: at(0.99) }
}

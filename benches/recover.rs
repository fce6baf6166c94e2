//! Opening a log of which nothing was flushed, after its process was killed: every byte is read and checked. Against the
//! least that this can take, reading the bytes and their CRC-32C.
//!
//! `cargo run --release -p ottla-benches --bin recover [MIB [ROUNDS]]`. Both take turns, each in a process of its own, so that
//! its largest resident size is its own. The files are in the page cache: with a disk that is slower than the
//! checksum, both wait for the disk.
#![allow(clippy::disallowed_methods, clippy::indexing_slicing, reason = "it measures real files")]
#![allow(clippy::print_stdout, clippy::print_stderr, reason = "it prints what it measured")]
#![allow(clippy::unwrap_used, reason = "a bench that cannot set up its input has nothing to measure")]
#![allow(clippy::exit, reason = "a process that is killed closes nothing")]

use std::os::unix::fs::FileExt;
use std::path::Path;
use std::process::Command;
use std::time::Instant;

use ottla::{Environment, Log, LogConfig};

const READ_BYTES: usize = 1 << 20;
const KINDS: [(&str, usize, usize); 2] = [
    ("batches of 16 KiB, records of 1 KiB", 16 << 10, 1000),
    ("batches of 4 KiB, records of 100 B", 4096, 100),
];

fn main() {
    let args: Vec<String> = std::env::args().skip(1).collect();
    let number = |at: usize, usual: u64| args.get(at).map_or(usual, |text| text.parse().unwrap());
    match args.first().map(String::as_str) {
        Some("write") => write(Path::new(&args[1]), &args[2], args[3].parse().unwrap()),
        Some("floor") => read_and_checksum(Path::new(&args[1])),
        Some("recover") => recover(Path::new(&args[1])),
        _ => measure(number(0, 1024) << 20, number(1, 5)),
    }
}

fn measure(bytes: u64, rounds: u64) {
    println!(
        "{:<40} {:>9} {:>12} {:>12}",
        format!("{} MiB, best of {rounds}", bytes >> 20),
        "seconds",
        "CPU seconds",
        "memory (MB)"
    );
    for (kind, ..) in KINDS {
        let data = tempfile::tempdir().unwrap();
        let log = data.path().join("bench-0");
        child(&["write", log.to_str().unwrap(), kind, &bytes.to_string()]);
        let (mut floor, mut recovered) = (Row::WORST, Row::WORST);
        for round in 1..=rounds {
            eprintln!("{kind}: round {round}/{rounds}");
            floor.keep_best(child(&["floor", log.to_str().unwrap()]));
            forget_what_was_flushed(data.path());
            recovered.keep_best(child(&["recover", log.to_str().unwrap()]));
        }
        println!("{kind}");
        floor.print("  read and CRC-32C");
        recovered.print("  open");
        println!(
            "{:<40} {:>9.2} {:>12.2}",
            "  ratio",
            recovered.seconds / floor.seconds,
            recovered.cpu_seconds / floor.cpu_seconds
        );
    }
}

#[derive(Clone, Copy)]
struct Row {
    seconds: f64,
    cpu_seconds: f64,
    megabytes: f64,
}

impl Row {
    const WORST: Row = Row { seconds: f64::MAX, cpu_seconds: f64::MAX, megabytes: 0.0 };

    fn keep_best(&mut self, found: Row) {
        self.seconds = self.seconds.min(found.seconds);
        self.cpu_seconds = self.cpu_seconds.min(found.cpu_seconds);
        self.megabytes = self.megabytes.max(found.megabytes);
    }

    fn print(&self, what: &str) {
        println!("{what:<40} {:>9.3} {:>12.3} {:>12.1}", self.seconds, self.cpu_seconds, self.megabytes);
    }
}

/// Runs this program in another process, and reads the row that it prints, if it does.
fn child(args: &[&str]) -> Row {
    let output = Command::new(std::env::current_exe().unwrap()).args(args).output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let printed = String::from_utf8_lossy(&output.stdout);
    let mut numbers = printed.split_whitespace().map(|number| number.parse().unwrap());
    let mut next = || numbers.next().unwrap_or_default();
    Row { seconds: next(), cpu_seconds: next(), megabytes: next() }
}

fn write(dir: &Path, kind: &str, bytes: u64) {
    let (_, batch_bytes, record_bytes) = KINDS.into_iter().find(|(name, ..)| *name == kind).unwrap();
    let (log, _) = Log::open_with(dir, LogConfig::default(), Environment::default()).unwrap();
    ottla_benches::fill(&log, &ottla_benches::batch(batch_bytes, record_bytes), bytes);
    std::process::exit(0);
}

/// Checkpoints and marks stand beside the partition.
fn forget_what_was_flushed(data: &Path) {
    for entry in std::fs::read_dir(data).unwrap().map(Result::unwrap) {
        if entry.file_type().unwrap().is_file() {
            std::fs::remove_file(entry.path()).unwrap();
        }
    }
}

fn recover(dir: &Path) {
    let began = Instant::now();
    let (log, report) = Log::open_with(dir, LogConfig::default(), Environment::default()).unwrap();
    let elapsed = began.elapsed().as_secs_f64();
    assert!(!report.clean && log.log_end_offset().get() > 0, "{report}");
    print_row(elapsed);
    std::process::exit(0);
}

fn read_and_checksum(dir: &Path) {
    let began = Instant::now();
    let (mut buffer, mut checksum) = (vec![0; READ_BYTES], 0);
    for entry in std::fs::read_dir(dir).unwrap().map(Result::unwrap) {
        if entry.path().extension().is_none_or(|kind| kind != "log") {
            continue;
        }
        let file = std::fs::File::open(entry.path()).unwrap();
        let mut position = 0;
        loop {
            let read = file.read_at(&mut buffer, position).unwrap();
            if read == 0 {
                break;
            }
            checksum ^= crc_fast::crc32_iscsi(&buffer[..read]);
            position += read as u64;
        }
    }
    std::hint::black_box(checksum);
    print_row(began.elapsed().as_secs_f64());
}

/// Seconds, processor seconds of the process, and the most memory that it had.
fn print_row(seconds: f64) {
    let schedstat = std::fs::read_to_string("/proc/self/schedstat").unwrap();
    let cpu_nanoseconds: u64 = schedstat.split_whitespace().next().unwrap().parse().unwrap();
    println!("{seconds} {} {}", cpu_nanoseconds as f64 / 1e9, ottla_benches::most_resident_mb());
}

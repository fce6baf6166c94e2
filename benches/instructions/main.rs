//! How many instructions each path takes, counted by valgrind: the same from run to run whatever else the machine does, so
//! that CI can hold them against `benches/instructions.txt`.
//!
//! | | |
//! | --- | --- |
//! | `cargo run --release -p ottla-benches --bin instructions` | prints the counts beside those of the file |
//! | `… --bin instructions -- --check` | fails where a path takes more than the file allows |
//! | `… --bin instructions -- --write` | writes the file anew |
//!
//! What runs in the kernel is not counted, and a count says nothing of caches: the benches with criterion do.
#![allow(clippy::print_stdout, clippy::print_stderr, reason = "a program that prints a table")]
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a path that cannot be set up has nothing to count"
)]
#![allow(clippy::disallowed_methods, reason = "the file of counts belongs to no log")]

mod count;
mod paths;
mod ratchet;

use std::collections::BTreeMap;
use std::process::ExitCode;

use paths::PATHS;
use ratchet::Verdict;

fn main() -> ExitCode {
    let args: Vec<String> = std::env::args().skip(1).collect();
    let args: Vec<&str> = args.iter().map(String::as_str).collect();
    match args[..] {
        ["run", name, times] => paths::run(name, times.parse().unwrap()),
        [] => return report(&count_all(), false),
        ["--check"] => return report(&count_all(), true),
        ["--write"] => std::fs::write(ratchet::FILE, ratchet::encode(&count_all())).unwrap(),
        _ => {
            eprintln!("usage: instructions [--check | --write]");
            return ExitCode::from(2);
        }
    }
    ExitCode::SUCCESS
}

fn count_all() -> BTreeMap<String, u64> {
    if let Err(reason) = count::can_count() {
        println!("SKIPPED: {reason}");
        std::process::exit(0);
    }
    PATHS.iter().map(|path| (path.name.to_owned(), count::instructions(path))).collect()
}

fn report(counts: &BTreeMap<String, u64>, is_strict: bool) -> ExitCode {
    let held = ratchet::decode(&std::fs::read_to_string(ratchet::FILE).unwrap_or_default());
    println!("{:<48} {:>14} {:>14}", "instructions", "now", "in the file");
    let mut grown = 0;
    for (name, now) in counts {
        let before = held.get(name);
        let verdict = ratchet::judge(*now, before.copied());
        grown += usize::from(verdict == Verdict::Grown);
        let before = before.map_or("-".to_owned(), ToString::to_string);
        println!("{name:<48} {now:>14} {before:>14} {verdict}");
    }
    if grown > 0 && is_strict {
        println!(
            "{grown} paths take more instructions than {} allows; find out why, or write it anew with --write",
            ratchet::FILE
        );
        return ExitCode::FAILURE;
    }
    ExitCode::SUCCESS
}

//! **Real loss of power on real file systems.** A workload uses the library on an ext4 or XFS loop image; at some moment
//! the file system is cut off (`FS_IOC_SHUTDOWN`, which writes out neither data nor journal), mounted again, and what
//! came back is held against what was sent and promised. See README.md for the fault model.
#![allow(
    clippy::print_stdout,
    clippy::disallowed_methods,
    reason = "a program, and its own files are not the engine's"
)]

mod child;
mod controls;
mod cut;
mod cycle;
mod disk;
mod found;
mod generate;
mod model;
mod op;
mod outage;
mod records;
mod rng;
mod sites;
mod watched;

use std::cell::Cell;
use std::io::Read;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::Instant;

use nix::sys::signal::{SigSet, Signal};
use nix::sys::signalfd::{SfdFlags, SignalFd};

use crate::cycle::Settings;
use crate::disk::{Disk, Kind};

const USAGE: &str = "power [ext4|xfs] [--cycles N] [--seed N] [--life N] [--without PLACE] [--keep FOLDER]
power controls [ext4|xfs] [--cycles N] [--seed N] [--only TEXT]";

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let done = match arguments.first().map(String::as_str) {
        Some("workload") => workload(&arguments),
        _ => parse(&arguments).and_then(|asked| asked.run()),
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(e) => {
            say(&format!("FAILED: {e}"));
            ExitCode::FAILURE
        }
    }
}

pub(crate) fn say(line: &str) {
    println!("{line}");
}

#[derive(Debug, Default)]
struct Asked {
    controls: bool,
    kinds: Vec<Kind>,
    settings: Settings,
    without: Option<String>,
    only: String,
}

fn parse(arguments: &[String]) -> Result<Asked, String> {
    let mut asked =
        Asked { settings: Settings { seed: 1, cycles: 50, ..Settings::default() }, ..Asked::default() };
    let mut rest = arguments.iter();
    while let Some(argument) = rest.next() {
        let mut value = || rest.next().cloned().ok_or_else(|| USAGE.to_owned());
        let number = |text: String| text.parse().map_err(|_| format!("{text} is no number\n{USAGE}"));
        match argument.as_str() {
            "controls" => asked.controls = true,
            "ext4" => asked.kinds.push(Kind::Ext4),
            "xfs" => asked.kinds.push(Kind::Xfs),
            "--cycles" => asked.settings.cycles = number(value()?)?,
            "--seed" => asked.settings.seed = number(value()?)?,
            "--life" => asked.settings.first_life = number(value()?)?,
            "--without" => asked.without = Some(value()?),
            "--keep" => asked.settings.keep = Some(value()?.into()),
            "--only" => asked.only = value()?,
            _ => return Err(USAGE.to_owned()),
        }
    }
    if asked.kinds.is_empty() {
        asked.kinds = vec![Kind::Ext4, Kind::Xfs];
    }
    Ok(asked)
}

/// The process that works on the image, started by [`cycle`].
fn workload(arguments: &[String]) -> Result<(), String> {
    let text = |at: usize| arguments.get(at).cloned().ok_or("an argument is missing");
    let number = |at: usize| text(at).and_then(|text| text.parse::<i64>().map_err(|_| "not a number"));
    let sites = arguments.get(7).map(|cache| (PathBuf::from(cache), arguments.get(8).cloned()));
    let seed = text(3)?.parse().map_err(|_| "not a number")?;
    let outage = outage::Outage { mount: text(2)?.into(), out_of_order: text(4)? == "true", seed };
    let at_call = text(5)?.parse().ok();
    let at_left_out = text(5)?.strip_prefix("left-out-").and_then(|times| times.parse().ok());
    let data = text(1)?.into();
    let task = child::Task { data, at_call, at_change: number(6)?, at_left_out, outage, sites };
    let mut script = String::new();
    std::io::stdin().read_to_string(&mut script).map_err(|e| e.to_string())?;
    child::run(&task, &script)
}

impl Asked {
    fn run(mut self) -> Result<(), String> {
        if let Err(why) = disk::own_namespace() {
            say(&format!("SKIPPED: real loss of power: {why}"));
            return Ok(());
        }
        let is_ended = ended_by_signal()?;
        let folder =
            if Path::new("/dev/shm").is_dir() { PathBuf::from("/dev/shm") } else { std::env::temp_dir() };
        let folder =
            tempfile::Builder::new().prefix("ottla-power.").tempdir_in(folder).map_err(|e| e.to_string())?;
        if let Err(why) = disk::in_memory(folder.path()) {
            say(&format!("SKIPPED: real loss of power: {why}"));
            return Ok(());
        }
        let done = self.run_in(folder.path(), &is_ended);
        disk::forget_memory(folder.path());
        done
    }

    fn run_in(&mut self, folder: &Path, is_ended: &dyn Fn() -> bool) -> Result<(), String> {
        if self.controls {
            return controls::run(&self.kinds, folder, &self.settings, &self.only, is_ended);
        }
        if self.without.is_some() {
            self.settings.sites = Some((cycle::cache_in(folder), self.without.clone()));
        }
        for kind in &self.kinds {
            match Disk::new(*kind, folder) {
                Ok(disk) => self.cut(*kind, disk, is_ended)?,
                Err(why) => say(&format!("SKIPPED: real loss of power on {}: {why}", kind.name())),
            }
        }
        Ok(())
    }

    fn cut(&self, kind: Kind, mut disk: Disk, is_ended: &dyn Fn() -> bool) -> Result<(), String> {
        let begin = Instant::now();
        let name = kind.name();
        let tally = cycle::run(&mut disk, &self.settings, is_ended).map_err(|failed| {
            let (failure, tally) = *failed;
            let (seed, life) = (self.settings.seed, failure.life);
            format!(
                "{name}, after {} losses of power: {}\n  again: power {name} --seed {seed} --life {life} --cycles {}",
                failure.cycle,
                failure.what,
                tally.cycles + 1
            )
        })?;
        let under_way: Vec<String> =
            tally.under_way.iter().map(|(op, count)| format!("{op} {count}")).collect();
        say(&format!(
            "{name}: {} losses of power and {} more in recovery, {} after writeback out of order, {} data directories, {} calls \
             answered, {} records compared, {} logs cut, {} clean opens after a close: no promise broken, in {} s (seed {})\n  under way: {}",
            tally.cycles,
            tally.in_recovery,
            tally.out_of_order,
            tally.lives,
            tally.answered,
            tally.records,
            tally.cut,
            tally.closed,
            begin.elapsed().as_secs(),
            self.settings.seed,
            under_way.join(", ")
        ));
        if is_ended() { Err("it was ended early, by a signal".to_owned()) } else { Ok(()) }
    }
}

/// Ctrl-C and SIGTERM end the program after the cycle that is under way, so that it cleans up.
fn ended_by_signal() -> Result<impl Fn() -> bool, String> {
    let signals: SigSet = [Signal::SIGINT, Signal::SIGTERM, Signal::SIGHUP].into_iter().collect();
    signals.thread_block().map_err(|e| e.to_string())?;
    let flags = SfdFlags::SFD_NONBLOCK | SfdFlags::SFD_CLOEXEC;
    let queue = SignalFd::with_flags(&signals, flags).map_err(|e| e.to_string())?;
    let has_come = Cell::new(false);
    Ok(move || {
        if matches!(queue.read_signal(), Ok(Some(_))) {
            has_come.set(true);
        }
        has_come.get()
    })
}

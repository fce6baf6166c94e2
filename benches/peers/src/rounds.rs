//! Rounds: every log does every work in each, in an order that turns.

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use anyhow::{Result, bail};

use crate::child;
use crate::entry::ENTRY_BYTES;
use crate::machine::Machine;
use crate::options::{Options, Sizes};
use crate::peers::{self, Peer};
use crate::report;
use crate::samples::{Failure, Metrics, Sample, Samples};
use crate::scratch::Scratch;
use crate::work::{Task, Work};

const LARGE_PIECE_BYTES: usize = 1 << 20;
const THREADS: usize = 16;

pub fn run(options: &Options) -> Result<()> {
    let peers = chosen(&options.only)?;
    std::fs::create_dir_all(&options.dir)?;
    let machine = Machine::look(&options.dir.canonicalize()?)?;
    let run = Run::new(options, peers)?;
    eprintln!("{}", machine.line());
    if machine.is_busy() {
        eprintln!("note: the machine is busy with something else; the figures will say so too");
    }
    if run.scratch.is_in_memory()? {
        eprintln!("note: {} is in memory; synced appends mean nothing there", options.dir.display());
    }
    if run.sizes.bytes < options.bytes() {
        eprintln!(
            "note: the free disk holds {} MiB of each log at a time, so that is appended",
            run.sizes.bytes >> 20
        );
    }
    let (peers, sizes) = (run.peers.clone(), run.sizes);
    let samples = run.all(options.rounds())?;
    print!("{}", report::text(&peers, &samples));
    if let Some(path) = &options.json {
        std::fs::write(path, report::json(&sizes, &machine, &peers, &samples)?)?;
    }
    Ok(())
}

fn chosen(only: &[String]) -> Result<Vec<&'static Peer>> {
    if only.is_empty() {
        return Ok(peers::ALL.to_vec());
    }
    only.iter().map(|name| peers::named(name)).collect()
}

type Stage = fn(&mut Run, &'static Peer, &Path) -> Result<()>;

/// What is done with a fresh directory.
const STAGES: [(&str, Stage); 3] =
    [("append and read", Run::fill_and_read), ("kill", Run::kill), ("synced", Run::sync)];

struct Run {
    peers: Vec<&'static Peer>,
    scratch: Scratch,
    sizes: Sizes,
    round: usize,
    samples: Samples,
    stop: Arc<AtomicBool>,
}

impl Run {
    fn new(options: &Options, peers: Vec<&'static Peer>) -> Result<Run> {
        let stop = Arc::new(AtomicBool::new(false));
        for signal in [signal_hook::consts::SIGINT, signal_hook::consts::SIGTERM] {
            signal_hook::flag::register(signal, Arc::clone(&stop))?;
        }
        let scratch = Scratch::new(&options.dir)?;
        let bytes = scratch.fitting(options.bytes())?;
        let sizes = Sizes { bytes, killed_bytes: bytes.div_ceil(4), synced: options.synced() };
        Ok(Run { peers, scratch, sizes, round: 0, samples: Samples::default(), stop })
    }

    fn all(mut self, rounds: usize) -> Result<Samples> {
        for round in 0..rounds {
            self.round = round + 1;
            let mut order = self.peers.clone();
            order.rotate_left(round % self.peers.len());
            for (stage, doing) in STAGES {
                for &peer in &order {
                    eprintln!("round {} of {rounds}, {stage}: {}", self.round, peer.name);
                    let dir = self.scratch.fresh("log")?;
                    doing(&mut self, peer, &dir)?;
                    self.scratch.remove("log")?;
                }
            }
        }
        Ok(self.samples)
    }

    fn fill_and_read(&mut self, peer: &'static Peer, dir: &Path) -> Result<()> {
        let entries = self.sizes.bytes / ENTRY_BYTES as u64;
        self.scratch.make_ready(self.sizes.bytes)?;
        if !self.measure("append", peer, dir, Work::Append, |task| task.entries = entries)? {
            return Ok(());
        }
        self.scratch.settle()?;
        self.measure("open", peer, dir, Work::Open, |_| ())?;
        self.measure("read 64 KiB", peer, dir, Work::Read, |task| task.piece_bytes = ENTRY_BYTES)?;
        if peer.reads_many {
            self.measure("read 1 MiB", peer, dir, Work::Read, |task| task.piece_bytes = LARGE_PIECE_BYTES)?;
        }
        self.check("check", peer, dir, entries)
    }

    fn kill(&mut self, peer: &'static Peer, dir: &Path) -> Result<()> {
        let entries = self.sizes.killed_bytes / ENTRY_BYTES as u64;
        self.scratch.make_ready(self.sizes.killed_bytes)?;
        let mut task = task(Work::AppendAndWait, peer, dir);
        task.entries = entries;
        let killed = child::run_and_kill(&task).map(|()| Metrics::new());
        if !self.note("kill", peer, killed)? {
            return Ok(());
        }
        self.scratch.settle()?;
        self.measure("open after kill", peer, dir, Work::Open, |_| ())?;
        self.check("check after kill", peer, dir, entries)
    }

    fn sync(&mut self, peer: &'static Peer, dir: &Path) -> Result<()> {
        if peer.open_synced.is_none() {
            return Ok(());
        }
        let entries = self.sizes.synced;
        for (name, threads) in [("synced by 1", 1), ("synced by 16", THREADS)] {
            let dir = dir.join(threads.to_string());
            std::fs::create_dir(&dir)?;
            self.scratch.settle()?;
            self.measure(name, peer, &dir, Work::Synced, |task| {
                task.entries = entries;
                task.threads = threads;
            })?;
        }
        Ok(())
    }

    /// In both sizes of pieces, where the log has both: each is a way of its own through its code.
    fn check(&mut self, name: &'static str, peer: &'static Peer, dir: &Path, entries: u64) -> Result<()> {
        let largest = if peer.reads_many { LARGE_PIECE_BYTES } else { ENTRY_BYTES };
        for piece_bytes in [ENTRY_BYTES, largest] {
            self.measure(name, peer, dir, Work::Check, |task| {
                task.entries = entries;
                task.piece_bytes = piece_bytes;
            })?;
        }
        Ok(())
    }

    fn measure(
        &mut self,
        name: &'static str,
        peer: &'static Peer,
        dir: &Path,
        work: Work,
        set: impl FnOnce(&mut Task),
    ) -> Result<bool> {
        let mut task = task(work, peer, dir);
        set(&mut task);
        self.note(name, peer, child::measure(&task))
    }

    /// A log that fails is a result; the run goes on with the others.
    fn note(&mut self, work: &'static str, peer: &'static Peer, outcome: Result<Metrics>) -> Result<bool> {
        if self.stop.load(Ordering::Relaxed) {
            bail!("stopped");
        }
        let (round, peer) = (self.round, peer.name);
        let passed = outcome.is_ok();
        match outcome {
            Ok(metrics) => self.samples.measured.push(Sample { round, peer, work, metrics }),
            Err(error) => self.samples.failed.push(Failure { round, peer, work, why: format!("{error:#}") }),
        }
        Ok(passed)
    }
}

fn task(work: Work, peer: &Peer, dir: &Path) -> Task {
    Task { work, peer: peer.name.to_owned(), dir: dir.to_owned(), entries: 0, piece_bytes: 0, threads: 1 }
}

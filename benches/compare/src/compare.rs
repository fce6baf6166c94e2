//! The run: all servers up, rounds of all scenarios in turned order on fresh topics, then the starts, then the table.

use std::path::{Path, PathBuf};
use std::process;
use std::thread;
use std::time::Duration;

use anyhow::{Context, Result};
use clap::{Args, ValueEnum};
use serde_json::json;
use signal_hook::consts::{SIGHUP, SIGINT, SIGTERM};
use signal_hook::iterator::Signals;

use crate::awake::keep_awake;
use crate::first_produce::{Directory, Finds};
use crate::kafka::Kafka;
use crate::load::Receiver;
use crate::network;
use crate::report::{self, Machine, Sample};
use crate::scenarios::{Logs, Metrics, Scenario, Sizes, Turn, memory, now_ms, warm_up};
use crate::servers::{Kind, Launcher, Other, Server, kill_all};
use crate::start;

const HOME: &str = env!("CARGO_MANIFEST_DIR");
/// How much of a server's output is shown when a run fails.
const LAST_LINES: usize = 10;

#[derive(Debug, Args)]
pub struct Options {
    /// How often everything is measured [default: 5, quick: 2].
    #[arg(long)]
    rounds: Option<usize>,
    /// Smaller loads: a smoke run.
    #[arg(long)]
    quick: bool,
    /// Only these measurements.
    #[arg(long, value_delimiter = ',')]
    only: Vec<Scenario>,
    /// The ottla binary [default: the release build of this project].
    #[arg(long)]
    ottla: Option<PathBuf>,
    /// Whether Apache Kafka takes part; `auto` leaves it out, and says so, where it cannot run.
    #[arg(long, value_enum, default_value = "auto")]
    kafka: Participation,
    /// The script that brings Kafka's jars.
    #[arg(long, env = "KAFKA_SCRIPT")]
    kafka_script: Option<PathBuf>,
    /// Any other broker: its command, with {data} for its directory and {port} for where to listen on 127.0.0.1. May be repeated.
    #[arg(long = "broker", value_name = "NAME=COMMAND", value_parser = Other::parse)]
    brokers: Vec<Other>,
    /// What the fetching client does with the bytes.
    #[arg(long, value_enum, default_value = "copy")]
    receiver: Receiver,
    /// Keeps the processors from idling, with threads of the lowest priority: a virtual machine wakes its idle processors
    /// slowly, and by chance, which moves all that waits for one message at a time.
    #[arg(long)]
    awake: bool,
    /// The loopback to measure on.
    #[arg(long, value_enum, default_value = "own")]
    network: Network,
    /// The first of four ports in a row on 127.0.0.1.
    #[arg(long, default_value_t = 21700)]
    port: u16,
    /// Where the servers keep their data while the run lasts: a disk with 10 GB free, no tmpfs [default: target/data here].
    #[arg(long)]
    dir: Option<PathBuf>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Participation {
    Auto,
    On,
    Off,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Network {
    /// One of the run's own, without pacing; where there is no right to have one, the machine's, and the run says so.
    Own,
    /// The machine's, with its congestion control, whatever that is.
    Machine,
}

pub fn run(options: &Options) -> Result<()> {
    // First, while there is one thread.
    if options.network == Network::Own
        && let Err(reason) = network::enter_own()
    {
        eprintln!("network: the machine's, {reason:#}");
    }
    let launcher = launcher(options)?;
    let workspace = Workspace::create(options.dir.as_deref())?;
    end_on_signals(workspace.dir.clone())?;
    let machine = Machine::look()?;
    if options.awake {
        keep_awake()?;
    }
    machine.print();
    let mut run = Run {
        options,
        launcher,
        dir: &workspace.dir,
        sizes: if options.quick { Sizes::QUICK } else { Sizes::FULL },
        rounds: options.rounds.unwrap_or(if options.quick { 2 } else { 5 }),
        samples: Vec::new(),
    };
    run.loads()
        .and_then(|()| run.starts())
        .and_then(|()| run.first_produces())
        .inspect_err(|_| print_outputs(&workspace.dir))?;
    let path = report::write_json(
        &Path::new(HOME).join("results"),
        &machine,
        &json!({ "quick": options.quick, "awake": options.awake, "receiver": format!("{:?}", options.receiver) }),
        &run.samples,
    )?;
    println!("{}", report::table(&run.samples));
    println!("best of {} rounds (median in brackets); every sample is in {}", run.rounds, path.display());
    Ok(())
}

fn launcher(options: &Options) -> Result<Launcher> {
    let built = Path::new(HOME).join("../../target/release/ottla");
    let ottla = options.ottla.clone().or_else(|| built.exists().then_some(built));
    match &ottla {
        Some(path) => eprintln!("ottla: {}", path.display()),
        None => eprintln!("ottla: SKIPPED, no release build and no --ottla PATH"),
    }
    let default_script = Path::new(HOME).join("../../.ci/interop/kafka");
    let script = options.kafka_script.as_ref().unwrap_or(&default_script);
    let kafka = match (options.kafka, Kafka::find(script)) {
        (Participation::Off, _) => {
            eprintln!("kafka: SKIPPED, --kafka off");
            None
        }
        (_, Ok(kafka)) => Some(kafka),
        (Participation::On, Err(reason)) => return Err(reason.context("--kafka on")),
        (Participation::Auto, Err(reason)) => {
            eprintln!("kafka: SKIPPED, {reason:#}");
            None
        }
    };
    Ok(Launcher { ottla, kafka, others: options.brokers.clone(), first_port: options.port })
}

struct Run<'a> {
    options: &'a Options,
    launcher: Launcher,
    dir: &'a Path,
    sizes: Sizes,
    rounds: usize,
    samples: Vec<Sample>,
}

impl Run<'_> {
    /// Everything but the starts, on servers that stay up.
    fn loads(&mut self) -> Result<()> {
        let scenarios = self.chosen();
        if scenarios.is_empty() {
            return Ok(());
        }
        let mut servers = Vec::new();
        for kind in self.launcher.kinds() {
            let server = self.launcher.start(kind, &self.dir.join(kind.name()))?;
            thread::sleep(Duration::from_secs(1));
            self.note(0, "idle", kind, memory(&server)?);
            warm_up(&server, self.dir).with_context(|| format!("warming up {}", kind.name()))?;
            servers.push(server);
        }
        for round in 1..=self.rounds {
            self.round(round, &scenarios, &servers)?;
        }
        for server in servers {
            self.note(self.rounds, "loaded", server.kind, memory(&server)?);
            server.stop()?;
        }
        Ok(())
    }

    fn round(&mut self, round: usize, scenarios: &[Scenario], servers: &[Server]) -> Result<()> {
        let mut logs: Vec<Logs> = servers.iter().map(|_| Logs::default()).collect();
        for scenario in scenarios {
            for turn in 0..servers.len() {
                let nth = (turn + round) % servers.len();
                let server = &servers[nth];
                let (sizes, receiver, dir) = (self.sizes, self.options.receiver, self.dir);
                let metrics = Turn { server, round, sizes, receiver, dir, logs: &mut logs[nth] }
                    .run(*scenario)
                    .with_context(|| format!("{} of {}", scenario.name(), server.kind.name()))?;
                self.note(round, scenario.name(), server.kind, metrics);
            }
        }
        for (server, logs) in servers.iter().zip(&mut logs) {
            logs.delete(server)?;
        }
        Ok(())
    }

    fn starts(&mut self) -> Result<()> {
        if !self.wants(Scenario::Start) {
            return Ok(());
        }
        let mut prepared = Vec::new();
        for kind in self.launcher.kinds().into_iter().filter(|kind| [Kind::Ottla, Kind::Kafka].contains(kind))
        {
            eprintln!("           start           {:<6} writing a directory of 1,000 segments", kind.name());
            let dir = self.dir.join(format!("start-{}", kind.name()));
            let directory = start::prepare(&self.launcher, kind, dir, self.sizes);
            prepared.push(directory.with_context(|| format!("preparing the start of {}", kind.name()))?);
        }
        for round in 1..=self.rounds {
            for turn in 0..prepared.len() {
                let prepared = &prepared[(turn + round) % prepared.len()];
                let metrics = prepared.measure(&self.launcher)?;
                self.note(round, Scenario::Start.name(), prepared.kind, metrics);
            }
        }
        Ok(())
    }

    fn first_produces(&mut self) -> Result<()> {
        if !self.wants(Scenario::FirstProduce) {
            return Ok(());
        }
        let mut directories = Vec::new();
        for finds in Finds::ALL {
            for kind in self.launcher.kinds().into_iter().filter(|kind| *kind != Kind::Floor) {
                eprintln!("           {:<15} {:<6} preparing its directory", finds.name(), kind.name());
                let dir = self.dir.join(format!("{}-{}", finds.name(), kind.name()));
                let directory = Directory::prepare(&self.launcher, kind, finds, dir);
                directories.push(
                    directory.with_context(|| format!("preparing {} of {}", finds.name(), kind.name()))?,
                );
            }
        }
        for round in 1..=self.rounds {
            for turn in 0..directories.len() {
                let directory = &directories[(turn + round) % directories.len()];
                let metrics = directory.measure(&self.launcher, round, self.sizes)?;
                self.note(round, directory.finds.name(), directory.kind, metrics);
            }
        }
        Ok(())
    }

    fn chosen(&self) -> Vec<Scenario> {
        let all = Scenario::value_variants().iter().copied();
        let apart = [Scenario::Start, Scenario::FirstProduce];
        all.filter(|scenario| !apart.contains(scenario) && self.wants(*scenario)).collect()
    }

    fn wants(&self, scenario: Scenario) -> bool {
        self.options.only.is_empty() || self.options.only.contains(&scenario)
    }

    fn note(&mut self, round: usize, scenario: &'static str, server: Kind, metrics: Metrics) {
        let figures: Vec<_> =
            metrics.iter().map(|(name, value)| format!("{name} {}", report::number(*value))).collect();
        let of = self.rounds;
        eprintln!("round {round}/{of}  {scenario:<15} {:<6} {}", server.name(), figures.join("  "));
        self.samples.push(Sample { round, scenario, server, metrics });
    }
}

/// The data of a run: gone when it ends, however it ends.
struct Workspace {
    dir: PathBuf,
}

impl Workspace {
    fn create(parent: Option<&Path>) -> Result<Self> {
        let default = Path::new(HOME).join("target/data");
        let dir = parent.unwrap_or(&default).join(format!("run-{}-{}", now_ms()?, process::id()));
        std::fs::create_dir_all(&dir).with_context(|| dir.display().to_string())?;
        Ok(Self { dir: dir.canonicalize()? })
    }
}

impl Drop for Workspace {
    fn drop(&mut self) {
        clean_up(&self.dir);
    }
}

/// What the servers said last, before it is removed with their data.
fn print_outputs(dir: &Path) {
    for server in std::fs::read_dir(dir).into_iter().flatten().flatten() {
        let Ok(output) = std::fs::read_to_string(server.path().join("output")) else { continue };
        let lines: Vec<_> = output.lines().collect();
        for line in &lines[lines.len().saturating_sub(LAST_LINES)..] {
            eprintln!("{}: {line}", server.file_name().display());
        }
    }
}

fn clean_up(dir: &Path) {
    kill_all();
    // A killed server may still be closing its files: once more, then, and what is left is said.
    for attempt in 0..10 {
        match std::fs::remove_dir_all(dir) {
            Ok(()) => return,
            Err(_) if attempt < 9 => thread::sleep(Duration::from_millis(100)),
            Err(error) => eprintln!("{} is left behind: {error}", dir.display()),
        }
    }
}

fn end_on_signals(dir: PathBuf) -> Result<()> {
    let mut signals = Signals::new([SIGINT, SIGTERM, SIGHUP])?;
    thread::spawn(move || {
        if signals.forever().next().is_some() {
            eprintln!("interrupted: ending the servers and removing their data");
            clean_up(&dir);
            process::exit(130);
        }
    });
    Ok(())
}

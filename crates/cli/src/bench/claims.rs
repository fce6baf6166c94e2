//! What `bench claims` takes; its run.

use std::fs::File;
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use anyhow::{Context, Result};
use clap::Args;
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use ottla_bench::claims::report::{html, json, text};
use ottla_bench::claims::{Options, Watch, list, run as measure};
use signal_hook::consts::{SIGINT, SIGTERM};

use crate::exit::{Outcome, say};

const EXAMPLES: &str = "Examples:
  ottla bench claims --quick
  ottla bench claims --dir /var/lib/ottla --html claims.html --json claims.json
  ottla bench claims --only sendfile-cpu,tls --rounds 9
  ottla bench claims --list

Nothing else should run meanwhile. The files that are measured have no name: whatever ends the run, a kill included, \
nothing is left behind. As root it also measures between two network namespaces of its own, and sees in which pieces the page \
cache holds a file; without, it says what it leaves out.";

/// The whole run is to take no longer than this; --rounds may ask for more.
const FULL_AT_MOST: Duration = Duration::from_secs(8 * 60);
const QUICK_AT_MOST: Duration = Duration::from_secs(45);
/// Of text; tables may be wider.
const PAGE_WIDTH: u16 = 100;

/// Measure whether the claims of log storage hold on this machine, and say why or why not.
#[derive(Args, Debug)]
#[command(after_help = EXAMPLES)]
pub struct ClaimsArgs {
    /// A directory on the disk in question; files are made in it, and none is left
    #[arg(long, default_value = ".")]
    dir: PathBuf,
    /// Less of everything: a first look in under a minute
    #[arg(long)]
    quick: bool,
    /// Only these claims, by name
    #[arg(long, value_name = "CLAIM", value_delimiter = ',')]
    only: Vec<String>,
    /// How often everything is measured: five times, or three with --quick; fewer than three decide nothing
    #[arg(long, value_parser = clap::value_parser!(u32).range(1..=1000))]
    rounds: Option<u32>,
    /// The size of the files in MiB, where less than the usual is wanted
    #[arg(long, value_name = "MIB", value_parser = clap::value_parser!(u64).range(1..))]
    file_size: Option<u64>,
    /// Every sample, for a program
    #[arg(long, value_name = "FILE")]
    json: Option<PathBuf>,
    /// The report as a page, with plots
    #[arg(long, value_name = "FILE")]
    html: Option<PathBuf>,
    /// Also print every series that was measured
    #[arg(long)]
    series: bool,
    /// Print the claims and measure nothing
    #[arg(long, conflicts_with_all = ["json", "html", "series"])]
    list: bool,
}

/// Runs the command.
///
/// # Errors
/// Where it cannot run to its end.
pub fn run(args: &ClaimsArgs) -> Result<Outcome> {
    let mut out = io::stdout().lock();
    if args.list {
        for claim in list() {
            writeln!(out, "{:19} {}", claim.name, claim.sentence)?;
        }
        return Ok(Outcome::Clean);
    }
    // Opened first: minutes of measuring are not to end at a path that cannot be written.
    let json_file = args.json.as_deref().map(create).transpose()?;
    let html_file = args.html.as_deref().map(create).transpose()?;
    let at_most = if args.quick { QUICK_AT_MOST } else { FULL_AT_MOST };
    let options = Options {
        dir: args.dir.clone(),
        quick: args.quick,
        only: args.only.clone(),
        rounds: args.rounds,
        file_bytes: args.file_size.map(|mib| mib << 20),
        at_most: if args.rounds.is_some() { Duration::MAX } else { at_most },
    };
    let report = measure(&options, &mut Watcher::new()?)?;
    if args.series {
        writeln!(out, "{}", text::series(&report))?;
    }
    writeln!(out, "{}", text::claims(&report, PAGE_WIDTH))?;
    if let Some(file) = json_file {
        write(file, args.json.as_deref(), &json::json(&report)?)?;
    }
    if let Some(file) = html_file {
        write(file, args.html.as_deref(), &html::html(&report))?;
    }
    Ok(Outcome::Clean)
}

fn create(path: &Path) -> Result<File> {
    #[expect(clippy::disallowed_methods, reason = "a report is no file of a log")]
    File::create(path).with_context(|| format!("cannot write {}", path.display()))
}

fn write(mut file: File, path: Option<&Path>, text: &str) -> Result<()> {
    let path = path.unwrap_or(Path::new("the report")).display();
    file.write_all(text.as_bytes()).with_context(|| format!("cannot write {path}"))?;
    say(&format!("wrote {path}"));
    Ok(())
}

/// A line that says what is being measured, and an ear for Ctrl-C.
struct Watcher {
    bar: ProgressBar,
    stopped: Arc<AtomicBool>,
}

impl Watcher {
    fn new() -> Result<Self> {
        let stopped = Arc::new(AtomicBool::new(false));
        for signal in [SIGINT, SIGTERM] {
            // The second one ends the process at once, also in the middle of a call.
            signal_hook::flag::register_conditional_shutdown(signal, 130, Arc::clone(&stopped))?;
            signal_hook::flag::register(signal, Arc::clone(&stopped))?;
        }
        let bar = ProgressBar::with_draw_target(Some(0), ProgressDrawTarget::stderr_with_hz(4));
        if let Ok(style) = ProgressStyle::with_template("[{bar:24}] {pos}/{len} {elapsed} {wide_msg}") {
            bar.set_style(style.progress_chars("=> "));
        }
        Ok(Self { bar, stopped })
    }
}

impl Watch for Watcher {
    fn next(&mut self, done: usize, all: usize, what: &str) {
        self.bar.set_length(all as u64);
        self.bar.set_position(done as u64);
        self.bar.set_message(what.to_owned());
    }

    fn is_stopped(&self) -> bool {
        self.stopped.load(Ordering::Relaxed)
    }
}

impl Drop for Watcher {
    fn drop(&mut self) {
        self.bar.finish_and_clear();
    }
}

//! A run of `append`, from the first line to the last.

use std::io::{self, IsTerminal};
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use anyhow::{Context, Result};
use signal_hook::consts::{SIGINT, SIGTERM};

use super::args::AppendArgs;
use super::deliver::append_all;
use super::local::Local;
use super::remote::Remote;
use super::sink::Sink;
use super::tally::Tally;
use crate::exit::{Outcome, say};

/// Runs the command.
///
/// # Errors
/// Where nothing was appended.
pub fn run(args: &AppendArgs) -> Result<Outcome> {
    let mut sink: Box<dyn Sink> = match &args.server {
        None => Box::new(Local::open(Path::new(&args.target), args.sync)?),
        Some(server) => Box::new(Remote::connect(server, &args.target, args.partition)?),
    };
    let name = sink.name();
    let stop = stop_flag().context("cannot listen to signals")?;
    if io::stdin().is_terminal() {
        say("Type lines; Ctrl-D ends them.");
    }
    let mut tally = Tally::default();
    let appended = append_all(args, &mut *sink, &stop, &mut tally);
    let finished = appended.and_then(|()| sink.finish());
    tally.print(args.json, &name)?;
    match finished {
        Ok(()) => Ok(Outcome::Clean),
        Err(error) if tally.records == 0 => Err(error),
        Err(error) => {
            say(&format!("ottla: {error:#}"));
            Ok(Outcome::Findings)
        }
    }
}

/// Is set by the first Ctrl-C or request to end; the second ends the process at once.
fn stop_flag() -> io::Result<Arc<AtomicBool>> {
    let stop = Arc::new(AtomicBool::new(false));
    for signal in [SIGINT, SIGTERM] {
        signal_hook::flag::register_conditional_shutdown(signal, 1, Arc::clone(&stop))?;
        signal_hook::flag::register(signal, Arc::clone(&stop))?;
    }
    Ok(stop)
}

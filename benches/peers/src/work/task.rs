//! One measurement of one log: what the run asks a process of its own to do.

use std::ffi::OsString;
use std::path::PathBuf;

use anyhow::{Context, Result};
use clap::{Args, ValueEnum};

use super::{append, check, open, read, synced};
use crate::peers;
use crate::samples::Metrics;

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Work {
    /// Entry after entry, not synced, then a clean close that is not timed.
    Append,
    /// The same, then waits to be killed.
    AppendAndWait,
    /// From the call until the first entry is there.
    Open,
    /// Everything in order.
    Read,
    /// Is everything what was appended? Not timed.
    Check,
    /// Appends that are on disk when they return.
    Synced,
}

/// One measurement of one log.
#[derive(Clone, Debug, Args)]
pub struct Task {
    #[arg(value_enum)]
    pub work: Work,
    #[arg(long)]
    pub peer: String,
    #[arg(long)]
    pub dir: PathBuf,
    #[arg(long, default_value_t = 0)]
    pub entries: u64,
    #[arg(long, default_value_t = 0)]
    pub piece_bytes: usize,
    #[arg(long, default_value_t = 1)]
    pub threads: usize,
}

impl Task {
    pub fn to_args(&self) -> Vec<OsString> {
        let work = self.work.to_possible_value().map(|value| value.get_name().to_owned()).unwrap_or_default();
        let mut args: Vec<OsString> = vec![work.into()];
        args.extend(["--peer".into(), self.peer.clone().into(), "--dir".into(), self.dir.clone().into()]);
        let numbers = [
            ("--entries", self.entries),
            ("--piece-bytes", self.piece_bytes as u64),
            ("--threads", self.threads as u64),
        ];
        args.extend(numbers.into_iter().flat_map(|(name, value)| [name.into(), value.to_string().into()]));
        args
    }
}

/// Does the work and says what it took, as one line of JSON.
pub fn run(task: &Task) -> Result<()> {
    let peer = peers::named(&task.peer)?;
    let metrics: Metrics = match task.work {
        Work::Append => append::and_close(peer, task)?,
        Work::AppendAndWait => return append::and_wait(peer, task),
        Work::Open => open::run(peer, task)?,
        Work::Read => read::run(peer, task)?,
        Work::Check => check::run(peer, task)?,
        Work::Synced => synced::run(peer, task)?,
    };
    println!("{}", serde_json::to_string(&metrics).context("figures as JSON")?);
    Ok(())
}

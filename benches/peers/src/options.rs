//! The command line.

use std::path::PathBuf;

use clap::{Args, Parser, Subcommand};

use crate::work::Task;

#[derive(Debug, Parser)]
#[command(
    about = "The embedded API of ottla, other embedded logs and bare system calls, measured side by side"
)]
#[command(disable_help_subcommand = true)]
pub struct Cli {
    #[command(flatten)]
    pub run: Options,
    #[command(subcommand)]
    pub child: Option<Child>,
}

/// What the run starts for each measurement.
#[derive(Debug, Subcommand)]
pub enum Child {
    #[command(hide = true)]
    Child(Task),
}

#[derive(Debug, Args)]
pub struct Options {
    /// How often everything is measured; without it 5, or 2 with --quick.
    #[arg(long)]
    pub rounds: Option<usize>,
    /// Only these logs, by name; the floor and ottla are what ratios are taken against.
    #[arg(long, value_delimiter = ',')]
    pub only: Vec<String>,
    /// A sixteenth of the data: does it run, and roughly how.
    #[arg(long)]
    pub quick: bool,
    /// Where the data goes while the run lasts: a disk, no tmpfs.
    #[arg(long, default_value = concat!(env!("CARGO_MANIFEST_DIR"), "/target"))]
    pub dir: PathBuf,
    /// Every sample, as JSON.
    #[arg(long)]
    pub json: Option<PathBuf>,
    /// How many MiB are appended and read; without it 1024, or 64 with --quick.
    #[arg(long)]
    pub mib: Option<u64>,
    /// How many appends are synced, in all; without it 2000, or 200 with --quick.
    #[arg(long)]
    pub synced: Option<u64>,
}

impl Options {
    pub fn rounds(&self) -> usize {
        self.rounds.unwrap_or(if self.quick { 2 } else { 5 }).max(1)
    }

    pub fn bytes(&self) -> u64 {
        self.mib.unwrap_or(if self.quick { 64 } else { 1024 }).max(1) << 20
    }

    pub fn synced(&self) -> u64 {
        self.synced.unwrap_or(if self.quick { 200 } else { 2000 }).max(16)
    }
}

/// How much is done, after a look at the free disk.
#[derive(Clone, Copy, Debug)]
pub struct Sizes {
    /// Appended, then read.
    pub bytes: u64,
    /// Appended before the process is killed.
    pub killed_bytes: u64,
    /// Appends that are synced.
    pub synced: u64,
}

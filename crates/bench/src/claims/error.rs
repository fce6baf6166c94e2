//! Why a run, or one case of it, ended.

use std::fmt::Display;
use std::io;
use std::path::PathBuf;

/// Why there is no report.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The disk, or the memory, is too small for the smallest run.
    #[error(
        "{}: {} MiB may be used, and the smallest run takes {} MiB; free some, or name another directory with --dir",
        dir.display(), free_bytes >> 20, needed_bytes >> 20
    )]
    NoRoom {
        /// Where files would have been.
        dir: PathBuf,
        /// What a run may use there.
        free_bytes: u64,
        /// What it would take.
        needed_bytes: u64,
    },
    /// `--only` names what is not there.
    #[error("no claim is called {name:?}; there are: {known}")]
    UnknownClaim {
        /// As it was given.
        name: String,
        /// All the names.
        known: String,
    },
    /// Whoever watched wanted no more.
    #[error("stopped; nothing was left behind")]
    Stopped,
    /// A call failed that has no reason to fail.
    #[error("{what}: {source}")]
    Io {
        /// What was being done.
        what: String,
        /// What the system said.
        source: io::Error,
    },
    /// A path sent something else than the file.
    #[error(
        "{what}: {expected} bytes were sent and {found} came; a figure of this path would be worth nothing"
    )]
    Lost {
        /// Which case.
        what: String,
        /// The size of the file.
        expected: u64,
        /// What the receiver counted.
        found: u64,
    },
}

/// Why one case has no sample.
#[derive(Debug)]
pub enum Unmeasured {
    /// This machine cannot do it, for the reason named; the run goes on.
    Skipped(String),
    /// The run ends.
    Failed(Error),
}

impl From<Error> for Unmeasured {
    fn from(error: Error) -> Self {
        Self::Failed(error)
    }
}

/// For `map_err`: says what was being done when a call failed.
pub fn doing<E: Into<io::Error>>(what: impl Display) -> impl FnOnce(E) -> Error {
    move |source| Error::Io { what: what.to_string(), source: source.into() }
}

/// For `map_err`: a call that a kernel may lack or forbid.
pub fn skip<E: Display>(what: impl Display) -> impl FnOnce(E) -> Unmeasured {
    move |source| Unmeasured::Skipped(format!("{what}: {source}"))
}

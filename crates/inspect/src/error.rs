use std::io;
use std::path::{Path, PathBuf};

/// The result of this crate's calls.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// Why a directory could not be looked at or mended. What is wrong *in* it is no error but a
/// [`Finding`](crate::verify::Finding).
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The operating system refused.
    #[error("cannot {action} {}: {source}", path.display())]
    Io {
        /// What was tried, as a verb: `read`, `list` …
        action: &'static str,
        /// The file or directory.
        path: PathBuf,
        /// The system's answer.
        source: io::Error,
    },
    /// The path is not what is wanted here.
    #[error("{} {reason}", path.display())]
    NotWanted {
        /// The path.
        path: PathBuf,
        /// What it is, and what to give instead.
        reason: String,
    },
    /// What the engine says.
    #[error(transparent)]
    Log(#[from] ottla::Error),
}

impl Error {
    /// The path is not what is wanted here.
    pub(crate) fn not_wanted(path: &Path, reason: impl Into<String>) -> Error {
        Error::NotWanted { path: path.to_path_buf(), reason: reason.into() }
    }
}

/// Tells what was tried, and with which file.
pub(crate) trait At<T> {
    fn at(self, action: &'static str, path: &Path) -> Result<T>;
}

impl<T> At<T> for io::Result<T> {
    fn at(self, action: &'static str, path: &Path) -> Result<T> {
        self.map_err(|source| Error::Io { action, path: path.to_path_buf(), source })
    }
}

use std::fmt;
use std::path::PathBuf;

use ottla::segment::WalkEnd;

/// A place where a log file is not what it must be.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Damage {
    /// The file.
    pub path: PathBuf,
    /// The byte from which on it is not whole.
    pub position: u64,
    /// What stands there.
    pub what: String,
    /// What to do about it.
    pub advice: &'static str,
    /// Whether more bytes may yet make it whole: the file ends inside a batch, or in zero bytes.
    pub may_grow: bool,
}

const CUT: &str = "recovery cuts such a tail off after a crash; `ottla verify` says whether it will here";
const LOST: &str =
    "nothing from here on was read; `ottla verify` tells what else is wrong and what is whole after it";

impl Damage {
    /// What stopped a walk over batches; `None` for the clean end.
    pub fn of(end: &WalkEnd, path: PathBuf, position: u64) -> Option<Damage> {
        let (what, advice, may_grow) = match end {
            WalkEnd::Clean => return None,
            WalkEnd::Torn { needed, found } => {
                let what = format!("a batch of {needed} bytes begins here and only {found} bytes follow");
                (what, CUT, true)
            }
            WalkEnd::Zeros { bytes } => {
                (format!("{bytes} zero bytes follow, allocated and never written"), CUT, true)
            }
            WalkEnd::Invalid(error) => (format!("no whole batch stands here: {error}"), LOST, false),
        };
        Some(Damage { path, position, what, advice, may_grow })
    }

    /// Damage of another kind.
    pub fn new(path: PathBuf, position: u64, what: impl Into<String>) -> Damage {
        Damage { path, position, what: what.into(), advice: LOST, may_grow: false }
    }
}

impl fmt::Display for Damage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} at byte {}: {}; {}", self.path.display(), self.position, self.what, self.advice)
    }
}

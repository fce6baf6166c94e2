use std::path::PathBuf;

/// One change to a directory.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Step {
    /// The file.
    pub file: PathBuf,
    /// What is done to it.
    pub change: Change,
    /// Why.
    pub why: String,
}

/// What is done to a file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Change {
    /// Its name goes.
    Remove,
    /// It gets this name.
    Rename {
        /// The new name.
        to: PathBuf,
    },
    /// It is written, whole.
    Write {
        /// How long it is then.
        bytes: u64,
    },
    /// Its end is cut off.
    Cut {
        /// How long it is then.
        position: u64,
        /// How many bytes go.
        bytes: u64,
        /// The file that keeps them, where they may be worth keeping.
        kept_in: Option<PathBuf>,
    },
}

impl Change {
    /// The name that machines get.
    pub const fn name(&self) -> &'static str {
        match self {
            Change::Remove => "remove",
            Change::Rename { .. } => "rename",
            Change::Write { .. } => "write",
            Change::Cut { .. } => "cut",
        }
    }
}

/// What repair does not mend.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Left {
    /// The file or directory.
    pub file: PathBuf,
    /// The byte, where one can be named.
    pub position: Option<u64>,
    /// What is wrong.
    pub what: String,
    /// What else can be done.
    pub advice: &'static str,
}

/// What a repair did, or would do, and what it leaves.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Repairs {
    /// The changes, in their order.
    pub steps: Vec<Step>,
    /// What is not mended by them.
    pub left: Vec<Left>,
}

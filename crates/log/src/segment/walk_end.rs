//! Where a walk over a `.log` file is, and why it stopped.

use ottla_record::RecordError;

use crate::fs::File;

/// Why a walk stopped.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum WalkEnd {
    /// Exactly at the end of the bytes.
    Clean,
    /// The bytes end inside a batch, or inside its head.
    Torn {
        /// How many bytes the batch spans, as far as its head tells.
        needed: u64,
        /// How many are there.
        found: u64,
    },
    /// Only zero bytes follow: space that was allocated and never written.
    Zeros {
        /// How many.
        bytes: u64,
    },
    /// The bytes here are no batch.
    Invalid(RecordError),
}

/// What is left to walk over.
#[derive(Clone, Copy)]
pub(super) struct Rest<'a> {
    pub(super) file: &'a dyn File,
    pub(super) position: u64,
    pub(super) end: u64,
}

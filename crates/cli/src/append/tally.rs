//! What was appended, and how it is told at the end.

use std::io::{self, Write};

use anyhow::Result;
use ottla::Offset;

use crate::text::counted;

/// What was appended.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Tally {
    pub records: u64,
    pub batches: u64,
    /// The first and the last.
    pub offsets: Option<(Offset, Offset)>,
}

impl Tally {
    /// Tells it to people, or as JSON to machines.
    pub(super) fn print(&self, as_json: bool, name: &str) -> Result<()> {
        let mut out = io::stdout().lock();
        if as_json {
            let json = serde_json::json!({
                "records": self.records,
                "batches": self.batches,
                "first_offset": self.offsets.map(|(first, _)| first.get()),
                "last_offset": self.offsets.map(|(_, last)| last.get()),
            });
            return Ok(writeln!(out, "{json}")?);
        }
        match self.offsets {
            None => writeln!(out, "Appended nothing to {name}")?,
            Some((first, last)) => writeln!(
                out,
                "Appended {} in {} to {name}, offsets {first} to {last}",
                counted(self.records, "record", "records"),
                counted(self.batches, "batch", "batches")
            )?,
        }
        Ok(())
    }
}

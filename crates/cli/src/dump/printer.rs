//! How entries are printed: to people or to machines, and how much of them.

use std::io::Write;

use anyhow::Result;
use serde::Serialize;

/// How much of the records is shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Depth {
    Batches,
    Records,
    Data,
}

/// Where entries are printed, and in which form.
pub(super) struct Printer<'w> {
    pub out: &'w mut dyn Write,
    pub json: bool,
}

impl Printer<'_> {
    /// Prints one entry: the object to machines, the text to people.
    pub(super) fn entry(&mut self, json: &impl Serialize, text: impl FnOnce() -> String) -> Result<()> {
        if self.json {
            serde_json::to_writer(&mut *self.out, json)?;
            self.out.write_all(b"\n")?;
            return Ok(());
        }
        self.title(&text())
    }

    /// Prints a line that only people need.
    pub(super) fn title(&mut self, text: &str) -> Result<()> {
        if !self.json {
            writeln!(self.out, "{text}")?;
        }
        Ok(())
    }
}

//! Whether the log gives back what was appended: every entry, every byte, in order. Not timed.

use std::ops::ControlFlow;

use anyhow::{Context, Result};

use super::Task;
use crate::entry::{ENTRY_BYTES, Entry};
use crate::peers::Peer;
use crate::samples::Metrics;

pub fn run(peer: &Peer, task: &Task) -> Result<Metrics> {
    let entry = Entry::large()?;
    let mut log = (peer.open)(&task.dir).context("open")?;
    let (mut right, mut wrong) = (0_u64, 0_u64);
    log.read(task.piece_bytes, &mut |piece| {
        for found in piece.chunks(ENTRY_BYTES) {
            match entry.is(right, found) {
                true => right += 1,
                false => wrong += 1,
            }
        }
        ControlFlow::Continue(())
    })?;
    log.close().context("close")?;
    let figures = [("right", right), ("wrong", wrong), ("appended", task.entries)];
    let mut metrics: Metrics =
        figures.into_iter().map(|(name, value)| (name.to_owned(), value as f64)).collect();
    metrics.insert("percent".to_owned(), right as f64 / task.entries as f64 * 100.0);
    Ok(metrics)
}

//! From the call that opens a log until its first entry is there.

use std::ops::ControlFlow;

use anyhow::{Context, Result, ensure};

use super::{Task, usage};
use crate::entry::ENTRY_BYTES;
use crate::peers::Peer;
use crate::samples::Metrics;

pub fn run(peer: &Peer, task: &Task) -> Result<Metrics> {
    let mut bytes = 0;
    let meter = usage::Meter::start()?;
    let mut log = (peer.open)(&task.dir).context("open")?;
    log.read(ENTRY_BYTES, &mut |piece| {
        bytes = piece.len();
        ControlFlow::Break(())
    })?;
    let mut metrics = meter.stop()?;
    ensure!(bytes > 0, "the log is empty");
    metrics.insert("peak_mb".to_owned(), usage::peak_mb()?);
    log.close().context("close")?;
    Ok(metrics)
}

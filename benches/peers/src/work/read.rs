//! Everything in order, into memory that the caller can look at.

use std::hint::black_box;
use std::ops::ControlFlow;

use anyhow::{Context, Result};

use super::{Task, usage};
use crate::peers::Peer;
use crate::samples::Metrics;

pub fn run(peer: &Peer, task: &Task) -> Result<Metrics> {
    let mut log = (peer.open)(&task.dir).context("open")?;
    let mut bytes = 0;
    let meter = usage::Meter::start()?;
    log.read(task.piece_bytes, &mut |piece| {
        bytes += black_box(piece).len() as u64;
        ControlFlow::Continue(())
    })?;
    let mut metrics = meter.stop()?;
    metrics.insert("peak_mb".to_owned(), usage::peak_mb()?);
    usage::per_bytes(&mut metrics, bytes);
    metrics.insert("bytes".to_owned(), bytes as f64);
    log.close().context("close")?;
    Ok(metrics)
}

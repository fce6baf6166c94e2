//! Entry after entry, not synced, as the log's own API offers it.

use anyhow::{Context, Result};

use super::{Task, usage};
use crate::entry::Entry;
use crate::peers::{Log, Peer};
use crate::samples::Metrics;

/// What a process says that waits to be killed.
pub const WAITING: &str = "waiting";

pub fn and_close(peer: &Peer, task: &Task) -> Result<Metrics> {
    let mut entry = Entry::large()?;
    let mut log = (peer.open)(&task.dir).context("open")?;
    let meter = usage::Meter::start()?;
    append(log.as_mut(), &mut entry, task.entries)?;
    let mut metrics = meter.stop()?;
    usage::per_bytes(&mut metrics, task.entries * entry.len() as u64);
    metrics.insert("peak_mb".to_owned(), usage::peak_mb()?);
    let meter = usage::Meter::start()?;
    log.close().context("close")?;
    metrics.extend(meter.stop()?.into_iter().map(|(name, value)| (format!("close_{name}"), value)));
    Ok(metrics)
}

pub fn and_wait(peer: &Peer, task: &Task) -> Result<()> {
    let mut log = (peer.open)(&task.dir).context("open")?;
    append(log.as_mut(), &mut Entry::large()?, task.entries)?;
    println!("{WAITING}");
    loop {
        std::thread::park();
    }
}

fn append(log: &mut dyn Log, entry: &mut Entry, entries: u64) -> Result<()> {
    for number in 0..entries {
        log.append(entry.numbered(number)).with_context(|| format!("append of entry {number}"))?;
    }
    Ok(())
}

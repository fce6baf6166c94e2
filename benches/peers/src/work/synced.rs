//! Appends of 1 KiB that are on disk when they return, by one thread or by several at once.

use std::time::Instant;

use anyhow::{Context, Result};

use super::{Task, usage};
use crate::entry::Entry;
use crate::peers::{Peer, Synced};
use crate::samples::Metrics;

pub fn run(peer: &Peer, task: &Task) -> Result<Metrics> {
    let open = peer.open_synced.context("this log does not sync")?;
    let log = open(&task.dir).context("open")?;
    let each = task.entries / task.threads as u64;
    let meter = usage::Meter::start()?;
    let mut waits_ms = std::thread::scope(|scope| -> Result<Vec<f64>> {
        let threads: Vec<_> = (0..task.threads)
            .map(|thread| {
                let log = log.as_ref();
                scope.spawn(move || append(log, thread, each))
            })
            .collect();
        let mut all = Vec::new();
        for thread in threads {
            all.extend(thread.join().map_err(|_| anyhow::anyhow!("a thread panicked"))??);
        }
        Ok(all)
    })?;
    let mut metrics = meter.stop()?;
    waits_ms.sort_by(f64::total_cmp);
    let seconds = metrics.get("seconds").copied().unwrap_or_default();
    metrics.insert("per_s".to_owned(), waits_ms.len() as f64 / seconds);
    for (name, share) in [("p50_ms", 0.5), ("p99_ms", 0.99)] {
        let rank = (waits_ms.len() as f64 * share) as usize;
        metrics.insert(name.to_owned(), *waits_ms.get(rank).context("too few appends")?);
    }
    Ok(metrics)
}

/// How long each one took.
fn append(log: &dyn Synced, thread: usize, count: u64) -> Result<Vec<f64>> {
    let mut entry = Entry::small()?;
    (0..count)
        .map(|number| {
            let bytes = entry.numbered(number);
            let began = Instant::now();
            log.append(thread, bytes)?;
            Ok(began.elapsed().as_secs_f64() * 1e3)
        })
        .collect()
}

//! The loads of `ottla bench load`, as the scenarios need them.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use anyhow::Result;
use nix::unistd::Pid;
use ottla_bench::batch::{Batch, BatchShape};
use ottla_bench::load::{Outcome, Pace, Settings, Span, run};

use super::CLIENT_ID;

/// So many batches as fast as they are acknowledged, five in flight on each connection, and no consumer.
pub fn flat_out(addr: SocketAddr, topic: &str, shape: BatchShape, batches: u64) -> Result<Settings> {
    let batch_bytes = Batch::build(shape, 0)?.bytes().len() as u64;
    let span = Span::Bytes(batches * batch_bytes);
    Ok(Settings { consumers: 0, span, ..plain(addr, topic, shape) })
}

/// Batches by a schedule, with a consumer at the end of the log. A tenth of the time is sent first and not counted.
pub fn paced(addr: SocketAddr, topic: &str, shape: BatchShape, rate: f64, duration: Duration) -> Settings {
    let (pace, span) = (Pace::Rate(rate), Span::Time(duration));
    Settings { pace, span, warm_up: duration / 10, ..plain(addr, topic, shape) }
}

/// Runs a load and notes what it cost the server.
pub fn measure(settings: Settings, pid: Pid) -> Result<Outcome> {
    let settings = Settings { pid: Some(pid.as_raw()), ..settings };
    Ok(run(&settings, &Arc::default(), &mut |_| ())?)
}

/// Reads everything once, and checks every offset and checksum.
pub fn read_all(addr: SocketAddr, topic: &str, shape: BatchShape) -> Result<Outcome> {
    let settings = Settings { producers: 0, ..plain(addr, topic, shape) };
    Ok(run(&settings, &Arc::default(), &mut |_| ())?)
}

fn plain(addr: SocketAddr, topic: &str, shape: BatchShape) -> Settings {
    let patience = Duration::from_secs(60);
    Settings { client_id: CLIENT_ID.to_owned(), patience, ..Settings::new(&addr.to_string(), topic, shape) }
}

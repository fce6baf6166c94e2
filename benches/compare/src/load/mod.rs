//! The loads: a raw client over blocking sockets that sends ready-made batches and looks at as little as it can while
//! still noticing a wrong answer. It is the same client for every server.

mod client;
mod fetch;
mod open_loop;
mod produce;
mod start;

use hdrhistogram::Histogram;

pub use client::Client;
pub use fetch::{Fetch, Receiver, Shape, verify};
pub use open_loop::OpenLoop;
pub use produce::Produce;
pub use start::first_answered_fetch;

/// What every client here names itself, unless it asks the floor for a fetch path.
pub const CLIENT_ID: &str = "ottla-compare";

/// Nanoseconds up to a minute, to three digits.
fn latency_histogram() -> anyhow::Result<Histogram<u64>> {
    Ok(Histogram::new_with_bounds(1, 60_000_000_000, 3)?)
}

//! How long a server takes from being started to its first answered fetch.

use std::net::SocketAddr;
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Result, bail};

use super::client::Client;
use crate::wire::FetchBounds;

/// Between two attempts: small against what is measured, and little work for the machine.
const PAUSE: Duration = Duration::from_micros(200);

/// Tries to fetch `offset` until records come, and returns when they did.
pub fn first_answered_fetch(
    addr: SocketAddr,
    topic: &str,
    offset: i64,
    deadline: Instant,
) -> Result<Instant> {
    let mut frame = Vec::new();
    while Instant::now() < deadline {
        if let Ok(mut client) = Client::connect(addr) {
            let bounds = FetchBounds { offset, max_bytes: 64 << 10, max_wait_ms: 0 };
            while Instant::now() < deadline {
                match client.fetch(topic, bounds, &mut frame) {
                    Ok(head) if head.error_code == 0 && head.records_len > 0 => return Ok(Instant::now()),
                    Ok(_) => thread::sleep(PAUSE),
                    Err(_) => break,
                }
            }
        }
        thread::sleep(PAUSE);
    }
    bail!("{addr} answered no fetch of {topic} at offset {offset} in time")
}

//! How long a server takes from being started to its first answered fetch.

use std::net::SocketAddr;
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Result, bail};
use ottla_bench::client::{Connection, FetchAsk, FetchFrom, NEWEST_FETCH, decode_fetch, encode_fetch};
use ottla_protocol::wire::Writer;
use ottla_protocol::{ApiKey, ErrorCode};

use super::{CLIENT_ID, connect};

/// Between two attempts: small against what is measured, and little work for the machine.
const PAUSE: Duration = Duration::from_micros(200);

/// Tries to fetch `offset` until records come, and returns when they did.
pub fn first_answered_fetch(
    addr: SocketAddr,
    topic: &str,
    offset: i64,
    deadline: Instant,
) -> Result<Instant> {
    while Instant::now() < deadline {
        if let Ok(mut connection) = connect(addr) {
            while Instant::now() < deadline {
                match has_records(&mut connection, topic, offset) {
                    Ok(true) => return Ok(Instant::now()),
                    Ok(false) => thread::sleep(PAUSE),
                    Err(_) => break,
                }
            }
        }
        thread::sleep(PAUSE);
    }
    bail!("{addr} answered no fetch of {topic} at offset {offset} in time")
}

fn has_records(connection: &mut Connection, topic: &str, offset: i64) -> Result<bool> {
    let version = connection.version_of(ApiKey::Fetch, NEWEST_FETCH)?;
    let ask = FetchAsk { version, client_id: CLIENT_ID, topic, max_bytes: 64 << 10, max_wait_ms: 0 };
    let correlation_id = connection.next_correlation_id();
    let mut writer = Writer::new();
    encode_fetch(&mut writer, ask, correlation_id, &[FetchFrom { partition: 0, offset }])?;
    connection.send(writer.bytes())?;
    let mut has_records = false;
    decode_fetch(connection.receive()?, version, |found| {
        has_records = found.code == ErrorCode::None && !found.records.is_empty();
    })?;
    Ok(has_records)
}

//! The floor: what a server on this machine must at least spend. One thread a connection receives a request, checks the
//! CRC-32C, writes the batch once into one file and answers; a fetch is answered from the same file.
//!
//! It has no index and checks nothing but the CRC: all batches of a topic have one size and one record count, so the
//! position of an offset is arithmetic. It is no log, and nothing but a yardstick.

mod connection;
mod send;
mod topics;

use std::net::{SocketAddr, TcpListener};
use std::path::Path;
use std::sync::Arc;
use std::thread;

use anyhow::{Context, Result};
use nix::sys::socket::{setsockopt, sockopt};

pub use send::FetchPath;
use topics::Topics;

/// The client id that asks for one fetch path, so that all of them can be measured on the same file.
pub fn client_id_of(path: FetchPath) -> String {
    format!("fetch-path={path}")
}

/// Serves until the process is killed.
pub fn serve(dir: &Path, listen: SocketAddr, fetch_path: FetchPath) -> Result<()> {
    std::fs::create_dir_all(dir).with_context(|| dir.display().to_string())?;
    accept(TcpListener::bind(listen).with_context(|| format!("listening on {listen}"))?, dir, fetch_path)
}

fn accept(listener: TcpListener, dir: &Path, fetch_path: FetchPath) -> Result<()> {
    if listener.local_addr()?.ip().is_loopback() {
        // As ottla does: nothing is to be paced within a machine.
        setsockopt(&listener, sockopt::TcpCongestion, &"reno".into())?;
    }
    let topics = Arc::new(Topics::new(dir));
    for stream in listener.incoming() {
        let stream = stream?;
        stream.set_nodelay(true)?;
        let topics = Arc::clone(&topics);
        thread::spawn(move || {
            if let Err(error) = connection::serve(stream, &topics, fetch_path) {
                eprintln!("floor: {error:#}");
            }
        });
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use std::path::PathBuf;
    use std::process;
    use std::time::Duration;

    use super::*;
    use crate::batch::Batch;
    use crate::load::{Client, Fetch, OpenLoop, Produce, Receiver, Shape, verify};

    /// A floor that serves until the tests end.
    fn start(name: &str) -> (SocketAddr, PathBuf) {
        let dir = std::env::temp_dir().join(format!("ottla-compare-{}-{name}", process::id()));
        std::fs::create_dir_all(&dir).unwrap();
        let data = dir.clone();
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let addr = listener.local_addr().unwrap();
        thread::spawn(move || accept(listener, &data, FetchPath::Sendfile));
        let mut client = Client::connect(addr).unwrap();
        client.check_versions().unwrap();
        client.create_topic("t", &[]).unwrap();
        (addr, dir)
    }

    #[test]
    fn what_was_produced_is_fetched_by_every_path_and_receiver() {
        let (addr, dir) = start("paths");
        for batch in [Batch::of_size(65_536, 1024, 1).unwrap(), Batch::single(100, 1)] {
            let load = Produce { requests: 300, ..Produce::new(addr, "t", &batch) };
            load.run().unwrap();
            let shape = Shape::of(addr, "t").unwrap();
            let expected =
                Shape { batch_bytes: batch.size_bytes(), records_a_batch: batch.record_count, batches: 300 };
            assert_eq!(shape, expected);
            verify(addr, "t", shape).unwrap();
            for path in FetchPath::ALL {
                for (receiver, max_bytes) in [(Receiver::Copy, 1 << 20), (Receiver::Discard, 100_000)] {
                    let client_id = &client_id_of(path);
                    let total_bytes = 2 * load.total_bytes();
                    let fetch =
                        Fetch { addr, client_id, topic: "t", shape, max_bytes, total_bytes, receiver };
                    assert!(fetch.run().unwrap().bytes >= total_bytes);
                }
            }
            let mut client = Client::connect(addr).unwrap();
            client.delete_topic("t").unwrap();
            client.create_topic("t", &[]).unwrap();
        }
        std::fs::remove_dir_all(dir).unwrap();
    }

    #[test]
    fn several_connections_and_unacknowledged_requests_lose_nothing() {
        let (addr, dir) = start("connections");
        let batch = Batch::single(100, 1);
        let load = Produce { requests: 500, connections: 3, ..Produce::new(addr, "t", &batch) };
        load.run().unwrap();
        Produce { acks: 0, ..load }.run().unwrap();
        let shape = Shape::of(addr, "t").unwrap();
        assert_eq!(shape.batches, 3000);
        verify(addr, "t", shape).unwrap();
        std::fs::remove_dir_all(dir).unwrap();
    }

    #[test]
    fn every_batch_of_a_schedule_is_counted_once() {
        let (addr, dir) = start("schedule");
        let batch = Batch::of_size(1024, 100, 1).unwrap();
        let (warm_up, duration) = (Duration::from_millis(100), Duration::from_millis(500));
        let load = OpenLoop {
            addr,
            topic: "t",
            batch: &batch,
            batches_a_second: 400,
            warm_up,
            duration,
            consume: true,
        };
        let latencies = load.run().unwrap();
        let counts = [latencies.ack.len(), latencies.end_to_end.len(), latencies.departure.len()];
        assert_eq!(counts, [200; 3]);
        std::fs::remove_dir_all(dir).unwrap();
    }
}

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

    use ottla_bench::batch::{Batch, BatchShape};
    use ottla_bench::load::{Acks, Pace, Settings, Span, run};
    use ottla_record::Compression;

    use super::*;
    use crate::load::{Fetch, Receiver, Shape, create_topic, delete_topic, flat_out, read_all};

    const LARGE: BatchShape =
        BatchShape { batch_bytes: 65_536, record_bytes: 1024, compression: Compression::None };
    const SINGLE: BatchShape =
        BatchShape { batch_bytes: 0, record_bytes: 100, compression: Compression::None };

    /// A floor that serves until the tests end.
    fn start(name: &str) -> (SocketAddr, PathBuf) {
        let dir = std::env::temp_dir().join(format!("ottla-compare-{}-{name}", process::id()));
        std::fs::create_dir_all(&dir).unwrap();
        let data = dir.clone();
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let addr = listener.local_addr().unwrap();
        thread::spawn(move || accept(listener, &data, FetchPath::Sendfile));
        create_topic(addr, "t", 1, &[]).unwrap();
        (addr, dir)
    }

    #[test]
    fn what_was_produced_is_fetched_by_every_path_and_receiver() {
        let (addr, dir) = start("paths");
        for batch in [LARGE, SINGLE] {
            run(&flat_out(addr, "t", batch, 300).unwrap(), &Arc::default(), &mut |_| ()).unwrap();
            let shape = Shape::of(addr, "t").unwrap();
            let built = Batch::build(batch, 0).unwrap();
            let (batch_bytes, records_a_batch) = (built.bytes().len(), built.record_count());
            assert_eq!(shape, Shape { batch_bytes, records_a_batch, batches: 300 });
            assert_eq!(read_all(addr, "t", batch).unwrap().consumed.batches, 300);
            for path in FetchPath::ALL {
                for (receiver, max_bytes) in [(Receiver::Copy, 1 << 20), (Receiver::Discard, 100_000)] {
                    let client_id = &client_id_of(path);
                    let total_bytes = 2 * 300 * batch_bytes as u64;
                    let fetch =
                        Fetch { addr, client_id, topic: "t", shape, max_bytes, total_bytes, receiver };
                    assert!(fetch.run().unwrap().bytes >= total_bytes);
                }
            }
            delete_topic(addr, "t").unwrap();
            create_topic(addr, "t", 1, &[]).unwrap();
        }
        std::fs::remove_dir_all(dir).unwrap();
    }

    #[test]
    fn several_connections_and_unacknowledged_requests_lose_nothing() {
        let (addr, dir) = start("connections");
        let load = Settings { producers: 3, ..flat_out(addr, "t", SINGLE, 1500).unwrap() };
        run(&load, &Arc::default(), &mut |_| ()).unwrap();
        let load = Settings { producers: 1, acks: Acks::None, ..load };
        run(&load, &Arc::default(), &mut |_| ()).unwrap();
        assert_eq!(read_all(addr, "t", SINGLE).unwrap().consumed.batches, 3000);
        std::fs::remove_dir_all(dir).unwrap();
    }

    #[test]
    fn every_batch_of_a_schedule_is_counted_once() {
        let (addr, dir) = start("schedule");
        let load = flat_out(addr, "t", SINGLE, 200).unwrap();
        let load = Settings { pace: Pace::Rate(400.0), consumers: 1, ..load };
        assert!(matches!(load.span, Span::Bytes(_)));
        let outcome = run(&load, &Arc::default(), &mut |_| ()).unwrap();
        let counts =
            [&outcome.acknowledged, &outcome.end_to_end, &outcome.late].map(|latency| latency.count());
        assert_eq!(counts, [200; 3]);
        std::fs::remove_dir_all(dir).unwrap();
    }
}

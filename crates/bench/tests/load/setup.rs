//! A broker in this process, and the loads that the tests run.

use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::time::Duration;

use ottla_bench::batch::BatchShape;
use ottla_bench::load::{LoadError, Outcome, Settings, Span, run};
use ottla_record::Compression;
use ottla_server::{Server, ServerConfig};
use tempfile::TempDir;

pub const BATCH_BYTES: usize = 4_000;

pub struct Broker {
    pub address: String,
    pub server: Server,
    _dir: TempDir,
}

pub fn broker() -> Broker {
    let dir = tempfile::tempdir().unwrap();
    let config =
        ServerConfig { listen: "127.0.0.1:0".to_owned(), ..ServerConfig::new(dir.path().join("data")) };
    let server = Server::start(config).unwrap();
    Broker { address: server.local_addr().to_string(), server, _dir: dir }
}

/// Flat out on a topic that is made for it and goes with it.
pub fn load(address: &str, topic: &str, partitions: i32, batches: u64) -> Settings {
    let shape = BatchShape { batch_bytes: BATCH_BYTES, record_bytes: 100, compression: Compression::None };
    let mut settings = Settings::new(address, topic, shape);
    settings.topic.create = Some((partitions, Vec::new()));
    settings.span = Span::Bytes(batches * BATCH_BYTES as u64);
    settings.patience = Duration::from_secs(30);
    settings
}

pub fn run_to_its_end(settings: &Settings) -> Result<Outcome, LoadError> {
    run(settings, &Arc::new(AtomicBool::new(false)), &mut |_| ())
}

//! From exec to the first acknowledged produce: on an empty directory, on one with 10,000 partitions, and after a kill -9 that left
//! 1 GiB which nobody had synced.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Result, bail};

use crate::load::{Writer, create_topic, flat_out, measure};
use crate::scenarios::{LARGE, LARGE_BATCH_BYTES, Metrics, SMALL, Sizes, memory, now_ms};
use crate::servers::{Kind, Launcher};

const TOPIC: &str = "first";
/// Topics of 1,000 partitions each: no request becomes too large for a broker.
const TOPICS: i32 = 10;
const PARTITIONS_OF_EACH: i32 = 1_000;
const TIMEOUT: Duration = Duration::from_secs(300);
/// Between two attempts: small against what is measured, and little work for the machine.
const PAUSE: Duration = Duration::from_micros(200);

/// What a server finds when it starts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Finds {
    Nothing,
    ManyPartitions,
    Unsynced,
}

impl Finds {
    pub const ALL: [Self; 3] = [Self::Nothing, Self::ManyPartitions, Self::Unsynced];

    pub fn name(self) -> &'static str {
        match self {
            Self::Nothing => "start-empty",
            Self::ManyPartitions => "start-10000",
            Self::Unsynced => "start-killed",
        }
    }
}

/// One server's directory, from round to round.
pub struct Directory {
    pub kind: Kind,
    pub finds: Finds,
    dir: PathBuf,
}

impl Directory {
    /// Writes what is to be found, where that stays the same from round to round.
    pub fn prepare(launcher: &Launcher, kind: Kind, finds: Finds, dir: PathBuf) -> Result<Self> {
        let prepared = Self { kind, finds, dir };
        if finds != Finds::Nothing {
            let server = launcher.start(kind, &prepared.dir)?;
            create_topic(server.addr, TOPIC, 1, &[])?;
            let topics = if finds == Finds::ManyPartitions { TOPICS } else { 0 };
            for topic in 0..topics {
                create_topic(server.addr, &format!("{TOPIC}-{topic}"), PARTITIONS_OF_EACH, &[])?;
            }
            server.stop()?;
        }
        Ok(prepared)
    }

    /// Starts the server and returns when it has acknowledged a batch.
    pub fn measure(&self, launcher: &Launcher, round: usize, sizes: Sizes) -> Result<Metrics> {
        let dir = match self.finds {
            Finds::Nothing => self.dir.join(round.to_string()),
            _ => self.dir.clone(),
        };
        if self.finds == Finds::Unsynced {
            let server = launcher.start(self.kind, &dir)?;
            let batches = sizes.start_active_bytes / LARGE_BATCH_BYTES as u64;
            measure(flat_out(server.addr, TOPIC, LARGE, batches)?, server.pid)?;
            server.kill()?;
        }
        let server = launcher.launch(self.kind, &dir)?;
        let acknowledged = first_acknowledged(server.addr, self.finds == Finds::Nothing)?;
        let mut metrics = memory(&server)?;
        metrics.insert("first_produce_ms".to_owned(), (acknowledged - server.since).as_secs_f64() * 1e3);
        server.stop()?;
        Ok(metrics)
    }
}

fn first_acknowledged(addr: SocketAddr, makes_topic: bool) -> Result<Instant> {
    let deadline = Instant::now() + TIMEOUT;
    let timestamp_ms = now_ms()?;
    while Instant::now() < deadline {
        let made = if makes_topic { create_topic(addr, TOPIC, 1, &[]) } else { Ok(()) };
        let written = made.and_then(|()| Writer::new(addr, TOPIC, SMALL)?.write(0, timestamp_ms));
        match written {
            Ok(_) => return Ok(Instant::now()),
            Err(_) => thread::sleep(PAUSE),
        }
    }
    bail!("{addr} acknowledged nothing within {} s", TIMEOUT.as_secs())
}

//! From exec to the first answered fetch, on a directory of 1,000 segments with a full active one, after a clean stop.
//!
//! One partition gets there with Kafka's own rule for rolls by time: a batch whose timestamp is `segment.ms` past the first
//! one of the segment opens a new one. So 999 segments hold one batch each, and the last is filled to `segment.bytes`.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};

use crate::batch::Batch;
use crate::load::{Client, Produce, Shape, first_answered_fetch};
use crate::scenarios::{self, LARGE_BATCH_BYTES, Metrics, RECORD_BYTES, Sizes};
use crate::servers::{Kind, Launcher};

const TOPIC: &str = "thousand-segments";
const SEGMENTS: i64 = 1_000;
const SEGMENT_MS: i64 = 60 * 60 * 1000;
const TIMEOUT: Duration = Duration::from_secs(120);

/// A directory as described, of one server.
pub struct Prepared {
    pub kind: Kind,
    dir: PathBuf,
    /// In the middle of the active segment: finding it takes the index.
    offset: i64,
}

/// Writes the directory and stops the server cleanly.
pub fn prepare(launcher: &Launcher, kind: Kind, dir: PathBuf, sizes: Sizes) -> Result<Prepared> {
    let server = launcher.start(kind, &dir)?;
    let segment_ms = SEGMENT_MS.to_string();
    // The timestamps lie in the past: they must not make the segments old enough to be deleted.
    let configs = [("segment.ms", segment_ms.as_str()), ("retention.ms", "-1")];
    Client::connect(server.addr)?.create_topic(TOPIC, &configs)?;
    let last_ms = scenarios::now_ms()? - SEGMENT_MS;
    let mut load = Load { addr: server.addr, sent_offset: 0 };
    for segment in 1..SEGMENTS {
        load.send(last_ms - 2 * SEGMENT_MS * (SEGMENTS - segment), 1)?;
    }
    let active_batches = sizes.start_active_bytes / LARGE_BATCH_BYTES as u64;
    let first_active_offset = load.sent_offset;
    load.send(last_ms, active_batches)?;
    let shape = Shape::of(server.addr, TOPIC)?;
    ensure!(
        shape.end_offset() == load.sent_offset,
        "{} of {} offsets came",
        shape.end_offset(),
        load.sent_offset
    );
    server.stop()?;
    let segments = count_segments(&dir)?;
    ensure!(segments == SEGMENTS as usize, "{} rolled into {segments} segments, not {SEGMENTS}", kind.name());
    Ok(Prepared { kind, dir, offset: (first_active_offset + load.sent_offset) / 2 })
}

impl Prepared {
    /// Starts the server, waits for its first answer, notes its memory, and stops it cleanly.
    pub fn measure(&self, launcher: &Launcher) -> Result<Metrics> {
        let server = launcher.launch(self.kind, &self.dir)?;
        let answered = first_answered_fetch(server.addr, TOPIC, self.offset, Instant::now() + TIMEOUT)?;
        let mut metrics = scenarios::memory(&server)?;
        metrics.insert("first_fetch_ms".to_owned(), (answered - server.since).as_secs_f64() * 1e3);
        let stopping = Instant::now();
        server.stop()?;
        metrics.insert("stop_ms".to_owned(), stopping.elapsed().as_secs_f64() * 1e3);
        Ok(metrics)
    }
}

struct Load {
    addr: SocketAddr,
    sent_offset: i64,
}

impl Load {
    fn send(&mut self, timestamp_ms: i64, requests: u64) -> Result<()> {
        let batch = &Batch::of_size(LARGE_BATCH_BYTES, RECORD_BYTES, timestamp_ms)?;
        let first_offset = self.sent_offset;
        let load = Produce { first_offset, requests, ..Produce::new(self.addr, TOPIC, batch) };
        load.run()?;
        self.sent_offset += batch.record_count * requests as i64;
        Ok(())
    }
}

fn count_segments(dir: &Path) -> Result<usize> {
    let partition = dir.join("data").join(format!("{TOPIC}-0"));
    let entries = std::fs::read_dir(&partition).with_context(|| partition.display().to_string())?;
    let mut segments = 0;
    for entry in entries {
        segments += usize::from(entry?.path().extension().is_some_and(|extension| extension == "log"));
    }
    Ok(segments)
}

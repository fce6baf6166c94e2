//! From exec to the first answered fetch, on a directory of 1,000 segments with a full active one, after a clean stop.
//!
//! One partition gets there with Kafka's own rule for rolls by time: a batch whose timestamp is `segment.ms` past the first
//! one of the segment opens a new one. So 999 segments hold one batch each, and the last is filled to `segment.bytes`.

use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};

use crate::load::{Shape, Writer, create_topic, first_answered_fetch};
use crate::scenarios::{self, LARGE, LARGE_BATCH_BYTES, Metrics, Sizes};
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
    create_topic(server.addr, TOPIC, 1, &configs)?;
    let last_ms = scenarios::now_ms()? - SEGMENT_MS;
    let mut writer = Writer::new(server.addr, TOPIC, LARGE)?;
    for segment in 1..SEGMENTS {
        writer.write(0, last_ms - 2 * SEGMENT_MS * (SEGMENTS - segment))?;
    }
    let first_active_offset = writer.write(0, last_ms)?;
    let mut end_offset = first_active_offset + writer.record_count();
    for _ in 1..sizes.start_active_bytes / LARGE_BATCH_BYTES as u64 {
        end_offset = writer.write(0, last_ms)? + writer.record_count();
    }
    let shape = Shape::of(server.addr, TOPIC)?;
    ensure!(shape.end_offset() == end_offset, "{} of {end_offset} offsets came", shape.end_offset());
    server.stop()?;
    let segments = count_segments(&dir)?;
    ensure!(segments == SEGMENTS as usize, "{} rolled into {segments} segments, not {SEGMENTS}", kind.name());
    Ok(Prepared { kind, dir, offset: (first_active_offset + end_offset) / 2 })
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

fn count_segments(dir: &Path) -> Result<usize> {
    let partition = dir.join("data").join(format!("{TOPIC}-0"));
    let entries = std::fs::read_dir(&partition).with_context(|| partition.display().to_string())?;
    let mut segments = 0;
    for entry in entries {
        segments += usize::from(entry?.path().extension().is_some_and(|extension| extension == "log"));
    }
    Ok(segments)
}

//! `pread` into one buffer, and `write` from it.

use std::io::Write;
use std::os::unix::fs::FileExt;

use super::way::{Job, Way};
use crate::claims::error::{Unmeasured, doing};

pub struct ReadWrite {
    buffer: Vec<u8>,
}

impl ReadWrite {
    pub fn new(chunk_bytes: usize) -> Self {
        Self { buffer: vec![0; chunk_bytes] }
    }
}

impl Way for ReadWrite {
    fn send(&mut self, job: &Job<'_>) -> Result<u64, Unmeasured> {
        let mut calls = 0;
        for (start, size) in job.chunks() {
            let chunk = self.buffer.get_mut(..size).unwrap_or_default();
            job.file.read_exact_at(chunk, start).map_err(doing("pread"))?;
            calls += 1 + write_all(job, chunk)?;
        }
        Ok(calls)
    }
}

/// Writes all of these bytes to the socket, and says how many calls that took.
pub fn write_all(job: &Job<'_>, mut bytes: &[u8]) -> Result<u64, Unmeasured> {
    let mut socket = job.socket;
    let mut calls = 0;
    while !bytes.is_empty() {
        let sent = socket.write(bytes).map_err(doing("write to the socket"))?;
        bytes = bytes.get(sent..).unwrap_or_default();
        calls += 1;
    }
    Ok(calls)
}

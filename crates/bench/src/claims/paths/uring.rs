//! Reads and sends through io_uring, a chain of chunks for each system call.

use super::way::{Job, Way};
use crate::claims::error::{Unmeasured, doing, skip};
use crate::raw::Ring;

pub struct Uring {
    ring: Ring,
}

impl Uring {
    pub fn new(chunk_bytes: usize) -> Result<Self, Unmeasured> {
        Ok(Self { ring: Ring::new(chunk_bytes).map_err(skip("this kernel gives no io_uring"))? })
    }
}

impl Way for Uring {
    fn send(&mut self, job: &Job<'_>) -> Result<u64, Unmeasured> {
        let (mut calls, mut position) = (0, 0);
        while position < job.size_bytes {
            let left = job.size_bytes - position;
            position += self.ring.copy(job.file, job.socket, position, left).map_err(doing("io_uring"))?;
            calls += 1;
        }
        Ok(calls)
    }
}

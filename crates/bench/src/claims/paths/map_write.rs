//! `write` from a mapping. Each transfer maps the file anew, as a server does that reads a file once.

use super::read_write::write_all;
use super::way::{Job, Way};
use crate::claims::error::{Unmeasured, doing};
use crate::raw::FileMap;

pub struct MapWrite;

impl Way for MapWrite {
    fn send(&mut self, job: &Job<'_>) -> Result<u64, Unmeasured> {
        let map = FileMap::of(job.file).map_err(doing("mmap"))?;
        // mmap and munmap.
        let mut calls = 2;
        for chunk in map.bytes().chunks(job.chunk_bytes.max(1)) {
            calls += write_all(job, chunk)?;
        }
        Ok(calls)
    }
}

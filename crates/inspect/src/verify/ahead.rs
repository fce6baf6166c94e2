use std::collections::VecDeque;
use std::io;

use ottla::fs::File;

use super::chunk::Chunk;
use super::pool::{Pool, Ticket};

/// Reads a segment ahead of those who look at its batches in order, and has each checked by itself meanwhile.
/// It goes as far as heads and checksums are right; what stops it, the caller finds out.
pub struct Ahead<'a> {
    pool: &'a Pool,
    file: &'a dyn File,
    end: u64,
    /// Where the next chunk is read.
    read_to: u64,
    /// What was read behind that.
    rest: Vec<u8>,
    in_work: VecDeque<Ticket>,
    spare: Vec<Chunk>,
    is_read: bool,
    /// The byte after the last batch that was handed out.
    position: u64,
}

impl<'a> Ahead<'a> {
    /// Begins at `position`, where a batch begins.
    pub fn new(pool: &'a Pool, file: &'a dyn File, position: u64, end: u64) -> Ahead<'a> {
        Ahead {
            pool,
            file,
            end,
            read_to: position,
            rest: Vec::new(),
            in_work: VecDeque::new(),
            spare: Vec::new(),
            is_read: false,
            position,
        }
    }

    /// The byte after the last batch that was handed out.
    pub fn position(&self) -> u64 {
        self.position
    }

    /// The next batches; `None` where none is whole, or the next is very large.
    ///
    /// # Errors
    /// As the file system reports it.
    pub fn next(&mut self) -> io::Result<Option<Chunk>> {
        while !self.is_read && self.in_work.len() < self.pool.depth() {
            self.read_one()?;
        }
        let Some(ticket) = self.in_work.pop_front() else { return Ok(None) };
        let chunk = self.pool.take(&ticket);
        if chunk.is_cut_short() {
            self.stop();
        }
        self.position = chunk.end();
        Ok(Some(chunk))
    }

    /// Takes a chunk back, to be used again.
    pub fn give_back(&mut self, chunk: Chunk) {
        self.spare.push(chunk);
    }

    fn read_one(&mut self) -> io::Result<()> {
        let mut chunk = self.spare.pop().unwrap_or_default();
        chunk.read(self.file, self.read_to, self.end, &mut self.rest)?;
        self.is_read = chunk.batches().is_empty();
        if !self.is_read {
            self.read_to = chunk.end();
            self.in_work.push_back(self.pool.submit(chunk));
        }
        Ok(())
    }

    fn stop(&mut self) {
        self.is_read = true;
        self.in_work.clear();
        self.pool.forget();
    }
}

impl Drop for Ahead<'_> {
    fn drop(&mut self) {
        self.stop();
    }
}

use std::io;

use ottla::fs::File;
use ottla::producer::Marker;
use ottla_record::{Head, RecordError, verify_crc};

use super::records;
use crate::partition::marker_of;

/// So many bytes are checked at once. A few of them lie in the cache of a core.
const CHUNK_BYTES: usize = 256 << 10;
/// A chunk grows to hold one batch of up to this size.
const MAX_CHUNK_BYTES: usize = 4 << 20;

/// Batches that stand one after the other in a log, and what the check of each by itself came to. It is made
/// in two steps, so that each can have a thread of its own: [`Chunk::read`], then [`Chunk::check`].
#[derive(Debug, Default)]
pub struct Chunk {
    start: u64,
    /// Longer than what was read, where the chunk was used before.
    buffer: Vec<u8>,
    /// The bytes of whole batches in it.
    whole_bytes: usize,
    /// The bytes that were read.
    read_bytes: usize,
    batches: Vec<Batch>,
    is_cut_short: bool,
}

/// One batch, with what can be told of it without the others.
#[derive(Debug)]
pub struct Batch {
    /// Where it begins in its segment.
    pub position: u64,
    /// Its head.
    pub head: Head,
    /// How many records it holds, or what is wrong with them.
    pub records: Result<u64, String>,
    /// The marker in it.
    pub marker: Result<Option<Marker>, RecordError>,
}

impl Batch {
    /// Checks one whole batch by itself.
    pub fn of(position: u64, head: Head, bytes: &[u8]) -> Batch {
        let (records, marker) = (records::count(bytes), marker_of(&head, bytes));
        Batch { position, head, records, marker }
    }
}

impl Chunk {
    /// Reads batches from `start` on, as far as heads follow each other before `end`. `rest` is what an earlier
    /// read has found there already, and becomes what was read behind the last whole batch.
    ///
    /// # Errors
    /// As the file system reports it.
    pub fn read(&mut self, file: &dyn File, start: u64, end: u64, rest: &mut Vec<u8>) -> io::Result<()> {
        (self.start, self.whole_bytes, self.read_bytes, self.is_cut_short) = (start, 0, 0, false);
        self.batches.clear();
        let left = end.saturating_sub(start);
        self.fill(file, CHUNK_BYTES.max(rest.len()), left, rest)?;
        // The first batch alone may be larger; the file is known to be as long.
        if let Some(size) = self.take_heads().filter(|size| *size as u64 <= left && self.batches.is_empty())
            && size <= MAX_CHUNK_BYTES
        {
            self.fill(file, size, left, &[])?;
            self.take_heads();
        }
        rest.clear();
        rest.extend_from_slice(self.buffer.get(self.whole_bytes..self.read_bytes).unwrap_or_default());
        Ok(())
    }

    /// Makes so many bytes, or all that are left, stand in the buffer; `known` are the first of them.
    fn fill(&mut self, file: &dyn File, bytes: usize, left: u64, known: &[u8]) -> io::Result<()> {
        let length = bytes.min(usize::try_from(left).unwrap_or(usize::MAX));
        if self.buffer.len() < length {
            self.buffer.resize(length, 0);
        }
        if let Some(place) = self.buffer.get_mut(..known.len()).filter(|place| !place.is_empty()) {
            place.copy_from_slice(known);
            self.read_bytes = known.len();
        }
        let place = self.buffer.get_mut(self.read_bytes..length).unwrap_or_default();
        file.read_exact_at(place, self.start + self.read_bytes as u64)?;
        self.read_bytes = self.read_bytes.max(length);
        Ok(())
    }

    /// Notes each whole batch; returns the size of the next, as its head says.
    fn take_heads(&mut self) -> Option<usize> {
        loop {
            let position = self.start + self.whole_bytes as u64;
            let bytes = self.buffer.get(self.whole_bytes..self.read_bytes).unwrap_or_default();
            let head = Head::parse(bytes).ok().filter(|_| u32::try_from(position).is_ok())?;
            if head.size_bytes() > bytes.len() {
                return Some(head.size_bytes());
            }
            self.batches.push(Batch { position, head, records: Ok(0), marker: Ok(None) });
            self.whole_bytes += head.size_bytes();
        }
    }

    /// Checks each batch by itself, up to the first whose bytes are not what was written.
    pub fn check(&mut self) {
        let Chunk { start, buffer, batches, .. } = self;
        let mut whole = 0;
        for batch in &mut *batches {
            let at = (batch.position - *start) as usize;
            let bytes = buffer.get(at..at + batch.head.size_bytes()).unwrap_or_default();
            if verify_crc(bytes).is_err() {
                break;
            }
            *batch = Batch::of(batch.position, batch.head, bytes);
            whole += 1;
        }
        self.is_cut_short = whole < batches.len();
        if let Some(cut) = batches.get(whole) {
            self.whole_bytes = (cut.position - *start) as usize;
            batches.truncate(whole);
        }
    }

    /// The batches, in their order.
    pub fn batches(&self) -> &[Batch] {
        &self.batches
    }

    /// The byte after the last whole batch.
    pub fn end(&self) -> u64 {
        self.start + self.whole_bytes as u64
    }

    /// Whether a batch that was read turned out not to be whole.
    pub fn is_cut_short(&self) -> bool {
        self.is_cut_short
    }
}

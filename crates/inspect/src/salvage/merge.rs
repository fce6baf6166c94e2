//! Batches of all runs in the order of their offsets.

use std::cmp::Reverse;
use std::collections::BinaryHeap;

use ottla::Offset;
use ottla_record::{HEAD_PEEK_LEN, Head};

use super::source::{Run, Source};
use crate::error::{At, Result};
use crate::repair::first_offset;

/// So many bytes of a run are read at once; a larger batch is read by itself.
const CHUNK_BYTES: usize = 1 << 20;

/// Goes through runs that may overlap, the lowest offset first. Only runs that have begun take memory.
pub(super) struct Merge<'s> {
    sources: &'s [Source],
    /// The last is the next to begin.
    waiting: Vec<Run>,
    begun: Vec<Cursor<'s>>,
    /// The first offset of the batch that each cursor stands at; of equal ones the earlier file's is first.
    heads: BinaryHeap<Reverse<(Offset, usize, usize)>>,
    /// The cursor whose batch was shown last.
    shown: Option<usize>,
}

/// One batch.
pub(super) struct Merged<'a> {
    pub(super) head: Head,
    pub(super) bytes: &'a [u8],
    /// The number of its file.
    pub(super) source: usize,
}

impl<'s> Merge<'s> {
    /// All batches of these runs.
    pub(super) fn new(sources: &'s [Source], mut runs: Vec<Run>) -> Merge<'s> {
        runs.sort_by_key(|run| Reverse((run.first_offset, run.source, run.start)));
        Merge { sources, waiting: runs, begun: Vec::new(), heads: BinaryHeap::new(), shown: None }
    }

    /// The batch with the lowest first offset that was not shown yet.
    ///
    /// # Errors
    /// As the system reports it.
    pub(super) fn next(&mut self) -> Result<Option<Merged<'_>>> {
        if let Some(shown) = self.shown.take() {
            self.line_up(shown)?;
        }
        loop {
            let lowest = self.heads.peek().map(|Reverse((offset, ..))| *offset);
            let begins = |run: &mut Run| lowest.is_none_or(|lowest| run.first_offset <= lowest);
            let Some(run) = self.waiting.pop_if(begins) else { break };
            let number = self.begin(run);
            self.line_up(number)?;
        }
        let Some(Reverse((_, source, number))) = self.heads.pop() else { return Ok(None) };
        self.shown = Some(number);
        let Some(cursor) = self.begun.get_mut(number) else { return Ok(None) };
        Ok(cursor.take()?.map(|(head, bytes)| Merged { head, bytes, source }))
    }

    /// A cursor at the start of a run, in the place of one that is done where there is one.
    fn begin(&mut self, run: Run) -> usize {
        let cursor = Cursor {
            source: self.sources.get(run.source),
            run,
            chunk: Vec::new(),
            chunk_start: run.start,
            position: run.start,
        };
        match self.begun.iter_mut().enumerate().find(|(_, cursor)| cursor.is_done()) {
            Some((number, done)) => {
                *done = cursor;
                number
            }
            None => {
                self.begun.push(cursor);
                self.begun.len() - 1
            }
        }
    }

    fn line_up(&mut self, number: usize) -> Result<()> {
        if let Some(cursor) = self.begun.get_mut(number)
            && let Some(head) = cursor.head()?
        {
            self.heads.push(Reverse((first_offset(&head), cursor.run.source, number)));
        }
        Ok(())
    }
}

/// A place in a run.
struct Cursor<'s> {
    source: Option<&'s Source>,
    run: Run,
    chunk: Vec<u8>,
    chunk_start: u64,
    position: u64,
}

impl Cursor<'_> {
    fn is_done(&self) -> bool {
        self.position >= self.run.end
    }

    /// The head of the batch at this place.
    fn head(&mut self) -> Result<Option<Head>> {
        let wanted = (self.run.end.saturating_sub(self.position)).min(HEAD_PEEK_LEN as u64) as usize;
        Ok(Head::parse(self.bytes(wanted)?).ok())
    }

    /// Goes past the batch at this place.
    fn take(&mut self) -> Result<Option<(Head, &[u8])>> {
        let Some(head) = self.head()? else { return Ok(None) };
        let size = head.size_bytes();
        self.bytes(size)?;
        let start = usize::try_from(self.position - self.chunk_start).unwrap_or(usize::MAX);
        self.position += size as u64;
        let bytes = start.checked_add(size).and_then(|end| self.chunk.get(start..end));
        Ok(bytes.map(|bytes| (head, bytes)))
    }

    /// So many bytes from this place on; the scan has found them all to be there.
    fn bytes(&mut self, wanted: usize) -> Result<&[u8]> {
        let chunk_end = self.chunk_start + self.chunk.len() as u64;
        if self.position + wanted as u64 > chunk_end {
            let left = usize::try_from(self.run.end.saturating_sub(self.position)).unwrap_or(usize::MAX);
            self.chunk.resize(left.min(CHUNK_BYTES.max(wanted)), 0);
            self.chunk_start = self.position;
            if let Some(source) = self.source {
                source.file.read_exact_at(&mut self.chunk, self.position).at("read", &source.path)?;
            }
        }
        let start = usize::try_from(self.position - self.chunk_start).unwrap_or(usize::MAX);
        Ok(start.checked_add(wanted).and_then(|end| self.chunk.get(start..end)).unwrap_or_default())
    }
}

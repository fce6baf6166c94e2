//! Walking a `.log` file by batch heads, to find an offset.

use std::io;

use ottla_record::{HEAD_PEEK_LEN, Head, RecordError};

use super::walk_end::{Rest, WalkEnd};
use crate::fs::File;
use crate::offset::{Offset, Position};

/// One step of a walk over heads.
#[derive(Clone, Debug)]
pub enum Walked {
    /// A batch begins here.
    Batch(Position, Head),
    /// There is no further batch.
    End(WalkEnd),
}

/// Walks from batch to batch by their heads, without looking at the records.
pub struct HeadWalk<'a> {
    file: &'a dyn File,
    position: u64,
    end: u64,
    /// As large as the largest read so far.
    chunk: Vec<u8>,
    chunk_start: u64,
    chunk_len: usize,
    read_ahead: usize,
}

impl<'a> HeadWalk<'a> {
    /// The most that is read at once: what lies between two index entries at Kafka's interval of 4 KiB,
    /// where batches are small.
    pub(crate) const CHUNK: usize = 6 * 1024;
    /// Batches at least this large are not worth reading the bytes behind their head.
    const SMALL_BATCH: usize = 1024;
    const FIRST_READ: usize = 256;

    /// A walk over the bytes of `file` from `start`, where a batch begins, to `end`.
    pub fn new(file: &'a dyn File, start: Position, end: u64) -> HeadWalk<'a> {
        HeadWalk {
            file,
            position: u64::from(start.get()),
            end,
            chunk: Vec::new(),
            chunk_start: 0,
            chunk_len: 0,
            read_ahead: HeadWalk::FIRST_READ,
        }
    }

    /// Reads this many bytes at first, where the caller knows how far the walk is likely to go.
    pub(crate) fn read_at_first(mut self, bytes: usize) -> HeadWalk<'a> {
        if (1..=HeadWalk::CHUNK).contains(&bytes) {
            self.read_ahead = bytes;
        }
        self
    }

    /// The byte after the last batch that was returned.
    pub fn position(&self) -> u64 {
        self.position
    }

    /// Goes to the next batch.
    ///
    /// # Errors
    /// As the file system reports it.
    pub fn step(&mut self) -> io::Result<Walked> {
        let left = self.end.saturating_sub(self.position);
        if left == 0 {
            return Ok(Walked::End(WalkEnd::Clean));
        }
        let Ok(position) = u32::try_from(self.position).map(Position::new) else {
            return Ok(Walked::End(WalkEnd::Torn { needed: left, found: left }));
        };
        let head = match Head::parse(self.prefix(left)?) {
            Ok(head) => head,
            Err(RecordError::TooShort { needed, .. }) if left < HEAD_PEEK_LEN as u64 => {
                return Ok(Walked::End(WalkEnd::Torn { needed: needed as u64, found: left }));
            }
            Err(e) => return Ok(Walked::End(WalkEnd::Invalid(e))),
        };
        let size = head.size_bytes();
        if size as u64 > left {
            return Ok(Walked::End(WalkEnd::Torn { needed: size as u64, found: left }));
        }
        self.position += size as u64;
        self.read_ahead = if size < HeadWalk::SMALL_BATCH { HeadWalk::CHUNK } else { HEAD_PEEK_LEN };
        Ok(Walked::Batch(position, head))
    }

    /// What is left to walk over: the file, and from where to where.
    pub(super) fn rest(&self) -> Rest<'a> {
        Rest { file: self.file, position: self.position, end: self.end }
    }

    /// Goes on at `position`, where a batch begins.
    pub(super) fn seek(&mut self, position: Position) {
        self.position = u64::from(position.get());
    }

    fn prefix(&mut self, left: u64) -> io::Result<&[u8]> {
        let wanted = HEAD_PEEK_LEN.min(usize::try_from(left).unwrap_or(usize::MAX));
        let chunk_end = self.chunk_start + self.chunk_len as u64;
        if self.position < self.chunk_start || self.position + wanted as u64 > chunk_end {
            let length = self.read_ahead.max(wanted).min(usize::try_from(left).unwrap_or(usize::MAX));
            if self.chunk.len() < length {
                self.chunk = vec![0; length];
            }
            let buf = self.chunk.get_mut(..length).unwrap_or(&mut []);
            self.chunk_len = 0;
            self.chunk_start = self.position;
            self.file.read_exact_at(buf, self.position)?;
            self.chunk_len = length;
        }
        let start = (self.position - self.chunk_start) as usize;
        Ok(self.chunk.get(start..start + wanted).unwrap_or(&[]))
    }
}

/// The offset after the last batch of a file that begins at `base_offset`, as far as heads follow each other.
///
/// # Errors
/// As the file system reports it.
pub fn end_by_heads(file: &dyn File, base_offset: Offset) -> io::Result<Offset> {
    let mut walk = HeadWalk::new(file, Position::ZERO, file.len()?);
    let mut end_offset = base_offset;
    while let Walked::Batch(_, head) = walk.step()? {
        end_offset = end_offset.max(head.last_offset() + 1);
    }
    Ok(end_offset)
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use ottla_record::BatchBuilder;

    use super::*;
    use crate::fs::counted::Counted;

    /// A log of so many batches whose values have so many bytes.
    fn log(batches: i64, value_bytes: usize) -> (Arc<Counted>, u64, usize) {
        let mut bytes = Vec::new();
        for offset in 0..batches {
            let mut builder = BatchBuilder::new().base_offset(Offset::new(offset));
            builder.push(0, None, Some(&vec![7; value_bytes]), &[]).unwrap();
            bytes.extend(builder.build().unwrap());
        }
        (Counted::of(&bytes), bytes.len() as u64, bytes.len() / batches as usize)
    }

    fn walk(file: &dyn File, end: u64, first_read: usize) -> u64 {
        let mut walk = HeadWalk::new(file, Position::ZERO, end).read_at_first(first_read);
        let mut found = 0;
        while let Walked::Batch(..) = walk.step().unwrap() {
            found += 1;
        }
        assert_eq!(walk.position(), end);
        found
    }

    #[test]
    fn small_batches_are_read_ahead_and_large_ones_only_by_their_heads() {
        let (file, end, size) = log(200, 30);
        assert_eq!(walk(&*file, end, 0), 200);
        let reads = file.reads();
        assert_eq!(reads[0], (0, HeadWalk::FIRST_READ));
        assert!(
            reads[1..].iter().all(|(at, len)| *len == HeadWalk::CHUNK.min((end - at) as usize)),
            "{reads:?}"
        );
        assert!(reads.len() <= 2 + end as usize / (HeadWalk::CHUNK - HEAD_PEEK_LEN), "{reads:?}");
        // A batch is large from exactly one size on.
        let value = HeadWalk::SMALL_BATCH - (size - 30) - 2;
        for (value, is_small) in [(value - 1, true), (value, false)] {
            let (file, end, size) = log(20, value);
            assert_eq!(size < HeadWalk::SMALL_BATCH, is_small, "{size}");
            assert_eq!(walk(&*file, end, 0), 20);
            let heads = file.reads().iter().filter(|(_, len)| *len == HEAD_PEEK_LEN).count();
            assert_eq!(heads, if is_small { 0 } else { 19 });
        }
    }

    #[test]
    fn the_first_read_is_what_the_caller_expects_to_need() {
        let (file, end, _) = log(200, 30);
        for (asked, first) in [
            (0, 256),
            (1, HEAD_PEEK_LEN),
            (999, 999),
            (HeadWalk::CHUNK, HeadWalk::CHUNK),
            (HeadWalk::CHUNK + 1, 256),
        ] {
            assert_eq!(walk(&*file, end, asked), 200);
            assert_eq!(file.reads()[0], (0, first), "{asked}");
        }
    }
}

//! Walking a `.log` file: by batch heads to find an offset, or batch by batch with every byte checked.

use std::io;

use ottla_record::{BatchChecksum, HEAD_PEEK_LEN, Head, RecordError};

use super::resync::next_whole_batch;
use crate::fs::File;
use crate::offset::{Offset, Position};

/// Why a walk stopped.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum WalkEnd {
    /// Exactly at the end of the bytes.
    Clean,
    /// The bytes end inside a batch, or inside its head.
    Torn {
        /// How many bytes the batch spans, as far as its head tells.
        needed: u64,
        /// How many are there.
        found: u64,
    },
    /// Only zero bytes follow: space that was allocated and never written.
    Zeros {
        /// How many.
        bytes: u64,
    },
    /// The bytes here are no batch.
    Invalid(RecordError),
}

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
    chunk: [u8; HeadWalk::CHUNK],
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
            chunk: [0; HeadWalk::CHUNK],
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

    /// Goes to the next batch, over whatever is damaged before it; `None` where no whole one follows.
    /// `next_offset` is where the batch before ended.
    ///
    /// # Errors
    /// As the file system reports it.
    pub fn step_over_damage(&mut self, next_offset: Offset) -> io::Result<Option<(Position, Head)>> {
        loop {
            match self.step()? {
                Walked::Batch(position, head) => return Ok(Some((position, head))),
                Walked::End(WalkEnd::Clean) => return Ok(None),
                Walked::End(_) if !self.skip_damage(next_offset)? => return Ok(None),
                Walked::End(_) => {}
            }
        }
    }

    /// Goes on at the next whole batch, which is then the next step; tells whether there is one.
    pub(crate) fn skip_damage(&mut self, next_offset: Offset) -> io::Result<bool> {
        let next = next_whole_batch(self.file, self.position, self.end, next_offset)?;
        if let Some(next) = next {
            self.position = u64::from(next.get());
        }
        Ok(next.is_some())
    }

    fn prefix(&mut self, left: u64) -> io::Result<&[u8]> {
        let wanted = HEAD_PEEK_LEN.min(usize::try_from(left).unwrap_or(usize::MAX));
        let chunk_end = self.chunk_start + self.chunk_len as u64;
        if self.position < self.chunk_start || self.position + wanted as u64 > chunk_end {
            let length = self.read_ahead.max(wanted).min(usize::try_from(left).unwrap_or(usize::MAX));
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

/// A batch whose every byte was checked.
#[derive(Debug)]
pub struct ScannedBatch<'a> {
    /// Where it begins.
    pub position: Position,
    /// Its head.
    pub head: Head,
    /// The whole batch; `None` where it is larger than the scan's buffer and was checked in pieces.
    pub bytes: Option<&'a [u8]>,
}

/// Why a scan stopped, and where.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ScanEnd {
    /// The byte after the last whole valid batch.
    pub position: u64,
    /// What stands there.
    pub end: WalkEnd,
}

/// Reads a `.log` file batch by batch through one buffer of a fixed size and checks structure and
/// checksum of each. A batch that is larger than the buffer is checked in pieces.
pub struct BatchScan<'a> {
    file: &'a dyn File,
    position: u64,
    end: u64,
    buffer: Vec<u8>,
    buffered_from: u64,
    buffered: usize,
}

impl<'a> BatchScan<'a> {
    /// A scan from `start`, where a batch begins, to `end`, through a buffer of `buffer_bytes`.
    pub fn new(file: &'a dyn File, start: Position, end: u64, buffer_bytes: usize) -> BatchScan<'a> {
        let size = buffer_bytes.max(4096);
        let start = u64::from(start.get());
        BatchScan { file, position: start, end, buffer: vec![0; size], buffered_from: start, buffered: 0 }
    }

    /// The byte after the last batch that was returned.
    pub fn position(&self) -> u64 {
        self.position
    }

    /// Goes on at the next whole batch behind `from`, where none stands that could; tells where that is, if there
    /// is one.
    pub(crate) fn skip_damage(&mut self, from: u64, next_offset: Offset) -> io::Result<Option<Position>> {
        let next = next_whole_batch(self.file, from, self.end, next_offset)?;
        if let Some(next) = next {
            self.seek(next);
        }
        Ok(next)
    }

    /// Goes on at `position`, where a batch begins.
    pub(crate) fn seek(&mut self, position: Position) {
        self.position = u64::from(position.get());
    }

    /// The next batch, or why there is none.
    ///
    /// # Errors
    /// As the file system reports it.
    pub fn step(&mut self) -> io::Result<Result<ScannedBatch<'_>, ScanEnd>> {
        let left = self.end.saturating_sub(self.position);
        let size = match self.size_of_next(left)? {
            Ok(size) => size,
            Err(end) => return Ok(Err(ScanEnd { position: self.position, end })),
        };
        let Ok(position) = u32::try_from(self.position).map(Position::new) else {
            let end = WalkEnd::Torn { needed: left, found: left };
            return Ok(Err(ScanEnd { position: self.position, end }));
        };
        let start = self.position;
        let checked = if size <= self.buffer.len() {
            self.buffer_at(start, size)?;
            ottla_record::verify_crc(self.buffered(start, size))
        } else {
            self.check_in_pieces(start, size)?
        };
        match checked {
            Ok(head) => {
                self.position = start + size as u64;
                let whole = size <= self.buffer.len();
                let bytes = if whole { Some(self.buffered(start, size)) } else { None };
                Ok(Ok(ScannedBatch { position, head, bytes }))
            }
            Err(e) => Ok(Err(ScanEnd { position: start, end: WalkEnd::Invalid(e) })),
        }
    }

    fn size_of_next(&mut self, left: u64) -> io::Result<Result<usize, WalkEnd>> {
        if left == 0 {
            return Ok(Err(WalkEnd::Clean));
        }
        let wanted = HEAD_PEEK_LEN.min(usize::try_from(left).unwrap_or(usize::MAX));
        self.buffer_at(self.position, wanted)?;
        let prefix = self.buffered(self.position, wanted);
        match Head::parse(prefix) {
            Ok(head) if head.size_bytes() as u64 > left => {
                Ok(Err(WalkEnd::Torn { needed: head.size_bytes() as u64, found: left }))
            }
            Ok(head) => Ok(Ok(head.size_bytes())),
            Err(_) if self.only_zeros_follow()? => Ok(Err(WalkEnd::Zeros { bytes: left })),
            Err(RecordError::TooShort { needed, .. }) if left < HEAD_PEEK_LEN as u64 => {
                Ok(Err(WalkEnd::Torn { needed: needed as u64, found: left }))
            }
            Err(e) => Ok(Err(WalkEnd::Invalid(e))),
        }
    }

    fn only_zeros_follow(&mut self) -> io::Result<bool> {
        let mut position = self.position;
        while position < self.end {
            let length = (self.end - position).min(self.buffer.len() as u64) as usize;
            self.buffer_at(position, length)?;
            if self.buffered(position, length).iter().any(|byte| *byte != 0) {
                return Ok(false);
            }
            position += length as u64;
        }
        Ok(true)
    }

    fn buffered(&self, position: u64, length: usize) -> &[u8] {
        let start = (position - self.buffered_from) as usize;
        self.buffer.get(start..start + length).unwrap_or(&[])
    }

    /// Makes `length` bytes from `position` stand in the buffer; `length` is at most its size, and the
    /// bytes lie before `end`.
    fn buffer_at(&mut self, position: u64, length: usize) -> io::Result<()> {
        let buffered_to = self.buffered_from + self.buffered as u64;
        if position >= self.buffered_from && position + length as u64 <= buffered_to {
            return Ok(());
        }
        let kept = if (self.buffered_from..buffered_to).contains(&position) {
            let start = (position - self.buffered_from) as usize;
            self.buffer.copy_within(start..self.buffered, 0);
            self.buffered - start
        } else {
            0
        };
        self.buffered_from = position;
        self.buffered = kept;
        let fill = (self.end - position).min(self.buffer.len() as u64) as usize;
        let rest = self.buffer.get_mut(kept..fill).unwrap_or(&mut []);
        self.file.read_exact_at(rest, position + kept as u64)?;
        self.buffered = fill;
        Ok(())
    }

    fn check_in_pieces(&mut self, start: u64, size: usize) -> io::Result<Result<Head, RecordError>> {
        let mut checksum = None;
        let mut done = 0;
        while done < size {
            let length = (size - done).min(self.buffer.len());
            self.buffer_at(start + done as u64, length)?;
            let piece = self.buffered(start + done as u64, length);
            match &mut checksum {
                None => match BatchChecksum::start(piece) {
                    Ok(started) => checksum = Some(started),
                    Err(e) => return Ok(Err(e)),
                },
                Some(checksum) => checksum.update(piece),
            }
            done += length;
        }
        Ok(match checksum {
            Some(checksum) => checksum.finish(),
            None => Err(RecordError::TooShort { needed: HEAD_PEEK_LEN, found: 0 }),
        })
    }
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

    #[test]
    fn a_scan_reads_every_byte_once() {
        // Smaller than the buffer of 4 KiB, just as large, one byte more, and many times as large.
        let fixed = log(1, 3_000).2 - 3_000;
        for (batches, value) in [(100, 30), (9, 4_096 - fixed), (9, 4_097 - fixed), (3, 30_000)] {
            let (file, end, size) = log(batches, value);
            let mut scan = BatchScan::new(&*file, Position::ZERO, end, 0);
            for number in 0..batches as u64 {
                let batch = scan.step().unwrap().unwrap();
                assert_eq!(u64::from(batch.position.get()), number * size as u64);
                assert_eq!(batch.bytes.map(<[u8]>::len), Some(size).filter(|size| *size <= 4_096));
            }
            assert_eq!(scan.step().unwrap().unwrap_err(), ScanEnd { position: end, end: WalkEnd::Clean });
            let reads = file.reads();
            let bytes: usize = reads.iter().map(|(_, len)| len).sum();
            assert_eq!(bytes as u64, end, "{value}: {reads:?}");
            assert!(reads.iter().all(|(_, len)| *len > 0 && *len <= 4_096), "{reads:?}");
        }
    }

    #[test]
    fn zeros_to_the_end_are_told_from_zeros_before_something() {
        let (_, end, _) = log(1, 30);
        let mut bytes = vec![0; end as usize];
        log(1, 30).0.read_exact_at(&mut bytes, 0).unwrap();
        for zeros in [1, 16, 17, 61, 4_096, 10_000] {
            let with_zeros = [&bytes[..], &vec![0; zeros]].concat();
            let stop = |bytes: &[u8]| {
                let file = Counted::of(bytes);
                let mut scan = BatchScan::new(&*file, Position::ZERO, bytes.len() as u64, 0);
                scan.step().unwrap().unwrap();
                let stop = scan.step().unwrap().unwrap_err();
                assert_eq!((stop.position, scan.position()), (end, end));
                stop.end
            };
            assert_eq!(stop(&with_zeros), WalkEnd::Zeros { bytes: zeros as u64 });
            let with_one = [&with_zeros[..], &[1]].concat();
            assert!(!matches!(stop(&with_one), WalkEnd::Zeros { .. }), "{zeros}");
        }
    }
}

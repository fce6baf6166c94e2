//! Reading a `.log` file batch by batch, with every byte checked.

use std::io;

use ottla_record::{BatchChecksum, HEAD_PEEK_LEN, Head, RecordError};

use super::walk_end::{Rest, WalkEnd};
use crate::fs::File;
use crate::offset::Position;

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

    /// What is left to scan: the file, and from where to where.
    pub(super) fn rest(&self) -> Rest<'a> {
        Rest { file: self.file, position: self.position, end: self.end }
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
    use crate::offset::Offset;

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

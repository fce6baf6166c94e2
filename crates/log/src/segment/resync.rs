//! Finding the next whole batch behind bytes that are none, and going on there.

use std::io;

use ottla_record::{HEAD_PEEK_LEN, Head, Magic};

use super::batch_scan::BatchScan;
use super::head_walk::{HeadWalk, Walked};
use super::walk_end::{Rest, WalkEnd};
use crate::fs::File;
use crate::offset::{Offset, Position};

const WINDOW_BYTES: usize = 64 * 1024;

/// Where the first whole valid batch of magic 2 begins behind byte `from`, within the first `end` bytes, with
/// offsets that could follow `next_offset`. A batch of an older magic is not looked for: its short checksum
/// and loose head make too many bytes look like one.
///
/// # Errors
/// As the file system reports it.
pub fn next_whole_batch(
    file: &dyn File,
    from: u64,
    end: u64,
    next_offset: Offset,
) -> io::Result<Option<Position>> {
    let is_wanted = |head: &Head| head.magic() == Magic::V2;
    Search { file, end, next_offset, allowed_bytes: u64::MAX }.run(from, is_wanted)
}

/// [`next_whole_batch`] of whatever magic, for those who only look or save what they can: what it takes for
/// a batch may be chance. It gives up where bytes that look like heads all over would make it quadratic.
///
/// # Errors
/// As the file system reports it.
pub fn next_whole_batch_of_any_magic(
    file: &dyn File,
    from: u64,
    end: u64,
    next_offset: Offset,
) -> io::Result<Option<Position>> {
    Search { file, end, next_offset, allowed_bytes: ALLOWED_BYTES }.run(from, |_| true)
}

impl HeadWalk<'_> {
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
        let Rest { file, position, end } = self.rest();
        let next = next_whole_batch(file, position, end, next_offset)?;
        if let Some(next) = next {
            self.seek(next);
        }
        Ok(next.is_some())
    }
}

impl BatchScan<'_> {
    /// Goes on at the next whole batch behind `from`, where none stands that could; tells where that is, if there
    /// is one.
    pub(crate) fn skip_damage(&mut self, from: u64, next_offset: Offset) -> io::Result<Option<Position>> {
        let Rest { file, end, .. } = self.rest();
        let next = next_whole_batch(file, from, end, next_offset)?;
        if let Some(next) = next {
            self.seek(next);
        }
        Ok(next)
    }
}

/// So many bytes are checksummed more than were searched.
const ALLOWED_BYTES: u64 = 256 << 20;

struct Search<'a> {
    file: &'a dyn File,
    end: u64,
    next_offset: Offset,
    allowed_bytes: u64,
}

impl Search<'_> {
    fn run(&self, from: u64, is_wanted: fn(&Head) -> bool) -> io::Result<Option<Position>> {
        let mut window = vec![0; WINDOW_BYTES];
        let mut checked_bytes = 0_u64;
        let mut start = from + 1;
        while start < self.end {
            let length = (self.end - start).min(WINDOW_BYTES as u64) as usize;
            let bytes = window.get_mut(..length).unwrap_or(&mut []);
            self.file.read_exact_at(bytes, start)?;
            // Behind the last whole head, a message of an older magic may still fit.
            let is_last = length < WINDOW_BYTES || start + length as u64 == self.end;
            let searched = if is_last { length } else { length - HEAD_PEEK_LEN + 1 };
            for at in 0..searched {
                let (prefix, position) = (bytes.get(at..).unwrap_or_default(), start + at as u64);
                let Some(size) = self.size_of(prefix, position, is_wanted) else { continue };
                let Ok(place) = u32::try_from(position).map(Position::new) else { return Ok(None) };
                checked_bytes = checked_bytes.saturating_add(size);
                if checked_bytes.saturating_sub(position - from) > self.allowed_bytes {
                    return Ok(None);
                }
                // The scan's own small buffer bounds what one false head can make us read into memory.
                if BatchScan::new(self.file, place, self.end, WINDOW_BYTES).step()?.is_ok() {
                    return Ok(Some(place));
                }
            }
            start += searched as u64;
        }
        Ok(None)
    }

    /// The size of the batch whose head may stand here.
    fn size_of(&self, prefix: &[u8], position: u64, is_wanted: fn(&Head) -> bool) -> Option<u64> {
        let head = Head::parse(prefix).ok().filter(is_wanted)?;
        let distance = head.base_offset().get().checked_sub(self.next_offset.get())?;
        let size = head.size_bytes() as u64;
        let fits = (0..=i64::from(i32::MAX)).contains(&distance) && size <= self.end - position;
        fits.then_some(size)
    }
}

#[cfg(test)]
mod tests {
    use ottla_record::BatchBuilder;

    use super::*;
    use crate::fs::{FileSystem, OpenMode, Os};

    fn batch(offset: i64) -> Vec<u8> {
        let mut builder = BatchBuilder::new().base_offset(Offset::new(offset));
        builder.push(0, None, Some(&[7; 200]), &[]).unwrap();
        builder.build().unwrap()
    }

    /// A message of magic 0 with a value of nothing.
    fn message(offset: i64) -> Vec<u8> {
        let mut message = [&offset.to_be_bytes()[..], &14_i32.to_be_bytes(), &[0; 4]].concat();
        message.extend([0, 0]);
        message.extend([0xff; 8]);
        let crc = crc32(&message[16..]);
        message[12..16].copy_from_slice(&crc.to_be_bytes());
        message
    }

    /// CRC-32, bit by bit.
    fn crc32(bytes: &[u8]) -> u32 {
        !bytes.iter().fold(!0_u32, |crc, byte| {
            (0..8)
                .fold(crc ^ u32::from(*byte), |crc, _| (crc >> 1) ^ (0xedb8_8320 & (crc & 1).wrapping_neg()))
        })
    }

    fn found(bytes: &[u8], from: u64, next_offset: i64) -> [Option<u64>; 2] {
        let dir = tempfile::tempdir().unwrap();
        let file = Os.open(&dir.path().join("f"), OpenMode::CreateNew).unwrap();
        file.write_all_at(bytes, 0).unwrap();
        [next_whole_batch, next_whole_batch_of_any_magic].map(|find| {
            let found = find(&*file, from, bytes.len() as u64, Offset::new(next_offset)).unwrap();
            found.map(|position| u64::from(position.get()))
        })
    }

    #[test]
    fn the_next_whole_batch_is_found_behind_anything() {
        let gap = vec![0; WINDOW_BYTES + 17];
        let bytes = [gap.clone(), batch(5)].concat();
        assert_eq!(found(&bytes, 0, 3), [Some(gap.len() as u64); 2]);
        assert_eq!(found(&bytes, 0, 6), [None; 2]);
        let mut damaged = [batch(3), batch(4), batch(5)].concat();
        let size = batch(3).len();
        damaged[size + 100] ^= 1;
        assert_eq!(found(&damaged, size as u64, 4), [Some(2 * size as u64); 2]);
        assert_eq!(found(&damaged[..3 * size - 1], size as u64, 4), [None; 2]);
    }

    #[test]
    fn a_batch_across_the_border_of_two_reads_is_found() {
        for before in [WINDOW_BYTES - 1, WINDOW_BYTES, WINDOW_BYTES + 1, WINDOW_BYTES - 59, WINDOW_BYTES - 17]
        {
            let bytes = [vec![0xff; before], batch(5)].concat();
            assert_eq!(found(&bytes, 0, 5), [Some(before as u64); 2], "{before}");
        }
    }

    #[test]
    fn a_whole_batch_at_the_first_byte_is_not_behind_it() {
        let bytes = [batch(3), batch(4)].concat();
        assert_eq!(found(&bytes, 0, 0), [Some(batch(3).len() as u64); 2]);
        assert_eq!(found(&batch(3), 0, 0), [None; 2]);
    }

    #[test]
    fn offsets_beyond_the_reach_of_a_segment_follow_nothing() {
        let bytes = [vec![0xff; 10], batch(5 + i64::from(i32::MAX))].concat();
        assert_eq!(found(&bytes, 0, 5), [Some(10); 2]);
        assert_eq!(found(&bytes, 0, 4), [None; 2]);
    }

    /// A false head costs the reading of all the bytes that it claims.
    #[test]
    fn false_heads_are_given_up_once_they_cost_too_much() {
        let (from, at, size) = (7, 30, 2_000);
        let mut bytes = [vec![0xff; at], message(9), vec![0xff; size], batch(9)].concat();
        bytes[at + 8..at + 12].copy_from_slice(&(size as i32 - 12).to_be_bytes());
        let file = crate::fs::counted::Counted::of(&bytes);
        let search = |allowed_bytes| {
            let end = bytes.len() as u64;
            let search = Search { file: &*file, end, next_offset: Offset::new(5), allowed_bytes };
            search.run(from, |_| true).unwrap().map(|found| u64::from(found.get()))
        };
        let batch_at = (bytes.len() - batch(9).len()) as u64;
        // What was searched up to there is not counted.
        let cost = size as u64 - (at as u64 - from);
        assert_eq!(search(cost), Some(batch_at));
        assert_eq!(search(cost - 1), None);
    }

    #[test]
    fn an_old_message_counts_only_for_those_who_want_any() {
        let bytes = [vec![0xff; 100], message(5)].concat();
        assert_eq!(found(&bytes, 0, 5), [None, Some(100)]);
    }
}

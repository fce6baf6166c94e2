//! Finding the next whole batch after bytes that are none.

use std::io;

use ottla::Offset;
use ottla::fs::File;
use ottla_record::{HEAD_PEEK_LEN, Head, verify_crc};

const CHUNK_BYTES: usize = 1 << 20;

/// So many bytes are checksummed in the search at most: bytes that look like heads all over must not make
/// it quadratic.
const MAX_CHECKED_BYTES: u64 = 256 << 20;

/// The position of the first whole batch at or after `from` whose offsets can follow `expected`; `None`
/// where there is none before `end`.
///
/// # Errors
/// As the file system reports it.
pub fn next_whole_batch(file: &dyn File, from: u64, end: u64, expected: Offset) -> io::Result<Option<u64>> {
    let mut checked_bytes = 0;
    let mut chunk = Vec::new();
    let mut start = from;
    while start < end {
        let length = usize::try_from(end - start).unwrap_or(usize::MAX).min(CHUNK_BYTES + HEAD_PEEK_LEN);
        chunk.resize(length, 0);
        file.read_exact_at(&mut chunk, start)?;
        let is_last = start + length as u64 == end;
        let searched = if is_last { length } else { CHUNK_BYTES.min(length) };
        for at in 0..searched {
            let position = start + at as u64;
            let prefix = chunk.get(at..).unwrap_or_default();
            let Some(size) = plausible_size(prefix, end - position, expected) else { continue };
            checked_bytes += size as u64;
            if checked_bytes > MAX_CHECKED_BYTES {
                return Ok(None);
            }
            let mut batch = vec![0; size];
            file.read_exact_at(&mut batch, position)?;
            if verify_crc(&batch).is_ok() {
                return Ok(Some(position));
            }
        }
        start += searched as u64;
    }
    Ok(None)
}

/// The size of the batch whose head may stand here.
fn plausible_size(prefix: &[u8], left: u64, expected: Offset) -> Option<usize> {
    let head = Head::parse(prefix).ok()?;
    let ahead = head.base_offset() - expected;
    let fits = (0..=i64::from(i32::MAX)).contains(&ahead) && head.size_bytes() as u64 <= left;
    fits.then(|| head.size_bytes())
}

#[cfg(test)]
mod tests {
    use ottla::fs::{FileSystem, OpenMode, Os};
    use ottla_record::BatchBuilder;

    use super::*;

    fn batch(offset: i64) -> Vec<u8> {
        let mut builder = BatchBuilder::new().base_offset(Offset::new(offset));
        builder.push(0, None, Some(&[7; 200]), &[]).unwrap();
        builder.build().unwrap()
    }

    fn found(bytes: &[u8], from: u64, expected: i64) -> Option<u64> {
        let dir = tempfile::tempdir().unwrap();
        let file = Os.open(&dir.path().join("f"), OpenMode::CreateNew).unwrap();
        file.write_all_at(bytes, 0).unwrap();
        next_whole_batch(&*file, from, bytes.len() as u64, Offset::new(expected)).unwrap()
    }

    #[test]
    fn the_next_whole_batch_is_found_behind_anything() {
        let gap = vec![0; CHUNK_BYTES + 17];
        let bytes = [gap.clone(), batch(5)].concat();
        assert_eq!(found(&bytes, 0, 3), Some(gap.len() as u64));
        assert_eq!(found(&bytes, 0, 6), None);
        let mut damaged = [batch(3), batch(4), batch(5)].concat();
        let size = batch(3).len();
        damaged[size + 100] ^= 1;
        assert_eq!(found(&damaged, size as u64 + 1, 4), Some(2 * size as u64));
        assert_eq!(found(&damaged[..3 * size - 1], size as u64 + 1, 4), None);
    }

    #[test]
    fn a_batch_across_the_border_of_two_reads_is_found() {
        for before in [CHUNK_BYTES - 1, CHUNK_BYTES, CHUNK_BYTES - 61, CHUNK_BYTES - 17] {
            let bytes = [vec![0xff; before], batch(5)].concat();
            assert_eq!(found(&bytes, 0, 5), Some(before as u64), "{before}");
        }
    }
}

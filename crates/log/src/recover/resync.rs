//! Whether something valid stands behind bytes that are no whole batch: then they are more than the last
//! write that a crash tore.

use std::io;

use ottla_record::{HEAD_PEEK_LEN, Head, verify_crc};

use crate::fs::File;
use crate::offset::Offset;

const WINDOW_BYTES: usize = 64 * 1024;
/// Where the magic stands in a batch.
const MAGIC_AT: usize = 16;

/// Whether a whole valid batch of magic 2, with offsets that could follow `end_offset`, begins anywhere
/// behind byte `from` of the first `size` bytes.
pub(super) fn finds_a_batch(file: &dyn File, from: u64, size: u64, end_offset: Offset) -> io::Result<bool> {
    let mut window = vec![0; WINDOW_BYTES];
    let mut start = from + 1;
    while start < size {
        let length = (size - start).min(WINDOW_BYTES as u64) as usize;
        let bytes = window.get_mut(..length).unwrap_or(&mut []);
        file.read_exact_at(bytes, start)?;
        for (at, head) in bytes.windows(HEAD_PEEK_LEN).enumerate() {
            if head.get(MAGIC_AT) == Some(&2) && is_batch(file, start + at as u64, size, head, end_offset)? {
                return Ok(true);
            }
        }
        if length < WINDOW_BYTES {
            return Ok(false);
        }
        // A head that the window cuts is looked at in the next.
        start += (length - HEAD_PEEK_LEN + 1) as u64;
    }
    Ok(false)
}

fn is_batch(file: &dyn File, position: u64, size: u64, head: &[u8], end_offset: Offset) -> io::Result<bool> {
    let Ok(Head::V2(header)) = Head::parse(head) else { return Ok(false) };
    let batch_bytes = Head::V2(header).size_bytes();
    let near = (0..=i64::from(i32::MAX)).contains(&(header.base_offset - end_offset));
    if !near || batch_bytes as u64 > size - position {
        return Ok(false);
    }
    let mut batch = vec![0; batch_bytes];
    file.read_exact_at(&mut batch, position)?;
    Ok(verify_crc(&batch).is_ok())
}

//! Snappy: the framing of snappy-java, which Kafka's Java client writes, and one bare block, which
//! librdkafka and others write. Snappy's own framing format is neither and never occurs.
//!
//! ```text
//!  82 53 4e 41 50 50 59 00 | version: i32 | oldest compatible version: i32 | (length: i32 | block)*
//! ```
//!
//! Concatenated streams repeat the header where a length would stand; its first byte makes it no length.

use super::{Compression, Window};
use crate::RecordError;

const FRAMING_MAGIC: [u8; 8] = *b"\x82SNAPPY\0";
const FRAMING_VERSION: i32 = 1;
/// Uncompressed bytes of each block that is written, as snappy-java does.
const BLOCK_BYTES: usize = 32 * 1024;
/// No snappy element gives more: three bytes copy at most 64.
const MAX_EXPANSION: usize = 22;

pub(crate) struct Reader<'a> {
    left: &'a [u8],
    framed: bool,
}

impl<'a> Reader<'a> {
    pub(crate) fn new(payload: &'a [u8]) -> Result<Reader<'a>, RecordError> {
        let framed = payload.starts_with(&FRAMING_MAGIC);
        if !framed && payload.is_empty() {
            return Err(failed("no bytes"));
        }
        Ok(Reader { left: payload, framed })
    }

    /// Appends the next block that is not empty to `window`, if it is at most `room` bytes; 0 at the end.
    pub(crate) fn read_block(
        &mut self,
        window: &mut Window,
        room: usize,
        limit: usize,
    ) -> Result<usize, RecordError> {
        while !self.left.is_empty() {
            let block = if self.framed { self.next_framed()? } else { std::mem::take(&mut self.left) };
            let Some(block) = block.split_first().map(|_| block) else { continue };
            let len = decompressed_len(block)?;
            if len > room {
                return Err(RecordError::DecompressedTooLarge { limit });
            }
            // The block is decoded even where it says that it is empty, so that it is checked.
            let found = snap::raw::Decoder::new().decompress(block, window.spare(len)).map_err(failed)?;
            if found > 0 {
                return Ok(found);
            }
        }
        Ok(0)
    }

    /// Takes the next block, and the headers before it. The empty slice where only a header was left.
    fn next_framed(&mut self) -> Result<&'a [u8], RecordError> {
        while let Some(rest) = self.left.strip_prefix(&FRAMING_MAGIC) {
            self.left = rest;
            let _version = self.take_i32()?;
            let oldest_compatible = self.take_i32()?;
            if oldest_compatible > FRAMING_VERSION {
                return Err(failed(format!("framing needs a reader of version {oldest_compatible}")));
            }
        }
        if self.left.is_empty() {
            return Ok(&[]);
        }
        let len = self.take_i32()?;
        let (block, rest) = usize::try_from(len)
            .ok()
            .filter(|&len| len > 0)
            .and_then(|len| self.left.split_at_checked(len))
            .ok_or_else(|| failed(format!("block of {len} bytes where {} are left", self.left.len())))?;
        self.left = rest;
        Ok(block)
    }

    fn take_i32(&mut self) -> Result<i32, RecordError> {
        let (value, rest) = self.left.split_first_chunk().ok_or_else(|| failed("the framing is cut"))?;
        self.left = rest;
        Ok(i32::from_be_bytes(*value))
    }
}

/// What the block says it will become, refused where no snappy block of its size can.
fn decompressed_len(block: &[u8]) -> Result<usize, RecordError> {
    let len = snap::raw::decompress_len(block).map_err(failed)?;
    if len > block.len().saturating_mul(MAX_EXPANSION) {
        return Err(failed(format!("{} bytes cannot become {len}", block.len())));
    }
    Ok(len)
}

pub(crate) fn compress(records: &[u8], out: &mut Vec<u8>) -> Result<(), RecordError> {
    out.extend_from_slice(&FRAMING_MAGIC);
    out.extend_from_slice(&FRAMING_VERSION.to_be_bytes());
    out.extend_from_slice(&FRAMING_VERSION.to_be_bytes());
    let mut encoder = snap::raw::Encoder::new();
    for chunk in records.chunks(BLOCK_BYTES) {
        let block = encoder.compress_vec(chunk).map_err(failed)?;
        let len = i32::try_from(block.len()).map_err(failed)?;
        out.extend_from_slice(&len.to_be_bytes());
        out.extend_from_slice(&block);
    }
    Ok(())
}

fn failed(reason: impl ToString) -> RecordError {
    RecordError::Decompress { compression: Compression::Snappy, reason: reason.to_string() }
}

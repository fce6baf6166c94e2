//! LZ4 in the dialect of Kafka (KIP-57): one frame of version 1 with independent blocks and an end mark.
//!
//! The frame is walked here and its blocks are decoded by lz4_flex, because Kafka's readers take less than
//! the frame format allows (no linked blocks, no dictionary, no second frame, no missing end mark), and
//! because messages of magic 0 and 1 carry a header checksum that is wrong by the format: old clients
//! computed it over the frame magic too (KAFKA-3160). There it is not looked at, as in Kafka.
//!
//! ```text
//!  04 22 4d 18 | flags | block descriptor | [content size: u64] | header checksum
//!  (block size: u32, highest bit: stored | block | [block checksum: u32])*
//!  00 00 00 00 | [content checksum: u32]                                  all little-endian
//! ```

use std::hash::Hasher;
use std::io::Write;

use lz4_flex::block::DecompressError;
use lz4_flex::frame::{BlockMode, BlockSize, FrameEncoder, FrameInfo};
use twox_hash::XxHash32;

use super::{Compression, Window};
use crate::{Magic, RecordError};

const FRAME_MAGIC: [u8; 4] = [0x04, 0x22, 0x4d, 0x18];
const STORED: u32 = 1 << 31;
/// No LZ4 sequence gives more: each byte of a match length adds at most 255.
const MAX_EXPANSION: usize = 255;

pub(crate) struct Reader<'a> {
    left: &'a [u8],
    max_block_bytes: usize,
    block_checksums: bool,
    content: Option<XxHash32>,
    ended: bool,
}

impl<'a> Reader<'a> {
    pub(crate) fn new(payload: &'a [u8], magic: Magic) -> Result<Reader<'a>, RecordError> {
        let mut left = payload.strip_prefix(&FRAME_MAGIC).ok_or_else(|| failed("no frame magic"))?;
        let descriptor = left;
        let [flags, block_descriptor] = take(&mut left)?;
        let max_block_bytes = max_block_bytes(flags, block_descriptor)?;
        if flags & CONTENT_SIZE != 0 {
            let _content_size: [u8; 8] = take(&mut left)?;
        }
        let descriptor = descriptor.split_at(descriptor.len() - left.len()).0;
        let [checksum] = take(&mut left)?;
        if magic == Magic::V2 && checksum != (XxHash32::oneshot(0, descriptor) >> 8) as u8 {
            return Err(failed("the header checksum is wrong"));
        }
        let content = (flags & CONTENT_CHECKSUM != 0).then(|| XxHash32::with_seed(0));
        let block_checksums = flags & BLOCK_CHECKSUMS != 0;
        Ok(Reader { left, max_block_bytes, block_checksums, content, ended: false })
    }

    /// Appends the next block that is not empty to `window`, if it is at most `room` bytes; 0 at the end.
    pub(crate) fn read_block(
        &mut self,
        window: &mut Window,
        room: usize,
        limit: usize,
    ) -> Result<usize, RecordError> {
        while !self.ended {
            let size = take_u32(&mut self.left)?;
            if size & !STORED == 0 {
                self.end()?;
                continue;
            }
            let block = self.take_block(size & !STORED)?;
            let most = self.max_block_bytes.min(block.len().saturating_mul(MAX_EXPANSION));
            let out = window.spare(most.min(room));
            let count = if size & STORED != 0 {
                store(block, out).ok_or(RecordError::DecompressedTooLarge { limit })?
            } else {
                match lz4_flex::block::decompress_into(block, out) {
                    Err(DecompressError::OutputTooSmall { .. }) if room < most => {
                        return Err(RecordError::DecompressedTooLarge { limit });
                    }
                    other => other.map_err(failed)?,
                }
            };
            if let Some(hasher) = &mut self.content {
                hasher.write(out.get(..count).unwrap_or_default());
            }
            if count > 0 {
                return Ok(count);
            }
        }
        Ok(0)
    }

    fn take_block(&mut self, size: u32) -> Result<&'a [u8], RecordError> {
        let (block, rest) = usize::try_from(size)
            .ok()
            .filter(|&size| size <= self.max_block_bytes)
            .and_then(|size| self.left.split_at_checked(size))
            .ok_or_else(|| failed(format!("block of {size} bytes where {} are left", self.left.len())))?;
        self.left = rest;
        if self.block_checksums && take_u32(&mut self.left)? != XxHash32::oneshot(0, block) {
            return Err(failed("the checksum of a block is wrong"));
        }
        Ok(block)
    }

    fn end(&mut self) -> Result<(), RecordError> {
        self.ended = true;
        if let Some(hasher) = &self.content
            && take_u32(&mut self.left)? != hasher.finish_32()
        {
            return Err(failed("the checksum of the content is wrong"));
        }
        match self.left.len() {
            0 => Ok(()),
            count => Err(RecordError::TrailingBytes { count }),
        }
    }
}

const VERSION_MASK: u8 = 0b1100_0000;
const VERSION_1: u8 = 0b0100_0000;
const INDEPENDENT_BLOCKS: u8 = 0b0010_0000;
const BLOCK_CHECKSUMS: u8 = 0b0001_0000;
const CONTENT_SIZE: u8 = 0b0000_1000;
const CONTENT_CHECKSUM: u8 = 0b0000_0100;
const RESERVED_FLAGS: u8 = 0b0000_0011;
const RESERVED_BLOCK_BITS: u8 = 0b1000_1111;

/// The block size of the descriptor, once all the flags are of Kafka's dialect.
fn max_block_bytes(flags: u8, block_descriptor: u8) -> Result<usize, RecordError> {
    if flags & VERSION_MASK != VERSION_1 || flags & RESERVED_FLAGS != 0 {
        return Err(failed("a version or a flag that Kafka does not read"));
    }
    if flags & INDEPENDENT_BLOCKS == 0 {
        return Err(failed("linked blocks, which Kafka does not read"));
    }
    match (block_descriptor & RESERVED_BLOCK_BITS, block_descriptor >> 4) {
        (0, 4) => Ok(64 << 10),
        (0, 5) => Ok(256 << 10),
        (0, 6) => Ok(1 << 20),
        (0, 7) => Ok(4 << 20),
        _ => Err(failed("unknown block size")),
    }
}

fn store(block: &[u8], out: &mut [u8]) -> Option<usize> {
    out.get_mut(..block.len())?.copy_from_slice(block);
    Some(block.len())
}

fn take<const N: usize>(left: &mut &[u8]) -> Result<[u8; N], RecordError> {
    let (value, rest) = left.split_first_chunk().ok_or_else(|| failed("the frame is cut"))?;
    *left = rest;
    Ok(*value)
}

#[expect(clippy::little_endian_bytes, reason = "the LZ4 frame format is little-endian")]
fn take_u32(left: &mut &[u8]) -> Result<u32, RecordError> {
    Ok(u32::from_le_bytes(take(left)?))
}

pub(crate) fn compress(records: &[u8], out: &mut Vec<u8>) -> Result<(), RecordError> {
    let info = FrameInfo::new().block_size(BlockSize::Max64KB).block_mode(BlockMode::Independent);
    let mut encoder = FrameEncoder::with_frame_info(info, out);
    encoder.write_all(records).map_err(failed)?;
    encoder.finish().map(drop).map_err(failed)
}

fn failed(reason: impl ToString) -> RecordError {
    RecordError::Decompress { compression: Compression::Lz4, reason: reason.to_string() }
}

use super::{Compression, Scratch, Window};
use crate::{Magic, RecordError};

/// Output of the streaming codecs comes in pieces of this size; of a smaller one under Miri, which is slow.
const PIECE_BYTES: usize = if cfg!(miri) { 256 } else { 64 * 1024 };

/// A compressed payload on its way out, piece by piece, up to a limit.
pub(crate) struct Inflate<'a> {
    codec: Codec<'a>,
    window: &'a mut Window,
    limit: usize,
    produced: usize,
}

#[allow(clippy::large_enum_variant, reason = "there is one at a time, on the stack")]
enum Codec<'a> {
    None(&'a [u8]),
    #[cfg(feature = "gzip")]
    Gzip(super::gzip::Reader<'a>),
    #[cfg(feature = "snappy")]
    Snappy(super::snappy::Reader<'a>),
    #[cfg(feature = "lz4")]
    Lz4(super::lz4::Reader<'a>),
    #[cfg(feature = "zstd")]
    Zstd(super::zstd::Reader<'a>),
}

impl<'a> Inflate<'a> {
    /// Begins with `payload`, which came in a batch or message of `magic`.
    pub(crate) fn new(
        compression: Compression,
        magic: Magic,
        payload: &'a [u8],
        limit: usize,
        scratch: &'a mut Scratch,
    ) -> Result<Inflate<'a>, RecordError> {
        scratch.window.begin(limit);
        let codec = match compression {
            Compression::None => Codec::None(payload),
            Compression::Zstd if magic != Magic::V2 => {
                return Err(RecordError::CodecNotInFormat { compression, magic });
            }
            #[cfg(feature = "gzip")]
            Compression::Gzip => Codec::Gzip(super::gzip::Reader::new(payload)),
            #[cfg(feature = "snappy")]
            Compression::Snappy => Codec::Snappy(super::snappy::Reader::new(payload)?),
            #[cfg(feature = "lz4")]
            Compression::Lz4 => Codec::Lz4(super::lz4::Reader::new(payload, magic)?),
            #[cfg(feature = "zstd")]
            Compression::Zstd => Codec::Zstd(scratch.zstd.reader(payload, limit)?),
            #[allow(unreachable_patterns, reason = "reached where a codec is left out of the build")]
            _ => return Err(RecordError::CodecNotBuilt { compression }),
        };
        Ok(Inflate { codec, window: &mut scratch.window, limit, produced: 0 })
    }

    /// What has come out and was not consumed.
    pub(crate) fn filled(&self) -> &[u8] {
        self.window.filled()
    }

    /// Drops the first `count` bytes of what has come out.
    pub(crate) fn consume(&mut self, count: usize) {
        self.window.consume(count);
    }

    /// How many bytes may still come out.
    pub(crate) fn room(&self) -> usize {
        self.limit.saturating_sub(self.produced)
    }

    /// Lets more come out; `false` at the end, which is checked to be a clean one.
    pub(crate) fn more(&mut self) -> Result<bool, RecordError> {
        let room = self.room();
        // One byte more than there is room for, so that the byte too many is seen.
        let piece = PIECE_BYTES.min(room.saturating_add(1));
        let count = match &mut self.codec {
            Codec::None(left) => copy_piece(left, self.window.spare(piece)),
            #[cfg(feature = "gzip")]
            Codec::Gzip(reader) => reader.read(self.window.spare(piece))?,
            #[cfg(feature = "snappy")]
            Codec::Snappy(reader) => reader.read_block(self.window, room, self.limit)?,
            #[cfg(feature = "lz4")]
            Codec::Lz4(reader) => reader.read_block(self.window, room, self.limit)?,
            #[cfg(feature = "zstd")]
            Codec::Zstd(reader) => reader.read(self.window.spare(piece))?,
        };
        if count > room {
            return Err(RecordError::DecompressedTooLarge { limit: self.limit });
        }
        self.produced += count;
        self.window.fill(count);
        Ok(count > 0)
    }
}

fn copy_piece(left: &mut &[u8], out: &mut [u8]) -> usize {
    let count = left.len().min(out.len());
    let (piece, rest) = left.split_at(count);
    out.split_at_mut(count).0.copy_from_slice(piece);
    *left = rest;
    count
}

/// All of a compressed payload at once, if it is at most `limit` bytes.
pub(crate) fn decompress(
    compression: Compression,
    magic: Magic,
    payload: &[u8],
    limit: usize,
) -> Result<Vec<u8>, RecordError> {
    Scratch::of_this_thread(|scratch| {
        let outcome = match Inflate::new(compression, magic, payload, limit, scratch) {
            Ok(mut inflate) => loop {
                match inflate.more() {
                    Ok(true) => {}
                    Ok(false) => break Ok(std::mem::take(inflate.window).into_vec()),
                    Err(error) => break Err(error),
                }
            },
            Err(error) => Err(error),
        };
        scratch.trim();
        outcome
    })
}

/// Appends the compressed form of `records` to `out`.
pub(crate) fn compress(
    compression: Compression,
    records: &[u8],
    out: &mut Vec<u8>,
) -> Result<(), RecordError> {
    match compression {
        Compression::None => {
            out.extend_from_slice(records);
            Ok(())
        }
        #[cfg(feature = "gzip")]
        Compression::Gzip => super::gzip::compress(records, out),
        #[cfg(feature = "snappy")]
        Compression::Snappy => super::snappy::compress(records, out),
        #[cfg(feature = "lz4")]
        Compression::Lz4 => super::lz4::compress(records, out),
        #[cfg(feature = "zstd")]
        Compression::Zstd => super::zstd::compress(records, out),
        #[allow(unreachable_patterns, reason = "reached where a codec is left out of the build")]
        _ => Err(RecordError::CodecNotBuilt { compression }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_not_compressed_comes_out_as_it_is_up_to_the_limit() {
        let payload: Vec<u8> = (0..PIECE_BYTES + 7).map(|at| at as u8).collect();
        let read = |limit| decompress(Compression::None, Magic::V2, &payload, limit);
        assert_eq!(read(payload.len()), Ok(payload.clone()));
        let limit = payload.len() - 1;
        assert_eq!(read(limit), Err(RecordError::DecompressedTooLarge { limit }));
        let mut out = b"before".to_vec();
        compress(Compression::None, b" and after", &mut out).unwrap();
        assert_eq!(out, b"before and after");
    }
}

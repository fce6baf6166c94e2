//! Bytes as they arrive, cut into frames.

use std::io::{self, Read};
use std::ops::Range;

use ottla_protocol::{FrameError, LENGTH_BYTES, frame_len};

/// What one read takes at least: many small answers at once.
const READ_BYTES: usize = 64 << 10;
/// No answer that was asked for is larger.
const MAX_FRAME_BYTES: usize = 256 << 20;

/// Received bytes that were not looked at yet.
#[derive(Debug, Default)]
pub struct Frames {
    buffer: Vec<u8>,
    ready: Range<usize>,
}

impl Frames {
    /// Reads once. Memory grows as bytes come, whatever length a frame claims.
    ///
    /// # Errors
    /// Those of the stream; its end is [`io::ErrorKind::UnexpectedEof`].
    pub fn fill(&mut self, stream: &mut impl Read) -> io::Result<()> {
        self.make_room();
        let room = self.buffer.get_mut(self.ready.end..).unwrap_or_default();
        let read = stream.read(room)?;
        if read == 0 {
            return Err(io::Error::new(io::ErrorKind::UnexpectedEof, "end of stream"));
        }
        self.ready.end += read;
        Ok(())
    }

    /// Whether a whole frame is there.
    ///
    /// # Errors
    /// Where the length cannot be one.
    pub fn has_frame(&self) -> Result<bool, FrameError> {
        let waiting = self.buffer.get(self.ready.clone()).unwrap_or_default();
        let Some(prefix) = waiting.first_chunk::<LENGTH_BYTES>() else { return Ok(false) };
        Ok(waiting.len() >= LENGTH_BYTES + frame_len(*prefix, MAX_FRAME_BYTES)?)
    }

    /// The next whole frame, without the length before it.
    ///
    /// # Errors
    /// Where the length cannot be one.
    pub fn next_frame(&mut self) -> Result<Option<&[u8]>, FrameError> {
        if !self.has_frame()? {
            return Ok(None);
        }
        let waiting = self.buffer.get(self.ready.clone()).unwrap_or_default();
        let Some((prefix, rest)) = waiting.split_first_chunk::<LENGTH_BYTES>() else { return Ok(None) };
        let len = frame_len(*prefix, MAX_FRAME_BYTES)?;
        self.ready.start += LENGTH_BYTES + len;
        Ok(rest.get(..len))
    }

    fn make_room(&mut self) {
        if self.ready.is_empty() {
            self.ready = 0..0;
        }
        if self.buffer.len() - self.ready.end < READ_BYTES && self.ready.start > 0 {
            self.buffer.copy_within(self.ready.clone(), 0);
            self.ready = 0..self.ready.len();
        }
        if self.buffer.len() - self.ready.end < READ_BYTES {
            self.buffer.resize((2 * self.buffer.len()).max(self.ready.end + 2 * READ_BYTES), 0);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn frames_come_whole_however_they_were_cut() {
        let mut stream = Vec::new();
        for size in [0u32, 1, 5, 70_000, 3] {
            stream.extend(size.to_be_bytes());
            stream.extend(vec![size as u8; size as usize]);
        }
        for step in [1, 3, 4, 1_000, 100_000] {
            let (mut frames, mut sizes, mut rest) = (Frames::default(), Vec::new(), &stream[..]);
            while !rest.is_empty() {
                let (mut piece, after) = rest.split_at(step.min(rest.len()));
                while !piece.is_empty() {
                    frames.fill(&mut piece).unwrap();
                }
                rest = after;
                while let Some(frame) = frames.next_frame().unwrap() {
                    assert!(frame.iter().all(|byte| *byte == frame.len() as u8));
                    sizes.push(frame.len());
                }
            }
            assert_eq!(sizes, [0, 1, 5, 70_000, 3], "in steps of {step}");
        }
    }

    #[test]
    fn a_web_server_is_no_broker_and_an_end_is_an_error() {
        let mut frames = Frames::default();
        frames.fill(&mut &b"HTTP/1.1 400 Bad Request"[..]).unwrap();
        assert!(frames.next_frame().is_err());
        assert_eq!(frames.fill(&mut &b""[..]).unwrap_err().kind(), io::ErrorKind::UnexpectedEof);
    }
}

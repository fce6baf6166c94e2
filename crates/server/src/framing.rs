//! Where one request ends and the next begins, and how large one may be.

use ottla_protocol::{ApiKey, FrameError, LENGTH_BYTES, frame_len};

/// How large a request may be.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Framing {
    /// One that brings records.
    pub produce_bytes: usize,
    /// Any other. Its answer may be many times as large.
    pub other_bytes: usize,
}

/// A frame without its length, and what follows it.
pub(crate) type Split<'a> = (&'a [u8], &'a [u8]);

impl Framing {
    /// The size of the frame whose first bytes these are, its length field included, if so much is known.
    pub(crate) fn size(&self, received: &[u8]) -> Result<Option<usize>, FrameError> {
        let Some((prefix, rest)) = received.split_first_chunk::<LENGTH_BYTES>() else { return Ok(None) };
        let is_other =
            rest.first_chunk().is_some_and(|key| i16::from_be_bytes(*key) != ApiKey::Produce.code());
        let limit = if is_other { self.other_bytes.min(self.produce_bytes) } else { self.produce_bytes };
        Ok(Some(frame_len(*prefix, limit)?.saturating_add(LENGTH_BYTES)))
    }

    /// Splits off the first frame, if it is whole.
    pub(crate) fn split<'a>(&self, received: &'a [u8]) -> Result<Option<Split<'a>>, FrameError> {
        let Some(size) = self.size(received)? else { return Ok(None) };
        let Some((frame, rest)) = received.split_at_checked(size) else { return Ok(None) };
        Ok(frame.get(LENGTH_BYTES..).map(|frame| (frame, rest)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const FRAMING: Framing = Framing { produce_bytes: 10, other_bytes: 5 };

    #[test]
    fn a_frame_is_split_off_when_it_is_whole() {
        assert_eq!(FRAMING.split(&[0, 0, 0]), Ok(None));
        assert_eq!(FRAMING.split(&[0, 0, 0, 2, 7]), Ok(None));
        assert_eq!(FRAMING.split(&[0, 0, 0, 2, 7, 8, 9]), Ok(Some((&[7, 8][..], &[9][..]))));
        assert_eq!(FRAMING.split(&[0, 0, 0, 0, 9]), Ok(Some((&[][..], &[9][..]))));
    }

    #[test]
    fn only_a_request_that_brings_records_may_be_large() {
        assert_eq!(FRAMING.size(&[0, 0, 0, 10]), Ok(Some(14)), "nobody knows yet");
        assert_eq!(FRAMING.size(&[0, 0, 0, 10, 0, 0]), Ok(Some(14)), "produce");
        assert_eq!(FRAMING.size(&[0, 0, 0, 10, 0, 3]), Err(FrameError::TooLarge { length: 10, limit: 5 }));
        assert_eq!(FRAMING.size(&[0, 0, 0, 11]), Err(FrameError::TooLarge { length: 11, limit: 10 }));
        assert_eq!(FRAMING.size(&[0xff, 0, 0, 0]), Err(FrameError::Negative { length: -16_777_216 }));
    }
}

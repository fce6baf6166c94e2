//! Frames: on a connection each message comes after its length, 32 bits.

/// How many bytes precede a frame.
pub const LENGTH_BYTES: usize = 4;

/// A length that no frame here may have. Nothing was read or allocated for it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum FrameError {
    /// Below zero; bytes of another protocol often look like that.
    #[error("a frame of {length} bytes")]
    Negative {
        /// The length as it was sent.
        length: i32,
    },
    /// More than the limit of the receiver.
    #[error("a frame of {length} bytes, where {limit} is the most")]
    TooLarge {
        /// The length as it was sent.
        length: usize,
        /// The limit.
        limit: usize,
    },
}

/// The length of the frame that follows `prefix`.
///
/// ```
/// use ottla_protocol::{FrameError, frame_len};
/// assert_eq!(frame_len([0, 0, 0, 19], 1_024), Ok(19));
/// assert_eq!(frame_len(*b"GET ", 1_024), Err(FrameError::TooLarge { length: 0x4745_5420, limit: 1_024 }));
/// ```
///
/// # Errors
/// [`FrameError`] where the length is negative or above `limit`.
pub fn frame_len(prefix: [u8; LENGTH_BYTES], limit: usize) -> Result<usize, FrameError> {
    let length = i32::from_be_bytes(prefix);
    match usize::try_from(length) {
        Err(_) => Err(FrameError::Negative { length }),
        Ok(length) if length > limit => Err(FrameError::TooLarge { length, limit }),
        Ok(length) => Ok(length),
    }
}

//! The messages inside a compressed message of magic 0 or 1.
//!
//! In magic 0 they carry their offsets in the partition. In magic 1 they carry offsets from 0 on, and the
//! wrapper the offset of the last of them; where the wrapper is of log-append time, its timestamp is theirs
//! (KIP-31, KIP-32).

use super::{LegacyHeader, LegacyMessage, verify_checksum};
use crate::{Compression, Head, Magic, Offset, RecordError, TimestampType};

/// A decompressed set of messages, found whole.
#[derive(Clone, Debug)]
pub(crate) struct MessageSet {
    bytes: Vec<u8>,
    /// What is added to the offsets of the messages.
    offset_base: i64,
    append_time_ms: Option<i64>,
}

impl MessageSet {
    /// The set inside `wrapper`. Its checksums, sizes and formats are checked here.
    pub(crate) fn new(wrapper: &LegacyHeader, bytes: Vec<u8>) -> Result<MessageSet, RecordError> {
        let last_inner = last_offset(&bytes)?;
        let append_time_ms =
            (wrapper.timestamp_type() == Some(TimestampType::LogAppendTime)).then_some(wrapper.timestamp_ms);
        Ok(MessageSet { bytes, offset_base: offset_base(wrapper, last_inner)?, append_time_ms })
    }

    /// The messages, in their order.
    pub(crate) fn messages(&self) -> Messages<'_> {
        Messages { left: &self.bytes, offset_base: self.offset_base, append_time_ms: self.append_time_ms }
    }
}

fn last_offset(bytes: &[u8]) -> Result<i64, RecordError> {
    let mut left = bytes;
    let mut last = None;
    while !left.is_empty() {
        last = Some(take_message(&mut left)?.header.offset.get());
    }
    last.ok_or(RecordError::EmptyMessageSet)
}

fn offset_base(wrapper: &LegacyHeader, last_inner: i64) -> Result<i64, RecordError> {
    let wrapper_offset = wrapper.offset.get();
    match wrapper.magic {
        Magic::V0 => Ok(0),
        // Some versions of librdkafka left the offset of the wrapper at 0; Kafka takes the others as they are.
        _ if wrapper_offset == 0 => Ok(0),
        _ if last_inner < 0 || wrapper_offset < last_inner => {
            Err(RecordError::BadWrapperOffset { wrapper: wrapper_offset, last_inner })
        }
        _ => Ok(wrapper_offset - last_inner),
    }
}

/// Takes one message off the front, checksum verified.
fn take_message<'a>(left: &mut &'a [u8]) -> Result<LegacyMessage<'a>, RecordError> {
    let header = match Head::parse(left)? {
        Head::Legacy(header) => header,
        Head::V2(_) => return Err(RecordError::UnknownMagic { found: Magic::V2.get() }),
    };
    let needed = Head::Legacy(header).size_bytes();
    let (message, rest) =
        left.split_at_checked(needed).ok_or(RecordError::TooShort { needed, found: left.len() })?;
    verify_checksum(&header, message)?;
    if header.attributes.compression()? != Compression::None {
        return Err(RecordError::NestedCompression);
    }
    *left = rest;
    LegacyMessage::read(header, message)
}

/// The messages of a set.
#[derive(Clone, Debug)]
pub(crate) struct Messages<'a> {
    left: &'a [u8],
    offset_base: i64,
    append_time_ms: Option<i64>,
}

impl<'a> Iterator for Messages<'a> {
    type Item = Result<LegacyMessage<'a>, RecordError>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.left.is_empty() {
            return None;
        }
        let message = take_message(&mut self.left).map(|mut message| {
            let header = &mut message.header;
            header.offset = Offset::new(header.offset.get().saturating_add(self.offset_base));
            if let (Magic::V1, Some(append_time_ms)) = (header.magic, self.append_time_ms) {
                header.timestamp_ms = append_time_ms;
            }
            message
        });
        if message.is_err() {
            self.left = &[];
        }
        Some(message)
    }
}

use super::LegacyHeader;
use crate::verify::verify_size;
use crate::{Head, RecordError};

/// One message of magic 0 or 1, whole.
#[derive(Clone, Copy, Debug)]
pub(crate) struct LegacyMessage<'a> {
    pub(crate) header: LegacyHeader,
    pub(crate) key: Option<&'a [u8]>,
    pub(crate) value: Option<&'a [u8]>,
}

impl<'a> LegacyMessage<'a> {
    /// Reads the fields of a message whose bytes are exactly `message`. The checksum is not looked at.
    pub(crate) fn read(header: LegacyHeader, message: &'a [u8]) -> Result<LegacyMessage<'a>, RecordError> {
        let size = Head::Legacy(header).size_bytes();
        verify_size(message.len(), size)?;
        let mut left = message.get(header.len()..).unwrap_or_default();
        let key = take_nullable(&mut left)?;
        let value = take_nullable(&mut left)?;
        match left.len() {
            0 => Ok(LegacyMessage { header, key, value }),
            count => Err(RecordError::RecordTrailingBytes { count }),
        }
    }
}

fn take_nullable<'a>(left: &mut &'a [u8]) -> Result<Option<&'a [u8]>, RecordError> {
    let (length, rest) =
        left.split_first_chunk().ok_or(RecordError::FieldOverrun { needed: 4, left: left.len() })?;
    *left = rest;
    let length = i32::from_be_bytes(*length);
    if length == -1 {
        return Ok(None);
    }
    let needed = usize::try_from(length).map_err(|_| RecordError::BadFieldLength { length })?;
    let (bytes, rest) =
        left.split_at_checked(needed).ok_or(RecordError::FieldOverrun { needed, left: left.len() })?;
    *left = rest;
    Ok(Some(bytes))
}

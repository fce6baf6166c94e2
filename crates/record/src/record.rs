//! One record of a batch of magic 2: its layout, and how it is read and written.
//!
//! ```text
//!  length: varint               bytes after this field
//!  attributes: i8               unused, 0
//!  timestamp delta: varlong     from the batch's base timestamp
//!  offset delta: varint         from the batch's base offset
//!  key length: varint | key     length -1 for null
//!  value length: varint | value length -1 for null
//!  header count: varint | (name length: varint | name | value length: varint | value)*
//! ```
//!
//! The numbers are Kafka's zigzag varints. (Kafka: `DefaultRecord`; headers: KIP-82.)

use std::borrow::Cow;

use crate::{Offset, RecordError, varint};

/// The fewest bytes of a header: two lengths.
const MIN_HEADER_BYTES: usize = 2;

/// One record, borrowed from its batch.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct Record<'a> {
    /// Its place in the partition.
    pub offset: Offset,
    /// When it was created or appended, in milliseconds since 1970; -1 for none (as in magic 0).
    pub timestamp_ms: i64,
    /// Its number among those of its producer, where the producer numbers them.
    pub sequence: Option<i32>,
    /// The key; `None` is Kafka's null.
    pub key: Option<&'a [u8]>,
    /// The value; `None` is Kafka's null, a tombstone in a compacted topic.
    pub value: Option<&'a [u8]>,
    /// The headers, in their order.
    pub headers: Headers<'a>,
}

/// One header of a record. Names may repeat.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Header<'a> {
    /// The name: UTF-8 by KIP-82, which no broker enforces.
    pub name: &'a [u8],
    /// The value; `None` is Kafka's null.
    pub value: Option<&'a [u8]>,
}

impl<'a> Header<'a> {
    /// A header of this name and value.
    pub fn new(name: &'a str, value: Option<&'a [u8]>) -> Header<'a> {
        Header { name: name.as_bytes(), value }
    }

    /// The name as text, with U+FFFD in place of what is not UTF-8.
    pub fn name_lossy(&self) -> Cow<'a, str> {
        String::from_utf8_lossy(self.name)
    }
}

/// The headers of a record: an iterator over bytes that have been found whole.
#[derive(Clone, Debug, Default)]
pub struct Headers<'a> {
    bytes: &'a [u8],
    left: usize,
}

impl<'a> Headers<'a> {
    /// Finds the headers at the front of `bytes`, after their count, and takes them off.
    #[inline(always)]
    fn take(bytes: &mut &'a [u8]) -> Result<Headers<'a>, RecordError> {
        match take_varint(bytes)? {
            0 => Ok(Headers::default()),
            count => Headers::take_counted(bytes, count),
        }
    }

    fn take_counted(bytes: &mut &'a [u8], count: i32) -> Result<Headers<'a>, RecordError> {
        let left = bytes.len();
        let headers = match usize::try_from(count) {
            Ok(count) if count <= left / MIN_HEADER_BYTES => Headers { bytes, left: count },
            _ => return Err(RecordError::BadHeaderCount { count, left }),
        };
        for _ in 0..headers.left {
            take_header(bytes)?;
        }
        Ok(headers)
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.left == 0
    }
}

impl<'a> Iterator for Headers<'a> {
    type Item = Header<'a>;

    fn next(&mut self) -> Option<Header<'a>> {
        self.left = self.left.checked_sub(1)?;
        take_header(&mut self.bytes).ok()
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        (self.left, Some(self.left))
    }
}

impl ExactSizeIterator for Headers<'_> {}

impl PartialEq for Headers<'_> {
    fn eq(&self, other: &Self) -> bool {
        self.clone().eq(other.clone())
    }
}

/// A record as it stands in its batch, its distances not yet added to the batch's bases.
#[derive(Clone, Debug)]
pub(crate) struct RawRecord<'a> {
    pub(crate) timestamp_delta_ms: i64,
    pub(crate) offset_delta: i32,
    pub(crate) key: Option<&'a [u8]>,
    pub(crate) value: Option<&'a [u8]>,
    pub(crate) headers: Headers<'a>,
}

impl<'a> RawRecord<'a> {
    /// Reads the record whose fields after the length are exactly `body`.
    #[inline(always)]
    pub(crate) fn read(body: &'a [u8]) -> Result<RawRecord<'a>, RecordError> {
        let mut left = body;
        take_bytes(&mut left, 1)?;
        let timestamp_delta_ms = varint::take_i64(&mut left).map_err(overrun)?;
        let offset_delta = take_varint(&mut left)?;
        let key = take_nullable(&mut left)?;
        let value = take_nullable(&mut left)?;
        let headers = Headers::take(&mut left)?;
        match left.len() {
            0 => Ok(RawRecord { timestamp_delta_ms, offset_delta, key, value, headers }),
            count => Err(RecordError::RecordTrailingBytes { count }),
        }
    }

    /// Appends the record, its length first.
    pub(crate) fn write(
        timestamp_delta_ms: i64,
        offset_delta: i32,
        key: Option<&[u8]>,
        value: Option<&[u8]>,
        headers: &[Header<'_>],
        out: &mut Vec<u8>,
    ) -> Result<(), RecordError> {
        let header_count = i32::try_from(headers.len()).map_err(|_| TOO_LONG)?;
        let mut len = 1 + varint::len_i64(timestamp_delta_ms) + varint::len_i32(offset_delta);
        len = len.saturating_add(nullable_len(key)?).saturating_add(nullable_len(value)?);
        len = len.saturating_add(varint::len_i32(header_count));
        for header in headers {
            len = len.saturating_add(nullable_len(Some(header.name))?);
            len = len.saturating_add(nullable_len(header.value)?);
        }
        varint::put_i32(out, i32::try_from(len).map_err(|_| TOO_LONG)?);
        out.push(0);
        varint::put_i64(out, timestamp_delta_ms);
        varint::put_i32(out, offset_delta);
        put_nullable(out, key);
        put_nullable(out, value);
        varint::put_i32(out, header_count);
        for header in headers {
            put_nullable(out, Some(header.name));
            put_nullable(out, header.value);
        }
        Ok(())
    }
}

/// What is at the front of a run of records.
pub(crate) enum Framed<'a> {
    /// A record's fields, and the bytes after the record.
    Whole { body: &'a [u8], rest: &'a [u8] },
    /// The bytes end within the record, of which this many are needed.
    Needs { size_bytes: usize },
}

/// Finds the first record in `bytes` by its length, without reading it.
#[inline(always)]
pub(crate) fn frame(bytes: &[u8]) -> Result<Framed<'_>, RecordError> {
    let mut left = bytes;
    let length = match varint::take_i32(&mut left) {
        Ok(length) => length,
        Err(RecordError::TooShort { needed, .. }) => return Ok(Framed::Needs { size_bytes: needed }),
        Err(other) => return Err(other),
    };
    let Ok(body_bytes) = usize::try_from(length) else {
        return Err(RecordError::BadFieldLength { length });
    };
    match left.split_at_checked(body_bytes) {
        Some((body, rest)) => Ok(Framed::Whole { body, rest }),
        None => Ok(Framed::Needs { size_bytes: (bytes.len() - left.len()).saturating_add(body_bytes) }),
    }
}

/// What stands in front of a record, and where it ends, of a record that is as nearly all are: whole, without
/// headers, and with lengths and distances of one or two bytes each. `None` says nothing about others.
#[inline(always)]
pub(crate) fn take_plain<'a>(bytes: &mut &'a [u8]) -> Option<PlainStamp> {
    let all: &'a [u8] = bytes;
    #[expect(clippy::little_endian_bytes, reason = "varints begin with the lowest bits")]
    let window = u64::from_le_bytes(*all.first_chunk()?);
    let (length, length_bytes, window) = varint::short_of(window)?;
    // Length, attributes, and two distances are seven bytes at most.
    let (timestamp_delta_ms, time_bytes, window) = varint::short_of(window >> 8)?;
    let (offset_delta, offset_bytes, _) = varint::short_of(window)?;
    let key_at = length_bytes + 1 + time_bytes + offset_bytes;
    let value_at = field_end(all, key_at)?;
    let headers_at = field_end(all, value_at)?;
    let is_whole = usize::try_from(length).ok()? + length_bytes == headers_at + 1;
    if !is_whole || all.get(headers_at) != Some(&0) {
        return None;
    }
    *bytes = all.get(headers_at + 1..)?;
    Some(PlainStamp { timestamp_delta_ms: i64::from(timestamp_delta_ms), offset_delta })
}

/// The distances of a record from the bases of its batch.
pub(crate) struct PlainStamp {
    pub(crate) timestamp_delta_ms: i64,
    pub(crate) offset_delta: i32,
}

/// Where a key or value ends whose length stands at `at`, in a byte or two.
#[inline(always)]
fn field_end(bytes: &[u8], at: usize) -> Option<usize> {
    let [low, high] = *bytes.get(at..)?.first_chunk()?;
    let (length, length_bytes, _) = varint::short_of(u64::from(low) | u64::from(high) << 8)?;
    // A null is as long as an empty one.
    let length = usize::try_from(length.max(0)).ok().filter(|_| length >= -1)?;
    Some(at + length_bytes + length)
}

const TOO_LONG: RecordError = RecordError::DoesNotFit { what: "a record of more than 2 GiB" };

#[inline(always)]
fn take_varint(left: &mut &[u8]) -> Result<i32, RecordError> {
    varint::take_i32(left).map_err(overrun)
}

/// Inside a record, whose end is known, a number that ends too early is not one to wait for.
#[cold]
fn overrun(error: RecordError) -> RecordError {
    match error {
        RecordError::TooShort { needed, found } => RecordError::FieldOverrun { needed, left: found },
        other => other,
    }
}

#[inline(always)]
fn take_bytes<'a>(left: &mut &'a [u8], len: usize) -> Result<&'a [u8], RecordError> {
    let Some((bytes, rest)) = left.split_at_checked(len) else {
        return Err(RecordError::FieldOverrun { needed: len, left: left.len() });
    };
    *left = rest;
    Ok(bytes)
}

#[inline(always)]
fn take_nullable<'a>(left: &mut &'a [u8]) -> Result<Option<&'a [u8]>, RecordError> {
    match take_varint(left)? {
        -1 => Ok(None),
        length => match usize::try_from(length) {
            Ok(len) => take_bytes(left, len).map(Some),
            Err(_) => Err(RecordError::BadFieldLength { length }),
        },
    }
}

fn take_header<'a>(left: &mut &'a [u8]) -> Result<Header<'a>, RecordError> {
    let name = take_nullable(left)?.ok_or(RecordError::BadFieldLength { length: -1 })?;
    let value = take_nullable(left)?;
    Ok(Header { name, value })
}

fn nullable_len(bytes: Option<&[u8]>) -> Result<usize, RecordError> {
    match bytes {
        None => Ok(1),
        Some(bytes) => {
            let length = i32::try_from(bytes.len()).map_err(|_| TOO_LONG)?;
            Ok(varint::len_i32(length).saturating_add(bytes.len()))
        }
    }
}

/// Appends a length and the bytes. [`nullable_len`] has said before that the length fits.
fn put_nullable(out: &mut Vec<u8>, bytes: Option<&[u8]>) {
    match bytes {
        None => varint::put_i32(out, -1),
        Some(bytes) => {
            varint::put_i32(out, bytes.len() as i32);
            out.extend_from_slice(bytes);
        }
    }
}

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
    /// Takes the record at the front of `bytes`, all of which are there.
    #[inline(always)]
    pub(crate) fn take(bytes: &mut &'a [u8]) -> Result<RawRecord<'a>, RecordError> {
        match take_plain(bytes) {
            Some(record) => Ok(record),
            None => RawRecord::take_other(bytes),
        }
    }

    /// Apart from the loops over plain records, which stay small this way.
    #[inline(never)]
    fn take_other(bytes: &mut &'a [u8]) -> Result<RawRecord<'a>, RecordError> {
        match frame(bytes)? {
            Framed::Whole { body, rest } => {
                *bytes = rest;
                RawRecord::read(body)
            }
            Framed::Needs { size_bytes } => {
                Err(RecordError::FieldOverrun { needed: size_bytes, left: bytes.len() })
            }
        }
    }

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

/// A record that is as nearly all are: whole, without headers, and with lengths and distances of one or two bytes
/// each. `None` says nothing about others, and takes nothing.
#[inline(always)]
fn take_plain<'a>(bytes: &mut &'a [u8]) -> Option<RawRecord<'a>> {
    let all: &'a [u8] = bytes;
    #[expect(clippy::little_endian_bytes, reason = "varints begin with the lowest bits")]
    let window = u64::from_le_bytes(*all.first_chunk()?);
    let (length, length_bytes, window) = varint::short_of(window)?;
    // Where the next record begins hangs on the length alone: the processor looks at it before it is done here.
    let (record, rest) = all.split_at_checked(length_bytes + usize::try_from(length).ok()?)?;
    // Length, attributes, and two distances are seven bytes at most.
    let (timestamp_delta_ms, time_bytes, window) = varint::short_of(window >> 8)?;
    let (offset_delta, offset_bytes, _) = varint::short_of(window)?;
    let (key, left) = plain_field(record.get(length_bytes + 1 + time_bytes + offset_bytes..)?)?;
    let (value, left) = plain_field(left)?;
    // No headers.
    if *left != [0] {
        return None;
    }
    *bytes = rest;
    let timestamp_delta_ms = i64::from(timestamp_delta_ms);
    Some(RawRecord { timestamp_delta_ms, offset_delta, key, value, headers: Headers::default() })
}

/// A key or value whose length has one or two bytes, and what is behind it.
#[inline(always)]
fn plain_field(bytes: &[u8]) -> Option<(Option<&[u8]>, &[u8])> {
    let [low, high] = *bytes.first_chunk()?;
    let (length, length_bytes, _) = varint::short_of(u64::from(low) | u64::from(high) << 8)?;
    let behind = bytes.get(length_bytes..)?;
    match usize::try_from(length) {
        Ok(length) => behind.split_at_checked(length).map(|(field, rest)| (Some(field), rest)),
        Err(_) => (length == -1).then_some((None, behind)),
    }
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

#[cfg(test)]
mod tests {
    use super::*;

    fn record(
        timestamp_delta_ms: i64,
        offset_delta: i32,
        key: Option<&[u8]>,
        value: Option<&[u8]>,
    ) -> Vec<u8> {
        let mut bytes = Vec::new();
        RawRecord::write(timestamp_delta_ms, offset_delta, key, value, &[], &mut bytes).unwrap();
        bytes
    }

    /// What the shortcut says, and how many bytes it takes.
    fn plain(bytes: &[u8]) -> Option<(i64, i32, usize)> {
        let mut left = bytes;
        take_plain(&mut left)
            .map(|stamp| (stamp.timestamp_delta_ms, stamp.offset_delta, bytes.len() - left.len()))
    }

    #[test]
    fn the_shortcut_takes_every_plain_record() {
        let long = [7; 300];
        for delta in [0, 1, -1, 63, -64, 64, 8_191, -8_192] {
            for field in [None, Some(&b""[..]), Some(b"k"), Some(&long[..63]), Some(&long[..64]), Some(&long)]
            {
                for (key, value) in [(field, Some(&b"value"[..])), (Some(&b"key"[..]), field)] {
                    let bytes = record(delta, delta as i32, key, value);
                    let followed = [&bytes[..], &[0xff; 9]].concat();
                    let found = Some((delta, delta as i32, bytes.len()));
                    assert_eq!(plain(&followed), found, "{delta} {key:?} {value:?}");
                }
            }
        }
    }

    #[test]
    fn the_shortcut_leaves_other_records_alone() {
        let mut with_header = Vec::new();
        let header = Header::new("h", None);
        RawRecord::write(0, 0, None, Some(b"value"), &[header], &mut with_header).unwrap();
        assert_eq!(plain(&[&with_header[..], &[0; 9]].concat()), None);
        assert_eq!(plain(&record(8_192, 0, None, Some(b"value"))), None, "a time of three bytes");
        assert_eq!(plain(&record(0, 8_192, None, Some(b"value"))), None, "an offset of three bytes");
        let whole = record(0, 0, Some(b"key"), Some(b"value"));
        for cut in 0..whole.len() {
            assert_eq!(plain(&whole[..cut]), None, "{cut}");
        }
        for (at, byte, why) in [
            (0, 30, "ends later than its fields"),
            (0, 26, "ends before its fields"),
            (4, 3, "a key of -2 bytes"),
            (8, 3, "a value of -2 bytes"),
            (whole.len() - 1, 1, "one header"),
        ] {
            let mut bytes = [&whole[..], &[0; 9]].concat();
            bytes[at] = byte;
            assert_eq!(plain(&bytes), None, "{why}");
        }
    }
}

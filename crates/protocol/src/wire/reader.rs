//! Reads Kafka's primitive types from a borrowed frame.

use crate::wire::{Decode, List, Uuid};
use crate::{ErrorCode, ProtocolError};

/// How many bytes the lists of a decoded response may take in memory for each byte of the frame.
///
/// No message of a real broker comes near it; a frame that claims more is refused before the memory is taken.
const MEMORY_PER_BYTE: usize = 16;
/// What small frames may take beyond [`MEMORY_PER_BYTE`].
const MEMORY_BASE: usize = 64 * 1024;

/// The longest string, in the compact form too, as in Kafka.
pub(super) const MAX_STRING_BYTES: usize = i16::MAX as usize;

/// A cursor over one frame that never leaves it.
///
/// Every method takes the name of the field it reads, so that an error can say where the frame went wrong.
/// In the flexible versions (KIP-482) lengths and counts are unsigned varints, otherwise fixed-width integers.
///
/// ```
/// use ottla_protocol::wire::Reader;
/// let mut reader = Reader::new(&[0, 5, b'o', b't', b't', b'l', b'a'], false);
/// assert_eq!(reader.string("name"), Ok("ottla"));
/// assert!(reader.i32("partition").is_err());
/// ```
#[derive(Clone, Debug)]
pub struct Reader<'a> {
    bytes: &'a [u8],
    position: usize,
    flexible: bool,
    memory_left: usize,
}

impl<'a> Reader<'a> {
    /// A cursor at the start of `bytes`.
    pub fn new(bytes: &'a [u8], flexible: bool) -> Reader<'a> {
        let memory_left = bytes.len().saturating_mul(MEMORY_PER_BYTE).saturating_add(MEMORY_BASE);
        Reader { bytes, position: 0, flexible, memory_left }
    }

    /// Where the cursor is, in bytes from the start of the frame.
    pub fn position(&self) -> usize {
        self.position
    }

    /// How many bytes are left.
    pub fn remaining(&self) -> usize {
        self.bytes.len().saturating_sub(self.position)
    }

    /// Whether the compact forms and tagged fields apply.
    pub fn is_flexible(&self) -> bool {
        self.flexible
    }

    /// The same bytes and place, read in the flexible form or not: a header and its body may differ.
    pub(crate) fn with_flexible(self, flexible: bool) -> Reader<'a> {
        Reader { flexible, ..self }
    }

    /// The next `length` bytes.
    ///
    /// # Errors
    /// [`ProtocolError::UnexpectedEnd`].
    pub fn take(&mut self, field: &'static str, length: usize) -> Result<&'a [u8], ProtocolError> {
        let end = self.position.checked_add(length);
        let Some((end, taken)) = end.and_then(|end| Some((end, self.bytes.get(self.position..end)?))) else {
            let (position, found) = (self.position, self.remaining());
            return Err(ProtocolError::UnexpectedEnd { field, position, needed: length, found });
        };
        self.position = end;
        Ok(taken)
    }

    fn fixed<const N: usize>(&mut self, field: &'static str) -> Result<[u8; N], ProtocolError> {
        let mut fixed = [0; N];
        fixed.copy_from_slice(self.take(field, N)?);
        Ok(fixed)
    }

    /// 8 bits, signed.
    ///
    /// # Errors
    /// [`ProtocolError::UnexpectedEnd`].
    pub fn i8(&mut self, field: &'static str) -> Result<i8, ProtocolError> {
        Ok(i8::from_be_bytes(self.fixed(field)?))
    }

    /// 16 bits, signed.
    ///
    /// # Errors
    /// [`ProtocolError::UnexpectedEnd`].
    pub fn i16(&mut self, field: &'static str) -> Result<i16, ProtocolError> {
        Ok(i16::from_be_bytes(self.fixed(field)?))
    }

    /// 32 bits, signed.
    ///
    /// # Errors
    /// [`ProtocolError::UnexpectedEnd`].
    pub fn i32(&mut self, field: &'static str) -> Result<i32, ProtocolError> {
        Ok(i32::from_be_bytes(self.fixed(field)?))
    }

    /// 64 bits, signed.
    ///
    /// # Errors
    /// [`ProtocolError::UnexpectedEnd`].
    pub fn i64(&mut self, field: &'static str) -> Result<i64, ProtocolError> {
        Ok(i64::from_be_bytes(self.fixed(field)?))
    }

    /// A byte; any value but zero is true, as in Kafka.
    ///
    /// # Errors
    /// [`ProtocolError::UnexpectedEnd`].
    pub fn bool(&mut self, field: &'static str) -> Result<bool, ProtocolError> {
        Ok(self.i8(field)? != 0)
    }

    /// A topic id, 16 bytes.
    ///
    /// # Errors
    /// [`ProtocolError::UnexpectedEnd`].
    pub fn uuid(&mut self, field: &'static str) -> Result<Uuid, ProtocolError> {
        Ok(Uuid::from_bytes(self.fixed(field)?))
    }

    /// An error code; one that Kafka 4.3 does not know reads as [`ErrorCode::UnknownServerError`], as in Kafka.
    ///
    /// # Errors
    /// [`ProtocolError::UnexpectedEnd`].
    pub fn error_code(&mut self, field: &'static str) -> Result<ErrorCode, ProtocolError> {
        Ok(ErrorCode::from(self.i16(field)?))
    }

    /// An unsigned LEB128 varint of at most five bytes and 32 bits.
    ///
    /// # Errors
    /// [`ProtocolError::UnexpectedEnd`], [`ProtocolError::VarintTooLong`].
    pub fn unsigned_varint(&mut self, field: &'static str) -> Result<u32, ProtocolError> {
        let position = self.position;
        let mut value: u32 = 0;
        for shift in [0, 7, 14, 21, 28] {
            let [byte] = self.fixed(field)?;
            if shift == 28 && byte > 0x0f {
                break;
            }
            value |= u32::from(byte & 0x7f) << shift;
            if byte & 0x80 == 0 {
                return Ok(value);
            }
        }
        Err(ProtocolError::VarintTooLong { field, position })
    }

    /// The length that precedes strings (16 bits where not flexible).
    fn string_length(&mut self, field: &'static str) -> Result<Option<usize>, ProtocolError> {
        if self.flexible {
            return self.compact_length(field);
        }
        let position = self.position;
        let length = self.i16(field)?;
        signed_length(i64::from(length), field, position)
    }

    /// The length or count that precedes bytes and lists (32 bits where not flexible).
    fn length(&mut self, field: &'static str) -> Result<Option<usize>, ProtocolError> {
        if self.flexible {
            return self.compact_length(field);
        }
        let position = self.position;
        let length = self.i32(field)?;
        signed_length(i64::from(length), field, position)
    }

    /// A compact length is one more than what it stands for; zero is null.
    fn compact_length(&mut self, field: &'static str) -> Result<Option<usize>, ProtocolError> {
        let position = self.position;
        match self.unsigned_varint(field)?.checked_sub(1) {
            None => Ok(None),
            Some(length) => signed_length(i64::from(length.cast_signed()), field, position),
        }
    }

    /// A string of UTF-8, or null.
    ///
    /// # Errors
    /// [`ProtocolError`] where the length is negative or exceeds the frame, or the bytes are not UTF-8.
    pub fn nullable_string(&mut self, field: &'static str) -> Result<Option<&'a str>, ProtocolError> {
        let length_at = self.position;
        let Some(length) = self.string_length(field)? else { return Ok(None) };
        if length > MAX_STRING_BYTES {
            return Err(ProtocolError::StringTooLong { field, position: length_at, length });
        }
        let position = self.position;
        let bytes = self.take(field, length)?;
        match str::from_utf8(bytes) {
            Ok(string) => Ok(Some(string)),
            Err(_) => Err(ProtocolError::InvalidUtf8 { field, position }),
        }
    }

    /// A string of UTF-8.
    ///
    /// # Errors
    /// As [`Reader::nullable_string`], and [`ProtocolError::UnexpectedNull`].
    pub fn string(&mut self, field: &'static str) -> Result<&'a str, ProtocolError> {
        let position = self.position;
        self.nullable_string(field)?.ok_or(ProtocolError::UnexpectedNull { field, position })
    }

    /// Bytes that this crate does not look into, such as record batches.
    ///
    /// # Errors
    /// [`ProtocolError`] where the length is negative or exceeds the frame.
    pub fn nullable_bytes(&mut self, field: &'static str) -> Result<Option<&'a [u8]>, ProtocolError> {
        match self.length(field)? {
            Some(length) => Ok(Some(self.take(field, length)?)),
            None => Ok(None),
        }
    }

    /// How many elements follow. Every element takes at least one byte, so a count above what is left is a lie.
    fn count(&mut self, field: &'static str) -> Result<Option<usize>, ProtocolError> {
        let position = self.position;
        let count = self.length(field)?;
        match count {
            Some(count) if count > self.remaining() => {
                Err(ProtocolError::UnexpectedEnd { field, position, needed: count, found: self.remaining() })
            }
            count => Ok(count),
        }
    }

    /// A list that stays in the frame: every element is checked now and read again when it is iterated.
    /// Nothing is allocated, whatever the frame claims.
    ///
    /// # Errors
    /// Any [`ProtocolError`] of an element.
    pub fn nullable_list<T: Decode<'a>>(
        &mut self,
        field: &'static str,
        version: i16,
    ) -> Result<Option<List<'a, T>>, ProtocolError> {
        let Some(count) = self.count(field)? else { return Ok(None) };
        let start = self.position;
        for _ in 0..count {
            T::decode(self, version).map_err(|error| error.in_list(field))?;
        }
        let elements = self.bytes.get(start..self.position).unwrap_or_default();
        Ok(Some(List::from_wire(elements, count, version, self.flexible)))
    }

    /// A list that stays in the frame and must not be null; see [`Reader::nullable_list`].
    ///
    /// # Errors
    /// As [`Reader::nullable_list`], and [`ProtocolError::UnexpectedNull`].
    pub fn list<T: Decode<'a>>(
        &mut self,
        field: &'static str,
        version: i16,
    ) -> Result<List<'a, T>, ProtocolError> {
        let position = self.position;
        self.nullable_list(field, version)?.ok_or(ProtocolError::UnexpectedNull { field, position })
    }

    /// A list read into memory, as responses hold it. The memory is reserved once, and only within the budget of
    /// the frame.
    ///
    /// # Errors
    /// Any [`ProtocolError`] of an element, and [`ProtocolError::TooManyElements`].
    pub fn nullable_vec<T: Decode<'a>>(
        &mut self,
        field: &'static str,
        version: i16,
    ) -> Result<Option<Vec<T>>, ProtocolError> {
        let position = self.position;
        let Some(count) = self.count(field)? else { return Ok(None) };
        let memory = count.saturating_mul(size_of::<T>());
        let Some(memory_left) = self.memory_left.checked_sub(memory) else {
            return Err(ProtocolError::TooManyElements { field, position, count });
        };
        self.memory_left = memory_left;
        let mut elements = Vec::with_capacity(count);
        for _ in 0..count {
            elements.push(T::decode(self, version).map_err(|error| error.in_list(field))?);
        }
        Ok(Some(elements))
    }

    /// A list read into memory that must not be null; see [`Reader::nullable_vec`].
    ///
    /// # Errors
    /// As [`Reader::nullable_vec`], and [`ProtocolError::UnexpectedNull`].
    pub fn vec<T: Decode<'a>>(&mut self, field: &'static str, version: i16) -> Result<Vec<T>, ProtocolError> {
        let position = self.position;
        self.nullable_vec(field, version)?.ok_or(ProtocolError::UnexpectedNull { field, position })
    }

    /// A cursor over the next `length` bytes only, which this one steps over once it is [closed](Self::close).
    pub(super) fn narrow(&self, field: &'static str, length: usize) -> Result<Reader<'a>, ProtocolError> {
        let end = self.position.checked_add(length);
        match end.and_then(|end| self.bytes.get(..end)) {
            Some(bytes) => Ok(Reader { bytes, ..self.clone() }),
            None => {
                let (position, found) = (self.position, self.remaining());
                Err(ProtocolError::UnexpectedEnd { field, position, needed: length, found })
            }
        }
    }

    /// Takes over what a [narrowed](Self::narrow) cursor has consumed.
    pub(super) fn close(&mut self, narrowed: &Reader<'a>) {
        self.position = narrowed.position;
        self.memory_left = narrowed.memory_left;
    }
}

/// Minus one is null; less is nonsense.
fn signed_length(length: i64, field: &'static str, position: usize) -> Result<Option<usize>, ProtocolError> {
    match usize::try_from(length) {
        Ok(length) => Ok(Some(length)),
        Err(_) if length == -1 => Ok(None),
        Err(_) => Err(ProtocolError::NegativeLength { field, position, found: length }),
    }
}

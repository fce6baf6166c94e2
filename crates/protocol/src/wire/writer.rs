//! Writes Kafka's primitive types into one reusable buffer.

use std::ops::Range;

use crate::wire::reader::MAX_STRING_BYTES;
use crate::wire::{Decode, Encode, List, Uuid};
use crate::{EncodeError, ErrorCode, LENGTH_BYTES};

/// What a frame is sent from, in order.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Part {
    /// Bytes of the writer's own [buffer](Writer::bytes).
    Bytes(Range<usize>),
    /// Bytes that the sender holds, such as a range of a log file.
    External {
        /// Which one, counted over all external parts since the last [`Writer::clear`], empty ones included.
        index: usize,
        /// How many bytes to send; never zero.
        len: usize,
    },
}

/// Where external bytes go: before the byte `at` of the buffer.
#[derive(Clone, Copy, Debug)]
struct Mark {
    at: usize,
    index: usize,
    len: usize,
}

/// Where a frame began, so that its length can be filled in or the frame taken back.
#[derive(Clone, Copy, Debug)]
pub(crate) struct FrameStart {
    at: usize,
    marks: usize,
    externals: usize,
}

/// A growing buffer of frames, with marks where external bytes go.
///
/// It can be reused: [`clear`](Writer::clear) keeps the memory. Several frames may stand one after the other.
/// The first error is kept, and the frame in which it happened is taken back as a whole when it ends.
///
/// ```
/// use ottla_protocol::wire::{Part, Writer};
/// let mut writer = Writer::new();
/// writer.i16(7);
/// writer.external(1_000);
/// writer.i8(0);
/// let parts: Vec<Part> = writer.parts().collect();
/// assert_eq!(parts, [Part::Bytes(0..2), Part::External { index: 0, len: 1_000 }, Part::Bytes(2..3)]);
/// ```
#[derive(Debug, Default)]
pub struct Writer {
    buffer: Vec<u8>,
    marks: Vec<Mark>,
    /// How many external parts there were, with the empty ones, which have no mark.
    externals: usize,
    flexible: bool,
    error: Option<EncodeError>,
}

impl Writer {
    /// An empty writer.
    pub fn new() -> Writer {
        Writer::default()
    }

    /// Forgets what was written and keeps the memory.
    pub fn clear(&mut self) {
        self.buffer.clear();
        self.marks.clear();
        self.externals = 0;
        self.flexible = false;
        self.error = None;
    }

    /// Returns memory above `capacity_bytes` to the system, for a writer that once held a large frame.
    pub fn shrink_to(&mut self, capacity_bytes: usize) {
        self.buffer.shrink_to(capacity_bytes);
        self.marks.shrink_to(capacity_bytes / size_of::<Mark>());
    }

    /// The buffer. Without external parts it is what goes to the peer.
    pub fn bytes(&self) -> &[u8] {
        &self.buffer
    }

    /// Whether nothing was written.
    pub fn is_empty(&self) -> bool {
        self.buffer.is_empty() && self.marks.is_empty()
    }

    /// How many bytes go to the peer, external ones included.
    pub fn total_bytes(&self) -> usize {
        self.marks.iter().fold(self.buffer.len(), |total, mark| total.saturating_add(mark.len))
    }

    /// What to send, in order; empty parts are left out.
    pub fn parts(&self) -> impl Iterator<Item = Part> {
        let mut sent = 0;
        let marked = self.marks.iter().flat_map(move |mark| {
            let head = Part::Bytes(sent..mark.at);
            sent = mark.at;
            [head, Part::External { index: mark.index, len: mark.len }]
        });
        let last = self.marks.last().map_or(0, |mark| mark.at);
        let parts = marked.chain([Part::Bytes(last..self.buffer.len())]);
        parts.filter(|part| !matches!(part, Part::Bytes(range) if range.is_empty()))
    }

    /// The bytes of a [`Part::Bytes`].
    pub fn part_bytes(&self, range: Range<usize>) -> &[u8] {
        self.buffer.get(range).unwrap_or_default()
    }

    pub(crate) fn is_flexible(&self) -> bool {
        self.flexible
    }

    pub(crate) fn set_flexible(&mut self, flexible: bool) {
        self.flexible = flexible;
    }

    pub(crate) fn position(&self) -> usize {
        self.buffer.len()
    }

    /// Keeps the first error; the end of the frame reports it.
    pub(crate) fn fail(&mut self, error: EncodeError) {
        self.error.get_or_insert(error);
    }

    /// Notes that `field` cannot be sent in this version, where it holds something.
    pub(crate) fn unsupported(&mut self, is_set: bool, field: &'static str, version: i16) {
        if is_set {
            self.fail(EncodeError::UnsupportedField { field, version });
        }
    }

    /// The place to which [`check`](Writer::check) takes back what failed.
    pub(crate) fn mark(&self) -> FrameStart {
        FrameStart { at: self.buffer.len(), marks: self.marks.len(), externals: self.externals }
    }

    /// Leaves room for the length that precedes a frame.
    pub(crate) fn begin_frame(&mut self) -> FrameStart {
        let start = self.mark();
        self.i32(0);
        start
    }

    /// Fills in the length of the frame, external bytes included, or takes the frame back.
    pub(crate) fn end_frame(&mut self, start: FrameStart) -> Result<(), EncodeError> {
        let own = self.buffer.len().saturating_sub(start.at).saturating_sub(LENGTH_BYTES);
        let external = self.marks.iter().skip(start.marks);
        let size_bytes = external.fold(own, |total, mark| total.saturating_add(mark.len));
        match i32::try_from(size_bytes) {
            Ok(length) => self.patch(start.at, &length.to_be_bytes()),
            Err(_) => self.fail(EncodeError::FrameTooLarge { size_bytes }),
        }
        self.check(start)
    }

    /// Reports the first error since the last check, and takes back what was written since `start`.
    pub(crate) fn check(&mut self, start: FrameStart) -> Result<(), EncodeError> {
        let Some(error) = self.error.take() else { return Ok(()) };
        self.buffer.truncate(start.at);
        self.marks.truncate(start.marks);
        self.externals = start.externals;
        Err(error)
    }

    /// Writes over bytes that are there.
    pub(super) fn patch(&mut self, at: usize, bytes: &[u8]) {
        let end = at.saturating_add(bytes.len());
        if let Some(place) = self.buffer.get_mut(at..end) {
            place.copy_from_slice(bytes);
        }
    }

    /// A tag, the size of what `write` writes, and that. It must not write external bytes: a mark would not move
    /// when the size goes in front.
    pub(super) fn sized_field(&mut self, tag: u32, write: impl FnOnce(&mut Writer)) {
        self.unsigned_varint(tag);
        let start = self.buffer.len();
        write(self);
        let size_bytes = self.buffer.len().saturating_sub(start);
        self.varint_length(size_bytes);
        let width = self.buffer.len().saturating_sub(start).saturating_sub(size_bytes);
        if let Some(field) = self.buffer.get_mut(start..) {
            field.rotate_right(width);
        }
    }

    /// Appends bytes as they are.
    pub fn raw(&mut self, bytes: &[u8]) {
        self.buffer.extend_from_slice(bytes);
    }

    /// Appends 8 bits.
    pub fn i8(&mut self, value: i8) {
        self.raw(&value.to_be_bytes());
    }

    /// Appends 16 bits.
    pub fn i16(&mut self, value: i16) {
        self.raw(&value.to_be_bytes());
    }

    /// Appends 32 bits.
    pub fn i32(&mut self, value: i32) {
        self.raw(&value.to_be_bytes());
    }

    /// Appends 64 bits.
    pub fn i64(&mut self, value: i64) {
        self.raw(&value.to_be_bytes());
    }

    /// Appends one byte, 0 or 1.
    pub fn bool(&mut self, value: bool) {
        self.i8(i8::from(value));
    }

    /// Appends 16 bytes.
    pub fn uuid(&mut self, value: Uuid) {
        self.raw(value.as_bytes());
    }

    /// Appends the number of an error.
    pub fn error_code(&mut self, value: ErrorCode) {
        self.i16(value.code());
    }

    /// Appends an unsigned LEB128 varint.
    pub fn unsigned_varint(&mut self, mut value: u32) {
        while value > 0x7f {
            self.raw(&[(value & 0x7f) as u8 | 0x80]);
            value >>= 7;
        }
        self.raw(&[value as u8]);
    }

    fn varint_length(&mut self, length: usize) {
        match u32::try_from(length) {
            Ok(length) => self.unsigned_varint(length),
            Err(_) => self.fail(EncodeError::TooLong { length, limit: i32::MAX as usize }),
        }
    }

    /// A length in whichever form applies; `limit` is what the fixed-width form can hold.
    fn length_prefix(&mut self, length: Option<usize>, limit: usize, fixed: fn(&mut Writer, i32)) {
        let checked = length.map(|length| i32::try_from(length).ok().filter(|_| length <= limit));
        match (checked, self.flexible) {
            (Some(None), _) => self.fail(EncodeError::TooLong { length: length.unwrap_or_default(), limit }),
            (None, true) => self.unsigned_varint(0),
            (None, false) => fixed(self, -1),
            (Some(Some(length)), true) => self.unsigned_varint(length.unsigned_abs().saturating_add(1)),
            (Some(Some(length)), false) => fixed(self, length),
        }
    }

    /// A length of strings: 16 bits where not flexible.
    fn string_length(&mut self, length: Option<usize>) {
        self.length_prefix(length, MAX_STRING_BYTES, |writer, length| writer.i16(length as i16));
    }

    /// A length or count of bytes and lists: 32 bits where not flexible.
    fn length(&mut self, length: Option<usize>) {
        self.length_prefix(length, i32::MAX as usize - 1, Writer::i32);
    }

    /// Appends a string.
    pub fn string(&mut self, value: &str) {
        self.nullable_string(Some(value));
    }

    /// Appends a string or null.
    pub fn nullable_string(&mut self, value: Option<&str>) {
        self.string_length(value.map(str::len));
        self.raw(value.unwrap_or_default().as_bytes());
    }

    /// Appends a string that this version cannot leave out.
    pub(crate) fn required_string(&mut self, field: &'static str, value: Option<&str>) {
        match value {
            Some(value) => self.string(value),
            None => self.fail(EncodeError::UnexpectedNull { field }),
        }
    }

    /// Appends bytes or null, after their length.
    pub fn nullable_bytes(&mut self, value: Option<&[u8]>) {
        self.length(value.map(<[u8]>::len));
        self.raw(value.unwrap_or_default());
    }

    /// Appends the length of bytes that the sender holds, and a mark for them. Their index is the number of
    /// external parts before them.
    pub fn external_bytes(&mut self, len: usize) {
        self.length(Some(len));
        self.external(len);
    }

    /// Marks that `len` bytes of the sender follow here.
    pub fn external(&mut self, len: usize) {
        if len > 0 {
            self.marks.push(Mark { at: self.buffer.len(), index: self.externals, len });
        }
        self.externals = self.externals.saturating_add(1);
    }

    /// Appends the list of a request.
    pub fn list<'a, T: Decode<'a> + Encode + Copy>(&mut self, list: &List<'a, T>, version: i16) {
        self.nullable_list(Some(list), version);
    }

    /// Appends the list of a request, or null.
    pub fn nullable_list<'a, T: Decode<'a> + Encode + Copy>(
        &mut self,
        list: Option<&List<'a, T>>,
        version: i16,
    ) {
        self.length(list.map(List::len));
        if let Some(list) = list {
            list.encode_elements(self, version);
        }
    }

    /// Appends the list of a response.
    pub fn array<T: Encode>(&mut self, elements: &[T], version: i16) {
        self.nullable_array(Some(elements), version);
    }

    /// Appends the list of a response, or null.
    pub fn nullable_array<T: Encode>(&mut self, elements: Option<&[T]>, version: i16) {
        self.length(elements.map(<[T]>::len));
        for element in elements.unwrap_or_default() {
            element.encode(self, version);
        }
    }
}

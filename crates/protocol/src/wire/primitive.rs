//! Elements of lists that are not structures.

use std::borrow::Cow;

use crate::ProtocolError;
use crate::error::ELEMENT;
use crate::wire::{Decode, Encode, Reader, Writer};

impl<'a> Decode<'a> for i32 {
    fn decode(reader: &mut Reader<'a>, _version: i16) -> Result<i32, ProtocolError> {
        reader.i32(ELEMENT)
    }
}

impl Encode for i32 {
    fn encode(&self, writer: &mut Writer, _version: i16) {
        writer.i32(*self);
    }
}

impl<'a> Decode<'a> for &'a str {
    fn decode(reader: &mut Reader<'a>, _version: i16) -> Result<&'a str, ProtocolError> {
        reader.string(ELEMENT)
    }
}

impl Encode for &str {
    fn encode(&self, writer: &mut Writer, _version: i16) {
        writer.string(self);
    }
}

impl<'a> Reader<'a> {
    /// A string of a response.
    ///
    /// # Errors
    /// As [`Reader::string`].
    pub fn text(&mut self, field: &'static str) -> Result<Cow<'a, str>, ProtocolError> {
        self.string(field).map(Cow::Borrowed)
    }

    /// A string of a response, or null.
    ///
    /// # Errors
    /// As [`Reader::nullable_string`].
    pub fn nullable_text(&mut self, field: &'static str) -> Result<Option<Cow<'a, str>>, ProtocolError> {
        self.nullable_string(field).map(|string| string.map(Cow::Borrowed))
    }
}

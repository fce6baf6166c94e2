//! The flexible encoding of Kafka's messages (KIP-482), as far as metadata records use it.
//!
//! ```text
//! unsigned number   seven bits a byte, the lowest first
//! compact string    length + 1 as unsigned number, 0 for null; UTF-8
//! compact array     count + 1 as unsigned number, 0 for null; the elements
//! tagged fields     count; of each: tag, size, bytes. They end every message and every element
//! ```

/// Why bytes are no metadata record.
pub(super) type Unreadable = &'static str;

pub(super) type Result<T> = std::result::Result<T, Unreadable>;

/// What is left to be read of one message.
#[derive(Clone, Copy, Debug)]
pub(super) struct Reader<'a> {
    bytes: &'a [u8],
}

impl<'a> Reader<'a> {
    pub(super) fn new(bytes: &'a [u8]) -> Reader<'a> {
        Reader { bytes }
    }

    pub(super) fn rest(&self) -> &'a [u8] {
        self.bytes
    }

    /// All bytes must have been read.
    pub(super) fn end(self) -> Result<()> {
        if self.bytes.is_empty() { Ok(()) } else { Err("bytes are left over after its fields") }
    }

    pub(super) fn slice(&mut self, len: usize) -> Result<&'a [u8]> {
        let (taken, rest) = self.bytes.split_at_checked(len).ok_or("it ends within a field")?;
        self.bytes = rest;
        Ok(taken)
    }

    pub(super) fn array<const N: usize>(&mut self) -> Result<[u8; N]> {
        let (taken, rest) = self.bytes.split_first_chunk().ok_or("it ends within a field")?;
        self.bytes = rest;
        Ok(*taken)
    }

    pub(super) fn i8(&mut self) -> Result<i8> {
        self.array().map(i8::from_be_bytes)
    }

    pub(super) fn i16(&mut self) -> Result<i16> {
        self.array().map(i16::from_be_bytes)
    }

    pub(super) fn i32(&mut self) -> Result<i32> {
        self.array().map(i32::from_be_bytes)
    }

    pub(super) fn i64(&mut self) -> Result<i64> {
        self.array().map(i64::from_be_bytes)
    }

    pub(super) fn unsigned(&mut self) -> Result<u32> {
        let mut value = 0u32;
        for shift in [0, 7, 14, 21, 28] {
            let [byte] = self.array()?;
            let bits = u32::from(byte & 0x7f);
            if shift == 28 && bits > 0xf {
                break;
            }
            value |= bits << shift;
            if byte < 0x80 {
                return Ok(value);
            }
        }
        Err("a number is larger than 32 bits")
    }

    pub(super) fn nullable_str(&mut self) -> Result<Option<&'a str>> {
        match self.unsigned()?.checked_sub(1) {
            None => Ok(None),
            Some(len) => {
                let bytes = self.slice(len as usize)?;
                std::str::from_utf8(bytes).map(Some).map_err(|_| "a string is not UTF-8")
            }
        }
    }

    pub(super) fn str(&mut self) -> Result<&'a str> {
        self.nullable_str()?.ok_or("a string is null that must not be")
    }

    /// The elements of an array. None is read before the one before it was there, so that a count
    /// allocates nothing.
    pub(super) fn nullable_vec<T>(
        &mut self,
        mut element: impl FnMut(&mut Reader<'a>) -> Result<T>,
    ) -> Result<Option<Vec<T>>> {
        let Some(count) = self.unsigned()?.checked_sub(1) else { return Ok(None) };
        let mut elements = Vec::new();
        for _ in 0..count {
            let before = self.bytes.len();
            elements.push(element(self)?);
            if self.bytes.len() == before {
                return Err("an array has elements without bytes");
            }
        }
        Ok(Some(elements))
    }

    pub(super) fn vec<T>(&mut self, element: impl FnMut(&mut Reader<'a>) -> Result<T>) -> Result<Vec<T>> {
        self.nullable_vec(element)?.ok_or("an array is null that must not be")
    }

    /// Hands each tagged field to `field`.
    pub(super) fn tags(&mut self, mut field: impl FnMut(u32, Reader<'a>) -> Result<()>) -> Result<()> {
        for _ in 0..self.unsigned()? {
            let tag = self.unsigned()?;
            let size = self.unsigned()? as usize;
            field(tag, Reader::new(self.slice(size)?))?;
        }
        Ok(())
    }

    pub(super) fn skip_tags(&mut self) -> Result<()> {
        self.tags(|_, _| Ok(()))
    }
}

pub(super) fn put_unsigned(out: &mut Vec<u8>, mut value: u32) {
    while value >= 0x80 {
        out.push(value as u8 | 0x80);
        value >>= 7;
    }
    out.push(value as u8);
}

pub(super) fn put_str(out: &mut Vec<u8>, text: &str) {
    put_count(out, text.len());
    out.extend_from_slice(text.as_bytes());
}

pub(super) fn put_nullable_str(out: &mut Vec<u8>, text: Option<&str>) {
    match text {
        Some(text) => put_str(out, text),
        None => put_unsigned(out, 0),
    }
}

/// The length of a string, or the number of an array's elements, which follow.
pub(super) fn put_count(out: &mut Vec<u8>, count: usize) {
    put_unsigned(out, u32::try_from(count).map_or(u32::MAX, |count| count.saturating_add(1)));
}

pub(super) fn put_no_tags(out: &mut Vec<u8>) {
    put_unsigned(out, 0);
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn numbers_are_kafkas() {
        for (value, bytes) in [
            (0, &[0][..]),
            (127, &[0x7f]),
            (128, &[0x80, 1]),
            (300, &[0xac, 2]),
            (u32::MAX, &[0xff, 0xff, 0xff, 0xff, 0xf]),
        ] {
            let mut out = Vec::new();
            put_unsigned(&mut out, value);
            assert_eq!(out, bytes);
            assert_eq!(Reader::new(bytes).unsigned(), Ok(value));
        }
        assert!(Reader::new(&[0xff, 0xff, 0xff, 0xff, 0x1f]).unsigned().is_err());
        assert!(Reader::new(&[0x80; 6]).unsigned().is_err());
        assert!(Reader::new(&[0x80]).unsigned().is_err());
    }

    #[test]
    fn a_count_larger_than_its_array_allocates_nothing() {
        let bytes = [0xff, 0xff, 0xff, 0xff, 0xf, 0, 0];
        assert!(Reader::new(&bytes).vec(|r| r.i8()).is_err());
        assert!(Reader::new(&bytes).vec(|_| Ok(())).is_err());
        assert!(Reader::new(&bytes).str().is_err());
        assert!(Reader::new(&bytes).skip_tags().is_err());
    }

    proptest! {
        #[test]
        fn strings_come_back(text in proptest::option::of("\\PC{0,200}")) {
            let mut out = Vec::new();
            put_nullable_str(&mut out, text.as_deref());
            let mut reader = Reader::new(&out);
            prop_assert_eq!(reader.nullable_str().unwrap(), text.as_deref());
            prop_assert!(reader.end().is_ok());
        }
    }
}

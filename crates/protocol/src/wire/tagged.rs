//! Tagged fields: the optional end of every structure in the flexible versions (KIP-482).

use crate::ProtocolError;
use crate::wire::{Reader, Writer};

/// How many tagged fields one structure may have.
///
/// Kafka's own messages define at most four. A frame with twenty million of them took brokers down
/// (CVE-2026-111115); here nothing is allocated for a field that is not known, and a section with more is refused.
pub const MAX_TAGGED_FIELDS: u32 = 64;

impl<'a> Reader<'a> {
    /// Reads the tagged fields that end a structure; `known` decodes the tags it knows and says whether it did.
    /// The others are stepped over. Not flexible: there are none, and nothing is read.
    ///
    /// # Errors
    /// [`ProtocolError`] where there are too many, where their tags do not ascend, where one leaves the frame, or
    /// where a known one is not as long as it says.
    pub fn tagged_fields(
        &mut self,
        mut known: impl FnMut(u32, &mut Reader<'a>) -> Result<bool, ProtocolError>,
    ) -> Result<(), ProtocolError> {
        if !self.is_flexible() {
            return Ok(());
        }
        let position = self.position();
        let found = self.unsigned_varint("tagged fields")?;
        if found > MAX_TAGGED_FIELDS {
            return Err(ProtocolError::TooManyTaggedFields { position, found });
        }
        let mut previous = None;
        for _ in 0..found {
            let position = self.position();
            let tag = self.unsigned_varint("tag")?;
            if previous.is_some_and(|previous| previous >= tag) {
                return Err(ProtocolError::TagOutOfOrder { position, tag });
            }
            previous = Some(tag);
            self.tagged_field(tag, &mut known)?;
        }
        Ok(())
    }

    /// One field after its tag: its size, then its value.
    fn tagged_field(
        &mut self,
        tag: u32,
        known: &mut impl FnMut(u32, &mut Reader<'a>) -> Result<bool, ProtocolError>,
    ) -> Result<(), ProtocolError> {
        let size_bytes = self.unsigned_varint("tagged field size")?;
        let size_bytes = usize::try_from(size_bytes).unwrap_or(usize::MAX);
        let mut field = self.narrow("tagged field", size_bytes)?;
        let position = field.position();
        if known(tag, &mut field)? {
            if field.remaining() > 0 {
                let left = field.remaining();
                return Err(ProtocolError::TaggedFieldSize { position, tag, size_bytes, left });
            }
            self.close(&field);
        } else {
            self.take("tagged field", size_bytes)?;
        }
        Ok(())
    }

    /// Steps over the tagged fields of a structure that knows none.
    ///
    /// # Errors
    /// As [`Reader::tagged_fields`].
    pub fn no_tagged_fields(&mut self) -> Result<(), ProtocolError> {
        self.tagged_fields(|_, _| Ok(false))
    }
}

/// The tagged fields of one structure while they are written, in ascending order of their tags.
pub struct TaggedFields<'w> {
    writer: &'w mut Writer,
    count: u8,
}

impl TaggedFields<'_> {
    /// Writes one field. Fields that hold their default are left out by the caller, as Kafka does.
    pub fn field(&mut self, tag: u32, write: impl FnOnce(&mut Writer)) {
        self.count = self.count.saturating_add(1);
        self.writer.sized_field(tag, write);
    }
}

impl Writer {
    /// Writes the tagged fields that end a structure. Not flexible: there is no room for them, nothing is written
    /// and `write` is not called.
    pub fn tagged_fields(&mut self, write: impl FnOnce(&mut TaggedFields<'_>)) {
        if !self.is_flexible() {
            return;
        }
        let count_at = self.position();
        self.i8(0);
        let mut fields = TaggedFields { writer: self, count: 0 };
        write(&mut fields);
        let count = fields.count;
        self.patch(count_at, &[count]);
    }

    /// Ends a structure that has no tagged fields to send.
    pub fn no_tagged_fields(&mut self) {
        self.tagged_fields(|_| {});
    }
}

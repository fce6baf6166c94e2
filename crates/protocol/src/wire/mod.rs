//! The bounds-checked cursors over Kafka's primitive types, and what both directions share.

mod list;
mod primitive;
mod reader;
mod tagged;
mod uuid;
mod writer;

pub use list::{Iter, List};
pub use reader::Reader;
pub use tagged::{MAX_TAGGED_FIELDS, TaggedFields};
pub use uuid::{ParseUuidError, Uuid};
pub use writer::{Part, Writer};

use crate::ProtocolError;

/// A value that can be read from the wire.
///
/// Whether the compact forms of the flexible versions apply is known to the [`Reader`].
pub trait Decode<'a>: Sized {
    /// Reads one value at the cursor.
    ///
    /// # Errors
    /// Any [`ProtocolError`]; the cursor is then somewhere inside the value.
    fn decode(reader: &mut Reader<'a>, version: i16) -> Result<Self, ProtocolError>;
}

/// A value that can be written to the wire.
///
/// Writing does not fail on the spot: the [`Writer`] keeps the first error and the end of the frame reports
/// it, so that an encoder reads like the layout.
pub trait Encode {
    /// Appends the value.
    fn encode(&self, writer: &mut Writer, version: i16);
}

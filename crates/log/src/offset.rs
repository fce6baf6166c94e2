//! Where things are: offsets count records, positions count bytes of a file.

use std::fmt;

pub use ottla_record::Offset;

/// A byte position in one segment's `.log` file. Kafka's segments stay below 2 GiB.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[repr(transparent)]
pub struct Position(u32);

impl Position {
    /// The first byte.
    pub const ZERO: Position = Position(0);

    /// The position of this byte.
    pub const fn new(position: u32) -> Position {
        Position(position)
    }

    /// The number of bytes before it.
    pub const fn get(self) -> u32 {
        self.0
    }
}

impl fmt::Display for Position {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(&self.0, f)
    }
}

/// An offset and the position of the batch that holds it (Kafka's `OffsetPosition`).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct OffsetPosition {
    /// The offset.
    pub offset: Offset,
    /// Where its batch begins.
    pub position: Position,
}

/// A timestamp and the offset of the record that carries it (Kafka's `TimestampOffset`).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TimestampOffset {
    /// Milliseconds since 1970; −1 means none.
    pub timestamp_ms: i64,
    /// The offset.
    pub offset: Offset,
}

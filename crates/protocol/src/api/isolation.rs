//! Which records of transactions a reader sees.

use crate::ProtocolError;
use crate::wire::Reader;

/// Which records of transactions a reader sees (KIP-98).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[repr(i8)]
pub enum IsolationLevel {
    /// All of them.
    #[default]
    ReadUncommitted = 0,
    /// Those below the last stable offset, with a list of the aborted transactions among them.
    ReadCommitted = 1,
}

impl IsolationLevel {
    pub(super) fn decode(reader: &mut Reader<'_>) -> Result<IsolationLevel, ProtocolError> {
        let position = reader.position();
        match reader.i8("isolation_level")? {
            0 => Ok(IsolationLevel::ReadUncommitted),
            1 => Ok(IsolationLevel::ReadCommitted),
            other => {
                let found = i64::from(other);
                Err(ProtocolError::InvalidValue { field: "isolation_level", position, found })
            }
        }
    }

    pub(super) const fn code(self) -> i8 {
        self as i8
    }
}

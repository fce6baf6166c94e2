//! Who leads a partition (KIP-951).

use crate::ProtocolError;
use crate::wire::{Decode, Encode, Reader, Writer};

/// Who leads a partition, told to a client that asked another broker (KIP-951).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LeaderIdAndEpoch {
    /// The broker, or -1.
    pub leader_id: i32,
    /// Its epoch, or -1.
    pub leader_epoch: i32,
}

impl<'a> Decode<'a> for LeaderIdAndEpoch {
    fn decode(reader: &mut Reader<'a>, _version: i16) -> Result<Self, ProtocolError> {
        let leader = LeaderIdAndEpoch {
            leader_id: reader.i32("leader_id")?,
            leader_epoch: reader.i32("leader_epoch")?,
        };
        reader.no_tagged_fields()?;
        Ok(leader)
    }
}

impl Encode for LeaderIdAndEpoch {
    fn encode(&self, writer: &mut Writer, _version: i16) {
        writer.i32(self.leader_id);
        writer.i32(self.leader_epoch);
        writer.no_tagged_fields();
    }
}

//! The message formats before record batches, magic 0 and 1. They are only read.

mod header;
mod message;
mod message_set;

pub use header::LegacyHeader;
pub(crate) use header::{CRC_COVERS_FROM, verify_checksum};
pub(crate) use message::LegacyMessage;
pub(crate) use message_set::{MessageSet, Messages};

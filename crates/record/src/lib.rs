//! Kafka record batches: bytes to records and back. No I/O, no clock, no threads.
//!
//! A log stores *batches*; everything that happens to them on the way to the file and back is here:
//!
//! | to | call |
//! | --- | --- |
//! | find the next batch in a file | [`Head::parse`], which needs only the first [`HEAD_PEEK_LEN`] bytes |
//! | know that a stored batch is whole | [`verify_crc`], or [`BatchChecksum`] piece by piece |
//! | accept a batch from a client | [`check`] |
//! | give it its offset, epoch and time | [`patch_header`] |
//! | read its records | [`decode`] |
//! | write one | [`BatchBuilder`] |
//! | leave out some of them, as compaction does | [`BatchFilter`] |
//! | read the markers of transactions | [`ControlRecord`] |
//!
//! Batches of magic 2 are read and written. The message formats before it (magic 0 and 1, Kafka 0.7 to
//! 0.10) are read only.
//!
//! # Example
//! ```
//! use ottla_record::{BatchBuilder, Compression, Limits, check, decode};
//!
//! let mut builder = BatchBuilder::new().compression(Compression::None);
//! builder.push(1_700_000_000_000, Some(b"key"), Some(b"value"), &[])?;
//! let batch = builder.build()?;
//!
//! let checked = check(&batch, &Limits::default())?;
//! assert_eq!(checked.header.record_count, 1);
//!
//! let decoded = decode(&batch, 1 << 20)?;
//! for record in decoded.records() {
//!     assert_eq!(record?.value, Some(&b"value"[..]));
//! }
//! # Ok::<(), ottla_record::RecordError>(())
//! ```
//!
//! # What hostile bytes can cost
//! No input makes a function of this crate panic, and none makes it allocate by a length or a count that
//! it has not compared with the bytes that are there. [`Head::parse`], [`verify_crc`] and [`check`] of an
//! uncompressed batch allocate nothing. The bounds for compressed batches stand at [`check`] and
//! [`decode`].

#![forbid(unsafe_code)]

mod offset;

mod attributes;
mod header;

mod head;
mod legacy;

mod checksum;
mod varint;
mod verify;

mod compression;
mod record;

mod assign;
mod batch;
mod builder;
mod check;
mod control;
mod filter;
mod keyless;
mod keys;

mod error;

pub use assign::{Assignment, patch_header};
pub use attributes::{Attributes, TimestampType};
pub use batch::{Decoded, Records, decode};
pub use builder::BatchBuilder;
pub use check::{Checked, Limits, check, check_with};
pub use compression::{Compression, Scratch};
pub use control::{ControlRecord, EndTransactionMarker};
pub use error::RecordError;
pub use filter::{BatchFilter, FilterRules, Filtered};
pub use head::{HEAD_PEEK_LEN, Head, Magic, ProducerStamp};
pub use header::BatchHeader;
pub use keyless::records_without_key;
pub use keys::{KeyAt, each_key};
pub use legacy::LegacyHeader;
pub use offset::Offset;
pub use record::{Header, Headers, Record};
pub use verify::{BatchChecksum, verify_crc};

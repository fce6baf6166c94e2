//! Why bytes are not the records they should be.

use crate::{Compression, Magic};

/// What is wrong with a batch, a message or a record.
///
/// [`RecordError::TooShort`] is the only variant that more bytes could mend: at the end of a file that is
/// still being written it means "not there yet". All others are damage, or a client's mistake; the doc of
/// a variant says which where it matters.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum RecordError {
    /// The bytes end before the batch, or before its head, does.
    #[error("{found} bytes where at least {needed} are needed")]
    TooShort {
        /// Bytes that are needed.
        needed: usize,
        /// Bytes that are there.
        found: usize,
    },
    /// The length field of a batch or message is negative or too small for its head. Zeros at the end of a
    /// file show as this, with a length of 0.
    #[error("length field of {length}, of which {minimum} is the least")]
    BadLength {
        /// The field.
        length: i32,
        /// The least that a batch of this magic can have.
        minimum: i32,
    },
    /// There are bytes after the end of the batch, of its records or of a compressed stream.
    #[error("{count} bytes after the end")]
    TrailingBytes {
        /// How many.
        count: usize,
    },
    /// The magic byte is none that Kafka has used.
    #[error("unknown magic {found}")]
    UnknownMagic {
        /// The byte.
        found: i8,
    },
    /// A message of a format that is only read, offered for writing.
    #[error("messages of magic {} can be read but not appended", .magic.get())]
    OldMagic {
        /// Its magic.
        magic: Magic,
    },
    /// The bytes changed after the checksum was computed.
    #[error("checksum {stored:#010x} is stored, {computed:#010x} is right")]
    CrcMismatch {
        /// The checksum in the batch.
        stored: u32,
        /// The checksum of the bytes.
        computed: u32,
    },
    /// The batch is larger than the log takes (Kafka: `MESSAGE_TOO_LARGE`).
    #[error("batch of {found} bytes, {limit} is the limit")]
    TooLarge {
        /// Bytes of the batch.
        found: usize,
        /// The limit.
        limit: usize,
    },
    /// The attributes name a codec that does not exist.
    #[error("unknown compression codec {id}")]
    UnknownCodec {
        /// Its number.
        id: u8,
    },
    /// The attributes name a codec that this build leaves out.
    #[error("{compression} is not part of this build")]
    CodecNotBuilt {
        /// The codec.
        compression: Compression,
    },
    /// The codec came after this message format, so that no reader of the format knows it.
    #[error("{compression} does not exist in messages of magic {}", .magic.get())]
    CodecNotInFormat {
        /// The codec.
        compression: Compression,
        /// The format.
        magic: Magic,
    },
    /// The compressed bytes are not what the codec wrote, or not in the dialect that Kafka's readers take.
    #[error("{compression}: {reason}")]
    Decompress {
        /// The codec.
        compression: Compression,
        /// What it met.
        reason: String,
    },
    /// The records are larger than the caller takes once they are decompressed.
    #[error("more than {limit} bytes after decompression")]
    DecompressedTooLarge {
        /// The limit.
        limit: usize,
    },
    /// The record count and the offset range of the header contradict each other.
    #[error("{record_count} records cannot span a last offset delta of {last_offset_delta}")]
    CountMismatch {
        /// Records by the header.
        record_count: i32,
        /// Last offset delta by the header.
        last_offset_delta: i32,
    },
    /// The records end before the header's count is reached.
    #[error("{found} records where the header counts {record_count}")]
    RecordsMissing {
        /// Records by the header.
        record_count: i32,
        /// Records that are there.
        found: i32,
    },
    /// A record's offset is not the next one.
    #[error("record {index} has offset delta {found}")]
    BadOffsetDelta {
        /// Its place in the batch, from 0; its offset delta should be the same.
        index: i32,
        /// The delta it has.
        found: i32,
    },
    /// A variable-length number does not end where its type does.
    #[error("variable-length number of more than {max_bytes} bytes, or with bits beyond its type")]
    BadVarint {
        /// The most bytes that a number of the type can have.
        max_bytes: usize,
    },
    /// The length of a record, key, value or header is negative (and not the -1 of a null).
    #[error("length of {length} inside a record")]
    BadFieldLength {
        /// The length.
        length: i32,
    },
    /// A field of a record ends after the record does.
    #[error("a field needs {needed} bytes of the record, {left} are left")]
    FieldOverrun {
        /// Bytes of the field.
        needed: usize,
        /// Bytes of the record that were left.
        left: usize,
    },
    /// A record has more bytes than its fields.
    #[error("{count} bytes of the record after its last field")]
    RecordTrailingBytes {
        /// How many.
        count: usize,
    },
    /// The number of headers of a record is negative, or more than its bytes can hold.
    #[error("{count} headers in {left} bytes")]
    BadHeaderCount {
        /// The number.
        count: i32,
        /// Bytes of the record that were left.
        left: usize,
    },
    /// A timestamp is outside the range that the log takes (Kafka: `INVALID_TIMESTAMP`).
    #[error("record {index} has timestamp {timestamp_ms} ms, which is out of range")]
    TimestampOutOfRange {
        /// Its place in the batch, from 0.
        index: i32,
        /// Its timestamp; the nearest of its type where the sum of base and delta overflows.
        timestamp_ms: i64,
    },
    /// A record of a compacted topic has no key.
    #[error("record {index} has no key")]
    MissingKey {
        /// Its place in the batch, from 0.
        index: i32,
    },
    /// The producer fields contradict each other.
    #[error("producer id {producer_id} with epoch {producer_epoch} and base sequence {base_sequence}")]
    BadProducer {
        /// The id.
        producer_id: i64,
        /// The epoch.
        producer_epoch: i16,
        /// The sequence number of the first record.
        base_sequence: i32,
    },
    /// A compressed message holds a compressed message.
    #[error("a compressed message inside a compressed message")]
    NestedCompression,
    /// A compressed message of the old formats holds no messages.
    #[error("a compressed message without messages inside")]
    EmptyMessageSet,
    /// The offset of a compressed message of magic 1 is before those of the messages inside it.
    #[error("the wrapper has offset {wrapper}, its last message the relative offset {last_inner}")]
    BadWrapperOffset {
        /// The offset of the wrapper.
        wrapper: i64,
        /// The relative offset of the last message inside.
        last_inner: i64,
    },
    /// The key or value of a control record is too short or of a negative version.
    #[error("control record with a {part} of {length} bytes and version {version:?}")]
    BadControlRecord {
        /// `"key"` or `"value"`.
        part: &'static str,
        /// Its bytes.
        length: usize,
        /// Its version, where it has one.
        version: Option<i16>,
    },
    /// What a builder was given does not fit the fields of the format.
    #[error("{what} does not fit a record batch")]
    DoesNotFit {
        /// What was too large.
        what: &'static str,
    },
}

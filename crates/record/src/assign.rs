//! The edits that a log makes in a batch that it takes: in the header only, and on a copy of it.

use crate::{BatchHeader, Offset, TimestampType, checksum, header};

/// What a log writes into the header of a batch before it stores it.
///
/// Base offset and leader epoch stand outside the checksum. The two times stand inside it, so that the
/// checksum is computed anew where one of them changes the header.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Assignment {
    /// The offset of the first record.
    pub base_offset: Offset,
    /// The epoch of this leader.
    pub leader_epoch: i32,
    /// The time of appending, for a topic with `message.timestamp.type=LogAppendTime`.
    pub append_time_ms: Option<i64>,
    /// The largest timestamp that [`check`](crate::check) found, where it may differ from the header's.
    /// Without effect beside an append time.
    pub max_timestamp_ms: Option<i64>,
}

/// Carries out an assignment on the header of a batch whose other bytes are `records`.
///
/// ```
/// use ottla_record::{Assignment, BatchBuilder, BatchHeader, Offset, patch_header, verify_crc};
/// let mut builder = BatchBuilder::new();
/// builder.push(1_000, None, Some(b"value"), &[])?;
/// let mut batch = builder.build()?;
///
/// let (header, records) = batch.split_first_chunk_mut::<{ BatchHeader::LEN }>().unwrap();
/// let assignment = Assignment {
///     base_offset: Offset::new(7),
///     leader_epoch: 3,
///     append_time_ms: Some(2_000),
///     max_timestamp_ms: None,
/// };
/// patch_header(header, assignment, records);
///
/// let head = verify_crc(&batch)?;
/// assert_eq!((head.base_offset(), head.leader_epoch()), (Offset::new(7), 3));
/// assert_eq!(head.max_timestamp_ms(), 2_000);
/// # Ok::<(), ottla_record::RecordError>(())
/// ```
pub fn patch_header(header: &mut [u8; BatchHeader::LEN], assignment: Assignment, records: &[u8]) {
    header::set_base_offset(header, assignment.base_offset);
    header::set_leader_epoch(header, assignment.leader_epoch);

    let attributes = header::attributes(header);
    let (attributes_after, max_timestamp_after) = match assignment {
        Assignment { append_time_ms: Some(append_time_ms), .. } => {
            (attributes.with_timestamp_type(TimestampType::LogAppendTime), Some(append_time_ms))
        }
        Assignment { max_timestamp_ms, .. } => (attributes, max_timestamp_ms),
    };
    let max_timestamp = header::max_timestamp_ms(header);
    let max_timestamp_after = max_timestamp_after.unwrap_or(max_timestamp);
    if (attributes_after, max_timestamp_after) != (attributes, max_timestamp) {
        header::set_attributes(header, attributes_after);
        header::set_max_timestamp_ms(header, max_timestamp_after);
        let crc = checksum::crc32c_of_two(header::covered(header), records);
        header::set_crc(header, crc);
    }
}

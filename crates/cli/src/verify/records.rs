use ottla_record::{Head, TimestampType};

use crate::partition::MAX_DECOMPRESSED_BYTES;

/// Reads all records of a whole batch, and returns how many there are.
///
/// # Errors
/// What is wrong with them.
pub fn count(batch: &[u8]) -> Result<u64, String> {
    let decoded = ottla_record::decode(batch, MAX_DECOMPRESSED_BYTES).map_err(|error| error.to_string())?;
    let head = decoded.head();
    let mut count = 0;
    let mut previous = None;
    for record in decoded.records() {
        let record = record.map_err(|error| format!("record {count}: {error}"))?;
        if record.offset > head.last_offset() || previous.is_some_and(|previous| record.offset <= previous) {
            return Err(format!("record {count} has offset {}, out of order", record.offset));
        }
        if is_newer_than_its_batch(head, record.timestamp_ms) {
            return Err(format!("record {count} is newer than its batch says: {} ms", record.timestamp_ms));
        }
        previous = Some(record.offset);
        count += 1;
    }
    Ok(count)
}

fn is_newer_than_its_batch(head: &Head, timestamp_ms: i64) -> bool {
    head.timestamp_type() == Some(TimestampType::CreateTime) && timestamp_ms > head.max_timestamp_ms()
}

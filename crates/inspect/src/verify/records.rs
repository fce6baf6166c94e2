use ottla::Offset;
use ottla_record::TimestampType;

use crate::partition::MAX_DECOMPRESSED_BYTES;

/// Reads all records of a whole batch, and returns how many there are.
///
/// # Errors
/// What is wrong with them.
pub fn count(batch: &[u8]) -> Result<u64, String> {
    let decoded = ottla_record::decode(batch, MAX_DECOMPRESSED_BYTES).map_err(|error| error.to_string())?;
    let head = decoded.head();
    let last_offset = head.last_offset();
    let newest_ms = match head.timestamp_type() {
        Some(TimestampType::CreateTime) => head.max_timestamp_ms(),
        _ => i64::MAX,
    };
    let mut count = 0;
    let mut least = Offset::new(i64::MIN);
    let read = decoded.for_each_stamp(|offset, timestamp_ms| {
        if offset < least || offset > last_offset {
            return Err(format!("record {count} has offset {offset}, out of order"));
        }
        if timestamp_ms > newest_ms {
            return Err(format!("record {count} is newer than its batch says: {timestamp_ms} ms"));
        }
        least = offset + 1;
        count += 1;
        Ok(())
    });
    read.map_err(|error| format!("record {count}: {error}"))??;
    Ok(count)
}

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
            return Err(Wrong::Offset(offset));
        }
        if timestamp_ms > newest_ms {
            return Err(Wrong::Time(timestamp_ms));
        }
        least = offset + 1;
        count += 1;
        Ok(())
    });
    match read {
        Ok(Ok(())) => Ok(count),
        Ok(Err(Wrong::Offset(offset))) => Err(format!("record {count} has offset {offset}, out of order")),
        Ok(Err(Wrong::Time(time_ms))) => {
            Err(format!("record {count} is newer than its batch says: {time_ms} ms"))
        }
        Err(error) => Err(format!("record {count}: {error}")),
    }
}

/// What is wrong with a record; it becomes text outside the loop.
enum Wrong {
    Offset(Offset),
    Time(i64),
}

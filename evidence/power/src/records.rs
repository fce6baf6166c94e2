//! What the records hold: all of it follows from their number, so that a wrong byte is seen.

use ottla::Offset;
use ottla_record::{BatchBuilder, RecordError};

use crate::op::Batch;
use crate::rng::Rng;

/// So many keys there are in a compacted topic.
const KEYS: u64 = 7;
/// The time of record 0.
const BEGIN_MS: i64 = 1_700_000_000_000;

/// The bytes of a value.
pub fn value(number: u64, len: u32) -> Vec<u8> {
    let mut value = format!("{number:016}").into_bytes();
    let mut filler = Rng::new(number);
    while value.len() < len as usize {
        value.extend(filler.next().to_be_bytes());
    }
    value.truncate((len as usize).max(16));
    value
}

/// The key of a record.
pub fn key(number: u64) -> String {
    format!("key {}", number % KEYS)
}

/// The batch as it is sent; with keys in a compacted topic.
///
/// # Errors
/// None that could be: the records are well formed.
pub fn build(batch: &Batch, keyed: bool) -> Result<Vec<u8>, RecordError> {
    let mut builder = BatchBuilder::new();
    if let Some(producer) = batch.producer {
        builder = builder.producer(producer.id, 0, producer.sequence).transactional(producer.transactional);
    }
    for number in batch.first..batch.first + u64::from(batch.count) {
        let key = keyed.then(|| key(number));
        let key = key.as_ref().map(String::as_bytes);
        builder.push(time_ms(number), key, Some(&value(number, batch.len)), &[])?;
    }
    builder.build()
}

/// The time of a record.
pub fn time_ms(number: u64) -> i64 {
    BEGIN_MS + number as i64
}

/// An offset as a number from the script.
pub fn offset(number: i64) -> Offset {
    Offset::new(number)
}

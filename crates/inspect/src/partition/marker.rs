use ottla::producer::Marker;
use ottla_record::{ControlRecord, Head, RecordError};

use super::MAX_DECOMPRESSED_BYTES;

/// The marker in a control batch; `None` in other batches, and where there is no marker.
///
/// # Errors
/// Where the control record cannot be read.
pub fn marker_of(head: &Head, bytes: &[u8]) -> Result<Option<Marker>, RecordError> {
    if !head.is_control() {
        return Ok(None);
    }
    let decoded = ottla_record::decode(bytes, MAX_DECOMPRESSED_BYTES)?;
    let Some(record) = decoded.records().next() else { return Ok(None) };
    let record = record?;
    Ok(Marker::of(&ControlRecord::parse(record.key, record.value)?))
}

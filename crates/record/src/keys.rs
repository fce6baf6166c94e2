//! Which key stands at which offset: all that compaction asks of a batch before it writes anything.

use std::ops::ControlFlow;

use crate::{Head, Offset, RecordError, decode};

/// What compaction weighs of one record.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct KeyAt<'a> {
    /// The record's place in the partition.
    pub offset: Offset,
    /// Its key; `None` is Kafka's null.
    pub key: Option<&'a [u8]>,
    /// Whether it has a value; a tombstone has none.
    pub has_value: bool,
}

/// Shows the key of each record of a whole stored batch or message to `visit`, until that breaks off. Records
/// are read as strictly as by [`Decoded::records`](crate::Decoded::records), at less cost.
///
/// ```
/// use ottla_record::{BatchBuilder, KeyAt, Offset, each_key};
/// use std::ops::ControlFlow::Continue;
/// let mut builder = BatchBuilder::new().base_offset(Offset::new(7));
/// builder.push(10, Some(b"ottla"), None, &[])?;
/// let mut seen = Vec::new();
/// each_key(&builder.build()?, 1 << 20, |at| Continue(seen.push((at.offset.get(), at.has_value))))?;
/// assert_eq!(seen, [(7, false)]);
/// # Ok::<(), ottla_record::RecordError>(())
/// ```
///
/// # Errors
/// As [`decode`] and [`Decoded::records`](crate::Decoded::records); the records before the damage were shown.
pub fn each_key(
    batch: &[u8],
    max_decompressed_bytes: usize,
    mut visit: impl FnMut(KeyAt<'_>) -> ControlFlow<()>,
) -> Result<(), RecordError> {
    let decoded = decode(batch, max_decompressed_bytes)?;
    if let (Head::V2(header), Some(mut records)) = (decoded.head(), decoded.batch_records()) {
        for read in 0..header.record_count {
            let record = records.read_raw(read)?;
            let offset = header.base_offset + i64::from(record.offset_delta);
            if visit(KeyAt { offset, key: record.key, has_value: record.value.is_some() }).is_break() {
                return Ok(());
            }
        }
        return records.finish();
    }
    for record in decoded.records() {
        let record = record?;
        let at = KeyAt { offset: record.offset, key: record.key, has_value: record.value.is_some() };
        if visit(at).is_break() {
            break;
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::BatchBuilder;

    /// What is shown, and how it ends.
    type Shown = (Vec<(Offset, Option<Vec<u8>>, bool)>, Result<(), RecordError>);

    fn shown(batch: &[u8]) -> Shown {
        let mut shown = Vec::new();
        let end = each_key(batch, 1 << 20, |at| {
            shown.push((at.offset, at.key.map(<[u8]>::to_vec), at.has_value));
            ControlFlow::Continue(())
        });
        (shown, end)
    }

    fn decoded(batch: &[u8]) -> Shown {
        let mut records = Vec::new();
        let opened = match decode(batch, 1 << 20) {
            Ok(opened) => opened,
            Err(e) => return (records, Err(e)),
        };
        for record in opened.records() {
            match record {
                Ok(r) => records.push((r.offset, r.key.map(<[u8]>::to_vec), r.value.is_some())),
                Err(e) => return (records, Err(e)),
            }
        }
        (records, Ok(()))
    }

    #[test]
    fn it_ends_when_it_is_told() {
        let mut builder = BatchBuilder::new();
        for _ in 0..3 {
            builder.push(0, Some(b"k"), None, &[]).unwrap();
        }
        let mut count = 0;
        each_key(&builder.build().unwrap(), 1 << 20, |_| {
            count += 1;
            if count == 2 { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
        })
        .unwrap();
        assert_eq!(count, 2);
    }

    proptest! {
        #[test]
        fn damaged_or_not_it_sees_what_decoding_sees(
            fields in proptest::collection::vec((any::<Option<Vec<u8>>>(), any::<Option<Vec<u8>>>()), 0..8),
            damage in proptest::option::of((57_usize..400, any::<u8>())),
        ) {
            let mut builder = BatchBuilder::new().base_offset(Offset::new(40));
            for (key, value) in &fields {
                builder.push(5, key.as_deref(), value.as_deref(), &[crate::Header::new("h", None)]).unwrap();
            }
            let mut batch = builder.build().unwrap();
            if let Some((at, bits)) = damage && let Some(byte) = batch.get_mut(at) {
                *byte ^= bits;
            }
            prop_assert_eq!(shown(&batch), decoded(&batch));
        }
    }
}
